"""Checks of arguments at the public border."""

import operator
from typing import Any

import array_api_compat
import numpy as np

from rankloom.tn.arrays import Array, is_numpy, namespace, read_only, same_dtype


def integer(name: str, value: Any, least: int) -> int:
    """`value` as an int.

    Raises
    ------
    TypeError, ValueError
        `value` (the argument called `name`) is not an integer, or is below `least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer >= {least}, got {value!r}.") from None
    if isinstance(value, bool):
        raise TypeError(f"`{name}` must be an integer >= {least}, got {value!r}.")
    if number < least:
        raise ValueError(f"`{name}` must be at least {least}, got {number}.")
    return number


def site_index(name: str, value: Any, n: int) -> int:
    """`value` as the number of one of n sites, counted from 0.

    Raises
    ------
    TypeError, ValueError
        `value` (the argument called `name`) is not an integer within 0..n-1.
    """
    k = integer(name, value, 0)
    if k >= n:
        raise ValueError(f"`{name}` names site {k}, but the sites are 0..{n - 1}.")
    return k


def check_tensors(name: str, tensors: Any, legs: str) -> tuple[Array, ...]:
    """Own, read-only copies of site tensors, after checking kind, legs, bonds and values.

    Parameters
    ----------
    name : str
        The argument to name in messages.
    tensors : sequence of array
        Site tensors; the first leg is the left bond and the last leg the right bond.
    legs : str
        Names of the legs, as ``"(left, physical, right)"``.

    Raises
    ------
    TypeError
        A tensor is not numeric, or tensors of several array libraries are mixed.
    ValueError
        No tensor, wrong number of legs, bonds that do not meet, open ends, NaN or infinity.
    """
    if len(tensors) == 0:
        raise ValueError(f"`{name}` is empty; at least one site tensor {legs} is needed.")
    if array_api_compat.is_array_api_obj(tensors[0]) and not is_numpy(tensors[0]):
        xp = namespace(*tensors)
        copies = [xp.asarray(t, copy=True) for t in tensors]
    else:
        xp, copies = np, [np.array(t, order="C") for t in tensors]
    ndim, right = legs.count(",") + 1, 1
    for k, t in enumerate(copies):
        if xp is np and t.dtype.kind in "biu":
            t = copies[k] = t.astype(np.float64)
        if not xp.isdtype(t.dtype, (xp.float32, xp.float64, xp.complex64, xp.complex128)):
            raise TypeError(
                f"`{name}[{k}]` must hold float32, float64, complex64 or complex128 numbers, "
                f"got {t.dtype}."
            )
        if t.ndim != ndim:
            raise ValueError(f"`{name}[{k}]` needs {ndim} legs {legs}, got shape {tuple(t.shape)}.")
        if 0 in t.shape:
            raise ValueError(f"`{name}[{k}]` has an empty leg: shape {tuple(t.shape)}.")
        if t.shape[0] != right:
            where = "the open left end" if k == 0 else f"the right leg of `{name}[{k - 1}]`"
            raise ValueError(
                f"the left leg of `{name}[{k}]` has size {t.shape[0]}, but {where} has {right}."
            )
        if not bool(xp.all(xp.isfinite(t))):
            raise ValueError(f"`{name}[{k}]` holds NaN or infinity.")
        right = t.shape[-1]
    if right != 1:
        raise ValueError(f"the right leg of the last tensor must have size 1, got {right}.")
    return read_only(same_dtype(copies)[0])
