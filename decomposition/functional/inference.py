"""Coordinate-ascent variational inference, and the evidence bound that it climbs.

The posterior is approximated by independent chains (all functions of a mode jointly), core, and
noise. Every update is the exact maximiser of the bound over its part, the covariance of the core
included, so the bound never decreases. Model: arXiv:2311.04829; the updates and the bound were
derived for this library.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from rankloom.decomposition.functional.algebra import Algebra
from rankloom.decomposition.functional.chains import Messages, log_integral, smooth
from rankloom.decomposition.functional.gathering import Gathering
from rankloom.decomposition.functional.learning import Learner
from rankloom.decomposition.functional.observations import Observations
from rankloom.decomposition.functional.posterior import Core, Noise
from rankloom.decomposition.functional.processes import Floats, Kernel
from rankloom.decomposition.functional.robust import Robust

_CACHED = 2**22  # sums kept from the last mode's update for the core: 32 MB
_FORGETTING = 0.6  # between 0.5 and 1, so that steps over mini-batches converge
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
    dof : float, optional
        Degrees of freedom of Student-t noise; None for normal noise.

    Notes
    -----
    A Tucker sweep costs ``K N p^(K-1) + sum_k J_k (p^K + (R d)^3) + R^(3K)`` with
    ``p = R (R + 1) / 2``, a CP sweep ``K N p + sum_k J_k (R d)^3``. Memory:
    that of `Gathering`, and ``sum_k J_k (4 R^2 + (R d)^2)``.
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
        dof: float | None = None,
    ) -> None:
        self.data, self.algebra, self.modes = data, algebra, list(modes)
        self.core, self.noise, self.learner = core, noise, learner
        self.sweeps, self.dof = 0, dof
        sizes = [len(nodes) for nodes in data.nodes]
        self._last = int(np.argmin(sizes))  # its sums serve the core too: the fewest
        self._order = [k for k in range(len(sizes)) if k != self._last] + [self._last]
        self._threads, self._rate = threads, 1.0
        self._gather(Gathering(data, algebra, threads), offset)
        self._robust = None if dof is None else Robust.start(dof, data.weights)

    def _gather(self, gathering: Gathering, offset: float) -> None:
        """Go on with these observations."""
        self.gathering = gathering
        gathering.shift(offset - gathering.offset)
        for k, mode in enumerate(self.modes):
            gathering.put(k, mode.means, mode.covs)
        self._sums: list[tuple[slice, Floats, list[Floats]]] | None = None
        self._joint: tuple[Floats, Floats, Floats] | None = None

    @property
    def offset(self) -> float:
        """Constant beside the functions, of scaled y."""
        return self.gathering.offset

    def update_mode(self, k: int) -> None:
        """Update the chain of mode k, and its kernel where that is due."""
        mode, rank = self.modes[k], self.algebra.ranks[k]
        nodes = self.data.nodes[k]
        lam, eta = np.empty((len(nodes), rank, rank)), np.empty((len(nodes), rank))
        kept: list[tuple[slice, Floats, list[Floats]]] = []
        keep = k == self._last and len(nodes) * self.gathering.columns(k) <= _CACHED
        for part, z, sums in self.gathering.blocks(k, counted=k == self._last):
            lam[part], eta[part] = self.algebra.message(
                k, self.core.mean, self.core.second, z, sums[0]
            )
            if keep:
                kept.append((part, z, sums))
        lam *= self.noise.mean
        eta *= self.noise.mean
        if mode.base is not None:
            lam += mode.base.lam
            eta += mode.base.eta
        if mode.messages is not None and self._rate < 1:
            lam = self._rate * lam + (1 - self._rate) * mode.messages.lam
            eta = self._rate * eta + (1 - self._rate) * mode.messages.eta
        messages = Messages.of(lam, eta)
        if self.learner is not None:
            long = len(nodes) * (rank * mode.kernel.state_size) ** 3 >= _SIDE_BY_SIDE
            mode.kernel = self.learner.improve(
                k,
                mode.kernel,
                lambda kernels: self.gathering.run(
                    [partial(log_integral, kernel, nodes, messages) for kernel in kernels], long
                ),
                self.sweeps,
            )
        mode.messages = messages
        mode.value, mode.means, mode.covs = smooth(mode.kernel, nodes, messages)
        self.gathering.put(k, mode.means, mode.covs)
        self._sums, self._joint = kept if keep else None, None

    def joint(self) -> tuple[Floats, Floats, Floats]:
        """``sum E[v v']``, ``sum y E[v]`` and ``sum E[v]`` with ``f = w' v``, at present."""
        if self._joint is None:
            k, algebra = self._last, self.algebra
            means, packed = self.modes[k].means, self.gathering.packed(k)
            total, linear, plain = (np.zeros(()),) * 3
            for part, z, (zeta, counts) in self._sums or self.gathering.blocks(k, counted=True):
                total = total + algebra.join(packed[part], z)
                linear = linear + algebra.join(means[part], zeta)
                plain = plain + algebra.join(means[part], counts)
            self._joint = (
                algebra.unfold(k, total),
                algebra.unfold_linear(k, linear),
                algebra.unfold_linear(k, plain),
            )
        return self._joint

    def update_offset(self) -> None:
        """Update the constant: what it takes for residuals of mean zero."""
        if self.learner is None:
            return
        total, linear, plain = self.joint()
        step = self.gathering.mean_residual(float(plain @ self.core.mean))
        self.gathering.shift(step)
        self._sums, self._joint = None, (total, linear - step * plain, plain)

    def update_core(self) -> None:
        """Update the core, and the precisions of components where these are learnt."""
        if not self.core.fixed:
            total, linear, _ = self.joint()
            self.core.update(self.noise.mean, total, linear, self._rate)

    def misfit(self) -> float:
        """Expected sum of squared residuals."""
        total, linear, _ = self.joint()
        spread = float(np.vdot(total, self.core.second)) - 2 * float(linear @ self.core.mean)
        return max(self.gathering.square + spread, 0.0)

    def update_noise(self) -> None:
        """Update the precision of the noise."""
        if not self.noise.fixed:
            self.noise.update(self.data.count, self.misfit(), self._rate)

    def update_weights(self) -> None:
        """Update how far every observation is to be believed, under Student-t noise."""
        if self._robust is None or self.sweeps == 0:  # the starting functions know no residuals
            return
        squares = self.gathering.squares(self.core.mean, self.core.second)
        self._robust.update(self.data.weights, squares, self.noise.mean)
        self.gathering.reweigh(self.data.weights * self._robust.means)
        self._sums, self._joint = None, None

    def sweep(self) -> float:
        """Update weights, every mode, the core and the noise; the evidence bound afterwards."""
        self.update_weights()
        self._pass()
        return self.bound()

    def _pass(self) -> None:
        for k in self._order:
            self.update_mode(k)
        self.update_offset()
        self.update_core()
        self.update_noise()
        self.sweeps += 1

    def warm_up(self, size: int, rng: np.random.Generator) -> None:
        """Once through the table in mini-batches of about `size` rows drawn at random.

        Each batch stands for the whole table and is a step along the natural gradient of the bound,
        shorter and shorter (M. Hoffman et al., JMLR 14:1303, 2013): sums are blended with those
        before. The bound is not computed, and noise is normal.
        """
        whole, count = self.gathering, len(self.data.y)
        for t, rows in enumerate(np.array_split(rng.permutation(count), -(-count // size))):
            self._rate = (1 + t) ** -_FORGETTING
            part = Gathering(self.data.part(rows), self.algebra, self._threads)
            self._gather(part, self.offset)
            self._pass()
        self._rate = 1.0
        self._gather(whole, self.offset)

    def bound(self) -> float:
        """Lower bound of the log evidence of y in the user's units, in nats.

        Minus infinity before every mode was updated once. Priors of kernel parameters are
        counted; without them it is a bound in the strict sense.
        """
        noise, n = self.noise, self.data.count
        fit = 0.5 * n * (noise.log_mean - np.log(2 * np.pi)) - 0.5 * noise.mean * self.misfit()
        if self._robust is not None:
            fit += self._robust.evidence
        apart = sum(mode.divergence() for mode in self.modes)
        apart += self.core.divergence() + noise.divergence()
        prior = sum(mode.kernel.log_prior() for mode in self.modes)
        return float(fit - apart + prior - n * np.log(self.data.scale))

    def collapsed(self) -> bool:
        """Whether the fit is the zero function: a fixed point that says nothing of the data."""
        total, _, _ = self.joint()
        size = float(np.vdot(total, self.core.second))
        square = self.gathering.square
        return size < 0.02 * square and self.noise.mean * square < 1.1 * self.gathering.total
