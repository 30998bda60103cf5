import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import GlobalPhaseGate
from qiskit.quantum_info import Operator
from qiskit.transpiler import CouplingMap

from rankloom.tn.circuit import STORED_ANGLES, circuit_gates


def dense(n, gates, phase):
    """Product of the gates, site 0 slowest."""
    out = np.exp(1j * phase) * np.eye(2**n)
    for sites, matrix in gates:
        before, after = 2 ** sites[0], 2 ** (n - sites[-1] - 1)
        out = np.kron(np.kron(np.eye(before), matrix), np.eye(after)) @ out
    return out


def unitary(circuit):
    return Operator(circuit.reverse_bits()).data


def test_gates_multiply_to_the_circuit_in_either_order_of_qubits():
    circuit = QuantumCircuit(3, global_phase=0.3)
    circuit.h(1)
    circuit.cry(0.7, 0, 1)
    circuit.crx(-0.4, 2, 1)
    circuit.append(GlobalPhaseGate(0.5), [])
    circuit.barrier()
    circuit.swap(1, 0)
    gates, phase = circuit_gates(circuit)
    assert [sites for sites, _ in gates] == [(1,), (0, 1), (1, 2), (0, 1)]
    np.testing.assert_allclose(dense(3, gates, phase), unitary(circuit), rtol=0, atol=1e-14)


def test_routed_circuit_is_read():
    circuit = QuantumCircuit(4)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.cx(0, 3)
    routed = transpile(
        circuit,
        basis_gates=["u", "cx"],
        coupling_map=CouplingMap.from_line(4),
        initial_layout=range(4),
        seed_transpiler=0,
    )
    gates, phase = circuit_gates(routed)
    np.testing.assert_allclose(dense(4, gates, phase), unitary(routed), rtol=0, atol=1e-13)


def test_distant_gates_are_read_where_they_are_wanted():
    circuit = QuantumCircuit(3)
    circuit.crx(0.4, 2, 0)
    circuit.cry(0.9, 0, 2)
    gates, _ = circuit_gates(circuit, distant=True)
    for (sites, matrix), turned in zip(gates, (True, False), strict=True):
        two = QuantumCircuit(2)
        two.crx(0.4, 1, 0) if turned else two.cry(0.9, 0, 1)
        assert sites == (0, 2)
        np.testing.assert_allclose(matrix, unitary(two), rtol=0, atol=1e-14)


def test_stored_angles_fill_free_parameters_only():
    circuit = QuantumCircuit(1, metadata={STORED_ANGLES: {"theta": [0.1, 0.2]}})
    circuit.rz(2 * Parameter("theta[1]"), 0)
    ((_, matrix),), _ = circuit_gates(circuit)
    np.testing.assert_allclose(np.angle(np.diag(matrix)), [-0.2, 0.2])
    circuit.rz(Parameter("phi"), 0)
    with pytest.raises(
        ValueError, match=r"1 parameters without a value: phi\. .*assign_parameters"
    ):
        circuit_gates(circuit)


def not_a_number():
    class Broken(Gate):
        def __init__(self):
            super().__init__("broken", 1, [])

        def to_matrix(self):
            return np.full((2, 2), np.nan)

    return Broken()


def inner_measurement():
    inner = QuantumCircuit(2, 1, name="inner")
    inner.measure(1, 0)
    return inner


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda c: c.measure(1, 0), r"instruction 1 .*'measure' on qubits \(1,\).*remove_final"),
        (lambda c: c.reset(2), r"instruction 1 .*'reset' on qubits \(2,\): not a unitary gate"),
        (lambda c: c.initialize([0, 1], 0), r"'initialize' on qubits \(0,\) contains 'reset'"),
        (lambda c: c.cx(2, 0), r"'cx' on qubits \(2, 0\): these are not neighbours.*SWAP"),
        (lambda c: c.ccx(0, 1, 2), r"'ccx' on qubits \(0, 1, 2\) contains 'cx' on qubits \(0, 2\)"),
        (lambda c: c.append(Gate("oracle", 2, []), [0, 1]), r"'oracle' .*not a unitary gate"),
        (lambda c: c.append(not_a_number(), [0]), r"'broken' on qubits \(0,\): .*NaN or inf"),
        (lambda c: c.if_test((c.clbits[0], 1), QuantumCircuit(1), [0], []), "classical control"),
        (lambda c: c.for_loop(range(2), None, QuantumCircuit(1), [0], []), "classical control"),
        (lambda c: c.append(inner_measurement(), [0, 1], [0]), r"'inner' .*contains 'measure'"),
    ],
)
def test_message_names_the_instruction(add, message):
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    add(circuit)
    with pytest.raises(ValueError, match=message):
        circuit_gates(circuit)


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match="`circuit` must be a qiskit QuantumCircuit, got list"):
        circuit_gates([])
    with pytest.raises(ValueError, match="`circuit` has no qubits"):
        circuit_gates(QuantumCircuit())
