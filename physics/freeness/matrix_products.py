"""Moments of products of independent Gaussian matrices: Fuss-Catalan numbers and finite N."""

import warnings
from fractions import Fraction
from math import comb

from rankloom.physics.freeness.finite import FiniteN
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.permutations import cycle, cycles
from rankloom.physics.freeness.weingarten_table import TruncatedWeingartenWarning
from rankloom.tn.checks import integer


def fuss_catalan(factors: int, order: int) -> list[int]:
    """Moments that the squared singular values of a product of Gaussian matrices tend to.

    ``binom((s + 1) n, n) / (s n + 1)`` for s factors, n = 1 .. order. One factor gives the Catalan
    numbers, the Marchenko-Pastur law of square matrices. The normalisation is that of
    `product_moments`.

    Parameters
    ----------
    factors, order : int

    Raises
    ------
    TypeError, ValueError
        Not integers >= 1.

    Examples
    --------
    >>> fuss_catalan(1, 4), fuss_catalan(2, 4)
    ([1, 2, 5, 14], [1, 3, 12, 55])
    """
    s, order = integer("factors", factors, 1), integer("order", order, 1)
    return [comb((s + 1) * n, n) // (s * n + 1) for n in range(1, order + 1)]


def product_moments(N: int, factors: int, order: int) -> list[Fraction]:
    """``E Tr (P P*)^n / N`` for a product P of independent complex Gaussian matrices, exact.

    Parameters
    ----------
    N : int
        Rows and columns of every factor; their entries have ``E |G|^2 = 1/N``.
    factors : int
    order : int
        n = 1 .. order, at a cost of n! for each partition of n and each factor: up to about 7.

    Returns
    -------
    list of Fraction

    Raises
    ------
    TypeError, ValueError
        Not integers >= 1.

    Notes
    -----
    ``Tr (P P*)^n = Tr (W_1 .. W_s)^n`` with independent Wishart matrices W, whose free cumulants
    ``N^(#(s) - n)`` are convolved in the group algebra of S_n. The sum is exact for n > N too.

    Examples
    --------
    >>> product_moments(2, 1, 2)  # one factor: E Tr W^2 = 2 N
    [Fraction(1, 1), Fraction(2, 1)]
    """
    N, factors = integer("N", N, 1), integer("factors", factors, 1)
    return [_moment(N, factors, n) for n in range(1, integer("order", order, 1) + 1)]


def _moment(N: int, factors: int, n: int) -> Fraction:
    with warnings.catch_warnings():  # for n > N too: nothing here inverts the Weingarten function
        warnings.simplefilter("ignore", TruncatedWeingartenWarning)
        transform = FiniteN(1, n, (N,))
    wishart = {t: Fraction(N) ** (len(cycles(t.perms[0])) - n) for t in transform.invariants}
    found = wishart
    for _ in range(factors - 1):
        found = transform.product(found, wishart)
    moments: dict[TraceInvariant, Fraction] = transform.moments(found)
    return moments[TraceInvariant([cycle(n)])] / N
