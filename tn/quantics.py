"""Binary grids: functions on a box, resolved by the digits of their coordinates.

With b bits a coordinate takes 2^b values, and a function of one variable becomes a tensor of b
modes of size 2. Smooth functions, and functions with structure on very different scales, have small
ranks there, so that a million or a billion points per dimension cost little [1]_ [2]_.

References
----------
.. [1] B. N. Khoromskij, doi:10.1007/s00365-011-9131-1.
.. [2] M. Ritter et al., arXiv:2303.11819.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn.checks import integer
from rankloom.tn.mps import MPS

_BITS = 52  # cells are counted in float64


@dataclass(frozen=True, eq=False)
class Quantics:
    """Grid of ``2**bits`` equal cells along each side of a box; its points are their centres.

    Parameters
    ----------
    dimension : int
        Number of coordinates.
    bits : int
        Binary digits of each, 1 to 52. Site tensors have physical dimension 2.
    lower, upper : float or (dimension,) array_like, default 0 and 1
        Corners of the box.
    order : {"interleaved", "sequential"}
        "interleaved": the leading digits of all coordinates first, then the second ones, and so on
        (site ``digit * dimension + axis``); for functions that tie coordinates together scale by
        scale. "sequential": all digits of the first coordinate, then of the next (site ``axis *
        bits + digit``); for nearly separable functions.

    Raises
    ------
    TypeError, ValueError
        A number that is out of its range; a box without volume.

    Examples
    --------
    >>> from rankloom.tn import cross
    >>> import numpy as np
    >>> grid = Quantics(1, bits=30)
    >>> t = cross(lambda x: np.exp(-3 * x[:, 0]), grid=grid, tol=1e-10, rng=0)
    >>> max(t.ranks), round(grid.integral(t.tensor), 9)  # (1 - exp(-3)) / 3
    (1, 0.316737644)
    """

    dimension: int
    bits: int
    lower: Any = 0.0
    upper: Any = 1.0
    order: str = "interleaved"

    def __post_init__(self) -> None:
        dimension = integer("dimension", self.dimension, 1)
        if integer("bits", self.bits, 1) > _BITS:
            raise ValueError(f"`bits` must be at most {_BITS}, got {self.bits}.")
        if self.order not in ("interleaved", "sequential"):
            raise ValueError(f'`order` must be "interleaved" or "sequential", got {self.order!r}.')
        corners = []
        for name in ("lower", "upper"):
            corner = np.array(getattr(self, name), dtype=np.float64)
            if corner.shape not in ((), (dimension,)) or not np.isfinite(corner).all():
                raise ValueError(
                    f"`{name}` must be a finite number or {dimension} of them, "
                    f"got {getattr(self, name)!r}."
                )
            corners.append(np.broadcast_to(corner, (dimension,)))
            object.__setattr__(self, name, corners[-1])
        if not (corners[0] < corners[1]).all():
            raise ValueError(f"`lower` = {corners[0]} must lie below `upper` = {corners[1]}.")

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the modes: 2 for each digit."""
        return (2,) * (self.dimension * self.bits)

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Sides of a cell, (dimension,)."""
        sides: NDArray[np.float64] = (self.upper - self.lower) / 2.0**self.bits
        return sides

    def points(self, indices: ArrayLike) -> NDArray[np.float64]:
        """Cell centres (m, dimension) of the digits (m, n_sites)."""
        digits = self._by_axis(np.asarray(indices, dtype=np.float64).T)
        cells = np.tensordot(self._place_values(), digits, axes=(0, 1))
        centres: NDArray[np.float64] = (cells + 0.5) * self.spacing[:, None] + self.lower[:, None]
        return centres.T

    def indices(self, points: ArrayLike) -> NDArray[np.intp]:
        """Digits (m, n_sites) of the cells that contain the points (m, dimension).

        The upper faces of the box belong to the last cells.
        """
        x = np.asarray(points, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.dimension:
            raise ValueError(f"`points` must have shape (m, {self.dimension}), got {x.shape}.")
        inside = (x >= self.lower) & (x <= self.upper)
        if not inside.all():
            wrong = x[np.argwhere(~inside)[0][0]]
            raise ValueError(f"the point {wrong.tolist()} lies outside the box of the grid.")
        cells = np.minimum(np.floor((x - self.lower) / self.spacing), 2.0**self.bits - 1)
        shifts = np.arange(self.bits - 1, -1, -1)
        digits = (cells.astype(np.int64).T[:, None, :] >> shifts[:, None]) & 1  # (axis, digit, m)
        if self.order == "interleaved":
            digits = digits.swapaxes(0, 1)
        sites: NDArray[np.intp] = digits.reshape(-1, len(x)).T.astype(np.intp)
        return sites

    def at(self, tensor: MPS, points: ArrayLike) -> Any:
        """Values (m,) of a tensor on this grid in the cells that contain the points (m, dimension).

        Constant within a cell.
        """
        self._check(tensor)
        return tensor.at(self.indices(points))

    def integral(self, tensor: MPS) -> float | complex:
        """Integral over the box by the midpoint rule, ``cell volume * sum of all entries``.

        For twice differentiable functions the rule's error is of order ``spacing**2``, for smooth
        periodic ones far smaller. O(n_sites D^2).
        """
        self._check(tensor)
        # a factor for every site: neither the sum nor the volume leaves the range of floats
        sides = (self.upper - self.lower) ** (1 / self.bits) / 2
        axes = self._sequence(np.repeat(np.arange(self.dimension), self.bits))
        return tensor.sum([np.full(2, sides[axis]) for axis in axes])

    def _place_values(self) -> NDArray[np.float64]:
        return np.ldexp(1.0, np.arange(self.bits - 1, -1, -1))

    def _by_axis(self, digits: NDArray[Any]) -> NDArray[Any]:
        """Digits (n_sites, m) as (axis, digit, m)."""
        if self.order == "interleaved":
            return digits.reshape(self.bits, self.dimension, -1).swapaxes(0, 1)
        return digits.reshape(self.dimension, self.bits, -1)

    def _sequence(self, per_digit: NDArray[Any]) -> NDArray[Any]:
        """Entries given axis by axis, in the order of the sites."""
        if self.order == "interleaved":
            return per_digit.reshape(self.dimension, self.bits).T.ravel()
        return per_digit

    def _check(self, tensor: MPS) -> None:
        if not isinstance(tensor, MPS) or tensor.physical_dimensions != self.shape:
            raise ValueError(
                f"`tensor` must be an MPS of {len(self.shape)} sites of dimension 2, the digits of "
                f"this grid, got {tensor!r}."
            )
