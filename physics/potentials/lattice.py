"""Potentials of finite lattices by assembled sums: as many terms as one charge has.

A lattice of charges ``q_ijk = sum_s u_s[i] v_s[j] w_s[k]`` and one Gaussian of the kernel give a
product of three sums along the axes, so that the whole lattice has as many rank-one terms as the
kernel of a single charge, times the number of terms s. The cost grows with the edge of the lattice,
not with its volume (V. Khoromskaia, B. Khoromskij, the assembled tensor summation used in
arXiv:2503.01696). A vacancy or an impurity adds one kernel more.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import ChebyshevTucker, tucker
from rankloom.decomposition.chebyshev.basis import nodes, to_coefficients
from rankloom.decomposition.chebyshev.canonical import reduced
from rankloom.physics.potentials.quadrature import GaussianSum, quadrature
from rankloom.physics.potentials.universal_basis import degree
from rankloom.tn.checks import integer

Site = tuple[int, int, int]

_MOST_COEFFICIENTS = 2**15
_SAFETY = 0.3  # of `tol` for each of the errors that add up
_MOST_TERMS = 2048


def lattice_potential(
    spacing: float | Sequence[float],
    shape: Sequence[int],
    charges: Any,
    grid: Any,
    defects: Mapping[Site, float] | None = None,
    *,
    tol: float = 1e-7,
    screening: float = 0.0,
) -> ChebyshevTucker:
    """The potential of a finite lattice of charges, down to the resolution of a grid.

    The kernel is 1/r for distances of at least the smallest step of the grid, and smooth and finite
    below, as any function on that grid must be. Site (i, j, k) stands at
    ``(i, j, k) * spacing - (shape - 1) * spacing / 2``: the lattice is centred at the origin.

    Parameters
    ----------
    spacing : float or three floats
        Between neighbours.
    shape : three ints
        Number of sites along x, y, z.
    charges : float, "alternating", three vectors, or (n_x, n_y, n_z) array
        The same for all sites; ``(-1)^(i + j + k)``; the product ``u[i] v[j] w[k]``; or any, whose
        multilinear ranks then multiply the number of terms.
    grid : int, or three arrays
        Where the potential is wanted: n places per axis, cell-centred in the box of the lattice and
        half a spacing around it; or the ascending coordinates along x, y, z. Their hull is the
        domain.
    defects : mapping, optional
        ``{(i, j, k): charge}``: what these sites carry instead; 0 for a vacancy.
    tol : float, default 1e-7
        Error at places no nearer to a site than a step of the grid, relative to the largest modulus
        there (each step of the computation gets 0.3 of it).
    screening : float, default 0
        kappa of a Yukawa kernel.

    Returns
    -------
    ChebyshevTucker
        Its ``error_estimate`` bounds what rounding lost, relative, in the norm of the coefficients.

    Raises
    ------
    TypeError, ValueError
        Arguments that do not fit each other; no charge at all; a grid so fine that an axis needs
        more than 32,768 Chebyshev coefficients, or charges and defects of more than 2048 terms.

    Notes
    -----
    With R terms of the kernel, P of the charges and D defects: ``3 m R (P + D)`` numbers, ``O(m R
    (P + D) min(m, R (P + D)))`` operations, for m coefficients, about ``2 ln(1/tol)`` times the
    number of grid points across the domain.

    Examples
    --------
    >>> f = lattice_potential(2.0, (4, 4, 4), "alternating", 16, {(1, 1, 1): 0.0})
    >>> f.dimension, max(f.ranks) < 60
    (3, True)
    """
    steps = _spacing(spacing)
    sizes = _shape(shape)
    places: list[NDArray[np.float64]] = [
        h * np.arange((1.0 - n) / 2, n / 2) for h, n in zip(steps, sizes, strict=True)
    ]
    axes = _grid(grid, steps, sizes)
    nearest = min(float(np.diff(x).min()) for x in axes)
    domain = tuple((float(x[0]), float(x[-1])) for x in axes)
    farthest = math.sqrt(
        sum(
            max(stop - p[0], p[-1] - start) ** 2
            for (start, stop), p in zip(domain, places, strict=True)
        )
    )
    rule = quadrature(_SAFETY * tol, min(nearest, farthest / 2), farthest, screening)
    vectors = _charges(charges, sizes, defects)
    terms = len(rule) * vectors[0].shape[1]
    if terms > _MOST_TERMS:
        raise ValueError(
            f"the charges need {vectors[0].shape[1]} products and the kernel {len(rule)} terms, "
            f"together more than {_MOST_TERMS}. Take fewer defects, charges of lower rank, or a "
            "larger `tol`; `long_range_potential` takes any charges."
        )
    factors = [
        _assembled(rule, interval, p, u, _SAFETY * tol)
        for interval, p, u in zip(domain, places, vectors, strict=True)
    ]
    weights = np.repeat(rule.weights, vectors[0].shape[1])
    tensor, error = reduced(weights, factors, _SAFETY * tol, recompress=True)
    return ChebyshevTucker(tensor.core, tensor.factors, domain, error_estimate=error)


def _assembled(
    rule: GaussianSum,
    interval: tuple[float, float],
    places: NDArray[np.float64],
    vectors: NDArray[np.float64],
    tol: float,
) -> NDArray[np.float64]:
    """Chebyshev coefficients (m, R P) of ``sum_i u[i] exp(-t^2 (x - x_i)^2)`` for all t and u."""
    m = degree(rule, interval, tol) + 1
    if m > _MOST_COEFFICIENTS:
        raise ValueError(
            f"`grid` is so fine that an axis needs {m} Chebyshev coefficients; "
            f"{_MOST_COEFFICIENTS} are the limit."
        )
    square = np.subtract.outer(nodes(m, *interval), places) ** 2
    columns = [np.exp(-(t**2) * square) @ vectors for t in rule.nodes.tolist()]
    return np.asarray(to_coefficients(np.concatenate(columns, axis=1)))


def _charges(
    charges: Any, sizes: Sequence[int], defects: Mapping[Site, float] | None
) -> list[NDArray[np.float64]]:
    """The charges as a sum of products: three arrays (n, P)."""
    vectors = _products(charges, sizes)
    for site, charge in (defects or {}).items():
        index = _site(site, sizes)
        here = float(np.prod([v[i] for v, i in zip(vectors, index, strict=True)], axis=0).sum())
        added = [np.eye(1, n, i).T for n, i in zip(sizes, index, strict=True)]
        if not math.isfinite(charge):
            raise ValueError(f"`defects[{site}]` must be a finite charge, got {charge}.")
        added[0] = added[0] * (float(charge) - here)
        vectors = [np.concatenate([v, a], axis=1) for v, a in zip(vectors, added, strict=True)]
    if not np.einsum("ip,jp,kp->", *(abs(v) for v in vectors)) > 0:
        raise ValueError("`charges` are all zero: there is no potential to compute.")
    return vectors


def _products(charges: Any, sizes: Sequence[int]) -> list[NDArray[np.float64]]:
    if isinstance(charges, str):
        if charges != "alternating":
            raise ValueError(
                "`charges` must be a number, 'alternating', three vectors or an array, "
                f"got {charges!r}."
            )
        return [np.where(np.arange(n) % 2, -1.0, 1.0)[:, None] for n in sizes]
    if isinstance(charges, (list, tuple)) and len(charges) == 3 and np.ndim(charges[0]) == 1:
        vectors = [np.asarray(v, np.float64) for v in charges]
        if [v.shape for v in vectors] != [(n,) for n in sizes]:
            raise ValueError(
                f"three vectors in `charges` must have lengths {tuple(sizes)}, "
                f"got {[v.shape for v in vectors]}."
            )
        found = [v[:, None] for v in vectors]
    elif np.ndim(charges) == 0:
        found = [np.full((n, 1), float(charges) if k == 0 else 1.0) for k, n in enumerate(sizes)]
    else:
        array = np.asarray(charges, np.float64)
        if array.shape != tuple(sizes):
            raise ValueError(f"`charges` must have shape {tuple(sizes)}, got {array.shape}.")
        if not np.isfinite(array).all() or not array.any():
            raise ValueError("`charges` hold NaN or infinity, or are all zero.")
        found = _of_array(array)
    if not all(np.isfinite(v).all() for v in found):
        raise ValueError("`charges` hold NaN or infinity.")
    return found


def _of_array(array: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Any charges as products, through their multilinear ranks."""
    fit = tucker(array, tol=1e-14).tensor
    last = int(np.argmax(fit.ranks))  # folded into one vector for each pair of the others
    first, second = (k for k in range(3) if k != last)
    pairs = np.moveaxis(np.asarray(fit.core), last, 2).reshape(-1, fit.ranks[last])
    found: list[Any] = [None] * 3
    found[last] = np.asarray(fit.factors[last]) @ pairs.T
    found[first] = np.repeat(np.asarray(fit.factors[first]), fit.ranks[second], axis=1)
    found[second] = np.tile(np.asarray(fit.factors[second]), (1, fit.ranks[first]))
    return found


def _site(site: Any, sizes: Sequence[int]) -> Site:
    if not isinstance(site, tuple) or len(site) != 3:
        raise TypeError(f"the keys of `defects` are triples (i, j, k), got {site!r}.")
    for i, n in zip(site, sizes, strict=True):
        if not 0 <= integer("defects", i, -n) < n:
            raise ValueError(f"`defects` names the site {site}; the lattice is {tuple(sizes)}.")
    return site


def _spacing(spacing: Any) -> list[float]:
    steps = [float(spacing)] * 3 if np.ndim(spacing) == 0 else [float(h) for h in spacing]
    if len(steps) != 3 or not all(0 < h < math.inf for h in steps):
        raise ValueError(f"`spacing` must be one or three positive numbers, got {spacing!r}.")
    return steps


def _shape(shape: Any) -> list[int]:
    sizes = [integer(f"shape[{k}]", n, 1) for k, n in enumerate(shape)]
    if len(sizes) != 3:
        raise ValueError(f"`shape` must be three numbers of sites, got {shape!r}.")
    return sizes


def _grid(grid: Any, steps: Sequence[float], sizes: Sequence[int]) -> list[NDArray[np.float64]]:
    if np.ndim(grid) == 0:
        n = integer("grid", grid, 2)
        edges = [h * k for h, k in zip(steps, sizes, strict=True)]
        return [edge * ((np.arange(n) + 0.5) / n - 0.5) for edge in edges]
    axes = [np.asarray(x, np.float64) for x in grid]
    if len(axes) != 3 or any(x.ndim != 1 or len(x) < 2 for x in axes):
        raise ValueError("`grid` must be a number of places, or three arrays of at least two.")
    if not all(np.isfinite(x).all() and (np.diff(x) > 0).all() for x in axes):
        raise ValueError("the coordinates in `grid` must be finite and ascend.")
    return axes
