"""What the solvers return: the tensor, its exact error, how the solver got there and ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.tensor import FactoredTensor
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T = TypeVar("T", bound=FactoredTensor)


@dataclass(frozen=True, eq=False)
class Fit(Generic[T]):
    """A tensor fitted to data.

    Attributes
    ----------
    tensor : TuckerTensor or CPTensor
    error : float
        Exact relative Frobenius error ``|x - tensor| / |x|``, of the observed entries where some
        are missing; both norms count entries by their weights where `weights` were given.
    errors : (sweeps,) array
        The same after every sweep of the start that was kept; one entry for direct methods.
    outcome : Outcome
        How the solver ended; its value is advice.
    starts : (starts,) array
        Final error of every start; `error` belongs to the best.
    settings : mapping
        The arguments the solver ran with.
    held_out_error : float or None
        Relative error on entries that were kept back, if any were.
    """

    tensor: T
    error: float
    errors: NDArray[np.float64]
    outcome: Outcome
    starts: NDArray[np.float64]
    settings: Mapping[str, Any] = field(default_factory=dict)
    held_out_error: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the solver reached what it was asked for."""
        return self.outcome.ok

    @property
    def sweeps(self) -> int:
        """Number of sweeps of the start that was kept."""
        return len(self.errors)

    def plot_errors(self, ax: "Axes | None" = None) -> "Axes":
        """Relative error after every sweep, on a logarithmic axis."""
        from rankloom.decomposition.plots import plot_errors

        return plot_errors(self.errors, ax)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.tensor!r}, error={self.error:.3g}, "
            f"{self.outcome.name} after {self.sweeps} sweeps)"
        )

    def _repr_html_(self) -> str:
        return (
            f"{self.tensor._repr_html_()}<p>relative error {self.error:.3g}; "  # type: ignore[attr-defined]
            f"{self.outcome.name} after {self.sweeps} sweeps: {escape(self.outcome.value)}</p>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class TuckerFit(Fit[TuckerTensor]):
    """Result of `tucker`, with orthonormal factors, and of `nonnegative_tucker`; see `Fit`."""
