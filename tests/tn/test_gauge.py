import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rankloom.tn import MPS, gauge
from rankloom.tn.contract import to_dense


def random_tensors(n, bond, d=2, seed=0):
    rng = np.random.default_rng(seed)
    bonds = [1, *[bond] * (n - 1), 1]
    return [
        rng.standard_normal((a, d, b, 2)).view(complex)[..., 0]
        for a, b in itertools.pairwise(bonds)
    ]


@pytest.mark.parametrize("center", [0, 2, 4])
def test_canonical_form_is_the_same_state_with_orthonormal_sides(library, center):
    tensors = random_tensors(5, 3)
    moved = gauge.canonicalize([library(t) for t in tensors], center)
    assert gauge.orthonormality_error(moved, center) < 1e-14
    np.testing.assert_allclose(library.host(to_dense(moved)), to_dense(tensors), rtol=1e-12)


@pytest.mark.parametrize(("known", "center"), [(0, 3), (4, 1), (2, 2)])
def test_a_known_centre_moves_without_touching_the_rest(known, center):
    tensors = gauge.canonicalize(random_tensors(5, 3), known)
    moved = gauge.canonicalize(tensors, center, known)
    assert gauge.orthonormality_error(moved, center) < 1e-14
    np.testing.assert_allclose(to_dense(moved), to_dense(tensors), rtol=1e-12)
    outside = [k for k in range(5) if not min(known, center) <= k <= max(known, center)]
    assert all(moved[k] is tensors[k] for k in outside)


def test_orthonormality_error_sees_a_wrong_tensor():
    tensors = gauge.canonicalize(random_tensors(4, 2), 0)
    tensors[2] = 1.5 * tensors[2]
    assert gauge.orthonormality_error(tensors, 0) == pytest.approx(1.25)  # 1.5^2 - 1


def dense_schmidt_values(vector, cut):
    s = np.linalg.svd(vector.reshape(2**cut, -1), compute_uv=False)
    return s / np.linalg.norm(s)


@pytest.mark.parametrize("known", [None, 3])
def test_schmidt_values_are_those_of_the_dense_vector(library, known):
    tensors = random_tensors(6, 4)
    if known is not None:
        tensors = gauge.canonicalize(tensors, known)
    vector = to_dense(tensors)
    own = [library(t) for t in tensors]
    form, schmidt, norm = gauge.schmidt_form(own, known)
    assert norm == pytest.approx(np.linalg.norm(vector), rel=1e-12)
    assert gauge.orthonormality_error(form, 0) < 1e-13
    for cut in range(1, 6):
        expected = dense_schmidt_values(vector, cut)
        found = library.host(schmidt[cut])
        np.testing.assert_allclose(found, expected[: found.size], atol=1e-13)
        np.testing.assert_allclose(expected[found.size :], 0, atol=1e-13)
        single = library.host(gauge.schmidt_values(own, cut, known))
        np.testing.assert_allclose(single[: found.size], found, atol=1e-13)


def test_schmidt_form_reads_the_state_from_every_cut():
    """``schmidt[k] B[k] .. B[n-1]`` are the right Schmidt vectors times their values."""
    tensors = random_tensors(5, 3, seed=1)
    vector = to_dense(tensors)
    form, schmidt, norm = gauge.schmidt_form(tensors)
    for cut in range(1, 5):
        rows = form[cut]
        for t in form[cut + 1 :]:
            rows = np.tensordot(rows, t, 1)
        rows = schmidt[cut][:, None] * rows.reshape(rows.shape[0], -1)
        reduced = vector.reshape(2**cut, -1) / norm
        np.testing.assert_allclose(rows.T @ rows.conj(), reduced.T @ reduced.conj(), atol=1e-13)


@given(
    arrays(float, (3, 3), elements=st.floats(-1, 1)),
    arrays(float, (3, 3), elements=st.floats(-1, 1)),
    st.integers(1, 4),
)
def test_invertible_matrices_on_a_bond_change_nothing(re, im, cut):
    gauge_matrix = 4 * np.eye(3) + re + 1j * im  # diagonally dominant, so well conditioned
    tensors = random_tensors(5, 3, seed=2)
    changed = list(tensors)
    changed[cut - 1] = tensors[cut - 1] @ gauge_matrix
    changed[cut] = np.tensordot(np.linalg.inv(gauge_matrix), tensors[cut], 1)
    a, b = MPS(tuple(tensors)), MPS(tuple(changed))
    np.testing.assert_allclose(a.to_dense(), b.to_dense(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(a.overlap(b) / a.norm() ** 2, 1, rtol=1e-12)
    np.testing.assert_allclose(a.entropies(), b.entropies(), atol=1e-11)
    np.testing.assert_allclose(a.expectation("Y"), b.expectation("Y"), rtol=1e-10, atol=1e-9)


def test_entropy_of_equal_weights_is_the_logarithm_of_their_number():
    assert gauge.entropy(np.full(8, 8**-0.5)) == pytest.approx(np.log(8))
    assert gauge.entropy(np.array([1.0, 0.0])) == 0.0
