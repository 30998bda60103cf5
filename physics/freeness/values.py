"""Values on trace invariants: dictionaries or arrays; floats, exact rationals or SymPy expressions.

Inside the package they are arrays whose last axis runs over invariants: float64 or complex128, or
objects (Fraction or SymPy expressions).
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.classes import Invariants
from rankloom.physics.freeness.invariant import TraceInvariant

Arithmetic: TypeAlias = Literal["float", "exact", "symbolic"]


def arithmetic(values: NDArray[Any]) -> Arithmetic:
    """What the numbers of a checked array are."""
    if values.dtype != object:
        return "float"
    return "exact" if all(isinstance(v, Rational) for v in values.flat) else "symbolic"


def is_expression(value: Any) -> bool:
    """Whether this is a SymPy expression (without importing SymPy)."""
    return hasattr(value, "free_symbols")


def numbers(name: str, values: Any) -> NDArray[Any]:
    """`values` as an array of one kind of numbers.

    Integers and Fractions become Fractions, anything with a SymPy expression becomes SymPy, and the
    rest float64 or complex128.

    Raises
    ------
    TypeError, ValueError
        Not numbers; NaN or infinity.
    """
    array = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if array.dtype.kind in "iub":
        array = array.astype(object)
    if array.dtype == object:
        flat = list(array.flat)
        if any(map(is_expression, flat)):
            import sympy

            return _objects([sympy.sympify(v) for v in flat], array.shape)
        if all(isinstance(v, Rational) for v in flat):
            return _objects([_fraction(v) for v in flat], array.shape)
        try:
            array = np.array([complex(v) for v in flat]).reshape(array.shape)
        except (TypeError, ValueError):
            raise TypeError(f"`{name}` must hold numbers or SymPy expressions.") from None
        if not any(isinstance(v, (complex, np.complexfloating)) for v in flat):
            array = array.real
    if array.dtype.kind not in "fc":
        raise TypeError(f"`{name}` must hold numbers, got an array of {array.dtype}.")
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` holds NaN or infinity.")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.numerator), int(value.denominator))


def _objects(values: Sequence[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def to_array(name: str, values: Any, invariants: Invariants) -> NDArray[Any]:
    """Values on `invariants`, from a dictionary or an array over them (last axis).

    Raises
    ------
    TypeError, ValueError
        Neither, or of the wrong length; invariants that are missing or do not belong here.
    """
    if isinstance(values, Mapping):
        return numbers(name, [values[t] for t in complete(name, values, invariants)])
    if not isinstance(values, np.ndarray):
        raise TypeError(
            f"`{name}` must be a dictionary keyed by TraceInvariant, or a NumPy array over "
            f"`invariants`, got {type(values).__name__}."
        )
    if values.ndim == 0 or values.shape[-1] != len(invariants):
        raise ValueError(
            f"`{name}` has shape {values.shape}; the last axis must run over the "
            f"{len(invariants)} invariants in the order of `invariants`."
        )
    return numbers(name, values)


def complete(
    name: str, values: Mapping[Any, Any], invariants: Sequence[TraceInvariant]
) -> list[TraceInvariant]:
    """`invariants` as a list, after checking that `values` has each of them and nothing else.

    Raises
    ------
    TypeError, ValueError
        Keys of another kind, invariants that are missing or do not belong here.
    """
    listed = list(invariants)
    if missing := [t for t in listed if t not in values]:
        raise ValueError(
            f"`{name}` lacks {len(missing)} of {len(listed)} classes: {_some(missing)}. "
            "Give all of them (0 where they vanish); `invariants` lists what is wanted. Products "
            "of smaller invariants have values of their own where it holds them."
        )
    if len(values) > len(listed):
        known = set(listed)
        foreign = [key for key in values if key not in known]
        raise ValueError(
            f"`{name}` holds {len(foreign)} keys that do not belong here: {_some(foreign)}. "
            "Wanted are TraceInvariant of the same kind, colours and order as `invariants`."
        )
    return listed


def _some(items: Sequence[Any]) -> str:
    shown = ", ".join(map(repr, items[:3]))
    return shown + (", .." if len(items) > 3 else "")


def like(values: Any, array: NDArray[Any], invariants: Sequence[TraceInvariant]) -> Any:
    """`array` in the form that `values` had: a dictionary or an array."""
    if isinstance(values, Mapping):
        return dict(zip(invariants, array.tolist(), strict=True))
    return array


def common_denominator(values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Integers and the denominator that they share."""
    below = math.lcm(*(v.denominator for v in values.flat))
    scaled = [v.numerator * (below // v.denominator) for v in values.flat]
    return _objects(scaled, values.shape), below


def over(values: NDArray[Any], below: int) -> NDArray[Any]:
    """Integers over a denominator, as Fractions."""
    return _objects([Fraction(v, below) for v in values.flat], values.shape)
