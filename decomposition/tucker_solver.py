"""`tucker`: one call for all ways to a Tucker tensor."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rankloom.decomposition.als import Callback, search
from rankloom.decomposition.checks import mode_ranks
from rankloom.decomposition.chunks import is_chunked
from rankloom.decomposition.data import (
    Dense,
    MissingEntries,
    check_dense,
    memory_order,
    sum_of_squares,
)
from rankloom.decomposition.fit import TuckerFit
from rankloom.decomposition.hooi import Hooi
from rankloom.decomposition.hosvd import (
    Cut,
    check_tol,
    exact_basis,
    hosvd,
    sketched_basis,
    st_hosvd,
)
from rankloom.decomposition.masked_tucker import MaskedHooi
from rankloom.decomposition.observed import check_observed
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, like, to_host
from rankloom.tn.checks import integer
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress

_METHODS = ("auto", "st-hosvd", "hosvd", "hooi", "randomized")


def tucker(
    x: Array,
    *,
    tol: float | None = None,
    ranks: int | Sequence[int] | None = None,
    method: str = "auto",
    init: TuckerTensor | None = None,
    restarts: int = 1,
    mask: Array | None = None,
    weights: Array | None = None,
    holdout: float = 0.0,
    max_sweeps: int = 100,
    rng: Any = None,
    progress: Progress = False,
    callback: Callback | None = None,
) -> TuckerFit:
    """Tucker tensor close to a dense tensor, by tolerance or with given ranks.

    Parameters
    ----------
    x : (n_0, n_1, ..) array
        Real or complex, of any array library, at least two modes. Integers become float64. NaN
        marks a missing entry; then `ranks` must be given. Dask arrays, h5py data sets and zarr
        arrays may be larger than memory.
    tol : float, optional
        Bound on the relative Frobenius error, 0 <= tol < 1; each mode may drop ``tol^2 / N`` of the
        squared norm. With 0 only what rounding cannot tell from zero goes.
    ranks : int or sequence of int, optional
        One per mode, or one for all (cut to what the shape allows). With `tol` it is the result.
    method : str, default "auto"
        "st-hosvd", sequentially truncated, within sqrt(N) of the best error and usually much
        closer; "hooi", the same refined by alternating sweeps; "hosvd", all bases from the whole
        tensor; "randomized", st-hosvd on sketches, for modes larger than about 1000 with small
        ranks. "auto" is "hooi" for `ranks` and "st-hosvd" for `tol`.
    init : TuckerTensor, optional
        Where "hooi" starts, instead of "st-hosvd"; without `ranks` its ranks are taken. For data
        that changed a little.
    restarts : int, default 1
        Number of all starts of "hooi"; further ones are random, and the best is kept.
    mask : bool array, optional
        True where `x` is observed.
    weights : array, optional
        Real and >= 0, of the shape of `x`: the fit lowers ``sum weights |x - tensor|^2``, and its
        errors are relative to ``sum weights |x|^2``. Only ratios count; `ranks` must be given.
    holdout : float, default 0
        Fraction of the observed entries kept back, at random, to judge `ranks` by
        (`TuckerFit.held_out_error`).
    max_sweeps : int, default 100
        Of "hooi", which ends when the error changes by less than 1e-8 of itself.
    rng : Generator, seed or None
        For "randomized", `restarts` and `holdout`.
    progress : bool or callable, default False
        Bar over the sweeps of "hooi".
    callback : callable, optional
        ``callback(sweep, error, tensor)`` after each sweep of "hooi"; True ends the run.

    Returns
    -------
    TuckerFit
        ``tensor`` with orthonormal factors, the exact relative ``error``, the ``errors`` after each
        sweep, ``outcome``.

    Raises
    ------
    TypeError, ValueError
        `x` not numeric, infinite, or zero; NaN at an entry that `mask` calls observed; an index of
        a mode without an observed entry; missing entries and a method without a form for them;
        neither or both of `tol` and `ranks`; ranks below 1, above the size of a mode or above the
        product of the other ranks; `tol` too small for the data type.

    Notes
    -----
    Cost of "st-hosvd": one Gram matrix, ``n^(N+1)`` multiplications for N equal modes, and
    eigenvectors of (n, n). Memory beside x: ``max(r_k / n_k)`` of its size.

    Data read in chunks, of more than 2^26 entries, are read once for the Gram matrix of each mode
    that must be compressed before the rest, at most 2^26 entries (0.5 GB), fits into memory, and
    once more; all else happens there. "hooi" sweeps over what is left with ranks ``r_k + 5``.
    Memory: that rest, and ``n_k^2`` for a Gram matrix, and of the data at most 128 MB of a file, or
    in every task of Dask the chunks that are whole in one mode together.

    Examples
    --------
    >>> from rankloom.decomposition import datasets
    >>> fit = tucker(datasets.hilbert((20, 20, 20)), tol=1e-6)
    >>> fit.tensor.ranks, fit.error <= 1e-6
    ((7, 7, 7), True)
    """
    if method not in _METHODS:
        raise ValueError(f"`method` must be one of {', '.join(_METHODS)}, got {method!r}.")
    if init is not None:
        ranks = _init_ranks(init, x, ranks, tol, method)
    if (tol is None) == (ranks is None):
        raise ValueError("give either `tol` or `ranks`: both decide how large the core is.")
    integer("max_sweeps", max_sweeps, 1)
    if integer("restarts", restarts, 1) > 1 and (method not in ("auto", "hooi") or ranks is None):
        raise ValueError("`restarts` are for method 'hooi' with given `ranks`; leave them out.")
    settings = {
        "tol": tol, "ranks": ranks, "method": method, "restarts": restarts, "holdout": holdout,
        "max_sweeps": max_sweeps,
    }  # fmt: skip
    hooks: dict[str, Any] = {"rng": rng, "progress": progress, "callback": callback}
    if is_chunked(x):
        from rankloom.decomposition.outofcore import chunked_tucker

        if ranks is not None:
            _by_ranks(ranks, tuple(x.shape))
        options = settings | {"init": init, "mask": mask, "weights": weights} | hooks
        return chunked_tucker(x, tucker, options)
    if mask is not None or weights is not None or holdout:
        return _masked(x, mask, weights, settings, init, **hooks)
    order = memory_order(x)
    if order is not None:  # another memory order is another order of modes, not a copy
        options = {k: v for k, v in settings.items() if k != "ranks"} | hooks
        return _reordered(x, order, ranks, init, **options)
    try:
        data = check_dense(x)
    except MissingEntries:
        return _masked(x, mask, weights, settings, init, **hooks)
    shape = tuple(data.x.shape)
    cuts = _by_tol(tol, data) if ranks is None else _by_ranks(ranks, shape)
    if method == "auto":
        method = "st-hosvd" if ranks is None else "hooi"
    basis = sketched_basis(np.random.default_rng(rng)) if method == "randomized" else exact_basis
    if init is None:
        core, factors = (hosvd if method == "hosvd" else st_hosvd)(data.x, cuts, basis)
        tensor = TuckerTensor._adopt(core, factors)
    else:
        tensor = _begin(init, data)
    if method == "hooi":
        return _sweep(lambda start: Hooi(data, start), tensor, data, settings, **hooks)
    errors = np.array([data.relative(data.norm**2 - sum_of_squares(tensor.core), tensor)])
    reached = not tol or errors[0] <= tol * (1 + 1e-9)  # a bound met exactly may round up
    return TuckerFit(
        tensor=tensor if data.scale == 1 else tensor * data.scale,
        error=float(errors[0]),
        errors=errors,
        outcome=Outcome.CONVERGED if reached else Outcome.STALLED,
        starts=errors,
        settings=settings,
    )


def _sweep(
    solver: Callable[[TuckerTensor], Hooi | MaskedHooi],
    first: TuckerTensor,
    data: Dense,
    settings: dict[str, Any],
    *,
    rng: Any,
    progress: Progress,
    callback: Callback | None,
) -> TuckerFit:
    """Alternating sweeps from `first` and from random starts."""

    def make(k: int, generator: np.random.Generator) -> Hooi | MaskedHooi:
        drawn = first if k == 0 else TuckerTensor.random(first.shape, first.ranks, rng=generator)
        return solver(first if k == 0 else _begin(drawn, data))

    found = search(
        make,
        restarts=settings["restarts"],
        rng=rng,
        max_sweeps=settings["max_sweeps"],
        tol=1e-8,
        eps=data.eps,
        progress=progress,
        callback=callback,
    )
    run = found.best
    return TuckerFit(
        tensor=run.model if data.scale == 1 else run.model * data.scale,
        error=run.error,
        errors=run.errors,
        outcome=run.outcome,
        starts=found.starts,
        settings=settings,
    )


def _by_tol(tol: Any, data: Dense) -> list[Cut]:
    """Each mode may drop ``tol^2 / N`` of the squared norm."""
    n = data.x.ndim
    return [Cut(budget=check_tol(tol, data.x.dtype) ** 2 / n * data.norm**2)] * n


def _by_ranks(ranks: Any, shape: tuple[int, ...]) -> list[Cut]:
    """Ranks that a core of full multilinear rank can have."""
    wanted = list(mode_ranks(ranks, shape))
    if np.ndim(ranks) == 0:
        for k in sorted(range(len(shape)), key=lambda k: -wanted[k]):
            wanted[k] = min(wanted[k], math.prod(wanted[:k] + wanted[k + 1 :]))
    for k, r in enumerate(wanted):
        others = math.prod(wanted[:k] + wanted[k + 1 :])
        if r > others:
            raise ValueError(
                f"`ranks[{k}]` = {r} is above {others}, the product of the other ranks; "
                "no tensor has such multilinear ranks. Lower it."
            )
    return [Cut(r) for r in wanted]


def _masked(
    x: Array,
    mask: Array | None,
    weights: Array | None,
    settings: dict[str, Any],
    init: TuckerTensor | None,
    *,
    rng: Any,
    **hooks: Any,
) -> TuckerFit:
    """`tucker` of data with missing entries or weights, by expectation maximisation."""
    if settings["method"] not in ("auto", "hooi") or settings["ranks"] is None:
        raise ValueError(
            "`x` has missing entries (NaN, or False in `mask`), weights or entries held out: give "
            "`ranks`, and leave `method` at 'hooi'. Without all entries no tolerance can be kept."
        )
    rng = np.random.default_rng(rng)
    found = check_observed(x, mask, weights, settings["holdout"], rng)
    data = found.data
    cuts = _by_ranks(settings["ranks"], tuple(data.x.shape))
    first = TuckerTensor._adopt(*st_hosvd(data.x, cuts)) if init is None else _begin(init, data)
    fit = _sweep(lambda start: MaskedHooi(found, start), first, data, settings, rng=rng, **hooks)
    return replace(fit, held_out_error=found.held_out_error(fit.tensor))


def _begin(init: TuckerTensor, data: Dense) -> TuckerTensor:
    """A given start with orthonormal factors, in the library and data type of the data."""
    start = init.orthonormalize()
    core, *factors = (like(data.x, to_host(a), data.x.dtype) for a in (start.core, *start.factors))
    return TuckerTensor._adopt(core, factors)


def _init_ranks(init: Any, x: Any, ranks: Any, tol: Any, method: str) -> tuple[int, ...]:
    """Ranks of a start for "hooi", after checking that it fits."""
    if not isinstance(init, TuckerTensor):
        raise TypeError(f"`init` must be a TuckerTensor, got {type(init).__name__}.")
    if method not in ("auto", "hooi") or tol is not None:
        raise ValueError("`init` is a start for method 'hooi' with given ranks; leave it out.")
    if init.shape != tuple(np.shape(x)):
        raise ValueError(f"`init` has shape {init.shape}, but `x` has {tuple(np.shape(x))}.")
    if ranks is not None and mode_ranks(ranks, init.shape) != init.ranks:
        raise ValueError(f"`init` has ranks {init.ranks}, but `ranks` = {ranks}.")
    return init.ranks


def _reordered(
    x: Array, order: Sequence[int], ranks: Any, init: TuckerTensor | None, **options: Any
) -> TuckerFit:
    """`tucker` of x with its modes in the order in which they lie in memory."""
    back = sorted(range(len(order)), key=lambda k: order[k])
    turned = [mode_ranks(ranks, x.shape)[k] for k in order] if np.ndim(ranks) else ranks
    hear = options.pop("callback")
    if hear is not None:
        options["callback"] = lambda k, error, model: hear(k, error, model.transpose(back))
    start = None if init is None else init.transpose(order)
    fit = tucker(x.transpose(order), ranks=turned, init=start, **options)
    settings = {**fit.settings, "ranks": ranks}
    return replace(fit, tensor=fit.tensor.transpose(back), settings=settings)
