"""One start of the optimisation, and the log that all starts write."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.overlap import Overlap
from rankloom.quantum.aqc.polar import polar_sweeps
from rankloom.quantum.aqc.result import HISTORY, Step
from rankloom.tn.outcome import Outcome

_MAXCOR = 20  # pairs that L-BFGS-B remembers
_SMALLEST = 1e-300  # below this a fidelity is zero, and its logarithm useless


class End(NamedTuple):
    """Where one start ended."""

    ansatz: Ansatz
    fidelity: float
    outcome: Outcome


class Log:
    """History of a compilation, on one clock.

    Parameters
    ----------
    squared_norm : float
        ``<t|t>``, by which every recorded fidelity is divided.
    goal : float, optional
        Fidelity at which the search stops.
    callback : callable, optional
        Called with every step.
    """

    def __init__(
        self, squared_norm: float, goal: float | None, callback: Callable[[Step], None] | None
    ) -> None:
        self.squared_norm = squared_norm
        self._goal = math.inf if goal is None else goal
        self._callback = callback
        self._steps: list[Step] = []
        self._begin = time.perf_counter()

    def record(self, stage: str, iteration: int, overlap_squared: float) -> float:
        """Add a step; a step of stage "start" opens the next start. Returns its fidelity."""
        last = self._steps[-1].start if self._steps else -1
        fidelity = overlap_squared / self.squared_norm
        step = Step(last + (stage == "start"), stage, iteration, fidelity, self.seconds())
        self._steps.append(step)
        if self._callback is not None:
            self._callback(step)
        return fidelity

    def reached(self, fidelity: float) -> bool:
        """Whether a fidelity ends the search."""
        return fidelity >= self._goal

    def seconds(self) -> float:
        """Wall time since the log was opened."""
        return time.perf_counter() - self._begin

    def history(self) -> NDArray[np.void]:
        """All steps as a structured array."""
        return np.array(self._steps, HISTORY)


class _Reached(Exception):
    """Ends L-BFGS-B inside an evaluation, at the angles that reached the goal."""


def optimise(
    overlap: Overlap,
    start: Ansatz,
    sweeps: int,
    max_iterations: int,
    objective: Literal["log", "infidelity"],
    tol: float,
    log: Log,
    bar: Iterator[Any],
) -> End:
    """Polar sweeps and L-BFGS-B from one start; see `compile_state` for the parameters."""
    squared, _ = overlap.fidelity_and_gradient(start.angles)
    fidelity = log.record("start", 0, squared)
    if log.reached(fidelity):
        return End(start, fidelity, Outcome.TARGET_REACHED)
    if sweeps:
        improved = polar_sweeps(overlap, start, sweeps)
        start = improved.ansatz
        for i, squared in enumerate(improved.fidelities, start=1):
            fidelity = log.record("polar", i, float(squared))
        if log.reached(fidelity):
            return End(start, fidelity, Outcome.TARGET_REACHED)
    if max_iterations == 0:
        return End(start, fidelity, Outcome.MAX_SWEEPS)
    return _lbfgs(overlap, start, max_iterations, objective, tol, log, bar)


def _lbfgs(
    overlap: Overlap,
    start: Ansatz,
    max_iterations: int,
    objective: str,
    tol: float,
    log: Log,
    bar: Iterator[Any],
) -> End:
    from scipy.optimize import minimize  # imported here: it is a fifth of a second

    scale = start.n_qubits if objective == "log" else 1
    best_squared, best = -1.0, start.angles
    iteration = 0

    def loss(angles: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal best_squared, best
        squared, gradient = overlap.fidelity_and_gradient(angles)
        if squared > best_squared:
            best_squared, best = squared, angles.copy()
            if log.reached(squared / log.squared_norm):
                raise _Reached
        if objective == "infidelity":
            return 1.0 - squared / log.squared_norm, -gradient / log.squared_norm
        floored = max(squared, _SMALLEST)
        return -math.log(floored / log.squared_norm) / scale, -gradient / (floored * scale)

    def after_iteration(_: NDArray[np.float64]) -> None:
        nonlocal iteration
        iteration += 1
        log.record("lbfgs", iteration, best_squared)
        next(bar, None)

    try:
        found = minimize(
            loss,
            start.angles,
            jac=True,
            method="L-BFGS-B",
            callback=after_iteration,
            options={
                "maxiter": max_iterations,
                "maxfun": 20 * max_iterations,
                "maxcor": _MAXCOR,
                "ftol": tol / scale,
                "gtol": 0.0,  # `tol` alone decides; the scale of a gradient depends on n
            },
        )
        outcome = _outcome(found.status, best_squared)
    except _Reached:
        log.record("lbfgs", iteration + 1, best_squared)
        outcome = Outcome.TARGET_REACHED
    return End(start.with_angles(best), best_squared / log.squared_norm, outcome)


def _outcome(status: int, squared: float) -> Outcome:
    if not math.isfinite(squared):
        return Outcome.NOT_FINITE
    if status == 0 and squared > _SMALLEST:
        return Outcome.CONVERGED
    return Outcome.MAX_SWEEPS if status == 1 else Outcome.STALLED
