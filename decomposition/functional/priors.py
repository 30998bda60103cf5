"""Priors of kernel parameters, added to the evidence bound as maximum-a-posteriori terms."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Prior(Protocol):
    """A density of a positive number."""

    def log_density(self, value: float) -> float:
        """Logarithm of the density at `value` > 0."""


@dataclass(frozen=True)
class LogNormal:
    """The logarithm is normal, with mean `loc` and standard deviation `scale`.

    Examples
    --------
    >>> import math
    >>> round(LogNormal(0.0, 1.0).log_density(1.0) + 0.5 * math.log(2 * math.pi), 12)
    0.0
    """

    loc: float
    scale: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.loc) and 0 < self.scale < math.inf):
            raise ValueError(
                f"a log-normal prior needs a finite `loc` and `scale` > 0, got {self}."
            )

    def log_density(self, value: float) -> float:
        """Logarithm of the density at `value` > 0."""
        z = (math.log(value) - self.loc) / self.scale
        return -0.5 * z * z - math.log(value * self.scale) - 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Gamma:
    """Shape `concentration` and inverse scale `rate`: the mean is concentration / rate."""

    concentration: float
    rate: float

    def __post_init__(self) -> None:
        if not (0 < self.concentration < math.inf and 0 < self.rate < math.inf):
            raise ValueError(f"both numbers of a gamma prior must be > 0, got {self}.")

    def log_density(self, value: float) -> float:
        """Logarithm of the density at `value` > 0."""
        a, b = self.concentration, self.rate
        return a * math.log(b) - math.lgamma(a) + (a - 1) * math.log(value) - b * value
