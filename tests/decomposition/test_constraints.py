"""Fixed, orthogonal, nonnegative and shared factors."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, cp, datasets, match_components
from rankloom.decomposition.constraints import procrustes
from rankloom.decomposition.hals import hals

torch = pytest.importorskip("torch")


def relative(x, tensor):
    return np.linalg.norm(x - tensor.to_dense()) / np.linalg.norm(x)


def complex_normal(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@given(
    seed=st.integers(0, 500),
    kinds=st.lists(
        st.sampled_from(["fixed", "orthogonal", "nonnegative", None]), min_size=3, max_size=3
    ).filter(lambda kinds: kinds != ["fixed"] * 3),
    ridge=st.sampled_from([0.0, 0.1]),
)
def test_constraints_hold_in_any_mixture_and_the_objective_never_rises(seed, kinds, ridge):
    x = np.random.default_rng(seed).standard_normal((5, 6, 7))
    init = CPTensor.random(x.shape, 3, rng=seed, nonnegative=True)
    constraints = {k: kind for k, kind in enumerate(kinds) if kind}
    objective = []

    def listen(_, error, model):
        penalty = ridge * float((model.weights**2).sum())
        objective.append((error * np.linalg.norm(x)) ** 2 + penalty)

    fit = cp(x, 3, init=init, constraints=constraints, ridge=ridge, line_search=False,
             solver="als", compress=False, max_sweeps=25, callback=listen)  # fmt: skip
    assert fit.error == pytest.approx(relative(x, fit.tensor), abs=1e-10)
    # the first sweep may start from factors that are not orthogonal yet
    assert (np.diff(objective) <= 1e-9).all()
    for k, kind in enumerate(kinds):
        f = fit.tensor.factors[k]
        if kind == "fixed":
            given_columns = init.factors[k] / np.linalg.norm(init.factors[k], axis=0)
            np.testing.assert_allclose(f, given_columns, atol=1e-14)
        if kind == "orthogonal":
            np.testing.assert_allclose(f.T @ f, np.eye(3), atol=1e-12)
        if kind == "nonnegative":
            assert (f >= 0).all()


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_no_orthogonal_rows_fit_better_than_those_of_procrustes(kind):
    rng = np.random.default_rng(0)
    m = rng.standard_normal((3, 8)) if kind == "real" else complex_normal(rng, 3, 8)
    y = np.diag([3.0, 2.0, 1.0]) @ np.linalg.qr(rng.standard_normal((8, 3)))[0].T
    for _ in range(50):
        y = procrustes(y, m, np.eye(3))
    np.testing.assert_allclose(y @ y.conj().T, np.diag(np.linalg.norm(y, axis=1) ** 2), atol=1e-12)
    best = np.linalg.norm(m - y)
    for _ in range(200):  # others near by, each with its best lengths
        near = y / np.linalg.norm(y, axis=1)[:, None] + 0.05 * rng.standard_normal(m.shape)
        rows = np.linalg.qr(near.conj().T)[0].conj().T
        lengths = np.sum(rows.conj() * m, axis=1)
        assert np.linalg.norm(m - lengths[:, None] * rows) >= best - 1e-12


def test_a_planted_orthogonal_factor_comes_back():
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((12, 3)))[0]
    a, c = rng.standard_normal((8, 3)), rng.standard_normal((9, 3))
    x = np.einsum("ir,jr,kr->ijk", q, a, c)
    fit = cp(x, 3, constraints={0: "orthogonal"}, restarts=3, rng=0, max_sweeps=500)
    assert fit.error < 1e-10
    truth = CPTensor(np.ones(3), (q, a, c))
    assert match_components(truth, fit.tensor).score > 1 - 1e-8


def test_orthogonal_terms_cannot_cancel_each_other():
    assert cp(datasets.w_state(3), 2, rng=0).degenerate
    fit = cp(datasets.w_state(3), 2, constraints={0: "orthogonal"}, rng=0)
    assert fit.ok
    assert fit.congruence == pytest.approx(0, abs=1e-12)


def test_fixed_factors_leave_a_linear_problem_and_the_order_of_terms():
    rng = np.random.default_rng(0)
    factors = [rng.standard_normal((n, 3)) for n in (7, 8, 9)]
    x = CPTensor([1.0, 5.0, 2.0], factors).to_dense() + 0.1 * rng.standard_normal((7, 8, 9))
    begin = CPTensor(np.ones(3), (factors[0], factors[1], rng.standard_normal((9, 3))))
    fit = cp(x, 3, init=begin, constraints={0: "fixed", 1: "fixed"}, restarts=2)
    design = np.einsum("ir,jr->ijr", factors[0], factors[1]).reshape(56, 3)
    best = np.linalg.lstsq(design, x.reshape(56, 9))[0]
    missed = np.linalg.norm(x.reshape(56, 9) - design @ best) / np.linalg.norm(x)
    assert fit.error == pytest.approx(missed, rel=1e-10)
    found = fit.tensor.factors[2] * fit.tensor.weights
    lengths = np.prod([np.linalg.norm(f, axis=0) for f in factors[:2]], axis=0)
    np.testing.assert_allclose(found, best.T * lengths, rtol=1e-8, atol=1e-10)


def test_all_modes_nonnegative_is_a_nonnegative_fit():
    x, truth = datasets.planted_nonnegative((30, 20, 8), 3, noise=0, rng=0)
    every = dict.fromkeys(range(3), "nonnegative")
    fit = cp(x, 3, constraints=every, rng=0, restarts=3, max_sweeps=1000)
    assert match_components(truth, fit.tensor).score > 0.999


def test_hals_with_a_ridge_ends_where_the_conditions_of_optimality_hold():
    rng = np.random.default_rng(0)
    f = rng.random((20, 4))  # columns of any length
    g, m, y = f.T @ f, f.T @ rng.standard_normal((20, 9)), rng.random((4, 9))
    for _ in range(300):
        y = hals(y, m, g, ridge=0.5)
    slope = g @ y - m + 0.5 * y
    assert (slope > -1e-10).all()
    assert np.abs(slope * y).max() < 1e-10


# One factor for several modes ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_slices_with_one_factor(kind):
    """The model of individual differences in scaling: ``x_k = A diag(c_k) A^T``."""
    rng = np.random.default_rng(0)
    draw = rng.standard_normal if kind == "real" else lambda s: complex_normal(rng, *s)
    a, c = draw((12, 3)), rng.standard_normal((6, 3))
    x = np.einsum("ir,jr,kr->ijk", a, a, c)
    x = x + 0.01 * np.linalg.norm(x) / x.size**0.5 * rng.standard_normal(x.shape)
    fit = cp(x, 3, constraints={(0, 1): "symmetric"}, rng=0, restarts=5)
    np.testing.assert_array_equal(fit.tensor.factors[0], fit.tensor.factors[1])
    assert fit.error == pytest.approx(relative(x, fit.tensor), rel=1e-8)
    assert (np.diff(fit.errors) <= 1e-12).all()
    assert match_components(CPTensor(np.ones(3), (a, a, c)), fit.tensor).score > 0.99
    half = np.linalg.norm(x - x.transpose(1, 0, 2)) / 2 / np.linalg.norm(x)
    assert fit.error >= half  # no symmetric tensor can be closer


@pytest.mark.parametrize("n_modes, signs", [(3, [1, 1, 1]), (4, [1, -1, 1]), (2, [1, -1, 1])])
def test_whole_tensors_of_powers(n_modes, signs):
    a = np.random.default_rng(0).standard_normal((8, 3))
    truth = CPTensor(np.array(signs) * [3.0, 2.0, 1.0], (a,) * n_modes)
    x = truth.to_dense()
    modes = {tuple(range(n_modes)): "symmetric"}
    fit = cp(x, 3, constraints=modes, rng=0, restarts=5, max_sweeps=100)
    assert fit.error < 1e-6
    assert np.sum(fit.tensor.weights < 0) == signs.count(-1)
    assert (np.diff(np.abs(fit.tensor.weights)) <= 0).all()
    for f in fit.tensor.factors[1:]:
        np.testing.assert_array_equal(f, fit.tensor.factors[0])


def test_complex_powers_have_positive_weights():
    a = complex_normal(np.random.default_rng(0), 6, 2)
    x = np.einsum("ir,jr,kr->ijk", a, a, a)
    fit = cp(x, 2, constraints={(0, 1, 2): "symmetric"}, rng=0, restarts=5, max_sweeps=1000)
    assert relative(x, fit.tensor) < 1e-10
    assert (fit.tensor.weights.imag == 0).all()
    assert (fit.tensor.weights.real > 0).all()


def test_a_shared_factor_beside_a_fixed_one():
    rng = np.random.default_rng(0)
    a, c = rng.standard_normal((7, 3)), rng.standard_normal((6, 3))
    x = np.einsum("ir,jr,kr->ijk", a, a, c)
    begin = rng.standard_normal((7, 3))
    init = CPTensor(np.ones(3), (begin, begin, c))
    modes = {(0, 1): "symmetric", 2: "fixed"}
    fit = cp(x, 3, init=init, constraints=modes, max_sweeps=1000, restarts=5, rng=0)
    assert fit.error < 1e-10


# Other data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [0.2, 0.6])
def test_constraints_hold_behind_a_mask(missing):
    rng = np.random.default_rng(0)
    x, _ = datasets.planted_nonnegative((9, 8, 7), 2, noise=0.1, rng=0)
    mask = rng.random(x.shape) >= missing
    init = CPTensor.random(x.shape, 2, rng=0, nonnegative=True)
    modes = {0: "fixed", 1: "nonnegative", 2: "orthogonal"}
    fit = cp(x, 2, init=init, constraints=modes, mask=mask, max_sweeps=30)
    missed = (x - fit.tensor.to_dense())[mask]
    assert fit.error == pytest.approx(np.linalg.norm(missed) / np.linalg.norm(x[mask]), rel=1e-10)
    assert (np.diff(fit.errors) <= 1e-12).all()
    assert (fit.tensor.factors[1] >= 0).all()
    np.testing.assert_allclose(
        fit.tensor.factors[2].T @ fit.tensor.factors[2], np.eye(2), atol=1e-12
    )


def test_sparse_tensors_take_constraints():
    sparse, _ = datasets.planted_sparse((20, 15, 12), 2, 300, rng=0)
    dense = np.zeros(sparse[2])
    dense[tuple(sparse[0].T)] = sparse[1]
    init = CPTensor.random(dense.shape, 2, rng=0, nonnegative=True)
    modes = {0: "orthogonal", 1: "nonnegative"}
    a, b = (cp(t, 2, init=init, constraints=modes, max_sweeps=20) for t in (sparse, dense))
    np.testing.assert_allclose(a.errors, b.errors, rtol=1e-9)


@pytest.mark.parametrize("library", [array_api_strict, torch])
@pytest.mark.parametrize(
    "modes",
    [{0: "orthogonal", 1: "nonnegative"}, {(0, 1): "symmetric"}, {(0, 1, 2): "symmetric"},
     {2: "fixed"}],
)  # fmt: skip
def test_other_libraries_take_the_same_steps(library, modes):
    x = np.random.default_rng(0).standard_normal((5, 5, 5))
    begin = CPTensor.random(x.shape, 2, rng=1, nonnegative=True)
    init = CPTensor(np.ones(2), (begin.factors[0],) * 3)
    host = cp(x, 2, init=init, constraints=modes, max_sweeps=10, tol=0)
    given_init = init.to_device(library)
    fit = cp(library.asarray(x), 2, init=given_init, constraints=modes, max_sweeps=10, tol=0)
    np.testing.assert_allclose(fit.errors, host.errors, rtol=1e-9)
    assert type(fit.tensor.weights) is type(library.asarray(x))


X = np.random.default_rng(0).random((4, 4, 6))
INIT = CPTensor.random((4, 4, 6), 2, rng=0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"constraints": {0: "positive"}}, "one of"),
        ({"constraints": "fixed"}, "map modes to names"),
        ({"constraints": {3: "orthogonal"}}, "no mode"),
        ({"constraints": {0.5: "orthogonal"}}, "integer"),
        ({"constraints": {0: "orthogonal", -3: "nonnegative"}}, "mode 0 more than once"),
        ({"constraints": {0: "fixed"}}, "give a CPTensor"),
        ({"constraints": dict.fromkeys(range(3), "fixed"), "init": INIT}, "leave one free"),
        ({"constraints": {0: "orthogonal"}, "rank": 5}, "no 5 orthogonal columns"),
        ({"constraints": {0: "symmetric"}}, "two modes or more"),
        ({"constraints": {(0, 2): "symmetric"}}, "their sizes are 4 and 6"),
        ({"constraints": {(0, 1): "symmetric"}, "init": INIT}, "same factor in the modes 0 and 1"),
        ({"constraints": {0: "nonnegative"}, "init": INIT}, "must be nonnegative"),
        ({"constraints": {0: "nonnegative"}, "x": X + 1j}, "must be real"),
        ({"constraints": {0: "orthogonal"}, "solver": "lm"}, "'als'"),
        ({"constraints": {0: "orthogonal"}, "compress": True}, "without compression"),
        ({"constraints": {(0, 1): "symmetric"}, "ridge": 0.1}, "no `ridge`"),
        ({"constraints": {(0, 1): "symmetric"}, "mask": X > 0.1}, "neither missing entries"),
    ],
)
def test_bad_constraints_are_named(options, message):
    arguments = {"x": X, "rank": 2} | options
    with pytest.raises((TypeError, ValueError), match=message):
        cp(arguments.pop("x"), **arguments)
