"""Exact overlap of a matrix product state with a circuit, and its gradient.

`Overlap` prepares everything that depends on the target and on the circuit's shape once (the
schedule, the laid-out target tensors, the work space) and evaluates any number of angles.

Two boundaries meet in the middle: the left one moves forward, the right one is the adjoint of
the same schedule, moving backward from its end. Then each goes on through the half that the
other has left on its tape and gathers the derivatives. Both halves are independent, so they
run on two threads when there is enough work.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.aqc import slanted_kernels as kernels
from rankloom.quantum.aqc.ansatz import BLOCK_ANGLES, FRONT_ANGLES, Ansatz
from rankloom.quantum.aqc.halves import ONE, Half, Workspace
from rankloom.quantum.aqc.schedule import CHI, INNER, KIND, SITE, Op, Schedule, plan
from rankloom.tn.arrays import is_numpy, one_blas_thread
from rankloom.tn.mps import MPS

T = TypeVar("T")

MEMORY = 0.125e9
"""Bytes that stored boundaries take by default."""

# Complex multiplications below which starting a second thread costs more than it saves.
_THREADING_PAYS = 3.0e6

# Real multiplications of a matrix product from which BLAS starts threads of its own.
_BLAS_THREADS = 2.0e5

_SWAPPED = np.array([0, 2, 1, 3])  # the two qubits of a 4 x 4 matrix swapped
_MIRRORED_BLOCK = np.array([0, 1, 2, 6, 7, 8, 3, 4, 5])  # left and right rotations swapped


class Overlap:
    """The amplitude ``f = <target|ansatz>`` as a function of the angles.

    Parameters
    ----------
    target : MPS
        Qubit chain with NumPy tensors; need not be normalised, no gauge is assumed.
    ansatz : Ansatz
        Gives the circuit's shape; its angles are not used.
    memory : float
        Bytes that the stored boundaries may take. Above it only checkpoints are stored and
        the boundaries between them are computed a second time (one extra forward pass).
    threads : int, optional
        1 or 2; None takes two when two cores are at hand and the work is worth it.

    Raises
    ------
    TypeError
        If the target lives in another array library.
    ValueError
        If target and ansatz differ in size, the target is not made of qubits, or the circuit
        is so deep that even one boundary exceeds `memory`.

    Notes
    -----
    For L brickwork layers and target bond chi, one evaluation takes about
    ``n 2^L (12 L chi + 2 chi^2)`` complex multiplications. Peak memory: ``n (L + 2) / 2``
    boundaries of at most ``16 chi 2^(L + 1)`` bytes, or `memory` if that is less (at least
    ``2 sqrt(n (L + 2))`` boundaries), and ``128 n chi^2`` bytes for the target laid out.
    Nothing is truncated: values are exact to rounding.
    """

    def __init__(
        self,
        target: MPS,
        ansatz: Ansatz,
        *,
        memory: float = MEMORY,
        threads: int | None = None,
    ) -> None:
        _check(target, ansatz)
        self.n_qubits = ansatz.n_qubits
        self.bonds = ansatz.bonds
        forth = plan(self.n_qubits, ansatz.bonds, target.bond_dimensions)
        back = plan(self.n_qubits, self.n_qubits - 2 - ansatz.bonds, target.bond_dimensions[::-1])
        # A circuit that fans out to the right is cheap from the right end, and vice versa.
        self.mirrored = bool(back.costs.sum() < 0.9 * forth.costs.sum())
        self.schedule = back if self.mirrored else forth
        self.work = _workspace(target, ansatz, self.schedule, self.mirrored)
        ops, middle = self.schedule.ops, self.schedule.middle
        self._left = Half(self.schedule, self.work, 0, middle, memory / 2)
        self._right = Half(self.schedule, self.work, middle, len(ops), memory / 2)
        chi = max(target.bond_dimensions)
        self._heavy = 2.0 * self.schedule.width * chi > _BLAS_THREADS
        if threads is None:
            worth_it = self.schedule.costs.sum() > _THREADING_PAYS
            threads = 2 if worth_it and (os.cpu_count() or 1) > 1 else 1
        self._pool = ThreadPoolExecutor(1) if threads > 1 else None

    def amplitude(self, angles: ArrayLike) -> complex:
        """``<target|ansatz(angles)>``, without the ansatz's global phase."""
        self.prepare(self.own_order(angles))
        with self._limit():
            return self._meet()[0]

    def fidelity_and_gradient(self, angles: ArrayLike) -> tuple[float, NDArray[np.float64]]:
        """``F = |<target|ansatz(angles)>|^2`` and dF/d angles, shape (n_parameters,)."""
        own = self.own_order(angles)
        f = self._differentiate(own)
        work, gradient = self.work, np.empty_like(own)
        kernels.chain_rule(
            own, f, work.fronts, work.gates, work.front_bars, work.densities, gradient
        )
        return abs(f) ** 2, self.own_order(gradient)  # mirroring is its own inverse

    def environments(self, angles: ArrayLike) -> NDArray[np.complex128]:
        """Environment E_k of every block, shape (blocks, 4, 4), in house order.

        The amplitude is linear in each block: ``f = sum(E_k * G_k)`` for every k.
        """
        self._differentiate(self.own_order(angles))
        environments = self.work.gates[0].conj() @ self.work.densities
        return self.house_order(environments)

    def house_order(self, gates: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Blocks (.., 4, 4) from the kernels' wire order to the house order, and back."""
        return gates if self.mirrored else gates[:, _SWAPPED][:, :, _SWAPPED]

    @property
    def nbytes(self) -> int:
        """Bytes of work space and laid-out target."""
        work = self.work
        arrays = (work.pairs, work.dressed, work.gates, work.densities)
        return sum(a.nbytes for a in arrays) + self._left.nbytes + self._right.nbytes

    def prepare(self, angles: NDArray[np.float64]) -> None:
        """Fill `work` with the gates of `angles`, given in the schedule's own order."""
        work = self.work
        kernels.build_gates(angles, work.fronts, work.gates)
        kernels.dress(self.schedule.ops, work.starts, work.gates, work.pairs, work.dressed)

    def _meet(self) -> tuple[complex, NDArray[np.float64], NDArray[np.float64]]:
        x, y = self._both(lambda: self._left.advance(ONE), lambda: self._right.retreat(ONE))
        size = x.size // 2
        return kernels.inner_product(x, size, y, size, size), x, y

    def _differentiate(self, angles: NDArray[np.float64]) -> complex:
        self.prepare(angles)
        with self._limit():
            f, x, y = self._meet()
            self._both(lambda: self._left.gather_back(y), lambda: self._right.gather_forth(x))
        return f

    def _limit(self) -> AbstractContextManager[object]:
        return one_blas_thread() if self._heavy else nullcontext()

    def _both(self, left: Callable[[], T], right: Callable[[], T]) -> tuple[T, T]:
        if self._pool is None:
            return left(), right()
        pending = self._pool.submit(right)
        return left(), pending.result()

    def own_order(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Angles of the ansatz in the order of the schedule, which may run from the right."""
        values = np.array(angles, np.float64)  # writeable: numba compiles once more for read-only
        wanted = FRONT_ANGLES * self.n_qubits + BLOCK_ANGLES * self.bonds.size
        if values.shape != (wanted,):
            raise ValueError(f"`angles` must have shape ({wanted},), got {values.shape}.")
        if not self.mirrored:
            return values
        split = FRONT_ANGLES * self.n_qubits
        fronts = values[:split].reshape(-1, FRONT_ANGLES)[::-1]
        blocks = values[split:].reshape(-1, BLOCK_ANGLES)[:, _MIRRORED_BLOCK]
        return np.concatenate((fronts.ravel(), blocks.ravel()))


def _check(target: MPS, ansatz: Ansatz) -> None:
    if target.n_sites != ansatz.n_qubits:
        raise ValueError(
            f"`target` has {target.n_sites} sites and `ansatz` {ansatz.n_qubits} qubits; "
            "both need the same number."
        )
    if not is_numpy(*target.tensors):
        raise TypeError(
            f"`target` must hold NumPy arrays, got {type(target.tensors[0]).__name__}. Take "
            "`target.to_host()`, or `Ansatz.fidelity_and_gradient` for a single evaluation."
        )
    if set(target.physical_dimensions) != {2}:
        raise ValueError(
            f"`target` must be a chain of qubits, got physical dimensions "
            f"{target.physical_dimensions}. Encode larger sites in several qubits first."
        )


def _workspace(target: MPS, ansatz: Ansatz, schedule: Schedule, mirrored: bool) -> Workspace:
    tensors = [np.asarray(a.conj(), np.complex128) for a in target.tensors]
    if mirrored:
        tensors = [a.transpose(2, 1, 0) for a in reversed(tensors)]
    ops = schedule.ops
    lengths = np.where(
        np.isin(ops[:, KIND], (Op.ABSORB, Op.ABSORB_2)), 4 * ops[:, INNER] * ops[:, CHI], 0
    )
    ends = np.cumsum(lengths)
    starts = ends - lengths
    pairs = np.empty(ends[-1])
    for op, start, end in zip(ops, starts, ends, strict=True):
        if start == end:
            continue
        site = op[SITE]
        matrix = tensors[site].transpose(1, 0, 2)
        if op[KIND] == Op.ABSORB_2:
            pair = np.tensordot(tensors[site], tensors[site + 1], 1)
            matrix = pair.transpose(2, 1, 0, 3)  # wires in the kernels' order: right, left
        matrix = matrix.reshape(op[INNER], op[CHI])
        parts = (matrix.real, matrix.imag, matrix.real.T, matrix.imag.T)
        for part, plane in zip(parts, pairs[start:end].reshape(4, -1), strict=True):
            plane[:] = part.ravel()
    fronts, front_bars = np.zeros((2, ansatz.n_qubits, 2), np.complex128)
    gates = np.zeros((2, ansatz.n_blocks, 4, 4), np.complex128)
    densities = np.zeros((ansatz.n_blocks, 4, 4), np.complex128)
    return Workspace(fronts, gates, front_bars, densities, starts, pairs, pairs.copy())
