import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import unitary_group

from rankloom.tn import MPS, Truncation, apply_gates


def dense_gate(vector, dimensions, sites, matrix):
    """Apply a matrix to named legs of a dense vector, the first named most significant."""
    tensor = vector.reshape(dimensions)
    inner = [dimensions[k] for k in sites]
    legs = matrix.reshape(*inner, *inner)
    out = np.tensordot(legs, tensor, (range(len(sites), 2 * len(sites)), sites))
    return np.moveaxis(out, range(len(sites)), sites).reshape(-1)


def random_circuit(n, length, rng, distant=True):
    for _ in range(length):
        k = int(rng.integers(n))
        if rng.random() < 0.4:
            yield (k,), unitary_group.rvs(2, random_state=rng)
        else:
            k = int(rng.integers(n - 1))
            sites = tuple(rng.permutation(n)[:2].tolist()) if distant else (k, k + 1)
            yield sites, unitary_group.rvs(4, random_state=rng)


@given(st.integers(0, 10**6), st.integers(2, 6))
def test_circuits_agree_with_dense_vectors(seed, n):
    rng = np.random.default_rng(seed)
    gates = list(random_circuit(n, 12, rng))
    start = MPS.random(n, 2, rng=rng)
    state, error = apply_gates(start, gates)
    expected = start.to_dense()
    for sites, matrix in gates:
        expected = dense_gate(expected, (2,) * n, sites, matrix)
    np.testing.assert_allclose(state.to_dense(), expected, atol=1e-12)
    assert error < 1e-20
    assert MPS(state.tensors, state.center).center == state.center  # the constructor checks it


def test_matrices_need_not_be_unitary():
    rng = np.random.default_rng(0)
    gates = [((k,), rng.standard_normal((2, 2))) for k in (3, 0, 2)]
    gates += [(sites, rng.standard_normal((4, 4))) for sites in ((1, 2), (3, 0), (2, 1))]
    start = MPS.random(4, 3, rng=1)
    state, _ = apply_gates(start, gates)
    expected = start.to_dense()
    for sites, matrix in gates:
        expected = dense_gate(expected, (2,) * 4, sites, matrix)
    np.testing.assert_allclose(state.to_dense(), expected, rtol=1e-11, atol=1e-11)
    assert state.norm() == pytest.approx(np.linalg.norm(expected))


def test_sites_of_different_dimensions_keep_them():
    rng = np.random.default_rng(2)
    dimensions = (2, 3, 2, 4)
    start = MPS.product([rng.standard_normal(d) for d in dimensions])
    gates = [
        ((0, 3), rng.standard_normal((8, 8))),
        ((2, 1), rng.standard_normal((6, 6))),
        ((1,), rng.standard_normal((3, 3))),
    ]
    state, _ = apply_gates(start, gates)
    expected = start.to_dense()
    for sites, matrix in gates:
        expected = dense_gate(expected, dimensions, sites, matrix)
    assert state.physical_dimensions == dimensions
    np.testing.assert_allclose(state.to_dense(), expected, rtol=1e-11, atol=1e-11)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_truncation_error_bounds_the_loss_of_norm(seed, max_bond):
    rng = np.random.default_rng(seed)
    gates = list(random_circuit(7, 20, rng, distant=False))
    full, _ = apply_gates(MPS.product("0" * 7), gates)
    cut, error = apply_gates(MPS.product("0" * 7), gates, Truncation(max_bond))
    assert max(cut.bond_dimensions) <= max_bond
    assert 1 - cut.norm() ** 2 <= error + 1e-13
    assert error == pytest.approx(0, abs=1e-20) or cut.norm() < 1
    if error < 1e-20:
        assert abs(full.overlap(cut)) == pytest.approx(1)


def test_a_circuit_and_its_inverse_leave_a_product_state():
    rng = np.random.default_rng(3)
    gates = list(random_circuit(6, 30, rng))
    inverse = [(sites, matrix.conj().T) for sites, matrix in reversed(gates)]
    state, _ = apply_gates(MPS.product("010011"), gates + inverse, Truncation(cutoff=1e-24))
    assert set(state.bond_dimensions) == {1}
    np.testing.assert_allclose(state.to_dense(), MPS.product("010011").to_dense(), atol=1e-12)


def test_no_gates_give_the_state_back():
    state = MPS.random(4, 3, rng=0)
    same, error = apply_gates(state, [])
    assert error == 0
    np.testing.assert_array_equal(same.to_dense(), state.to_dense())


def test_it_runs_in_the_array_library_of_the_state(library):
    gates = list(random_circuit(4, 8, np.random.default_rng(4)))
    plain = MPS.random(4, 2, rng=5)
    real = MPS(tuple(t.real for t in plain.tensors))  # gates make it complex
    for start in (plain, real):
        expected, _ = apply_gates(start, gates)
        mine, _ = apply_gates(MPS(tuple(map(library, start.tensors))), gates)
        np.testing.assert_allclose(library.host(mine.to_dense()), expected.to_dense(), atol=1e-13)


def test_precision_is_kept():
    single = MPS(tuple(t.real.astype(np.float32) for t in MPS.product("010").tensors))
    assert apply_gates(single, [((0, 1), np.eye(4))])[0].dtype == np.float32
    assert apply_gates(single, [((0, 1), 1j * np.eye(4))])[0].dtype == np.complex64


@pytest.mark.parametrize(
    ("gate", "error", "message"),
    [
        (((0, 0), np.eye(4)), ValueError, r"`gates\[1\]` must name one or two different sites"),
        (((0, 1, 2), np.eye(8)), ValueError, "one or two different sites"),
        (((4,), np.eye(2)), ValueError, r"`gates\[1\]` names site 4"),
        (((0, 1), np.eye(2)), ValueError, r"needs a matrix of shape \(4, 4\), got \(2, 2\)"),
        (((0,), np.full((2, 2), np.nan)), ValueError, "holds NaN or infinity"),
        (((0.5,), np.eye(2)), TypeError, r"`gates\[1\]` must be an integer"),
    ],
)
def test_bad_gates_are_refused(gate, error, message):
    with pytest.raises(error, match=message):
        apply_gates(MPS.product("0000"), [((0,), np.eye(2)), gate])
