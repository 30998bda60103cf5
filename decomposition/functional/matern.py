"""Matern kernels, and sums of them, as linear stochastic differential equations.

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
gamma functions (derived here), keep them. Sources of the state-space form: J. Hartikainen,
S. Särkkä, doi:10.1109/MLSP.2010.5589113.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.functional.priors import Prior

Floats = NDArray[np.float64]

_ORDERS = (0.5, 1.5, 2.5)


@dataclass(frozen=True)
class Matern:
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
                "RBF and periodic kernels need a dense Gaussian process, as in GPyTorch."
            )
        for name in ("lengthscale", "variance"):
            value = getattr(self, name)
            if not isinstance(value, (int, float, np.floating, np.integer)):
                raise TypeError(f"`{name}` must be a number > 0, got {value!r}.")
            if not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be a finite number > 0, got {value}.")
            object.__setattr__(self, name, float(value))
        low, high = self.bounds
        if not 0 <= low < high or not low <= self.lengthscale <= high:
            raise ValueError(
                f"`bounds` must be two numbers 0 <= low < high around the lengthscale "
                f"{self.lengthscale}, got {self.bounds}."
            )
        for name in ("lengthscale_prior", "variance_prior"):
            prior = getattr(self, name)
            if prior is not None and not isinstance(prior, Prior):
                raise TypeError(f"`{name}` must be LogNormal, Gamma or None, got {prior!r}.")

    def __add__(self, other: "Kernel") -> "KernelSum":
        return KernelSum((self, *other.parts))

    @property
    def parts(self) -> tuple["Matern", ...]:
        """The kernel itself, as the only term of a sum."""
        return (self,)

    @property
    def state_size(self) -> int:
        """Size d of the state."""
        return round(self.nu + 0.5)

    @property
    def total_variance(self) -> float:
        """Variance of u at a point."""
        return self.variance

    def stationary(self) -> Floats:
        """Covariance (d, d) of the state far from all data."""
        return self.variance * _STATIONARY[self.nu]

    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, d, d) each, over `gaps` (n,) >= 0."""
        a = math.sqrt(2 * self.nu) / self.lengthscale * np.asarray(gaps, dtype=np.float64)
        d, step = self.state_size, _NILPOTENT[self.nu]
        out, power = np.zeros((len(a), d, d)), np.eye(d)
        scale = np.exp(-a)
        for i in range(d):
            out += scale[:, None, None] * power
            power, scale = power @ step / (i + 1), scale * a
        return out, self.variance * _NOISE[self.nu](a)

    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""
        distance = np.abs(np.subtract.outer(np.asarray(x, float), np.asarray(y, float)))
        a = math.sqrt(2 * self.nu) / self.lengthscale * distance
        shape = {0.5: 1.0, 1.5: 1 + a, 2.5: 1 + a + a**2 / 3}[self.nu]
        return np.asarray(self.variance * shape * np.exp(-a))

    def log_prior(self) -> float:
        """Sum of the logarithms of the prior densities."""
        total = 0.0
        if self.lengthscale_prior is not None:
            total += self.lengthscale_prior.log_density(self.lengthscale)
        if self.variance_prior is not None:
            total += self.variance_prior.log_density(self.variance)
        return total


@dataclass(frozen=True)
class KernelSum:
    """Sum of independent Matern processes; written ``Matern(0.5) + Matern(1.5)``.

    Parameters
    ----------
    parts : sequence of Matern
    """

    parts: tuple[Matern, ...]

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        if len(parts) < 2 or not all(isinstance(p, Matern) for p in parts):
            raise TypeError(f"`parts` must be at least two Matern kernels, got {parts!r}.")
        object.__setattr__(self, "parts", parts)

    def __add__(self, other: "Kernel") -> "KernelSum":
        return KernelSum((*self.parts, *other.parts))

    @property
    def state_size(self) -> int:
        """Size of the stacked state."""
        return sum(p.state_size for p in self.parts)

    @property
    def total_variance(self) -> float:
        """Variance of u at a point."""
        return sum(p.variance for p in self.parts)

    def stationary(self) -> Floats:
        """Covariance (d, d) of the state far from all data."""
        add, _ = self._sum()
        return np.asarray(add @ _blocks([p.stationary()[None] for p in self.parts])[0] @ add.T)

    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, d, d) each, over `gaps` (n,) >= 0."""
        pairs = [p.transition(gaps) for p in self.parts]
        add, subtract = self._sum()
        a, q = _blocks([a for a, _ in pairs]), _blocks([q for _, q in pairs])
        return add @ a @ subtract, add @ q @ add.T

    def _sum(self) -> tuple[Floats, Floats]:
        """Matrix that puts the sum of all terms in place of the first, and its inverse."""
        firsts = np.cumsum([p.state_size for p in self.parts[:-1]])
        add = np.eye(self.state_size)
        add[0, firsts] = 1.0
        return add, 2 * np.eye(self.state_size) - add

    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""
        return np.asarray(sum(p.covariance(x, y) for p in self.parts))

    def log_prior(self) -> float:
        """Sum of the logarithms of the prior densities."""
        return sum(p.log_prior() for p in self.parts)


Kernel = Matern | KernelSum


def with_parts(parts: Sequence[Matern]) -> Kernel:
    """One kernel from the terms of a sum."""
    return parts[0] if len(parts) == 1 else KernelSum(tuple(parts))


def _blocks(parts: Sequence[Floats]) -> Floats:
    d, n = sum(p.shape[1] for p in parts), len(parts[0])
    out, at = np.zeros((n, d, d)), 0
    for p in parts:
        end = at + p.shape[1]
        out[:, at:end, at:end] = p
        at = end
    return out


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
