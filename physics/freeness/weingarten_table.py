"""Weingarten functions of the unitary group, exactly and for all cycle types at once.

For a Haar unitary U of size N, ``E prod_x U[i_x, j_x] conj(U[k_x, l_x])`` is the sum over s, t in
S_n of ``prod delta(i_x, k_s(x)) delta(j_x, l_t(x)) Wg(s t^-1)``, where

    Wg(s) = 1/n! sum_lambda f_lambda chi_lambda(s) / prod_boxes (N + content)

runs over the partitions of n (over those with at most N rows, when n > N). Over the common
denominator ``prod_k (N + k)^e_k`` each cycle type has an integer polynomial for its numerator.
These sums are done at a power of two so large that a value shows the coefficients.
"""

import json
import math
import operator
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, TypeAlias

from rankloom.physics.freeness import disk
from rankloom.physics.freeness.characters import (
    character_table,
    class_sizes,
    contents,
    dimensions,
)
from rankloom.physics.freeness.permutations import Partition, partitions
from rankloom.tn.checks import integer

Real: TypeAlias = float  # inside the class the word names a method

_KEPT_FROM = 12  # smaller tables are computed sooner than read
_LARGEST = 24  # 1575 cycle types; see the cost in `weingarten`


class TruncatedWeingartenWarning(UserWarning):
    """n > N: the Weingarten matrix is a pseudo-inverse.

    Moments come back exactly from the free cumulants it gives, but those are one choice of many,
    and are not additive for sums.
    """


@dataclass(frozen=True)
class FactoredFraction:
    """A rational function of N, ``sum_k numerator[k] N^k / (scale prod_k (N + k)^exponents[k])``.

    Parameters
    ----------
    numerator : tuple of int
        Coefficients, constant term first.
    scale : int
        Positive.
    exponents : dict of int
        Only factors that do not cancel.

    Examples
    --------
    >>> value = FactoredFraction((0, 1), 2, {1: 1, -1: 1})  # N / (2 (N + 1) (N - 1))
    >>> value.at(3)
    Fraction(3, 16)
    """

    numerator: tuple[int, ...]
    scale: int
    exponents: dict[int, int]

    def at(self, size: int | Fraction) -> Fraction:
        """The value at a number; ZeroDivisionError at a pole."""
        size = Fraction(size)
        p, q = size.numerator, size.denominator
        # Homogeneous Horner scheme: integers only, one reduction at the end.
        above, power = 0, 1
        for coefficient in reversed(self.numerator):
            above = above * p + coefficient * power
            power *= q
        below = self.scale
        for k, e in self.exponents.items():
            below *= (p + k * q) ** e
        degree = sum(self.exponents.values()) - len(self.numerator) + 1
        return Fraction(above * q ** max(degree, 0), below * q ** max(-degree, 0))

    def sympy(self, symbol: Any) -> Any:
        """As a SymPy expression in `symbol`, the denominator in factors."""
        import sympy

        top = sympy.Add(*(c * symbol**k for k, c in enumerate(self.numerator) if c))
        factors = [(symbol + k) ** -e for k, e in sorted(self.exponents.items())]
        return sympy.Mul(sympy.Rational(1, self.scale), top, *factors)


@dataclass(frozen=True, eq=False)
class WeingartenTable:
    """The Weingarten function of order n on all cycle types; made by `weingarten`.

    ``table[mu]`` is the value on cycle type mu as a `FactoredFraction`; `at`, `float` and `sympy`
    give dictionaries of numbers or expressions.
    """

    n: int
    values: dict[Partition, FactoredFraction]

    @property
    def classes(self) -> tuple[Partition, ...]:
        """The cycle types, partitions of n."""
        return tuple(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Partition]:
        return iter(self.values)

    def __getitem__(self, parts: Partition) -> FactoredFraction:
        try:
            return self.values[tuple(sorted(parts, reverse=True))]
        except (KeyError, TypeError):
            raise KeyError(
                f"{parts!r} is no cycle type of {self.n} elements; wanted a partition of {self.n} "
                f"such as {self.classes[1 % len(self)]}."
            ) from None

    def at(self, N: int) -> dict[Partition, Fraction]:
        """Exact values at a matrix size.

        Parameters
        ----------
        N : int
            At least 1. Below n the sum over representations keeps those with at most N rows, and
            the values form the pseudo-inverse of the Gram matrix ``N^#(s t^-1)``.

        Warns
        -----
        TruncatedWeingartenWarning
            N < n.

        Examples
        --------
        >>> weingarten(2).at(3)
        {(2,): Fraction(-1, 24), (1, 1): Fraction(1, 8)}
        """
        size = integer("N", N, 1)
        if size < self.n:
            warnings.warn(
                f"n = {self.n} > N = {size}: the Weingarten matrix is the pseudo-inverse of a "
                "singular Gram matrix (representations with more than N rows are left out).",
                TruncatedWeingartenWarning,
                stacklevel=2,
            )
        return exact_values(self.n, size)

    def float(self, N: Real) -> dict[Partition, Real]:
        """Values at a real number, each correctly rounded.

        Parameters
        ----------
        N : float
            Positive. A whole number below n stands for a matrix size, as in `at`.

        Warns
        -----
        TruncatedWeingartenWarning
            N is a whole number below n.
        """
        try:
            size = Fraction(N)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"`N` must be a finite real number, got {N!r}.") from None
        if size <= 0:
            raise ValueError(f"`N` must be positive, got {N!r}.")
        if size.denominator == 1:
            found = self.at(int(size))
        else:
            found = {mu: value.at(size) for mu, value in self.values.items()}
        return {mu: float(value) for mu, value in found.items()}

    def sympy(self, N: Any) -> dict[Partition, Any]:
        """Values as SymPy expressions, or rational numbers when N is a number.

        Parameters
        ----------
        N : str, SymPy expression or int
            Name of a symbol, or anything that SymPy reads as an expression.

        Raises
        ------
        ValueError
            A number below n: the rational functions have poles there, and the values of `at` are
            no values of them.

        Examples
        --------
        >>> weingarten(2).sympy("N")[(2,)]
        -1/(N*(N - 1)*(N + 1))
        """
        import sympy

        symbol = sympy.sympify(N) if not isinstance(N, str) else sympy.Symbol(N)
        if symbol.is_number and (symbol < self.n) == True:  # noqa: E712 - SymPy's own truth
            raise ValueError(
                f"`N` = {symbol} < n = {self.n}: the rational functions have poles up to N = "
                f"{self.n - 1}, and below n the Weingarten matrix is a pseudo-inverse that is no "
                f"value of them. Take `.at({symbol})` for that one."
            )
        return {mu: value.sympy(symbol) for mu, value in self.values.items()}

    def __repr__(self) -> str:
        return f"WeingartenTable(n={self.n}, {len(self)} cycle types)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{mu}</td><td>degree {len(v.numerator) - 1} over "
            f"{sum(v.exponents.values())}</td></tr>"
            for mu, v in self.values.items()
        )
        return f"<table><tr><th>cycle type</th><th>in N</th></tr>{rows}</table>"


def weingarten(n: int) -> WeingartenTable:
    """Weingarten function of the unitary group U(N), for all cycle types of S_n.

    Parameters
    ----------
    n : int
        From 1 to 24. Time and memory grow with the square of the number of partitions of n: a
        millisecond for n = 4, tenths of a second for n = 14, seconds for n = 20. Tables from n = 12
        on are kept in the user's cache folder (`$RANKLOOM_CACHE`, empty for none).

    Returns
    -------
    WeingartenTable

    Notes
    -----
    B. Collins, P. Sniady, Commun. Math. Phys. 264, 773 (2006), arXiv:math-ph/0402073.

    Examples
    --------
    >>> table = weingarten(4)
    >>> table.at(7)[(2, 2)]
    Fraction(11, 846720)
    >>> table.sympy("N")[(4,)]
    -5/(N*(N - 3)*(N - 2)*(N - 1)*(N + 1)*(N + 2)*(N + 3))
    >>> table.float(30.0)[(1, 1, 1, 1)] * 30**4
    1.0067...
    """
    n = integer("n", n, 1)
    if n > _LARGEST:
        raise ValueError(
            f"`n` = {n}: tables are made up to n = {_LARGEST}. Beyond, ask for `exact_values` "
            "at the N you need."
        )
    return _table(n)


@cache
def _table(n: int) -> WeingartenTable:
    name = f"weingarten-v1-n{n}.json"
    if n >= _KEPT_FROM and (kept := disk.read(name)) is not None:
        try:
            found = _from_json(n, kept)
        except (ValueError, TypeError, KeyError, ZeroDivisionError):
            found = None  # cut short or not ours
        if found is not None and _sum_rule_holds(found):
            return found
    table = WeingartenTable(n, _compute(n))
    if n >= _KEPT_FROM:
        disk.write(name, _to_json(table))
    return table


def _compute(n: int) -> dict[Partition, FactoredFraction]:
    """All values, by Kronecker substitution: polynomials are integers at N = 2^bits."""
    boxes = [Counter(contents(parts)) for parts in partitions(n)]
    common = {k: max(box[k] for box in boxes) for k in range(1 - n, n)}
    missing = [{k: e - box[k] for k, e in common.items() if e > box[k]} for box in boxes]
    weights = dimensions(n)
    # |coefficients| <= sum_lambda f |chi| prod (1 + |k|)^e, with |chi| <= f and sum f^2 = n!
    largest = max(math.prod((1 + abs(k)) ** e for k, e in m.items()) for m in missing)
    width = (math.factorial(n) * largest).bit_length() // 8 + 1  # bytes, sign included
    shift = 8 * width
    packed = []
    for weight, factors in zip(weights, missing, strict=True):
        value = weight
        for k, e in factors.items():
            for _ in range(e):
                value = (value << shift) + k * value
        packed.append(value)
    degree = sum(common.values()) - n
    half = 1 << (shift - 1)
    offset = sum(half << (shift * k) for k in range(degree + 1))
    length = width * (degree + 1)
    found = {}
    for mu, row in zip(partitions(n), character_table(n).T.tolist(), strict=True):
        total = sum(map(operator.mul, row, packed), offset)
        data = total.to_bytes(length, "little")
        numerator = [
            int.from_bytes(data[k : k + width], "little") - half for k in range(0, length, width)
        ]
        found[mu] = _reduced(numerator, math.factorial(n), common)
    return found


def _reduced(numerator: list[int], scale: int, exponents: dict[int, int]) -> FactoredFraction:
    """Without common factors of numerator and denominator."""
    descending = numerator[::-1]
    while descending[0] == 0:
        del descending[0]
    left = {}
    for k, e in exponents.items():
        while e:
            # Synthetic division by N + k; the last entry is the remainder.
            quotient, carry = [], 0
            for coefficient in descending:
                carry = coefficient - k * carry
                quotient.append(carry)
            if carry:
                break
            descending = quotient[:-1]
            e -= 1
        if e:
            left[k] = e
    divisor = math.gcd(scale, *descending)
    top = tuple(c // divisor for c in reversed(descending))
    return FactoredFraction(top, scale // divisor, left)


@cache
def exact_values(n: int, size: int) -> dict[Partition, Fraction]:
    """Weingarten function at a whole matrix size, from the characters alone.

    Representations with more than `size` rows are left out, which matters for n > size.

    >>> exact_values(3, 2)
    {(3,): Fraction(-7, 144), (2, 1): Fraction(1, 144), (1, 1, 1): Fraction(17, 144)}
    """
    kept = [k for k, parts in enumerate(partitions(n)) if len(parts) <= size]
    products = [math.prod(size + c for c in contents(partitions(n)[k])) for k in kept]
    common = math.lcm(*products)
    weights = [dimensions(n)[k] * (common // p) for k, p in zip(kept, products, strict=True)]
    below = common * math.factorial(n)
    rows = character_table(n)[kept].T.tolist()
    return {
        mu: Fraction(sum(map(operator.mul, row, weights)), below)
        for mu, row in zip(partitions(n), rows, strict=True)
    }


def _sum_rule_holds(table: WeingartenTable) -> bool:
    """Whether ``sum_s Wg(s) = 1 / (N (N+1) .. (N+n-1))``, at N = n + 1."""
    n = table.n
    if tuple(table.values) != partitions(n):
        return False
    values = [value.at(n + 1) for value in table.values.values()]
    total = sum(map(operator.mul, class_sizes(n), values))
    return bool(total == Fraction(math.factorial(n), math.factorial(2 * n)))


def _to_json(table: WeingartenTable) -> bytes:
    values = [[v.numerator, v.scale, list(v.exponents.items())] for v in table.values.values()]
    return json.dumps({"n": table.n, "values": values}).encode()


def _from_json(n: int, content: bytes) -> WeingartenTable:
    read = json.loads(content)
    if read["n"] != n:
        raise ValueError("a table of another order")
    values = {
        mu: FactoredFraction(tuple(top), scale, dict(exponents))
        for mu, (top, scale, exponents) in zip(partitions(n), read["values"], strict=True)
    }
    return WeingartenTable(n, values)
