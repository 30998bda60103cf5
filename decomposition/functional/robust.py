"""Student-t noise: normal noise whose precision has a gamma factor of its own in every row."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from rankloom.decomposition.functional.posterior import gamma_divergence
from rankloom.decomposition.functional.processes import Floats


def spread_of_t(dof: float | None) -> float:
    """Variance of Student-t noise of unit scale; 1 for None, normal noise."""
    return 1.0 if dof is None else dof / (dof - 2)


@dataclass
class Robust:
    """Factors omega (N,) of the precision, ``p = Gamma(dof / 2, dof / 2)``.

    With ``y ~ N(f, 1 / (tau omega))``, y is Student-t with `dof` degrees of freedom around f. Rows
    far from f get a small omega and hardly count.

    Attributes
    ----------
    dof : float
    means : (N,) array
        ``E[omega]``.
    evidence : float
        Weighted sum of ``E[log omega] / 2`` less the divergence from the prior.
    """

    dof: float
    means: Floats
    evidence: float

    @classmethod
    def start(cls, dof: float, weights: Floats) -> Self:
        """The prior."""
        from scipy.special import digamma

        log_mean = digamma(dof / 2) - np.log(dof / 2)
        return cls(dof, np.ones_like(weights), float(0.5 * log_mean * weights.sum()))

    def update(self, weights: Floats, squares: Floats, precision: float) -> None:
        """From expected squared residuals (N,) and the expected precision tau."""
        from scipy.special import digamma

        half = self.dof / 2
        shape, rates = half + 0.5, half + 0.5 * precision * squares
        self.means = shape / rates
        gain = 0.5 * (digamma(shape) - np.log(rates)) - gamma_divergence(shape, rates, half, half)
        self.evidence = float(weights @ gain)
