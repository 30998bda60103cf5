"""Chebyshev polynomials on [-1, 1] for many columns at once, in any array library.

A column of m numbers stands for a polynomial of degree m - 1 in one of two forms

============  =====================================================================================
values        at the Chebyshev points of the second kind, ``x_j = -cos(pi j / (m - 1))``, ascending
coefficients  ``c_i`` of ``sum_i c_i T_i(x)``
============  =====================================================================================

The first axis of every array is that of the m numbers; further axes are carried along. L. N.
Trefethen, Approximation Theory and Approximation Practice, SIAM 2013.
"""

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chebyshev.domain import from_unit
from rankloom.tn.arrays import Array, is_numpy, like, namespace


def nodes(m: int, start: float = -1.0, stop: float = 1.0) -> NDArray[np.float64]:
    """The m Chebyshev points of the second kind of an interval, ascending; its middle for m = 1.

    Examples
    --------
    >>> nodes(3)
    array([-1.,  0.,  1.])
    """
    if m == 1:
        t = np.zeros(1)
    else:  # the sine makes them symmetric to the last bit
        t = np.sin(np.pi * np.arange(1 - m, m, 2) / (2 * (m - 1)))
    points: NDArray[np.float64] = from_unit(t, (start, stop))
    return points


def to_coefficients(values: Array) -> Array:
    """Coefficients of the polynomials through values at the nodes, by a cosine transform.

    Examples
    --------
    >>> to_coefficients(nodes(3) ** 2)  # x^2 = (T_0 + T_2) / 2
    array([0.5, 0. , 0.5])
    """
    m = values.shape[0]
    if m == 1:
        return values
    xp = namespace(values)
    c = _cosine_sums(xp.flip(values, axis=0)) / (m - 1)
    return _scaled(c, ends=0.5)


def to_values(coefficients: Array) -> Array:
    """Values at the nodes, the inverse of `to_coefficients`."""
    if coefficients.shape[0] == 1:
        return coefficients
    xp = namespace(coefficients)
    return xp.flip(_cosine_sums(_scaled(coefficients / 2, ends=2.0)), axis=0)


def _cosine_sums(x: Array) -> Array:
    """``x_0 + (-1)^j x_{m-1} + 2 sum_i x_i cos(pi i j / (m - 1))``, j = 0..m-1."""
    xp, m = namespace(x), x.shape[0]
    even = xp.concat([x, xp.flip(x[1 : m - 1, ...], axis=0)], axis=0)
    if xp.isdtype(x.dtype, "complex floating"):
        return xp.fft.fft(even, axis=0)[:m, ...]
    return xp.real(xp.fft.rfft(even, axis=0))


def _scaled(x: Array, ends: float) -> Array:
    """`x` with its first and last row multiplied by `ends`."""
    factors = np.ones((x.shape[0],) + (1,) * (x.ndim - 1))
    factors[[0, -1]] = ends
    return x * like(x, factors, x.dtype)


def is_complex(x: Array) -> bool:
    """Whether `x` holds complex numbers."""
    return bool(namespace(x).isdtype(x.dtype, "complex floating"))


def polynomials(x: Array, m: int) -> Array:
    """Rows ``T_0(x) .. T_{m-1}(x)``, shape (m, len(x)).

    By the three-term recurrence, which is stable on [-1, 1].

    Examples
    --------
    >>> polynomials(np.array([0.5]), 4).T
    array([[ 1. ,  0.5, -0.5, -1. ]])
    """
    xp, twice = namespace(x), 2 * x
    if is_numpy(x):
        out = np.empty((m, x.shape[0]), x.dtype)
        out[0] = 1
        if m > 1:
            out[1] = x
        for i in range(2, m):
            np.multiply(twice, out[i - 1], out=out[i])
            out[i] -= out[i - 2]
        return out
    rows = [xp.ones_like(x), x]
    while len(rows) < m:
        rows.append(twice * rows[-1] - rows[-2])
    return xp.stack(rows[:m])


def derivative(coefficients: Array) -> Array:
    """Coefficients of the derivatives, one row shorter (one row of zeros for constants).

    ``d_i = 2 sum p c_p`` over p > i with p - i odd, half of it for i = 0.
    """
    xp, m = namespace(coefficients), coefficients.shape[0]
    if m == 1:
        return xp.zeros_like(coefficients)
    rest = coefficients.shape[1:]
    p = np.arange(1.0, m).reshape(m - 1, *(1,) * len(rest))
    terms = coefficients[1:, ...] * like(coefficients, 2 * p, coefficients.dtype)
    if m % 2 == 0:  # an even number of rows, to be added up two by two
        terms = xp.concat([terms, xp.zeros_like(terms[:1, ...])])
    pairs = xp.flip(xp.reshape(terms, (-1, 2, *rest)), axis=0)
    sums = xp.reshape(xp.flip(xp.cumulative_sum(pairs, axis=0), axis=0), (-1, *rest))[: m - 1, ...]
    return xp.concat([sums[:1, ...] / 2, sums[1:, ...]])


def integrals(m: int) -> NDArray[np.float64]:
    """Integrals of ``T_0 .. T_{m-1}`` over [-1, 1]: 2 / (1 - i^2) for even i, else 0.

    Examples
    --------
    >>> integrals(3)
    array([ 2.        ,  0.        , -0.66666667])
    """
    out = np.zeros(m)
    out[::2] = 2 / (1 - np.arange(0.0, m, 2) ** 2)
    return out


def quadrature(m: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and positive weights (m,) of Clenshaw-Curtis, exact for degrees below m."""
    # the transpose of the transform from values to coefficients, applied to the integrals
    moments = integrals(m)
    if m == 1:
        return nodes(1), moments
    weights = np.asarray(_cosine_sums(moments)) / (m - 1)
    weights[[0, -1]] /= 2
    return nodes(m), weights


def resampled(coefficients: Array, start: float, stop: float, m: int) -> Array:
    """Coefficients (m, ..) of the polynomials on [start, stop], this interval mapped to [-1, 1].

    Exact when m is at least the given number of coefficients.
    """
    x = like(coefficients, nodes(m, start, stop), coefficients.dtype)
    rows = polynomials(x, coefficients.shape[0])
    return to_coefficients(rows.T @ coefficients)
