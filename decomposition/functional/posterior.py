"""The parts of the approximate posterior beside the chains: core, component precisions, noise.

Each knows its update in closed form and its Kullback-Leibler divergence from its prior.
"""

from dataclasses import dataclass, field

import numpy as np

from rankloom.decomposition.functional.processes import Floats

_FLAT = 1e-3  # shape and rate of the gamma priors: data of unit variance overrule them


@dataclass
class Noise:
    """Precision tau of the noise, ``q = Gamma(shape, rate)``; known for sure when `fixed`."""

    shape: float
    rate: float
    prior: tuple[float, float] = (_FLAT, _FLAT)
    fixed: bool = False

    @property
    def mean(self) -> float:
        """``E[tau]``."""
        return self.shape / self.rate

    @property
    def log_mean(self) -> float:
        """``E[log tau]``."""
        from scipy.special import digamma

        if self.fixed:
            return float(np.log(self.mean))
        return float(digamma(self.shape) - np.log(self.rate))

    def update(self, count: float, misfit: float, step: float = 1.0) -> None:
        """From the number of observations and the expected sum of squared residuals.

        A `step` below 1 goes that part of the way in natural parameters.
        """
        if not self.fixed:
            self.shape = (1 - step) * self.shape + step * (self.prior[0] + count / 2)
            self.rate = (1 - step) * self.rate + step * (self.prior[1] + misfit / 2)

    def divergence(self) -> float:
        """Kullback-Leibler divergence from the prior."""
        if self.fixed:
            return 0.0
        return float(gamma_divergence(self.shape, self.rate, *self.prior))


@dataclass
class Relevance:
    """Precisions of the components: a gamma variable for every index of every axis of the core.

    An entry of the core has the product of its indices' precisions. Components that the data do
    not ask for are driven to zero (automatic relevance determination).
    """

    sizes: tuple[int, ...]
    shapes: list[Floats] = field(default_factory=list)
    rates: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.shapes:
            total = int(np.prod(self.sizes))
            self.shapes = [np.full(n, _FLAT + total / n / 2) for n in self.sizes]
            self.rates = [shape.copy() for shape in self.shapes]

    def precision(self) -> Floats:
        """Expected precision (D,) of the entries of the core."""
        out = np.ones(1)
        for shape, rate in zip(self.shapes, self.rates, strict=True):
            out = np.multiply.outer(out, shape / rate).ravel()
        return out

    def log_precision(self) -> float:
        """Sum over the entries of the expected logarithm of the precision."""
        from scipy.special import digamma

        total = int(np.prod(self.sizes))
        return float(
            sum(
                (digamma(s) - np.log(r)).sum() * total / len(s)
                for s, r in zip(self.shapes, self.rates, strict=True)
            )
        )

    def update(self, squares: Floats) -> None:
        """From the expected squares (D,) of the entries of the core, axis after axis."""
        squares = squares.reshape(self.sizes)
        for k in range(len(self.sizes)):
            weighted = squares
            for m, (shape, rate) in enumerate(zip(self.shapes, self.rates, strict=True)):
                if m != k:
                    along = [-1 if i == m else 1 for i in range(len(self.sizes))]
                    weighted = weighted * (shape / rate).reshape(along)
            others = tuple(m for m in range(len(self.sizes)) if m != k)
            self.rates[k] = _FLAT + weighted.sum(axis=others) / 2

    def divergence(self) -> float:
        """Kullback-Leibler divergence from the priors."""
        return float(
            sum(
                gamma_divergence(s, r, _FLAT, _FLAT).sum()
                for s, r in zip(self.shapes, self.rates, strict=True)
            )
        )


@dataclass
class Core:
    """Core tensor or weights w (D,): ``q = N(mean, cov)``; known for sure when `fixed`."""

    mean: Floats
    cov: Floats
    fixed: bool = False
    prior_mean: Floats | None = None
    prior_precision: Floats | None = None
    relevance: Relevance | None = None
    second: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._refresh()

    def _refresh(self) -> None:
        self.second = self.cov + np.multiply.outer(self.mean, self.mean)

    def _prior(self) -> tuple[Floats, Floats, float]:
        """Mean, precision and its (expected) log determinant."""
        size = len(self.mean)
        if self.prior_mean is not None and self.prior_precision is not None:
            det = float(np.linalg.slogdet(self.prior_precision)[1])
            return self.prior_mean, self.prior_precision, det
        if self.relevance is not None:
            diagonal = self.relevance.precision()
            return np.zeros(size), np.diag(diagonal), self.relevance.log_precision()
        return np.zeros(size), np.eye(size), 0.0

    def update(self, precision: float, total: Floats, linear: Floats, step: float = 1.0) -> None:
        """From ``sum E[v v']`` and ``sum y E[v]``, times the expected precision of the noise.

        A `step` below 1 goes that part of the way in natural parameters.
        """
        if self.fixed:
            return
        before, inverse, _ = self._prior()
        sharp, tilt = inverse + precision * total, inverse @ before + precision * linear
        if step < 1:
            now = (1 - step) * np.linalg.inv(self.cov)
            sharp, tilt = now + step * sharp, now @ self.mean + step * tilt
        root = np.linalg.cholesky(sharp)
        half = np.linalg.solve(root, np.eye(len(root)))
        self.cov = half.T @ half
        self.mean = self.cov @ tilt
        self._refresh()
        if self.relevance is not None:
            self.relevance.update(np.diag(self.second))

    def divergence(self) -> float:
        """Kullback-Leibler divergence from the prior, precisions of components included."""
        if self.fixed:
            return 0.0
        before, inverse, det = self._prior()
        shift = self.mean - before
        square = float(np.sum(inverse * self.cov) + shift @ inverse @ shift)
        entropy = float(np.linalg.slogdet(self.cov)[1])
        own = 0.5 * (square - len(shift) - entropy - det)
        return own if self.relevance is None else own + self.relevance.divergence()


def gamma_divergence(a: Floats | float, b: Floats | float, a0: float, b0: float) -> Floats:
    """Kullback-Leibler divergence of gamma distributions with shapes a, a0 and rates b, b0."""
    from scipy.special import digamma, gammaln

    return np.asarray(
        (a - a0) * digamma(a)
        - gammaln(a)
        + gammaln(a0)
        + a0 * np.log(b / np.float64(b0))
        + a * (b0 - b) / b
    )
