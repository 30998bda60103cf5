import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, TuckerTensor


@given(seed=st.integers(0, 999), ranks=st.tuples(*(st.integers(1, 4),) * 3))
def test_orthonormal_form_is_the_same_tensor(seed, ranks):
    rng = np.random.default_rng(seed)
    t = TuckerTensor(rng.standard_normal(ranks), [rng.standard_normal((3, r)) for r in ranks])
    q = t.orthonormalize()
    np.testing.assert_allclose(q.to_dense(), t.to_dense(), atol=1e-12)
    for f in q.factors:
        np.testing.assert_allclose(f.T @ f, np.eye(f.shape[1]), atol=1e-13)


def test_singular_values_are_those_of_the_unfoldings():
    rng = np.random.default_rng(0)
    t = TuckerTensor(
        rng.standard_normal((2, 3, 2)), [rng.standard_normal((5, r)) for r in (2, 3, 2)]
    )
    x = t.to_dense()
    for k, values in enumerate(t.singular_values()):
        dense = np.linalg.svd(np.moveaxis(x, k, 0).reshape(5, -1), compute_uv=False)
        np.testing.assert_allclose(values, dense[: len(values)], rtol=1e-12)


@given(seed=st.integers(0, 999), tol=st.floats(1e-8, 0.9))
def test_rounding_keeps_its_bound(seed, tol):
    rng = np.random.default_rng(seed)
    scales = np.indices((4, 4, 4)).sum(0)
    t = TuckerTensor(
        rng.standard_normal((4, 4, 4)) * 10.0**-scales,
        [rng.standard_normal((6, 4)) for _ in range(3)],
    )
    small = t.round(tol)
    assert (small - t).norm() <= tol * t.norm() * (1 + 1e-9)
    assert all(r <= s for r, s in zip(small.ranks, t.ranks, strict=True))


def test_rounding_a_sum_finds_the_ranks_of_the_tensor():
    t = TuckerTensor.random((6, 7, 8), (2, 3, 4), rng=0)
    double = t + t
    assert double.ranks == (4, 6, 8)
    assert double.round(tol=1e-10).ranks == (2, 3, 4)
    assert double.round(ranks=(2, 9, 4)).ranks == (2, 6, 4)
    np.testing.assert_allclose(double.round(ranks=4).to_dense(), 2 * t.to_dense(), atol=1e-13)
    assert (t * 0).round(tol=0.1).ranks == (1, 1, 1)


def test_rounding_needs_one_rule():
    t = TuckerTensor.random((3, 3), 2, rng=0)
    for both in ({}, {"tol": 0.1, "ranks": 2}):
        with pytest.raises(ValueError, match="either `tol` or `ranks`"):
            t.round(**both)
    with pytest.raises(ValueError, match="0 <= tol < 1"):
        t.round(tol=1.0)


def test_tensorly_and_back():
    tensorly = pytest.importorskip("tensorly")
    t = TuckerTensor.random((3, 4, 5), (2, 2, 3), rng=0)
    theirs = t.to_tensorly()
    np.testing.assert_allclose(tensorly.tucker_to_tensor(theirs), t.to_dense(), atol=1e-14)
    np.testing.assert_array_equal(TuckerTensor.from_tensorly(theirs).core, t.core)
    theirs.core[...] = 0  # own memory
    assert t.norm() > 0
    cp = CPTensor.random((3, 4), 2, rng=0)
    np.testing.assert_allclose(tensorly.cp_to_tensor(cp.to_tensorly()), cp.to_dense(), atol=1e-14)
    assert CPTensor.from_tensorly((None, list(cp.factors))).weights.tolist() == [1, 1]


def test_a_slice_of_the_core():
    t = TuckerTensor.random((5, 5, 5), (2, 3, 4), rng=0)
    image = t.plot_core(mode=0, index=1).images[0]
    np.testing.assert_array_equal(image.get_array(), t.core[1])
    with pytest.raises(ValueError, match="`index` = 4"):
        t.plot_core(index=4)
