"""Tensor Harish-Chandra-Itzykson-Zuber integral as a series."""

import warnings
from fractions import Fraction
from math import comb, factorial
from typing import Any

from rankloom.physics.freeness.classes import count_classes, enumerate_invariants
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.law import Law
from rankloom.physics.freeness.permutations import inverse
from rankloom.physics.freeness.weingarten_table import TruncatedWeingartenWarning
from rankloom.tn.checks import integer

_CLASSES = 2e4


def hciz_series(a: Law, b: Law, order: int) -> list[Any]:
    """Cumulants ``C_1, .., C_order`` of ``Tr(A U B U*)``, ``U = U_1 x .. x U_D`` Haar random.

    They are the coefficients of ``log E exp(z Tr A U B U*) = sum_n C_n z^n / n!``. For fixed
    tensors (`laws.twirled`) this is the tensor HCIZ integral; random ones are averaged over as
    well.

    Parameters
    ----------
    a, b : Law
        Of the mixed kind with the same dimensions.
    order : int
        All classes of tuples of permutations are visited, one evaluation of both laws each.

    Returns
    -------
    list of number
        Fractions where both laws are given by rational numbers. Exact at every dimension.

    Raises
    ------
    TypeError, ValueError
        Laws of the pure kind, without dimensions, or of different ones; an order with more than
        20,000 classes.

    Notes
    -----
    ``E (Tr A U B U*)^n = sum_s K_s[A] Tr_{s^-1}(B)`` over all tuples s. The integral and its
    expansion over trace invariants: B. Collins, R. Gurau, L. Lionni, arXiv:2010.13661; the moments
    above are elementary Weingarten calculus.

    Examples
    --------
    >>> import numpy as np
    >>> from rankloom.physics import laws
    >>> a = laws.twirled(np.diag([1, 2]))
    >>> hciz_series(a, a, 2)  # mean (Tr A)^2 / 2
    [Fraction(9, 2), Fraction(1, 12)]
    """
    order = integer("order", order, 1)
    for name, law in (("a", a), ("b", b)):
        if not isinstance(law, Law) or law.kind != "mixed":
            raise TypeError(f"`{name}` must be a law of the mixed kind, got {law!r}.")
    if a.dims is None or a.dims != b.dims:
        raise ValueError(f"`a` and `b` need the same dims, got {a.dims} and {b.dims}.")
    classes = count_classes(a.D, order)
    if classes > _CLASSES:
        raise ValueError(
            f"`order` = {order} with {a.D} colours visits {classes:.1e} classes; the limit is "
            f"{_CLASSES:.0e}. Lower it."
        )
    moments: list[Any] = [Fraction(1)]
    with warnings.catch_warnings():  # the pseudo-inverse is the Haar average at any dimension
        warnings.simplefilter("ignore", TruncatedWeingartenWarning)
        for n in range(1, order + 1):
            total: Any = 0
            for t in enumerate_invariants(a.D, n, connected=False):
                back = TraceInvariant([inverse(s) for s in t.perms])
                size = factorial(n) // t.automorphisms
                total += size * a.cumulant(t) * b.moment(back)
            moments.append(total)
    return _cumulants(moments)


def _cumulants(moments: list[Any]) -> list[Any]:
    """Classical cumulants of a number from its moments, ``moments[0] = 1``."""
    found: list[Any] = []
    for n in range(1, len(moments)):
        mixed = sum(comb(n - 1, k - 1) * found[k - 1] * moments[n - k] for k in range(1, n))
        found.append(moments[n] - mixed)
    return found
