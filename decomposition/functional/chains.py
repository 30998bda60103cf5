"""The Gauss-Markov chain of one mode: R functions over sorted nodes, given messages of the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rankloom.decomposition.functional import filter_kernels as compiled
from rankloom.decomposition.functional.processes import Floats, Kernel

_NOTHING = np.empty((0, 0, 0))


@dataclass(frozen=True, eq=False)
class Messages:
    """Messages ``exp(eta' u - u' lam u / 2)`` at all nodes, factorised for the filter.

    Attributes
    ----------
    lam, eta : (J, R, R), (J, R) arrays
    """

    lam: Floats
    eta: Floats
    factors: Floats
    coefficients: Floats
    rests: Floats

    @classmethod
    def of(cls, lam: Floats, eta: Floats) -> "Messages":
        """Factorise; costs ``J R^3``."""
        factors, e, rests = np.empty_like(lam), np.empty_like(eta), np.empty_like(eta)
        compiled.factorise(lam, eta, np.empty_like(lam[0]), factors, e, rests)
        return cls(lam, eta, factors, e, rests)


def transitions(kernel: Kernel, nodes: Floats) -> tuple[Floats, Floats]:
    """A and Q into every node, (J, d, d); into the first from nothing, with A = 0."""
    gaps = np.zeros_like(nodes)
    gaps[1:] = nodes[1:] - nodes[:-1]  # `np.diff` with `prepend` takes ten times as long
    a, q = kernel.transition(gaps)
    a[0], q[0] = 0.0, kernel.prior(nodes[:1])[0]
    return a, q


def log_integral(kernel: Kernel, nodes: Floats, messages: Messages) -> float:
    """Log of the integral of prior times messages, by the filter alone."""
    a, q = transitions(kernel, nodes)
    rank = messages.eta.shape[1]
    return _filter(a, q, messages, _NOTHING, np.empty((1, rank, rank * kernel.state_size + 2)))


def smooth(kernel: Kernel, nodes: Floats, messages: Messages) -> tuple[float, Floats, Floats]:
    """Log integral, means (J, R) and covariances (J, R, R) at the nodes.

    Cost ``J (R d)^3``, memory ``J ((R d)^2 + R^2 (d + 1))`` numbers.
    """
    chain = Chain.run(kernel, nodes, messages, keep=False)
    return chain.value, chain.node_means, chain.node_covs


@dataclass(frozen=True, eq=False)
class Chain:
    """Posterior of one mode, ready to be asked at any point.

    Attributes
    ----------
    kernel : Process or KernelSum
    nodes : (J,) array
        Sorted, without repeats.
    value : float
        Log of the integral of prior times messages.
    node_means, node_covs : (J, R), (J, R, R) arrays
    """

    kernel: Kernel
    nodes: Floats
    messages: Messages
    value: float
    node_means: Floats
    node_covs: Floats
    kept: tuple[Floats, ...]

    @classmethod
    def run(cls, kernel: Kernel, nodes: Floats, messages: Messages, keep: bool = True) -> "Chain":
        """Filter and smooth; `keep` what predictions between nodes need (twice the memory)."""
        a, q = transitions(kernel, nodes)
        count, rank = messages.eta.shape
        size = rank * kernel.state_size
        states, updates = np.empty((count, size + 1, size)), np.empty((count, rank, size + 2))
        value = _filter(a, q, messages, states, updates)
        mean, cov = np.empty((count, rank)), np.empty((count, rank, rank))
        adjoints = np.empty_like(states) if keep else _NOTHING
        adjoint = np.zeros((size + 1, size))
        compiled.backward(
            np.ascontiguousarray(a.mT), messages.factors, messages.rests, states, updates,
            np.zeros_like(a[0]), np.empty_like(adjoint), adjoint, mean, cov, adjoints,
        )  # fmt: skip
        return cls(kernel, nodes, messages, value, mean, cov, (states, adjoints) if keep else ())

    def at(self, points: Any) -> tuple[Floats, Floats]:
        """Posterior means (n, R) and covariances (n, R, R) at any points, exact.

        Before, between and after the nodes; far from them the prior comes back. Cost
        ``n (R d)^3``.
        """
        points = np.asarray(points, dtype=np.float64)
        rank = self.messages.eta.shape[1]
        left = np.searchsorted(self.nodes, points, side="right") - 1
        a, q = self.kernel.transition(np.where(left >= 0, points - self.nodes[left], 0.0))
        a[left < 0], q[left < 0] = 0.0, self.kernel.prior(points[left < 0])
        right = np.minimum(left + 1, len(self.nodes) - 1)
        back = self.kernel.transition(np.maximum(self.nodes[right] - points, 0.0))[0].mT.copy()
        back[left + 1 == len(self.nodes)] = 0.0
        mean, cov = np.empty((len(points), rank)), np.empty((len(points), rank, rank))
        states, adjoints = self.kept
        state, adjoint, half = np.empty((3, *states.shape[1:]))
        compiled.between(
            a, q, back, left, states, adjoints, np.zeros_like(a[0]), half, state, adjoint, mean, cov
        )
        return mean, cov

    def sample(self, points: Any, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws (count, n, R) from the posterior functions at any points.

        A path of the prior is corrected by what the messages say about its difference, which
        needs no inverse (J. Durbin, S. J. Koopman, doi:10.1093/biomet/89.3.603).
        Cost ``count (J + n) (R d)^3``.
        """
        points = np.asarray(points, dtype=np.float64)
        nodes = np.union1d(self.nodes, points)
        here = np.searchsorted(nodes, self.nodes)
        rank = self.messages.eta.shape[1]
        lam, eta = np.zeros((len(nodes), rank, rank)), np.zeros((len(nodes), rank))
        lam[here], eta[here] = self.messages.lam, self.messages.eta
        factors = Messages.of(lam, eta).factors
        paths = prior_paths(self.kernel, nodes, rank, count, rng)
        at = np.searchsorted(nodes, points)
        out = np.empty((count, len(points), rank))
        for i, path in enumerate(paths):
            seen = np.einsum("jrc,jc->jr", lam, path)
            seen += np.einsum("jkr,jk->jr", factors, rng.standard_normal(eta.shape))
            shift = smooth(self.kernel, nodes, Messages.of(lam, eta - seen))[1]
            out[i] = (path + shift)[at]
        return out


def prior_paths(
    kernel: Kernel, nodes: Floats, rank: int, count: int, rng: np.random.Generator
) -> Floats:
    """Draws (count, J, R) from the prior of R independent functions."""
    a, q = transitions(kernel, nodes)
    roots = Messages.of(q, np.zeros(q.shape[:2])).factors
    state = np.zeros((count, rank, kernel.state_size))
    out = np.empty((count, len(nodes), rank))
    for j in range(len(nodes)):
        state = state @ a[j].T + rng.standard_normal(state.shape) @ roots[j]
        out[:, j] = state[..., 0]
    return out


def _filter(a: Floats, q: Floats, messages: Messages, states: Floats, updates: Floats) -> float:
    """Run the filter; fills `states` and `updates` unless `states` is empty."""
    m = messages
    size = m.eta.shape[1] * a.shape[1]
    half, state = np.empty((size + 1, size)), np.zeros((size + 1, size))
    return float(
        compiled.forward(a, q, m.factors, m.coefficients, m.rests, half, state, states, updates)
    )
