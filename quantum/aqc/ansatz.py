"""The ansatz: one front rotation per qubit, then two-qubit blocks with nine angles each.

::

    |0> --Rx-Rz--+-------+--ZXZ--            front: 2 angles a qubit
                 |  KAK  |                   block: 3 (KAK) + 3 (ZXZ, left) + 3 (ZXZ, right)
    |0> --Rx-Rz--+-------+--ZXZ--

==================  =========================================================================
``angles[2i:2i+2]``  front of qubit i: ``Rz(angles[2i+1]) @ Rx(angles[2i]) |0>``
``angles[2n+9k:]``   block k: ``kron(zxz(left), zxz(right)) @ kak(a, b, c)``, in this order
                     ``a, b, c, left0, left1, left2, right0, right1, right2``
==================  =========================================================================

with ``kak(a, b, c) = exp(i (a XX + b YY + c ZZ))`` and ``zxz(p0, p1, p2) = Rz(p2) Rx(p1) Rz(p0)``.
A block carries all 15 dimensions of SU(4) up to one-qubit gates on its inputs, which the block
before it (or the front) already has: no parameter is redundant but those.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from rankloom.tn.mps import MPS

FRONT_ANGLES = 2
BLOCK_ANGLES = 9
_CX_PER_BLOCK = 3


@dataclass(frozen=True, eq=False)
class Ansatz:
    """A parametrised circuit of nearest-neighbour blocks on ``|0...0>``.

    Parameters
    ----------
    n_qubits : int
        Number of qubits, at least 2.
    bonds : (blocks,) array of int
        Left qubit of each block, in time order.
    angles : (2 n_qubits + 9 blocks,) array
        Rotation angles in radians, laid out as in the module's table.
    global_phase : float
        Phase in radians in front of the prepared state, so that exports are exact.

    Raises
    ------
    ValueError
        If a bond lies outside the chain, or the number of angles does not fit.
    """

    n_qubits: int
    bonds: NDArray[np.intp]
    angles: NDArray[np.float64]
    global_phase: float = 0.0

    def __post_init__(self) -> None:
        if self.n_qubits < 2:
            raise ValueError(
                f"`n_qubits` must be at least 2, got {self.n_qubits}: a block needs a bond."
            )
        bonds = _readonly(self.bonds, np.intp)
        angles = _readonly(self.angles, np.float64)
        if bonds.ndim != 1 or np.any(bonds < 0) or np.any(bonds > self.n_qubits - 2):
            raise ValueError(
                f"`bonds` must be a list of left qubits within 0..{self.n_qubits - 2}, "
                f"got {bonds.tolist()}."
            )
        wanted = FRONT_ANGLES * self.n_qubits + BLOCK_ANGLES * bonds.size
        if angles.shape != (wanted,):
            raise ValueError(
                f"`angles` must have shape ({wanted},) for {self.n_qubits} qubits and "
                f"{bonds.size} blocks, got {angles.shape}."
            )
        if not np.all(np.isfinite(angles)):
            raise ValueError("`angles` must be finite, found NaN or inf.")
        object.__setattr__(self, "bonds", bonds)
        object.__setattr__(self, "angles", angles)

    def __repr__(self) -> str:
        return (
            f"Ansatz(n_qubits={self.n_qubits}, blocks={self.n_blocks}, "
            f"parameters={self.n_parameters}, two_qubit_depth={self.two_qubit_depth})"
        )

    @property
    def n_blocks(self) -> int:
        """Number of two-qubit blocks."""
        return int(self.bonds.size)

    @property
    def n_parameters(self) -> int:
        """Number of angles, ``2 n_qubits + 9 n_blocks``."""
        return int(self.angles.size)

    @property
    def front_angles(self) -> NDArray[np.float64]:
        """Angles of the front rotations, shape (n_qubits, 2)."""
        return self.angles[: FRONT_ANGLES * self.n_qubits].reshape(-1, FRONT_ANGLES)

    @property
    def block_angles(self) -> NDArray[np.float64]:
        """Angles of the blocks, shape (n_blocks, 9)."""
        return self.angles[FRONT_ANGLES * self.n_qubits :].reshape(-1, BLOCK_ANGLES)

    @property
    def block_layers(self) -> NDArray[np.intp]:
        """Layer of each block when all start as early as they can, shape (n_blocks,)."""
        level = np.zeros(self.n_qubits, np.intp)
        layers = np.empty(self.n_blocks, np.intp)
        for k, bond in enumerate(self.bonds):
            layers[k] = level[bond : bond + 2].max()
            level[bond : bond + 2] = layers[k] + 1
        return layers

    @property
    def two_qubit_count(self) -> int:
        """Number of CX gates of the exported circuit, three a block."""
        return _CX_PER_BLOCK * self.n_blocks

    @property
    def two_qubit_depth(self) -> int:
        """CX depth of the exported circuit, three a layer of blocks."""
        return _CX_PER_BLOCK * (int(self.block_layers.max(initial=-1)) + 1)

    def with_angles(self, angles: ArrayLike, global_phase: float | None = None) -> "Ansatz":
        """The same circuit with other angles."""
        phase = self.global_phase if global_phase is None else global_phase
        return replace(self, angles=np.asarray(angles, np.float64), global_phase=phase)

    def fidelity_and_gradient(self, target: "MPS") -> tuple[float, NDArray[np.float64]]:
        """``F = |<target|ansatz>|^2`` and its gradient at `angles`, without truncation.

        `F` is not divided by ``<target|target>``: scaling the target by c scales F by ``|c|^2``.
        For many evaluations against one target build an `Overlap` once instead.

        Returns
        -------
        fidelity : float
        gradient : (n_parameters,) array
        """
        from rankloom.quantum.aqc.overlap import Overlap
        from rankloom.quantum.aqc.slanted import ArrayOverlap
        from rankloom.tn.arrays import is_numpy

        overlap = (Overlap if is_numpy(*target.tensors) else ArrayOverlap)(target, self)
        return overlap.fidelity_and_gradient(self.angles)

    def to_mps(self, max_bond: int | None = None, cutoff: float = 0.0) -> "MPS":
        """The prepared state as a matrix product state, gates applied one after another.

        Parameters
        ----------
        max_bond : int, optional
            Largest bond dimension kept; None keeps all that `cutoff` lets through.
        cutoff : float
            Relative discarded weight allowed at each cut; by default the state is exact.
        """
        from rankloom.quantum.aqc.gates import gates_of
        from rankloom.tn.gates import apply_gates
        from rankloom.tn.mps import MPS
        from rankloom.tn.truncation import Truncation

        fronts, blocks = gates_of(self)
        pairs = [(bond, bond + 1) for bond in self.bonds.tolist()]
        gates = zip(pairs, blocks, strict=True)
        state, _ = apply_gates(MPS.product(list(fronts)), gates, Truncation(max_bond, cutoff))
        return state * complex(np.exp(1j * self.global_phase))


def _readonly(values: ArrayLike, dtype: type[np.generic]) -> NDArray[Any]:
    array = np.array(values, dtype)
    array.flags.writeable = False
    return array
