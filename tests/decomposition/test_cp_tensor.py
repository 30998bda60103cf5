import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor
from rankloom.decomposition.cp_tensor import khatri_rao


def outer_sum(t):
    """The definition, term after term."""
    out = np.zeros(t.shape, t.dtype)
    for r in range(t.rank):
        term = t.weights[r]
        for f in t.factors:
            term = np.multiply.outer(term, f[:, r])
        out += term
    return out


@given(seed=st.integers(0, 999), shape=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_dense_is_the_sum_of_outer_products(seed, shape):
    t = CPTensor.random(shape, 3, rng=seed)
    np.testing.assert_allclose(t.to_dense(), outer_sum(t), atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_normal_form_is_the_same_tensor(dtype):
    rng = np.random.default_rng(0)
    factors = [rng.standard_normal((n, 4)).astype(dtype) for n in (3, 4, 5)]
    factors[1][:, 2] = 0  # a term that is zero
    if np.dtype(dtype).kind == "c":
        factors = [f * (1 + 2j) for f in factors]
    t = CPTensor(np.array([1, -2, 3, -0.5], dtype), tuple(factors))
    n = t.normalize()
    assert n.dtype == dtype
    np.testing.assert_allclose(n.to_dense(), t.to_dense(), rtol=1e-4, atol=1e-5)
    for f in n.factors:
        np.testing.assert_allclose(np.linalg.norm(f, axis=0), 1, rtol=1e-6)
    assert (n.weights.imag == 0).all()
    assert (np.diff(n.weights.real) <= 0).all()
    assert n.weights[-1] == 0


@pytest.mark.parametrize("rank", [2, 6])
def test_tucker_form_is_the_same_tensor(rank):
    t = CPTensor.random((3, 4, 5), rank, rng=0)
    w = t.to_tucker()
    assert w.ranks == tuple(min(n, rank) for n in t.shape)
    np.testing.assert_allclose(w.to_dense(), t.to_dense(), atol=1e-13)


def test_khatri_rao_is_the_unfolding_of_outer_products():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    np.testing.assert_array_equal(khatri_rao(a, b), np.einsum("ir,jr->ijr", a, b).reshape(12, 2))


def test_random_tensors_repeat_by_seed_and_may_be_nonnegative():
    a, b = (CPTensor.random((3, 4), 2, rng=5, nonnegative=True) for _ in range(2))
    np.testing.assert_array_equal(a.to_dense(), b.to_dense())
    assert (a.to_dense() >= 0).all()


def test_weights_in_a_scree_plot():
    t = CPTensor([3.0, 1.0, 2.0], [np.eye(3), np.eye(3)])
    np.testing.assert_allclose(t.plot_scree().lines[0].get_ydata(), [3, 2, 1])


def test_rounding_finds_the_rank_of_a_sum():
    t = CPTensor.random((6, 7, 8), 3, rng=0)
    double = t + 2 * t
    small = double.round(tol=1e-6, rng=0)
    assert small.rank == 3
    assert (small.to_tucker() - double.to_tucker()).norm() <= 1e-6 * double.norm()
    assert double.round(rank=2, rng=0).rank == 2
    np.testing.assert_allclose(double.round(rank=6).to_dense(), double.to_dense(), atol=1e-12)
    assert t.round(tol=1e-6, rng=0).rank == 3
    assert (t * 0).round(tol=0.1).rank == 1


def test_rounding_needs_one_rule():
    t = CPTensor.random((3, 3, 3), 2, rng=0)
    for both in ({}, {"tol": 0.1, "rank": 1}):
        with pytest.raises(ValueError, match="either `tol` or `rank`"):
            t.round(**both)
    with pytest.raises(ValueError, match="above the rank 2"):
        t.round(rank=3)
    with pytest.raises(ValueError, match="0 <= tol < 1"):
        t.round(tol=2.0)
