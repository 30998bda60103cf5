"""Coordinate-ascent variational inference, and the evidence bound that it climbs.

The posterior is approximated by independent chains (all functions of a mode jointly), core, and
noise. Every update is the exact maximiser of the bound over its part, the covariance of the core
included, so the bound never decreases. Model: arXiv:2311.04829; the updates and the bound were
derived for this library.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from rankloom.decomposition.functional.algebra import Algebra, pack, widths
from rankloom.decomposition.functional.chains import Messages, log_integral, smooth
from rankloom.decomposition.functional.gather_kernels import gather_entrywise, gather_kronecker
from rankloom.decomposition.functional.learning import Learner
from rankloom.decomposition.functional.observations import Observations
from rankloom.decomposition.functional.posterior import Core, Noise
from rankloom.decomposition.functional.processes import Floats, Kernel

_BLOCK = 2**20  # entries gathered together: 8 MB
_CACHED = 2**22  # sums kept from the last mode's update for the core: 32 MB
_SHARED = 4 * 10**6  # products from which gathering is worth a second thread: two milliseconds
_ROW = 10  # products that take as long as finding the rows of an observation
_SIDE_BY_SIDE = 2 * 10**5  # J (R d)^3 from which a filter is worth a thread: one millisecond


@dataclass
class Mode:
    """Posterior of the functions of one mode at its nodes.

    Attributes
    ----------
    kernel : Process or KernelSum
    means, covs : (J, R), (J, R, R) arrays
    messages : Messages or None
        What the chain was last smoothed with; None before its first update.
    value : float
        Log integral of prior times messages.
    base : Messages or None
        Messages of earlier batches of a stream, contained in `messages`.
    base_value : float
        Log integral with these alone.
    """

    kernel: Kernel
    means: Floats
    covs: Floats
    messages: Messages | None = None
    value: float = 0.0
    base: Messages | None = None
    base_value: float = 0.0

    def divergence(self) -> float:
        """Kullback-Leibler divergence from the prior, or from the posterior of earlier batches."""
        if self.messages is None:
            return np.inf
        lam, eta = self.messages.lam, self.messages.eta
        if self.base is not None:
            lam, eta = lam - self.base.lam, eta - self.base.eta
        seconds = self.covs + self.means[:, :, None] * self.means[:, None, :]
        tilt = np.vdot(eta, self.means) - 0.5 * np.vdot(lam, seconds)
        return float(tilt) - self.value + self.base_value


class Inference:
    """Posterior of one model given one table, improved sweep by sweep.

    Parameters
    ----------
    data : Observations
    algebra : Algebra
    modes : sequence of Mode
    core, noise
    learner : Learner or None
        Learns kernels when given.
    threads : int
        At most so many threads gather at once.
    offset : float
        Constant beside the functions, of scaled y; learnt along with kernels.

    Notes
    -----
    A Tucker sweep costs ``K N p^(K-1) + sum_k J_k (p^K + (R d)^3) + R^(3K)`` with
    ``p = R (R + 1) / 2``, a CP sweep ``K N p + sum_k J_k (R d)^3``. Memory:
    ``2 K^2 N`` four-byte and ``2 K N`` eight-byte numbers, and ``sum_k J_k (4 R^2 + (R d)^2)``.
    """

    def __init__(
        self,
        data: Observations,
        algebra: Algebra,
        modes: Sequence[Mode],
        core: Core,
        noise: Noise,
        learner: Learner | None = None,
        threads: int = 1,
        offset: float = 0.0,
    ) -> None:
        self.data, self.algebra, self.modes = data, algebra, list(modes)
        self.core, self.noise, self.learner = core, noise, learner
        self.sweeps = 0
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._count, self._square = data.count, data.square
        self._sum = float(data.weights @ data.y)
        self.offset = 0.0
        sizes = [len(nodes) for nodes in data.nodes]
        self._offsets = np.concatenate([[0], np.cumsum(sizes)])
        self._sorted = [data.by_mode(k, self._offsets) for k in range(len(sizes))]
        self._last = int(np.argmin(sizes))  # its sums serve the core too: the fewest
        self._order = [k for k in range(len(sizes)) if k != self._last] + [self._last]
        self._means = self._table(packed=False)
        self._moments = self._table(packed=True)
        self._sums: list[tuple[slice, Floats, Floats]] | None = None
        self._joint: tuple[Floats, Floats] | None = None
        self._shift(offset)

    def _shift(self, step: float) -> None:
        """Take a further constant off the values."""
        self.offset += step
        self._square += step * (step * self._count - 2 * self._sum)
        self._sum -= step * self._count
        for found in self._sorted:
            found.values[:] -= step * found.weights

    def _table(self, packed: bool) -> Floats:
        table = np.zeros((self._offsets[-1], max(widths(self.algebra, packed))))
        for k in range(len(self.modes)):
            self._fill(table, k, packed)
        return table

    def _fill(self, table: Floats, k: int, packed: bool) -> None:
        mode = self.modes[k]
        rows = table[self._offsets[k] : self._offsets[k + 1]]
        if packed:
            rows[:, : widths(self.algebra, True)[k]] = pack(mode.covs) + pack(
                mode.means[:, :, None] * mode.means[:, None, :]
            )
        else:
            rows[:, : self.algebra.ranks[k]] = mode.means

    def _gathered(
        self, k: int, first: int, last: int, packed: bool, counted: bool = False
    ) -> Floats:
        found, table = self._sorted[k], self._moments if packed else self._means
        others = [w for m, w in enumerate(widths(self.algebra, packed)) if m != k]
        columns = int(np.prod(others)) if self.algebra.kron else widths(self.algebra, packed)[k]
        out = np.empty((last - first, columns))
        weights = found.weights if packed or counted else found.values
        sizes = np.array(others, dtype=np.int64)

        def run(low: int, high: int) -> None:
            rows, work = out[low - first : high - first], np.empty(columns)
            if self.algebra.kron:
                gather_kronecker(table, sizes, found.others, weights, found.starts, low, work, rows)
            else:
                gather_entrywise(table, found.others, weights, found.starts, low, work, rows)

        cost = (found.starts[last] - found.starts[first]) * (columns + _ROW)
        shares = self._threads if cost >= _SHARED else 1
        ends = np.linspace(found.starts[first], found.starts[last], shares + 1)[1:-1]
        cuts = [first, *np.searchsorted(found.starts, ends), last]
        self._run([partial(run, low, high) for low, high in pairwise(cuts)], True)
        return out

    def _run(self, tasks: Sequence[Callable[[], Any]], long: bool) -> list[Any]:
        """Results of all tasks, which run at the same time where they are long enough."""
        if self._pool is None or len(tasks) == 1 or not long:
            return [task() for task in tasks]
        waiting = [self._pool.submit(task) for task in tasks[1:]]
        return [tasks[0](), *(task.result() for task in waiting)]

    def _columns(self, k: int) -> int:
        own = widths(self.algebra, True)
        if not self.algebra.kron:
            return own[k]
        return int(np.prod([w for m, w in enumerate(own) if m != k]))

    def _blocks(self, k: int) -> Iterator[tuple[slice, Floats, Floats]]:
        """Sums over the observations of mode k, so many nodes at a time."""
        rows, total = max(1, _BLOCK // self._columns(k)), len(self.data.nodes[k])
        for first in range(0, total, rows):
            last = min(first + rows, total)
            z = self._gathered(k, first, last, packed=True)
            yield slice(first, last), z, self._gathered(k, first, last, packed=False)

    def update_mode(self, k: int) -> None:
        """Update the chain of mode k, and its kernel where that is due."""
        mode, rank = self.modes[k], self.algebra.ranks[k]
        nodes = self.data.nodes[k]
        lam, eta = np.empty((len(nodes), rank, rank)), np.empty((len(nodes), rank))
        kept: list[tuple[slice, Floats, Floats]] = []
        keep = k == self._last and len(nodes) * self._columns(k) <= _CACHED
        for part, z, zeta in self._blocks(k):
            lam[part], eta[part] = self.algebra.message(
                k, self.core.mean, self.core.second, z, zeta
            )
            if keep:
                kept.append((part, z, zeta))
        lam *= self.noise.mean
        eta *= self.noise.mean
        if mode.base is not None:
            lam += mode.base.lam
            eta += mode.base.eta
        messages = Messages.of(lam, eta)
        if self.learner is not None:
            long = len(nodes) * (rank * mode.kernel.state_size) ** 3 >= _SIDE_BY_SIDE
            mode.kernel = self.learner.improve(
                k,
                mode.kernel,
                lambda kernels: self._run(
                    [partial(log_integral, kernel, nodes, messages) for kernel in kernels], long
                ),
                self.sweeps,
            )
        mode.messages = messages
        mode.value, mode.means, mode.covs = smooth(mode.kernel, nodes, messages)
        self._fill(self._means, k, False)
        self._fill(self._moments, k, True)
        self._sums, self._joint = kept if keep else None, None

    def joint(self) -> tuple[Floats, Floats]:
        """``sum E[v v']`` and ``sum y E[v]`` with ``f = w' v``, under the present posterior."""
        if self._joint is None:
            k = self._last
            mode = self.modes[k]
            packed = self._moments[self._offsets[k] : self._offsets[k + 1]]
            packed = packed[:, : widths(self.algebra, True)[k]]
            total: Floats | float = 0.0
            linear: Floats | float = 0.0
            for part, z, zeta in self._blocks(k) if self._sums is None else self._sums:
                total = total + self.algebra.join(packed[part], z)
                linear = linear + self.algebra.join(mode.means[part], zeta)
            self._joint = (
                self.algebra.unfold(k, np.asarray(total)),
                self.algebra.unfold_linear(k, np.asarray(linear)),
            )
        return self._joint

    def update_offset(self) -> None:
        """Update the constant: what it takes for residuals of mean zero."""
        if self.learner is None:
            return
        total, linear = self.joint()
        k, nodes = self._last, len(self.data.nodes[self._last])
        rows = max(1, _BLOCK // self._columns(k))
        plain: Floats | float = 0.0
        for first in range(0, nodes, rows):
            last = min(first + rows, nodes)
            zeta = self._gathered(k, first, last, packed=False, counted=True)
            means = self.modes[k].means[first:last]
            plain = plain + self.algebra.join(means, zeta)
        plain = self.algebra.unfold_linear(k, np.asarray(plain))
        step = (self._sum - float(plain @ self.core.mean)) / self._count
        self._shift(step)
        self._sums, self._joint = None, (total, linear - step * plain)

    def update_core(self) -> None:
        """Update the core, and the precisions of components where these are learnt."""
        if not self.core.fixed:
            self.core.update(self.noise.mean, *self.joint())

    def misfit(self) -> float:
        """Expected sum of squared residuals."""
        total, linear = self.joint()
        spread = float(np.vdot(total, self.core.second)) - 2 * float(linear @ self.core.mean)
        return max(self._square + spread, 0.0)

    def update_noise(self) -> None:
        """Update the precision of the noise."""
        if not self.noise.fixed:
            self.noise.update(self._count, self.misfit())

    def sweep(self) -> float:
        """Update every mode, the core and the noise; the evidence bound afterwards."""
        for k in self._order:
            self.update_mode(k)
        self.update_offset()
        self.update_core()
        self.update_noise()
        self.sweeps += 1
        return self.bound()

    def bound(self) -> float:
        """Lower bound of the log evidence of y in the user's units, in nats.

        Minus infinity before every mode was updated once. Priors of kernel parameters are
        counted; without them it is a bound in the strict sense.
        """
        noise, n = self.noise, self._count
        fit = 0.5 * n * (noise.log_mean - np.log(2 * np.pi)) - 0.5 * noise.mean * self.misfit()
        apart = sum(mode.divergence() for mode in self.modes)
        apart += self.core.divergence() + noise.divergence()
        prior = sum(mode.kernel.log_prior() for mode in self.modes)
        return float(fit - apart + prior - n * np.log(self.data.scale))

    def collapsed(self) -> bool:
        """Whether the fit is the zero function: a fixed point that says nothing of the data."""
        total, _ = self.joint()
        size = float(np.vdot(total, self.core.second))
        return size < 0.02 * self._square and self.noise.mean * self._square < 1.1 * self._count
