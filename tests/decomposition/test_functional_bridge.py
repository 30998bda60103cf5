"""GPyTorch: kernels read and written, exact Gaussian processes as oracle, exported functions."""

import numpy as np
import pytest

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern
from rankloom.decomposition.functional import Gamma, LogNormal, bridge
from rankloom.decomposition.functional.chains import Chain

from .functional_cases import planted, regression

gpytorch = pytest.importorskip("gpytorch")
torch = pytest.importorskip("torch")


def exact(kernel, x, y, variance):
    likelihood = gpytorch.likelihoods.FixedNoiseGaussianLikelihood(
        torch.full((len(x),), variance, dtype=torch.float64)
    )

    class Model(gpytorch.models.ExactGP):
        def __init__(self):
            super().__init__(torch.from_numpy(x), torch.from_numpy(y), likelihood)
            self.mean_module, self.covar_module = gpytorch.means.ZeroMean(), kernel

        def forward(self, points):
            return gpytorch.distributions.MultivariateNormal(
                self.mean_module(points), self.covar_module(points)
            )

    return Model().double(), likelihood


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_chain_is_an_exact_gaussian_process_of_gpytorch(nu):
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 1, 60))
    y = np.sin(7 * x) + 0.2 * rng.standard_normal(60)
    points = np.linspace(-0.5, 1.5, 20)
    kernel = Matern(nu, 0.2, 1.7)
    chain = Chain.run(kernel, x, regression(x, y, 0.05))
    model, likelihood = exact(bridge.to_gpytorch(kernel), x, y, 0.05)
    with gpytorch.settings.fast_computations(False, False, False):
        evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
        theirs = float(evidence(model(torch.from_numpy(x)), torch.from_numpy(y)).detach()) * 60
        found = model.eval()(torch.from_numpy(points))
        mean, variance = found.mean.detach().numpy(), found.variance.detach().numpy()
    ours = chain.at(points)
    # GPyTorch squares and clamps distances, which leaves 1e-9
    np.testing.assert_allclose(ours[0][:, 0], mean, atol=1e-6)
    np.testing.assert_allclose(ours[1][:, 0, 0], variance, atol=1e-6)
    assert chain.value - y @ y / 0.1 - 30 * np.log(2 * np.pi * 0.05) == pytest.approx(
        theirs, abs=1e-5
    )


def test_kernels_are_read_and_learnt_values_written_back():
    kernels = gpytorch.kernels
    plain = kernels.MaternKernel(
        nu=1.5,
        lengthscale_prior=gpytorch.priors.LogNormalPrior(0.0, 1.0),
        lengthscale_constraint=gpytorch.constraints.Interval(0.1, 2.0),
    )
    plain.lengthscale = 0.5
    scaled = kernels.ScaleKernel(
        kernels.MaternKernel(nu=2.5), outputscale_prior=gpytorch.priors.GammaPrior(2.0, 1.0)
    )
    both = scaled + kernels.ScaleKernel(kernels.MaternKernel(nu=0.5))
    read = bridge.as_kernel("kernel", plain)
    assert read.lengthscale == pytest.approx(0.5, rel=1e-6)
    assert read.lengthscale_prior == LogNormal(0.0, 1.0)
    assert read.bounds == pytest.approx((0.1, 2.0))
    assert [p.nu for p in bridge.as_kernel("kernel", both).parts] == [2.5, 0.5]
    assert bridge.as_kernel("kernel", both).parts[0].variance_prior == Gamma(2.0, 1.0)
    x, y = planted(0, 400, sizes=(20, 25, 30))
    model = FunctionalCP(2, [plain, both, Matern(1.5)], rng=0, max_sweeps=20).fit(x, y)
    found = model.kernels_[0].lengthscale
    assert found != pytest.approx(0.5)
    assert float(plain.lengthscale.detach()) == pytest.approx(found, rel=1e-5)
    written = float(scaled.base_kernel.lengthscale.detach())
    assert written == pytest.approx(model.kernels_[1].parts[0].lengthscale, rel=1e-5)


def test_an_exported_function_is_the_posterior_where_the_mode_has_one():
    x, y = planted(0, 400, sizes=(20, 25, 30))
    model = FunctionalTucker((1, 2, 2), rng=0, max_sweeps=10).fit(x, y)
    points = np.linspace(-0.2, 1.2, 15)
    mean, std = model.mode_function(0, points)
    with gpytorch.settings.fast_computations(False, False, False):
        found = model.to_gpytorch(0, 0)(torch.from_numpy(points))
        theirs, spread = found.mean.detach().numpy(), found.stddev.detach().numpy()
    np.testing.assert_allclose(mean[:, 0], theirs, atol=1e-6)
    np.testing.assert_allclose(std[:, 0], spread, atol=1e-5)
    several = model.to_gpytorch(1, 1)(torch.from_numpy(points)).mean.detach().numpy()
    assert np.isfinite(several).all()


def test_kernels_without_a_finite_state_are_refused():
    with pytest.raises(TypeError, match="RBFKernel"):
        bridge.as_kernel("kernels[0]", gpytorch.kernels.RBFKernel())
    with pytest.raises(ValueError, match="2 lengthscales"):
        bridge.as_kernel("kernels[0]", gpytorch.kernels.MaternKernel(nu=0.5, ard_num_dims=2))
    odd = gpytorch.kernels.MaternKernel(
        nu=0.5, lengthscale_prior=gpytorch.priors.UniformPrior(0.1, 1.0)
    )
    with pytest.raises(TypeError, match="UniformPrior"):
        bridge.as_kernel("kernels[0]", odd)
