"""Evolution by the time-dependent variational principle (TDVP).

The Hamiltonian is projected on the tangent space of the states of given bonds, and the projected
flow is split into flows of one or two sites, each an exponential of an effective Hamiltonian
[1]_ [2]_. A sweep to the right and its mirror image back, half a step each, are one symmetric step
of second order.

One-site steps keep norm and energy exactly (to the accuracy of the exponentials) but cannot change
a bond. Bonds grow before a step: the right bases that ``H|psi>`` asks for are added with no weight,
which leaves the state as it is [3]_; see `rankloom.tn.subspace`. Two-site steps change bonds by
themselves and pay with a truncation at every cut; what H does beyond neighbours of the bases at
hand they miss.

References
----------
.. [1] J. Haegeman et al., arXiv:1408.5056, section III and appendix B.
.. [2] S. Paeckel et al., arXiv:1901.05824, section 5.4.
.. [3] M. Yang and S. R. White, arXiv:2005.06104.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rankloom.tn.arrays import Array, contiguous, namespace, qr
from rankloom.tn.compress import split
from rankloom.tn.environments import Effective, Environments, Hamiltonian
from rankloom.tn.gauge import schmidt_form
from rankloom.tn.krylov import exponential
from rankloom.tn.mps import MPS
from rankloom.tn.subspace import expand, outside
from rankloom.tn.truncation import Truncation


class Tdvp:
    """The normalised state on its way, canonical about site 0 between steps, changed in place.

    Parameters
    ----------
    psi0 : MPS
        At least two sites.
    operator : sequence of (w[k], d[k], d[k], w[k+1]) array
        A Hermitian operator on the same sites.
    step : complex
        ``-i dt``, or ``-dt`` in imaginary time.
    sites : {1, 2}
        How many sites move at a time.
    rule : Truncation
        Cuts two-site steps; says what bonds one-site steps may grow, and for which weight.
    tol : float
        Of each exponential.
    nearest : bool
        H couples nearest neighbours only, so that two-site steps project nothing away.
    """

    def __init__(
        self,
        psi0: MPS,
        operator: Sequence[Array],
        *,
        step: complex,
        sites: int,
        rule: Truncation,
        tol: float,
        nearest: bool,
    ) -> None:
        xp = namespace(*psi0.tensors)
        real = step.imag == 0.0 and not any(map(_is_complex, operator))
        dtype = psi0.dtype if real else xp.result_type(psi0.dtype, xp.complex64)
        # In Schmidt form no bond is wider than the state needs.
        cast = [xp.astype(t, dtype) for t in psi0.tensors]
        tensors, schmidt, norm = schmidt_form(cast, psi0.center)
        widest = max(s.shape[0] for s in schmidt)
        if sites == 1 and rule.max_bond is not None and widest > rule.max_bond:
            raise ValueError(
                f"`psi0` needs bonds of {widest}, but `max_bond` is {rule.max_bond} and one-site "
                "TDVP cuts nothing. Compress it first, or raise `max_bond`."
            )
        self.tensors = [contiguous(t) for t in tensors]
        self.norm = norm if step.imag else 1.0
        self.step, self.sites, self.rule, self.tol, self.nearest = step, sites, rule, tol, nearest
        self.operator = Hamiltonian(operator, self.tensors[0])
        self.env = Environments(self.tensors, self.operator, 0)
        self.rate = 0.0
        """``|(1 - P) H|psi>|`` at the start of the last step."""

    @contextmanager
    def workers(self, _count: int) -> Iterator[None]:
        """One thread: the centre is at one place at a time."""
        yield

    def advance(self, _item: Any) -> list[float]:
        """One step; the discarded weights of its cuts."""
        operator = self.operator.tensors
        if self.sites == 1 and self._room():
            self.tensors, self.rate = expand(self.tensors, operator, self.rule, abs(self.step))
            self.env = Environments(self.tensors, self.operator, 0)
        elif self.sites == 1 or not self.nearest:
            self.rate = outside(self.tensors, operator, self.sites)
        weights = self._sites() if self.sites == 1 else self._pairs()
        xp = namespace(self.tensors[0])
        self.tensors[0] = self.tensors[0] / xp.linalg.vector_norm(self.tensors[0])
        # In one memory layout, with environments made anew: as after reading from a file.
        self.restore({"tensors": [contiguous(t) for t in self.tensors]})
        return weights

    def _room(self) -> bool:
        """Whether some bond is smaller than `max_bond` and the sites on either side allow."""
        sizes = [t.shape[1] for t in self.tensors]
        for k in range(1, len(sizes)):
            most = min(math.prod(sizes[:k]), math.prod(sizes[k:]))
            if self.tensors[k].shape[0] < min(most, self.rule.max_bond or most):
                return True
        return False

    def _sites(self) -> list[float]:
        """One site at a time, half a step to the right and half a step back."""
        half, last, env, tensors = self.step / 2, len(self.tensors) - 1, self.env, self.tensors
        for k in range(last):
            tensors[k], c = _leave_right(self._flow(env.on_site(k), tensors[k], half))
            env.pass_right(k, tensors[k])
            c = self._flow(env.on_bond(k + 1), c, -half)
            tensors[k + 1] = _onto(c, tensors[k + 1])
        tensors[last] = self._flow(env.on_site(last), tensors[last], self.step)
        for k in range(last, 0, -1):
            c, tensors[k] = _leave_left(tensors[k])
            env.pass_left(k, tensors[k])
            c = self._flow(env.on_bond(k), c, -half)
            tensors[k - 1] = self._flow(env.on_site(k - 1), _into(tensors[k - 1], c), half)
        return []

    def _pairs(self) -> list[float]:
        """Two sites at a time, half a step to the right and half a step back."""
        half, last, env, tensors = self.step / 2, len(self.tensors) - 1, self.env, self.tensors
        weights = []
        for k in range(last):
            step = self.step if k == last - 1 else half
            left, right, weight = self._pair(k, env.on_pair(k), step)
            weights.append(weight)
            if k < last - 1:
                tensors[k] = left[0]
                env.pass_right(k, left[0])
                tensors[k + 1] = self._flow(env.on_site(k + 1), right[1], -half)
            else:
                tensors[k], tensors[k + 1] = left[1], right[0]
                env.pass_left(k + 1, right[0])
        for k in range(last - 2, -1, -1):
            tensors[k + 1] = self._flow(env.on_site(k + 1), tensors[k + 1], -half)
            left, right, weight = self._pair(k, env.on_pair(k), half)
            weights.append(weight)
            tensors[k], tensors[k + 1] = left[1], right[0]
            env.pass_left(k + 1, right[0])
        return weights

    def _flow(self, h: Effective, site: Array, step: complex) -> Array:
        """``exp(step h)`` on a site tensor, or on the matrix of a bond."""
        xp = namespace(site)
        flat = xp.reshape(site, (-1, site.shape[-1]))
        return xp.reshape(exponential(h, flat, step, self.tol), site.shape)

    def _pair(
        self, k: int, h: Effective, step: complex
    ) -> tuple[tuple[Array, Array], tuple[Array, Array], float]:
        """``exp(step h)`` on sites k, k+1, cut apart.

        Each side comes twice, orthonormal and as the centre, with the discarded weight.
        """
        a, b = self.tensors[k], self.tensors[k + 1]
        xp = namespace(a)
        theta = xp.reshape(a, (-1, a.shape[2])) @ xp.reshape(b, (b.shape[0], -1))
        u, s, vh, weight = split(exponential(h, theta, step, self.tol), self.rule)
        s = s / xp.linalg.vector_norm(s)
        left, right = (*a.shape[:2], -1), (-1, *b.shape[1:])
        return (
            (xp.reshape(u, left), xp.reshape(u * s, left)),
            (xp.reshape(vh, right), xp.reshape(s[:, None] * vh, right)),
            weight,
        )

    def state(self) -> MPS:
        """The state as it stands: of the norm of the start in real time, of norm one else."""
        return MPS._adopt([self.tensors[0] * self.norm, *self.tensors[1:]], 0)

    def energy(self) -> float:
        """``<H>`` of the normalised state."""
        site = self.tensors[0]
        xp = namespace(site)
        flat = xp.reshape(site, (-1, site.shape[2]))
        return float(xp.real(xp.sum(xp.conj(flat) * self.env.on_site(0)(flat))))

    def parts(self) -> dict[str, list[Array]]:
        """All that changes on the way."""
        return {"tensors": self.tensors}

    def restore(self, parts: dict[str, list[Array]]) -> None:
        """Go on from what `parts` gave."""
        self.tensors = parts["tensors"]
        self.env = Environments(self.tensors, self.operator, 0)


def _leave_right(site: Array) -> tuple[Array, Array]:
    """Left-orthonormal site and the matrix of the bond to its right."""
    xp = namespace(site)
    q, c = qr(xp.reshape(site, (-1, site.shape[2])))
    return xp.reshape(q, (*site.shape[:2], -1)), c


def _leave_left(site: Array) -> tuple[Array, Array]:
    """Matrix of the bond to the left and the right-orthonormal site."""
    xp = namespace(site)
    q, c = qr(xp.reshape(site, (site.shape[0], -1)).mT)
    return c.mT, xp.reshape(q.mT, (-1, *site.shape[1:]))


def _onto(c: Array, site: Array) -> Array:
    """The matrix of a bond taken into the site to its right."""
    xp = namespace(site)
    return xp.reshape(c @ xp.reshape(site, (site.shape[0], -1)), (-1, *site.shape[1:]))


def _into(site: Array, c: Array) -> Array:
    """The matrix of a bond taken into the site to its left."""
    xp = namespace(site)
    return xp.reshape(xp.reshape(site, (-1, site.shape[2])) @ c, (*site.shape[:2], -1))


def _is_complex(x: Array) -> bool:
    return bool(namespace(x).isdtype(x.dtype, "complex floating"))
