"""The sweep of two-site DMRG [1]_ [2]_: one bond after another is made optimal and cut.

The state stays canonical with its centre at the bond at work. A cut keeps the dominant eigenvectors
of the density matrix of the side that the sweep leaves behind; where the cutoff is so small that
the squares in that matrix drown, it takes singular vectors instead.

While the sweep *mixes*, ``mixing * sum_b A_b theta theta^H A_b^H`` is added to the density matrix
[3]_, with A_b the channels of the Hamiltonian that end in the kept side and each mean ``<A_b>``
taken off: directions that the Hamiltonian will need enter the bond although the state has no weight
there yet, so that far-reaching terms do not leave the sweep stuck.

References
----------
.. [1] S. R. White, doi:10.1103/PhysRevLett.69.2863.
.. [2] U. Schollwoeck, arXiv:1008.3477, section 6.
.. [3] S. R. White, arXiv:cond-mat/0508709, eq. (9).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rankloom.tn.arrays import Array, adjoint, eigh, inner, like, namespace, svd, to_host
from rankloom.tn.certify import energy_and_variance
from rankloom.tn.effective import Operator
from rankloom.tn.gauge import canonicalize
from rankloom.tn.lanczos import Ritz, lowest
from rankloom.tn.truncation import Truncation

_PROBE = 12  # Lanczos vectors spent on the second eigenvalue
_GRAM_FLOOR = 16  # cutoffs of this many roundings are told apart in a density matrix


@dataclass(frozen=True)
class Pass:
    """What one pass over all bonds did."""

    energy: float
    residual: float
    discarded: float
    bond: int
    gap: float


class Penalty:
    """``weight |phi><phi|`` for a state phi, seen from the bond at work."""

    def __init__(self, tensors: list[Array], weight: float, edge: Array) -> None:
        self.tensors, self.weight = tensors, weight
        one = edge[0, :, :]
        self.left = [one] * (len(tensors) + 1)
        self.right = [one] * (len(tensors) + 1)

    def local(self, k: int) -> Array:
        """phi on sites k, k+1 in the bases of the state, ``(Dl d1, d2 Dr)``."""
        a, b = self.tensors[k], self.tensors[k + 1]
        xp = namespace(a)
        lhs = self.left[k] @ xp.reshape(a, (a.shape[0], -1))
        lhs = xp.reshape(lhs, (-1, a.shape[2]))
        rhs = xp.reshape(b, (-1, b.shape[2])) @ self.right[k + 2]
        return lhs @ xp.reshape(rhs, (b.shape[0], -1))

    def close_left(self, k: int, site: Array) -> None:
        """Take site k in: environments are (state bond, phi bond)."""
        a = self.tensors[k]
        xp = namespace(a)
        half = xp.reshape(self.left[k] @ xp.reshape(a, (a.shape[0], -1)), (-1, a.shape[2]))
        self.left[k + 1] = adjoint(xp.reshape(site, (-1, site.shape[2]))) @ half

    def close_right(self, k: int, site: Array) -> None:
        """Take site k in: environments are (phi bond, state bond)."""
        a = self.tensors[k]
        xp = namespace(a)
        half = xp.reshape(a, (-1, a.shape[2])) @ self.right[k + 1]
        half = xp.reshape(half, (a.shape[0], -1))
        self.right[k] = half @ adjoint(xp.reshape(site, (site.shape[0], -1)))


class Dmrg:
    """A state under optimisation, its environments, and the passes over it; changed in place.

    Parameters
    ----------
    operator : Operator
    tensors : list of array
        Canonical with the centre at site 0, norm one.
    penalties : list of Penalty
    """

    def __init__(self, operator: Operator, tensors: list[Array], penalties: list[Penalty]) -> None:
        self.operator, self.tensors, self.penalties = operator, tensors, penalties
        n = len(tensors)
        self.left, self.right = [operator.edge()] * (n + 1), [operator.edge()] * (n + 1)
        for k in range(n - 1, 1, -1):
            self._close_right(k, operator.grow_right(k, self.right[k + 1]))
        self.forward = True

    def sweep(
        self, rule: Truncation, mixing: float, steps: int, tol: float, probe: bool = False
    ) -> Pass:
        """Pass over all bonds in the direction that leads away from the centre.

        Parameters
        ----------
        rule : Truncation
        mixing : float
            Weight of the mixed directions in the density matrix; 0 cuts by the state alone.
        steps, tol
            Of the Lanczos run of every bond.
        probe : bool
            Also look for the second eigenvalue at the middle bond.
        """
        n, forward = len(self.tensors), self.forward
        residual = discarded = energy = 0.0
        self._gap = math.inf
        for k in range(n - 1) if forward else range(n - 2, -1, -1):
            middle = probe and k == n // 2 - 1
            energy, length, weight = self._bond(k, rule, mixing, steps, tol, middle)
            residual += length * length
            discarded += weight
        self.forward = not forward
        bond = max(t.shape[2] for t in self.tensors)
        return Pass(energy, residual, discarded, bond, self._gap)

    @property
    def center(self) -> int:
        """Orthogonality centre between passes."""
        return 0 if self.forward else len(self.tensors) - 1

    def _bond(
        self, k: int, rule: Truncation, mixing: float, steps: int, tol: float, probe: bool
    ) -> tuple[float, float, float]:
        """Optimise and cut the bond of sites k, k+1; energy, residual before, discarded weight."""
        operator, forward = self.operator, self.forward
        a, b = self.tensors[k], self.tensors[k + 1]
        xp = namespace(a)
        (dl, d1, dm), (_, d2, dr) = a.shape, b.shape
        left = operator.grow_left(k, self.left[k])
        right = operator.grow_right(k + 1, self.right[k + 2])
        local = operator.two_site(k, left, right, (dl, d1, d2, dr))
        bars = [(p.weight, p.local(k)) for p in self.penalties]
        theta = xp.reshape(a, (dl * d1, dm)) @ xp.reshape(b, (dm, d2 * dr))
        found = lowest(_penalised(local, bars), theta, steps, tol)
        if probe:
            second = self._second(_penalised(local, bars), found, (dl, d1, d2, dr))
            if second is not None:
                self._gap = float(second.energies[0] - found.energies[0])
                if self._gap < -1e-9 * abs(
                    found.energies[0]
                ):  # theta was the lowest of its sector only
                    found = second
        theta, energy = found.vector, float(found.energies[0])
        for weight, v in bars:
            energy -= weight * float(abs(inner(v, theta))) ** 2
        extra = self._mixed(k, left, right, theta) if mixing else None
        if forward:
            u, rest, weight = _split(theta, rule, mixing, extra)
            self.tensors[k] = xp.reshape(u, (dl, d1, -1))
            self.tensors[k + 1] = xp.reshape(rest, (-1, d2, dr))
            self.left[k + 1] = operator.close_left(k, left, self.tensors[k])
            for p in self.penalties:
                p.close_left(k, self.tensors[k])
        else:
            u, rest, weight = _split(theta.mT, rule, mixing, extra)
            self.tensors[k + 1] = xp.reshape(u.mT, (-1, d2, dr))
            self.tensors[k] = xp.reshape(rest.mT, (dl, d1, -1))
            self._close_right(k + 1, right)
        return energy, found.residual, weight

    def _close_right(self, k: int, grown: Array) -> None:
        self.right[k] = self.operator.close_right(k, grown, self.tensors[k])
        for p in self.penalties:
            p.close_right(k, self.tensors[k])

    def _second(
        self, apply: Callable[[Array], Array], first: Ritz, shape: tuple[int, ...]
    ) -> Ritz | None:
        """Lowest Ritz pair orthogonal to the first, from theta with its left site turned about."""
        theta = first.vector
        xp = namespace(theta)
        dl, d, d2, dr = shape
        turn = like(theta, np.cos(np.outer(np.arange(1, d + 1), np.arange(1, d + 1))), theta.dtype)
        start = xp.reshape(turn @ xp.reshape(theta, (dl, d, d2 * dr)), theta.shape)
        start = start - inner(theta, start) * theta
        if float(xp.linalg.vector_norm(start)) < 1e-8:
            return None

        def beside(x: Array) -> Array:
            image = apply(x)
            return image - inner(theta, image) * theta

        return lowest(beside, start, _PROBE, 1e-9 * abs(float(first.energies[0])))

    def certify(self) -> tuple[float, float]:
        """Energy and variance of the state; brings its centre to site 0."""
        n, operator = len(self.tensors), self.operator
        if not self.forward:
            self.tensors = canonicalize(self.tensors, 0, n - 1)
            self.forward = True
            for k in range(n - 1, 0, -1):
                self._close_right(k, operator.grow_right(k, self.right[k + 1]))
        return energy_and_variance(operator, self.tensors, self.right)

    def _mixed(self, k: int, left: Array, right: Array, theta: Array) -> Array:
        """What the channels of the kept side add to theta, (channels, m, n)."""
        if self.forward:
            images = self.operator.images_left(k, left, theta)
        else:
            images = self.operator.images_right(k + 1, right, theta)
        xp = namespace(theta)
        flat = xp.reshape(images, (images.shape[0], -1))
        means = flat @ xp.conj(xp.reshape(theta, (-1,)))
        images = images - means[:, None, None] * theta
        return images if self.forward else images.mT


def _penalised(
    local: Callable[[Array], Array], bars: list[tuple[float, Array]]
) -> Callable[[Array], Array]:
    if not bars:
        return local

    def apply(theta: Array) -> Array:
        out = local(theta)
        for weight, v in bars:
            out = out + (weight * inner(v, theta)) * v
        return out

    return apply


def _split(
    theta: Array, rule: Truncation, mixing: float, extra: Array | None
) -> tuple[Array, Array, float]:
    """Orthonormal columns u, ``u^H theta`` with norm one again, and the discarded weight."""
    xp = namespace(theta)
    m, n = theta.shape
    eps = float(xp.finfo(theta.dtype).eps)
    if extra is None and (rule.cutoff < _GRAM_FLOOR * eps or m > 2 * n):
        u, s, vh = svd(theta)
        kept, weight = rule.keep(to_host(s) ** 2)
        s = s[:kept] / xp.linalg.vector_norm(s[:kept])
        return u[:, :kept], s[:, None] * vh[:kept, :], weight
    density = theta @ adjoint(theta)
    if extra is not None:
        trace = float(xp.linalg.vector_norm(extra)) ** 2
        if trace > 0.0:
            density = density + (mixing / trace) * xp.sum(extra @ adjoint(extra), axis=0)
    values, u = eigh(density)
    kept, weight = rule.keep(to_host(values)[::-1])
    u = u[:, m - kept :]
    rest = adjoint(u) @ theta
    norm = float(xp.linalg.vector_norm(rest))
    if extra is not None:
        weight = max(0.0, 1.0 - norm * norm)
    return u, rest * (1.0 / norm), weight
