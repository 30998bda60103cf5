"""Dense data as the solvers see them: checked, scaled into safe range, norm and exact residuals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import array_api_compat
import numpy as np

from rankloom.decomposition.checks import refuse_sparse
from rankloom.decomposition.cp_tensor import CPTensor, khatri_rao
from rankloom.decomposition.tensor import FactoredTensor
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, is_numpy, namespace

_BLOCK = 2**20  # entries looked at together: 8 MB
_SAFE = (1e-60, 1e60)  # norms whose squares and products stay far from overflow and underflow
_SAFE_SINGLE = (1e-12, 1e12)


@dataclass(frozen=True, eq=False)
class Dense:
    """A checked dense tensor.

    Attributes
    ----------
    x : array
        The data divided by `scale`; the caller's own memory where nothing had to be changed.
    norm : float
        Frobenius norm of `x`, summed in double precision.
    scale : float
        1, except for norms whose square is not safe.
    """

    x: Array
    norm: float
    scale: float = 1.0

    @property
    def eps(self) -> float:
        """Rounding of the data type."""
        return float(namespace(self.x).finfo(self.x.dtype).eps)

    def relative(self, square: float, model: FactoredTensor | None) -> float:
        """Relative error from ``|x|^2 - |projection|^2`` = `square`, recomputed when that is noise.

        The difference of two squares is known to about eps |x|^2; once the error is so small that
        this shows, the residual of `model` is summed up instead.
        """
        ratio = square / self.norm**2
        if ratio < self.eps**0.5 and model is not None:
            return residual(self.x, model) / self.norm
        return float(max(ratio, 0.0) ** 0.5)


class MissingEntries(ValueError):
    """The data hold NaN: a solver with a masked form goes over to it."""


def check_dense(x: Any) -> Dense:
    """The argument `x` of a solver, checked.

    Parameters
    ----------
    x : array_like
        Integers become float64.

    Raises
    ------
    TypeError, ValueError
        Not numeric; fewer than 2 modes; an empty mode; NaN or infinity; all zero.
    """
    refuse_sparse(x)
    if not array_api_compat.is_array_api_obj(x) or isinstance(x, np.generic):
        x = np.asarray(x)
    xp = namespace(x)
    if is_numpy(x) and x.dtype.kind in "biu":
        x = x.astype(np.float64)
    if is_numpy(x) and x.dtype.kind not in "fc":
        raise TypeError(f"`x` must hold numbers, got {x.dtype}.")
    if not xp.isdtype(x.dtype, (xp.float32, xp.float64, xp.complex64, xp.complex128)):
        if not xp.isdtype(x.dtype, ("bool", "integral")):
            raise TypeError(
                f"`x` must hold float32, float64, complex64 or complex128 numbers, got {x.dtype}."
            )
        x = xp.astype(x, xp.float64)
    if x.ndim < 2:
        raise ValueError(f"`x` needs at least 2 modes, got shape {tuple(x.shape)}.")
    if 0 in x.shape:
        raise ValueError(f"`x` has an empty mode: shape {tuple(x.shape)}.")
    if is_numpy(x):
        x = np.ascontiguousarray(x)
    return _scaled(x)


def memory_order(x: Any) -> tuple[int, ...] | None:
    """The order of modes in which a NumPy array is contiguous; None where it already is, or never.

    Arrays in Fortran order and transposed ones are so taken as they lie, without a copy.
    """
    if not isinstance(x, np.ndarray) or x.flags.c_contiguous or 0 in x.shape:
        return None
    order = tuple(sorted(range(x.ndim), key=lambda k: -x.strides[k]))
    return order if x.transpose(order).flags.c_contiguous else None


def _scaled(x: Array) -> Dense:
    xp = namespace(x)
    square = sum_of_squares(x)
    low, high = safe_norms(x.dtype)
    if low**2 <= square <= high**2:  # a finite sum of squares has finite terms
        return Dense(x, square**0.5)
    largest = float(xp.max(xp.abs(x)))
    if not np.isfinite(largest):
        bad = int(xp.count_nonzero(~xp.isfinite(x)))
        infinite = bad > int(xp.count_nonzero(xp.isnan(x)))
        kind = ValueError if infinite else MissingEntries
        raise kind(f"`x` must be finite: {bad} of its entries are NaN or infinite.")
    if largest == 0:
        raise ValueError("`x` is zero everywhere: every tensor of its shape fits as well or worse.")
    scale = 2.0 ** np.floor(np.log2(largest))  # a power of two changes no digit
    small = x * (1 / scale) if np.isfinite(1 / scale) else x / scale
    return Dense(small, sum_of_squares(small) ** 0.5, float(scale))


def safe_norms(dtype: Any) -> tuple[float, float]:
    """Least and largest norm at which squares and products of a data type are safe."""
    single = str(dtype).rpartition(".")[2] in ("float32", "complex64")
    return _SAFE_SINGLE if single else _SAFE


def sum_of_squares(x: Array) -> float:
    """Sum of ``|x|^2``, in double precision and in blocks."""
    xp = namespace(x)
    flat = xp.reshape(x, (-1,))
    total = 0.0
    for start in range(0, flat.shape[0], _BLOCK):
        block = in_double(flat[start : min(start + _BLOCK, flat.shape[0])])
        with np.errstate(over="ignore", invalid="ignore"):  # callers look at the result
            total += complex(xp.vecdot(block, block)).real
    return total


def in_double(x: Array) -> Array:
    """`x` in double precision; itself where it is so already."""
    xp = namespace(x)
    wide = xp.complex128 if xp.isdtype(x.dtype, "complex floating") else xp.float64
    return x if x.dtype == wide else xp.astype(x, wide)


def residual(x: Array, model: FactoredTensor) -> float:
    """``|x - model|``, summed over slabs of the first mode; nothing of the size of x is formed."""
    xp = namespace(x)
    flat = xp.reshape(x, (x.shape[0], -1))
    total = sum(sum_of_squares(flat[part, :] - dense) for part, dense in slabs(model))
    return float(total**0.5)


def slabs(model: FactoredTensor) -> Iterator[tuple[slice, Array]]:
    """The dense tensor in slabs (rows, all other modes) of its first mode."""
    xp = namespace(model._head)
    first, *others = model._factors
    if isinstance(model, CPTensor):
        head, tail = first * model.weights, reduce(khatri_rao, others)
    elif isinstance(model, TuckerTensor):
        rest = TuckerTensor._adopt(
            model.core, [xp.eye(first.shape[1], dtype=first.dtype, device=first.device), *others]
        ).to_dense()
        head, tail = first, xp.reshape(rest, (first.shape[1], -1)).T
    rows = max(1, _BLOCK // tail.shape[0])
    for start in range(0, first.shape[0], rows):
        part = slice(start, min(start + rows, first.shape[0]))
        yield part, head[part, :] @ tail.T
