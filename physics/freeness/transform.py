"""Convolutions of functions on classes of tuples with class functions, one colour after the other.

A function on D-tuples of permutations that does not see renaming is known from its values on
classes. To convolve it in one colour, ``y(.., t, ..) = sum_s w(s t^-1) x(.., s, ..)``, the other
D - 1 permutations may stand at a representative of their class while this one runs through the
group. So a colour costs one matrix product, (classes of D - 1) x n! by n! x n!, and no array over
all tuples or over slices of them is ever made. For D = 3, n = 6 these are 901 rows, not 518400.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness import class_kernels as kernels
from rankloom.physics.freeness.characters import (
    character_table,
    class_sizes,
)
from rankloom.physics.freeness.classes import class_forms, class_table
from rankloom.physics.freeness.permutations import (
    Partition,
    all_permutations,
    cycle_type,
    partitions,
)

ClassFunction = Mapping[Partition, Any]
KEPT = 2**26  # bytes of a table of quotients that is kept between calls
BLOCK = 2**22  # entries of the matrix of a class function that exist at once


def convolve(
    colours: int, x: NDArray[Any], functions: Sequence[ClassFunction | None]
) -> NDArray[Any]:
    """``y(t_1 ..) = sum_s prod_c w_c(s_c t_c^-1) x(s_1 ..)`` on classes of `colours` permutations.

    Parameters
    ----------
    colours : int
        At least 1.
    x : (.., C) array
        Values on classes in the order of `class_forms`; floats, integers or other ring elements.
    functions : sequence of mapping
        The class function w_c of each colour, keyed by cycle type; None leaves a colour alone.

    Returns
    -------
    (.., C) array

    Notes
    -----
    2 (n!)^2 operations for each class of ``colours - 1`` permutations, colour and entry of the
    leading axes. Memory: 16 n! bytes for each of these classes, beside the tables.
    """
    wanted = [(c, w) for c, w in enumerate(functions) if w is not None]
    n = sum(next(iter(wanted[0][1])))
    if colours == 1:
        return _one_colour(n, x, wanted[0][1])
    table = class_table(colours, n)
    for colour, function in wanted:
        values = _by_number(n, function, x.dtype)
        rows = x[..., table.insertions(colour)]
        flat = rows.reshape(-1, rows.shape[-1])
        y = np.empty_like(flat)
        for begin, numbers in quotient_blocks(n):
            y[:, begin : begin + numbers.shape[1]] = flat @ values[numbers]
        x = y.reshape(*x.shape[:-1], -1)[..., table.places(colour)]
    return x


def convolve_pure(x: NDArray[Any], functions: Sequence[ClassFunction]) -> NDArray[Any]:
    """The same for functions of D permutations that see neither ``s -> g s`` nor ``s -> s h``.

    Such a function is given on the classes of D - 1 permutations, the last one being the identity.
    For the last colour, the first one is made the identity instead.
    """
    n, D = sum(next(iter(functions[0]))), len(functions)
    if D == 1:
        sizes = dict(zip(partitions(n), class_sizes(n), strict=True))
        total: Any = sum(sizes[mu] * value for mu, value in functions[0].items())
        y: NDArray[Any] = x * (total if x.dtype == object else float(total))
        return y
    x = convolve(D - 1, x, functions[:-1])
    other = _other_gauge(D, n)
    turned = np.empty_like(x)
    turned[..., other] = x
    turned = convolve(D - 1, turned, [*[None] * (D - 2), functions[-1]])
    return np.take(turned, other, axis=-1)


@cache
def _other_gauge(D: int, n: int) -> NDArray[np.int32]:
    """Class of ``(s_2, .., s_D) s_1^-1`` for each class (s_1, .., s_(D-1), s_D = identity)."""
    forms, _ = class_forms(D - 1, n)
    if D == 2:  # a permutation and its inverse are conjugate
        return np.arange(len(forms), dtype=np.int32)
    undo = np.argsort(forms[:, 0], axis=1)[:, None, :]
    moved = np.take_along_axis(forms[:, 1:], np.broadcast_to(undo, forms[:, 1:].shape), axis=2)
    return class_table(D - 1, n).classify(np.concatenate((moved, undo), axis=1))


def _one_colour(n: int, x: NDArray[Any], function: ClassFunction) -> NDArray[Any]:
    """Class functions are diagonal in the characters; the sums are exact, floats are rounded once.

    With ``a_lambda = sum_s x(s) chi_lambda(s)`` and b likewise of w, y has ``a b / f`` for a.
    """
    if x.dtype.kind == "c":
        return _one_colour(n, x.real, function) + 1j * _one_colour(n, x.imag, function)
    if x.dtype.kind == "f":
        exact = np.frompyfunc(Fraction, 1, 1)(x)
        return _one_colour(n, exact, function).astype(np.float64)
    forms, _ = class_forms(1, n)
    number = {mu: k for k, mu in enumerate(partitions(n))}
    order = [number[cycle_type(tuple(form))] for form in forms[:, 0].tolist()]
    characters = character_table(n).astype(object)
    sizes = np.array(class_sizes(n), dtype=object)
    w = np.array([function[mu] for mu in partitions(n)], dtype=object)
    scale = characters[:, -1] * math.factorial(n)
    weights = np.array(
        [_divide(b, f) for b, f in zip(characters @ (sizes * w), scale, strict=True)], dtype=object
    )
    a = (x * sizes[order]) @ characters[:, order].T
    y: NDArray[Any] = (a * weights) @ characters[:, order]
    return y


def _divide(value: Any, by: int) -> Any:
    return Fraction(value, by) if isinstance(value, (int, Fraction)) else value / by


def _by_number(n: int, function: ClassFunction, dtype: Any) -> NDArray[Any]:
    """Values in the order of `partitions`, in a data type for products with `dtype`."""
    values = [function[mu] for mu in partitions(n)]
    if np.dtype(dtype).kind != "O":
        return np.array(values, np.float64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def quotient_blocks(n: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Pairs of a rank `begin` and a table: number of the cycle type of ``s t^-1``.

    Rows run over the ranks of all s, columns over those of t from `begin` on; numbers count
    `partitions`.
    """
    count = math.factorial(n)
    width = max(1, BLOCK // count)
    for begin in range(0, count, width):
        end = min(begin + width, count)
        if count**2 <= KEPT:
            yield begin, _all_quotients(n)[:, begin:end]
        else:
            yield begin, _fill_quotients(n, begin, end)


@cache
def _all_quotients(n: int) -> NDArray[np.uint8]:
    return _fill_quotients(n, 0, math.factorial(n))


def _fill_quotients(n: int, begin: int, end: int) -> NDArray[np.uint8]:
    perms = all_permutations(n)
    inverses = np.argsort(perms, axis=1).astype(np.uint8)
    out = np.empty((len(perms), end - begin), np.uint8)
    kernels.quotient_types(perms, inverses, type_numbers(n), begin, out)
    return out


@cache
def type_numbers(n: int) -> NDArray[np.uint8]:
    """Number of the cycle type of each permutation in lexicographic order."""
    number = {mu: k for k, mu in enumerate(partitions(n))}
    return np.array([number[cycle_type(tuple(s))] for s in all_permutations(n).tolist()], np.uint8)
