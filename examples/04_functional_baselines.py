"""When functions pay: scattered values by a functional model, by bins, by an exact process.

Run it from anywhere; it takes some seconds.
"""

import numpy as np

from rankloom.decomposition import FunctionalCP, Matern, cp
from rankloom.decomposition.functional import bridge
from rankloom.decomposition.functional.observations import observe
from rankloom.decomposition.functional.starts import binned

# 1000 noisy values at random points of a box: no two share a coordinate.
rng = np.random.default_rng(0)
noise = 0.1


def truth(x: np.ndarray) -> np.ndarray:
    waves = np.sin(2 * np.pi * x[:, 0]) * np.exp(-2 * x[:, 1]) * (1 + x[:, 2] ** 2)
    return waves + np.cos(3 * x[:, 0]) * np.sin(5 * x[:, 1] + 0.5) * np.cos(6 * x[:, 2])


X, points = rng.uniform(0, 1, (1000, 3)), rng.uniform(0, 1, (1000, 3))
y = truth(X) + noise * rng.standard_normal(len(X))


def report(name: str, found: np.ndarray) -> float:
    error = float(np.sqrt(np.mean((found - truth(points)) ** 2)))
    print(f"{name:<42} error at new points {error:.3f}")
    return error


# Functions: kernels, noise and offset are learnt; a point may lie anywhere.
model = FunctionalCP(rank=2, kernels=[Matern(1.5, 0.5)] * 3, rng=0).fit(X, y)
functional = report("functional CP, 2 terms", model.predict(points))

# Bins: the mean of each cell is an entry of a tensor, most of which is missing.
data = observe(X, y, None, 3)
for bins in (6, 12):
    tensor, centers, _ = binned(data, bins)
    fit = cp(tensor, rank=2, restarts=3, rng=0)
    edges = [(c[1:] + c[:-1]) / 2 for c in centers]
    cells = [np.searchsorted(e, p) for e, p in zip(edges, points.T, strict=True)]
    found = data.center + data.scale * fit.tensor.at(np.stack(cells, axis=1))
    report(f"CP of a table of {bins} bins per mode", found)

# An exact process: no rank limit, but the cube of the rows, and one lengthscale per coordinate.
try:
    import gpytorch
    import torch
except ImportError:
    print("exact Gaussian process: skipped, pip install 'rankloom[gp]'")
else:
    torch.manual_seed(0)
    at, values = torch.from_numpy(X), torch.from_numpy(y)
    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()

    class Exact(gpytorch.models.ExactGP):
        """A Matern 3/2 process of three coordinates."""

        def __init__(self) -> None:
            super().__init__(at, values, likelihood)
            self.mean_module = gpytorch.means.ConstantMean()
            base = gpytorch.kernels.MaternKernel(nu=1.5, ard_num_dims=3)
            self.covar_module = gpytorch.kernels.ScaleKernel(base)

        def forward(self, x: torch.Tensor) -> gpytorch.distributions.MultivariateNormal:
            """Prior at points x."""
            mean, covariance = self.mean_module(x), self.covar_module(x)
            return gpytorch.distributions.MultivariateNormal(mean, covariance)

    exact = Exact().double()
    likelihood.noise = 0.02
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, exact)
    optimiser = torch.optim.Adam(exact.parameters(), lr=0.1)
    with gpytorch.settings.fast_computations(False, False, False):
        for _ in range(15):
            optimiser.zero_grad()
            loss = -evidence(exact(at), values)
            loss.backward()
            optimiser.step()
        exact.eval()
        with torch.no_grad():
            report("exact process, 15 steps", exact(torch.from_numpy(points)).mean.numpy())
    # Kernels go both ways, and a fitted function goes out as a process of GPyTorch.
    kernel = bridge.to_gpytorch(model.kernels_[0])
    print(f"learnt, for GPyTorch: lengthscale {kernel.base_kernel.lengthscale.item():.3f}")

assert functional < 0.05
