"""Qiskit circuits and counts: the same snapshots as without Qiskit, and the bit order right."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.primitives import StatevectorSampler

from rankloom.quantum import (
    estimate_pauli,
    measurement_circuits,
    snapshot_spectroscopy,
    snapshots_from_qiskit,
)
from rankloom.quantum.export import outcomes_from_qiskit


def prepared():
    """Eigenstates of X-, Y+, Z-, Y-, Z+ on qubits 0 .. 4."""
    circuit = QuantumCircuit(5)
    circuit.x([0, 2, 3])
    circuit.h([0, 1, 3])
    circuit.s([1, 3])
    return circuit


def run(made, seed=0):
    # a Generator: with a number, every setting would draw the same random numbers
    return StatevectorSampler(seed=np.random.default_rng(seed)).run([m.pub for m in made]).result()


@pytest.mark.parametrize("each", [1, 4])
def test_eigenstates_give_certain_outcomes_on_the_right_qubit(each):
    made = measurement_circuits(prepared(), 240, rng=1, shots_per_basis=each)
    snapshots = snapshots_from_qiskit([run([made])[0].data.meas], [made], [0.0])
    for qubit, (letter, sign) in enumerate([(0, -1), (1, 1), (2, -1), (1, -1), (2, 1)]):
        seen = snapshots.bases[0, :, qubit] == letter
        assert seen.sum() > 40
        assert (snapshots.outcomes[0, seen, qubit] == sign).all()
        other = snapshots.outcomes[0, ~seen, qubit]
        assert abs(other.mean()) < 5 / np.sqrt(len(other) / each)
    assert (snapshots.draws is None) == (each == 1)


def test_one_circuit_serves_all_snapshots():
    made = measurement_circuits(prepared(), 30, rng=2)
    assert made.parameter_values.shape == (30, 10)
    assert made.circuit.num_parameters == 10
    assert [c.name for c in made.circuit.cregs] == ["meas"]


def test_counts_and_bit_arrays_are_the_same():
    made = measurement_circuits(prepared(), 12, rng=3, shots_per_basis=3)
    bits = run([made])[0].data.meas
    counts = [bits.get_counts(k) for k in range(4)]
    ours, theirs = (outcomes_from_qiskit(data, 5) for data in (bits, counts))
    for a, b in zip(ours, theirs, strict=True):
        assert sorted(a.tolist()) == sorted(b.tolist())
    snapshots_from_qiskit([counts], [made], [0.0])


def test_a_gap_through_qiskit():
    """A pair of coupled qubits, H = ZZ / 2 + X0 + X1, from |00>: levels 1/2, +-sqrt(17)/2."""
    z, x, one = np.diag([1, -1]), np.array([[0, 1], [1, 0]]), np.eye(2)
    energies, vectors = np.linalg.eigh(0.5 * np.kron(z, z) + np.kron(x, one) + np.kron(one, x))
    times, made = 0.25 * np.arange(24), []
    for k, time in enumerate(times):
        circuit = QuantumCircuit(2)
        evolution = (vectors * np.exp(-1j * time * energies)) @ vectors.T
        circuit.append(UnitaryGate(evolution), [0, 1])
        made.append(measurement_circuits(circuit, 40, rng=k))
    results = [r.data.meas for r in run(made, seed=1)]
    result = snapshot_spectroscopy(snapshots_from_qiskit(results, made, times), 2)
    exact = np.array([np.sqrt(17), (np.sqrt(17) + 1) / 2, (np.sqrt(17) - 1) / 2])
    assert result.gaps
    for peak in result.gaps:
        assert abs(exact - peak.gap).min() < 5 * peak.error


def test_estimates_from_counts():
    made = measurement_circuits(prepared(), 900, rng=4)
    snapshots = snapshots_from_qiskit([run([made])[0].data.meas], [made], [0.0])
    for op, sites, exact in (("X", 0, -1), ("YZ", (1, 2), -1), ("YY", (1, 3), -1)):
        value, error = estimate_pauli(snapshots, op, sites)
        assert abs(value - exact) < 4.5 * error


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="must be a qiskit QuantumCircuit"):
        measurement_circuits("circuit", 5)
    free = QuantumCircuit(1)
    free.rx(Parameter("a"), 0)
    with pytest.raises(ValueError, match="1 free parameters"):
        measurement_circuits(free, 5)
    with pytest.raises(ValueError, match="does not divide"):
        measurement_circuits(QuantumCircuit(1), 5, shots_per_basis=2)
    made = measurement_circuits(QuantumCircuit(2), 2, rng=0)
    with pytest.raises(ValueError, match="key '010', wanted are strings of 2 bits"):
        snapshots_from_qiskit([[{"010": 1}, {"01": 1}]], [made], [0.0])
    wrong = run([measurement_circuits(QuantumCircuit(3), 2, rng=0)])[0].data.meas
    with pytest.raises(ValueError, match="has 3 bits, but there are 2 qubits"):
        snapshots_from_qiskit([wrong], [made], [0.0])
    with pytest.raises(ValueError, match=r"\(settings, shots\) = \(1, 1\)"):
        snapshots_from_qiskit([[{"01": 1}]], [made], [0.0])
    with pytest.raises(ValueError, match="one entry for each time, got 0 and 1"):
        snapshots_from_qiskit([], [made], [0.0])
