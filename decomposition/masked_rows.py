"""CP on observed entries only: one small least-squares problem for each row of each factor."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.cp_als import Extrapolation
from rankloom.decomposition.cp_tensor import CPTensor, khatri_rao
from rankloom.decomposition.data import slabs, sum_of_squares
from rankloom.decomposition.degeneracy import Growth
from rankloom.decomposition.modes import unfold
from rankloom.decomposition.observed import Observed
from rankloom.decomposition.workers import Workers
from rankloom.tn.arrays import Array, is_numpy, namespace
from rankloom.tn.outcome import Outcome


class Entries(Protocol):
    """The observed entries, and what can be asked of them."""

    def update(self, mode: int, factors: list[Array], y: Array, ridge: float) -> Array:
        """The new (n, R) factor of a mode, all else fixed; `y` is the present one."""

    def misfit(self, weights: Array, factors: list[Array]) -> float:
        """Sum of squared differences to the observed entries."""


class RowSweeps:
    """One start, for the sweep loop of `als`.

    Parameters
    ----------
    found : Observed
    start : CPTensor
    ridge : float, default 0
        Of the penalty ``ridge sum_r w_r^2`` beside the sum of ``weight |x - model|^2``.
    line_search : bool, default False
        Try longer steps; a trial costs no more than the error, a fraction 1 / R of a sweep.
    workers : Workers, optional
        Threads that share the rows of a factor.
    """

    def __init__(
        self,
        found: Observed,
        start: CPTensor,
        *,
        ridge: float = 0.0,
        line_search: bool = False,
        workers: Workers | None = None,
    ) -> None:
        self._norm, self._ridge = found.data.norm, ridge
        given = found.data.x, found.seen, found.weights
        self._entries: Entries = (
            ListedEntries(*given, workers) if is_numpy(found.data.x) else DenseEntries(*given)
        )
        unit = start.normalize()
        self._weights, self._factors = unit.weights, list(unit.factors)
        self._extrapolation = Extrapolation() if line_search else None
        self._before: list[Array] = []
        self._square = np.inf
        self.growth = Growth()

    def sweep(self) -> float:
        """Update every factor once; the relative error on the observed entries."""
        if self._extrapolation is not None:
            self._look_ahead()
            self._before = self._scaled()
        for k, f in enumerate(self._factors):
            y = self._entries.update(k, self._factors, f * self._weights, self._ridge)
            self._weights, self._factors[k] = _split(y, f)
        self._square = self._entries.misfit(self._weights, self._factors)
        xp = namespace(self._weights)
        grams = [xp.conj(f).T @ f for f in self._factors]
        self.growth.record(self._weights, reduce(lambda a, b: a * b, grams))
        return float(self._square**0.5 / self._norm)

    def model(self) -> CPTensor:
        """The present tensor."""
        return CPTensor._adopt(self._weights, list(self._factors))

    def verdict(self) -> Outcome | None:
        """Degeneracy is judged when a run has ended."""
        return None

    def _scaled(self) -> list[Array]:
        share = namespace(self._weights).abs(self._weights) ** (1 / len(self._factors))
        return [f * share for f in self._factors]

    def _look_ahead(self) -> None:
        """Move on along the last sweep if that lowers the error."""
        length = self._extrapolation.length() if self._extrapolation and self._before else None
        if length is None or not np.isfinite(self._square):
            return
        weights = namespace(self._weights).ones_like(self._weights)
        factors: list[Array] = []
        for a, b, f in zip(self._before, self._scaled(), self._factors, strict=True):
            lengths, unit = _split(b + length * (b - a), f)
            weights, factors = weights * lengths, [*factors, unit]
        square = self._entries.misfit(weights, factors)
        better = square < self._square
        self._extrapolation.heard(better)  # type: ignore[union-attr]
        if better:
            self._weights, self._factors, self._square = weights, factors, square


def _split(y: Array, old: Array) -> tuple[Array, Array]:
    """Lengths and unit columns; a column of zeros keeps its old direction."""
    xp = namespace(y)
    lengths = xp.linalg.vector_norm(y, axis=0)
    empty = lengths == 0
    unit = xp.where(empty, old, y / xp.where(empty, xp.ones_like(lengths), lengths))
    return xp.astype(lengths, y.dtype), unit


class ListedEntries:
    """Observed entries as lists, one in the order of each mode, for the numba kernels.

    Memory: ``N (4 N + 8)`` bytes for an entry, and 8 N more with weights.
    """

    def __init__(
        self,
        x: Array,
        observed: Array,
        weights: Array | None = None,
        workers: Workers | None = None,
    ) -> None:
        from rankloom.decomposition.masked_kernels import misfit, update_rows

        self._update, self._misfit = update_rows, misfit
        self._workers = workers or Workers()
        where = np.flatnonzero(observed)  # in the order of mode 0
        values = x.reshape(-1)[where]
        indices = np.unravel_index(where, x.shape)
        self._lists = by_mode(indices, values, x.shape)
        self._roots = [np.ones(1)] * x.ndim
        if weights is not None:
            roots = np.sqrt(weights.reshape(-1)[where].astype(float))
            self._roots = [listed[1] for listed in by_mode(indices, roots, x.shape)]
        self._shift = float(np.finfo(x.dtype).eps) ** 0.75

    def update(self, mode: int, factors: list[Array], y: Array, ridge: float) -> Array:
        """The new (n, R) factor of a mode."""
        y = np.array(y, order="C")
        coords, values, pointers = self._lists[mode]
        roots, stacked = self._roots[mode], stack(factors)

        def share(rows: slice) -> None:
            ends = pointers[rows.start : rows.stop + 1]
            given = stacked, coords, values, roots, ends
            self._update(*given, mode, y[rows], self._shift, ridge)

        self._workers.rows(share, pointers)
        return y

    def misfit(self, weights: Array, factors: list[Array]) -> float:
        """Sum of squared differences to the observed entries."""
        coords, values, _ = self._lists[0]
        return float(
            self._misfit(stack(factors), coords, values, self._roots[0], np.array(weights))
        )


def by_mode(
    indices: Sequence[NDArray[np.intp]], values: Array, shape: Sequence[int]
) -> list[tuple[NDArray[np.int32], Array, NDArray[np.intp]]]:
    """Entries in the order of each mode: coordinates, values, and where each row begins.

    Coordinates point into the factors as `stack` puts them. The entries come in lexicographic
    order, which is that of mode 0.
    """
    offsets = np.cumsum([0, *shape[:-1]])
    coords = np.stack([i + offset for i, offset in zip(indices, offsets, strict=True)], axis=1)
    coords = coords.astype(np.int32)
    lists = []
    for k, n in enumerate(shape):
        keys = indices[k].astype(np.min_scalar_type(n))  # 16 bits are sorted by radix
        order = np.argsort(keys, kind="stable") if k else slice(None)
        pointers = np.concatenate([[0], np.cumsum(np.bincount(indices[k], minlength=n))])
        lists.append((coords[order], values[order], pointers))
    return lists


def stack(factors: list[Array]) -> Array:
    """Always C-ordered and writeable, so that each kernel is compiled for one type only."""
    return np.ascontiguousarray(np.concatenate(factors))


class DenseEntries:
    """The same in plain array operations, with the zeros in place.

    Memory: R^2 / n of the tensor.
    """

    def __init__(self, x: Array, observed: Array, weights: Array | None = None) -> None:
        self._x = x
        self._seen = namespace(x).astype(observed if weights is None else weights, x.dtype)
        self._shift = float(namespace(x).finfo(x.dtype).eps) ** 0.75

    def update(self, mode: int, factors: list[Array], y: Array, ridge: float) -> Array:
        """The new (n, R) factor of a mode."""
        xp = namespace(y)
        n, rank = y.shape
        h = reduce(khatri_rao, [f for k, f in enumerate(factors) if k != mode])
        pairs = xp.reshape(xp.conj(h)[:, :, None] * h[:, None, :], (-1, rank**2))
        grams = xp.reshape(unfold(self._seen, mode) @ pairs, (n, rank, rank))
        right = (
            unfold(self._seen * self._x, mode) @ xp.conj(h)
            - (grams @ y[:, :, None])[:, :, 0]
            - ridge * y
        )
        one = xp.eye(rank, dtype=y.dtype, device=y.device)
        trace: Any = xp.sum(grams * one, axis=(1, 2)) / rank
        added = self._shift * trace + ridge
        added = xp.where(xp.abs(added) > 0, added, xp.ones_like(added))
        change = xp.linalg.solve(grams + added[:, None, None] * one, right[:, :, None])
        return y + change[:, :, 0]

    def misfit(self, weights: Array, factors: list[Array]) -> float:
        """Sum of squared differences to the observed entries."""
        xp = namespace(weights)
        flat, seen = (xp.reshape(a, (a.shape[0], -1)) for a in (self._x, self._seen))
        return sum(
            sum_of_squares((flat[part, :] - model) * seen[part, :] ** 0.5)
            for part, model in slabs(CPTensor._adopt(weights, factors))
        )
