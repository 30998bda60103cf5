"""Student-t noise: against quadrature, planted outliers, and its normal limit."""

import numpy as np
import pytest
from scipy.special import logsumexp, roots_genlaguerre
from scipy.stats import t as student_t

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern

from .functional_cases import TUCKER_CORE, planted, truth

SMOOTH = [Matern(1.5, 0.5)] * 3


X, Y, NOISE = np.array([0.1, 0.4, 0.8]), np.array([0.5, 3.0, -0.2]), 0.3


def one_function(kernel, dof):
    """Fitted to three values, with known noise; the values and noise variance it sees, scaled."""
    model = FunctionalCP(
        1, [kernel], noise_std=NOISE, dof=dof, learn_kernels=False, max_sweeps=400, tol=0.0
    ).fit(X[:, None], Y)
    return model, (Y - Y.mean()) / Y.std(), (NOISE / Y.std()) ** 2 * (dof - 2) / dof


@pytest.mark.parametrize("dof", [2.5, 4.0, 30.0])
def test_bound_is_the_evidence_of_a_function_known_beforehand(dof):
    model, y, variance = one_function(Matern(1.5, 0.7, 1e-8), dof)
    exact = student_t.logpdf(y, dof, scale=variance**0.5).sum() - 3 * np.log(Y.std())
    assert model.elbo_ == pytest.approx(exact, abs=1e-5)
    assert model.noise_std_ == pytest.approx(NOISE)


@pytest.mark.parametrize("dof", [6.0, 30.0])
def test_bound_lies_below_the_evidence(dof):
    kernel = Matern(1.5, 0.7)
    model, y, variance = one_function(kernel, dof)
    roots, weights = roots_genlaguerre(40, dof / 2 - 1)  # gamma distributions of the precisions
    precision, share = roots / (dof / 2), weights / weights.sum()
    grids = np.stack(np.meshgrid(*[precision] * 3, indexing="ij"), -1).reshape(-1, 3)
    chances = np.prod(np.stack(np.meshgrid(*[share] * 3, indexing="ij"), -1), -1).ravel()
    covariance = kernel.covariance(X, X) + variance / grids[:, :, None] * np.eye(3)
    fit = np.einsum("i,nij,j->n", y, np.linalg.inv(covariance), y)
    logs = -0.5 * (fit + np.linalg.slogdet(covariance)[1] + 3 * np.log(2 * np.pi))
    exact = logsumexp(logs, b=chances) - 3 * np.log(Y.std())
    assert exact - 1.5 < model.elbo_ < exact


@pytest.mark.parametrize("dof", [2.5, 4.0, 30.0])
def test_weights_and_function_are_the_fixed_point_of_dense_formulas(dof):
    kernel = Matern(1.5, 0.7)
    model, y, variance = one_function(kernel, dof)
    prior, weights = kernel.covariance(X, X), np.ones(3)
    for _ in range(2000):
        gain = prior @ np.linalg.inv(prior + np.diag(variance / weights))
        mean, cov = gain @ y, prior - gain @ prior
        squares = (y - mean) ** 2 + np.diag(cov)
        weights = (dof + 1) / (dof + squares / variance)
    found, std = model.predict(X[:, None], return_std=True, include_noise=False)
    np.testing.assert_allclose(found, Y.mean() + Y.std() * mean, rtol=1e-6)
    np.testing.assert_allclose(std, Y.std() * np.sqrt(np.diag(cov)), rtol=1e-6)


@pytest.mark.parametrize("core", [None, TUCKER_CORE], ids=["cp", "tucker"])
def test_outliers_hardly_count(core):
    x, y = planted(0, 2500, core, sizes=(30, 35, 40))
    rng = np.random.default_rng(1)
    wrong = rng.random(len(y)) < 0.05
    y[wrong] += 5 * rng.standard_normal(wrong.sum())

    def error(dof):
        kind = FunctionalCP(2, SMOOTH) if core is None else FunctionalTucker((2, 2, 2), SMOOTH)
        model = kind.set_params(dof=dof, rng=0).fit(x, y)
        assert (np.diff(model.elbo_trace_) > -1e-9 * abs(model.elbo_)).all()
        return np.sqrt(np.mean((model.predict(x) - truth(x, core)) ** 2))

    assert error(4) < 0.03 < 2 * error(4) < error(None)


def test_scale_of_student_noise_is_found():
    x, y = planted(2, 5000, noise=0.0)
    y += 0.1 * np.random.default_rng(3).standard_t(5, len(y))
    model = FunctionalCP(2, SMOOTH, dof=5, rng=0).fit(x, y)
    assert model.noise_std_ == pytest.approx(0.1 * (5 / 3) ** 0.5, rel=0.05)
    low, high = model.predict_interval(x)
    assert 0.93 <= np.mean((low <= y) & (y <= high)) <= 0.97


def test_many_degrees_of_freedom_are_normal_noise():
    x, y = planted(4, 600, sizes=(20, 25, 30))
    normal = FunctionalCP(2, SMOOTH, rng=0, max_sweeps=20).fit(x, y)
    student = FunctionalCP(2, SMOOTH, rng=0, max_sweeps=20, dof=1e8).fit(x, y)
    np.testing.assert_allclose(student.predict(x), normal.predict(x), atol=1e-5)
    assert student.elbo_ == pytest.approx(normal.elbo_, abs=1e-3)
    assert student.noise_std_ == pytest.approx(normal.noise_std_, rel=1e-5)


def test_twice_is_weight_two_also_here():
    x, y = planted(1, 500, sizes=(20, 25, 30))
    options = {"rank": 2, "kernels": SMOOTH, "init": "random", "rng": 0, "max_sweeps": 30, "dof": 4}
    twice = FunctionalCP(**options).fit(np.vstack([x, x[:100]]), np.concatenate([y, y[:100]]))
    weights = np.where(np.arange(len(y)) < 100, 2.0, 1.0)
    weighted = FunctionalCP(**options).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(twice.predict(x), weighted.predict(x), atol=1e-8)
    assert twice.elbo_ == pytest.approx(weighted.elbo_, rel=1e-8)


def test_files_and_further_batches_keep_it(tmp_path):
    x, y = planted(5, 800, sizes=(20, 25, 30))
    model = FunctionalCP(2, SMOOTH, dof=4, rng=0, max_sweeps=30).fit(x[:500], y[:500])
    model.save(tmp_path / "model.h5")
    again = FunctionalCP.load(tmp_path / "model.h5")
    assert again.dof == 4
    assert again.noise_std_ == model.noise_std_
    y[500:520] += 30.0
    again.partial_fit(x[500:], y[500:])
    assert np.sqrt(np.mean((again.predict(x) - truth(x)) ** 2)) < 0.05


@pytest.mark.parametrize("dof", [2, 0.0, np.inf])
def test_degrees_of_freedom_without_a_deviation_are_refused(dof):
    x, y = planted(5, 100, sizes=(20, 25, 30))
    with pytest.raises(ValueError, match="`dof`"):
        FunctionalCP(1, SMOOTH, dof=dof).fit(x, y)
