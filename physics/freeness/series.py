"""Free cumulants of one non-commutative variable: power series, exact, of any order.

With ``M(z) = 1 + sum m_n z^n`` and ``C(z) = 1 + sum kappa_n z^n`` the moments and free cumulants of
Speicher satisfy ``M(z) = C(z M(z))``. By Lagrange inversion

    m_n = [z^n] C(z)^(n + 1) / (n + 1),    kappa_n = -[z^n] M(z)^(1 - n) / (n - 1)  (n >= 2).
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any

from rankloom.physics.freeness.values import is_expression, numbers


def free_cumulants(moments: Sequence[Any]) -> list[Any]:
    """Free cumulants kappa_1, kappa_2, .. from moments m_1, m_2, ..

    Parameters
    ----------
    moments : sequence of int, Fraction, float, complex or SymPy expressions
        m_1 first.

    Returns
    -------
    list
        As many free cumulants. Integers stay integers and rationals stay exact, in time that grows
        with the cube of the order; floats lose digits by cancellation beyond order 20 or so.

    Raises
    ------
    TypeError, ValueError
        Not numbers or expressions; NaN or infinity.

    Notes
    -----
    R. Speicher, Math. Ann. 298, 611 (1994).

    Examples
    --------
    >>> free_cumulants([0, 1, 0, 2, 0, 5])  # the semicircle
    [0, 1, 0, 0, 0, 0]
    """
    m, scale = _scaled("moments", moments)
    found = [] if not m else [m[0]]
    for n in range(2, len(m) + 1):
        found.append(_divided(-_power(m, 1 - n, n), n - 1))
    return _unscaled(found, scale)


def moments_from_free_cumulants(cumulants: Sequence[Any]) -> list[Any]:
    """Moments m_1, m_2, .. from free cumulants kappa_1, ..; the inverse of `free_cumulants`.

    Parameters
    ----------
    cumulants : sequence of int, Fraction, float, complex or SymPy expressions
        kappa_1 first.

    Examples
    --------
    >>> moments_from_free_cumulants([1] * 6)  # Marchenko-Pastur: the Catalan numbers
    [1, 2, 5, 14, 42, 132]
    """
    kappa, scale = _scaled("cumulants", cumulants)
    found = [_divided(_power(kappa, n + 1, n), n + 1) for n in range(1, len(kappa) + 1)]
    return _unscaled(found, scale)


def _power(c: Sequence[Any], exponent: int, n: int) -> Any:
    """Coefficient of z^n in ``(1 + c_1 z + c_2 z^2 + ..)^exponent``.

    From ``f p' = exponent f' p``: ``k p_k = sum_j ((exponent + 1) j - k) c_j p_(k-j)``.
    """
    p: list[Any] = [1]
    for k in range(1, n + 1):
        total = sum(((exponent + 1) * j - k) * c[j - 1] * p[k - j] for j in range(1, k + 1))
        p.append(_divided(total, k))
    return p[n]


def _divided(value: Any, by: int) -> Any:
    if isinstance(value, int):
        return value // by  # coefficients of integer powers of integer series: no remainder
    return (value / by).expand() if is_expression(value) else value / by


def _scaled(name: str, values: Any) -> tuple[list[Any], int]:
    """Rationals as integers: entry n times scale^n is whole, and the formulas keep the degree."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"`{name}` must be a sequence of numbers, got {values!r}.")
    array = numbers(name, values)
    if array.ndim != 1:
        raise ValueError(f"`{name}` must have one axis, got shape {array.shape}.")
    checked = array.tolist()
    if not all(isinstance(v, Rational) for v in checked):
        return checked, 1
    scale = math.lcm(*(v.denominator for v in checked))
    return [int(v * scale**n) for n, v in enumerate(checked, 1)], scale


def _unscaled(values: list[Any], scale: int) -> list[Any]:
    if scale == 1:
        return values
    return [Fraction(v, scale**n) for n, v in enumerate(values, 1)]
