"""Entries that weigh more than others."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, cp, datasets, nonnegative_cp, tucker
from rankloom.decomposition.masked_rows import DenseEntries, ListedEntries

torch = pytest.importorskip("torch")


def weighted_error(x, tensor, w):
    return (np.sum(w * abs(x - tensor.to_dense()) ** 2) / np.sum(w * abs(x) ** 2)) ** 0.5


SOLVERS = {
    "cp": lambda x, **options: cp(x, 2, **options),
    "constrained": lambda x, **options: cp(x, 2, constraints={0: "orthogonal"}, **options),
    "nonnegative": lambda x, **options: nonnegative_cp(x, 2, **options),
    "tucker": lambda x, **options: tucker(x, ranks=2, **options),
}


@pytest.mark.parametrize("name", SOLVERS)
@given(seed=st.integers(0, 200), zeros=st.booleans())
def test_the_weighted_error_is_reported_and_never_rises(name, seed, zeros):
    rng = np.random.default_rng(seed)
    x = rng.random((5, 6, 7))
    w = rng.random(x.shape) ** 2 * (rng.random(x.shape) > 0.2 * zeros)
    fit = SOLVERS[name](x, weights=w, max_sweeps=15, rng=seed)
    assert fit.error == pytest.approx(weighted_error(x, fit.tensor, w), rel=1e-9)
    assert (np.diff(fit.errors) <= 1e-11).all()


@pytest.mark.parametrize("name", SOLVERS)
def test_weights_of_zero_and_one_are_a_mask_and_only_ratios_count(name):
    x, _ = datasets.planted_nonnegative((9, 8, 7), 2, noise=0.1, rng=0)
    mask = np.random.default_rng(0).random(x.shape) > 0.6
    options = {"max_sweeps": 20, "rng": 0}
    masked = SOLVERS[name](x, mask=mask, **options)
    spoilt = np.where(mask, x, np.nan)
    for weights in (mask.astype(float), 7 * mask, np.where(mask, 1e-30, 0)):
        fit = SOLVERS[name](spoilt, weights=weights, **options)
        np.testing.assert_allclose(fit.errors, masked.errors, rtol=1e-6)


@pytest.mark.parametrize("kind", ["float64", "complex128", "float32"])
def test_kernels_agree_with_their_twin(kind):
    rng = np.random.default_rng(0)
    shape = (6, 5, 7)

    def draw(*n):
        values = rng.standard_normal(n) + 1j * rng.standard_normal(n)
        return (values if kind == "complex128" else values.real).astype(kind)

    x, seen = draw(*shape), rng.random(shape) < 0.8
    w = np.where(seen, rng.random(shape), 0).astype("float32" if kind == "float32" else float)
    factors, weights = [draw(n, 2) for n in shape], abs(draw(2)).astype(kind)
    fast, plain = ListedEntries(x * seen, seen, w), DenseEntries(x * seen, seen, w)
    rounding = 2e-3 if kind == "float32" else 1e-7
    for mode in range(3):
        y = factors[mode] * weights
        a, b = (e.update(mode, factors, y, 0.1) for e in (fast, plain))
        np.testing.assert_allclose(a, b, rtol=rounding, atol=rounding)
    a, b = (e.misfit(weights, factors) for e in (fast, plain))
    assert a == pytest.approx(b, rel=rounding)


def test_one_update_is_a_weighted_least_squares_problem():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((6, 7, 8)), rng.random((6, 7, 8))
    factors = [rng.standard_normal((n, 2)) for n in x.shape]
    found = ListedEntries(x, w > 0, w).update(1, factors, factors[1], 0.0)
    design = np.einsum("ir,kr->ikr", factors[0], factors[2]).reshape(-1, 2)
    for j in range(7):
        root = w[:, j].ravel() ** 0.5
        wanted = np.linalg.lstsq(root[:, None] * design, root * x[:, j].ravel())[0]
        np.testing.assert_allclose(found[j], wanted, rtol=1e-8)


def test_inverse_variances_are_worth_giving():
    rng = np.random.default_rng(0)
    truth = CPTensor.random((20, 18, 16), 3, rng=rng)
    clean = truth.to_dense()
    sigma = np.where(rng.random(clean.shape) < 0.5, 0.01, 1.0) * clean.std()
    x = clean + sigma * rng.standard_normal(clean.shape)
    plain, weighted = (cp(x, 3, rng=0, restarts=3, **kw) for kw in ({}, {"weights": sigma**-2}))
    missed = [np.linalg.norm(fit.tensor.to_dense() - clean) for fit in (plain, weighted)]
    assert missed[1] < missed[0] / 20


def test_held_out_entries_are_weighted_too():
    x, _ = datasets.planted_cp((12, 11, 10), 2, noise=0.05, rng=0)
    w = np.random.default_rng(0).random(x.shape)
    for fit in (cp(x, 2, weights=w, holdout=0.2, rng=0, restarts=3),
                tucker(x, ranks=2, weights=w, holdout=0.2, rng=0)):  # fmt: skip
        assert fit.held_out_error == pytest.approx(0.05, rel=0.3)
    plain = tucker(x, ranks=2, holdout=0.2, rng=0)
    assert plain.held_out_error == pytest.approx(0.05, rel=0.3)
    assert tucker(x, ranks=2).held_out_error is None


@pytest.mark.parametrize("library", [array_api_strict, torch])
@pytest.mark.parametrize("name", SOLVERS)
def test_other_libraries_take_the_same_steps(library, name):
    rng = np.random.default_rng(0)
    x, w = rng.random((5, 6, 7)), rng.random((5, 6, 7))
    options = {"max_sweeps": 8, "rng": 0}
    host = SOLVERS[name](x, weights=w, **options)
    fit = SOLVERS[name](library.asarray(x), weights=library.asarray(w), **options)
    np.testing.assert_allclose(fit.errors, host.errors, rtol=1e-7)


X = np.random.default_rng(0).random((4, 5, 6))


@pytest.mark.parametrize(
    "x, weights, message",
    [
        (X, X - 0.5, ">= 0"),
        (X, X * np.nan, "finite"),
        (X, X * np.inf, "finite"),
        (X, X[1:], "shape"),
        (X, X + 1j, "real"),
        (X, 0 * X, "no entry"),
        (X, np.where(np.arange(5)[None, :, None] == 3, 0, X), "index 3 of mode 1"),
        (np.where(X > 0.9, np.inf, X), X, "infinite"),
        (np.where(X > 0.9, X, 0), np.where(X > 0.9, 0, X), "zero"),
    ],
)
@pytest.mark.parametrize("name", SOLVERS)
def test_bad_weights_are_named(name, x, weights, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SOLVERS[name](x, weights=weights)


def test_solvers_without_a_weighted_form_say_so():
    with pytest.raises(ValueError, match="'als'"):
        cp(X, 2, weights=X, solver="lm")
    with pytest.raises(ValueError, match="weights"):
        tucker(X, tol=0.1, weights=X)
    with pytest.raises(ValueError, match="dense"):
        cp((np.array([[0, 0, 0]]), np.array([1.0]), (3, 3, 3)), 1, weights=X)
