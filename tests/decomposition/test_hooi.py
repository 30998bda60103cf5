import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import TuckerTensor, datasets, tucker
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.hooi import Hooi, updates
from rankloom.decomposition.hosvd import Cut, exact_basis
from rankloom.decomposition.modes import mode_product
from rankloom.tn import Outcome


@pytest.mark.parametrize("n_modes", [2, 3, 4, 5])
def test_the_tree_visits_modes_in_turn_and_reads_the_newest_factors(n_modes):
    x = np.random.default_rng(0).standard_normal(range(2, 2 + n_modes))
    vectors = [np.ones((1, n)) for n in x.shape]
    reads = 0

    def contract(t, modes):
        nonlocal reads
        reads += t.shape == x.shape
        for k in modes:
            t = mode_product(t, vectors[k], k)
        return t

    walk = updates(x, contract)
    for step in range(3 * n_modes * (n_modes - 1)):
        k, t = next(walk)
        assert k == step % n_modes
        expected = x
        for j in range(n_modes):
            expected = expected if j == k else mode_product(expected, vectors[j], j)
        np.testing.assert_allclose(t, expected, atol=1e-10)
        vectors[k] = np.random.default_rng(step).standard_normal(vectors[k].shape)
    assert reads == 3 * n_modes  # once every N - 1 updates


def plain_hooi(x, factors, sweeps):
    """The textbook: every update from the whole tensor, by SVD of the unfolding."""
    factors = list(factors)
    for _ in range(sweeps):
        for k in range(x.ndim):
            t = x
            for j, f in enumerate(factors):
                t = t if j == k else mode_product(t, f.conj().T, j)
            a = np.moveaxis(t, k, 0).reshape(x.shape[k], -1)
            factors[k] = np.linalg.svd(a, full_matrices=False)[0][:, : factors[k].shape[1]]
    core = x
    for j, f in enumerate(factors):
        core = mode_product(core, f.conj().T, j)
    return np.sqrt(1 - np.linalg.norm(core) ** 2 / np.linalg.norm(x) ** 2)


@pytest.mark.parametrize("shape, ranks", [((6, 7, 8), (2, 3, 2)), ((4, 5, 4, 5), (2, 2, 2, 2)),
                                          ((40, 3, 4), (3, 2, 3))])  # fmt: skip
@pytest.mark.parametrize("dtype", [float, complex])
def test_iterates_are_those_of_the_textbook(shape, ranks, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    x = x + 1j * rng.standard_normal(shape) if dtype is complex else x
    start = [
        np.linalg.qr(rng.standard_normal((n, r)))[0] for n, r in zip(shape, ranks, strict=True)
    ]
    solver = Hooi(check_dense(x), TuckerTensor(np.ones(ranks, dtype), start))
    for sweeps in range(1, 4):
        error = solver.sweep()
        assert error == pytest.approx(plain_hooi(x, start, sweeps), rel=1e-10)
        dense = solver.model().to_dense()
        assert error == pytest.approx(np.linalg.norm(dense - x) / np.linalg.norm(x), rel=1e-12)


@given(seed=st.integers(0, 999))
def test_the_error_never_grows_and_ends_at_a_fixed_point(seed):
    x = np.random.default_rng(seed).standard_normal((5, 6, 7))
    fit = tucker(x, ranks=(2, 3, 2), method="hooi", max_sweeps=1000)
    assert (np.diff(fit.errors) <= 1e-12).all()
    assert fit.error <= tucker(x, ranks=(2, 3, 2), method="st-hosvd").error * (1 + 1e-12)
    assert fit.outcome is Outcome.CONVERGED
    # one more update of any mode changes nothing of note
    t = mode_product(mode_product(x, fit.tensor.factors[1].T, 1), fit.tensor.factors[2].T, 2)
    u = exact_basis(t, 0, Cut(2))
    gain = np.linalg.norm(u.T @ t.reshape(5, -1)) - fit.tensor.norm()
    assert abs(gain) < 1e-6 * np.linalg.norm(x)


def test_errors_far_below_rounding_of_the_squares_are_exact():
    x, _ = datasets.planted_tucker((10, 11, 12), 3, noise=1e-9, rng=0)
    fit = tucker(x, ranks=3)
    dense = np.linalg.norm(fit.tensor.to_dense() - x) / np.linalg.norm(x)
    assert fit.error == pytest.approx(dense, rel=1e-5)
    assert fit.ok


def test_too_few_sweeps_are_said_and_a_callback_may_end_the_run():
    x = np.random.default_rng(0).standard_normal((8, 8, 8))
    assert tucker(x, ranks=2, max_sweeps=2).outcome is Outcome.MAX_SWEEPS
    fit = tucker(x, ranks=2, callback=lambda k, error, tensor: k == 3)
    assert (fit.outcome, fit.sweeps) == (Outcome.TARGET_REACHED, 3)


def test_with_a_tolerance_hooi_starts_from_ranks_that_reach_it():
    x = datasets.hilbert((15, 15, 15))
    fit = tucker(x, tol=1e-4, method="hooi")
    assert fit.error <= 1e-4


def test_as_good_as_tensorly():
    pytest.importorskip("tensorly")
    from tensorly.decomposition import tucker as theirs

    x, _ = datasets.planted_tucker((20, 21, 22), 3, noise=0.3, rng=0)
    _, errors = theirs(x, (3, 3, 3), return_errors=True, tol=1e-14, n_iter_max=200)
    assert tucker(x, ranks=3).error <= errors[-1] + 1e-10


def test_a_start_of_ones_own():
    x, truth = datasets.planted_tucker((8, 9, 10), (2, 3, 4), noise=0.01, rng=0)
    for array in (x, np.asfortranarray(x)):
        fit = tucker(array, init=truth)
        assert fit.tensor.ranks == (2, 3, 4)
        assert fit.error == pytest.approx(tucker(x, ranks=(2, 3, 4)).error, rel=1e-8)
    assert tucker(x, init=truth * 5, ranks=(2, 3, 4), method="hooi").ok


@pytest.mark.parametrize(
    "options, message",
    [
        ({"tol": 0.1}, "with given ranks"),
        ({"method": "hosvd"}, "start for method 'hooi'"),
        ({"ranks": 2}, r"`init` has ranks \(2, 2, 1\)"),
        ({"init": TuckerTensor.random((3, 4, 6), 2, rng=0)}, "`init` has shape"),
    ],
)
def test_starts_that_do_not_fit(options, message):
    start = {"init": TuckerTensor.random((3, 4, 5), (2, 2, 1), rng=0)}
    with pytest.raises(ValueError, match=message):
        tucker(np.ones((3, 4, 5)), **(start | options))
    with pytest.raises(TypeError, match="must be a TuckerTensor"):
        tucker(np.ones((3, 4, 5)), init="random")
