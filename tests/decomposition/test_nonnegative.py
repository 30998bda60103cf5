"""Nonnegative CP: planted motifs come back, errors are exact and never rise."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, datasets, match_components, nonnegative_cp
from rankloom.decomposition.hals import hals, plain_hals

torch = pytest.importorskip("torch")


@given(
    shape=st.lists(st.integers(1, 7), min_size=2, max_size=4),
    rank=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_factors_are_nonnegative_and_no_sweep_raises_the_error(shape, rank, seed):
    rng = np.random.default_rng(seed)
    x = np.abs(rng.standard_normal(shape)) - 0.3
    rank = min(rank, int(np.prod(shape)) // max(shape))
    fit = nonnegative_cp(x, rank, rng=seed, max_sweeps=30)
    assert all((f >= 0).all() for f in fit.tensor.factors)
    assert (fit.tensor.weights >= 0).all()
    # below 1e-7 the rounding of unit columns and their Gram matrices shows
    assert (np.diff(np.maximum(fit.errors, 1e-7)) <= 1e-12).all()
    true = np.linalg.norm(x - fit.tensor.to_dense()) / np.linalg.norm(x)
    assert fit.error == pytest.approx(true, abs=1e-10)
    assert not fit.degenerate


def test_a_pass_over_the_columns_ends_where_the_conditions_of_optimality_hold():
    rng = np.random.default_rng(0)
    f = rng.random((20, 4))
    f /= np.linalg.norm(f, axis=0)
    g, m, y = f.T @ f, f.T @ rng.standard_normal((20, 9)), rng.random((4, 9))
    for _ in range(200):
        y = hals(y, m, g)
    slope = g @ y - m
    assert (y >= 0).all()
    assert (slope > -1e-10).all()
    assert np.abs(slope * y).max() < 1e-10


@pytest.mark.parametrize("n", [1, 9, 256, 700])
def test_the_kernel_and_its_twin_agree(n):
    rng = np.random.default_rng(n)
    f = rng.random((20, 4))
    f[:, 2] = 0  # nothing depends on this row
    y, m = rng.random((4, n)), f.T @ rng.standard_normal((20, n))
    for ridge in (0.0, 0.3):
        before = y.copy()
        found = hals(y, m, f.T @ f, ridge=ridge)
        np.testing.assert_allclose(found, plain_hals(y, m, f.T @ f, ridge), atol=1e-12)
        np.testing.assert_array_equal(y, before)
    m[1, 0] = np.nan
    assert np.isnan(hals(y, m, f.T @ f)[1, 0])  # trouble stays visible


def test_planted_motifs_come_back():
    x, truth = datasets.planted_nonnegative((300, 120, 8), 6, rng=0)
    fit = nonnegative_cp(x, 7, rng=0, restarts=2)
    assert match_components(truth, fit.tensor).score >= 0.999


@pytest.mark.slow
def test_planted_motifs_of_many_neurons_come_back():
    x, truth = datasets.planted_nonnegative(rng=0)
    fit = nonnegative_cp(x, 7, rng=0, max_sweeps=100)
    assert match_components(truth, fit.tensor).score >= 0.999


def test_exact_tensors_are_found_exactly():
    x, truth = datasets.planted_nonnegative((40, 30, 8), 3, noise=0, rng=0)
    fit = nonnegative_cp(x, 3, rng=0, max_sweeps=2000, tol=0)
    assert fit.error < 1e-8
    assert match_components(truth, fit.tensor).score > 1 - 1e-8
    assert fit.core_consistency == pytest.approx(100, abs=1e-4)


def test_errors_are_those_of_tensorly():
    tensorly = pytest.importorskip("tensorly.decomposition")
    x, _ = datasets.planted_nonnegative((30, 20, 8), 3, rng=0)
    init = CPTensor.random(x.shape, 3, rng=0, nonnegative=True)
    fit = nonnegative_cp(x, 3, init=init, max_sweeps=2000, tol=1e-12)
    given = (None, [f.copy() for f in init.factors])
    _, errors = tensorly.non_negative_parafac_hals(
        x, 3, init=given, n_iter_max=2000, tol=1e-13, return_errors=True
    )
    assert fit.error == pytest.approx(float(errors[-1]), rel=1e-5)


@pytest.mark.parametrize("library", [array_api_strict, torch])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_other_libraries_take_the_same_steps(library, dtype):
    x = datasets.planted_nonnegative((12, 10, 6), 3, rng=0)[0].astype(dtype)
    host = nonnegative_cp(x, 3, rng=0, max_sweeps=10, tol=0)
    fit = nonnegative_cp(library.asarray(x), 3, rng=0, max_sweeps=10, tol=0)
    np.testing.assert_allclose(fit.errors, host.errors, rtol=1e-4 if dtype == "float32" else 1e-10)


def test_bad_input_is_named():
    x = np.random.default_rng(0).random((4, 5, 6))
    with pytest.raises(TypeError, match="complex"):
        nonnegative_cp(x + 1j, 2)
    with pytest.raises(ValueError, match="nonnegative"):
        nonnegative_cp(x, 2, init=CPTensor.random(x.shape, 2, rng=0))
    with pytest.raises(ValueError, match="rank"):
        nonnegative_cp(x, 0)
    with pytest.raises(ValueError, match="tol"):
        nonnegative_cp(x, 2, tol=np.nan)
    with pytest.raises(ValueError, match="infinite"):
        nonnegative_cp(np.full((3, 4, 5), np.inf), 2)
    assert nonnegative_cp(-x, 2, rng=0).error == pytest.approx(1)  # nothing nonnegative fits
