"""Checks of the arguments of tensors and solvers at the public border, and their warning."""

import operator
from collections.abc import Sequence
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chunks import is_chunked
from rankloom.tn.arrays import Array, is_numpy, namespace, to_host
from rankloom.tn.checks import integer


class ApproximationWarning(UserWarning):
    """An approximation missed its tolerance; the message says what was reached."""


def numeric(names: Sequence[str], values: Sequence[Any]) -> list[Array]:
    """Own C-ordered copies of arrays, in one library and one floating data type.

    Raises
    ------
    TypeError
        An array is not numeric, or arrays of several libraries are mixed.
    ValueError
        NaN or infinity in an array.
    """
    if array_api_compat.is_array_api_obj(values[0]) and not is_numpy(values[0]):
        xp = namespace(*values)
        copies = [xp.asarray(v, copy=True) for v in values]
    else:
        xp, copies = np, [np.array(v, order="C") for v in values]
    for k, (name, x) in enumerate(zip(names, copies, strict=True)):
        if xp is np and x.dtype.kind in "biu":
            x = copies[k] = x.astype(np.float64)
        if not xp.isdtype(x.dtype, (xp.float32, xp.float64, xp.complex64, xp.complex128)):
            raise TypeError(
                f"`{name}` must hold float32, float64, complex64 or complex128 numbers, "
                f"got {x.dtype}."
            )
        if not bool(xp.all(xp.isfinite(x))):
            raise ValueError(f"`{name}` holds NaN or infinity.")
    dtype = xp.result_type(*(x.dtype for x in copies))
    return [x if x.dtype == dtype else xp.astype(x, dtype) for x in copies]


def sequence(name: str, values: Any, what: str) -> list[Any]:
    """`values` as a list.

    Raises
    ------
    TypeError, ValueError
        It is not a sequence, or empty.
    """
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"`{name}` must be a sequence of {what}, got {type(values).__name__}.")
    if len(values) == 0:
        raise ValueError(f"`{name}` is empty; {what} are needed.")
    return list(values)


def mode_index(name: str, value: Any, n_modes: int) -> int:
    """`value` as the number of a mode, counted from 0, or from the end when negative.

    Raises
    ------
    TypeError, ValueError
        It is not an integer within -n_modes..n_modes-1.
    """
    try:
        mode = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer, got {value!r}.") from None
    if not -n_modes <= mode < n_modes:
        raise ValueError(f"`{name}` = {mode} is no mode of a tensor of {n_modes} modes.")
    return mode % n_modes


def mode_ranks(ranks: Any, shape: Sequence[int], *, above: bool = False) -> tuple[int, ...]:
    """`ranks` as one integer per mode; a single integer serves all modes, cut to their sizes.

    Parameters
    ----------
    ranks : int or sequence of int
    shape : tuple of int
    above : bool, default False
        Allow ranks above the size of their mode (they are left as they are).

    Raises
    ------
    TypeError, ValueError
        Not integers, not one per mode, below 1, or above what the shape allows.
    """
    shape = tuple(shape)
    if isinstance(ranks, (int, np.integer)) and not isinstance(ranks, bool):
        rank = integer("ranks", ranks, 1)
        if rank > max(shape):
            raise ValueError(f"`ranks` = {rank} is above every size of {shape}; lower it.")
        return tuple(min(rank, n) for n in shape)
    wanted = [integer(f"ranks[{k}]", r, 1) for k, r in enumerate(sequence("ranks", ranks, "ranks"))]
    if len(wanted) != len(shape):
        raise ValueError(f"`ranks` needs one entry per mode: {len(shape)} modes, got {wanted}.")
    for k, (r, n) in enumerate(zip(wanted, shape, strict=True)):
        if r > n and not above:
            raise ValueError(
                f"`ranks[{k}]` = {r} is outside 1..{n} (size of mode {k}). Lower it, or pass `tol` "
                "to choose ranks by tolerance."
            )
    return tuple(wanted)


def index_rows(indices: Any, shape: Sequence[int]) -> NDArray[np.intp]:
    """Index rows (m, modes) on the host.

    Raises
    ------
    TypeError, ValueError
        Not integers, not one column per mode, or outside the shape.
    """
    found = to_host(indices)
    if found.ndim != 2 or found.shape[1] != len(shape):
        raise ValueError(
            f"`indices` must have shape (m, {len(shape)}), one column per mode, got {found.shape}."
        )
    if found.dtype.kind not in "iu":
        raise TypeError(f"`indices` must be integers, got {found.dtype}.")
    outside = (found < 0) | (found >= np.array(shape))
    if outside.any():
        row, k = np.argwhere(outside)[0]
        raise ValueError(
            f"`indices[{row}, {k}]` = {found[row, k]} is outside 0..{shape[k] - 1}, the indices "
            f"of mode {k}."
        )
    return found.astype(np.intp)


def has_nan(x: Any) -> bool:
    """Whether a real or complex array, or something like one, holds NaN.

    Raises
    ------
    TypeError
        It is an array that is read in chunks.
    """
    if is_chunked(x):
        raise TypeError(
            "`x` is read in chunks, as `tucker` and `cp` take it without `constraints`; here the "
            "data must be in memory: pass `x[...]` or `x.compute()`."
        )
    x = x if array_api_compat.is_array_api_obj(x) else np.asarray(x)
    xp = namespace(x)
    if not xp.isdtype(x.dtype, ("real floating", "complex floating")):
        return False
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is for `check_dense` to name
        total = xp.sum(x)  # one pass without a temporary tells the common case
    return bool(xp.isnan(total)) and bool(xp.any(xp.isnan(x)))


def check_real(x: Array) -> None:
    """Refuse complex data."""
    if namespace(x).isdtype(x.dtype, "complex floating"):
        raise TypeError("`x` must be real for a nonnegative fit; `cp` and `tucker` take complex x.")


def is_sparse(x: Any) -> bool:
    """Whether `x` is a sparse tensor ``(coords, values, shape)``."""
    return isinstance(x, tuple) and len(x) == 3 and isinstance(x[2], (tuple, list))


def refuse_sparse(x: Any) -> None:
    """Refuse a sparse tensor where only dense ones are taken."""
    if is_sparse(x):
        raise TypeError(
            "`x` = (coords, values, shape) is a sparse tensor, which only `cp` takes; its "
            "`constraints` keep factors nonnegative."
        )
