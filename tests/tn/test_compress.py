import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import MPS, Truncation, compress, gauge
from rankloom.tn.contract import to_dense


def relative_distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(a)


@pytest.mark.parametrize("known", [None, 0, 4, 6])
def test_exact_compression_keeps_the_state(library, known):
    state = MPS.random(7, 5, rng=0)
    if known is not None:
        state = state.canonicalize(known)
    small, error = compress.compress([library(t) for t in state.tensors], Truncation(), known)
    np.testing.assert_allclose(library.host(to_dense(small)), state.to_dense(), atol=1e-13)
    assert error < 1e-25
    assert gauge.orthonormality_error(small, 6) < 1e-13


@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0.0, 0.1))
def test_error_is_bounded_by_the_discarded_weights(seed, max_bond, cutoff):
    state = MPS.random(7, 6, rng=seed) * 3.0
    small, error = state.compress(max_bond, cutoff)
    distance = relative_distance(state.to_dense(), small.to_dense())
    assert distance**2 <= error + 1e-14
    assert max(small.bond_dimensions) <= max_bond
    # every cut drops a piece orthogonal to all that is kept later
    assert 1 - (small.norm() / state.norm()) ** 2 == pytest.approx(distance**2, abs=1e-13)


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_compression_is_idempotent(seed, max_bond):
    once = MPS.random(6, 6, rng=seed).compress(max_bond).state
    twice, error = once.compress(max_bond)
    assert error < 1e-25
    np.testing.assert_allclose(twice.to_dense(), once.to_dense(), atol=1e-13)


def test_one_cut_is_as_good_as_the_best_one():
    """Eckart-Young: with a single bond the error is the tail of the singular values."""
    vector = np.random.default_rng(0).standard_normal(36)
    s = np.linalg.svd(vector.reshape(6, 6), compute_uv=False)
    state = MPS((vector.reshape(1, 6, 6), np.eye(6).reshape(6, 6, 1)))
    small, error = state.compress(max_bond=2)
    assert error == pytest.approx((s[2:] ** 2).sum() / (s**2).sum())
    assert relative_distance(vector, small.to_dense()) ** 2 == pytest.approx(error)


def test_a_sum_with_itself_compresses_back():
    state = MPS.random(8, 4, rng=1)
    doubled = state + state
    assert max(doubled.bond_dimensions) == 8
    small, _ = doubled.compress()
    assert small.bond_dimensions == state.bond_dimensions
    np.testing.assert_allclose(small.to_dense(), 2 * state.to_dense(), atol=1e-13)


def test_renormalising_restores_the_norm():
    state = MPS.random(6, 8, rng=2) * 5.0
    assert state.compress(2).state.norm() < 5.0
    assert state.compress(2, renormalize=True).state.norm() == pytest.approx(5.0)


def test_a_zero_state_compresses_to_a_zero_product():
    zero = MPS.random(4, 3, rng=0) * 0.0
    small, error = zero.compress(2, renormalize=True)
    assert set(small.bond_dimensions) == {1}
    assert (small.norm(), error) == (0.0, 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_precision_is_kept(dtype):
    rng = np.random.default_rng(0)
    tensors = [rng.standard_normal(s).astype(dtype) for s in [(1, 2, 2), (2, 2, 2), (2, 2, 1)]]
    state = MPS(tuple(tensors))
    forms = [
        state,
        state.canonicalize(1),
        state.normalize(),
        0.5 * state,
        state.compress(2).state,
        MPS.from_dense(state.to_dense()),
        state + state,
    ]
    assert {form.dtype for form in forms} == {np.dtype(dtype)}
    np.testing.assert_allclose(forms[4].to_dense(), state.to_dense(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dimensions", [(2, 2, 2), (3, 2, 4), (5,)])
def test_dense_vectors_split_exactly(library, dimensions):
    vector = np.random.default_rng(0).standard_normal(np.prod(dimensions))
    tensors, error = compress.from_dense(library(vector), dimensions, Truncation())
    np.testing.assert_allclose(library.host(to_dense(tensors)), vector, atol=1e-14)
    assert error < 1e-25
    assert gauge.orthonormality_error(tensors, len(dimensions) - 1) < 1e-14
