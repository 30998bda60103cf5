import itertools
import warnings

import numpy as np
import pytest

from rankloom.tn import MPS, CrossStep, Outcome, cross
from rankloom.tn.cross_function import Function, IndexGrid
from rankloom.tn.cross_kernels import full_pivots

PIVOTS = ["full", "rook"]


def random_points(shape, count=5000, seed=12345):
    """Points that no search with another seed has seen but by chance."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, n, count) for n in shape], axis=1)


def true_error(result, function, shape):
    points = random_points(shape)
    return np.abs(result.tensor.at(points) - function(points)).max() / result.scale


def hilbert(x):
    return 1 / (1 + x.sum(axis=1))


def ackley(x):
    root = np.sqrt((x**2).mean(axis=1))
    return 20 + np.e - 20 * np.exp(-0.2 * root) - np.exp(np.cos(2 * np.pi * x).mean(axis=1))


def ripples(x):
    return np.exp(-np.sqrt((x**2).sum(axis=1))) * np.cos(x.sum(axis=1))


# What is found ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pivot", PIVOTS)
@pytest.mark.parametrize(
    "function, rank",
    [
        (lambda x: np.exp(-0.1 * x.sum(axis=1)), 1),
        (lambda x: np.sin(0.3 * x.sum(axis=1)), 2),
        (lambda x: 1.0 + x.sum(axis=1), 2),
        (lambda x: x.sum(axis=1) ** 3.0, 4),  # powers 0..3 of the part left of the cut
        (lambda x: np.exp(0.2j * x.sum(axis=1)) + 1j, 2),
        (lambda x: x[:, 2] * x[:, 3] - x[:, 0] * 1.0, 2),
    ],
)
def test_functions_of_small_rank_are_found_to_rounding(function, rank, pivot):
    shape = (7, 5, 6, 8, 4, 5)
    t = cross(function, shape=shape, tol=1e-12, pivot=pivot, rng=0)
    assert t.outcome is Outcome.TARGET_REACHED
    assert max(t.ranks) == rank
    every = np.indices(shape).reshape(len(shape), -1).T
    values = function(every)
    np.testing.assert_allclose(t.tensor.to_dense(), values, atol=1e-12 * np.abs(values).max())
    assert t.tensor.dtype == values.dtype


@pytest.mark.parametrize("pivot", PIVOTS)
def test_the_call_of_the_readme(pivot):
    t = cross(hilbert, shape=(32,) * 10, tol=1e-8, pivot=pivot, rng=0)
    assert t.ok
    assert t.error_estimate <= 1e-8
    assert t.evaluations < 300_000  # of 10^15 entries
    # 5000 points find larger errors than 1000 do, but not ten times larger
    assert true_error(t, hilbert, (32,) * 10) < 1e-7


@pytest.mark.parametrize("pivot", PIVOTS)
@pytest.mark.parametrize("function", [ackley, ripples])
@pytest.mark.parametrize("tol", [1e-4, 1e-8])
def test_errors_hold_on_points_that_the_search_has_not_seen(function, tol, pivot):
    axis = np.linspace(-1, 1, 16)
    t = cross(function, grid=[axis] * 10, tol=tol, pivot=pivot, rng=1)
    assert t.ok
    assert true_error(t, lambda i: function(axis[i]), (16,) * 10) < 10 * tol


def test_a_tighter_tolerance_gives_a_smaller_error():
    axis = np.linspace(-1, 1, 16)
    results = [cross(ripples, grid=[axis] * 6, tol=tol, rng=0) for tol in (1e-3, 1e-6, 1e-9)]
    errors = [true_error(t, lambda i: ripples(axis[i]), (16,) * 6) for t in results]
    assert errors[0] > errors[1] > errors[2]
    assert all(max(a.ranks) < max(b.ranks) for a, b in itertools.pairwise(results))


@pytest.mark.parametrize("pivot", PIVOTS)
@pytest.mark.parametrize("shape", [(1,), (9,), (2000,), (4, 7), (60, 50), (1, 1, 1), (3, 1, 5, 1)])
def test_few_modes_and_modes_of_size_one(shape, pivot):
    def function(x):
        return np.cos(0.1 * (x**2).sum(axis=1)) + x[:, 0]

    t = cross(function, shape=shape, tol=1e-10, pivot=pivot, rng=0)
    every = np.indices(shape).reshape(len(shape), -1).T
    assert t.ok
    assert t.tensor.physical_dimensions == shape
    np.testing.assert_allclose(t.tensor.to_dense(), function(every), atol=1e-8 * t.scale)


def test_of_few_entries_all_are_checked():
    """A spike that random points would miss."""

    def function(x):
        return np.where((x == [3, 1, 4]).all(axis=1), 1e3, hilbert(x))

    t = cross(function, shape=(9, 9, 9), tol=1e-9, rng=0)
    every = np.indices((9, 9, 9)).reshape(3, -1).T
    assert np.abs(t.tensor.to_dense() - function(every)).max() <= t.error_estimate * t.scale * 1.01


def test_uneven_modes_and_coordinates():
    axes = [np.linspace(0, 1, n) for n in (40, 3, 25, 8)]

    def function(x):
        return 1 / (0.5 + x[:, 0] + 2 * x[:, 1] * x[:, 2] + x[:, 3] ** 2)

    t = cross(function, grid=axes, tol=1e-9, rng=0)
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 4)
    np.testing.assert_allclose(t.tensor.to_dense(), function(mesh), atol=1e-8)


def test_integrals_with_quadrature_weights():
    """Gauss-Legendre in eight dimensions against the product of one-dimensional integrals."""
    x, w = np.polynomial.legendre.leggauss(12)

    def function(p):
        return np.exp(1j * p.sum(axis=1))

    t = cross(function, grid=[x] * 8, tol=1e-12, rng=0)
    assert t.tensor.sum([w] * 8) == pytest.approx((2 * np.sin(1.0)) ** 8, rel=1e-10)


def test_precision_of_the_values_is_kept():
    t = cross(lambda x: hilbert(x).astype(np.float32), shape=(10,) * 4, tol=1e-4, rng=0)
    assert t.ok
    assert t.tensor.dtype == np.float32
    assert true_error(t, hilbert, (10,) * 4) < 1e-3


def test_values_may_be_of_another_library(library):
    t = cross(lambda x: library(hilbert(x)), shape=(8,) * 4, tol=1e-8, rng=0)
    assert true_error(t, hilbert, (8,) * 4) < 1e-7


@pytest.mark.parametrize("factor", [1e-200, 1e200, -3.0])
def test_results_scale_with_the_function(factor):
    one, many = (
        cross(lambda x, c=c: c * hilbert(x), shape=(12,) * 5, tol=1e-9, rng=3)
        for c in (1.0, factor)
    )
    assert many.ok
    assert many.ranks == one.ranks
    assert many.error_estimate == pytest.approx(one.error_estimate, rel=0.1)


# What is honest -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pivot", PIVOTS)
def test_max_bond_too_small_warns_and_tells_the_error(pivot):
    axis = np.linspace(-1, 1, 16)
    with pytest.warns(UserWarning, match=r"missed tol=1.0e-10.*`max_bond` = 4"):
        t = cross(ripples, grid=[axis] * 6, tol=1e-10, max_bond=4, pivot=pivot, rng=0)
    assert not t.ok
    assert t.outcome is Outcome.STALLED
    assert max(t.ranks) == 4
    error = true_error(t, lambda i: ripples(axis[i]), (16,) * 6)
    assert 0.1 * error < t.error_estimate < 10 * error


def test_a_function_that_is_zero_wherever_one_looks_is_not_taken_for_zero():
    def needle(x):
        return (x == 17).all(axis=1) * 2.0

    with pytest.warns(UserWarning, match="found the function to be 0 at all .* `start`"):
        t = cross(needle, shape=(50,) * 8, tol=1e-6, rng=0)
    assert np.isnan(t.error_estimate)
    assert not t.ok
    assert t.history[-1].start == 2  # it has begun again, twice
    found = cross(needle, shape=(50,) * 8, tol=1e-6, rng=0, start=[[17] * 8])
    assert found.ok
    np.testing.assert_allclose(found.tensor.at([[17] * 8, [17] * 7 + [16]]), [2.0, 0.0], atol=1e-12)


def test_a_function_that_is_zero_everywhere_is_known_when_all_entries_are():
    t = cross(lambda x: 0 * x[:, 0], shape=(5, 5, 5), rng=0)
    assert t.ok
    assert not t.tensor.to_dense().any()


def test_a_function_that_is_zero_but_on_a_few_lines():
    """1 on a diagonal: rank n, and nothing to see at most points."""

    def diagonal(x):
        return (x == x[:, :1]).all(axis=1) * 1.0

    t = cross(diagonal, shape=(6,) * 4, rng=0, start=[[0] * 4], test_points=1500)
    every = np.indices((6,) * 4).reshape(4, -1).T
    np.testing.assert_allclose(t.tensor.to_dense(), diagonal(every), atol=1e-12)
    assert t.ranks == (6, 6, 6)


def test_noise_has_no_small_rank_and_the_warning_says_so():
    table = np.random.default_rng(0).standard_normal(1000)

    def noise(x):
        return table[(x * [7, 11, 101, 211, 503]).sum(axis=1) ** 2 % 1000]

    with pytest.warns(UserWarning, match="missed tol"):
        t = cross(noise, shape=(20,) * 5, tol=1e-3, max_bond=20, sweeps=8, rng=0)
    assert t.error_estimate > 0.01


def test_sweeps_that_do_not_suffice():
    with pytest.warns(UserWarning, match="`sweeps` or `max_evaluations` came first"):
        t = cross(hilbert, shape=(32,) * 10, tol=1e-10, sweeps=1, rng=0)
    assert t.outcome is Outcome.MAX_SWEEPS
    assert true_error(t, hilbert, (32,) * 10) < 10 * t.error_estimate


@pytest.mark.parametrize("pivot", PIVOTS)
def test_evaluations_stay_within_what_is_allowed(pivot):
    with pytest.warns(UserWarning, match="missed tol"):
        t = cross(hilbert, shape=(32,) * 10, tol=1e-12, max_evaluations=40_000, pivot=pivot, rng=0)
    assert t.evaluations <= 40_000
    assert true_error(t, hilbert, (32,) * 10) < 10 * t.error_estimate
    with pytest.raises(ValueError, match="`max_evaluations` does not suffice"):
        cross(hilbert, shape=(32,) * 10, max_evaluations=3000, pivot=pivot, rng=0)


@pytest.mark.parametrize("pivot", PIVOTS)
def test_evaluations_are_counted_as_they_are(pivot):
    seen = []

    def function(x):
        seen.append(np.array(x))
        return hilbert(x)

    t = cross(function, shape=(16,) * 6, tol=1e-8, pivot=pivot, rng=0)
    points = np.concatenate(seen)
    assert t.evaluations == len(points)
    if pivot == "rook":
        assert t.evaluations == len(np.unique(points, axis=0))


def test_rook_asks_for_fewer_points():
    full, rook = (
        cross(hilbert, shape=(16,) * 10, tol=1e-8, pivot=p, rng=0).evaluations for p in PIVOTS
    )
    assert rook < 0.8 * full


def test_the_same_seed_gives_the_same_bits():
    a, b, other = (cross(hilbert, shape=(9,) * 6, tol=1e-8, rng=s) for s in (5, 5, 6))
    for x, y in zip(a.tensor.tensors, b.tensor.tensors, strict=True):
        assert np.array_equal(x, y)
    assert a.history == b.history
    assert a.history != other.history
    generator = cross(hilbert, shape=(9,) * 6, tol=1e-8, rng=np.random.default_rng(5))
    assert generator.history == a.history


def test_callback_and_progress_hear_of_every_sweep():
    steps, lengths = [], []

    def bar(items):
        lengths.append(len(items))
        return items

    t = cross(hilbert, shape=(8,) * 5, rng=0, sweeps=20, callback=steps.append, progress=bar)
    assert tuple(steps) == t.history
    assert lengths == [20]
    assert all(isinstance(step, CrossStep) for step in steps)
    assert steps[-1].evaluations <= t.evaluations
    assert steps[-1].rank == max(t.ranks)


def test_result_is_a_state_like_any_other():
    t = cross(hilbert, shape=(8,) * 6, tol=1e-10, rng=0)
    assert isinstance(t.tensor, MPS)
    small, _ = t.tensor.compress(cutoff=1e-16)
    assert max(small.bond_dimensions) <= max(t.ranks)
    assert "TARGET_REACHED" in repr(t)


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, error, message",
    [
        (lambda x: x, ValueError, r"shape \(250,\), got shape \(250, 4\)"),
        (lambda x: x.sum(), ValueError, r"got shape \(\)"),
        (lambda x: np.log(x[:, 0] - 3.0), ValueError, r"returned (nan|-inf) at the point \[\d"),
        (
            lambda x: 1 / (x[:, 0] - 3.0),
            ValueError,
            r"returned inf at the point \[3, .*off the sing",
        ),
        (lambda x: np.array(["a"] * len(x)), TypeError, "must return numbers"),
        (3, TypeError, "callable"),
    ],
)
def test_functions_that_cannot_be_used_are_refused_with_the_point(function, error, message):
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        cross(function, shape=(9,) * 4, rng=0)


def test_values_must_not_turn_complex_on_the_way():
    def function(x):
        return np.sqrt(1j * x[:, 0]) if len(x) != 250 else x[:, 0] * 1.0

    with pytest.raises(TypeError, match="complex128 after float64"):
        cross(function, shape=(9,) * 4, rng=0)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({}, ValueError, "exactly one of `shape` and `grid`"),
        ({"shape": (3, 3), "grid": [[0.0, 1.0]]}, ValueError, "exactly one"),
        ({"shape": ()}, ValueError, "at least one mode"),
        ({"shape": (3, 0)}, ValueError, r"`shape\[1\]` must be at least 1"),
        ({"shape": (3, 2.5)}, TypeError, r"`shape\[1\]`"),
        ({"grid": [[0.0], [np.nan]]}, ValueError, r"`grid\[1\]`"),
        ({"grid": [[0.0], [[1.0]]]}, ValueError, r"`grid\[1\]`"),
        ({"shape": (3, 3), "tol": 0.0}, ValueError, "`tol`"),
        ({"shape": (3, 3), "tol": np.nan}, ValueError, "`tol`"),
        ({"shape": (3, 3), "max_bond": 0}, ValueError, "`max_bond`"),
        ({"shape": (3, 3), "pivot": "bishop"}, ValueError, "`pivot`"),
        ({"shape": (3, 3), "sweeps": 0}, ValueError, "`sweeps`"),
        ({"shape": (3, 3), "restarts": -1}, ValueError, "`restarts`"),
        ({"shape": (3, 3), "test_points": 0}, ValueError, "`test_points`"),
        ({"shape": (3, 3), "max_evaluations": 5}, ValueError, "`max_evaluations`"),
        ({"shape": (3, 3), "start": [[0, 3]]}, ValueError, r"`start\[0, 1\]` = 3 is outside 0..2"),
        ({"shape": (3, 3), "start": [0, 1]}, ValueError, r"`start` must have shape \(points, 2\)"),
        ({"shape": (3, 3), "progress": 3}, TypeError, "`progress`"),
    ],
)
def test_wrong_arguments_are_refused_before_any_evaluation(arguments, error, message):
    def never(x):
        raise AssertionError("evaluated")

    with pytest.raises(error, match=message):
        cross(never, **arguments)


# Parts --------------------------------------------------------------------------------------------


def full_pivots_twin(a, threshold, limit):
    """The kernel's work in array operations."""
    rest, rows, columns, lower = a.copy(), [], [], []
    while len(rows) < limit:
        i, j = np.unravel_index(np.abs(rest).argmax(), rest.shape)
        if np.abs(rest[i, j]) <= threshold and rows:
            break
        rows.append(i)
        columns.append(j)
        lower.append(rest[:, j] / rest[i, j])
        rest = rest - np.outer(lower[-1], rest[i])
    return rows, columns, np.array(lower).T


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("m, c, rank", [(1, 1, 1), (6, 9, 3), (20, 7, 7), (3, 30, 3)])
def test_kernel_agrees_with_its_twin(m, c, rank, dtype):
    rng = np.random.default_rng(m)

    def gaussian(*shape):
        z = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        return z.astype(dtype) if np.dtype(dtype).kind == "c" else z.real.astype(dtype)

    a = gaussian(m, rank) @ gaussian(rank, c)
    digits = 1e3 * np.finfo(dtype).eps
    rows, columns, lower = full_pivots(a.copy(), digits * np.abs(a).max(), min(m, c))
    twin_rows, twin_columns, twin_lower = full_pivots_twin(a, digits * np.abs(a).max(), min(m, c))
    assert len(rows) == rank
    assert rows.tolist() == [int(i) for i in twin_rows]
    assert columns.tolist() == [int(j) for j in twin_columns]
    np.testing.assert_allclose(lower, twin_lower, atol=digits * 10)
    # C P^-1 R gives the matrix back
    left = np.linalg.solve(lower[rows].T, lower.T).T
    np.testing.assert_allclose(left @ a[rows], a, atol=10 * digits * np.abs(a).max())


def test_kernel_stops_at_the_threshold_and_at_the_limit():
    a = np.diag([1.0, 1e-3, 1e-6])
    assert len(full_pivots(a.copy(), 1e-4, 3)[0]) == 2
    assert len(full_pivots(a.copy(), 0.0, 1)[0]) == 1
    assert len(full_pivots(a * 1e-8, 1e-4, 3)[0]) == 1  # never none
    rows, columns, lower = full_pivots(np.zeros((3, 2)), 0.0, 2)
    assert (rows.tolist(), columns.tolist()) == ([0], [0])
    np.testing.assert_array_equal(lower, [[1.0], [0.0], [0.0]])


@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize("size", [5, 400])
def test_blocks_are_outer_products_of_heads_and_tails(remember, size):
    function = Function(lambda x: x @ [1.0, 2.0, 4.0], IndexGrid((size,) * 3), remember)
    rng = np.random.default_rng(0)
    heads, tails = rng.integers(0, size, (4, 1)), rng.integers(0, size, (6, 2))
    expected = heads @ [[1.0]] + (tails @ [2.0, 4.0])
    np.testing.assert_array_equal(function.block(heads, tails), expected)


def test_large_blocks_come_in_pieces():
    sizes = []

    def function(x):
        sizes.append(len(x))
        return x[:, 0] * 1.0

    heads = np.arange(2000)[:, None]
    values = Function(function, IndexGrid((2000, 2000))).block(heads, heads)
    assert max(sizes) <= 2**19
    np.testing.assert_array_equal(values, np.broadcast_to(heads, (2000, 2000)))


def test_no_warning_when_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross(hilbert, shape=(6,) * 4, rng=0)
