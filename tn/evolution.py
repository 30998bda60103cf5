"""What an evolution gives."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.checkpoint import Log
from rankloom.tn.mps import MPS


@dataclass(frozen=True, eq=False)
class Evolution:
    """An evolved state, what the way there took, and what was recorded.

    Attributes
    ----------
    state : MPS
        The final state, canonical, with the norm of the initial one (imaginary time: norm one).
    times : (steps + 1,) array
        0, dt, .., time.
    discarded : (half layers,) or (steps,) array
        Relative discarded weight of each half layer (TEBD) or step (TDVP), summed over its bonds.
    truncation_error : float
        Sum of all discarded weights.
    error_bound : float or None
        Sum over all cuts of ``sqrt(weight)``, and for TDVP the sum over steps of
        ``|dt| projection_errors``: bounds the norm of the error of the normalised state that
        truncation and projection caused (not the splitting of a step), to leading order in both.
        None in imaginary time, where the flow itself damps errors and no such bound holds.
    energies : (steps + 1,) array or None
        ``<H>`` of the normalised state at all times. TDVP conserves it in real time, so its drift
        measures truncation and splitting. None for TEBD in real time.
    projection_errors : (steps,) array or None
        TDVP: ``|(1 - P) H|psi>|`` of the normalised state at the start of each step, after bonds
        have grown; P projects on the tangent space. See `rankloom.tn.subspace`.
    observed : dict of str to (steps + 1, ...) array
        Values of `observe` at all times.
    """

    state: MPS
    times: NDArray[np.float64]
    discarded: NDArray[np.float64]
    truncation_error: float
    error_bound: float | None
    energies: NDArray[np.float64] | None = None
    projection_errors: NDArray[np.float64] | None = None
    observed: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"Evolution({self.state!r}, time={self.times[-1]:g}, steps={len(self.times) - 1}, "
            f"truncation_error={self.truncation_error:.1e})"
        )

    @classmethod
    def _from_log(
        cls,
        state: MPS,
        times: NDArray[np.float64],
        log: Log,
        watched: Iterable[str],
        imaginary: bool,
    ) -> Self:
        weights = log.array("weight")
        energies = log.array("energy") if "energy" in log.rows else None
        rates = log.array("projection") if "projection" in log.rows else None
        bound = float(weights[:, 1].sum())
        if rates is not None:
            bound += float(abs(times[1]) * rates.sum())
        return cls(
            state=state,
            times=times,
            discarded=weights[:, 0],
            truncation_error=float(weights[:, 0].sum()),
            error_bound=None if imaginary else bound,
            energies=energies,
            projection_errors=rates,
            observed={name: log.array(f"observe:{name}") for name in watched},
        )
