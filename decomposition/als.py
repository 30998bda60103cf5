"""The one loop that all iterative solvers of this room sweep in.

A solver keeps its state to itself and offers three methods (`Solver`). The loop counts sweeps,
records the exact error after each, stops when its relative change falls below the tolerance,
watches for numbers that are not finite, takes several starts and keeps the best.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.tensor import FactoredTensor
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress, track

T = TypeVar("T", bound=FactoredTensor)
T_co = TypeVar("T_co", bound=FactoredTensor, covariant=True)
Callback = Callable[[int, float, Any], object]


class Solver(Protocol[T_co]):
    """One start of an iterative solver."""

    def sweep(self) -> float:
        """Update every mode once; the exact relative error afterwards."""

    def model(self) -> T_co:
        """The present tensor. Cheap; later sweeps must not change the arrays handed out."""

    def verdict(self) -> Outcome | None:
        """A reason to end that only this solver can see, asked after every sweep."""


@dataclass(frozen=True, eq=False)
class Run(Generic[T]):
    """One start, swept to its end."""

    solver: Solver[T]
    model: T
    outcome: Outcome
    errors: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Error of `model`."""
        return float(self.errors[-1]) if self.errors.size else np.inf


@dataclass(frozen=True, eq=False)
class Search(Generic[T]):
    """All starts: the best run, and where each ended."""

    best: Run[T]
    starts: NDArray[np.float64]


def descend(
    solver: Solver[T],
    *,
    max_sweeps: int,
    tol: float,
    eps: float = 2.0**-52,
    progress: Progress = False,
    callback: Callback | None = None,
) -> Run[T]:
    """Sweep until the error stands still.

    Parameters
    ----------
    solver : Solver
    max_sweeps : int
    tol : float
        Relative change of the error from one sweep to the next that ends the run.
    eps : float, default 2**-52
        Rounding of the data type: an error of a few of it is zero, and ends the run too.
    progress : bool or callable, default False
        Bar over sweeps.
    callback : callable, optional
        Called as ``callback(k, error, model)`` after sweep k = 1, 2, ..; returning True ends
        the run.

    Returns
    -------
    Run
        With the last model that was finite.
    """
    errors: list[float] = []
    model, outcome = solver.model(), Outcome.MAX_SWEEPS
    for k in track(range(max_sweeps), progress):
        error = solver.sweep()
        if not np.isfinite(error):
            outcome = Outcome.NOT_FINITE
            break
        model = solver.model()
        errors.append(error)
        if callback is not None and callback(k + 1, error, model) is True:
            outcome = Outcome.TARGET_REACHED
            break
        verdict = solver.verdict()
        if verdict is not None:
            outcome = verdict
            break
        before = errors[-2] if k else np.inf
        if error <= 16 * eps or abs(before - error) <= max(tol, 4 * eps) * error:
            outcome = Outcome.CONVERGED
            break
    return Run(solver, model, outcome, np.array(errors))


def search(
    make: Callable[[int, np.random.Generator], Solver[T]],
    *,
    restarts: int,
    rng: Any,
    max_sweeps: int,
    tol: float,
    eps: float = 2.0**-52,
    progress: Progress = False,
    callback: Callback | None = None,
) -> Search[T]:
    """Take several starts and keep the one of smallest error.

    Parameters
    ----------
    make : callable
        ``make(k, generator)`` prepares start k = 0, 1, ..; each has a generator of its own, so
        that start k is the same whatever the others did.
    restarts : int
        Number of all starts. An error of zero, to rounding, makes further ones needless.
    rng : Generator, seed or None
    max_sweeps, tol, eps, callback
        As in `descend`.
    progress : bool or callable, default False
        Bar over starts, or over sweeps when there is one start.
    """
    generators = np.random.default_rng(rng).spawn(restarts)
    best, finals = None, []
    for k in track(range(restarts), progress if restarts > 1 else False):
        run = descend(
            make(k, generators[k]),
            max_sweeps=max_sweeps,
            tol=tol,
            eps=eps,
            progress=progress if restarts == 1 else False,
            callback=callback,
        )
        finals.append(run.error)
        if best is None or run.error < best.error:
            best = run
        if run.error <= 16 * eps:
            break
    assert best is not None  # restarts >= 1
    return Search(best, np.array(finals))


def search_as(
    settings: Mapping[str, Any],
    make: Callable[[int, np.random.Generator], Solver[T]],
    *,
    eps: float,
    **hooks: Any,
) -> Search[T]:
    """`search` with what a solver was asked for: `settings` hold restarts, max_sweeps and tol."""
    limits = {name: settings[name] for name in ("restarts", "max_sweeps", "tol")}
    return search(make, eps=eps, **limits, **hooks)
