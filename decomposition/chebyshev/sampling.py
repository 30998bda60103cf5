"""Values of a user's function, counted and checked."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chebyshev.domain import Domain

Points = NDArray[np.float64]


class Samples:
    """A function of d arrays, called with many points at once.

    Parameters
    ----------
    function : callable
        d arrays (p,) to one array (p,).
    domain : pairs of floats

    Attributes
    ----------
    evaluations : int
        Points handed over so far.
    scale : float
        Largest modulus seen.
    """

    def __init__(self, function: Callable[..., Any], domain: Domain) -> None:
        self._function, self.domain = function, domain
        self.evaluations, self.scale = 0, 0.0
        self.best: Points = np.array(domain).mean(axis=1)  # where the largest modulus was

    def __call__(self, points: Points) -> NDArray[Any]:
        """Values (p,) at points (d, p).

        Raises
        ------
        TypeError, ValueError
            The function returns no numbers, a wrong shape, or NaN or infinity (the point is named).
        """
        count = points.shape[1]
        if count == 0:
            return np.empty(0)
        values = np.asarray(self._function(*points))
        self.evaluations += count
        if values.shape != (count,):
            raise ValueError(
                f"`function` must turn {len(points)} arrays of shape ({count},) into one of the "
                f"same shape, got shape {values.shape}. It is called with many points at once; "
                "wrap a function of single points in `numpy.vectorize`."
            )
        if values.dtype.kind not in "biufc":
            raise TypeError(f"`function` must return numbers, got an array of {values.dtype}.")
        values = values.astype(np.result_type(values.dtype, np.float64), copy=False)
        finite = np.isfinite(values)
        if not finite.all():
            wrong = int(np.flatnonzero(~finite)[0])
            raise ValueError(
                f"`function` returned {values[wrong]} at the point {points[:, wrong].tolist()}. "
                "Values must be finite: choose a domain without the singularity."
            )
        top = int(np.abs(values).argmax())
        if abs(values[top]) > self.scale:
            self.scale, self.best = float(abs(values[top])), points[:, top].copy()
        return values

    def random(self, count: int, rng: np.random.Generator) -> Points:
        """Points (d, count) of the box.

        A third each is uniform, denser near the faces as Chebyshev points are, and denser near
        the largest modulus seen.
        """
        low, high = np.array(self.domain).T[:, :, None]
        width = high - low
        t = rng.uniform(-1, 1, (len(low), count))
        third = count // 3
        t[:, :third] = np.sin(np.pi / 2 * t[:, :third])
        points = (low + high) / 2 + width / 2 * t
        near = slice(third, 2 * third)
        reach = 10.0 ** rng.uniform(-3, 0, third)
        points[:, near] = self.best[:, None] + width * reach * t[:, near]
        # what falls outside comes back from the face it passed
        points = np.where(points < low, 2 * low - points, points)
        points = np.where(points > high, 2 * high - points, points)
        inside: Points = np.clip(points, low, high)
        return inside
