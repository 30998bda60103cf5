"""The Gauss-Markov chain of one mode: R functions over sorted nodes, given messages of the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.functional import filter_kernels as compiled
from rankloom.decomposition.functional.matern import Floats, Kernel

_NONE2, _NONE3 = np.empty((0, 0)), np.empty((0, 0, 0))


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
        compiled.factorise(lam, eta, factors, e, rests)
        return cls(lam, eta, factors, e, rests)


def transitions(kernel: Kernel, nodes: Floats) -> tuple[Floats, Floats]:
    """A and Q into every node, (J, d, d); into the first from nothing, with A = 0."""
    a, q = kernel.transition(np.diff(nodes, prepend=nodes[0]))
    a[0], q[0] = 0.0, kernel.stationary()
    return a, q


def log_integral(kernel: Kernel, nodes: Floats, messages: Messages) -> float:
    """Log of the integral of prior times messages, by the filter alone."""
    a, q = transitions(kernel, nodes)
    m = messages
    nothing = (_NONE2, _NONE3, _NONE3, _NONE2)
    value = compiled.forward(
        a, q, _outputs(kernel), m.factors, m.coefficients, m.rests, *nothing, False
    )
    return float(value)


def smooth(kernel: Kernel, nodes: Floats, messages: Messages) -> tuple[float, Floats, Floats]:
    """Log integral, means (J, R) and covariances (J, R, R) at the nodes.

    Cost ``J (R d)^3``, memory ``J ((R d)^2 + 2 R^2)`` numbers.
    """
    chain = Chain.run(kernel, nodes, messages, keep=False)
    return chain.value, chain.node_means, chain.node_covs


@dataclass(frozen=True, eq=False)
class Chain:
    """Posterior of one mode, ready to be asked at any point.

    Attributes
    ----------
    kernel : Matern or KernelSum
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
    states: tuple[Floats, ...]

    @classmethod
    def run(cls, kernel: Kernel, nodes: Floats, messages: Messages, keep: bool = True) -> "Chain":
        """Filter and smooth; `keep` what predictions between nodes need (twice the memory)."""
        a, q = transitions(kernel, nodes)
        m, out = messages, _outputs(kernel)
        count, rank = m.eta.shape
        size = rank * kernel.state_size
        means, covs = np.empty((count, size)), np.empty((count, size, size))
        gains, vectors = np.empty((count, rank, rank)), np.empty((count, rank))
        value = compiled.forward(
            a, q, out, m.factors, m.coefficients, m.rests, means, covs, gains, vectors, True
        )
        mean, cov = np.empty((count, rank)), np.empty((count, rank, rank))
        slopes, curves = (np.empty_like(means), np.empty_like(covs)) if keep else (_NONE2, _NONE3)
        compiled.backward(a, out, means, covs, gains, vectors, mean, cov, slopes, curves, keep)
        states = (means, covs, gains, vectors, slopes, curves) if keep else ()
        return cls(kernel, nodes, messages, float(value), mean, cov, states)

    def at(self, points: Any) -> tuple[Floats, Floats]:
        """Posterior means (n, R) and covariances (n, R, R) at any points, exact.

        Before, between and after the nodes; far from them the prior comes back. Cost
        ``n (R d)^3``.
        """
        points = np.asarray(points, dtype=np.float64)
        rank, d = self.messages.eta.shape[1], self.kernel.state_size
        left = np.searchsorted(self.nodes, points, side="right") - 1
        a, q = self.kernel.transition(np.where(left >= 0, points - self.nodes[left], 0.0))
        a[left < 0], q[left < 0] = 0.0, self.kernel.stationary()
        right = np.minimum(left + 1, len(self.nodes) - 1)
        after = self.kernel.transition(np.maximum(self.nodes[right] - points, 0.0))[0]
        mean, cov = np.empty((len(points), rank)), np.empty((len(points), rank, rank))
        compiled.between(  # type: ignore[call-arg]
            a.reshape(-1, d, d), q, after, left, _outputs(self.kernel), *self.states, mean, cov
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
        paths = _prior_paths(self.kernel, nodes, rank, count, rng)
        at = np.searchsorted(nodes, points)
        out = np.empty((count, len(points), rank))
        for i, path in enumerate(paths):
            seen = np.einsum("jrc,jc->jr", lam, path)
            seen += np.einsum("jrk,jk->jr", factors, rng.standard_normal(eta.shape))
            shift = smooth(self.kernel, nodes, Messages.of(lam, eta - seen))[1]
            out[i] = (path + shift)[at]
        return out


def _prior_paths(
    kernel: Kernel, nodes: Floats, rank: int, count: int, rng: np.random.Generator
) -> Floats:
    """Draws (count, J, R) from the prior."""
    a, q = transitions(kernel, nodes)
    roots, e, rest = np.empty_like(q), np.empty(q.shape[:2]), np.empty(q.shape[:2])
    compiled.factorise(q, np.zeros(q.shape[:2]), roots, e, rest)
    state = np.zeros((count, rank, kernel.state_size))
    out = np.empty((count, len(nodes), rank))
    for j in range(len(nodes)):
        state = state @ a[j].T + rng.standard_normal(state.shape) @ roots[j].T
        out[:, j] = state @ kernel.output
    return out


def _outputs(kernel: Kernel) -> NDArray[np.intp]:
    return np.flatnonzero(kernel.output)
