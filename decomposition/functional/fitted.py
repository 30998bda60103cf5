"""What a fit leaves: everything that predictions, samples and further data need."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rankloom.decomposition.functional.algebra import Algebra, gather_plain, pack
from rankloom.decomposition.functional.chains import Chain, Messages
from rankloom.decomposition.functional.processes import Floats, Kernel
from rankloom.decomposition.functional.robust import spread_of_t

_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Posterior:
    """The approximate posterior: messages per unique coordinate, ``sum_k J_k R_k^2`` numbers.

    Attributes
    ----------
    algebra : Algebra
    nodes : K arrays (J_k,)
    kernels : K kernels
    lam, eta : K arrays (J_k, R_k, R_k), (J_k, R_k)
    core, core_cov : (D,), (D, D) arrays
    core_fixed, noise_fixed : bool
    noise : (float, float)
        Shape and rate of the gamma distribution of the precision.
    center, scale : float
        ``y = center + scale * f``.
    dof : float or None
        Degrees of freedom of Student-t noise.
    """

    algebra: Algebra
    nodes: Sequence[Floats]
    kernels: Sequence[Kernel]
    lam: Sequence[Floats]
    eta: Sequence[Floats]
    core: Floats
    core_cov: Floats
    core_fixed: bool
    noise: tuple[float, float]
    noise_fixed: bool
    center: float
    scale: float
    dof: float | None = None

    @cached_property
    def chains(self) -> list[Chain]:
        """Smoothed chains, made when they are first asked for."""
        return [
            Chain.run(kernel, nodes, Messages.of(lam, eta))
            for kernel, nodes, lam, eta in zip(
                self.kernels, self.nodes, self.lam, self.eta, strict=True
            )
        ]

    @property
    def noise_std(self) -> float:
        """Standard deviation of the noise, in the units of y."""
        shape, rate = self.noise
        return self.scale * float((spread_of_t(self.dof) * rate / shape) ** 0.5)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of the function at points (n, K), in the units of y."""
        mean, square = np.empty(len(points)), np.empty(len(points))
        second = self.core_cov + np.multiply.outer(self.core, self.core)
        tables, places = [], []
        for k, chain in enumerate(self.chains):
            at, place = np.unique(points[:, k], return_inverse=True)
            m, v = chain.at(at)
            tables.append((m, pack(v) + pack(m[:, :, None] * m[:, None, :])))
            places.append(place)
        for start in range(0, len(points), _ROWS):
            part = slice(start, start + _ROWS)
            means = [t[0][p[part]] for t, p in zip(tables, places, strict=True)]
            moments = [t[1][p[part]] for t, p in zip(tables, places, strict=True)]
            mean[part], square[part] = self.algebra.moments(self.core, second, means, moments)
        variance = np.maximum(square - mean**2, 0.0)
        return self.center + self.scale * mean, self.scale**2 * variance

    def sample(self, points: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws (count, n) of the function, in the units of y."""
        draws, places = [], []
        for k, chain in enumerate(self.chains):
            at, place = np.unique(points[:, k], return_inverse=True)
            draws.append(chain.sample(at, count, rng))
            places.append(place)
        index = np.stack(places, axis=1)
        values, vectors = np.linalg.eigh(self.core_cov)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        out = np.empty((count, len(points)))
        for i in range(count):
            core = self.core + root @ rng.standard_normal(len(self.core))
            tables = [d[i] for d in draws]
            for start in range(0, len(points), _ROWS):
                rows = index[start : start + _ROWS]
                joined = gather_plain(tables, rows, np.ones(len(rows)), self.algebra.kron)
                out[i, start : start + _ROWS] = joined @ core
        return self.center + self.scale * out

    def mode_function(self, mode: int, points: Any) -> tuple[Floats, Floats]:
        """Mean and standard deviation (n, R_k) of the functions of one mode."""
        mean, cov = self.chains[mode].at(points)
        return mean, np.sqrt(np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0.0))
