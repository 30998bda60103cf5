"""Nonnegative Tucker: exact errors, conditions of optimality, missing entries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import TuckerTensor, nonnegative_tucker, tucker
from rankloom.decomposition.modes import mode_products, unfold
from rankloom.decomposition.tucker_nonnegative import core_steps


def planted(shape=(14, 12, 10), ranks=(3, 2, 2), noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    factors = [rng.random((n, r)) * (rng.random((n, r)) < 0.6) for n, r in zip(shape, ranks, strict=True)]  # fmt: skip  # noqa: E501
    clean = TuckerTensor(rng.random(ranks), factors).to_dense()
    return clean + noise * clean.std() * rng.standard_normal(shape)


def assert_nonnegative(tensor):
    assert (tensor.core >= 0).all()
    for f in tensor.factors:
        assert (f >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(f, axis=0), 1, rtol=1e-12)


@given(
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    rank=st.integers(1, 3),
    seed=st.integers(0, 500),
    missing=st.sampled_from([0.0, 0.3]),
)
def test_errors_are_exact_and_never_rise(shape, rank, seed, missing):
    rng = np.random.default_rng(seed)
    x = np.abs(rng.standard_normal(shape)) - 0.2
    mask = rng.random(shape) >= missing
    for k in range(len(shape)):  # an entry of every slice is there
        for i in range(shape[k]):
            mask[tuple(i if j == k else 0 for j in range(len(shape)))] = True
    options = {"mask": mask} if missing else {}
    fit = nonnegative_tucker(x, min(rank, max(shape)), rng=seed, max_sweeps=20, **options)
    assert_nonnegative(fit.tensor)
    seen = mask if missing else np.ones(shape, bool)
    true = np.linalg.norm((x - fit.tensor.to_dense())[seen]) / np.linalg.norm(x[seen])
    assert fit.error == pytest.approx(true, abs=1e-9)
    assert (np.diff(np.maximum(fit.errors, 1e-7)) <= 1e-11).all()


def test_the_end_holds_the_conditions_of_optimality():
    x = planted(noise=0.3)
    fit = nonnegative_tucker(x, (3, 2, 2), rng=0, max_sweeps=1000, tol=0)
    core, factors = fit.tensor.core, fit.tensor.factors
    rest = fit.tensor.to_dense() - x
    small = 1e-4 * np.linalg.norm(x)  # sweeps approach the end linearly
    slopes = [(core, mode_products(rest, [f.T for f in factors]))]
    for k, f in enumerate(factors):
        others = [None if j == k else g.T for j, g in enumerate(factors)]
        slope = unfold(mode_products(rest, others), k) @ unfold(core, k).T
        slopes.append((f, slope))
    for part, slope in slopes:
        assert (slope > -small).all()
        assert np.abs(slope * part).max() < small


def test_a_planted_tensor_is_fitted_and_nothing_beats_the_free_fit():
    exact = nonnegative_tucker(planted(), (3, 2, 2), rng=0, max_sweeps=500)
    assert exact.error < 2e-3
    noisy = planted(noise=0.3)
    fit = nonnegative_tucker(noisy, (3, 2, 2), rng=0, max_sweeps=200)
    free = tucker(noisy, ranks=(3, 2, 2))
    assert free.error <= fit.error <= 1.02 * free.error


def test_it_ends_where_tensorly_does_or_lower():
    tensorly = pytest.importorskip("tensorly.decomposition")
    from tensorly import tucker_to_tensor

    x = np.abs(planted(noise=0.2))
    theirs = tensorly.non_negative_tucker_hals(x, (3, 2, 2), n_iter_max=50, random_state=0)
    error = np.linalg.norm(x - tucker_to_tensor(theirs)) / np.linalg.norm(x)
    assert nonnegative_tucker(x, (3, 2, 2), rng=0, restarts=3).error <= error * (1 + 1e-4)


def test_core_steps_come_to_the_nonnegative_least_squares_solution():
    from scipy.optimize import nnls

    rng = np.random.default_rng(0)
    factors = [rng.random((n, r)) for n, r in ((7, 3), (6, 2), (5, 2))]
    x = rng.standard_normal((7, 6, 5))
    design = np.kron(np.kron(factors[0], factors[1]), factors[2])
    wanted = nnls(design, x.ravel())[0].reshape(3, 2, 2)
    core = rng.random((3, 2, 2))
    inner = mode_products(x, [f.T for f in factors])
    for _ in range(200):
        core = core_steps(core, inner, [f.T @ f for f in factors])
    np.testing.assert_allclose(core, wanted, atol=1e-8)


def test_missing_entries_weights_and_held_out_ones():
    x = planted(noise=0.05)
    rng = np.random.default_rng(1)
    mask = rng.random(x.shape) > 0.4
    options = {"rng": 0, "max_sweeps": 300}
    fit = nonnegative_tucker(np.where(mask, x, np.nan), (3, 2, 2), **options)
    clean = planted()
    miss = np.linalg.norm((fit.tensor.to_dense() - clean)[~mask]) / np.linalg.norm(clean[~mask])
    assert miss < 0.05
    w = rng.random(x.shape)
    weighted = nonnegative_tucker(x, (3, 2, 2), weights=w, rng=0, max_sweeps=50)
    left = np.sum(w * (x - weighted.tensor.to_dense()) ** 2) / np.sum(w * x**2)
    assert weighted.error == pytest.approx(left**0.5, rel=1e-9)
    assert (np.diff(weighted.errors) <= 1e-12).all()
    curve = [
        nonnegative_tucker(x, r, holdout=0.1, **options).held_out_error for r in (1, (3, 2, 2))
    ]
    assert curve[1] < curve[0] / 2


def test_a_start_of_ones_own_and_the_same_bits():
    x = planted(noise=0.1)
    first = nonnegative_tucker(x, (3, 2, 2), rng=0, max_sweeps=30)
    again = nonnegative_tucker(x, (3, 2, 2), rng=0, max_sweeps=30)
    np.testing.assert_array_equal(first.tensor.core, again.tensor.core)
    more = nonnegative_tucker(x, (3, 2, 2), init=first.tensor, max_sweeps=5)
    assert more.errors[0] <= first.error * (1 + 1e-9)
    huge = nonnegative_tucker(x * 2.0**500, (3, 2, 2), rng=0, max_sweeps=30)
    np.testing.assert_allclose(huge.errors, first.errors, rtol=1e-9)


def test_any_array_library(library):
    x = planted((6, 5, 4), noise=0.2)
    host = nonnegative_tucker(x, 2, rng=0, max_sweeps=10, tol=0)
    fit = nonnegative_tucker(library(x), 2, rng=0, max_sweeps=10, tol=0)
    np.testing.assert_allclose(fit.errors, host.errors, rtol=1e-9)
    library.host(fit.tensor.core)
    single = nonnegative_tucker(library(x.astype(np.float32)), 2, rng=0, max_sweeps=10, tol=0)
    np.testing.assert_allclose(single.errors, host.errors, rtol=1e-3)


X = planted((4, 5, 6), (2, 2, 2))
FREE = TuckerTensor.random((4, 5, 6), 2, rng=0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"ranks": 0}, "ranks"),
        ({"ranks": (2, 2)}, "one entry per mode"),
        ({"ranks": (2, 2, 7)}, "outside 1..6"),
        ({"x": X + 1j}, "real"),
        ({"x": 0 * X}, "zero"),
        ({"x": np.where(X > 0, np.inf, X)}, "infinite"),
        ({"init": FREE}, "nonnegative"),
        ({"init": "random"}, "TuckerTensor"),
        ({"init": FREE, "ranks": 3}, "`init` must have shape"),
        ({"tol": np.nan}, "tol"),
        ({"restarts": 0}, "restarts"),
    ],
)
def test_bad_input_is_named(options, message):
    arguments = {"x": X, "ranks": 2} | options
    with pytest.raises((TypeError, ValueError), match=message):
        nonnegative_tucker(arguments.pop("x"), **arguments)
