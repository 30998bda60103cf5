import numpy as np
import pytest
from scipy.linalg import expm, polar
from scipy.stats import unitary_group

from rankloom.quantum.aqc.gates import gates_of, kak, kron
from rankloom.quantum.aqc.weyl import _kak, ansatz_from_blocks, ansatz_from_gates

CX = np.eye(4)[[0, 1, 3, 2]]
SWAP = np.eye(4)[[0, 2, 1, 3]]
ISWAP = kak(np.pi / 4, np.pi / 4, 0)
HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)


def close(a, b):
    # a few thousand roundings of size 1e-16
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def haar(dim, rng):
    return unitary_group.rvs(dim, random_state=rng)


def run(n, gates):
    """Gates on |0...0>, one by one on the dense vector, site 0 slowest."""
    state = np.zeros(2**n, complex)
    state[0] = 1
    for sites, matrix in gates:
        before = 2 ** sites[0]
        tensor = state.reshape(before, len(matrix), -1)
        state = np.einsum("ij,ajb->aib", matrix, tensor).ravel()
    return state


def prepared(ansatz):
    fronts, blocks = gates_of(ansatz)
    # A front is a vector: any matrix with that first column will do.
    gates = [((i,), np.stack([v, 0 * v], axis=1)) for i, v in enumerate(fronts)]
    gates += [((k, k + 1), g) for k, g in zip(ansatz.bonds.tolist(), blocks, strict=True)]
    return np.exp(1j * ansatz.global_phase) * run(ansatz.n_qubits, gates)


def brickwork(n, layers):
    return [k for layer in range(layers) for k in range(layer % 2, n - 1, 2)]


def staircase(n, layers):
    return list(range(n - 1)) * layers


@pytest.mark.parametrize("pattern", [brickwork, staircase])
@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_random_circuit_keeps_its_state_and_phase(pattern, n):
    rng = np.random.default_rng(n)
    gates = []
    for k in pattern(n, 3):
        gates.append(((k, k + 1), haar(4, rng)))
        site = int(rng.integers(n))
        gates.append(((site,), haar(2, rng)))
    ansatz = ansatz_from_gates(n, gates, global_phase=0.4)
    close(prepared(ansatz), np.exp(0.4j) * run(n, gates))


def local(rng):
    return np.kron(haar(2, rng), haar(2, rng))


def special_gates():
    rng = np.random.default_rng(5)
    gates = {
        "identity": np.eye(4),
        "minus identity": -np.eye(4),
        "phase": np.exp(0.3j) * np.eye(4),
        "local": local(rng),
        "swap": SWAP,
        "cx": CX,
        "cx from the right": SWAP @ CX @ SWAP,
        "cz": np.diag([1, 1, 1, -1]),
        "iswap": ISWAP,
        "root of swap": np.exp(-0.3j) * kak(np.pi / 8, np.pi / 8, np.pi / 8),
        "dressed cx": local(rng) @ CX @ local(rng),
        "dressed swap": local(rng) @ SWAP @ local(rng),
        "equal coordinates": local(rng) @ kak(0.3, 0.3, 0.1) @ local(rng),
    }
    noise = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    for size in (1e-4, 1e-7, 1e-10, 1e-13):
        near_one = expm(1j * size * (noise + noise.conj().T))
        gates |= {f"{name} up to {size}": near_one @ gates[name] for name in list(gates)[:12]}
    return gates


@pytest.mark.parametrize(("name", "gate"), special_gates().items())
def test_special_gate_and_its_neighbourhood(name, gate):
    phase, outputs, coordinates, inputs = (part[0] for part in _kak(np.asarray(gate)[None] + 0j))
    rebuilt = kron(*outputs) @ kak(*coordinates) @ kron(*inputs)
    np.testing.assert_allclose(np.exp(1j * phase) * rebuilt, gate, rtol=0, atol=1e-14)
    assert np.all(np.abs(coordinates) <= np.pi / 4 + 1e-12)
    before, after = np.random.default_rng(6).normal(size=(2, 3, 3))
    gates = [((k, k + 1), kak(*before[k])) for k in (0, 1)]
    gates += [((1, 2), gate)]
    gates += [((k, k + 1), kak(*after[k])) for k in (0, 1)]
    close(prepared(ansatz_from_gates(3, gates)), run(3, gates))


def test_coordinates_agree_with_qiskit():
    from qiskit.synthesis import TwoQubitWeylDecomposition

    gates = unitary_group.rvs(4, size=20, random_state=7)
    for gate, ours in zip(gates, _kak(gates)[2], strict=True):
        weyl = TwoQubitWeylDecomposition(gate, fidelity=None)
        # Within pi/4 only the order and pairs of signs are open.
        expected = np.abs([weyl.a, weyl.b, weyl.c])
        np.testing.assert_allclose(np.sort(np.abs(ours))[::-1], expected, rtol=0, atol=1e-10)


def test_gates_on_one_pair_become_one_block():
    rng = np.random.default_rng(8)
    gates = [
        ((0,), haar(2, rng)),
        ((0, 1), haar(4, rng)),
        ((2, 3), haar(4, rng)),
        ((1,), haar(2, rng)),
        ((0, 1), haar(4, rng)),  # joins the first block
        ((1, 2), haar(4, rng)),
        ((0, 1), haar(4, rng)),  # no longer does
        ((0,), haar(2, rng)),
        ((3,), haar(2, rng)),
    ]
    ansatz = ansatz_from_gates(4, gates)
    assert ansatz.bonds.tolist() == [0, 2, 1, 0]
    close(prepared(ansatz), run(4, gates))


def test_one_qubit_gates_alone_need_no_block():
    gates = [((1,), HADAMARD), ((0,), np.diag([1j, 1])), ((1,), np.diag([1, 1j]))]
    ansatz = ansatz_from_gates(2, gates)
    assert ansatz.n_blocks == 0
    close(prepared(ansatz), run(2, gates))
    close(prepared(ansatz_from_gates(2, [])), run(2, []))


def test_blocks_of_an_ansatz_lead_back_to_its_state():
    rng = np.random.default_rng(9)
    gates = [((k, k + 1), haar(4, rng)) for k in brickwork(5, 4)]
    ansatz = ansatz_from_gates(5, gates)
    fronts, blocks = gates_of(ansatz)
    phase = ansatz.global_phase
    again = ansatz_from_blocks(ansatz.bonds, fronts, blocks, global_phase=phase)
    close(prepared(again), prepared(ansatz))


def test_nearest_unitary_is_taken_within_the_tolerance():
    rng = np.random.default_rng(10)
    rough = haar(4, rng) + 0.1 * rng.normal(size=(4, 4))
    gates = [((0, 1), rough), ((1, 2), haar(4, rng))]
    with pytest.raises(ValueError, match=r"`gates\[0\]` is not unitary: .*`tolerance` = 1.0e-06"):
        ansatz_from_gates(3, gates)
    unitary = [((0, 1), polar(rough)[0]), gates[1]]
    close(prepared(ansatz_from_gates(3, gates, tolerance=np.inf)), run(3, unitary))
    fronts = np.array([[1.0, 0], [1, 0], [3j, 4]])
    bonds, blocks = [0, 1], np.array([g for _, g in gates])
    ansatz = ansatz_from_blocks(bonds, fronts, blocks, tolerance=np.inf)
    front = ((2,), np.array([[0.6j, 0], [0.8, 0]]))
    close(prepared(ansatz), run(3, [front, *unitary]))


@pytest.mark.parametrize(
    ("sites", "matrix", "message"),
    [
        ((0, 2), np.eye(4), r"`gates\[0\]` acts on \(0, 2\): wanted \(k,\) or \(k, k \+ 1\)"),
        ((1, 0), np.eye(4), "SWAPs"),
        ((2, 3), np.eye(4), r"within 0\.\.2"),
        ((-1,), np.eye(2), r"within 0\.\.2"),
        ((), np.eye(1), r"acts on \(\)"),
        ((0, 1), np.eye(2), r"shape \(4, 4\), got \(2, 2\)"),
        ((0,), np.full((2, 2), np.nan), r"`gates\[0\]` holds NaN or inf"),
    ],
)
def test_message_names_the_wrong_gate(sites, matrix, message):
    with pytest.raises(ValueError, match=message):
        ansatz_from_gates(3, [(sites, matrix)])


@pytest.mark.parametrize(
    ("bonds", "fronts", "blocks", "message"),
    [
        ([0], np.eye(2), np.zeros((0, 4, 4)), r"\(1, 4, 4\) for 1 bonds"),
        ([0], np.ones((2, 2)), np.eye(4)[None], r"`fronts\[0\]` must be a state of norm 1"),
        ([0], np.full((2, 2), np.nan), np.eye(4)[None], r"`fronts\[0\]`.*got norm nan"),
        ([0], np.eye(2), 2 * np.eye(4)[None], r"`blocks\[0\]` is not unitary"),
        ([1], np.eye(2), np.eye(4)[None], r"`bonds` must lie within 0\.\.0, got \[1\]"),
    ],
)
def test_message_names_the_wrong_array(bonds, fronts, blocks, message):
    with pytest.raises(ValueError, match=message):
        ansatz_from_blocks(bonds, fronts, blocks)


def test_one_qubit_is_refused():
    with pytest.raises(ValueError, match="`n_qubits` must be at least 2, got 1"):
        ansatz_from_gates(1, [((0,), HADAMARD)])
