"""The search of a tensor cross: when to sweep on, look wider, begin again, or stop."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.tn import entries
from rankloom.tn.cross_function import Function, Indices, Spent
from rankloom.tn.cross_pivots import Pivots, Values
from rankloom.tn.outcome import Outcome

_STARTS = {"full": 5, "rook": 4}  # points of the first pivots
_PROBES = 250  # points that guide the search
_PATIENCE = 5  # sweeps without progress before pivots are drawn anew
_RANDOM = {"full": 3, "rook": 1}  # columns looked at beside the known ones
_WORST = {"full": 3, "rook": 2}  # columns of the points with the largest errors
_LESSONS = 64  # fresh points of a failed test that guide the search from then on
_WIDEST = 16  # times as many random columns, when the search is stuck
_MARGIN = 4  # pivots are taken down to tol / 4 at first
_FINER = 8  # and to an eighth of the last threshold where that was too coarse
_CLIMB = 64  # indices of a mode tried on the way to a large value


class CrossStep(NamedTuple):
    """One sweep, as the callback of `cross` hears of it."""

    start: int
    """Which set of random pivots, from 0."""
    error: float
    """Largest error on the points that guide the search, relative to the largest value seen."""
    evaluations: int
    """Points evaluated so far."""
    rank: int
    """Largest rank."""


class Rule(NamedTuple):
    """What was asked for; see `rankloom.tn.cross`."""

    tol: float
    max_bond: int | None
    pivot: str
    restarts: int
    test_points: int


class Search:
    """The search on its way, with the best tensor train so far.

    Parameters
    ----------
    function : Function
    rule : Rule
    given : (m, n) array of int
        Points through which the first pivots shall go.
    rng : Generator
    """

    def __init__(
        self, function: Function, rule: Rule, given: Indices, rng: np.random.Generator
    ) -> None:
        self.function, self.rule, self.given, self.rng = function, rule, given, rng
        self.shape = function.grid.shape
        self.small = math.prod(self.shape) <= rule.test_points
        self.history: list[CrossStep] = []
        self.best: list[Values] | None = None
        self.best_error = math.inf
        self.estimate = math.nan  # error of the best on fresh points, once known
        self.start = -1
        self.points = np.empty((0, len(self.shape)), dtype=np.intp)
        self.values: Values = np.empty(0)

    def run(self, rounds: Iterable[Any], callback: Callable[[CrossStep], None] | None) -> Outcome:
        """Sweep until the tolerance is reached, nothing helps, or time is up."""
        try:
            self._begin()
            for _ in rounds:
                error = self._sweep(callback)
                if error <= self.rule.tol and self._confirmed():
                    return Outcome.TARGET_REACHED
                if self._stuck(error) and (self._at_limit() or not self._begin()):
                    return Outcome.STALLED
        except Spent:
            if self.best is None:
                raise ValueError(
                    "`max_evaluations` does not suffice for one sweep and the error estimate: "
                    f"{self.function.evaluations} points were evaluated before. Raise it, or "
                    "lower `test_points` or `max_bond`."
                ) from None
        return Outcome.MAX_SWEEPS

    def judged(self) -> tuple[list[Values], float]:
        """The best tensor train and its error on fresh points."""
        assert self.best is not None
        if math.isnan(self.estimate) and self.function.scale > 0.0:
            self.function.limit = None
            self.estimate = float(self._errors(self.best, *self._fresh()).max())
        return self.best, self.estimate

    # Points -----------------------------------------------------------------------------------

    def _draw(self, count: int) -> Indices:
        """Random points; all there are, when these are not more than the test points."""
        if self.small:
            return np.indices(self.shape).reshape(len(self.shape), -1).T
        return np.stack([self.rng.integers(0, n, count) for n in self.shape]).T

    def _fresh(self) -> tuple[Indices, Values]:
        """New points to judge by: anywhere, and next to pivots, where the function has features."""
        points = self._draw(self.rule.test_points)
        if not self.small and len(self.shape) > 1:
            near = self.pivots.neighbours(self.rule.test_points // 4 + 1)
            points = np.asfortranarray(np.concatenate([points, near]))
        return points, self.function(points)

    def _guide(self, points: Indices, values: Values) -> None:
        """Add points to those that guide the search."""
        self.points = np.asfortranarray(np.concatenate([self.points, points]))
        self.values = np.concatenate([self.values, values]) if self.values.size else values

    def _errors(self, tensors: list[Values], points: Indices, values: Values) -> NDArray[Any]:
        errors: NDArray[Any] = np.abs(entries.values(tensors, points) - values)
        return errors / (self.function.scale or 1.0)

    # Steps ------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """New pivots, through random points and the largest value that is found from them."""
        if self.start == self.rule.restarts:
            return False
        self.start += 1
        if self.start == 0 or not self.small:
            probes = self._draw(_PROBES)
            values = self.function(probes)
            self._guide(probes, values)
        starts = min(_STARTS[self.rule.pivot], len(self.points))
        best = self._climb(self.points[[int(np.argmax(np.abs(self.values)))]])
        chosen = self.rng.choice(len(self.points), starts, replace=False)
        start = np.concatenate([self.given, best, self.points[chosen]])
        rook = self.rule.pivot == "rook"
        self.pivots = Pivots(self.function, start, rook, self.rule.max_bond, self.rng)
        self.threshold = self.rule.tol / _MARGIN
        self.random = _RANDOM[self.rule.pivot]
        self.worst = self.points[:0]
        self.rightward, self.idle, self.lowest = True, 0, math.inf
        self.ranks: tuple[int, ...] | None = None
        return True

    def _climb(self, point: Indices) -> Indices:
        """A point with a larger value, by changing one index after the other."""
        for k, n in enumerate(self.shape):
            tries = np.append(np.arange(0, n, -(-n // _CLIMB)), point[0, k])
            line = np.asfortranarray(np.repeat(point, len(tries), axis=0))
            line[:, k] = tries
            size = np.abs(self.function(line))
            if size.max() > size[-1]:
                point = line[[int(size.argmax())]]
        return point

    def _sweep(self, callback: Callable[[CrossStep], None] | None) -> float:
        """One sweep, and the largest error on the guiding points."""
        tensors = self.pivots.sweep(self.rightward, self.threshold, self.random, self.worst)
        self.rightward = not self.rightward
        errors = self._errors(tensors, self.points, self.values)
        error = float(errors.max())
        if self.function.scale == 0.0 and not self.small:
            error = math.nan  # nothing is known of the function but zeros
        if self.best is None or not error >= self.best_error:  # anything is better than NaN
            self.best, self.best_error, self.estimate = tensors, error, math.nan
        self._look_at(errors)
        rank = max((t.shape[2] for t in tensors[:-1]), default=1)
        step = CrossStep(self.start, error, self.function.evaluations, rank)
        self.history.append(step)
        if callback is not None:
            callback(step)
        return error

    def _look_at(self, errors: NDArray[Any]) -> None:
        """Have the next sweep look at the points with the largest errors."""
        top = np.argsort(errors)[-_WORST[self.rule.pivot] :]
        self.worst = self.points[top[errors[top] > self.rule.tol]]

    def _confirmed(self) -> bool:
        """Whether fresh points agree that the best train is good; if not, they join the guides."""
        assert self.best is not None
        if self.small:
            self.estimate = self.best_error
            return True
        points, values = self._fresh()
        errors = self._errors(self.best, points, values)
        estimate = float(errors.max())
        if estimate <= self.rule.tol:
            self.estimate = estimate
            return True
        worst = np.argsort(errors)[-_LESSONS:]
        self._guide(points[worst], values[worst])
        self.best_error = estimate
        self._look_at(self._errors(self.best, self.points, self.values))
        return False

    def _stuck(self, error: float) -> bool:
        """Whether sweeps have ceased to help; looks more closely before it says so."""
        ranks = self.pivots.ranks
        grew = self.ranks is None or any(a > b for a, b in zip(ranks, self.ranks, strict=True))
        self.ranks = ranks
        if not grew:
            floor = 8 * float(np.finfo(self.function.dtype or np.float64).eps)
            if self.threshold > floor:
                self.threshold = max(self.threshold / _FINER, floor)
            else:
                self.random = min(2 * self.random, _WIDEST * _RANDOM[self.rule.pivot])
        if error < 0.5 * self.lowest:
            self.lowest, self.idle = error, 0
        else:
            self.idle += 1
        return self.idle >= _PATIENCE or math.isnan(error)

    def _at_limit(self) -> bool:
        """Whether it is `max_bond` that stands in the way; then other pivots would not help."""
        return self.rule.max_bond is not None and max(self.pivots.ranks) == self.rule.max_bond
