"""CP by alternating least squares: exact errors, exact ranks, sweeps as in the textbook."""

import tracemalloc

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, cp, datasets
from rankloom.decomposition.cp_als import CPSweeps, least_squares
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.harmonics import clebsch_gordan_block
from rankloom.decomposition.levenberg import LevenbergSweeps
from rankloom.decomposition.tree import mttkrp, walk
from rankloom.tn.outcome import Outcome

torch = pytest.importorskip("torch")


def relative(x, fit):
    return np.linalg.norm(x - fit.tensor.to_dense()) / np.linalg.norm(x)


def complex_normal(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def plain_sweep(x, factors):
    """ALS as in a textbook: each mode by a Khatri-Rao least-squares problem."""
    letters = "abcdefg"[: x.ndim]
    for k in range(x.ndim):
        others = [j for j in range(x.ndim) if j != k]
        matrix = np.einsum(
            ",".join(letters[j] + "r" for j in others)
            + "->"
            + "".join(letters[j] for j in others)
            + "r",
            *(factors[j] for j in others),
        ).reshape(-1, factors[0].shape[1])
        unfolded = np.moveaxis(x, k, 0).reshape(x.shape[k], -1)
        y = np.linalg.lstsq(matrix, unfolded.T)[0].T
        factors[k] = y / np.linalg.norm(y, axis=0)
    return CPTensor(np.linalg.norm(y, axis=0), tuple(factors))


@pytest.mark.parametrize("shape", [(4, 5), (4, 3, 5), (3, 4, 2, 5), (2, 3, 2, 4, 3)])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_the_tree_visits_every_mode_with_its_mttkrp(shape, kind):
    rng = np.random.default_rng(0)
    draw = rng.standard_normal if kind == "real" else lambda s: complex_normal(rng, *s)
    x, rows = draw(shape), [draw((6, n)) for n in shape]
    leaves = walk(x, lambda k: rows[k])
    for step in range(3 * len(shape)):
        k, found = next(leaves)
        assert k == step % len(shape)
        wanted = x
        letters = "abcde"[: x.ndim]
        operands = [np.conj(rows[j]) for j in range(x.ndim) if j != k]
        spec = ",".join("r" + letters[j] for j in range(x.ndim) if j != k)
        wanted = np.einsum(f"{letters},{spec}->r{letters[k]}", x, *operands)
        np.testing.assert_allclose(found, wanted, atol=1e-12)
        np.testing.assert_allclose(mttkrp(x, rows, k), wanted, atol=1e-12)
        rows[k] = draw(rows[k].shape)


@pytest.mark.parametrize("shape", [(6, 5, 7), (4, 5, 3, 4)])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_sweeps_are_those_of_the_textbook(shape, kind):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape) if kind == "real" else complex_normal(rng, *shape)
    factors = [rng.standard_normal((n, 3)) for n in shape]
    if kind == "complex":
        factors = [complex_normal(rng, n, 3) for n in shape]
    solver = CPSweeps(check_dense(x), CPTensor(np.ones(3), tuple(factors)), least_squares())
    for _ in range(8):
        error = solver.sweep()
        plain = plain_sweep(x, factors)
        distance = np.linalg.norm(solver.model().to_dense() - plain.to_dense())
        assert distance < 1e-10 * np.linalg.norm(x)
        true = np.linalg.norm(x - plain.to_dense()) / np.linalg.norm(x)
        assert error == pytest.approx(true, rel=1e-10)  # the proximal term is 2e-12


def test_iterates_and_errors_are_those_of_tensorly():
    tensorly = pytest.importorskip("tensorly.decomposition")
    x, _ = datasets.planted_cp((12, 10, 9), 4, noise=0.1, rng=0)
    init = CPTensor.random(x.shape, 4, rng=1)
    fit = cp(x, 4, init=init, max_sweeps=12, tol=0, line_search=False, solver="als")
    other, errors = tensorly.parafac(
        x,
        4,
        init=(None, [f.copy() for f in init.factors]),
        n_iter_max=12,
        tol=0,
        return_errors=True,
    )
    np.testing.assert_allclose(fit.errors[-1], errors[-1], rtol=1e-10)
    np.testing.assert_allclose(
        fit.tensor.to_dense(), CPTensor.from_tensorly(other).to_dense(), atol=1e-9
    )


@given(
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    rank=st.integers(1, 4),
    seed=st.integers(0, 1000),
    line_search=st.booleans(),
    ridge=st.sampled_from([0.0, 1e-3]),
)
def test_no_sweep_raises_the_error(shape, rank, seed, line_search, ridge):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    bound = int(np.prod(shape)) // max(shape)
    fit = cp(x, min(rank, bound), max_sweeps=25, line_search=line_search, ridge=ridge, rng=seed)
    if ridge == 0:  # below 1e-9 the rounding of the normal equations shows
        assert (np.diff(np.maximum(fit.errors, 1e-9)) <= 1e-12).all()
    assert fit.error == pytest.approx(relative(x, fit), abs=1e-10)
    assert fit.error <= 1 + 1e-12
    for f in fit.tensor.factors:
        np.testing.assert_allclose(np.linalg.norm(f, axis=0), 1, rtol=1e-12)
    assert (np.diff(fit.tensor.weights) <= 0).all()


@given(seed=st.integers(0, 1000), scale=st.sampled_from([1e-200, 1e-3, 1e5, 1e200]))
def test_scale_and_order_of_modes_go_through(seed, scale):
    x, _ = datasets.planted_cp((5, 4, 6), 2, noise=0.2, rng=seed)
    init = CPTensor.random(x.shape, 2, rng=seed)
    options = {"max_sweeps": 300, "tol": 1e-13}
    fit = cp(x, 2, init=init, **options)
    larger = cp(scale * x, 2, init=init * scale, **options)
    np.testing.assert_allclose(larger.errors[:5], fit.errors[:5], rtol=1e-9)
    turned = cp(np.asfortranarray(x.transpose(2, 1, 0)).transpose(2, 1, 0), 2, init=init, **options)
    np.testing.assert_allclose(turned.tensor.to_dense(), fit.tensor.to_dense(), atol=1e-10)


@given(seed=st.integers(0, 1000), order=st.permutations(range(3)))
def test_order_and_signs_of_columns_of_the_start_do_not_matter(seed, order):
    rng = np.random.default_rng(seed)
    x, _ = datasets.planted_cp((5, 4, 6), 3, noise=0.2, rng=seed)
    init = CPTensor.random(x.shape, 3, rng=seed)
    signs = rng.choice([-1.0, 1.0], (2, 3))
    turned = [f * s for f, s in zip(init.factors, [*signs, signs[0] * signs[1]], strict=True)]
    other = CPTensor(init.weights[order], tuple(f[:, order] for f in turned))
    options = {"max_sweeps": 12, "tol": 0, "solver": "als", "line_search": False}
    a, b = (cp(x, 3, init=start, **options) for start in (init, other))
    same = min(a.sweeps, b.sweeps)  # the last digit decides when the error stands still
    np.testing.assert_allclose(a.errors[:same], b.errors[:same], rtol=1e-8)
    assert a.error == pytest.approx(b.error, rel=1e-8)


@pytest.mark.parametrize("paths, rank", [("block", 5), ("even", 6), ("all", 8)])
def test_clebsch_gordan_tensors_have_their_known_ranks(paths, rank):
    x = clebsch_gordan_block(1, 1, 1) if paths == "block" else datasets.clebsch_gordan(1, paths)
    fit = cp(x, rank, restarts=10, rng=0, max_sweeps=400)
    assert fit.error < 1e-12
    assert fit.outcome is Outcome.CONVERGED
    assert relative(x, fit) < 1e-12


@pytest.mark.parametrize("rank, error", [(3, 3**-0.5), (4, 6**-0.5)])
def test_best_errors_below_the_rank_of_levi_civita(rank, error):
    fit = cp(clebsch_gordan_block(1, 1, 1), rank, restarts=10, rng=0)
    assert fit.error == pytest.approx(error, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "degree, paths, rank, error",
    [
        (1, "all", 5, 0.427),
        (1, "all", 6, 0.297),
        (1, "all", 7, 0.019),
        (1, "even", 4, 0.41),
        (1, "even", 5, 0.014),
        (2, "all", 14, 0.443),
        (2, "all", 30, 0.015),
    ],
)
def test_best_errors_of_clebsch_gordan_tensors(degree, paths, rank, error):
    x = datasets.clebsch_gordan(degree, paths)
    assert cp(x, rank, restarts=6, max_sweeps=400, rng=0).error <= error


@pytest.mark.slow
def test_best_error_of_the_clebsch_gordan_tensor_of_degree_two():
    fit = cp(datasets.clebsch_gordan(2), 28, restarts=6, max_sweeps=400, rng=0)
    assert fit.error <= 0.04


def test_matrix_multiplication_takes_seven_products():
    x = datasets.matrix_multiplication(2, 2, 2)
    fit = cp(x, 7, restarts=10, max_sweeps=400, rng=0)
    assert (fit.error**2) * 8 < 1e-10
    six = cp(x, 6, restarts=3, max_sweeps=400, rng=0)
    assert six.error == pytest.approx(8**-0.5, abs=1e-4)
    five = cp(x, 5, restarts=3, max_sweeps=400, rng=0)
    assert five.error == pytest.approx(0.5, abs=5e-3)  # residual^2 falls to 2, not attained


@pytest.mark.parametrize("start", ["random", "hosvd"])
def test_a_planted_tensor_comes_back(start):
    x, truth = datasets.planted_cp((12, 11, 10), 3, rng=0)
    fit = cp(x, 3, init=start, rng=1, max_sweeps=500)
    assert fit.error < 1e-12
    assert not fit.degenerate
    np.testing.assert_allclose(fit.tensor.weights, truth.weights, rtol=1e-9)
    assert fit.core_consistency == pytest.approx(100, abs=1e-6)


def test_too_many_components_show_in_the_core_consistency():
    x, _ = datasets.planted_cp((12, 11, 10), 3, noise=0.1, rng=0)
    right, more = (cp(x, r, restarts=3, rng=0).core_consistency for r in (3, 5))
    assert right > 95
    assert more < 50


@pytest.mark.parametrize("library", [array_api_strict, torch])
@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32"])
def test_other_libraries_take_the_same_steps(library, dtype):
    rng = np.random.default_rng(0)
    x = complex_normal(rng, 6, 5, 4)
    x = (x if dtype == "complex128" else x.real).astype(dtype)
    options = {"max_sweeps": 10, "tol": 0, "compress": True, "rng": 0}
    host = cp(x, 3, **options)
    fit = cp(library.asarray(x), 3, **options)
    assert type(fit.tensor.weights) is type(library.asarray(x))
    assert fit.tensor.dtype == library.asarray(x).dtype
    rounding = 1e-4 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(fit.errors, host.errors, rtol=rounding)


def test_single_precision_errors_are_true():
    x, _ = datasets.planted_cp((20, 20, 20), 4, noise=0.05, rng=0)
    double, single = cp(x, 4, rng=0), cp(x.astype(np.float32), 4, rng=0)
    assert single.tensor.dtype == np.float32
    assert abs(double.error - single.error) < 1e-4 * double.error
    assert single.error == pytest.approx(relative(x, single), rel=1e-4)


def test_compression_keeps_the_errors_exact_and_finds_the_same_fit():
    x, _ = datasets.planted_cp((40, 42, 44), 5, noise=0.1, rng=0)
    fit = cp(x, 5, restarts=4, rng=0)
    assert fit.settings["compress"] == "auto"
    assert fit.error == pytest.approx(relative(x, fit), rel=1e-12)
    assert (np.diff(fit.errors) <= 1e-12).all()
    whole = cp(x, 5, restarts=4, rng=0, compress=False)
    assert fit.error == pytest.approx(whole.error, rel=1e-6)
    assert len(fit.starts) == 4


def test_a_given_start_is_used_as_it_is_and_left_alone():
    x, truth = datasets.planted_cp((8, 9, 7), 3, noise=0.01, rng=0)
    before = [f.copy() for f in truth.factors]
    fit = cp(x, 3, init=truth)
    assert fit.errors[0] < 0.011
    for f, g in zip(truth.factors, before, strict=True):
        np.testing.assert_array_equal(f, g)
    inside = cp(x, 3, init=truth, compress=True)
    assert inside.errors[0] < 0.011


def test_the_same_seed_gives_the_same_bits():
    x, _ = datasets.planted_cp((8, 9, 7), 3, noise=0.1, rng=0)
    a, b = (cp(x, 3, rng=5, restarts=2).tensor.factors[0] for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_tensors_without_a_best_fit_are_reported():
    for x, rank in ((datasets.w_state(3), 2), (datasets.clebsch_gordan(1), 7)):
        fit = cp(x, rank, rng=0)
        assert fit.degenerate
        assert fit.outcome is Outcome.DEGENERATE
        assert (fit.tensor.weights**2).sum() > 20 * np.linalg.norm(x) ** 2
    assert cp(datasets.w_state(3), 2, rng=0).congruence < -0.95
    held = cp(datasets.w_state(3), 2, rng=0, max_sweeps=1000, ridge=1e-2)
    assert not held.degenerate
    assert held.tensor.weights.max() < 2
    three = cp(datasets.w_state(3), 3, rng=0, max_sweeps=1000)
    assert three.error < 1e-10


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_damped_steps_converge_quadratically_where_a_fit_is_exact(kind):
    rng = np.random.default_rng(0)
    drawn = [rng.standard_normal((n, 5)) for n in (6, 5, 4)]
    if kind == "complex":
        drawn = [f + 1j * rng.standard_normal(f.shape) for f in drawn]
    x = CPTensor(np.ones(5), tuple(drawn)).to_dense()
    fit = cp(x, 5, solver="lm", rng=0, restarts=5)
    assert fit.error < 1e-13
    assert (np.diff(fit.errors) < 0).all()
    assert fit.error == pytest.approx(relative(x, fit), abs=1e-14)
    falls = fit.errors[-3:]
    assert falls[1] < 1e3 * falls[0] ** 1.5 or falls[1] < 1e-12


def test_the_equations_of_damped_steps_are_those_of_the_jacobian():
    rng = np.random.default_rng(0)
    x = complex_normal(rng, 3, 2, 4)
    start = CPTensor(np.ones(2), tuple(complex_normal(rng, n, 2) for n in x.shape))
    solver = LevenbergSweeps(check_dense(x), start)
    gradient, matrix = solver._equations()
    rows = [r.copy() for r in solver._rows]

    def dense(rows):
        return np.einsum("ri,rj,rk->ijk", *rows).ravel()

    columns = []
    for k, r in enumerate(rows):
        for at in np.ndindex(r.shape):
            unit = [q.copy() for q in rows]
            unit[k] = np.zeros_like(r)
            unit[k][at] = 1  # the model is linear in each factor
            columns.append(dense(unit))
    jacobian = np.stack(columns, axis=1)
    np.testing.assert_allclose(matrix, jacobian.conj().T @ jacobian, atol=1e-12)
    expected = jacobian.conj().T @ (dense(rows) - x.ravel())
    np.testing.assert_allclose(gradient, expected, atol=1e-12)


def test_damped_steps_refuse_what_they_cannot_take():
    x = np.random.default_rng(0).standard_normal((40, 40, 40))
    with pytest.raises(ValueError, match="1500"):
        cp(x, 20, solver="lm")
    with pytest.raises(ValueError, match="missing"):
        cp(np.where(x > -2, x, np.nan), 2, solver="lm")
    with pytest.raises(ValueError, match="solver"):
        cp(x, 2, solver="newton")


def test_a_ridge_lowers_its_own_objective():
    x, _ = datasets.planted_cp((8, 9, 7), 3, noise=0.1, rng=0)
    values = []

    def listen(_, error, model):
        values.append(error**2 + 0.1 * float((model.weights**2).sum()) / np.linalg.norm(x) ** 2)

    cp(x, 3, ridge=0.1, line_search=False, rng=0, callback=listen)
    assert (np.diff(values) <= 1e-12).all()


def test_one_intermediate_is_held_at_a_time():
    x = np.random.default_rng(0).standard_normal((120, 120, 120))
    rank, slack = 60, 0.4  # the residual, block by block, and copies of factors
    tracemalloc.start()
    cp(x, rank, rng=0, max_sweeps=3, tol=0, compress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= (rank / 120 + slack) * x.nbytes  # a second one would add another half


def test_callback_ends_the_run_and_sees_tensors_of_full_size():
    x, _ = datasets.planted_cp((8, 9, 7), 3, noise=0.1, rng=0)
    seen = []

    def listen(k, error, model):
        seen.append((k, error, model.shape))
        return k == 3

    fit = cp(x, 3, compress=True, rng=0, callback=listen)
    assert all(shape == x.shape for _, _, shape in seen)
    assert fit.outcome is Outcome.TARGET_REACHED


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rank": 0}, "rank"),
        ({"rank": 21}, "above 20"),
        ({"rank": 2.5}, "rank"),
        ({"restarts": 0}, "restarts"),
        ({"tol": -1}, "tol"),
        ({"ridge": np.inf}, "ridge"),
        ({"compress": "yes"}, "compress"),
        ({"init": "svd"}, "init"),
        ({"init": CPTensor.random((4, 5, 7), 2, rng=0)}, "init"),
        ({"init": CPTensor.random((4, 5, 6), 3, rng=0)}, "init"),
        ({"max_sweeps": 0}, "max_sweeps"),
        ({"x": np.full((4, 5, 6), np.inf)}, "infinite"),
        ({"x": np.zeros((4, 5, 6))}, "zero"),
        ({"x": np.ones(4)}, "2 modes"),
        ({"x": np.array([["a", "b"]])}, "numbers"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"x": np.random.default_rng(0).standard_normal((4, 5, 6)), "rank": 2} | change
    with pytest.raises((ValueError, TypeError), match=message):
        cp(arguments.pop("x"), **arguments)


def test_unusual_input_is_taken():
    rng = np.random.default_rng(0)
    assert cp(np.ones((3, 4, 5)), 1, rng=0).error < 1e-12
    assert cp(np.ones((3, 4, 5)), 2, rng=0).error < 1e-12
    assert cp(rng.integers(0, 9, (3, 1, 5)), 2, rng=0).tensor.dtype == np.float64
    wide = rng.standard_normal((8, 10, 6))
    view = wide[::2, ::-1, 1:5]
    np.testing.assert_array_equal(cp(view, 2, rng=0).errors, cp(view.copy(), 2, rng=0).errors)
