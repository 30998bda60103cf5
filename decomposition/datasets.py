"""Tensors to test solvers on: hard ones of known rank, and planted ones of known truth.

Planted tensors come with their truth; ``noise`` is the Frobenius norm of the noise over that of the
noise-free tensor; ``rng`` is a Generator, a seed or None.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.checks import mode_ranks
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.harmonics import clebsch_gordan_block
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.checks import integer

Tensor = NDArray[np.float64]


def clebsch_gordan(degree: int, paths: str = "all") -> Tensor:
    """All couplings of real spherical harmonics up to a degree L, each of norm 1, in one tensor.

    Block (l1, l2, l3) is `clebsch_gordan_block` for every ``|l1 - l2| <= l3 <= min(l1 + l2, L)``,
    so the squared norm is the number of paths: 5 at L = 1, 15 at L = 2. CP ranks found at L = 1: 8
    for all paths, 6 for even ones (the octahedron), 5 for the odd one, Levi-Civita / sqrt 6.

    Parameters
    ----------
    degree : int
        L.
    paths : "all", "even" or "odd", default "all"
        Which parities of l1 + l2 + l3 to keep.

    Returns
    -------
    ((L + 1)^2, (L + 1)^2, (L + 1)^2) array

    Examples
    --------
    >>> round(float((clebsch_gordan(1) ** 2).sum()), 12)
    5.0
    """
    top = integer("degree", degree, 0)
    if paths not in ("all", "even", "odd"):
        raise ValueError(f"`paths` must be 'all', 'even' or 'odd', got {paths!r}.")
    out = np.zeros(((top + 1) ** 2,) * 3)
    for l1 in range(top + 1):
        for l2 in range(top + 1):
            for l3 in range(abs(l1 - l2), min(l1 + l2, top) + 1):
                if paths != "all" and (l1 + l2 + l3) % 2 != (paths == "odd"):
                    continue
                block = tuple(slice(k**2, (k + 1) ** 2) for k in (l1, l2, l3))
                out[block] = clebsch_gordan_block(l1, l2, l3)
    return out


def matrix_multiplication(m: int, n: int, p: int) -> Tensor:
    """The bilinear map of (m, n) times (n, p) matrices: ``T[ij, jk, ki] = 1``, zero elsewhere.

    Its CP rank is the number of multiplications needed: 7 for (2, 2, 2) (V. Strassen, 1969).

    Returns
    -------
    (m n, n p, p m) array

    Examples
    --------
    >>> matrix_multiplication(2, 2, 2).sum()
    np.float64(8.0)
    """
    m, n, p = integer("m", m, 1), integer("n", n, 1), integer("p", p, 1)
    out = np.einsum("il,jm,kn->ijmknl", np.eye(m), np.eye(n), np.eye(p))
    return np.asarray(out.reshape(m * n, n * p, p * m))


def hilbert(shape: Sequence[int]) -> Tensor:
    """``1 / (1 + sum of the indices)``: full rank, with singular values that fall exponentially."""
    return np.asarray(1.0 / (1 + np.indices(_shape(shape)).sum(axis=0)))


def w_state(n: int = 3) -> Tensor:
    """The W state of n qubits, norm 1: rank n, yet rank-2 tensors come as close as one likes.

    The best rank-1 tensor leaves a squared error of 5/9 at n = 3.
    """
    n = integer("n", n, 2)
    out = np.zeros((2,) * n)
    for k in range(n):
        out[tuple(int(j == k) for j in range(n))] = n**-0.5
    return out


def planted_tucker(
    shape: Sequence[int], ranks: Any, *, noise: float = 0.0, rng: Any = None
) -> tuple[Tensor, TuckerTensor]:
    """A random Tucker tensor with Gaussian noise, and the truth."""
    rng = np.random.default_rng(rng)
    truth = TuckerTensor.random(_shape(shape), mode_ranks(ranks, _shape(shape)), rng=rng)
    return _noisy(truth.to_dense(), rng.standard_normal, noise), truth


def planted_cp(
    shape: Sequence[int], rank: int, *, noise: float = 0.0, rng: Any = None
) -> tuple[Tensor, CPTensor]:
    """A sum of Gaussian rank-one terms with Gaussian noise, and the truth."""
    rng = np.random.default_rng(rng)
    truth = CPTensor.random(_shape(shape), rank, rng=rng)
    return _noisy(truth.to_dense(), rng.standard_normal, noise), truth.normalize()


def planted_nonnegative(
    shape: Sequence[int] = (1770, 400, 8),
    rank: int = 6,
    *,
    noise: float = 0.3,
    active: float = 0.2,
    rng: Any = None,
) -> tuple[Tensor, CPTensor]:
    """Motifs as in recordings of neurons: nonnegative, overlapping, with nonnegative noise.

    The noise is the absolute value of a Gaussian. Its mean is a flat rank-one tensor, so a fit
    needs one component more than there are motifs.

    Parameters
    ----------
    shape : sequence of int
        The first mode is meant for pairs of neurons, the second for time, the third for animals.
    rank : int, default 6
        Number of motifs.
    noise : float, default 0.3
    active : float, default 0.2
        Fraction of the entries of a factor, but for the last, that take part in a motif.
    rng : Generator, seed or None

    Returns
    -------
    x : array
    truth : CPTensor
        Without the noise and its mean.
    """
    rng, sizes = np.random.default_rng(rng), _shape(shape)
    factors = [rng.uniform(0.5, 1.5, (n, integer("rank", rank, 1))) for n in sizes]
    for f in factors[:-1]:
        f *= rng.random(f.shape) < active
        f[rng.integers(len(f), size=rank), np.arange(rank)] += 1  # no motif is empty
    truth = CPTensor(np.ones(rank), tuple(factors))
    return _noisy(truth.to_dense(), lambda n: np.abs(rng.standard_normal(n)), noise), (
        truth.normalize()
    )


def planted_sparse(
    shape: Sequence[int], rank: int, nonzeros: int, *, rng: Any = None
) -> tuple[tuple[NDArray[np.intp], Tensor, tuple[int, ...]], CPTensor]:
    """A sparse tensor of exactly the given CP rank in coordinate form, and the truth.

    Each term is a dense block over random indices of each mode; blocks may overlap.

    Parameters
    ----------
    shape : sequence of int
    rank : int
    nonzeros : int
        Wished number of nonzeros; the result has about as many.
    rng : Generator, seed or None

    Returns
    -------
    (coords, values, shape)
        coords (nnz, modes) in lexicographic order, without duplicates.
    truth : CPTensor
    """
    rng, sizes = np.random.default_rng(rng), _shape(shape)
    rank, nonzeros = integer("rank", rank, 1), integer("nonzeros", nonzeros, rank)
    side = (nonzeros / rank / math.prod(sizes)) ** (1 / len(sizes))  # the same part of every mode
    spans = [min(n, max(1, round(side * n))) for n in sizes]
    factors = [np.zeros((n, rank)) for n in sizes]
    blocks = []
    for r in range(rank):
        chosen = [np.sort(rng.choice(n, s, False)) for n, s in zip(sizes, spans, strict=True)]
        for f, rows in zip(factors, chosen, strict=True):
            f[rows, r] = rng.uniform(0.5, 1.5, len(rows)) * rng.choice([-1.0, 1.0], len(rows))
        blocks.append(np.ravel_multi_index(np.ix_(*chosen), sizes).ravel())
    truth = CPTensor(np.ones(rank), tuple(factors))
    coords = np.stack(np.unravel_index(np.unique(np.concatenate(blocks)), sizes), axis=1)
    return (coords, truth.at(coords), sizes), truth.normalize()


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(integer(f"shape[{k}]", n, 1) for k, n in enumerate(shape))


def _noisy(x: Tensor, draw: Any, noise: float) -> Tensor:
    if not 0 <= noise < math.inf:
        raise ValueError(f"`noise` is a ratio of norms >= 0, got {noise}.")
    if noise == 0:
        return x
    added = draw(x.shape)
    return np.asarray(x + added * (noise * np.linalg.norm(x) / np.linalg.norm(added)))
