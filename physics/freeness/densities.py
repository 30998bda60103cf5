"""Limits of spectra as functions: semicircle, Marchenko-Pastur, sums of semicircles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.physics.freeness.gaussian_law import Gaussian

_NODES = (400, 64, 24)  # of the quadrature over each of 1, 2, 3 or more semicircles
_ABOVE = 1e-6  # height over the real axis at which Cauchy transforms are evaluated
_ROUNDS = 4000


def semicircle(x: ArrayLike, variance: float = 1.0, mean: float = 0.0) -> NDArray[np.float64]:
    """Density of the semicircle law.

    The limit for `laws.gue`, and for the partial transpose of ``W / d^2`` of a balanced Wishart
    matrix with environment ``alpha d^2``: mean alpha and variance alpha (G. Aubrun,
    arXiv:1011.0275).

    Examples
    --------
    >>> semicircle([0.0, 2.5]).round(4)
    array([0.3183, 0.    ])
    """
    _positive("variance", variance)
    y = np.asarray(x, dtype=float) - mean
    return np.asarray(np.sqrt(np.maximum(4 * variance - y**2, 0)) / (2 * np.pi * variance))


def marchenko_pastur(x: ArrayLike, ratio: float) -> NDArray[np.float64]:
    """Density of the Marchenko-Pastur law (free Poisson of rate `ratio`), without its atom at 0.

    The limit for ``W / d`` of `laws.wishart` with environment ``ratio d``. For ratio < 1 a part
    ``1 - ratio`` of the eigenvalues is 0.

    Examples
    --------
    >>> marchenko_pastur([1.0, 5.0], 1.0).round(4)
    array([0.2757, 0.    ])
    """
    _positive("ratio", ratio)
    y = np.asarray(x, dtype=float)
    inside = np.maximum(4 * ratio - (y - 1 - ratio) ** 2, 0)
    return np.asarray(np.sqrt(inside) / (2 * np.pi * np.where(inside > 0, y, 1.0)))


def gaussian_density(law: Gaussian, x: ArrayLike) -> NDArray[np.float64]:
    """Density that the spectrum of a `laws.gaussian` matrix tends to.

    Parameters
    ----------
    law : Gaussian
        Whose subsets are all colours, any number of pairwise disjoint ones, or both.
    x : array_like

    Returns
    -------
    array of the shape of x
        Good to about 1e-3 of its maximum; the error is largest where the density has an edge.

    Raises
    ------
    TypeError, ValueError
        Not such a law: overlapping subsets give spectra of which no closed equation is known to us.

    Notes
    -----
    Matrices on disjoint subsets commute and add like independent numbers. The one on all colours is
    free from them, and its semicircle of variance t is added by solving
    ``w = z - t G(w)`` for the Cauchy transform G of the others at ``w`` (L. Pastur; P. Biane,
    Indiana Univ. Math. J. 46, 705 (1997)).

    Examples
    --------
    >>> from rankloom.physics import laws
    >>> law = laws.gaussian(2, {(0,): 1, (1,): 1})
    >>> gaussian_density(law, [0.0, 4.5]).round(3)  # two numbers from semicircles, added
    array([0.27, 0.  ])
    """
    if not isinstance(law, Gaussian):
        raise TypeError(f"`law` must be made by `laws.gaussian` or `laws.gue`, got {law!r}.")
    whole = tuple(range(law.D))
    parts = [(s, float(v)) for s, v in law.variances.items() if s != whole and v > 0]
    used = [c for s, _ in parts for c in s]
    if len(set(used)) < len(used):
        raise ValueError(
            f"`law` has overlapping subsets {[s for s, _ in parts]}; the density is known for "
            "disjoint ones and the set of all colours. Its moments are known: `asymptotic_moment`."
        )
    t = float(law.variances.get(whole, 0))
    points = np.asarray(x, dtype=float)
    z = points.ravel() + 1j * _ABOVE
    variances = [v for _, v in parts]
    if not variances:
        return semicircle(points, t)
    w = z + 1j * np.sqrt(t)
    if t == 0:
        w = z
    else:
        for _ in range(_ROUNDS):
            # a contraction of the upper half plane; the mean of both steps around quicker
            new = (w + z - t * _cauchy(w, variances)) / 2
            moved = float(np.max(abs(new - w)))
            w = new
            if moved < 1e-9:
                break
    density = -np.imag(_cauchy(w, variances)) / np.pi
    return np.asarray(np.maximum(density, 0).reshape(points.shape))


def _cauchy(z: NDArray[Any], variances: Sequence[float], nodes: int | None = None) -> NDArray[Any]:
    """Cauchy transform of a sum of independent semicircle variables, in the upper half plane."""
    first, *others = variances
    if not others:
        root = np.sqrt(z - 2 * np.sqrt(first)) * np.sqrt(z + 2 * np.sqrt(first))
        return np.asarray((z - root) / (2 * first))
    count = _NODES[min(len(others), 3) - 1] if nodes is None else nodes
    angles = np.pi * np.arange(1, count + 1) / (count + 1)
    places = 2 * np.sqrt(first) * np.cos(angles)
    weights = 2 / (count + 1) * np.sin(angles) ** 2
    terms = zip(weights, places, strict=True)
    return np.asarray(sum(w * _cauchy(z - y, others, count) for w, y in terms))


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"`{name}` must be positive, got {value}.")
