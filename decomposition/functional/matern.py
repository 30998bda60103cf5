"""Matern kernels as linear stochastic differential equations.

A Gaussian process u(t) with a Matern kernel of half-integer order nu is the first entry of a state
s of d = nu + 1/2 numbers that follows ``ds = F s dt + L dB``. Over a gap the state is
multiplied by A and receives noise of covariance Q:

=========  =====================================================================
symbol     meaning
=========  =====================================================================
``lam``    ``sqrt(2 nu) / lengthscale``
``s``      ``(u, u'/lam, u''/lam^2)``: derivatives in units of the lengthscale
``A``      ``exp(-a) sum_i (a N)^i / i!`` with ``a = lam gap`` and N nilpotent
``Q``      ``P - A P A'``, in closed form
``P``      stationary covariance; the state left of all data
=========  =====================================================================

The subtraction in Q would lose all digits at small gaps; the closed forms, regularised incomplete
gamma functions (derived here), keep them.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankloom.decomposition.functional.priors import Prior
from rankloom.decomposition.functional.processes import Floats, Process

_ORDERS = (0.5, 1.5, 2.5)


@dataclass(frozen=True)
class Matern(Process):
    """Matern kernel of order 1/2, 3/2 or 5/2.

    Parameters
    ----------
    nu : float
        0.5 for rough functions (exponential kernel), 1.5 once, 2.5 twice differentiable ones.
    lengthscale : float, default 1
        In the units of the coordinate; where it starts when kernels are learnt.
    variance : float, default 1
    lengthscale_prior, variance_prior : LogNormal, Gamma or None
        Weigh in when kernels are learnt.
    bounds : (float, float), default (0, inf)
        The lengthscale stays between them.

    Examples
    --------
    >>> kernel = Matern(0.5, lengthscale=2.0)
    >>> bool(np.isclose(kernel.covariance([0.0], [2.0])[0, 0], np.exp(-1)))
    True
    >>> (Matern(0.5) + Matern(1.5, lengthscale=10.0)).state_size
    3
    """

    nu: float
    lengthscale: float = 1.0
    variance: float = 1.0
    lengthscale_prior: Prior | None = None
    variance_prior: Prior | None = None
    bounds: tuple[float, float] = (0.0, math.inf)

    def __post_init__(self) -> None:
        if self.nu not in _ORDERS:
            raise ValueError(
                f"`nu` must be 0.5, 1.5 or 2.5, got {self.nu!r}: only these have a finite state. "
                "RBF kernels need a dense Gaussian process, as in GPyTorch."
            )
        super().__post_init__()

    @property
    def label(self) -> str:
        """Name and lengthscale, short."""
        return f"Matern({self.nu:g}) {self.lengthscale:.4g}"

    @property
    def state_size(self) -> int:
        """Size d of the state."""
        return round(self.nu + 0.5)

    def prior(self, points: Any) -> Floats:
        """Covariances (n, d, d) of the state at points (n,) that no data inform: all the same."""
        return np.repeat(self.variance * _STATIONARY[self.nu][None], len(points), axis=0)

    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, d, d) each, over `gaps` (n,) >= 0."""
        a = math.sqrt(2 * self.nu) / self.lengthscale * np.asarray(gaps, dtype=np.float64)
        scale = np.exp(-a)
        out = scale[:, None, None] * np.eye(self.state_size)
        power = _NILPOTENT[self.nu]
        for i in range(1, self.state_size):
            scale = scale * a / i
            out += scale[:, None, None] * power
            power = power @ _NILPOTENT[self.nu]
        return out, self.variance * _NOISE[self.nu](a)

    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""
        distance = np.abs(np.subtract.outer(np.asarray(x, float), np.asarray(y, float)))
        a = math.sqrt(2 * self.nu) / self.lengthscale * distance
        shape = {0.5: 1.0, 1.5: 1 + a, 2.5: 1 + a + a**2 / 3}[self.nu]
        return np.asarray(self.variance * shape * np.exp(-a))


def _noise_half(a: Floats) -> Floats:
    return np.asarray(-np.expm1(-2 * a))[:, None, None]


def _noise_three_halves(a: Floats) -> Floats:
    from scipy.special import gammainc

    p1, p2, p3 = (gammainc(n, 2 * a) for n in (1, 2, 3))
    cross = 2 * a**2 * np.exp(-2 * a)
    return _symmetric([[p3], [cross, 2 * p1 - 2 * p2 + p3]])


def _noise_five_halves(a: Floats) -> Floats:
    from scipy.special import gammainc

    p1, p2, p3, p4, p5 = (gammainc(n, 2 * a) for n in (1, 2, 3, 4, 5))
    e = np.exp(-2 * a)
    return _symmetric(
        [
            [p5],
            [2 / 3 * a**4 * e, 4 / 3 * p3 - 2 * p4 + p5],
            [
                2 / 3 * p3 - 2 * p4 + p5,
                8 / 3 * a**2 * (1 - a / 2) ** 2 * e,
                8 / 3 * p1 - 16 / 3 * p2 + 20 / 3 * p3 - 4 * p4 + p5,
            ],
        ]
    )


def _symmetric(rows: list[list[Floats]]) -> Floats:
    d = len(rows)
    out = np.empty((len(rows[0][0]), d, d))
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            out[:, i, j] = out[:, j, i] = value
    return out


_NOISE = {0.5: _noise_half, 1.5: _noise_three_halves, 2.5: _noise_five_halves}
_STATIONARY = {
    0.5: np.eye(1),
    1.5: np.eye(2),
    2.5: np.array([[1, 0, -1 / 3], [0, 1 / 3, 0], [-1 / 3, 0, 1]]),
}
_NILPOTENT = {
    0.5: np.zeros((1, 1)),
    1.5: np.array([[1.0, 1], [-1, -1]]),
    2.5: np.array([[1.0, 1, 0], [0, 1, 1], [-1, -3, -2]]),
}
