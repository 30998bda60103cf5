"""Evolution by Trotter circuits (TEBD).

In real time the state is held as right-orthonormal tensors B and the Schmidt values of every cut.
A gate on sites i, i+1 is applied in the form of Hastings [1]_: with ``theta = gate B_i B_{i+1}``,
the right singular vectors V of ``lambda_i theta`` give ``B_{i+1} = V^H`` and ``B_i = theta V``, so
nothing is divided by small Schmidt values.

V comes from an eigendecomposition of the Gram matrix ``(lambda theta)^H (lambda theta)`` wherever
that is safe, since it costs two thirds of an SVD. Its eigenvalues are the squared Schmidt values
with an *absolute* error of a few roundings: a discarded weight well above these is right, and the
space kept is optimal up to them. Where weights are smaller, singular values are computed.

The gates of imaginary time are not unitary and spoil the bases of all other cuts, so there the
orthogonality centre travels along and each cut is made at it.

References
----------
.. [1] M. B. Hastings, arXiv:0903.3253, section "Light-cone matrix product", eqs. (9)-(13).
.. [2] G. Vidal, arXiv:quant-ph/0310089.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, contiguous, eigh, like, namespace, svd, to_host
from rankloom.tn.gates import apply_gates
from rankloom.tn.gauge import canonicalize, schmidt_form
from rankloom.tn.mps import MPS
from rankloom.tn.spinchain import SpinChain
from rankloom.tn.trotter import TrotterLayer
from rankloom.tn.truncation import Truncation

_GRAM_FLOOR = 500  # discarded weights above this many roundings are exact to a per cent by Gram
_THREAD_BOND = 24  # below, Python's share of a bond update leaves nothing for a second thread


class Tebd:
    """The state on its way: right-orthonormal tensors and Schmidt values, changed in place."""

    def __init__(self, psi0: MPS, chain: SpinChain, rule: Truncation) -> None:
        xp = namespace(*psi0.tensors)
        dtype = xp.result_type(psi0.dtype, xp.complex64)
        tensors = [xp.astype(t, dtype) for t in psi0.tensors]
        self.tensors, self.schmidt, self.norm = schmidt_form(tensors, psi0.center)
        self.tensors = [contiguous(t) for t in self.tensors]
        self.chain, self.rule = chain, rule
        self.floor = _GRAM_FLOOR * float(xp.finfo(dtype).eps)
        self.gates: dict[TrotterLayer, list[Array]] = {}
        self.pool: ThreadPoolExecutor | None = None
        self.count = 1

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """Threads over the bonds of a half layer."""
        if count == 1:
            yield
            return
        with ThreadPoolExecutor(count) as self.pool:
            self.count = count
            yield
        self.pool = None

    def advance(self, layer: TrotterLayer) -> list[float]:
        """Apply one half layer; the discarded weights of its bonds."""
        gates = self.gates.get(layer)
        if gates is None:
            gates = self.gates[layer] = _own(self.chain.gates(layer), self.tensors[0])
        weights = [0.0] * len(gates)
        queue = iter(enumerate(gates))

        def work() -> None:
            for i, gate in queue:
                weights[i] = self._bond(layer.parity + 2 * i, gate)

        if self.pool is None or max(s.shape[0] for s in self.schmidt) < _THREAD_BOND:
            work()
        else:
            for job in [self.pool.submit(work) for _ in range(self.count)]:
                job.result()
        return weights

    def _bond(self, k: int, gate: Array) -> float:
        """Apply a gate to sites k, k+1 and cut the bond between them."""
        left, right, schmidt = self.tensors[k], self.tensors[k + 1], self.schmidt[k]
        xp = namespace(left)
        dl, dm, dr = left.shape[0], right.shape[0], right.shape[2]
        theta = xp.reshape(left, (2 * dl, dm)) @ xp.reshape(right, (dm, 2 * dr))
        theta = gate @ xp.reshape(theta, (dl, 4, dr))
        centred = xp.reshape(schmidt[:, None, None] * theta, (2 * dl, 2 * dr))
        s, v, weight = self._right_vectors(centred, self.schmidt[k + 1].shape[0])
        norm = xp.linalg.vector_norm(s)
        self.schmidt[k + 1] = s / norm
        self.tensors[k] = xp.reshape(xp.reshape(theta, (2 * dl, 2 * dr)) @ v / norm, (dl, 2, -1))
        self.tensors[k + 1] = xp.reshape(contiguous(xp.conj(v).mT), (-1, 2, dr))
        return weight

    def _right_vectors(self, centred: Array, bond: int) -> tuple[Array, Array, float]:
        """Kept singular values, right singular vectors (columns), and the discarded weight."""
        xp = namespace(centred)
        loose = self.rule.cutoff >= self.floor
        if loose or bond == self.rule.max_bond:
            squares, v = eigh(xp.conj(centred).mT @ centred)
            kept, weight = self.rule.keep(to_host(squares)[::-1])
            if loose or weight >= self.floor:
                # ascending order; Schmidt values need none here
                return xp.sqrt(squares[-kept:]), v[:, -kept:], weight
        _, s, vh = svd(centred)
        kept, weight = self.rule.keep(to_host(s) ** 2)
        return s[:kept], xp.conj(vh[:kept, :]).mT, weight

    def state(self) -> MPS:
        """The state as it stands, in exact canonical form and with the norm of the start."""
        tensors = canonicalize(self.tensors, 0)
        xp = namespace(*tensors)
        tensors[0] = tensors[0] * (self.norm / float(xp.linalg.vector_norm(tensors[0])))
        return MPS._adopt(tensors, 0)

    def parts(self) -> dict[str, list[Array]]:
        """All that changes on the way."""
        return {"tensors": self.tensors, "schmidt": self.schmidt}

    def restore(self, parts: dict[str, list[Array]]) -> None:
        """Go on from what `parts` gave."""
        self.tensors, self.schmidt = parts["tensors"], parts["schmidt"]


class CoolingTebd:
    """The normalised state on its way through imaginary time, with a travelling centre."""

    def __init__(self, psi0: MPS, chain: SpinChain, rule: Truncation) -> None:
        xp = namespace(*psi0.tensors)
        dtype = xp.result_type(psi0.dtype, xp.complex64)
        start = psi0.canonicalize(0).normalize()
        self.tensors = [contiguous(xp.astype(t, dtype)) for t in start.tensors]
        self.center = 0
        self.chain, self.rule = chain, rule
        self.operator = chain.mpo()

    @contextmanager
    def workers(self, _count: int) -> Iterator[None]:
        """One thread: the centre is at one place at a time."""
        yield

    def advance(self, layer: TrotterLayer) -> list[float]:
        """Apply ``exp(-duration h)`` on all bonds of one parity and normalise."""
        gates = self.chain.bond_gates(-1j * layer.duration)[layer.parity :: 2]
        bonds = range(layer.parity, len(self.tensors) - 1, 2)
        placed = [((k, k + 1), gate) for k, gate in zip(bonds, gates, strict=True)]
        if self.center > 0:
            placed.reverse()
        state, weight = apply_gates(self._mps(), placed, self.rule)
        assert state.center is not None
        self.center = state.center
        tensors = list(state.normalize().tensors)
        if self.center < len(tensors) // 2:  # the next layer starts at an end
            tensors, self.center = canonicalize(tensors, 0, self.center), 0
        self.tensors = [contiguous(t) for t in tensors]
        return [weight]

    def _mps(self) -> MPS:
        return MPS._adopt(self.tensors, self.center)

    def state(self) -> MPS:
        """The state as it stands, of norm one."""
        return self._mps().canonicalize(0)

    def energy(self) -> float:
        """``<H>`` of the state."""
        return float(self._mps().expectation(self.operator).real)

    def parts(self) -> dict[str, list[Array]]:
        """All that changes on the way."""
        here = like(self.tensors[0], np.array([float(self.center)]))
        return {"tensors": self.tensors, "center": [here]}

    def restore(self, parts: dict[str, list[Array]]) -> None:
        """Go on from what `parts` gave."""
        self.tensors, self.center = parts["tensors"], int(parts["center"][0][0])


def _own(gates: NDArray[np.complex128], reference: Array) -> list[Array]:
    """Gates in the array library and precision of the state."""
    return [like(reference, gate, reference.dtype) for gate in gates]
