"""Kernels beyond Matern: seasons that change slowly, and straight lines.

Their dense `covariance` is the oracle of their state spaces.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rankloom.decomposition.functional.matern import Matern
from rankloom.decomposition.functional.priors import Prior
from rankloom.decomposition.functional.processes import Floats, Process, blocks, summed


@dataclass(frozen=True)
class QuasiPeriodic(Process):
    """A periodic kernel times a Matern kernel: seasons whose form changes over `lengthscale`.

    The periodic factor ``exp(-2 sin^2(pi t / period) / shape^2)`` is a cosine series whose
    coefficients are Bessel functions, cut off after `harmonics` and scaled to 1 at t = 0
    (A. Solin, S. Särkkä, AISTATS 2014). The state has ``(nu + 1/2) (1 + 2 harmonics)`` entries, and
    the cost of a mode grows with its cube.

    Parameters
    ----------
    period, lengthscale : float
        In the units of the coordinate.
    variance : float, default 1
    shape : float, default 1
        Lengthscale of the periodic factor, without unit: small for sharp seasons, which need more
        harmonics (6 are exact to 1e-5 for 1, to 4e-3 for 0.5).
    nu : float, default 0.5
        Order of the Matern kernel.
    harmonics : int, default 6
    lengthscale_prior, variance_prior, bounds
        As for `Matern`.

    Examples
    --------
    >>> kernel = QuasiPeriodic(period=1.0, lengthscale=50.0)
    >>> bool(np.isclose(kernel.covariance([0.0], [3.0])[0, 0], np.exp(-3 / 50)))
    True
    """

    period: float
    lengthscale: float
    variance: float = 1.0
    shape: float = 1.0
    nu: float = 0.5
    harmonics: int = 6
    lengthscale_prior: Prior | None = None
    variance_prior: Prior | None = None
    bounds: tuple[float, float] = (0.0, math.inf)

    scales: ClassVar[tuple[str, ...]] = ("lengthscale", "shape", "period")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.harmonics, int) or self.harmonics < 1:
            raise ValueError(f"`harmonics` must be an integer >= 1, got {self.harmonics!r}.")
        self._decay()  # checks nu

    @property
    def truncation(self) -> float:
        """Part of the variance of the exact periodic factor beyond the harmonics."""
        return float(1 - self._series().sum())

    @property
    def label(self) -> str:
        """Name, period and lengthscale, short."""
        return f"QuasiPeriodic({self.period:.4g}) {self.lengthscale:.4g}"

    @property
    def state_size(self) -> int:
        """Size d of the state."""
        return self._decay().state_size * (1 + 2 * self.harmonics)

    def prior(self, points: Any) -> Floats:
        """Covariances (n, d, d) of the state at points (n,) that no data inform: all the same."""
        return self._joined(self._decay().prior(points))

    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, d, d) each, over `gaps` (n,) >= 0."""
        gaps = np.asarray(gaps, dtype=np.float64)
        a, q = self._decay().transition(gaps)
        turned = [a]
        for j in range(1, self.harmonics + 1):
            angle = 2 * np.pi * j / self.period * gaps
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            product = np.einsum("xyn,nik->nxiyk", turn, a)
            turned.append(product.reshape(len(gaps), 2 * a.shape[1], -1))
        add, subtract = summed([block.shape[1] for block in turned])
        return add @ blocks(turned) @ subtract, self._joined(q)

    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""
        angle = 2 * np.pi / self.period * np.subtract.outer(np.asarray(x, float), y)
        series = sum(w * np.cos(j * angle) for j, w in enumerate(self._weights()))
        return np.asarray(series * self._decay().covariance(x, y))

    def _decay(self) -> Matern:
        return Matern(self.nu, self.lengthscale, self.variance)

    def _series(self) -> Floats:
        """Coefficients (1 + harmonics,) of the cosine series, which would sum to 1."""
        from scipy.special import ive

        orders = np.arange(self.harmonics + 1)
        return np.asarray(np.where(orders > 0, 2.0, 1.0) * ive(orders, self.shape**-2))

    def _weights(self) -> Floats:
        """The same, scaled to sum to 1."""
        series = self._series()
        return np.asarray(series / series.sum())

    def _joined(self, cov: Floats) -> Floats:
        """Covariance of the whole state from that of the Matern state."""
        first, *others = self._weights()
        parts = [first * cov, *(w * cov for w in others for _ in range(2))]
        size = cov.shape[-1]
        add, _ = summed([size, *[2 * size] * self.harmonics])
        return np.asarray(add @ blocks(parts) @ add.T)


@dataclass(frozen=True)
class Trend(Process):
    """A straight line: ``variance (1 + (t - center) (t' - center) / lengthscale^2)``.

    Goes on beyond the data, with an error that grows. Add it to another kernel.

    Parameters
    ----------
    center : float, default 0
        Where height and slope are independent a priori: the middle of the data, say.
    lengthscale : float, default 1
        Distance over which the line is expected to rise by its height.
    variance : float, default 1
        Of the height at the center.
    lengthscale_prior, variance_prior, bounds
        As for `Matern`.

    Examples
    --------
    >>> (Matern(1.5) + Trend(center=2000.0, lengthscale=30.0)).state_size
    4
    """

    center: float = 0.0
    lengthscale: float = 1.0
    variance: float = 1.0
    lengthscale_prior: Prior | None = None
    variance_prior: Prior | None = None
    bounds: tuple[float, float] = (0.0, math.inf)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isfinite(self.center):
            raise ValueError(f"`center` must be finite, got {self.center!r}.")

    @property
    def state_size(self) -> int:
        """Size d of the state: height, and rise over a lengthscale."""
        return 2

    def prior(self, points: Any) -> Floats:
        """Covariances (n, 2, 2) of the state at points (n,) that no data inform."""
        x = (np.asarray(points, dtype=np.float64) - self.center) / self.lengthscale
        one = np.ones_like(x)
        return np.asarray(self.variance * np.array([[one + x * x, x], [x, one]]).transpose(2, 0, 1))

    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, 2, 2) each, over `gaps` (n,) >= 0; a line has no noise."""
        a = np.repeat(np.eye(2)[None], len(gaps), axis=0)
        a[:, 0, 1] = np.asarray(gaps) / self.lengthscale
        return a, np.zeros_like(a)

    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""
        left, right = ((np.asarray(t, float) - self.center) / self.lengthscale for t in (x, y))
        return np.asarray(self.variance * (1 + np.multiply.outer(left, right)))
