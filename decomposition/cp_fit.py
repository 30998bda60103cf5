"""What CP solvers return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.als import Run
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.degeneracy import Growth, core_consistency
from rankloom.decomposition.fit import Fit
from rankloom.tn.arrays import Array, namespace
from rankloom.tn.outcome import Outcome


@dataclass(frozen=True, eq=False, repr=False)
class CPFit(Fit[CPTensor]):
    """Result of `cp` and `nonnegative_cp`; see `Fit`. Factors have unit columns.

    Attributes
    ----------
    degenerate : bool
        Components cancel each other while their weights still grow: two with a cosine below -0.95,
        or several whose squares sum to more than 20 times the square of their sum; growth is 1 % or
        more over the second half of the run. A sign that no best tensor of this rank exists. The
        outcome is then `Outcome.DEGENERATE`.
    congruence : float
        The least cosine between two components.
    core_consistency : float
        100 where the data between the factors are diagonal; near or below 0 the rank is too high.
        NaN where a factor has dependent columns (always so for ranks above the size of a mode), and
        with missing data.
    """

    degenerate: bool = False
    congruence: float = 1.0
    core_consistency: float = float("nan")


def cp_fit(
    run: Run[CPTensor],
    errors: Sequence[NDArray[np.float64]],
    growth: Growth,
    *,
    data: Array | None,
    bases: Sequence[Array] | None = None,
    scale: float,
    starts: NDArray[np.float64],
    settings: Mapping[str, Any],
    held_out_error: float | None = None,
    normal: bool = True,
) -> CPFit:
    """The result of the run that was kept, with its diagnostics.

    Parameters
    ----------
    run : Run
    errors : sequence of array
        Errors of all stages that led to `run`.
    growth : Growth
    data : array or None
        What the tensor was fitted to, for the core consistency.
    bases : sequence of array, optional
        Orthonormal, when `data` is the core of what it was fitted to.
    scale : float
        Factor by which the data had been divided.
    normal : bool, default True
        Put the terms into descending order of weights >= 0.
    """
    history = np.concatenate(list(errors))
    tensor = run.model.normalize() if normal else run.model
    inner = tensor
    if bases is not None:
        pairs = zip(bases, tensor.factors, strict=True)
        inner = CPTensor._adopt(tensor.weights, [namespace(u).conj(u).T @ f for u, f in pairs])
    exact = history.size > 0 and history[-1] < 1e-10
    degenerate = growth.degenerate and not exact
    outcome = run.outcome
    if degenerate and outcome is not Outcome.NOT_FINITE:
        outcome = Outcome.DEGENERATE
    return CPFit(
        tensor=tensor if scale == 1 else tensor * scale,
        error=float(history[-1]) if history.size else float("inf"),
        errors=history,
        outcome=outcome,
        starts=starts,
        settings=settings,
        degenerate=degenerate,
        congruence=growth.congruence,
        core_consistency=float("nan") if data is None else core_consistency(data, inner),
        held_out_error=held_out_error,
    )
