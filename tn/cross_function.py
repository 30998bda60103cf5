"""The user's function as the tensor cross sees it: checked, counted, and remembered."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn.arrays import to_host
from rankloom.tn.checks import integer

Indices = NDArray[np.intp]

_BLOCK = 2**19  # points handed to the function at once


@runtime_checkable
class Grid(Protocol):
    """Where the entries of a tensor lie: `rankloom.tn.Quantics` is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the modes."""

    def points(self, indices: Indices) -> NDArray[Any]:
        """Coordinates (m, dimension) of entries (m, n)."""


class IndexGrid:
    """Entries are named by their indices."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(integer(f"shape[{k}]", n, 1) for k, n in enumerate(shape))

    def points(self, indices: Indices) -> Indices:
        """The indices themselves."""
        return indices

    def block(self, heads: Indices, tails: Indices) -> Indices:
        """Points of all pairs of heads and tails, (h * t, n)."""
        return pairs(heads, tails)


class ProductGrid:
    """One vector of coordinates for each mode."""

    def __init__(self, axes: Sequence[ArrayLike]) -> None:
        self.axes = [np.array(x, dtype=np.float64) for x in axes]
        for k, x in enumerate(self.axes):
            if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
                raise ValueError(
                    f"`grid[{k}]` must be a vector of finite coordinates, got shape {x.shape}."
                )
        self.shape = tuple(x.size for x in self.axes)

    def points(self, indices: Indices) -> NDArray[np.float64]:
        """Coordinates (m, n) of entries (m, n)."""
        return self._some(0, indices)

    def block(self, heads: Indices, tails: Indices) -> NDArray[np.float64]:
        """Coordinates of all pairs of heads and tails, (h * t, n)."""
        return pairs(self._some(0, heads), self._some(heads.shape[1], tails))

    def _some(self, first: int, indices: Indices) -> NDArray[np.float64]:
        """Coordinates of the modes from `first` on."""
        axes = self.axes[first : first + indices.shape[1]]
        columns = [x[i] for x, i in zip(axes, indices.T, strict=True)]
        return np.array(columns).T if columns else np.empty(indices.shape)


def pairs(heads: NDArray[Any], tails: NDArray[Any]) -> NDArray[Any]:
    """Rows (h * t, n) of all pairs of heads (h, k) and tails (t, n - k), tails fastest.

    Modes are slowest in memory: what a function does to one coordinate runs along one long row.
    """
    h, t, k = len(heads), len(tails), heads.shape[1]
    out = np.empty((k + tails.shape[1], h, t), dtype=heads.dtype)
    out[:k] = heads.T[:, :, None]
    out[k:] = tails.T[:, None, :]
    return out.reshape(-1, h * t).T


class Spent(Exception):
    """The allowed number of evaluations does not suffice for the next block."""


class Function:
    """Values of the user's function at rows of indices.

    Parameters
    ----------
    function : callable
        (m, dimension) points to (m,) values.
    grid : Grid
    remember : bool
        Keep every value, and never ask for a point twice.
    limit : int, optional
        Most points that may be asked for.

    Attributes
    ----------
    evaluations : int
        Points handed to the function so far.
    scale : float
        Largest modulus of a value so far.
    limit : int or None
        Most points that may be asked for.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        grid: Grid,
        remember: bool = False,
        limit: int | None = None,
    ) -> None:
        self._function, self.grid, self.limit = function, grid, limit
        self._known: dict[bytes, Any] | None = {} if remember else None
        self._small = np.dtype(f"u{1 if max(grid.shape) <= 256 else 8}")
        self.dtype: np.dtype[Any] | None = None
        self.evaluations, self.scale = 0, 0.0

    def __call__(self, indices: Indices) -> NDArray[Any]:
        """Values (m,) at (m, n) indices, which run fastest along m in memory."""
        if self._known is None:
            return self._evaluate(self.grid.points(indices), indices.__getitem__)
        rows = np.ascontiguousarray(indices, dtype=self._small)
        keys = rows.view(f"V{rows.shape[1] * rows.itemsize}").ravel().tolist()
        known = self._known
        fresh = {key: i for i, key in enumerate(keys) if key not in known}
        if fresh:
            chosen = np.fromiter(fresh.values(), np.intp, len(fresh))
            asked = np.asfortranarray(indices[chosen])
            values = self._evaluate(self.grid.points(asked), asked.__getitem__)
            known.update(zip(fresh, values.tolist(), strict=True))
        return np.array([known[key] for key in keys], dtype=self.dtype)

    def block(self, heads: Indices, tails: Indices) -> NDArray[Any]:
        """Values (h, t) at all pairs of heads (h, k) and tails (t, n - k)."""
        h, t = len(heads), len(tails)
        if h > 1 and h * t > _BLOCK:
            step = max(1, _BLOCK // t)
            return np.concatenate(
                [self.block(heads[i : i + step], tails) for i in range(0, h, step)]
            )
        if self._known is None and isinstance(self.grid, (IndexGrid, ProductGrid)):
            values = self._evaluate(
                self.grid.block(heads, tails),
                lambda i: np.append(heads[i // t], tails[i % t]),
            )
        else:
            values = self(pairs(heads, tails))
        return values.reshape(h, t)

    def _evaluate(self, points: NDArray[Any], name: Callable[[int], Indices]) -> NDArray[Any]:
        """Values at the points; `name` gives the indices of one."""
        count = len(points)
        if self.limit is not None and self.evaluations + count > self.limit:
            raise Spent
        values = to_host(self._function(points))
        self.evaluations += count
        if values.shape != (count,):
            raise ValueError(
                f"`function` must turn points of shape {points.shape} into values of shape "
                f"({count},), got shape {values.shape}. It is called with many points at once; "
                "`axis=1` runs over the coordinates of one."
            )
        if values.dtype.kind not in "biufc":
            raise TypeError(f"`function` must return numbers, got an array of {values.dtype}.")
        if values.dtype.kind in "biu":
            values = values.astype(np.float64)
        if self.dtype is None:
            self.dtype = np.result_type(values.dtype, np.float32)
        if not np.can_cast(values.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"`function` returned {values.dtype} after {self.dtype}; values must be numbers "
                "of one kind. Return complex values from the start."
            )
        values = values.astype(self.dtype, copy=False)
        if count:
            top = float(np.abs(values).max())
            if not np.isfinite(top):
                wrong = int(np.flatnonzero(~np.isfinite(values))[0])
                raise ValueError(
                    f"`function` returned {values[wrong]} at the point {points[wrong].tolist()} "
                    f"(indices {name(wrong).tolist()}). Values must be finite: move the grid "
                    "off the singularity, or return a finite value there."
                )
            self.scale = max(self.scale, top)
        return values
