"""Sums over the observations of a table, mode by mode, as the inference needs them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from rankloom.decomposition.functional.algebra import Algebra, pack, widths
from rankloom.decomposition.functional.gather_kernels import gather_entrywise, gather_kronecker
from rankloom.decomposition.functional.observations import Observations
from rankloom.decomposition.functional.processes import Floats

_BLOCK = 2**20  # entries gathered together: 8 MB
_SHARED = 4 * 10**6  # products from which gathering is worth a second thread: two milliseconds
_ROWS = 4096
_ROW = 10  # products that take as long as finding the rows of an observation


class Gathering:
    """A table sorted by every mode, and the moments of the functions at its nodes.

    Parameters
    ----------
    data : Observations
    algebra : Algebra
    threads : int

    Attributes
    ----------
    total, square : float
        Sum of the weights, and weighted sum of the squares of the values less the offset.
    offset : float
        Constant taken off the values.

    Notes
    -----
    Memory: ``2 K^2 N`` four-byte and ``3 K N`` eight-byte numbers, and ``sum_k J_k p_k``.
    """

    def __init__(self, data: Observations, algebra: Algebra, threads: int) -> None:
        self._data, self._algebra, self._threads = data, algebra, threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._offsets = np.concatenate([[0], np.cumsum([len(n) for n in data.nodes])])
        self._sorted = [data.by_mode(k, self._offsets) for k in range(len(data.nodes))]
        wide, narrow = max(widths(algebra, True)), max(widths(algebra, False))
        size = int(self._offsets[-1])
        if algebra.kron:
            self._moments, self._means = np.zeros((size, wide)), np.zeros((size, narrow))
        else:  # all modes are alike, and one pass over one table serves both
            self._table = np.zeros((size, wide + narrow))
            self._moments, self._means = self._table[:, :wide], self._table[:, wide:]
        self.offset = 0.0
        self.reweigh(data.weights)

    def reweigh(self, weights: Floats) -> None:
        """Take other weights (N,)."""
        y = self._data.y - self.offset
        self.total, self.square = float(weights.sum()), float(weights @ y**2)
        self._sum = float(weights @ y)
        for found in self._sorted:
            np.take(weights, found.order, out=found.weights[1])
            np.multiply(found.weights[1], y[found.order], out=found.weights[0])

    def shift(self, step: float) -> None:
        """Take a further constant off the values."""
        self.offset += step
        self.square += step * (step * self.total - 2 * self._sum)
        self._sum -= step * self.total
        for found in self._sorted:
            found.weights[0] -= step * found.weights[1]

    def mean_residual(self, fitted: float) -> float:
        """Weighted mean of the values less what the functions add up to."""
        return (self._sum - fitted) / self.total

    def put(self, k: int, means: Floats, covs: Floats) -> None:
        """Moments (J, R) and (J, R, R) of the functions of mode k."""
        rows = slice(self._offsets[k], self._offsets[k + 1])
        self._means[rows, : means.shape[1]] = means
        seconds = pack(covs) + pack(means[:, :, None] * means[:, None, :])
        self._moments[rows, : seconds.shape[1]] = seconds

    def packed(self, k: int) -> Floats:
        """Packed second moments (J, p) of mode k."""
        rows = slice(self._offsets[k], self._offsets[k + 1])
        return self._moments[rows, : widths(self._algebra, True)[k]]

    def columns(self, k: int) -> int:
        """Entries of a row of the sums of mode k."""
        own = widths(self._algebra, True)
        if not self._algebra.kron:
            return own[k]
        return int(np.prod([w for m, w in enumerate(own) if m != k]))

    def blocks(self, k: int, counted: bool) -> Iterator[tuple[slice, Floats, list[Floats]]]:
        """Sums of mode k for so many nodes at a time.

        Of second moments, and a list: of y times means, and if `counted` also of means.
        """
        rows, nodes = max(1, _BLOCK // self.columns(k)), len(self._data.nodes[k])
        weights, wide = self._sorted[k].weights, self._moments.shape[1]
        for first in range(0, nodes, rows):
            part = slice(first, min(first + rows, nodes))
            if self._algebra.kron:
                (z,) = self._gathered(k, part, self._moments, True, weights[1:])
                sums = self._gathered(k, part, self._means, False, weights[: 1 + counted])
            else:
                sums = self._gathered(k, part, self._table, True, weights)
                z, sums = sums[1][:, :wide], [s[:, wide:] for s in sums]
            yield part, z, sums

    def squares(self, core: Floats, second: Floats) -> Floats:
        """Expected squared residuals (N,) of all observations."""
        out, index = np.empty(len(self._data.y)), self._data.index
        for start in range(0, len(out), _ROWS):
            part = slice(start, start + _ROWS)
            at = index[part] + self._offsets[:-1]
            means = [self._means[at[:, k], :r] for k, r in enumerate(self._algebra.ranks)]
            wide = widths(self._algebra, True)
            moments = [self._moments[at[:, k], :w] for k, w in enumerate(wide)]
            mean, square = self._algebra.moments(core, second, means, moments)
            y = self._data.y[part] - self.offset
            out[part] = y * (y - 2 * mean) + square
        return out

    def run(self, tasks: Sequence[Callable[[], Any]], long: bool) -> list[Any]:
        """Results of all tasks, which run at the same time where they are long enough."""
        if self._pool is None or len(tasks) == 1 or not long:
            return [task() for task in tasks]
        waiting = [self._pool.submit(task) for task in tasks[1:]]
        return [tasks[0](), *(task.result() for task in waiting)]

    def _gathered(
        self, k: int, part: slice, table: Floats, packed: bool, weights: Floats
    ) -> list[Floats]:
        """Weighted sums (nodes, columns) of products of the other modes' rows, for all weights."""
        found, kron = self._sorted[k], self._algebra.kron
        others = [w for m, w in enumerate(widths(self._algebra, packed)) if m != k]
        columns = int(np.prod(others)) if kron else table.shape[1]
        out = np.empty((part.stop - part.start, len(weights), columns))
        sizes = np.array(others, dtype=np.int64)

        def run(low: int, high: int) -> None:
            rows, work = out[low - part.start : high - part.start], np.empty(columns)
            if kron:
                gather_kronecker(table, sizes, found.others, weights, found.starts, low, work, rows)
            else:
                gather_entrywise(table, found.others, weights, found.starts, low, work, rows)

        begin, end = found.starts[part.start], found.starts[part.stop]
        shares = self._threads if (end - begin) * (columns + _ROW) >= _SHARED else 1
        ends = np.linspace(begin, end, shares + 1)[1:-1]
        cuts = [part.start, *np.searchsorted(found.starts, ends), part.stop]
        self.run([partial(run, low, high) for low, high in pairwise(cuts)], True)
        return [out[:, c] for c in range(len(weights))]
