"""Where the inference starts: means of the mode functions at the nodes.

The zero function is a fixed point of coordinate ascent, and wide starting covariances fall into it.
So means of size 1 with small covariances are the start, and the core is updated first.
"""

import numpy as np

from rankloom.decomposition.cp_solver import cp
from rankloom.decomposition.functional.algebra import Algebra, gather_plain
from rankloom.decomposition.functional.chains import prior_paths
from rankloom.decomposition.functional.observations import Observations
from rankloom.decomposition.functional.processes import Floats, Kernel
from rankloom.decomposition.tucker_solver import tucker

_BINS = 24
_SWEEPS = 60
_CLEARLY = 0.02  # a shift must lower the error by so much to be taken


def random_means(
    data: Observations, algebra: Algebra, kernels: tuple[Kernel, ...], rng: np.random.Generator
) -> list[Floats]:
    """A draw from the prior of every mode, scaled to unit variance: K arrays (J_k, R_k)."""
    return [
        prior_paths(kernel, nodes, rank, 1, rng)[0] / kernel.prior(nodes)[:, 0, 0].mean() ** 0.5
        for kernel, nodes, rank in zip(kernels, data.nodes, algebra.ranks, strict=True)
    ]


def binned(
    data: Observations, bins: int | tuple[int, ...]
) -> tuple[Floats, list[Floats], list[np.ndarray]]:
    """The table as a dense tensor of bins that hold about equally many observations each.

    Returns
    -------
    tensor : (b_0, b_1, ..) array
        Weighted means of the cells, NaN where a cell is empty.
    centers : K arrays (b_k,)
        Mean coordinate of each bin.
    places : K int arrays (J_k,)
        Bin of each node.
    """
    sizes = (bins,) * len(data.nodes) if isinstance(bins, int) else bins
    centers, places = [], []
    for k, nodes in enumerate(data.nodes):
        counts = np.bincount(data.index[:, k], weights=data.weights, minlength=len(nodes))
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        place = np.minimum((middle * sizes[k]).astype(np.intp), sizes[k] - 1)
        place = np.unique(place, return_inverse=True)[1]
        total = np.bincount(place, weights=counts)
        centers.append(np.bincount(place, weights=counts * nodes) / total)
        places.append(place)
    shape = tuple(len(c) for c in centers)
    columns = [place[data.index[:, k]] for k, place in enumerate(places)]
    cells = np.ravel_multi_index(tuple(columns), shape)
    full = int(np.prod(shape))
    weight = np.bincount(cells, weights=data.weights, minlength=full)
    value = np.bincount(cells, weights=data.weights * data.y, minlength=full)
    with np.errstate(invalid="ignore"):
        return (value / weight).reshape(shape), centers, places


def als_means(
    data: Observations, algebra: Algebra, rng: np.random.Generator, *, shifted: bool
) -> tuple[list[Floats] | None, float]:
    """Factors of the house's CP or Tucker solver on the binned table, carried over to the nodes.

    With `shifted` the table is also tried as it was before its mean was taken off, which may have
    lowered its rank or raised it; the closer fit wins.

    Returns
    -------
    means : K arrays (J_k, R_k), or None
        None where the table is too small: a single mode, or fewer bins than functions.
    offset : float
        Constant taken off the scaled values.
    """
    modes = len(data.nodes)
    per_mode = int(min(_BINS, (len(data.y) / 2) ** (1 / modes)))
    if modes < 2 or per_mode < 2:
        return None, 0.0
    tensor, centers, _ = binned(data, tuple(min(per_mode, len(n)) for n in data.nodes))
    if any(r > n for r, n in zip(algebra.ranks, tensor.shape, strict=True)):
        return None, 0.0
    best, offset, least = None, 0.0, np.inf
    for shift in (0.0, -data.center / data.scale) if shifted else (0.0,):
        moved = tensor - shift
        factors, error = _factors(moved, algebra, rng)
        error *= float(np.sqrt(np.nansum(moved**2)))
        if error < least * (1 - _CLEARLY):
            best, offset, least = factors, shift, error
    if best is None:
        return None, 0.0
    return [
        np.stack([np.interp(nodes, center, column) for column in f.T], axis=1)
        for nodes, center, f in zip(data.nodes, centers, best, strict=True)
    ], offset


def _factors(
    tensor: Floats, algebra: Algebra, rng: np.random.Generator
) -> tuple[list[Floats], float]:
    """Factors with entries of about size 1, and the relative error."""
    if algebra.kron:
        fit = tucker(tensor, ranks=algebra.ranks, max_sweeps=_SWEEPS)
        return [f * len(f) ** 0.5 for f in fit.tensor.factors], fit.error
    found = cp(tensor, algebra.ranks[0], max_sweeps=_SWEEPS, rng=rng)
    share = found.tensor.weights ** (1 / tensor.ndim)
    return [f * share for f in found.tensor.factors], found.error


def least_squares_core(
    data: Observations, algebra: Algebra, means: list[Floats], offset: float
) -> Floats:
    """Core (D,) that fits best to given means and offset, with a small ridge."""
    size = int(np.prod(algebra.shape))
    gram, right = np.eye(size), np.zeros(size)
    for start in range(0, len(data.y), 4096):
        part = slice(start, start + 4096)
        rows = gather_plain(means, data.index[part], np.ones(len(data.y[part])), algebra.kron)
        weighted = rows * data.weights[part, None]
        gram += weighted.T @ rows
        right += weighted.T @ (data.y[part] - offset)
    return np.asarray(np.linalg.solve(gram, right), np.float64)
