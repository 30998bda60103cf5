"""`cp`: canonical polyadic tensors close to given data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rankloom.decomposition.als import Callback, descend, search
from rankloom.decomposition.checks import has_nan, is_sparse
from rankloom.decomposition.chunks import is_chunked
from rankloom.decomposition.cp_als import CPSweeps, least_squares
from rankloom.decomposition.cp_fit import CPFit, cp_fit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense, check_dense, memory_order, sum_of_squares
from rankloom.decomposition.degeneracy import Growth
from rankloom.decomposition.hosvd import Cut, st_hosvd
from rankloom.decomposition.levenberg import LARGEST, LevenbergSweeps
from rankloom.decomposition.starts import Init, check_init, check_rank, start
from rankloom.tn.arrays import Array, namespace, one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress

_EXTRA = 5  # the core keeps this many more than `rank` of each mode, so that little is lost
_WARM = 20  # sweeps of ALS before damped Gauss-Newton steps
_WORTH = 2**16  # tensors with fewer entries are swept as they are


def cp(
    x: Array | tuple[Any, Any, Any],
    rank: int,
    *,
    init: Init = None,
    restarts: int = 1,
    solver: str = "auto",
    compress: bool | str = "auto",
    max_sweeps: int = 200,
    tol: float = 1e-8,
    ridge: float = 0.0,
    line_search: bool = True,
    constraints: Mapping[int | tuple[int, ...], str] | None = None,
    mask: Array | None = None,
    weights: Array | None = None,
    holdout: float = 0.0,
    rng: Any = None,
    progress: Progress = False,
    callback: Callback | None = None,
) -> CPFit:
    """Sum of `rank` rank-one terms close to a tensor, by alternating least squares.

    Parameters
    ----------
    x : (n_0, n_1, ..) array, or (coords, values, shape)
        Real or complex, of any array library, at least two modes. Integers become float64. NaN
        marks a missing entry. A sparse tensor is given by integers coords (nnz, modes) and its
        values (nnz,), on the host; entries not listed are zeros, those listed twice are added.
        Dask arrays, h5py data sets and zarr arrays may be larger than memory: they are searched on
        a Tucker core with ranks ``rank + 5``, which `tucker` says the cost of.
    rank : int
        Number of terms.
    init : CPTensor, "random", "hosvd" or None
        First start; "hosvd" takes leading singular vectors. None is "random", and "hosvd" of the
        zero-filled data where entries are missing. Further starts are random.
    restarts : int, default 1
        Number of all starts; the best is kept.
    solver : "auto", "als" or "lm"
        "als": alternating least squares. "lm": 20 sweeps of it, then damped Gauss-Newton steps on
        all factors at once (`levenberg`), for ranks at which ALS crawls; for at most 1500 unknowns.
        "auto": "als", and "lm" from where the best start was stopped by `max_sweeps`, if it can.
    compress : "auto", True or False
        Search on the core of a Tucker tensor with ranks ``rank + 5`` first, then polish the best
        start on `x`. The errors are those of `x` throughout. "auto": where the core is at most a
        quarter of a tensor of 65536 entries or more, and no start is given.
    max_sweeps : int, default 200
        Limit per start; polishing gets what the best start left, at least 2.
    tol : float, default 1e-8
        Relative change of the error per sweep that ends a start.
    ridge : float, default 0
        Weight of a penalty ``ridge * sum_r w_r^2`` beside ``|x - model|^2``. Bounds the terms
        where they would cancel each other without limit.
    line_search : bool, default True
        Try longer steps, and keep those that lower the error.
    constraints : mapping of modes to names, optional
        ``{0: "fixed"}``: the factor of mode 0 stays as in `init`, but for the lengths of its
        columns, and the terms stay in the order of `init`. ``{1: "orthogonal"}``: orthonormal
        columns. ``{2: "nonnegative"}``: entries >= 0. ``{(0, 1): "symmetric"}``: both modes have
        one factor; weights are negative only where no other mode is free to take a sign. Solved
        by "als" without compression, and without line search but for symmetric modes alone.
    mask : bool array, optional
        True where `x` is observed.
    weights : array, optional
        Real and >= 0, of the shape of `x`: the fit lowers ``sum weights |x - tensor|^2``, and its
        errors are ``sqrt(sum weights |x - tensor|^2 / sum weights |x|^2)``. For noise of known
        variance give its inverse. Only ratios count; 0 marks a missing entry.
    holdout : float, default 0
        Fraction of the observed entries kept back, at random, to judge the fit by
        (`CPFit.held_out_error`); the choice of a rank may rest on it.
    rng : Generator, seed or None
    progress : bool or callable, default False
        Bar over starts, or over sweeps when there is one start.
    callback : callable, optional
        ``callback(sweep, error, tensor)`` after each sweep; True ends the start.

    Returns
    -------
    CPFit
        ``tensor`` with unit columns and descending weights, the exact relative ``error`` (of the
        observed entries), ``errors`` after each sweep, ``outcome``, ``degenerate``,
        ``core_consistency``, ``starts``.

    Raises
    ------
    TypeError, ValueError
        `x` not numeric, infinite, or zero; NaN at an entry that `mask` calls observed; an index of
        a mode without an observed entry; `rank` below 1 or above what the shape allows;
        `constraints` that contradict each other, `x` or `init`.

    Notes
    -----
    A sweep of ALS costs ``N / (N - 1)`` products of `x` with a factor instead of N (see `tree`),
    ``2 R prod(n)`` operations each. Memory beside `x`: ``R / n`` of its size.

    No sweep raises ``|x - model|^2``, nor with a ridge the sum of it and the penalty.

    Examples
    --------
    >>> from rankloom.decomposition import datasets
    >>> fit = cp(datasets.clebsch_gordan(1, "even"), rank=6, rng=0, restarts=10)
    >>> fit.error < 1e-12, fit.degenerate
    (True, False)
    """
    for name, value, least in (("max_sweeps", max_sweeps, 1), ("restarts", restarts, 1)):
        integer(name, value, least)
    for name, number in (("tol", tol), ("ridge", ridge)):
        if not 0 <= number < math.inf:
            raise ValueError(f"`{name}` must be a finite number >= 0, got {number}.")
    if compress not in ("auto", True, False):
        raise ValueError(f"`compress` must be 'auto', True or False, got {compress!r}.")
    if solver not in ("auto", "als", "lm"):
        raise ValueError(f"`solver` must be 'auto', 'als' or 'lm', got {solver!r}.")
    settings = {
        "rank": rank, "init": init, "restarts": restarts, "solver": solver, "compress": compress,
        "tol": tol, "max_sweeps": max_sweeps, "ridge": ridge, "line_search": line_search,
        "constraints": constraints, "holdout": holdout,
    }  # fmt: skip
    hooks = {"rng": rng, "progress": progress, "callback": callback}
    if is_sparse(x):
        from rankloom.decomposition.sparse import sparse_cp

        if mask is not None or weights is not None or holdout:
            raise ValueError(
                "`mask`, `weights` and `holdout` are for dense `x`: entries that a sparse tensor "
                "does not list are zeros."
            )
        return sparse_cp(x, settings, **hooks)
    if is_chunked(x):
        from rankloom.decomposition.outofcore import chunked_cp

        options: dict[str, Any] = {k: value for k, value in settings.items() if k != "rank"}
        options |= {"mask": mask, "weights": weights} | hooks
        return chunked_cp(x, rank, cp, options)
    if mask is not None or weights is not None or holdout or has_nan(x):
        from rankloom.decomposition.masked import masked_cp

        if solver == "lm":
            raise ValueError("`solver` = 'lm' takes no missing entries or weights; choose 'als'.")
        return masked_cp(x, mask, weights, settings, **hooks)
    if constraints:
        from rankloom.decomposition.constrained import constrained_cp

        return constrained_cp(x, settings, **hooks)
    order = memory_order(x)
    if order is not None:  # another memory order is another order of modes
        return _reordered(x, order, settings | hooks)
    data = check_dense(x)
    shape = tuple(data.x.shape)
    size = math.prod(shape)
    rank = check_rank(rank, shape)
    first = check_init(init, shape, rank)
    if isinstance(first, CPTensor):
        first = first / data.scale
    cuts = [Cut(min(n, rank + _EXTRA)) for n in shape]
    small = math.prod(c.rank or 0 for c in cuts)
    joint = ridge == 0 and rank * sum(shape) <= LARGEST  # all factors may be updated at once
    if solver == "lm" and not joint:
        raise ValueError(
            f"`solver` = 'lm' takes no ridge and at most {LARGEST} unknowns, got ridge {ridge} and "
            f"{rank * sum(shape)} unknowns (rank times the sum of all sizes); choose 'als'."
        )
    if solver == "lm":
        compress = False
    if compress == "auto":
        compress = size >= max(_WORTH, 4 * small) and not isinstance(first, CPTensor)
    rule = least_squares(ridge, data.eps)
    limits: dict[str, Any] = {"tol": tol, "eps": data.eps, "callback": callback}

    def at_core(core: Dense, bases: Sequence[Array] | None) -> Any:
        def make(k: int, generator: np.random.Generator) -> CPSweeps | LevenbergSweeps:
            kind = first if k == 0 else None
            if isinstance(kind, CPTensor) and bases is not None:
                xp = namespace(data.x)
                inner = [xp.conj(u).T @ f for u, f in zip(bases, kind.factors, strict=True)]
                kind = CPTensor._adopt(kind.weights, inner)
            begin = start(core.x, rank, kind, generator)
            sweeps = CPSweeps(
                core, begin, rule, line_search=line_search, bases=bases, total=data.norm**2
            )
            if solver != "lm":
                return sweeps
            warm = descend(sweeps, max_sweeps=_WARM, tol=tol, eps=data.eps)
            return LevenbergSweeps(data, warm.model)

        return make

    with one_blas_thread(_work(small if compress else size)):
        core, bases = data, None
        if compress:
            inner, bases = st_hosvd(data.x, cuts)
            core = Dense(inner, sum_of_squares(inner) ** 0.5)
        found = search(
            at_core(core, bases),
            restarts=restarts,
            rng=rng,
            max_sweeps=max_sweeps,
            progress=progress,
            **limits,
        )
    run, errors = found.best, [found.best.errors]
    growth: Growth = run.solver.finish()  # type: ignore[attr-defined]
    if compress and np.isfinite(run.error):
        polish = CPSweeps(data, run.model, rule, line_search=line_search, growth=growth)
        with one_blas_thread(_work(size)):
            run = descend(polish, max_sweeps=max(2, max_sweeps - len(run.errors)), **limits)
        polish.finish()
        errors.append(run.errors)
    elif solver == "auto" and joint and run.outcome is Outcome.MAX_SWEEPS:
        with one_blas_thread():
            steps = LevenbergSweeps(data, run.model, growth=growth)
            run = descend(steps, max_sweeps=max_sweeps, **limits)
        errors.append(run.errors)
    return cp_fit(
        run,
        errors,
        growth,
        data=core.x,
        bases=bases,
        scale=data.scale,
        starts=found.starts,
        settings=settings,
    )


def _work(size: int) -> int:
    """Size of the matrices at work, as `one_blas_thread` counts: threads help large tensors."""
    return 0 if size < 2**20 else 2**20


def _reordered(x: Array, order: Sequence[int], options: dict[str, Any]) -> CPFit:
    """`cp` of x with its modes in the order in which they lie in memory."""
    back = sorted(range(len(order)), key=lambda k: order[k])
    hear, init = options["callback"], options["init"]
    if hear is not None:
        options["callback"] = lambda k, error, model: hear(k, error, model.transpose(back))
    if isinstance(init, CPTensor) and init.n_modes == len(order):
        options["init"] = init.transpose(order)
    fit = cp(x.transpose(order), **options)
    return replace(fit, tensor=fit.tensor.transpose(back))
