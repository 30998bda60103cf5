"""Polar sweeps: each gate in turn becomes the unitary that maximises the overlap.

The amplitude is linear in every gate, ``f = sum(E * G)``. With ``E = U S V^h`` the best unitary
is ``conj(U V^h)`` and makes ``f = sum(S)``: no step size, and ``|f|`` never falls (Evenbly and
Vidal, arXiv:0707.1454). One sweep updates every gate twice, on the way
to the right and on the way back. Far from the optimum it is worth several quasi-Newton
iterations; close to it, it is slow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.aqc import slanted_kernels as kernels
from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.halves import ONE, Half
from rankloom.quantum.aqc.overlap import MEMORY, Overlap
from rankloom.quantum.aqc.schedule import INDEX, KIND, SITE, Op
from rankloom.quantum.aqc.weyl import ansatz_from_blocks

# Where E is rank deficient (at the ends, next to fresh wires) the rest of G stays as it was.
_KEEP = 1e-9


@dataclass(frozen=True, eq=False)
class PolarSweeps:
    """What `polar_sweeps` returns.

    Parameters
    ----------
    ansatz : Ansatz
        The same circuit with improved angles.
    fidelities : (sweeps,) array
        ``|<target|ansatz>|^2`` after each sweep, not divided by ``<target|target>``.
    """

    ansatz: Ansatz
    fidelities: NDArray[np.float64]


def polar_sweeps(
    overlap: Overlap, ansatz: Ansatz, sweeps: int, memory: float = MEMORY
) -> PolarSweeps:
    """Improve all gates of `ansatz` by `sweeps` sweeps there and back.

    Parameters
    ----------
    overlap : Overlap
        Of the target with this circuit.
    ansatz : Ansatz
        Gives the start angles.
    sweeps : int
        Number of sweeps; each costs about four evaluations of value and gradient.
    memory : float
        Bytes for stored boundaries, as in `Overlap`.

    Notes
    -----
    The result is again an ansatz: one-qubit gates on the inputs of a block join the block before
    (KAK decomposition), so its angles jump while its state is exact.
    """
    overlap.prepare(overlap.own_order(ansatz.angles))
    work, schedule = overlap.work, overlap.schedule
    whole = Half(schedule, work, 0, len(schedule.ops), memory)
    sweep = _Sweep(overlap, whole)
    fidelities = np.array([abs(sweep.there_and_back()) ** 2 for _ in range(sweeps)])
    fronts, blocks, bonds = work.fronts, overlap.house_order(work.gates[0]), ansatz.bonds
    if overlap.mirrored:
        fronts = fronts[::-1]
    improved = ansatz_from_blocks(
        bonds, fronts, blocks, global_phase=ansatz.global_phase, tolerance=1e-9
    )
    return PolarSweeps(improved, fidelities)


class _Sweep:
    def __init__(self, overlap: Overlap, whole: Half) -> None:
        self._work, self._ops, self._whole = overlap.work, overlap.schedule.ops, whole
        self._sizes = 2 * overlap.schedule.sizes
        width = int(self._sizes.max())
        self._x, self._y = np.empty((2, width))
        self._scratch = np.empty(2 * width)

    def there_and_back(self) -> complex:
        self._whole.retreat(ONE)
        self._x[:2] = ONE
        for segment, (a, b) in enumerate(self._whole.segments):
            bars = self._whole.boundaries(segment, adjoint=True)
            for i in range(a, b):
                self._improve(i, self._x, bars[i - a], bars[i - a + 1])
                self._step(i, adjoint=False)
        self._whole.advance(ONE)
        self._x[:2] = ONE
        for segment in range(len(self._whole.segments) - 1, -1, -1):
            a, b = self._whole.segments[segment]
            befores = self._whole.boundaries(segment, adjoint=False)
            for i in range(b - 1, a - 1, -1):
                bar_after = self._x.copy()
                self._step(i, adjoint=True)
                if self._improve(i, befores[i - a], self._x, bar_after):
                    self._x[:] = bar_after
                    self._step(i, adjoint=True)
        return complex(self._x[0], self._x[1])

    def _step(self, i: int, adjoint: bool) -> None:
        """Move the boundary in `_x` across op i."""
        work = self._work
        kernels.step(
            self._ops[i], adjoint, work.fronts, work.gates, work.dressed[work.starts[i] :],
            self._x, self._y, self._scratch,
        )  # fmt: skip
        self._x, self._y = self._y, self._x

    def _improve(
        self,
        i: int,
        before: NDArray[np.float64],
        bar_before: NDArray[np.float64],
        bar_after: NDArray[np.float64],
    ) -> bool:
        """Set the gate of op i to its best value; whether there was one."""
        op, work = self._ops[i], self._work
        if op[KIND] == Op.ABSORB:
            return False
        kernels.gather(
            op, work.fronts, work.gates, before, bar_before, bar_after,
            work.front_bars, work.densities,
        )  # fmt: skip
        if op[KIND] == Op.ADD:
            bar = work.front_bars[op[SITE]]
            length = np.linalg.norm(bar)
            if length > 0:
                work.fronts[op[SITE]] = bar.conj() / length
            return True
        gate = work.gates[0, op[INDEX]]
        environment = gate.conj() @ work.densities[op[INDEX]]
        scale = np.linalg.norm(environment)
        u, _, vh = np.linalg.svd(environment + _KEEP * scale * gate.conj())
        if scale > 0:
            work.gates[0, op[INDEX]] = (u @ vh).conj()
            work.gates[1, op[INDEX]] = (u @ vh).conj().T
        kernels.dress(
            self._ops[i : i + 1], work.starts[i : i + 1], work.gates, work.pairs, work.dressed
        )
        return True
