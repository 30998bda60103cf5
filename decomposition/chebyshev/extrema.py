"""Smallest and largest values of Chebyshev-Tucker functions, by a grid and quasi-Newton steps."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chebyshev.basis import is_complex, nodes

if TYPE_CHECKING:
    from rankloom.decomposition.chebyshev.function import ChebyshevTucker

_GRID = 2**22  # values of the grid
_STARTS = 8  # places of the grid that are improved


class Extremum(NamedTuple):
    """A value of a function and the point (d,) where it is taken."""

    value: float
    point: NDArray[np.float64]


def extremum(f: "ChebyshevTucker", sign: float) -> Extremum:
    """Smallest value of ``sign * f``, as that of f.

    Raises
    ------
    ValueError
        `f` is complex.
    """
    from scipy.optimize import minimize

    if is_complex(f.core):
        raise ValueError("a complex function has no smallest or largest value.")
    f = f.to_host()
    most = max(2, int(_GRID ** (1 / f.dimension)))
    sizes = [min(2 * degree + 3, most) for degree in f.degrees]
    axes = [nodes(n, *interval) for n, interval in zip(sizes, f.domain, strict=True)]
    values = sign * f.grid(*axes)
    best = np.argpartition(values.ravel(), min(64, values.size - 1))[:64]
    best = best[np.argsort(values.ravel()[best], kind="stable")]
    candidates = np.stack(
        [x[i] for x, i in zip(axes, np.unravel_index(best, values.shape), strict=True)], axis=1
    )
    widths = np.array([stop - start for start, stop in f.domain])
    starts: list[NDArray[np.float64]] = []
    for point in candidates:  # neighbours on the grid lead to the same place
        apart = [np.max(np.abs(point - other) / widths) for other in starts]
        if len(starts) < _STARTS and all(distance > 2 / min(sizes) for distance in apart):
            starts.append(point)
    scale = float(np.abs(values).max()) or 1.0
    found = [Extremum(float(sign * values.ravel()[best[0]]), candidates[0])]
    for start in starts:
        result = minimize(
            lambda u: sign * float(f(_clipped(u * widths, f))) / scale,
            start / widths,
            jac=lambda u: sign * f.gradient(_clipped(u * widths, f)) * widths / scale,
            bounds=[(a / w, b / w) for (a, b), w in zip(f.domain, widths, strict=True)],
            method="L-BFGS-B",
            options={"ftol": 1e-16, "gtol": 1e-12},
        )
        point = _clipped(result.x * widths, f)
        found.append(Extremum(float(f(point)), point))
    return min(found, key=lambda e: sign * e.value)


def _clipped(point: NDArray[np.float64], f: "ChebyshevTucker") -> NDArray[np.float64]:
    low, high = np.array(f.domain).T
    inside: NDArray[np.float64] = np.clip(point, low, high)
    return inside
