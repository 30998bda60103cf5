"""CP with missing entries: true errors, planted tensors, the kernels against their twin."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, cp, datasets, nonnegative_cp
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.masked_rows import DenseEntries, ListedEntries

torch = pytest.importorskip("torch")


def observed(x, missing, seed):
    return np.random.default_rng(seed).random(x.shape) >= missing


def error_on(x, fit, where):
    return np.linalg.norm((x - fit.tensor.to_dense())[where]) / np.linalg.norm(x[where])


@pytest.mark.parametrize("kind", ["float64", "complex128", "float32"])
@pytest.mark.parametrize("shape", [(9, 12), (5, 6, 4), (4, 3, 5, 3)])
def test_kernels_agree_with_their_twin(kind, shape):
    rng = np.random.default_rng(0)

    def draw(*size):
        values = rng.standard_normal(size) + 1j * rng.standard_normal(size)
        return (values if kind == "complex128" else values.real).astype(kind)

    x, seen = draw(*shape), rng.random(shape) < 0.8
    x = np.where(seen, x, 0)
    factors, weights = [draw(n, 3) for n in shape], np.abs(draw(3)).astype(kind)
    fast, plain = ListedEntries(x, seen), DenseEntries(x, seen)
    rounding = {"rtol": 2e-3, "atol": 2e-3} if kind == "float32" else {"rtol": 1e-7, "atol": 1e-7}
    for mode in range(len(shape)):
        y = factors[mode] * weights
        for ridge in (0.0, 0.1):
            found = fast.update(mode, factors, y, ridge)
            np.testing.assert_allclose(found, plain.update(mode, factors, y, ridge), **rounding)
    missed = plain.misfit(weights, factors)
    dense = CPTensor(weights, tuple(factors)).to_dense()
    assert missed == pytest.approx(np.sum(np.abs(x - dense)[seen] ** 2), rel=1e-5)
    assert fast.misfit(weights, factors) == pytest.approx(missed, rel=1e-5)


@pytest.mark.parametrize("missing", [0.3, 0.7])
def test_the_update_of_rows_is_least_squares(missing):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 7, 8))
    seen = observed(x, missing, 1)
    factors = [rng.standard_normal((n, 2)) for n in x.shape]
    found = ListedEntries(np.where(seen, x, 0), seen).update(1, factors, factors[1], 0.0)
    for j in range(x.shape[1]):
        at = np.argwhere(seen[:, j, :])
        matrix = factors[0][at[:, 0]] * factors[2][at[:, 1]]
        wanted = np.linalg.lstsq(matrix, x[at[:, 0], j, at[:, 1]])[0]
        np.testing.assert_allclose(found[j], wanted, rtol=1e-6, atol=1e-8)


@given(seed=st.integers(0, 500), missing=st.sampled_from([0.1, 0.4, 0.6, 0.8]))
def test_the_error_is_that_of_the_observed_entries_and_never_rises(seed, missing):
    x, _ = datasets.planted_cp((6, 7, 8), 2, noise=0.3, rng=seed)
    mask = observed(x, missing, seed)
    mask[:, 0, 0] = mask[0, :, 0] = mask[0, 0, :] = True
    marked = np.where(mask, x, np.nan)
    fit = cp(marked, 2, rng=seed, max_sweeps=30)
    assert fit.error == pytest.approx(error_on(x, fit, mask), rel=1e-8)
    assert (np.diff(fit.errors) <= 1e-11).all()
    same = cp(x, 2, mask=mask, rng=seed, max_sweeps=30)
    np.testing.assert_array_equal(fit.errors, same.errors)


@pytest.mark.parametrize("missing, restarts, bound", [(0.3, 1, 1e-3), (0.9, 1, 4e-3)])
def test_a_planted_tensor_is_found_behind_the_mask(missing, restarts, bound):
    for seed in range(4):
        x, truth = datasets.planted_cp((50, 50, 50), 3, noise=0.01, rng=seed)
        mask = observed(x, missing, seed + 50)
        fit = cp(x, 3, mask=mask, rng=seed, restarts=restarts)
        assert np.isnan(fit.core_consistency)
        clean = truth.to_dense()
        assert error_on(clean, fit, ~mask) < bound


@pytest.mark.slow
@pytest.mark.parametrize("missing, restarts, bound", [(0.9, 1, 2e-3), (0.97, 3, 5e-3)])
def test_a_planted_tensor_of_rank_five_is_found_with_every_seed(missing, restarts, bound):
    for seed in range(10):
        x, truth = datasets.planted_cp((100, 100, 100), 5, noise=0.01, rng=seed)
        mask = observed(x, missing, seed + 50)
        fit = cp(x, 5, mask=mask, rng=seed, restarts=restarts)
        assert error_on(truth.to_dense(), fit, ~mask) < bound, seed


def test_a_full_mask_changes_nothing():
    x, _ = datasets.planted_cp((7, 8, 9), 3, noise=0.1, rng=0)
    init = CPTensor.random(x.shape, 3, rng=0)
    masked = cp(x, 3, mask=np.ones(x.shape, bool), init=init)
    np.testing.assert_allclose(masked.error, cp(x, 3, init=init).error, rtol=1e-7)


def test_held_out_entries_judge_the_rank():
    x, _ = datasets.planted_cp((14, 15, 16), 3, noise=0.1, rng=0)
    curve = [cp(x, r, holdout=0.1, rng=1, restarts=3).held_out_error for r in (1, 2, 3, 6)]
    assert np.argmin(curve) == 2
    assert curve[2] == pytest.approx(0.1, rel=0.2)
    assert cp(x, 3, rng=0).held_out_error is None


def test_complex_entries():
    rng = np.random.default_rng(0)
    factors = [rng.standard_normal((n, 2)) + 1j * rng.standard_normal((n, 2)) for n in (12, 11, 10)]
    x = CPTensor(np.ones(2), tuple(factors)).to_dense()
    for missing in (0.3, 0.7):
        mask = observed(x, missing, 1)
        fit = cp(x, 2, mask=mask, restarts=3, rng=0, max_sweeps=500)
        assert error_on(x, fit, ~mask) < 1e-6


@pytest.mark.parametrize("library", [array_api_strict, torch])
@pytest.mark.parametrize("missing", [0.3, 0.7])
def test_other_libraries_take_the_same_steps(library, missing):
    x, _ = datasets.planted_cp((8, 7, 9), 2, noise=0.1, rng=0)
    marked = np.where(observed(x, missing, 1), x, np.nan)
    init = CPTensor.random(x.shape, 2, rng=1)
    host = cp(marked, 2, init=init, max_sweeps=10, tol=0)
    fit = cp(library.asarray(marked), 2, init=init.to_device(library), max_sweeps=10, tol=0)
    np.testing.assert_allclose(fit.errors, host.errors, rtol=1e-8)


@pytest.mark.parametrize("missing", [0.2, 0.7])
def test_nonnegative_with_missing_entries(missing):
    x, truth = datasets.planted_nonnegative((30, 28, 10), 3, noise=0, rng=0)
    mask = observed(x, missing, 1)
    fit = nonnegative_cp(x, 3, mask=mask, rng=0, restarts=3, max_sweeps=1000)
    assert all((f >= 0).all() for f in fit.tensor.factors)
    assert fit.error == pytest.approx(error_on(x, fit, mask), rel=1e-8)
    assert error_on(truth.to_dense(), fit, ~mask) < 1e-2


def test_data_are_left_alone_and_scales_go_through():
    x, _ = datasets.planted_cp((8, 7, 9), 2, noise=0.1, rng=0)
    for missing in (0.3, 0.7):
        mask = observed(x, missing, 1)
        marked = np.where(mask, x, np.nan)
        before = marked.copy()
        fit = cp(marked, 2, rng=0, max_sweeps=20)
        np.testing.assert_array_equal(marked, before)
        huge = cp(marked * 2.0**500, 2, rng=0, max_sweeps=20)
        np.testing.assert_allclose(huge.errors, fit.errors, rtol=1e-9)


def test_bad_masks_are_named():
    x, _ = datasets.planted_cp((4, 5, 6), 2, noise=0.1, rng=0)
    full = np.ones(x.shape, bool)
    with pytest.raises(TypeError, match="boolean"):
        cp(x, 2, mask=full.astype(int))
    with pytest.raises(ValueError, match="shape"):
        cp(x, 2, mask=full[1:])
    with pytest.raises(ValueError, match="calls observed"):
        cp(np.where(full & (x > 0), x, np.nan), 2, mask=full)
    with pytest.raises(ValueError, match="infinite"):
        cp(np.where(x > 0, np.inf, np.nan), 2)
    with pytest.raises(ValueError, match="observed"):
        cp(np.full(x.shape, np.nan), 2)
    with pytest.raises(ValueError, match="holdout"):
        cp(x, 2, holdout=1.0)
    empty = full.copy()
    empty[:, 3] = False
    with pytest.raises(ValueError, match="index 3 of mode 1"):
        cp(x, 2, mask=empty)
    assert check_dense(x).norm > 0
