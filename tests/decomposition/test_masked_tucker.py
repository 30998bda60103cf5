import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import datasets, tucker
from rankloom.tn import Outcome


def data(missing, seed=0, noise=0.01):
    x, truth = datasets.planted_tucker((15, 16, 17), (2, 3, 2), noise=noise, rng=seed)
    return x, truth, np.random.default_rng(seed).random(x.shape) >= missing


@pytest.mark.parametrize("missing", [0.3, 0.7])
def test_the_truth_is_found_and_the_error_is_that_of_the_observed(missing):
    x, truth, observed = data(missing)
    fit = tucker(x, ranks=(2, 3, 2), mask=observed, max_sweeps=500)
    assert fit.outcome is Outcome.CONVERGED
    assert (np.diff(fit.errors) <= 1e-12).all()
    dense = fit.tensor.to_dense()
    left = np.linalg.norm((x - dense)[observed]) / np.linalg.norm(x[observed])
    assert fit.error == pytest.approx(left, rel=1e-10)
    held_out = np.linalg.norm((truth.to_dense() - dense)[~observed])
    assert held_out < 5e-3 * np.linalg.norm(truth.to_dense()[~observed])
    for f in fit.tensor.factors:
        np.testing.assert_allclose(f.T @ f, np.eye(f.shape[1]), atol=1e-12)


def test_nan_and_mask_mean_the_same_and_hidden_values_do_not_matter(library):
    x, _, observed = data(0.4)
    a = tucker(x, ranks=2, mask=observed, max_sweeps=5)
    b = tucker(library(np.where(observed, x, np.nan)), ranks=2, max_sweeps=5)
    c = tucker(np.where(observed, x, 1e9), ranks=2, mask=library(observed), max_sweeps=5)
    np.testing.assert_allclose(library.host(b.tensor.to_dense()), a.tensor.to_dense(), atol=1e-10)
    np.testing.assert_array_equal(c.tensor.to_dense(), a.tensor.to_dense())


@given(seed=st.integers(0, 99))
def test_a_full_mask_changes_nothing(seed):
    x = np.random.default_rng(seed).standard_normal((5, 6, 7))
    full = np.ones(x.shape, bool)
    masked = tucker(x, ranks=2, mask=full, max_sweeps=4)
    plain = tucker(x, ranks=2, max_sweeps=4)
    np.testing.assert_allclose(masked.errors, plain.errors, rtol=1e-9)


def test_a_given_start_goes_on():
    x, _, observed = data(0.5)
    first = tucker(x, ranks=2, mask=observed, max_sweeps=20)
    more = tucker(x, init=first.tensor, mask=observed, max_sweeps=5)
    assert more.errors[0] <= first.error * (1 + 1e-12)


def test_the_true_error_where_tensorly_reports_another():
    pytest.importorskip("tensorly")
    from tensorly import tucker_to_tensor
    from tensorly.decomposition import tucker as theirs

    x, _, observed = data(0.5)
    found, errors = theirs(np.where(observed, x, 0), [2, 3, 2], mask=observed, return_errors=True)
    dense = tucker_to_tensor(found)
    true = np.linalg.norm((x - dense)[observed]) / np.linalg.norm(x[observed])
    assert abs(errors[-1] - true) > 0.1  # tensorly 0.10: the norm is that of the zero-filled data
    assert tucker(x, ranks=(2, 3, 2), mask=observed).error <= true


X = np.ones((3, 4, 5))
HOLE = np.where(np.arange(5) == 2, np.nan, X)


@pytest.mark.parametrize(
    "x, options, message",
    [
        (HOLE, {"ranks": 1}, "observed at index 2 of mode 2"),
        (X * np.nan, {"ranks": 1}, "no entry of `x` is observed"),
        (HOLE, {"tol": 0.1}, "missing entries"),
        (HOLE, {"ranks": 1, "method": "hosvd"}, "missing entries"),
        (HOLE, {"ranks": 1, "mask": np.ones(X.shape, bool)}, "NaN at 12 entries"),
        (X, {"ranks": 1, "mask": np.ones((3, 4), bool)}, "`mask` must have the shape"),
        (X * np.inf, {"ranks": 1, "mask": X > 0}, "NaN or infinite"),
    ],
)
def test_bad_input_is_named(x, options, message):
    with pytest.raises(ValueError, match=message):
        tucker(x, **options)


def test_masks_are_boolean():
    with pytest.raises(TypeError, match="`mask` must be boolean"):
        tucker(X, ranks=1, mask=X)
