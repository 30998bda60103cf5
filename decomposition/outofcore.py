"""Tucker and CP tensors of data larger than memory: files on disk, and Dask arrays.

Small modes first, one pass over the data sums up the Gram matrix of a mode, and the next pass sees
the data with this mode compressed. As soon as what is left fits into memory, it is collected, and
the solvers for dense tensors go on there. The bases are orthonormal, so ``|x|^2 = |left|^2 + what
was cut off``, and errors are those of the whole data.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import add
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.checks import mode_ranks
from rankloom.decomposition.chunks import Factors, Place, Source, source_of
from rankloom.decomposition.cp_fit import CPFit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import safe_norms, sum_of_squares
from rankloom.decomposition.fit import Fit, TuckerFit
from rankloom.decomposition.hosvd import (
    Cut,
    check_tol,
    digits_left,
    gram,
    precision,
    transposed_triangle,
)
from rankloom.decomposition.starts import check_init, check_rank
from rankloom.decomposition.tensor import FactoredTensor
from rankloom.tn.arrays import Array, eigh, one_blas_thread, svd, triangle
from rankloom.tn.outcome import Outcome

_HELD = 2**26  # entries of what is left that are held in memory: 0.5 GB in double precision
_MOST = 4 * _HELD  # where no mode is left to compress
_EXTRA = 5  # ranks kept beyond those asked for, where a solver goes on

T = TypeVar("T", bound=FactoredTensor)


@dataclass(frozen=True, eq=False)
class Compressed:
    """What is left of a tensor after some of its modes were compressed.

    Attributes
    ----------
    source : Source
    left : array
        The data with `factors` applied, in memory.
    factors : mapping
        Orthonormal (n_k, r_k) of the compressed modes.
    square : float
        Squared norm of the data.
    kept : float
        Squared norm of `left`.
    dropped : float
        Sum of the squared singular values cut off: their difference, to more digits.
    """

    source: Source
    left: Array
    factors: Factors
    square: float
    kept: float
    dropped: float

    def outward(self, model: T) -> T:
        """A tensor of the shape of `left` as one of the shape of the data."""
        factors = [self.factors[k] @ f if k in self.factors else f for k, f in _each(model)]
        return model._adopt(model._head * self.source.scale, factors)

    def inward(self, model: T) -> T:
        """The part of a tensor of the shape of the data that `left` can hold."""
        factors = [
            self.factors[k].conj().T @ f if k in self.factors else f for k, f in _each(model)
        ]
        return model._adopt(model._head / self.source.scale, factors)

    def relative(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Errors relative to `left` as errors relative to the data."""
        return np.sqrt((np.asarray(errors) ** 2 * self.kept + self.dropped) / self.square)

    def error(self, error: float, model: FactoredTensor) -> float:
        """`error` of a tensor of the shape of the data, recomputed where rounding would show."""
        if error**2 >= float(np.finfo(self.left.dtype).eps) ** 0.5:
            return error
        scaled = model._adopt(model._head / self.source.scale, model._factors)
        total = self.source.fold(None, {}, partial(_residual, model=scaled), add)
        return float((total / self.square) ** 0.5)


def _each(model: FactoredTensor) -> list[tuple[int, Array]]:
    return list(enumerate(model._factors))


def chunked_tucker(
    x: Any, solve: Callable[..., TuckerFit], options: Mapping[str, Any]
) -> TuckerFit:
    """`tucker` of an array that is read in chunks.

    Parameters
    ----------
    x : dask.array.Array, h5py.Dataset, zarr.Array or alike
    solve : callable
        `tucker`, for what fits into memory.
    options : mapping
        Its arguments.
    """
    source = source_of(x)
    if math.prod(source.shape) <= _HELD:
        return solve(_collect(source, {}), **options)
    tol, ranks, method, init = (options[k] for k in ("tol", "ranks", "method", "init"))
    _refuse(options, {"mask": None, "weights": None, "holdout": 0})
    if method not in ("auto", "st-hosvd", "hooi"):
        raise ValueError(
            f"`method` = {method!r} is for arrays in memory; an array read in chunks takes "
            "'st-hosvd' or 'hooi'."
        )
    if ranks is not None:
        extra = 0 if method == "st-hosvd" else _EXTRA
        wanted = mode_ranks(ranks, source.shape)
        kept = [min(r + extra, m) for r, m in zip(wanted, source.shape, strict=True)]
        small = compress(source, ranks=kept)
        inner = {"ranks": wanted if np.ndim(ranks) else ranks}
    else:
        share = check_tol(tol, source.dtype) ** 2 / len(source.shape)
        small = compress(source, share=share)
        budget = max(tol**2 * small.square - small.dropped, 0.0)
        inner = {"tol": max((budget / small.kept) ** 0.5, precision(source.dtype)) if tol else 0}
    if init is not None:
        inner["init"] = small.inward(init)
    hear = options["callback"]
    fit = solve(small.left, **{**options, **inner, "callback": _told(small, hear)})
    settings = {**fit.settings, "tol": tol, "ranks": ranks, "method": method}
    found: TuckerFit = _outward(fit, small, settings)
    if tol and found.error > tol * (1 + 1e-9):
        return replace(found, outcome=Outcome.STALLED)
    return found


def chunked_cp(x: Any, rank: int, solve: Callable[..., CPFit], options: Mapping[str, Any]) -> CPFit:
    """`cp` of an array that is read in chunks: on its Tucker core with ranks ``rank + 5``.

    Parameters
    ----------
    x : dask.array.Array, h5py.Dataset, zarr.Array or alike
    rank : int
    solve : callable
        `cp`, for what fits into memory.
    options : mapping
        Its other arguments.
    """
    source = source_of(x)
    if math.prod(source.shape) <= _HELD:
        return solve(_collect(source, {}), rank, **options)
    _refuse(options, {"mask": None, "weights": None, "constraints": None, "holdout": 0})
    if options["compress"] is False:
        raise ValueError("`compress` = False is for arrays in memory: this one is larger.")
    rank = check_rank(rank, source.shape)
    small = compress(source, ranks=[min(rank + _EXTRA, n) for n in source.shape])
    init = check_init(options["init"], source.shape, rank)
    first = small.inward(init) if isinstance(init, CPTensor) else init
    hear = _told(small, options["callback"])
    fit = solve(small.left, rank, **{**options, "init": first, "callback": hear})
    found: CPFit = _outward(fit, small, {**fit.settings, "init": init})
    return found


def _refuse(options: Mapping[str, Any], without: Mapping[str, Any]) -> None:
    """Refuse what needs all entries at hand."""
    for name, off in without.items():
        if options[name] is not off and not (name == "holdout" and options[name] == 0):
            raise ValueError(f"`{name}` is for arrays in memory; an array read in chunks has none.")


def compress(
    source: Source, *, ranks: Sequence[int] | None = None, share: float = 0.0
) -> Compressed:
    """Compress modes, smallest first, until what is left can be held in memory.

    Parameters
    ----------
    source : Source
    ranks : sequence of int, optional
        How much each mode keeps.
    share : float
        Without `ranks`: the part of the squared norm that each mode may drop.

    Raises
    ------
    ValueError
        NaN or infinity in the data, or zero everywhere; or too much is left.
    """
    shape, square, dropped = source.shape, 0.0, 0.0
    factors: dict[int, Array] = {}
    for k in sorted(range(len(shape)), key=lambda k: shape[k])[:-1]:
        if _left(shape, factors) <= _HELD:
            break
        if ranks is not None and ranks[k] == shape[k]:
            continue
        found = _moments(source, k, factors)
        if not factors:  # the first pass sees the data themselves
            square = found.square
        cut = Cut(budget=share * square) if ranks is None else Cut(ranks[k])
        factors[k], lost = _basis(source, k, factors, found.gram, cut)
        dropped += lost
    size = _left(shape, factors)
    if size > _MOST:
        rest = tuple(factors[k].shape[1] if k in factors else n for k, n in enumerate(shape))
        raise ValueError(
            f"what is left of `x` after compression, shape {rest}, is {size * 8e-9:.1f} GB in "
            "double precision and cannot be held in memory: raise `tol`, or lower the ranks."
        )
    left = _collect(source, factors)
    return Compressed(source, left, factors, square, sum_of_squares(left), dropped)


def _left(shape: Sequence[int], factors: Factors) -> int:
    return math.prod(factors[k].shape[1] if k in factors else n for k, n in enumerate(shape))


@dataclass(frozen=True, eq=False)
class Moments:
    """Gram matrix of the unfolding of a mode, and the sum of the squares of all entries."""

    gram: Array
    square: float

    def __add__(self, other: "Moments") -> "Moments":
        with np.errstate(over="ignore", invalid="ignore"):  # callers look at the sum of squares
            return Moments(self.gram + other.gram, self.square + other.square)


def _moments(source: Source, mode: int, factors: Factors) -> Moments:
    """Moments of a mode; `source.scale` is set where the norm would overflow or underflow."""
    low, high = safe_norms(source.dtype)
    found: Moments = source.fold(mode, factors, partial(_unit_moments, mode=mode), add)
    if factors or low**2 <= found.square <= high**2:
        return found
    largest = source.fold(None, {}, _largest, np.fmax)
    if not np.isfinite(largest) or np.isnan(found.square):
        raise ValueError(
            "`x` holds NaN or infinite entries; arrays read in chunks have no form for missing "
            "ones."
        )
    if largest == 0:
        raise ValueError("`x` is zero everywhere: every tensor of its shape fits as well or worse.")
    source.scale = float(2.0 ** np.floor(np.log2(largest)))
    return _moments(source, mode, factors)


def _basis(
    source: Source, mode: int, factors: Factors, total: Array, cut: Cut
) -> tuple[Array, float]:
    """Leading left singular vectors (n, r) of a mode, and the squared singular values dropped."""
    with one_blas_thread(total.shape[0]):
        values, vectors = (np.flip(a, axis=-1) for a in eigh(total.astype(source.dtype)))
    r = cut.choose(values)
    if digits_left(values, r, cut):
        return np.ascontiguousarray(vectors[:, :r]), float(np.maximum(values[r:], 0).sum())
    upper = source.fold(mode, factors, partial(_triangle, mode=mode), _stacked)
    u, s, _ = svd(upper.conj().T)
    r = cut.choose(s**2)
    return u[:, :r].astype(source.dtype), float((s[r:] ** 2).sum())


def _collect(source: Source, factors: Factors) -> Array:
    """The data with `factors` applied, in memory."""
    shape = [factors[k].shape[1] if k in factors else n for k, n in enumerate(source.shape)]
    out = np.empty(shape, source.dtype)
    for place, part in source.fold(None, factors, _itself, add):
        out[place] = part
    return out


def _outward(fit: Fit[Any], small: Compressed, settings: Mapping[str, Any]) -> Any:
    """A fit to what is left as one of the data."""
    errors, starts = small.relative(fit.errors), small.relative(fit.starts)
    tensor = small.outward(fit.tensor)
    if errors.size:
        errors[-1] = small.error(float(errors[-1]), tensor)
    error = float(errors[-1]) if errors.size else fit.error
    return replace(fit, tensor=tensor, error=error, errors=errors, starts=starts, settings=settings)


def _told(small: Compressed, hear: Callable[..., object] | None) -> Callable[..., object] | None:
    """A callback that hears of errors and tensors of the whole data."""
    if hear is None:
        return None
    return lambda k, error, model: hear(
        k, float(small.relative(np.array(error))), small.outward(model)
    )


# What units give to a sum; functions of the module, so that tasks can be sent to other processes.


def _unit_moments(block: Array, _: Place, mode: int) -> Moments:
    with np.errstate(over="ignore", invalid="ignore"):
        found = gram(block, mode)
    return Moments(found.astype(np.result_type(found.dtype, np.float64)), sum_of_squares(block))


def _largest(block: Array, _: Place) -> float:
    return float(np.max(np.abs(block)))


def _itself(block: Array, place: Place) -> list[tuple[Place, Array]]:
    return [(place, block)]


def _triangle(block: Array, _: Place, mode: int) -> Array:
    return transposed_triangle(block, mode)


def _stacked(a: Array, b: Array) -> Array:
    return triangle(np.concatenate([a, b]))


def _residual(block: Array, place: Place, model: FactoredTensor) -> float:
    return sum_of_squares(block - model[place].to_dense())
