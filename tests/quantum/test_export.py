from importlib.util import find_spec

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm3, qpy, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.exceptions import MissingOptionalLibraryError
from qiskit.quantum_info import SparsePauliOp, Statevector
from scipy.linalg import expm
from scipy.stats import unitary_group

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.gates import block_matrices, front_vectors
from rankloom.quantum.export import ansatz_from_qiskit, load_circuit, save_circuit, to_qiskit
from rankloom.tn.mps import MPS

needs_qasm3 = pytest.mark.skipif(
    find_spec("qiskit_qasm3_import") is None, reason="needs the extra `qasm3`"
)


def brickwork(n, layers, seed=0):
    bonds = [k for layer in range(layers) for k in range(layer % 2, n - 1, 2)]
    angles = np.random.default_rng(seed).normal(size=2 * n + 9 * len(bonds))
    return Ansatz(n, bonds, angles, global_phase=0.7)


def prepared(ansatz):
    """The ansatz's definition written out with Kronecker products, site 0 slowest."""
    state = np.ones(1)
    for vector in front_vectors(ansatz.front_angles):
        state = np.kron(state, vector)
    for bond, block in zip(ansatz.bonds, block_matrices(ansatz.block_angles), strict=True):
        rest = ansatz.n_qubits - bond - 2
        state = np.kron(np.kron(np.eye(2**bond), block), np.eye(2**rest)) @ state
    return np.exp(1j * ansatz.global_phase) * state


def vector(circuit):
    """Qiskit's state of a circuit with qubit 0 slowest."""
    return Statevector(circuit.reverse_bits()).data


def close(a, b):
    # a few hundred rotations of rounding 1e-16 each
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n", "layers"), [(2, 1), (3, 2), (6, 5)])
@pytest.mark.parametrize("parameters", [False, True])
def test_circuit_prepares_the_ansatz_with_its_phase(n, layers, parameters):
    ansatz = brickwork(n, layers)
    circuit = to_qiskit(ansatz, parameters=parameters)
    if parameters:
        circuit = circuit.assign_parameters(ansatz.angles)
    close(vector(circuit), prepared(ansatz))


def test_parameters_are_theta_in_the_order_of_the_angles():
    ansatz = brickwork(4, 3)
    circuit = to_qiskit(ansatz, parameters=True)
    names = [parameter.name for parameter in circuit.parameters]
    assert names == [f"theta[{k}]" for k in range(ansatz.n_parameters)]
    other = ansatz.with_angles(np.random.default_rng(1).normal(size=ansatz.n_parameters))
    close(vector(circuit.assign_parameters(other.angles)), prepared(other))
    for instruction in circuit.data:
        for expression in instruction.operation.params:
            (parameter,) = getattr(expression, "parameters", None) or (None,)
            if parameter is not None:  # linear: the derivative is a plain number
                assert isinstance(expression.gradient(parameter), int | float)


def test_bound_circuit_holds_plain_floats_and_standard_gates():
    ansatz = brickwork(5, 4)
    circuit = to_qiskit(ansatz)
    assert not circuit.parameters
    assert all(type(p) is float for item in circuit.data for p in item.operation.params)
    assert set(circuit.count_ops()) == {"rx", "ry", "rz", "s", "sdg", "cx"}


def test_two_qubit_depth_and_count_are_those_of_the_ansatz():
    ansatz = brickwork(6, 5)
    circuit = to_qiskit(ansatz)
    assert circuit.num_nonlocal_gates() == ansatz.two_qubit_count == 3 * ansatz.n_blocks
    assert circuit.depth(lambda item: len(item.qubits) == 2) == ansatz.two_qubit_depth == 15


@pytest.mark.parametrize("basis", [["cx", "rz", "sx", "x"], ["cz", "u"]])
def test_transpiling_keeps_state_and_phase(basis):
    ansatz = brickwork(5, 3)
    compiled = transpile(to_qiskit(ansatz), basis_gates=basis, seed_transpiler=0)
    np.testing.assert_allclose(vector(compiled), prepared(ansatz), rtol=0, atol=1e-10)
    assert compiled.depth(lambda item: len(item.qubits) == 2) <= ansatz.two_qubit_depth


@pytest.mark.parametrize("parameters", [False, True])
def test_qpy_returns_the_same_circuit(tmp_path, parameters):
    circuit = to_qiskit(brickwork(4, 3), parameters=parameters)
    save_circuit(circuit, tmp_path / "circuit.qpy")
    loaded = load_circuit(tmp_path / "circuit.qpy")
    assert loaded == circuit
    assert loaded.metadata == circuit.metadata
    assert loaded.global_phase == circuit.global_phase


def test_openqasm_2_returns_the_same_state_up_to_a_phase(tmp_path):
    circuit = to_qiskit(brickwork(4, 3))
    save_circuit(circuit, str(tmp_path / "circuit.qasm"))
    loaded = load_circuit(str(tmp_path / "circuit.qasm"))
    close(vector(loaded) * np.exp(1j * circuit.global_phase), vector(circuit))


@needs_qasm3
def test_openqasm_3_returns_the_same_state_with_its_phase(tmp_path):
    circuit = to_qiskit(brickwork(3, 2))
    save_circuit(circuit, tmp_path / "circuit.qasm3")
    close(vector(load_circuit(tmp_path / "circuit.qasm3")), vector(circuit))


@needs_qasm3
def test_openqasm_3_keeps_parameters_under_another_name(tmp_path):
    ansatz = brickwork(2, 1)
    save_circuit(to_qiskit(ansatz, parameters=True), tmp_path / "circuit.qasm3")
    loaded = load_circuit(tmp_path / "circuit.qasm3")
    values = {f"_theta_{k}_": angle for k, angle in enumerate(ansatz.angles)}
    close(vector(loaded.assign_parameters(values)), prepared(ansatz))


def with_parameters():
    return to_qiskit(brickwork(2, 1), parameters=True)


def with_a_loop():
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(2)):
        circuit.h(0)
    return circuit


def with_a_free_phase():
    return QuantumCircuit(1, global_phase=Parameter("phi"))


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (with_parameters, "c.qasm", r"cannot hold the 13 free parameters.*assign_parameters"),
        (with_a_loop, "c.qasm", r"OpenQASM 2 cannot hold `circuit`: .*\.qpy"),
        (with_a_free_phase, "c.qasm3", r"OpenQASM 3 cannot hold `circuit`: .*\.qpy"),
        (with_parameters, "c.json", r"ends in '\.json': wanted \.qpy, \.qasm"),
        (with_parameters, "c", r"ends in '': wanted \.qpy"),
    ],
)
def test_what_cannot_be_saved_leaves_the_folder_as_it_was(tmp_path, make, name, message):
    (tmp_path / name).write_text("older")
    with pytest.raises(ValueError, match=message):
        save_circuit(make(), tmp_path / name)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "older")]


def test_saving_wants_a_circuit_and_a_folder(tmp_path):
    with pytest.raises(TypeError, match="`circuit` must be a qiskit QuantumCircuit, got Ansatz"):
        save_circuit(brickwork(2, 1), tmp_path / "c.qpy")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        save_circuit(QuantumCircuit(1), tmp_path / "nowhere" / "c.qpy")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.qpy", b"hello", r"c\.qpy' cannot be read as a QPY file: it does not begin"),
        ("c.qpy", b"QISKIT\x0c", r"cannot be read as a QPY file"),
        ("c.qasm", b"hello", r"cannot be read as OpenQASM 2: .*'hello' is not defined"),
        ("c.qasm", b"\xff\xfe", r"cannot be read as OpenQASM 2: 'utf-8'"),
        ("c.qasm", b"OPENQASM 3.0;", r"can only handle OpenQASM 2.0, but given 3.0"),
        ("c.qasm", b"", r"c\.qasm' holds no qubits"),
        pytest.param("c.qasm3", b"hello", r"cannot be read as OpenQASM 3: .", marks=needs_qasm3),
        ("c.txt", b"", r"ends in '\.txt'"),
    ],
)
def test_foreign_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_circuit(tmp_path / name)


def test_file_of_several_circuits_is_refused(tmp_path):
    with (tmp_path / "two.qpy").open("wb") as file:
        qpy.dump([QuantumCircuit(1), QuantumCircuit(1)], file)
    with pytest.raises(ValueError, match="it holds 2 circuits, wanted one"):
        load_circuit(tmp_path / "two.qpy")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.qpy"):
        load_circuit(tmp_path / "none.qpy")


def test_missing_extra_is_named(tmp_path, monkeypatch):
    def absent(text):
        raise MissingOptionalLibraryError("qiskit_qasm3_import", "loading from OpenQASM 3")

    monkeypatch.setattr(qasm3, "loads", absent)
    save_circuit(to_qiskit(brickwork(2, 1)), tmp_path / "c.qasm3")
    with pytest.raises(ImportError, match="extra `qasm3`"):
        load_circuit(tmp_path / "c.qasm3")


def test_ansatz_survives_the_way_to_qiskit_and_back():
    ansatz = brickwork(5, 4)
    again = ansatz_from_qiskit(to_qiskit(ansatz))
    assert again.bonds.tolist() == ansatz.bonds.tolist()
    close(prepared(again), prepared(ansatz))


def test_exported_parameters_are_read_at_their_values(tmp_path):
    ansatz = brickwork(4, 3)
    circuit = to_qiskit(ansatz, parameters=True)
    save_circuit(circuit, tmp_path / "circuit.qpy")
    for form in (circuit, load_circuit(tmp_path / "circuit.qpy"), transpile(circuit)):
        close(prepared(ansatz_from_qiskit(form)), prepared(ansatz))
    partly = circuit.assign_parameters({"theta[0]": 0.25})
    changed = ansatz.with_angles(np.concatenate([[0.25], ansatz.angles[1:]]))
    close(prepared(ansatz_from_qiskit(partly)), prepared(changed))


@pytest.mark.parametrize("parameters", [False, True])
def test_exported_circuit_is_a_target_too(parameters):
    ansatz = brickwork(6, 3)
    target = MPS.from_qiskit(to_qiskit(ansatz, parameters=parameters), max_bond=64)
    close(target.to_dense(), prepared(ansatz))
    close(ansatz.to_mps().to_dense(), prepared(ansatz))


@pytest.mark.parametrize("pattern", ["brickwork", "staircase"])
def test_foreign_circuit_becomes_an_ansatz_of_the_same_state(pattern):
    n, rng = 6, np.random.default_rng(2)
    bonds = list(range(n - 1)) if pattern == "staircase" else [0, 2, 4, 1, 3, 0, 2, 4]
    circuit = QuantumCircuit(n, global_phase=0.3)
    for k in bonds:
        pair = [k, k + 1] if rng.random() < 0.5 else [k + 1, k]
        circuit.unitary(unitary_group.rvs(4, random_state=rng), pair)
        circuit.u(*rng.normal(size=3), k)
        circuit.cx(*pair)
        circuit.barrier()
    ansatz = ansatz_from_qiskit(circuit)
    assert ansatz.bonds.tolist() == bonds
    close(prepared(ansatz), vector(circuit))


def test_composite_instructions_are_taken_apart():
    inner = QuantumCircuit(3, global_phase=0.2, name="inner")
    inner.h(0)
    inner.cry(0.4, 1, 0)
    inner.crx(0.9, 1, 2)
    circuit = QuantumCircuit(4)
    circuit.append(inner, [1, 2, 3])  # as an instruction, known by its definition only
    circuit.append(inner.to_gate(), [2, 1, 0])
    circuit.append(inner.decompose().to_gate().control(0), [0, 1, 2])
    close(prepared(ansatz_from_qiskit(circuit)), vector(circuit))


@pytest.mark.filterwarnings("ignore:.*CSC")  # Qiskit's way to the matrix
def test_evolution_gate_is_the_exponential_of_its_paulis():
    field = SparsePauliOp(["XX", "YY", "ZZ", "IZ"], [0.3, 0.2, -0.5, 0.7])
    circuit = QuantumCircuit(3)
    circuit.x(1)
    circuit.append(PauliEvolutionGate(field, time=0.8), [1, 2])
    start = np.kron([1, 0], np.kron([0, 1], [1, 0]))
    # Qiskit's labels name the first qubit last: "IZ" is Z on qubit 1.
    two = SparsePauliOp(["XX", "YY", "ZZ", "ZI"], field.coeffs).to_matrix()
    expected = np.kron(np.eye(2), expm(-0.8j * two)) @ start
    close(prepared(ansatz_from_qiskit(circuit)), expected)


def test_circuit_of_one_qubit_is_refused():
    with pytest.raises(ValueError, match="`n_qubits` must be at least 2, got 1"):
        ansatz_from_qiskit(QuantumCircuit(1))


def test_foreign_parameters_are_named():
    circuit = QuantumCircuit(2)
    for parameter in ParameterVector("phi", 12):
        circuit.rx(parameter, 0)
    with pytest.raises(ValueError, match=r"12 parameters without a value: phi\[0\], phi\[1\]"):
        ansatz_from_qiskit(circuit)
