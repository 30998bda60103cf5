"""`nonnegative_tucker`: a nonnegative core with nonnegative factors.

Factors are updated column after column (`hals`), the core by projected gradient steps with
momentum (A. Beck, M. Teboulle, doi:10.1137/080716542) that are restarted where they would raise the
error. The products with the tensor are shared between the modes as in `hooi`, and that with all
factors, which the core and the error need, comes free with the last of them.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rankloom.decomposition.als import Callback, search_as
from rankloom.decomposition.checks import check_real, has_nan, mode_ranks, refuse_sparse
from rankloom.decomposition.data import Dense, check_dense
from rankloom.decomposition.fit import TuckerFit
from rankloom.decomposition.hals import hals
from rankloom.decomposition.hooi import updates
from rankloom.decomposition.modes import mode_product, mode_products, unfold
from rankloom.decomposition.observed import Observed, check_observed
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, eigh, like, namespace, one_blas_thread, to_host
from rankloom.tn.checks import integer
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress

_CORE_STEPS = 5  # they cost the size of the core times its ranks, far less than a product with x


def nonnegative_tucker(
    x: Array,
    ranks: int | Sequence[int],
    *,
    init: TuckerTensor | None = None,
    restarts: int = 1,
    max_sweeps: int = 200,
    tol: float = 1e-8,
    mask: Array | None = None,
    weights: Array | None = None,
    holdout: float = 0.0,
    rng: Any = None,
    progress: Progress = False,
    callback: Callback | None = None,
) -> TuckerFit:
    """Tucker tensor with nonnegative core and factors close to a tensor.

    Parameters
    ----------
    x : (n_0, n_1, ..) array
        Real; negative entries are allowed (noise), NaN marks a missing entry.
    ranks : int or sequence of int
        One per mode, or one for all (cut to the sizes).
    init : TuckerTensor, optional
        First start, with entries >= 0; random by default.
    restarts : int, default 1
        Number of all starts; the best is kept.
    max_sweeps : int, default 200
    tol : float, default 1e-8
        Relative change of the error per sweep that ends a start.
    mask, weights : array, optional
        As in `tucker`; missing entries are filled in from the fit after each sweep.
    holdout : float, default 0
        Fraction of the observed entries kept back to judge the ranks by.
    rng, progress, callback
        As in `tucker`.

    Returns
    -------
    TuckerFit
        Core and factors are >= 0, the factors have unit columns (not orthonormal); see `tucker`.

    Raises
    ------
    TypeError, ValueError
        As in `tucker`, and for complex data.

    Notes
    -----
    Nonnegative Tucker tensors are rarely unique: look at several starts before reading a factor.
    A sweep costs ``N / (N - 1)`` products of `x` with a factor, ``2 r prod(n)`` operations each.
    No sweep raises the error.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> truth = TuckerTensor(rng.random((2, 2, 2)), [rng.random((n, 2)) for n in (8, 7, 6)])
    >>> nonnegative_tucker(truth.to_dense(), ranks=2, rng=0).error < 1e-2
    True
    """
    refuse_sparse(x)
    integer("max_sweeps", max_sweeps, 1)
    integer("restarts", restarts, 1)
    if not 0 <= tol < math.inf:
        raise ValueError(f"`tol` must be a finite number >= 0, got {tol}.")
    settings = {
        "ranks": ranks, "init": init, "restarts": restarts, "max_sweeps": max_sweeps, "tol": tol,
        "holdout": holdout,
    }  # fmt: skip
    rng = np.random.default_rng(rng)
    found = None
    if mask is not None or weights is not None or holdout or has_nan(x):
        found = check_observed(x, mask, weights, holdout, rng)
    data = check_dense(x) if found is None else found.data
    check_real(data.x)
    shape = tuple(data.x.shape)
    wanted = mode_ranks(ranks, shape)
    first = None if init is None else _check_init(init, shape, wanted, data)

    def make(k: int, generator: np.random.Generator) -> Any:
        begin = first if k == 0 and first is not None else _random(data, wanted, generator)
        return NonnegativeSweeps(data, begin) if found is None else FilledSweeps(found, begin)

    with one_blas_thread(0 if math.prod(shape) < 2**20 else 2**20):
        best = search_as(
            settings, make, eps=data.eps, rng=rng, progress=progress, callback=callback
        )
    run = best.best
    tensor = run.model if data.scale == 1 else run.model * data.scale
    return TuckerFit(
        tensor=tensor,
        error=run.error,
        errors=run.errors,
        outcome=run.outcome,
        starts=best.starts,
        settings=settings,
        held_out_error=None if found is None else found.held_out_error(tensor),
    )


class NonnegativeSweeps:
    """One start, for the sweep loop of `als`.

    Memory beside the tensor: one product with it, the fraction max(r_k / n_k) of its size.

    Parameters
    ----------
    data : Dense
    start : TuckerTensor
        With entries >= 0.
    """

    def __init__(self, data: Dense, start: TuckerTensor) -> None:
        self._data, self._core, self._factors = data, start.core, list(start.factors)
        self._grams = [f.T @ f for f in self._factors]
        self._walk = self._start_walk()

    def _start_walk(self) -> Iterator[tuple[int, Array]]:
        return updates(self._data.x, self._contract)

    def _contract(self, t: Array, modes: Sequence[int]) -> Array:
        for k in sorted(modes, reverse=True):
            t = mode_product(t, self._factors[k].T, k)
        return t

    def sweep(self) -> float:
        """Update every factor and the core once; the exact relative error afterwards."""
        for _ in self._factors:
            k, t = next(self._walk)
            self._update(k, t)
        inner = mode_product(t, self._factors[k].T, k)
        seen = mode_products(self._core, self._grams)
        xp = namespace(inner)
        square = self._data.norm**2 - 2 * float(xp.sum(inner * self._core))
        return self._data.relative(square + float(xp.sum(seen * self._core)), self.model())

    def _update(self, k: int, t: Array) -> None:
        """One factor, then the core; `t` is the tensor with all other factors applied."""
        others: list[Array | None] = [g if j != k else None for j, g in enumerate(self._grams)]
        slices = unfold(self._core, k)
        gram = slices @ unfold(mode_products(self._core, others), k).T
        rows = hals(self._factors[k].T, slices @ unfold(t, k).T, gram)
        xp = namespace(rows)
        lengths = xp.linalg.vector_norm(rows, axis=1)
        empty = lengths == 0  # a column of zeros keeps its old direction, and the core forgets it
        unit = xp.where(
            empty[:, None],
            self._factors[k].T,
            rows / xp.where(empty, 1 + lengths, lengths)[:, None],
        )
        self._factors[k] = xp.asarray(unit.T, copy=True)
        self._grams[k] = unit @ unit.T
        along = [1] * self._core.ndim
        along[k] = -1
        core = self._core * xp.reshape(lengths, tuple(along))
        self._core = core_steps(core, mode_product(t, unit, k), self._grams)

    def model(self) -> TuckerTensor:
        """The present tensor."""
        return TuckerTensor._adopt(self._core, self._factors)

    def verdict(self) -> Outcome | None:
        """No way to end of its own."""
        return None


class FilledSweeps(NonnegativeSweeps):
    """The same for data with missing entries or weights, filled in after each sweep."""

    def __init__(self, found: Observed, start: TuckerTensor) -> None:
        self._found = found
        x = found.data.x
        super().__init__(Dense(namespace(x).asarray(x, copy=True), found.data.norm), start)

    def sweep(self) -> float:
        """Update every factor and the core once, then fill; the error on the observed entries."""
        self._walk = self._start_walk()  # the data have changed
        for _ in self._factors:
            self._update(*next(self._walk))
        return float(self._found.fill(self.model(), self._data.x) ** 0.5 / self._data.norm)


def core_steps(core: Array, inner: Array, grams: Sequence[Array]) -> Array:
    """Lower ``<G, H G> / 2 - <G, B>`` over G >= 0, H being `grams` over all modes.

    Parameters
    ----------
    core : array
        Where to start.
    inner : array
        B, the data with all factors applied.
    grams : sequence of (r_k, r_k) array

    Returns
    -------
    array
        Never worse than `core`.
    """
    xp = namespace(core)
    steepest = math.prod(float(eigh(g)[0][-1]) for g in grams)
    if not steepest > 0:
        return core

    def value(g: Array, seen: Array) -> float:
        return float(xp.sum(g * (seen / 2 - inner)))

    seen = mode_products(core, grams)
    best = value(core, seen)
    ahead, seen_ahead, momentum = core, seen, 1.0
    for _ in range(_CORE_STEPS):
        new = ahead - (seen_ahead - inner) / steepest
        new = xp.where(new > 0, new, xp.zeros_like(new))
        seen_new = mode_products(new, grams)
        lowered = value(new, seen_new)
        if lowered > best:
            if momentum == 1:  # a plain step: what is left is rounding
                break
            ahead, seen_ahead, momentum = core, seen, 1.0
            continue
        later = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        push = (momentum - 1) / later
        ahead, seen_ahead = new + push * (new - core), seen_new + push * (seen_new - seen)
        core, seen, best, momentum = new, seen_new, lowered, later
    return core


def _random(data: Dense, ranks: Sequence[int], rng: np.random.Generator) -> TuckerTensor:
    """Uniform core and factors with unit columns, in the library and data type of the data."""
    core = rng.random(tuple(ranks))
    factors = [rng.random((n, r)) for n, r in zip(data.x.shape, ranks, strict=True)]
    factors = [f / np.linalg.norm(f, axis=0) for f in factors]
    on_device = [like(data.x, a, data.x.dtype) for a in (core, *factors)]
    return TuckerTensor._adopt(on_device[0], on_device[1:])


def _check_init(
    init: Any, shape: tuple[int, ...], ranks: tuple[int, ...], data: Dense
) -> TuckerTensor:
    """A given start with unit columns, scaled as the data are.

    Raises
    ------
    TypeError, ValueError
        Not a Tucker tensor, of another shape or other ranks, or with negative entries.
    """
    if not isinstance(init, TuckerTensor):
        raise TypeError(f"`init` must be a TuckerTensor, got {type(init).__name__}.")
    if init.shape != shape or init.ranks != ranks:
        raise ValueError(
            f"`init` must have shape {shape} and ranks {ranks}, got {init.shape} and {init.ranks}."
        )
    core, *factors = (to_host(a) for a in (init.core / data.scale, *init.factors))
    if any((a < 0).any() for a in (core, *factors)):
        raise ValueError("`init` must be nonnegative: take absolute values, or start at random.")
    for k, f in enumerate(factors):
        lengths = np.linalg.norm(f, axis=0)
        factors[k] = f / np.where(lengths > 0, lengths, 1)
        core = np.moveaxis(np.moveaxis(core, k, -1) * lengths, -1, k)
    on_device = [like(data.x, a, data.x.dtype) for a in (core, *factors)]
    return TuckerTensor._adopt(on_device[0], on_device[1:])
