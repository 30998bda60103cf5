"""What kernels with a finite state share, and their sums.

A kernel is the covariance of a Gaussian process u(t) that is the first entry of a state s of d
numbers, a Markov process: over a gap the state is multiplied by A and receives independent noise of
covariance Q (J. Hartikainen, S. Särkkä, doi:10.1109/MLSP.2010.5589113).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.functional.priors import Prior

Floats = NDArray[np.float64]


class Process(ABC):
    """A term of a sum of kernels; each is a dataclass with at least these fields.

    Attributes
    ----------
    lengthscale, variance : float
    lengthscale_prior, variance_prior : LogNormal, Gamma or None
        Weigh in when kernels are learnt.
    bounds : (float, float)
        The lengthscale stays between them.
    """

    lengthscale: float
    variance: float
    lengthscale_prior: Prior | None
    variance_prior: Prior | None
    bounds: tuple[float, float]

    scales: ClassVar[tuple[str, ...]] = ("lengthscale",)
    """Parameters that can always be learnt; whether the variance can be, the model knows."""

    def __post_init__(self) -> None:
        for name in (*self.scales, "variance"):
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
    def parts(self) -> tuple["Process", ...]:
        """The kernel itself, as the only term of a sum."""
        return (self,)

    @property
    def label(self) -> str:
        """Name and lengthscale, short."""
        return f"{type(self).__name__} {self.lengthscale:.4g}"

    @property
    @abstractmethod
    def state_size(self) -> int:
        """Size d of the state."""

    @property
    def truncation(self) -> float:
        """Part of the variance that a series cut off has left out."""
        return 0.0

    @abstractmethod
    def prior(self, points: Any) -> Floats:
        """Covariances (n, d, d) of the state at points (n,) that no data inform."""

    @abstractmethod
    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, d, d) each, over `gaps` (n,) >= 0."""

    @abstractmethod
    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""

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
    """Sum of independent processes; written ``Matern(0.5) + Matern(1.5)``.

    Parameters
    ----------
    parts : sequence of Matern, QuasiPeriodic, Trend
    """

    parts: tuple[Process, ...]

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        if len(parts) < 2 or not all(isinstance(p, Process) for p in parts):
            raise TypeError(f"`parts` must be at least two kernels, got {parts!r}.")
        object.__setattr__(self, "parts", parts)

    def __add__(self, other: "Kernel") -> "KernelSum":
        return KernelSum((*self.parts, *other.parts))

    @property
    def state_size(self) -> int:
        """Size of the stacked state."""
        return sum(p.state_size for p in self.parts)

    def prior(self, points: Any) -> Floats:
        """Covariances (n, d, d) of the state at points (n,) that no data inform."""
        add, _ = summed([p.state_size for p in self.parts])
        return np.asarray(add @ blocks([p.prior(points) for p in self.parts]) @ add.T)

    def transition(self, gaps: Any) -> tuple[Floats, Floats]:
        """A and Q, (n, d, d) each, over `gaps` (n,) >= 0."""
        pairs = [p.transition(gaps) for p in self.parts]
        add, subtract = summed([p.state_size for p in self.parts])
        a, q = blocks([a for a, _ in pairs]), blocks([q for _, q in pairs])
        return add @ a @ subtract, add @ q @ add.T

    def covariance(self, x: Any, y: Any) -> Floats:
        """Dense matrix of covariances between points x (n,) and y (m,)."""
        return np.asarray(sum(p.covariance(x, y) for p in self.parts))

    def log_prior(self) -> float:
        """Sum of the logarithms of the prior densities."""
        return sum(p.log_prior() for p in self.parts)


Kernel = Process | KernelSum


def with_parts(parts: Sequence[Process]) -> Kernel:
    """One kernel from the terms of a sum."""
    return parts[0] if len(parts) == 1 else KernelSum(tuple(parts))


def summed(sizes: Sequence[int]) -> tuple[Floats, Floats]:
    """Matrix that puts the sum of the first entries of stacked states first, and its inverse."""
    add = np.eye(sum(sizes))
    add[0, np.cumsum(sizes[:-1])] = 1.0
    return add, 2 * np.eye(len(add)) - add


def blocks(parts: Sequence[Floats]) -> Floats:
    """Block-diagonal matrices (n, d, d)."""
    d, n = sum(p.shape[1] for p in parts), len(parts[0])
    out, at = np.zeros((n, d, d)), 0
    for p in parts:
        end = at + p.shape[1]
        out[:, at:end, at:end] = p
        at = end
    return out
