"""State spaces, filter and smoother against dense Gaussian processes and plain arrays."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition.functional import (
    KernelSum,
    Matern,
    QuasiPeriodic,
    Trend,
    reference,
)
from rankloom.decomposition.functional.chains import Chain, Messages, log_integral, transitions

from .functional_cases import gaussian_process, regression

KERNELS = [
    Matern(0.5, 0.2, 1.7),
    Matern(1.5, 0.2, 1.7),
    Matern(2.5, 0.2, 1.7),
    Matern(0.5, 0.1, 0.4) + Matern(2.5, 0.9, 1.3),
]
SEASONS = [
    QuasiPeriodic(0.3, lengthscale=2.0, variance=1.7),
    QuasiPeriodic(0.4, 0.9, shape=0.7, nu=1.5, harmonics=3),
    Trend(0.4, lengthscale=0.6, variance=1.2) + Matern(0.5, 0.2, 0.3),
    Matern(1.5, 0.2) + QuasiPeriodic(0.3, 3.0, harmonics=2) + Trend(-1.0, 2.0),
]
LOG_MARGINAL = {0.5: -28.9860797471, 1.5: -11.6735952273, 2.5: -8.9706010425}


@pytest.fixture(scope="module")
def sine():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 1, 60))
    return x, np.sin(7 * x) + 0.2 * rng.standard_normal(60)


@pytest.mark.parametrize("kernel", KERNELS + SEASONS, ids=str)
def test_chain_is_the_gaussian_process(kernel, sine):
    x, y = sine
    chain = Chain.run(kernel, x, regression(x, y, 0.05))
    mean, cov, expected = gaussian_process(kernel, x, y, 0.05, x)
    np.testing.assert_allclose(chain.node_means[:, 0], mean, atol=1e-9)
    np.testing.assert_allclose(chain.node_covs[:, 0, 0], np.diag(cov), atol=1e-9)
    found = chain.value - y @ y / 0.1 - 30 * np.log(2 * np.pi * 0.05)
    assert found == pytest.approx(expected, abs=1e-9)
    if kernel in KERNELS[:3]:
        assert found == pytest.approx(LOG_MARGINAL[kernel.nu], abs=1e-9)


@pytest.mark.parametrize("kernel", KERNELS + SEASONS, ids=str)
def test_prediction_left_inside_right_and_on_nodes(kernel, sine):
    x, y = sine
    points = np.array([-3.0, -0.1, 0.123, 0.5, x[0], x[17], x[-1], 1.01, 4.0])
    chain = Chain.run(kernel, x, regression(x, y, 0.05))
    mean, cov = chain.at(points)
    expected, covariance, _ = gaussian_process(kernel, x, y, 0.05, points)
    np.testing.assert_allclose(mean[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(cov[:, 0, 0], np.diag(covariance), atol=1e-9)
    assert (cov > 0).all()
    prior = np.diag(kernel.covariance(points, points))
    assert (cov[:, 0, 0] <= prior * (1 + 1e-12)).all()


def test_samples_have_the_posterior_mean_and_covariance(sine):
    x, y = sine
    kernel = KERNELS[1]
    points = np.array([-0.1, 0.2, 0.21, x[5], 1.3])
    draws = Chain.run(kernel, x, regression(x, y, 0.05)).sample(
        points, 4000, np.random.default_rng(1)
    )[:, :, 0]
    mean, cov, _ = gaussian_process(kernel, x, y, 0.05, points)
    error = np.sqrt(np.diag(cov) / 4000)
    assert (np.abs(draws.mean(0) - mean) < 5 * error).all()
    # a sample covariance has relative deviation sqrt(2 / 4000) = 0.022
    scale = np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
    assert (np.abs(np.cov(draws.T) - cov) / scale < 0.12).all()


@pytest.mark.parametrize("kernel", KERNELS + SEASONS[2:], ids=str)
@pytest.mark.parametrize("rank", [1, 3])
def test_compiled_smoother_is_its_twin(kernel, rank):
    rng = np.random.default_rng(2)
    nodes = np.sort(rng.uniform(0, 20, 800))
    low = rng.standard_normal((800, rank, max(1, rank - 1)))  # singular messages
    lam, eta = low @ low.mT, rng.standard_normal((800, rank))
    chain = Chain.run(kernel, nodes, Messages.of(lam, eta))
    value, means, covs = reference.smooth(*transitions(kernel, nodes), lam, eta)
    # Rauch-Tung-Striebel inverts predicted covariances, which costs it digits
    np.testing.assert_allclose(chain.node_means, means, atol=1e-11)
    np.testing.assert_allclose(chain.node_covs, covs, atol=1e-11)
    assert chain.value == pytest.approx(value, rel=1e-12)
    assert log_integral(kernel, nodes, Messages.of(lam, eta)) == pytest.approx(value, rel=1e-12)


def test_dense_information_matrix_agrees():
    kernel, rank, count = Matern(1.5, 0.7, 1.2), 3, 60
    rng = np.random.default_rng(3)
    nodes = np.sort(rng.uniform(0, 5, count))
    low = rng.standard_normal((count, rank, 2))
    lam, eta = low @ low.mT, rng.standard_normal((count, rank))
    prior = np.kron(np.linalg.inv(kernel.covariance(nodes, nodes)), np.eye(rank))
    for j in range(count):
        prior[j * rank : (j + 1) * rank, j * rank : (j + 1) * rank] += lam[j]
    covariance = np.linalg.inv(prior)
    chain = Chain.run(kernel, nodes, Messages.of(lam, eta))
    mean = (covariance @ eta.ravel()).reshape(count, rank)
    # the inverse of the kernel matrix has a condition number of about 1e6
    np.testing.assert_allclose(chain.node_means, mean, atol=1e-8)
    for j in range(count):
        block = covariance[j * rank : (j + 1) * rank, j * rank : (j + 1) * rank]
        np.testing.assert_allclose(chain.node_covs[j], block, atol=1e-8)


def test_strong_messages_on_dense_nodes_stay_symmetric_and_stable():
    # An antisymmetric rounding error would double from node to node.
    kernel, rank, count = Matern(0.5, 2.0), 3, 500
    rng = np.random.default_rng(4)
    nodes = np.linspace(0, 10, count)
    low = 4 * rng.standard_normal((count, rank, 6))
    chain = Chain.run(kernel, nodes, Messages.of(low @ low.mT, rng.standard_normal((count, rank))))
    assert (np.linalg.eigvalsh(chain.node_covs) > 0).all()
    assert chain.node_covs.max() <= 1.0


def test_smoother_twin_stays_in_its_library(library):
    kernel = Matern(1.5, 0.7)
    nodes = np.linspace(0, 1, 6)
    lam, eta = np.full((6, 1, 1), 2.0), np.arange(6.0)[:, None]
    a, q = transitions(kernel, nodes)
    _, means, _ = reference.smooth(*map(library, (a, q, lam, eta)))
    expected = Chain.run(kernel, nodes, Messages.of(lam, eta)).node_means
    np.testing.assert_allclose(library.host(means), expected, atol=1e-12)


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
@pytest.mark.parametrize("gap", [1e-9, 1e-5, 1e-3, 0.3, 10.0])
def test_noise_of_a_gap_to_many_digits(nu, gap):
    kernel = Matern(nu, 0.7, 1.3)
    a, q = kernel.transition([gap])
    with mpmath.workdps(80):
        lam = mpmath.sqrt(2 * nu) / mpmath.mpf(0.7)
        step = {0.5: [[-1]], 1.5: [[0, 1], [-1, -2]], 2.5: [[0, 1, 0], [0, 0, 1], [-1, -3, -3]]}
        exact = mpmath.expm(mpmath.matrix(step[nu]) * lam * mpmath.mpf(gap), method="taylor")
        third = mpmath.mpf(1) / 3
        p = {
            0.5: [[1]],
            1.5: [[1, 0], [0, 1]],
            2.5: [[1, 0, -third], [0, third, 0], [-third, 0, 1]],
        }
        p = mpmath.mpf(1.3) * mpmath.matrix(p[nu])
        noise = p - exact * p * exact.T
        expected = np.array(noise.tolist(), dtype=float)
        transition = np.array(exact.tolist(), dtype=float)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(q[0] / scale, expected / scale, atol=1e-13)
    np.testing.assert_allclose(a[0], transition, atol=1e-13)


@given(st.sampled_from(KERNELS + SEASONS), st.floats(-12, 2))
def test_noise_is_positive_semidefinite_and_completes_the_prior_covariance(kernel, power):
    gap = 10.0**power
    a, q = kernel.transition([gap])
    before, after = kernel.prior([0.3, 0.3 + gap])
    np.testing.assert_allclose(
        a[0] @ before @ a[0].T + q[0], after, atol=1e-13 * (1 + gap) ** 2, rtol=1e-13
    )
    scale = np.sqrt(np.maximum(np.diag(q[0]), 1e-300))
    assert np.linalg.eigvalsh(q[0] / np.outer(scale, scale)).min() > -1e-12


@pytest.mark.parametrize(
    "shape, harmonics, error", [(1.0, 6, 1e-5), (0.5, 6, 4e-3), (0.5, 18, 1e-9)]
)
def test_cosine_series_is_the_periodic_kernel(shape, harmonics, error):
    t = np.linspace(0, 3, 50)
    kernel = QuasiPeriodic(0.7, 1e12, shape=shape, harmonics=harmonics)
    exact = np.exp(-2 * (np.sin(np.pi * t / 0.7) / shape) ** 2)
    assert np.abs(kernel.covariance([0.0], t)[0] - exact).max() < error


@pytest.mark.parametrize("shape, harmonics", [(1.0, 2), (0.5, 6), (0.2, 10)])
def test_what_the_harmonics_leave_out_is_what_a_fourier_transform_finds(shape, harmonics):
    t = np.arange(256) / 256
    series = np.fft.rfft(np.exp(-2 * (np.sin(np.pi * t) / shape) ** 2)).real / 128
    series[0] /= 2
    left_out = series[harmonics + 1 :].sum()
    kernel = QuasiPeriodic(1.0, 9.0, shape=shape, harmonics=harmonics)
    assert kernel.truncation == pytest.approx(left_out, abs=1e-14)
    assert Matern(0.5).truncation == 0


def test_two_nodes_a_hair_apart_are_as_one():
    kernel, variance = Matern(2.5, 0.5), 0.1
    near = np.array([0.1, 0.5, 0.5 + 0.5e-9, 0.9])
    y = np.array([0.3, 1.0, 0.6, -0.2])
    apart = Chain.run(kernel, near, regression(near, y, variance))
    lam = np.array([10.0, 20.0, 10.0])[:, None, None]
    merged = Chain.run(
        kernel, near[[0, 1, 3]], Messages.of(lam, np.array([3.0, 16.0, -2.0])[:, None])
    )
    np.testing.assert_allclose(apart.node_means[[0, 1, 3]], merged.node_means, atol=1e-7)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: Matern(0.7), "nu"),
        (lambda: Matern(0.5, lengthscale=0.0), "lengthscale"),
        (lambda: Matern(0.5, lengthscale=-1.0), "lengthscale"),
        (lambda: Matern(0.5, variance=np.inf), "variance"),
        (lambda: Matern(0.5, bounds=(2.0, 3.0)), "bounds"),
        (lambda: QuasiPeriodic(0.0, 1.0), "period"),
        (lambda: QuasiPeriodic(1.0, 1.0, shape=-1.0), "shape"),
        (lambda: QuasiPeriodic(1.0, 1.0, nu=0.7), "nu"),
        (lambda: QuasiPeriodic(1.0, 1.0, harmonics=0), "harmonics"),
        (lambda: Trend(np.nan), "center"),
    ],
)
def test_kernels_refuse_what_makes_no_sense(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
    with pytest.raises(TypeError, match="parts"):
        KernelSum((Matern(0.5),))
