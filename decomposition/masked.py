"""CP of tensors with missing entries, or with entries of different weights.

Two ways lead to the same minimum, the least error on the observed entries:

- while less than half is missing, the missing entries are filled in from the fit after each sweep
  (expectation maximisation), and the sweep is that of a full tensor;
- above, and for weights, each row of a factor solves its own least-squares problem over the entries
  observed in it (G. Tomasi, R. Bro, doi:10.1016/j.chemolab.2004.07.003, treat both). It costs
  ``N nnz R^2 / 2`` multiplications a sweep and does not slow down as more is missing.

Factors under constraints always go the first way, which takes weights too (H. A. L. Kiers,
doi:10.1007/BF02295132). Neither lets a sweep raise the error on the observed entries, and this
error is what is reported.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rankloom.decomposition.als import search_as
from rankloom.decomposition.constraints import check_constraints
from rankloom.decomposition.cp_als import CPSweeps, Rule
from rankloom.decomposition.cp_fit import CPFit, cp_fit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense
from rankloom.decomposition.masked_rows import RowSweeps
from rankloom.decomposition.observed import Observed, check_observed
from rankloom.decomposition.starts import check_init, check_rank
from rankloom.decomposition.workers import Workers
from rankloom.tn.arrays import Array, namespace, one_blas_thread

_HALF = 0.5


class FillSweeps(CPSweeps):
    """Sweeps over a tensor whose missing entries are refilled from the model after each.

    Parameters
    ----------
    found : Observed
    start, rule
        As in `CPSweeps`.
    """

    def __init__(self, found: Observed, start: CPTensor, rule: Sequence[Rule | None]) -> None:
        given = found.data
        filled = Dense(namespace(given.x).asarray(given.x, copy=True), given.norm)
        super().__init__(filled, start, rule)
        self._found = found

    def sweep(self) -> float:
        """Update every mode once, then fill; the relative error on the observed entries."""
        self._let_go()  # the data have changed
        for _ in self._rows:
            self._update(*next(self._walk))
        self.growth.record(self._weights, self._gram_of_all())
        return float(self._found.fill(self.model(), self._data.x) ** 0.5 / self._data.norm)


def masked_cp(
    x: Array,
    mask: Array | None,
    weights: Array | None,
    settings: Mapping[str, Any],
    *,
    rng: Any,
    **hooks: Any,
) -> CPFit:
    """`cp` or `nonnegative_cp` of data with missing entries; `settings` are their arguments."""
    rng = np.random.default_rng(rng)
    found = check_observed(x, mask, weights, settings["holdout"], rng)
    data, shape = found.data, tuple(found.data.x.shape)
    rank = check_rank(settings["rank"], shape)
    bound = check_constraints(settings.get("constraints"), data.x, shape, rank, settings["init"])
    if bound.shared:
        raise ValueError("'symmetric' modes take neither missing entries nor weights.")
    first = check_init(settings["init"], shape, rank, nonnegative=bound.nonnegative)
    if isinstance(first, CPTensor):
        first = first / data.scale
    first = "hosvd" if first is None and not bound.nonnegative else first
    ridge = settings.get("ridge", 0.0)
    rows = not bound and (weights is not None or found.missing >= _HALF)

    def make(k: int, generator: np.random.Generator) -> CPSweeps | RowSweeps:
        begin = bound.start(data.x, rank, first, k, generator)
        if rows:
            options = {"line_search": settings["line_search"], "workers": workers}
            return RowSweeps(found, begin, ridge=ridge, **options)
        return FillSweeps(found, begin, bound.rules(ridge, data.eps))

    with one_blas_thread() as threads, Workers(threads) as workers:
        best = search_as(settings, make, eps=data.eps, rng=rng, **hooks)
    return cp_fit(
        best.best,
        [best.best.errors],
        best.best.solver.growth,  # type: ignore[attr-defined]
        data=None,
        scale=data.scale,
        starts=best.starts,
        settings=settings,
        held_out_error=found.held_out_error(best.best.model * data.scale),
        normal=not bound.fixed,
    )
