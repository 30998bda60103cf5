"""Clebsch-Gordan coefficients between real spherical harmonics."""

from fractions import Fraction
from functools import cache
from math import factorial

import numpy as np
from numpy.typing import NDArray


def clebsch_gordan_block(l1: int, l2: int, l3: int) -> NDArray[np.float64]:
    """How real harmonics of degrees l1 and l2 couple to degree l3, as a tensor of norm 1.

    Rotating the first two modes by their Wigner matrices rotates the third by its own. Orders run
    from -l to l, so that degree 1 is (y, z, x).

    Parameters
    ----------
    l1, l2, l3 : int
        Degrees with ``|l1 - l2| <= l3 <= l1 + l2``.

    Returns
    -------
    (2 l1 + 1, 2 l2 + 1, 2 l3 + 1) array

    Examples
    --------
    >>> round(float(clebsch_gordan_block(1, 1, 1)[0, 1, 2]) * 6**0.5, 12)  # Levi-Civita / sqrt 6
    1.0
    """
    block = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1))
    for m1 in range(-l1, l1 + 1):
        for m2 in range(max(-l2, -l3 - m1), min(l2, l3 - m1) + 1):
            block[l1 + m1, l2 + m2, l3 + m1 + m2] = _coefficient(l1, m1, l2, m2, l3)
    rotated = np.einsum(
        "abc,ai,bj,ck->ijk", block, _to_complex(l1), _to_complex(l2), _to_complex(l3).conj()
    ).real
    return np.asarray(rotated / np.linalg.norm(rotated))


@cache
def _coefficient(l1: int, m1: int, l2: int, m2: int, l3: int) -> float:
    """``<l1 m1 l2 m2 | l3 m1+m2>`` by Racah's sum, in integers up to the final root."""
    m3, f = m1 + m2, factorial
    front = Fraction(
        (2 * l3 + 1) * f(l3 + l1 - l2) * f(l3 - l1 + l2) * f(l1 + l2 - l3), f(l1 + l2 + l3 + 1)
    )
    front *= f(l3 + m3) * f(l3 - m3) * f(l1 - m1) * f(l1 + m1) * f(l2 - m2) * f(l2 + m2)
    first, last = max(0, l2 - l3 - m1, l1 - l3 + m2), min(l1 + l2 - l3, l1 - m1, l2 + m2)
    total = sum(
        Fraction(
            (-1) ** k,
            f(k) * f(l1 + l2 - l3 - k) * f(l1 - m1 - k) * f(l2 + m2 - k)
            * f(l3 - l2 + m1 + k) * f(l3 - l1 - m2 + k),
        )
        for k in range(first, last + 1)
    )  # fmt: skip
    root: float = float(front) ** 0.5
    return float(total) * root


def _to_complex(degree: int) -> NDArray[np.complex128]:
    """Columns: real harmonics in terms of complex ones, with the phase ``(-i)^l``.

    The phase makes the coefficients between real harmonics real, odd sums of degrees included.
    """
    q = np.zeros((2 * degree + 1, 2 * degree + 1), complex)
    q[degree, degree] = 1
    for m in range(1, degree + 1):
        q[degree - m, degree + m] = 0.5**0.5
        q[degree - m, degree - m] = -1j * 0.5**0.5
        q[degree + m, degree + m] = (-1) ** m * 0.5**0.5
        q[degree + m, degree - m] = 1j * (-1) ** m * 0.5**0.5
    return np.asarray((-1j) ** degree * q)
