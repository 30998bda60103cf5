import numpy as np
import pytest
import quimb.tensor as qtn
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Statevector, random_statevector

from rankloom.tn import MPS


@pytest.mark.parametrize("n", [1, 2, 5])
def test_quimb_round_trip_is_exact(n):
    state = MPS.random(n, 4, rng=0) * 1.3
    theirs = state.to_quimb()
    np.testing.assert_allclose(theirs.to_dense().ravel(), state.to_dense(), atol=1e-15)
    back = MPS.from_quimb(theirs)
    assert all(np.array_equal(a, b) for a, b in zip(back.tensors, state.tensors, strict=True))


def test_any_order_of_quimb_legs_is_read():
    theirs = qtn.MPS_rand_state(6, 4, dtype=complex, seed=1)
    theirs.permute_arrays("prl")
    before = theirs.arrays[2].shape
    np.testing.assert_allclose(MPS.from_quimb(theirs).to_dense(), theirs.to_dense().ravel())
    assert theirs.arrays[2].shape == before  # the argument stays as it was


def test_quimb_gets_its_own_tensors():
    state = MPS.random(3, 2, rng=0)
    state.to_quimb()[1].modify(apply=lambda x: np.multiply(x, 0, out=x))
    assert state.norm() == pytest.approx(1)
    assert state.overlap(state).real == pytest.approx(1)


def test_quimb_measures_the_same():
    state = MPS.random(6, 4, rng=2)
    theirs = state.to_quimb()
    z = [theirs.magnetization(k, direction="z") * 2 for k in range(6)]
    np.testing.assert_allclose(state.expectation("Z"), np.real(z), atol=1e-13)
    assert state.entropy(3) == pytest.approx(theirs.entropy(3) * np.log(2))  # quimb's is in bits


def test_periodic_and_foreign_networks_are_refused():
    with pytest.raises(ValueError, match="periodic"):
        MPS.from_quimb(qtn.MPS_rand_state(4, 2, cyclic=True))
    with pytest.raises(TypeError, match="must be a quimb MatrixProductState, got MatrixProductOp"):
        MPS.from_quimb(qtn.MPO_rand(4, 2))


def test_qubit_i_is_site_i():
    circuit = QuantumCircuit(4)
    circuit.x(1)
    for source in (circuit, Statevector(circuit)):
        state = MPS.from_qiskit(source)
        np.testing.assert_allclose(state.expectation("Z"), [1, -1, 1, 1], atol=1e-14)
    np.testing.assert_array_equal(state.to_qiskit().data, Statevector(circuit).data)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_statevectors_come_back_exactly(n):
    theirs = random_statevector(2**n, seed=3)
    state = MPS.from_qiskit(theirs)
    np.testing.assert_allclose(state.to_qiskit().data, theirs.data, atol=1e-14)
    big_endian = Statevector(theirs).reverse_qargs().data
    np.testing.assert_allclose(state.to_dense(), big_endian, atol=1e-14)


def example_circuit():
    circuit = QuantumCircuit(5, global_phase=0.4)
    circuit.h(0)
    circuit.cx(0, 3)
    circuit.rx(0.3, 4)
    circuit.cx(4, 1)
    circuit.barrier()
    circuit.ccx(2, 0, 4)
    circuit.cp(0.7, 2, 0)
    circuit.swap(1, 2)
    inner = QuantumCircuit(3, name="inner")
    inner.ry(0.2, 1)
    inner.cz(0, 2)
    circuit.append(inner.to_gate(), [3, 4, 1])
    return circuit


def test_circuits_with_distant_and_composite_gates_are_simulated_with_their_phase():
    circuit = example_circuit()
    state = MPS.from_qiskit(circuit)
    np.testing.assert_allclose(state.to_qiskit().data, Statevector(circuit).data, atol=1e-13)
    assert state.norm() == pytest.approx(1)


def test_truncation_of_a_circuit_shows_in_the_norm():
    rng = np.random.default_rng(0)
    circuit = QuantumCircuit(8)
    for layer in range(8):
        for k in range(8):
            circuit.u(*rng.uniform(0, 6, 3), k)
        for k in range(layer % 2, 7, 2):
            circuit.cx(k, k + 1)
    exact, cut = MPS.from_qiskit(circuit), MPS.from_qiskit(circuit, max_bond=8)
    assert max(cut.bond_dimensions) == 8
    assert cut.norm() < 1 - 1e-4
    assert abs(exact.overlap(cut)) <= 1
    assert max(MPS.from_qiskit(Statevector(circuit), max_bond=8).bond_dimensions) == 8


def measured():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


def with_parameter():
    circuit = QuantumCircuit(2)
    circuit.rx(Parameter("a"), 0)
    return circuit


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (measured(), ValueError, "measure"),
        (with_parameter(), ValueError, "parameters without a value: a"),
        (Statevector(np.ones(3) / np.sqrt(3)), ValueError, "a state of qubits"),
        ("circuit", TypeError, "`source` must be a Qiskit QuantumCircuit or Statevector, got str"),
    ],
)
def test_what_is_no_pure_state_of_qubits_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        MPS.from_qiskit(source)
