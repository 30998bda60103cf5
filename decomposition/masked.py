"""CP of tensors with missing entries.

Two ways lead to the same minimum, the least error on the observed entries:

- while less than half is missing, the missing entries are filled in from the fit after each sweep
  (expectation maximisation), and the sweep is that of a full tensor;
- above, each row of a factor solves its own least-squares problem over the entries observed in it
  (G. Tomasi, R. Bro, doi:10.1016/j.chemolab.2004.07.003, treat both). It costs ``N nnz R^2 / 2``
  multiplications a sweep and does not slow down as more is missing.

Neither lets a sweep raise the error on the observed entries, and this error is what is reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.als import Callback, search
from rankloom.decomposition.cp_als import CPSweeps, least_squares
from rankloom.decomposition.cp_fit import CPFit, cp_fit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense, check_dense, slabs, sum_of_squares
from rankloom.decomposition.masked_rows import RowSweeps
from rankloom.decomposition.nonnegative import check_real, hals
from rankloom.decomposition.starts import check_init, check_rank, start
from rankloom.tn.arrays import Array, is_numpy, like, namespace, one_blas_thread, to_host
from rankloom.tn.progress import Progress

_HALF = 0.5


class FillSweeps(CPSweeps):
    """Sweeps over a tensor whose missing entries are refilled from the model after each.

    Parameters
    ----------
    data : Dense
        Zero where entries are missing; the array is not changed.
    observed : bool array
    start, rule
        As in `CPSweeps`.
    """

    def __init__(self, data: Dense, observed: Array, start: CPTensor, rule: Any) -> None:
        filled = Dense(namespace(data.x).asarray(data.x, copy=True), data.norm)
        super().__init__(filled, start, rule)
        self._observed = observed

    def sweep(self) -> float:
        """Update every mode once, then fill; the relative error on the observed entries."""
        self._walk = self._start_walk()  # the data have changed
        for _ in self._rows:
            self._update(*next(self._walk))
        self.growth.record(self._weights, self._gram_of_all())
        x, total = self._data.x, 0.0
        xp = namespace(x)
        flat, seen = (xp.reshape(a, (x.shape[0], -1)) for a in (x, self._observed))
        for part, model in slabs(self.model()):
            miss = flat[part, :] - model
            total += sum_of_squares(xp.where(seen[part, :], miss, xp.zeros_like(miss)))
            flat[part, :] = xp.where(seen[part, :], flat[part, :], model)
        return float(total**0.5 / self._data.norm)


@dataclass(frozen=True, eq=False)
class Observed:
    """Checked data with missing entries.

    Attributes
    ----------
    data : Dense
        Zero where entries are missing or kept back.
    seen : bool array
        Entries to fit to.
    missing : float
        Fraction of all entries that are not.
    kept_back : (m, modes) array
        Index rows kept back to judge the fit by.
    truth : (m,) array
        Their values.
    """

    data: Dense
    seen: Array
    missing: float
    kept_back: NDArray[np.intp]
    truth: NDArray[Any]


def masked_cp(
    x: Array,
    mask: Array | None,
    settings: Mapping[str, Any],
    *,
    rng: Any,
    progress: Progress,
    callback: Callback | None,
) -> CPFit:
    """`cp` or `nonnegative_cp` of data with missing entries; `settings` are their arguments."""
    nonnegative = settings.get("nonnegative", False)
    rng = np.random.default_rng(rng)
    found = check_observed(x, mask, settings["holdout"], rng)
    data, shape = found.data, tuple(found.data.x.shape)
    if nonnegative:
        check_real(data.x)
    rank = check_rank(settings["rank"], shape)
    first = check_init(settings["init"], shape, rank, nonnegative=nonnegative)
    if isinstance(first, CPTensor):
        first = first / data.scale
    first = "hosvd" if first is None and not nonnegative else first
    ridge = settings.get("ridge", 0.0)
    rule = hals if nonnegative else least_squares(ridge, data.eps)

    def make(k: int, generator: np.random.Generator) -> CPSweeps | RowSweeps:
        kind = first if k == 0 else None
        begin = start(data.x, rank, kind, generator, nonnegative=nonnegative)
        if nonnegative or found.missing < _HALF:
            return FillSweeps(data, found.seen, begin, rule)
        return RowSweeps(data, found.seen, begin, ridge=ridge, line_search=settings["line_search"])

    with one_blas_thread():
        best = search(
            make,
            restarts=settings["restarts"],
            rng=rng,
            max_sweeps=settings["max_sweeps"],
            tol=settings["tol"],
            eps=data.eps,
            progress=progress,
            callback=callback,
        )
    fit = cp_fit(
        best.best,
        [best.best.errors],
        best.best.solver.growth,  # type: ignore[attr-defined]
        data=None,
        scale=data.scale,
        starts=best.starts,
        settings=settings,
        held_out_error=None,
    )
    if not len(found.truth):
        return fit
    misses = to_host(fit.tensor.at(found.kept_back)) - found.truth
    object.__setattr__(
        fit, "held_out_error", float(np.linalg.norm(misses) / np.linalg.norm(found.truth))
    )
    return fit


def check_observed(x: Any, mask: Any, holdout: float, rng: np.random.Generator) -> Observed:
    """Data and mask, checked, with a part of the entries kept back.

    Raises
    ------
    TypeError, ValueError
        A mask that is not boolean or of another shape; NaN or infinity at an observed entry; an
        index of a mode without an observed entry; `holdout` outside 0 <= holdout < 1.
    """
    if not 0 <= holdout < 1:
        raise ValueError(f"`holdout` is a fraction, 0 <= holdout < 1, got {holdout}.")
    x = np.asarray(x) if isinstance(x, (list, tuple)) else x
    xp = namespace(x)
    if xp.isdtype(x.dtype, ("bool", "integral")):
        x = xp.astype(x, xp.float64)
    present = ~xp.isnan(x)
    if mask is None:
        seen = present
    else:
        seen = mask if not isinstance(mask, (list, tuple)) else np.asarray(mask)
        seen = seen if is_numpy(seen) and is_numpy(x) else like(x, seen)
        if not xp.isdtype(seen.dtype, "bool"):
            raise TypeError(
                f"`mask` must be boolean, True where `x` is observed, got {seen.dtype}."
            )
        if tuple(seen.shape) != tuple(x.shape):
            raise ValueError(
                f"`mask` must have the shape {tuple(x.shape)} of `x`, got {tuple(seen.shape)}."
            )
        wrong = int(xp.count_nonzero(seen & ~present))
        if wrong:
            raise ValueError(
                f"`x` is NaN at {wrong} entries that `mask` calls observed; set them to False."
            )
    if not bool(xp.any(seen)):
        raise ValueError("no entry of `x` is observed.")
    kept_back = np.zeros((0, x.ndim), np.intp)
    truth = np.zeros(0)
    if holdout:
        host = np.array(to_host(seen))
        where = np.argwhere(host)
        chosen = rng.choice(len(where), max(1, round(holdout * len(where))), replace=False)
        kept_back = where[np.sort(chosen)]
        truth = to_host(x)[tuple(kept_back.T)]
        if not np.isfinite(truth).all():
            raise ValueError("`x` holds infinite entries.")
        host[tuple(kept_back.T)] = False
        seen = host if is_numpy(x) else like(x, host)
    _refuse_empty_slices(seen)
    data = check_dense(xp.where(seen, x, xp.zeros_like(x)))
    missing = 1 - int(xp.count_nonzero(seen)) / float(np.prod(x.shape))
    return Observed(data, seen, missing, kept_back, truth)


def _refuse_empty_slices(seen: Array) -> None:
    xp = namespace(seen)
    for k, n in enumerate(seen.shape):
        others = tuple(j for j in range(seen.ndim) if j != k)
        full = to_host(xp.any(seen, axis=others))
        if not full.all():
            empty = np.flatnonzero(~full)
            raise ValueError(
                f"no entry of `x` is observed at index {empty[0]} of mode {k} (and "
                f"{len(empty) - 1} more of {n} indices): its row of the factor would be arbitrary. "
                "Leave such indices out, or keep fewer entries back."
            )
