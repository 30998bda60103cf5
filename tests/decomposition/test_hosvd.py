"""Direct ways to Tucker tensors: known singular values and ranks, bounds, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import TuckerTensor, datasets, tucker
from rankloom.decomposition.hosvd import Cut, digits_left, exact_basis, gram, qr_basis
from rankloom.decomposition.modes import pieces, unfold
from rankloom.tn import Outcome

DIRECT = ("st-hosvd", "hosvd", "randomized")


def true_error(fit, x):
    return np.linalg.norm(fit.tensor.to_dense() - x) / np.linalg.norm(x)


def assert_orthonormal(fit):
    for f in fit.tensor.factors:
        np.testing.assert_allclose(f.conj().T @ f, np.eye(f.shape[1]), atol=1e-12)


# Known singular values and ranks ------------------------------------------------------------------


@pytest.mark.parametrize(
    "n, norm, values",
    [
        (10, 3.135434607262, [3.0734312798, 0.61478881508, 8.3326940152e-2, 7.8334733859e-3,
                              5.6069210330e-4, 3.0635810698e-5]),
        (50, 6.719862729255, [6.5306715601, 1.5252835039, 0.41476636825, 8.9835139323e-2]),
    ],
)  # fmt: skip
def test_singular_values_of_hilbert_tensors(n, norm, values):
    fit = tucker(datasets.hilbert((n, n, n)), tol=0)
    assert fit.tensor.norm() == pytest.approx(norm, rel=1e-12)
    for found in fit.tensor.singular_values():
        np.testing.assert_allclose(found[: len(values)], values, rtol=1e-9)


@pytest.mark.parametrize("method", DIRECT)
@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6, 1e-9, 1e-12])
def test_the_tolerance_bounds_the_error_and_the_error_is_exact(method, tol):
    x = datasets.hilbert((18, 20, 22))
    fit = tucker(x, tol=tol, method=method, rng=0)
    assert fit.error <= tol
    # what is left below 1e-12 is rounding of the sums themselves
    assert fit.error == pytest.approx(true_error(fit, x), rel=1e-5, abs=1e-15)
    assert fit.outcome is Outcome.CONVERGED
    assert_orthonormal(fit)
    # each mode dropped at most tol^2 / N: one singular value less would have been too few
    norm = np.linalg.norm(x)
    for k, r in enumerate(fit.tensor.ranks):
        values = np.linalg.svd(unfold(x, k), compute_uv=False)
        needed = np.sum(np.cumsum(values[::-1] ** 2) > tol**2 / 3 * norm**2)
        assert r <= needed if method != "randomized" else r <= needed + 3


@pytest.mark.parametrize("method", DIRECT)
@pytest.mark.parametrize(
    "x, ranks",
    [
        (datasets.matrix_multiplication(2, 2, 2), (4, 4, 4)),
        (datasets.w_state(4), (2, 2, 2, 2)),
        (np.fromfunction(lambda x, y, z: x * y * z + y**2 * z, (6, 7, 8)), (2, 2, 1)),
        (datasets.planted_tucker((20, 30, 40), (2, 3, 4), rng=0)[0], (2, 3, 4)),
        (np.ones((3, 4, 5)), (1, 1, 1)),
        (datasets.hilbert((1, 7, 1)), (1, 1, 1)),
        (np.eye(5), (5, 5)),
    ],
)
def test_multilinear_ranks_are_found(method, x, ranks):
    for tol in (0, 1e-10):
        fit = tucker(x, tol=tol, method=method, rng=0)
        assert fit.tensor.ranks == ranks
        assert fit.error < 1e-13


def test_sequential_truncation_is_within_sqrt_n_of_the_best():
    x, _ = datasets.planted_tucker((12, 13, 14), 3, noise=0.5, rng=0)
    tails = [np.sum(np.linalg.svd(unfold(x, k), compute_uv=False)[3:] ** 2) for k in range(3)]
    best = tucker(x, ranks=3, method="hooi").error * np.linalg.norm(x)
    for method in DIRECT:
        error = tucker(x, ranks=3, method=method, rng=0).error * np.linalg.norm(x)
        assert best <= error * (1 + 1e-12)
        assert error**2 <= sum(tails)
        assert max(tails) <= best**2  # no method can beat the worst mode


def test_core_norm_and_error_share_the_norm():
    x, _ = datasets.planted_tucker((8, 9, 10), 3, noise=0.3, rng=1)
    fit = tucker(x, ranks=3, method="st-hosvd")
    left = np.linalg.norm(x) ** 2 - np.linalg.norm(fit.tensor.core) ** 2
    assert fit.error**2 * np.linalg.norm(x) ** 2 == pytest.approx(left, rel=1e-12)


# Numerics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", range(4))
@pytest.mark.parametrize("dtype", [float, complex])
def test_pieces_make_up_the_unfolding(mode, dtype, monkeypatch):
    monkeypatch.setattr("rankloom.decomposition.modes._PIECE", 40)
    x = np.random.default_rng(0).standard_normal((4, 5, 6, 7)).astype(dtype)
    x = x + 1j * x[::-1] if dtype is complex else x
    a = unfold(x, mode)
    cut = np.concatenate(list(pieces(x, mode)), axis=1)
    np.testing.assert_array_equal(np.sort(cut, axis=1), np.sort(a, axis=1))
    np.testing.assert_allclose(gram(x, mode), a @ a.conj().T, rtol=1e-12)


def decaying(n, ratio, rng=0):
    """A tensor whose first unfolding has singular values ratio^k."""
    rng = np.random.default_rng(rng)
    u, v = (np.linalg.qr(rng.standard_normal((m, n)))[0] for m in (n, n * n))
    return ((u * ratio ** np.arange(n)) @ v.T).reshape(n, n, n), u


def test_where_the_gram_matrix_loses_digits_qr_takes_over():
    x, u = decaying(12, 0.1)
    values, vectors = np.linalg.eigh(gram(x, 0))
    lost = vectors[:, ::-1][:, 9]  # its singular value is 1e-9 of the largest
    assert abs(lost @ u[:, 9]) < 0.999
    assert not digits_left(values[::-1], 10, Cut(10))
    assert digits_left(values[::-1], 3, Cut(3))
    found = exact_basis(x, 0, Cut(10))
    np.testing.assert_allclose(np.abs(found.T @ u[:, :10]), np.eye(10), atol=1e-6)
    assert exact_basis(x, 0, Cut(budget=1e-22)).shape[1] == 11


@pytest.mark.parametrize("shape", [(5, 4, 3), (30, 2, 3), (9, 3, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_qr_and_gram_agree(shape, dtype, monkeypatch):
    monkeypatch.setattr("rankloom.decomposition.modes._PIECE", 60)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    x = x + 1j * rng.standard_normal(shape) if dtype is np.complex128 else x
    for k in range(3):
        u = np.linalg.svd(unfold(x, k), full_matrices=False)[0][:, :2]
        for found in (exact_basis(x, k, Cut(2)), qr_basis(x, k, Cut(2))):
            np.testing.assert_allclose(found @ found.conj().T, u @ u.conj().T, atol=1e-12)


@pytest.mark.parametrize("method", [*DIRECT, "hooi"])
def test_single_precision_is_within_1e_4(method):
    x, _ = datasets.planted_tucker((30, 40, 50), 4, noise=0.1, rng=0)
    single = tucker(x.astype(np.float32), ranks=4, method=method, rng=0)
    assert single.tensor.dtype == np.float32
    assert abs(single.error - tucker(x, ranks=4, method=method, rng=0).error) < 1e-4
    fit = tucker(datasets.hilbert((20, 20, 20)).astype(np.float32), tol=1e-5, method="st-hosvd")
    assert fit.error <= 1e-5


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_scales_far_from_one(scale):
    x = datasets.planted_tucker((5, 6, 7), 2, noise=0.1, rng=0)[0]
    fit = tucker(x * scale, ranks=2)
    assert fit.error == pytest.approx(tucker(x, ranks=2).error, rel=1e-10)
    np.testing.assert_allclose(fit.tensor.to_dense() / scale, tucker(x, ranks=2).tensor.to_dense(),
                               atol=1e-12)  # fmt: skip


# Invariances --------------------------------------------------------------------------------------


@given(seed=st.integers(0, 999), scale=st.floats(1e-3, 1e3), axes=st.permutations(range(3)))
def test_scaling_permuting_and_rotating(seed, scale, axes):
    x, _ = datasets.planted_tucker((5, 6, 7), (2, 3, 2), noise=0.2, rng=seed)
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))[0]
    plain = tucker(x, ranks=(2, 3, 2), method="hosvd")
    dense = plain.tensor.to_dense()
    scaled = tucker(-scale * x, ranks=(2, 3, 2), method="hosvd")
    np.testing.assert_allclose(scaled.tensor.to_dense(), -scale * dense, atol=1e-9 * scale)
    ranks = [(2, 3, 2)[k] for k in axes]
    turned = tucker(np.ascontiguousarray(x.transpose(axes)), ranks=ranks, method="hosvd")
    np.testing.assert_allclose(turned.tensor.to_dense(), dense.transpose(axes), atol=1e-9)
    rotated = tucker(np.einsum("ijk,lj->ilk", x, q), ranks=(2, 3, 2), method="hosvd")
    np.testing.assert_allclose(
        rotated.tensor.to_dense(), np.einsum("ijk,lj->ilk", dense, q), atol=1e-9
    )


@given(seed=st.integers(0, 999), tol=st.floats(1e-3, 0.9))
def test_the_bound_holds_for_any_tensor(seed, tol):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 6, size=rng.integers(2, 5)))
    x = rng.standard_normal(shape)
    for method in DIRECT:
        fit = tucker(x, tol=tol, method=method, rng=seed)
        assert fit.error <= tol * (1 + 1e-9)
        assert fit.error == pytest.approx(true_error(fit, x), abs=1e-12)


@pytest.mark.parametrize("view", ["fortran", "reversed", "strided", "integers"])
def test_memory_layout_does_not_matter(view):
    x = datasets.planted_tucker((6, 7, 8), 2, noise=0.1, rng=0)[0]
    x = np.round(100 * x) if view == "integers" else x
    given_x = {
        "fortran": np.asfortranarray,
        "reversed": lambda x: x[::-1][::-1],
        "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        "integers": lambda x: x.astype(int),
    }[view](x)
    before = given_x.copy()
    heard = []
    a = tucker(given_x, ranks=(2, 3, 2), method="hooi", callback=lambda *event: heard.append(event))
    b = tucker(x, ranks=(2, 3, 2), method="hooi")
    assert a.tensor.shape == x.shape
    assert a.settings == b.settings
    assert heard[-1][2].shape == x.shape
    np.testing.assert_allclose(a.tensor.to_dense(), b.tensor.to_dense(), atol=1e-7 * abs(x).max())
    np.testing.assert_array_equal(given_x, before)


@pytest.mark.parametrize("method", [*DIRECT, "hooi"])
def test_any_array_library(method, library):
    x = datasets.planted_tucker((6, 7, 8), 2, noise=0.1, rng=0)[0]
    fit = tucker(library(x), ranks=2, method=method, rng=0)
    plain = tucker(x, ranks=2, method=method, rng=0)
    np.testing.assert_allclose(library.host(fit.tensor.to_dense()), plain.tensor.to_dense(),
                               atol=1e-10)  # fmt: skip
    assert tucker(library(x), tol=0.2, method=method, rng=0).error <= 0.2
    assert tucker(library(datasets.hilbert((6, 6, 6))), tol=1e-8).error <= 1e-8


def test_a_sketch_of_a_large_mode_finds_the_same():
    x, _ = datasets.planted_tucker((300, 40, 40), 4, noise=0.05, rng=0)
    exact = tucker(x, ranks=4, method="st-hosvd")
    sketch = tucker(x, ranks=4, method="randomized", rng=0)
    assert sketch.error == pytest.approx(exact.error, rel=1e-6)
    again = tucker(x, ranks=4, method="randomized", rng=0)
    np.testing.assert_array_equal(sketch.tensor.core, again.tensor.core)


# Bad input ----------------------------------------------------------------------------------------

X = np.ones((3, 4, 5))


@pytest.mark.parametrize(
    "x, options, message",
    [
        (X, {}, "either `tol` or `ranks`"),
        (X, {"tol": 0.1, "ranks": 2}, "either `tol` or `ranks`"),
        (X, {"ranks": 0}, "`ranks` must be at least 1"),
        (X, {"ranks": (1, 0, 1)}, r"`ranks\[1\]` must be at least 1"),
        (X, {"ranks": (1, 5, 5)}, r"`ranks\[1\]` = 5 is outside 1..4"),
        (X, {"ranks": 6}, "above every size"),
        (X, {"ranks": (3, 1, 1)}, r"`ranks\[0\]` = 3 is above 1, the product"),
        (X, {"ranks": (1, 1)}, "one entry per mode: 3"),
        (X, {"tol": -0.1}, "0 <= tol < 1"),
        (X, {"tol": float("nan")}, "0 <= tol < 1"),
        (X, {"tol": 1e-17}, "below what float64 can hold"),
        (X.astype(np.float32), {"tol": 1e-8}, "below what float32 can hold"),
        (X, {"tol": 0.1, "method": "svd"}, "`method` must be one of"),
        (X, {"tol": 0.1, "max_sweeps": 0}, "`max_sweeps` must be at least 1"),
        (X * np.nan, {"tol": 0.1}, "missing entries"),
        (X * np.inf, {"tol": 0.1}, "NaN or infinite"),
        (0 * X, {"tol": 0.1}, "zero everywhere"),
        (np.ones(3), {"tol": 0.1}, "at least 2 modes"),
        (np.ones((3, 0)), {"tol": 0.1}, "empty mode"),
    ],
)
def test_bad_input_is_named(x, options, message):
    with pytest.raises(ValueError, match=message):
        tucker(x, **options)


@pytest.mark.parametrize(
    "x, options", [([["a", "b"]], {"tol": 0.1}), (X, {"ranks": 1.5}), (X, {"ranks": "abc"}),
                   (X.astype(np.float16), {"tol": 0.1})]
)  # fmt: skip
def test_wrong_kinds_are_named(x, options):
    with pytest.raises(TypeError, match=r"`x`|`ranks`"):
        tucker(x, **options)


def test_a_tolerance_that_rounding_keeps_out_of_reach_is_said(monkeypatch):
    x = datasets.planted_tucker((30, 30, 30), 10, noise=0.5, rng=0)[0]
    fit = tucker(x, tol=2e-15)
    assert fit.outcome is (Outcome.CONVERGED if fit.error <= 2e-15 else Outcome.STALLED)
    monkeypatch.setattr("rankloom.decomposition.data.residual", lambda x, model: 1.0)
    assert tucker(x, tol=2e-15).outcome is Outcome.STALLED


def test_one_rank_for_all_is_cut_to_what_the_shape_allows():
    fit = tucker(datasets.planted_tucker((9, 2, 2), (4, 2, 2), noise=0.1, rng=0)[0], ranks=6)
    assert fit.tensor.ranks == (4, 2, 2)
    assert fit.error < 1e-14


def test_results_show_themselves():
    fit = tucker(datasets.hilbert((5, 5, 5)), tol=0.01)
    assert "CONVERGED after 1 sweeps" in repr(fit)
    assert "relative error" in fit._repr_html_()
    assert fit.ok
    assert fit.settings["tol"] == 0.01
    assert isinstance(fit.tensor, TuckerTensor)
    assert fit.plot_errors().get_yscale() == "log"
