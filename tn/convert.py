"""Matrix product states from and to quimb and Qiskit.

Qiskit is little-endian: qubit i is site i, and the bit of qubit 0 varies fastest in a statevector,
where here site 0 varies slowest.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.truncation import Truncation

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector
    from quimb.tensor import MatrixProductState


def from_quimb(state: "MatrixProductState") -> list[Array]:
    """Site tensors (left, physical, right) of a quimb `MatrixProductState`.

    Raises
    ------
    TypeError, ValueError
        Another object, or a periodic chain.
    """
    from quimb.tensor import MatrixProductState

    if not isinstance(state, MatrixProductState):
        raise TypeError(
            f"`state` must be a quimb MatrixProductState, got {type(state).__name__}. Other "
            "networks become one by quimb's `.to_dense()` and `MPS.from_dense`."
        )
    if state.cyclic:
        raise ValueError("`state` is periodic; only open chains are supported.")
    own = state.copy()
    own.permute_arrays("lpr")
    arrays = list(own.arrays)
    # quimb leaves the legs of size one at the ends out
    if len(arrays) == 1:
        return [arrays[0][None, :, None]]
    arrays[0], arrays[-1] = arrays[0][None, :, :], arrays[-1][:, :, None]
    return arrays


def to_quimb(tensors: Sequence[Array]) -> "MatrixProductState":
    """A quimb `MatrixProductState` with copies of the site tensors: quimb may change its own."""
    from quimb.tensor import MatrixProductState

    arrays = [to_host(t).copy() for t in tensors]
    arrays[0] = arrays[0][0]
    arrays[-1] = arrays[-1][..., 0]
    return MatrixProductState(arrays, shape="lpr")


def from_qiskit(
    source: "QuantumCircuit | Statevector", truncation: Truncation
) -> tuple[Sequence[Array], int | None]:
    """Site tensors and centre of a Qiskit state.

    Parameters
    ----------
    source : QuantumCircuit or Statevector
        A circuit of unitary gates is applied to ``|0..0>`` gate by gate, its global phase
        included; gates on more than two qubits are taken apart, gates on distant qubits carried
        there by exchanging neighbours.
    truncation : Truncation
        Not renormalised: what the cuts took is ``1 - norm**2``.

    Raises
    ------
    TypeError, ValueError
        Another object; measurements, resets, classical control, parameters without a value, or a
        statevector that is not one of qubits.
    """
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    from rankloom.tn.circuit import circuit_gates
    from rankloom.tn.gates import apply_gates
    from rankloom.tn.mps import MPS

    if isinstance(source, QuantumCircuit):
        gates, phase = circuit_gates(source, distant=True)
        state, _ = apply_gates(MPS.product("0" * source.num_qubits), gates, truncation)
        state = state * complex(np.exp(1j * phase))
    elif isinstance(source, Statevector):
        if set(source.dims()) != {2}:
            raise ValueError(f"`source` must be a state of qubits, got dimensions {source.dims()}.")
        big_endian = _reverse_bits(source.data, source.dims())
        state = MPS.from_dense(big_endian, truncation.max_bond, truncation.cutoff)
    else:
        raise TypeError(
            f"`source` must be a Qiskit QuantumCircuit or Statevector, got {type(source).__name__}."
        )
    return state.tensors, state.center


def to_qiskit(vector: Array, dimensions: Sequence[int]) -> "Statevector":
    """Qiskit `Statevector` of a big-endian vector."""
    from qiskit.quantum_info import Statevector

    return Statevector(_reverse_bits(to_host(vector), dimensions), dims=tuple(dimensions))


def _reverse_bits(vector: Any, dimensions: Sequence[int]) -> Any:
    return vector.reshape(tuple(dimensions)).T.reshape(-1)
