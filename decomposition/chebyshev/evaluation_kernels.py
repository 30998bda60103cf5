"""Numba kernel of Chebyshev-Tucker functions at scattered points: one axis of many small tensors.

`evaluation.py` has the twin in plain array operations, the oracle in the tests.
"""

from numba import njit


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
