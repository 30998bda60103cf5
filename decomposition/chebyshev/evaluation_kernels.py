"""Numba kernels of Chebyshev-Tucker functions at scattered points.

`evaluation.py` has the twins in plain array operations, the oracles in the tests.
"""

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def series_rows(factor, t, out):
    """Fill `out` (p, r) with ``sum_i factor[i, a] T_i(t[p])``."""
    m, r = factor.shape
    for p in range(len(t)):
        before, now, twice = 1.0, t[p], 2.0 * t[p]
        for a in range(r):
            out[p, a] = factor[0, a]
        for i in range(1, m):
            for a in range(r):
                out[p, a] += now * factor[i, a]
            before, now = now, twice * now - before


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def contract_rows(tensors, rows, out):
    """Fill `out` (p, c) with ``sum_b rows[p, b] tensors[p, b, c]``."""
    points, size, rest = tensors.shape
    for p in range(points):
        for c in range(rest):
            out[p, c] = 0.0
        for b in range(size):
            weight = rows[p, b]
            for c in range(rest):
                out[p, c] += weight * tensors[p, b, c]
