"""Transforms in SymPy: the arithmetic runs in a field of rational functions, not in expressions."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.weingarten_table import FactoredFraction

Convolution = Callable[[NDArray[Any], Sequence[Any]], NDArray[Any]]


def symbolic_transform(
    run: Convolution, x: NDArray[Any], dims: Sequence[Any], functions: Sequence[Any]
) -> NDArray[Any]:
    """`run` on values and class functions that hold symbols; results in factored form.

    Class functions are numbers, powers of a dimension, or `FactoredFraction` of one. Sums are of
    polynomials: the denominator that the values of a function share is divided out at the end.
    """
    import sympy

    flat = [sympy.sympify(v) for v in x.flat]
    field, elements = sympy.sfield([*map(sympy.sympify, dims), *flat])
    sizes, below = elements[: len(dims)], field.one
    tops = []
    for N, function in zip(sizes, functions, strict=True):
        values = list(function.values())
        if isinstance(values[0], FactoredFraction):
            numerators, denominator = _over_common(values, N, field)
        else:
            numerators, denominator = [_element(v, field) for v in values], field.one
        tops.append(dict(zip(function, numerators, strict=True)))
        below *= denominator
    array = np.empty(len(flat), dtype=object)
    array[:] = elements[len(dims) :]
    y = run(array.reshape(x.shape), tops)
    out = np.empty(y.size, dtype=object)
    out[:] = [sympy.factor((v / below).as_expr()) for v in y.flat]
    return out.reshape(y.shape)


def _element(value: Any, field: Any) -> Any:
    if isinstance(value, Fraction):
        return field(value.numerator) / value.denominator
    return field.from_expr(value) if hasattr(value, "free_symbols") else field(value)


def _over_common(values: Sequence[FactoredFraction], N: Any, field: Any) -> tuple[list[Any], Any]:
    """Numerators over the least common denominator, and that denominator."""
    scale = lcm(*(v.scale for v in values))
    contents = {k for v in values for k in v.exponents}
    most = {k: max(v.exponents.get(k, 0) for v in values) for k in contents}
    numerators = []
    for v in values:
        top = field.zero
        for coefficient in reversed(v.numerator):
            top = top * N + coefficient
        for k, e in most.items():
            top *= (N + k) ** (e - v.exponents.get(k, 0))
        numerators.append(top * (scale // v.scale))
    denominator = field.one * scale
    for k, e in most.items():
        denominator *= (N + k) ** e
    return numerators, denominator
