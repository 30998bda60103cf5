import numpy as np
import pytest

from rankloom.decomposition import CPTensor
from rankloom.decomposition.als import descend, search
from rankloom.tn import Outcome

TENSOR = CPTensor([1.0], [[[1.0]], [[1.0]]])


class Scripted:
    """A solver that reports given errors."""

    def __init__(self, errors, verdicts=()):
        self.errors, self.verdicts, self.swept = list(errors), list(verdicts), 0

    def sweep(self):
        self.swept += 1
        return self.errors[self.swept - 1]

    def model(self):
        return TENSOR * float(self.swept)

    def verdict(self):
        return self.verdicts[self.swept - 1] if self.verdicts else None


@pytest.mark.parametrize(
    "errors, outcome, sweeps",
    [
        ([0.5, 0.4, 0.3], Outcome.MAX_SWEEPS, 3),
        ([0.5, 0.4, 0.4 - 1e-7, 0.1], Outcome.CONVERGED, 3),
        ([0.5, 1e-16, 0.1], Outcome.CONVERGED, 2),
        ([0.5, np.nan, 0.1], Outcome.NOT_FINITE, 1),
        ([np.inf], Outcome.NOT_FINITE, 0),
    ],
)
def test_ways_to_end(errors, outcome, sweeps):
    run = descend(Scripted(errors), max_sweeps=len(errors), tol=1e-6)
    assert (run.outcome, len(run.errors)) == (outcome, sweeps)
    assert run.model.weights[0] == sweeps  # the last that was finite
    assert run.error == (errors[sweeps - 1] if sweeps else np.inf)


def test_the_solver_and_the_callback_may_end_the_run():
    run = descend(Scripted([3, 2, 1], [None, Outcome.DEGENERATE]), max_sweeps=3, tol=0)
    assert (run.outcome, len(run.errors)) == (Outcome.DEGENERATE, 2)
    heard = []

    def callback(k, error, model):
        heard.append((k, error, model.weights[0]))
        return error < 3

    run = descend(Scripted([3, 2, 1]), max_sweeps=3, tol=0, callback=callback)
    assert run.outcome is Outcome.TARGET_REACHED
    assert heard == [(1, 3, 1), (2, 2, 2)]


def test_the_best_start_is_kept_and_starts_do_not_depend_on_each_other():
    errors, drawn = [[0.5, 0.4], [0.3, 0.2], [np.nan]], []

    def make(k, rng):
        drawn.append(rng.random())
        return Scripted(errors[k])

    found = search(make, restarts=3, rng=7, max_sweeps=2, tol=0)
    assert found.best.error == 0.2
    np.testing.assert_array_equal(found.starts, [0.4, 0.2, np.inf])
    first, drawn[:] = list(drawn), []
    search(make, restarts=1, rng=7, max_sweeps=2, tol=0)
    assert drawn == first[:1]


def test_an_exact_fit_makes_further_starts_needless():
    found = search(lambda k, rng: Scripted([0.0]), restarts=5, rng=0, max_sweeps=1, tol=0)
    assert found.starts.tolist() == [0]


@pytest.mark.parametrize("restarts, lengths", [(1, [4]), (3, [3])])
def test_one_bar(restarts, lengths):
    seen = []

    def bar(items):
        seen.append(len(items))
        return items

    search(lambda k, rng: Scripted([4, 3, 2, 1]), restarts=restarts, rng=0, max_sweeps=4, tol=0,
           progress=bar)  # fmt: skip
    assert seen == lengths
