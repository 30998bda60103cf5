"""Kernels to and from GPyTorch, and fitted functions as GPyTorch models.

GPyTorch (and torch) are loaded only when an object of theirs is given or asked for; they come with
the extra `gp`. `MaternKernel`, `ScaleKernel` around it, and sums of these are read, with their
constraint on the lengthscale and log-normal or gamma priors. Other kernels have no finite state.
"""

import math
from typing import Any

import numpy as np

from rankloom.decomposition.functional.chains import Chain
from rankloom.decomposition.functional.matern import Matern
from rankloom.decomposition.functional.priors import Gamma, LogNormal, Prior
from rankloom.decomposition.functional.processes import Kernel, KernelSum, Process, with_parts


def as_kernel(name: str, kernel: Any) -> Kernel:
    """A kernel of the house, read from one of GPyTorch's where it is given.

    Raises
    ------
    TypeError, ValueError
        Neither, or a GPyTorch kernel that is no (sum of) Matern kernels.
    """
    if isinstance(kernel, (Process, KernelSum)):
        return kernel
    if type(kernel).__module__.partition(".")[0] == "gpytorch":
        return with_parts([_read(name, *leaf) for leaf in _leaves(name, kernel)])
    raise TypeError(
        f"`{name}` must be Matern, QuasiPeriodic, Trend, a sum of them, or a GPyTorch kernel, got "
        f"{type(kernel).__name__}."
    )


def write_back(given: Any, learnt: list[Kernel]) -> None:
    """Write learnt lengthscales and variances into the GPyTorch kernels among `given`."""
    for kernel, found in zip(given or (), learnt, strict=bool(given)):
        if isinstance(kernel, (Process, KernelSum)):
            continue
        for (leaf, scale), part in zip(_leaves("", kernel), found.parts, strict=True):
            leaf.lengthscale = part.lengthscale
            if scale is not None:
                scale.outputscale = part.variance


def to_gpytorch(kernel: Kernel) -> Any:
    """The kernel as a GPyTorch object, values copied; needs the extra `gp`.

    Raises
    ------
    TypeError
        A term is no Matern kernel.
    """
    gpytorch = _gpytorch()
    parts = []
    for part in kernel.parts:
        if not isinstance(part, Matern):
            raise TypeError(f"only Matern kernels go to GPyTorch; this mode has {part.label}.")
        scaled = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=part.nu)).double()
        scaled.base_kernel.lengthscale, scaled.outputscale = part.lengthscale, part.variance
        parts.append(scaled)
    return parts[0] if len(parts) == 1 else gpytorch.kernels.AdditiveKernel(*parts)


def export(chain: Chain, r: int) -> Any:
    """One function of a mode as an `ExactGP` in evaluation mode, in double precision.

    The data's message to the function, the others at their means, is a pseudo-observation with
    mean ``eta / lam`` and variance ``1 / lam``.
    """
    gpytorch = _gpytorch()
    import torch

    lam = chain.messages.lam[:, r, r]
    others = np.delete(np.arange(chain.node_means.shape[1]), r)
    cross = np.einsum("jc,jc->j", chain.messages.lam[:, r, others], chain.node_means[:, others])
    seen = lam > 0
    targets = (chain.messages.eta[seen, r] - cross[seen]) / lam[seen]
    x = torch.from_numpy(np.ascontiguousarray(chain.nodes[seen]))
    y = torch.from_numpy(targets)
    likelihood = gpytorch.likelihoods.FixedNoiseGaussianLikelihood(torch.from_numpy(1 / lam[seen]))

    class ModeFunction(gpytorch.models.ExactGP):  # type: ignore[misc, name-defined]
        """One function of a mode."""

        def __init__(self) -> None:
            super().__init__(x, y, likelihood)
            self.mean_module = gpytorch.means.ZeroMean()
            self.covar_module = to_gpytorch(chain.kernel)

        def forward(self, points: Any) -> Any:
            mean, cov = self.mean_module(points), self.covar_module(points)
            return gpytorch.distributions.MultivariateNormal(mean, cov)

    return ModeFunction().double().eval()


def _leaves(name: str, kernel: Any) -> list[tuple[Any, Any]]:
    """Matern kernels of a GPyTorch kernel, each with the scale kernel around it or None."""
    import gpytorch

    if isinstance(kernel, gpytorch.kernels.AdditiveKernel):
        return [leaf for part in kernel.kernels for leaf in _leaves(name, part)]
    scale = None
    if isinstance(kernel, gpytorch.kernels.ScaleKernel):
        scale, kernel = kernel, kernel.base_kernel
    if not isinstance(kernel, gpytorch.kernels.MaternKernel):
        raise TypeError(
            f"`{name}` holds a {type(kernel).__name__}: only (sums of) Matern kernels have a "
            "finite state. For others use an exact Gaussian process in GPyTorch."
        )
    if kernel.lengthscale.numel() != 1:
        raise ValueError(f"`{name}` has {kernel.lengthscale.numel()} lengthscales; a mode has one.")
    return [(kernel, scale)]


def _read(name: str, leaf: Any, scale: Any) -> Matern:
    bounds = (0.0, math.inf)
    constraint = getattr(leaf, "raw_lengthscale_constraint", None)
    if constraint is not None:
        bounds = float(constraint.lower_bound), float(constraint.upper_bound)
    return Matern(
        leaf.nu,
        lengthscale=float(leaf.lengthscale.detach()),
        variance=1.0 if scale is None else float(scale.outputscale.detach()),
        lengthscale_prior=_prior(name, getattr(leaf, "lengthscale_prior", None)),
        variance_prior=_prior(name, getattr(scale, "outputscale_prior", None)),
        bounds=bounds,
    )


def _prior(name: str, prior: Any) -> Prior | None:
    if prior is None:
        return None
    kind = type(prior).__name__
    if kind == "LogNormalPrior":
        return LogNormal(float(prior.loc), float(prior.scale))
    if kind == "GammaPrior":
        return Gamma(float(prior.concentration), float(prior.rate))
    raise TypeError(f"`{name}` has a {kind}; LogNormalPrior and GammaPrior can be read.")


def _gpytorch() -> Any:
    try:
        import gpytorch
    except ImportError as err:
        raise ImportError("GPyTorch is not installed: pip install 'rankloom[gp]'.") from err
    return gpytorch
