"""Inputs of all kinds, the same for every solver: taken as what they are, or refused by name."""

import numpy as np
import pytest

from rankloom.decomposition import cp, datasets, nonnegative_cp, nonnegative_tucker, tucker

SOLVERS = {
    "cp": lambda x, **kw: cp(x, **{"rank": 2, "rng": 0} | kw),
    "orthogonal cp": lambda x, **kw: cp(
        x, **{"rank": 2, "rng": 0, "constraints": {2: "orthogonal"}} | kw
    ),
    "nonnegative_cp": lambda x, **kw: nonnegative_cp(x, **{"rank": 2, "rng": 0} | kw),
    "tucker": lambda x, **kw: tucker(x, **{"ranks": 2, "rng": 0} | kw),
    "nonnegative_tucker": lambda x, **kw: nonnegative_tucker(x, **{"ranks": 2, "rng": 0} | kw),
}
X = np.random.default_rng(0).random((4, 5, 6))
HOLE = np.arange(120).reshape(4, 5, 6) == 7
SLICE = np.broadcast_to(np.arange(5)[None, :, None] == 3, X.shape)


@pytest.fixture(params=SOLVERS)
def solve(request):
    return SOLVERS[request.param]


def true_error(x, fit, seen=True):
    where = np.broadcast_to(seen, x.shape)
    return np.linalg.norm((x - fit.tensor.to_dense())[where]) / np.linalg.norm(x[where])


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(0).integers(0, 9, (4, 5, 6)).astype(np.int8),
        X > 0.5,
        np.asfortranarray(X),
        X.transpose(2, 0, 1),
        np.random.default_rng(0).random((8, 10, 6))[::2, ::-1, 1:5],
        np.broadcast_to(X[:, :1], X.shape),
        X[:1],
        X[:, :1],
        X[:1, :1],
        X.tolist(),
        X * 1e-200,
        X * 1e200,
    ],
    ids=["integer", "boolean", "Fortran", "transposed", "strided", "broadcast", "1xnxm", "nx1xm",
         "1x1xn", "list", "tiny", "huge"],
)  # fmt: skip
def test_unusual_arrays_are_what_they_are(solve, x):
    plain = np.array(x, float)
    small = 1 if plain.shape[:2] == (1, 1) else 2  # no tensor of shape (1, 1, n) has rank 2
    kw = {} if small == 2 else {"rank": 1} if "rank" in _names(solve) else {"ranks": 1}
    before = np.array(x)
    fit = solve(x, **kw)
    assert fit.tensor.shape == plain.shape
    assert fit.tensor.dtype == np.float64
    scale = np.abs(plain).max()
    error = np.linalg.norm(plain / scale - fit.tensor.to_dense() / scale)
    assert fit.error == pytest.approx(error / np.linalg.norm(plain / scale), rel=1e-8, abs=1e-12)
    np.testing.assert_array_equal(np.array(x), before)
    same = solve(np.ascontiguousarray(plain), **kw)
    assert fit.error == pytest.approx(same.error, rel=1e-4, abs=1e-9)


def _names(solve):
    return (
        "rank" if solve in (SOLVERS[k] for k in ("cp", "orthogonal cp", "nonnegative_cp")) else ""
    )


@pytest.mark.parametrize("hole", [False, True])
def test_constant_tensors_are_of_rank_one(solve, hole):
    x = np.full((4, 5, 6), 3.0)
    kw = {"mask": ~HOLE} if hole else {}
    fit = solve(x, **kw, **({"rank": 1} if _names(solve) else {"ranks": 1}))
    assert fit.error < 1e-6
    assert fit.ok
    assert solve(x).error < 1e-6  # more than enough is no harm


def test_a_size_one_mode_with_a_missing_entry(solve):
    x = np.where(
        np.arange(30).reshape(5, 1, 6) == 7, np.nan, np.outer(X[0, :, 0], X[0, 0])[:, None]
    )
    fit = solve(x, **({"rank": 1} if _names(solve) else {"ranks": 1}))
    assert fit.error < 1e-5
    assert fit.error == pytest.approx(true_error(np.nan_to_num(x), fit, ~np.isnan(x)), abs=1e-9)


def test_integers_behind_a_mask(solve):
    x = np.arange(1, 121).reshape(4, 5, 6)
    fit = solve(x, mask=~HOLE)
    assert fit.error == pytest.approx(true_error(x.astype(float), fit, ~HOLE), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(
    "x, options, message",
    [
        (0 * X, {}, "zero everywhere"),
        (np.where(HOLE, np.nan, 0 * X), {}, "zero everywhere"),
        (np.where(HOLE, np.inf, X), {}, "infinite"),
        (np.where(HOLE, np.inf, X), {"mask": X > -1}, "infinite"),
        (np.where(HOLE, np.inf, np.where(X > 0.8, np.nan, X)), {}, "infinite"),
        (
            np.where(HOLE, np.nan, X),
            {"mask": X > -1},
            "NaN at 1 entries that `mask` calls observed",
        ),
        (np.where(SLICE, np.nan, X), {}, "index 3 of mode 1"),
        (X, {"mask": ~SLICE}, "index 3 of mode 1"),
        (X, {"mask": X > 2}, "no entry of `x` is observed"),
        (X, {"mask": X}, "`mask` must be boolean"),
        (X, {"mask": X[1:] > 0}, "`mask` must have the shape"),
        (X, {"holdout": 1.0}, "holdout"),
        (X[0, 0], {}, "2 modes"),
        (X[:0], {}, "empty mode"),
        (np.array([["a", "b"]]), {}, "numbers"),
        (np.array([[1, None], [2, 3]]), {}, "numbers"),
        (X.astype(np.float16), {}, "float16"),
        (X, {"max_sweeps": 0}, "max_sweeps"),
        (X, {"restarts": 0}, "restarts"),
    ],
)
def test_what_cannot_be_fitted_is_named(solve, x, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        solve(x, **options)


@pytest.mark.parametrize("rank", [0, -1, 2.0, True, "2", None])
def test_ranks_that_are_none(solve, rank):
    name = "rank" if _names(solve) else "ranks"
    with pytest.raises((ValueError, TypeError), match=name if rank is not None else "rank"):
        solve(X, **{name: rank})


def test_ranks_above_every_bound(solve):
    with pytest.raises(ValueError, match="above"):
        solve(X, **({"rank": 21} if _names(solve) else {"ranks": 7}))


def test_tolerances_out_of_reach_end_where_nothing_moves():
    for fit in (
        cp(X, 2, tol=0, rng=0, max_sweeps=3000),
        nonnegative_cp(X, 2, tol=0, rng=0, max_sweeps=3000),
    ):
        assert fit.ok  # the error stands still to the last digit
        assert fit.sweeps < 3000
    short = cp(X, 2, tol=0, rng=0, max_sweeps=3, solver="als")
    assert short.outcome.name == "MAX_SWEEPS"
    assert "raise it" in short.outcome.value


def test_sparse_tensors_are_for_cp():
    sparse, _ = datasets.planted_sparse((6, 5, 4), 2, 30, rng=0)
    for solver in (
        lambda x: nonnegative_cp(x, 2),
        lambda x: tucker(x, ranks=2),
        lambda x: nonnegative_tucker(x, 2),
    ):
        with pytest.raises(TypeError, match="only `cp` takes"):
            solver(sparse)
