"""Time evolution of matrix product states by Trotter circuits (TEBD).

The state is held as right-orthonormal tensors B and the Schmidt values of every cut, and a gate on
sites i, i+1 is applied in the form of Hastings [1]_: with ``theta = gate B_i B_{i+1}``, the right
singular vectors V of ``lambda_i theta`` give ``B_{i+1} = V^H`` and ``B_i = theta V``, so nothing is
divided by small Schmidt values.

V comes from an eigendecomposition of the Gram matrix ``(lambda theta)^H (lambda theta)`` wherever
that is safe, since it costs two thirds of an SVD. Its eigenvalues are the squared Schmidt values
with an *absolute* error of a few roundings: a discarded weight well above these is right, and the
space kept is optimal up to them. Where weights are smaller, singular values are computed.

References
----------
.. [1] M. B. Hastings, arXiv:0903.3253, section "Light-cone matrix product", eqs. (9)-(13).
.. [2] G. Vidal, arXiv:quant-ph/0310089.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, eigh, like, namespace, one_blas_thread, svd, to_host
from rankloom.tn.checks import integer
from rankloom.tn.gauge import canonicalize, schmidt_form
from rankloom.tn.mps import MPS
from rankloom.tn.progress import Progress, track
from rankloom.tn.spinchain import SpinChain
from rankloom.tn.trotter import TrotterLayer
from rankloom.tn.truncation import Truncation

_GRAM_FLOOR = 500  # discarded weights above this many roundings are exact to a per cent by Gram
_THREAD_BOND = 24  # below, Python's share of a bond update leaves nothing for a second thread


@dataclass(frozen=True, eq=False)
class Evolution:
    """An evolved state and what the cuts on the way took.

    Attributes
    ----------
    state : MPS
        The final state, canonical, with the norm of the initial one.
    times : (steps + 1,) array
        0, dt, .., time.
    discarded : (half layers,) array
        Relative discarded weight of each half layer, summed over its bonds.
    truncation_error : float
        Sum of all discarded weights.
    error_bound : float
        Sum over all cuts of ``sqrt(weight)``: bounds the norm of the error of the normalised state
        that truncation caused (not the Trotter error), to leading order in the weights.
    """

    state: MPS
    times: NDArray[np.float64]
    discarded: NDArray[np.float64]
    truncation_error: float
    error_bound: float

    def __repr__(self) -> str:
        return (
            f"Evolution({self.state!r}, time={self.times[-1]:g}, steps={len(self.times) - 1}, "
            f"truncation_error={self.truncation_error:.1e})"
        )


def evolve(
    psi0: MPS,
    chain: SpinChain,
    *,
    time: float,
    steps: int,
    order: int = 2,
    max_bond: int | None = None,
    cutoff: float = 1e-10,
    threads: int | None = None,
    callback: Callable[[float, MPS], None] | None = None,
    progress: Progress = False,
) -> Evolution:
    """``exp(-i time H) |psi0>`` by a Trotter circuit with truncation after every gate.

    Parameters
    ----------
    psi0 : MPS
        Initial state of n sites of dimension 2.
    chain : SpinChain
        The Hamiltonian H, on n sites.
    time : float
        Any finite number but 0; negative runs backwards.
    steps : int
        Number of Trotter steps, dt = time/steps.
    order : {1, 2, 4}, default 2
        Order of the Trotter circuit; its error at fixed time falls as dt**order.
    max_bond : int, optional
        Largest bond dimension kept; None for no limit.
    cutoff : float, default 1e-10
        Largest relative discarded weight of one cut.
    threads : int, optional
        Python threads over the bonds of a half layer, used where bonds are wide enough to gain.
        Default: as many as BLAS was set to use (so one, when OMP_NUM_THREADS is 1). The result does
        not depend on it.
    callback : callable, optional
        Called as ``callback(t, state)`` at t = 0 and after every step. The half layers are then not
        merged across steps, so that each state is complete.
    progress : bool or callable, default False
        True for a tqdm bar over half layers, or a callable that wraps an iterable.

    Returns
    -------
    Evolution

    Raises
    ------
    TypeError, ValueError
        An argument is outside its range, or state and chain differ in their sites.

    Notes
    -----
    Each bond update costs one eigendecomposition or SVD of a (2D, 2D) matrix, O(D^3). The state is
    renormalised after every cut, and canonicalised exactly at the end. Peak memory: the state and
    its start, ``2 * 32 n D^2`` bytes in complex128, and about ``400 D^2`` bytes for each thread.

    Examples
    --------
    >>> chain = SpinChain.heisenberg(6)
    >>> run = evolve(MPS.product("010101"), chain, time=1.0, steps=20)
    >>> run.state.expectation("Z").round(3)
    array([ 0.585, -0.228,  0.283, -0.283,  0.228, -0.585])
    """
    _check(psi0, chain)
    rule = Truncation(max_bond, cutoff)
    if callback is None:
        schedule = [(layer, 0) for layer in chain.trotter_layers(time, steps, order)]
    else:
        chain.trotter_layers(time, steps, order)  # the checks
        step = chain.trotter_layers(time / steps, 1, order)
        marks = [0] * (len(step) - 1) + [1]
        schedule = [
            (la, (i + 1) * m) for i in range(steps) for la, m in zip(step, marks, strict=True)
        ]
    times = np.linspace(0.0, time, steps + 1)
    items = track(schedule, progress)
    gates: dict[TrotterLayer, list[Array]] = {}
    weights: list[list[float]] = []
    with one_blas_thread() as budget:
        count = budget if threads is None else integer("threads", threads, 1)
        work = _Tebd(psi0, rule)
        with ThreadPoolExecutor(count) if count > 1 else nullcontext() as pool:
            if callback is not None:
                callback(0.0, psi0)
            for layer, done in items:
                if layer not in gates:
                    gates[layer] = work.own(chain.gates(layer))
                weights.append(work.apply(layer.parity, gates[layer], pool, count))
                if callback is not None and done:
                    callback(float(times[done]), work.state())
        state = work.state()
    flat = np.array([w for layer_weights in weights for w in layer_weights])
    return Evolution(
        state=state,
        times=times,
        discarded=np.array([sum(w) for w in weights]),
        truncation_error=float(flat.sum()),
        error_bound=float(np.sqrt(flat).sum()),
    )


class _Tebd:
    """The state on its way: right-orthonormal tensors and Schmidt values, changed in place."""

    def __init__(self, psi0: MPS, rule: Truncation) -> None:
        xp = namespace(*psi0.tensors)
        dtype = xp.result_type(psi0.dtype, xp.complex64)
        tensors = [xp.astype(t, dtype) for t in psi0.tensors]
        self.tensors, self.schmidt, self.norm = schmidt_form(tensors, psi0.center)
        self.rule = rule
        self.floor = _GRAM_FLOOR * float(xp.finfo(dtype).eps)

    def own(self, gates: NDArray[np.complex128]) -> list[Array]:
        """Gates in the array library and precision of the state."""
        return [like(self.tensors[0], gate, self.tensors[0].dtype) for gate in gates]

    def apply(
        self, parity: int, gates: list[Array], pool: ThreadPoolExecutor | None, count: int
    ) -> list[float]:
        """Apply one half layer; the discarded weights of its bonds."""
        weights = [0.0] * len(gates)
        queue = iter(enumerate(gates))

        def work() -> None:
            for i, gate in queue:
                weights[i] = self._bond(parity + 2 * i, gate)

        if pool is None or max(s.shape[0] for s in self.schmidt) < _THREAD_BOND:
            work()
        else:
            for job in [pool.submit(work) for _ in range(count)]:
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
        self.tensors[k + 1] = xp.reshape(xp.conj(v).mT, (-1, 2, dr))
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


def _check(psi0: Any, chain: Any) -> None:
    if not isinstance(psi0, MPS):
        raise TypeError(f"`psi0` must be an MPS, got {type(psi0).__name__}.")
    if not isinstance(chain, SpinChain):
        raise TypeError(f"`chain` must be a SpinChain, got {type(chain).__name__}.")
    if psi0.n_sites != chain.n_sites:
        raise ValueError(f"`psi0` has {psi0.n_sites} sites, but `chain` has {chain.n_sites}.")
    if set(psi0.physical_dimensions) != {2}:
        raise ValueError(f"`psi0` must have sites of dimension 2, got {psi0.physical_dimensions}.")
    norm = psi0.norm()
    if not (math.isfinite(norm) and norm > 0.0):
        raise ValueError(f"`psi0` has norm {norm}: there is nothing to evolve.")
