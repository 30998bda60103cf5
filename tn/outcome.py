"""How an iterative solver of the house ended."""

from enum import Enum


class Outcome(Enum):
    """How a solver ended; the value is the advice shown to the user.

    Examples
    --------
    >>> Outcome.STALLED.ok
    False
    >>> print(Outcome.TARGET_REACHED.value)
    the requested quality was reached; the solver stopped early.
    """

    CONVERGED = "the relative change fell below the tolerance."
    TARGET_REACHED = "the requested quality was reached; the solver stopped early."
    MAX_SWEEPS = "the iteration limit came first; raise it, loosen the tolerance, or start closer."
    STALLED = "no step improved the result any further; try another start or a larger rank."
    DEGENERATE = "terms grow while they cancel each other; try a smaller rank or regularisation."
    NOT_FINITE = "a value became infinite or NaN; check the scale of the input, regularise."

    @property
    def ok(self) -> bool:
        """Whether the solver reached what it was asked for."""
        return self in (Outcome.CONVERGED, Outcome.TARGET_REACHED)
