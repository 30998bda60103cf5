"""Matrix product states and operators from and to quimb, tensorly and Qiskit.

Qiskit is little-endian: qubit i is site i, and the bit of qubit 0 varies fastest in a statevector,
where here site 0 varies slowest.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.truncation import Truncation

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector


def from_quimb(network: Any, kind: str) -> list[Array]:
    """Site tensors of a quimb `MatrixProductState` (kind "MPS") or `MatrixProductOperator` ("MPO").

    Raises
    ------
    TypeError, ValueError
        Another object, a periodic chain, or one that does not cover its sites 0..n-1.
    """
    from quimb.tensor import MatrixProductOperator, MatrixProductState

    wanted, legs = (MatrixProductState, "lpr") if kind == "MPS" else (MatrixProductOperator, "ludr")
    if not isinstance(network, wanted):
        raise TypeError(
            f"`network` must be a quimb {wanted.__name__}, got {type(network).__name__}. Other "
            f"networks become one by quimb's `.to_dense()` and `{kind}.from_dense`."
        )
    if network.cyclic:
        raise ValueError("`network` is periodic; only open chains are supported.")
    if tuple(network.sites) != tuple(range(network.L)):
        raise ValueError(f"`network` must cover the sites 0..{network.L - 1}, got {network.sites}.")
    own = network.copy()
    own.permute_arrays(legs)
    arrays = list(own.arrays)
    # quimb leaves the legs of size one at the ends out
    if len(arrays) == 1:
        return [arrays[0][None, ..., None]]
    arrays[0], arrays[-1] = arrays[0][None, ...], arrays[-1][..., None]
    return arrays


def to_quimb(tensors: list[NDArray[Any]]) -> Any:
    """A quimb `MatrixProductState` or `MatrixProductOperator` that owns the site tensors."""
    from quimb.tensor import MatrixProductOperator, MatrixProductState

    operator = tensors[0].ndim == 4
    tensors[0] = tensors[0][0]
    tensors[-1] = tensors[-1][..., 0]
    if operator:
        return MatrixProductOperator(tensors, shape="ludr")
    return MatrixProductState(tensors, shape="lpr")


def from_tensorly(factors: Any, kind: str) -> list[Array]:
    """Site tensors of a tensorly `TTTensor` (kind "MPS") or `TTMatrix` ("MPO").

    Raises
    ------
    TypeError
        Another object.
    """
    from tensorly.tt_matrix import TTMatrix
    from tensorly.tt_tensor import TTTensor

    wanted = TTTensor if kind == "MPS" else TTMatrix
    if not isinstance(factors, wanted):
        raise TypeError(
            f"`factors` must be a tensorly {wanted.__name__}, got {type(factors).__name__}. "
            f"A list of cores goes straight into `{kind}`."
        )
    return list(factors.factors)


def to_tensorly(tensors: list[NDArray[Any]]) -> Any:
    """A tensorly `TTTensor` or `TTMatrix`; tensorly's legs (rank, out, in, rank) are the same."""
    from tensorly.tt_matrix import TTMatrix
    from tensorly.tt_tensor import TTTensor

    return TTMatrix(tensors) if tensors[0].ndim == 4 else TTTensor(tensors)


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
