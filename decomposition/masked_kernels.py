"""Numba kernels of CP on observed entries only.

Factors are stacked into one array (sum of all n_k, R), and coordinates point into it. `masked_rows`
holds the twin in plain array operations, the oracle in the tests.
"""

import numpy as np
from numba import njit


# No nnan/ninf: a fit that is not finite must stay visible in the error.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
def update_rows(stacked, coords, values, roots, pointers, mode, y, shift, ridge):
    """Solve one regularised least-squares problem for each row of a mode, in place of `y` (n, R).

    Entries ``pointers[i] <= e < pointers[i + 1]`` of `coords` (nnz, modes) and `values` (nnz,)
    belong to row i. The change d of a row minimises ``sum |root (v - h (y + d))|^2 + ridge |y +
    d|^2`` plus a proximal term, by Cholesky. `roots` of the weights are (nnz,), or (1,) for all.
    """
    n_modes = coords.shape[1]
    rank = stacked.shape[1]
    zero = y[0, 0] * 0
    gram = np.empty((rank, rank), y.dtype)
    right = np.empty(rank, y.dtype)
    h = np.empty(rank, y.dtype)
    for i in range(y.shape[0]):
        gram[:] = zero
        for r in range(rank):
            right[r] = -ridge * y[i, r]
        for e in range(pointers[i], pointers[i + 1]):
            first = True
            for j in range(n_modes):
                if j != mode:
                    row = coords[e, j]
                    if first:
                        for r in range(rank):
                            h[r] = stacked[row, r]
                        first = False
                    else:
                        for r in range(rank):
                            h[r] *= stacked[row, r]
            root = roots[e] if roots.shape[0] > 1 else roots[0]
            miss = root * values[e]
            for r in range(rank):
                h[r] *= root
                miss -= h[r] * y[i, r]
            for r in range(rank):
                c = np.conj(h[r])
                right[r] += c * miss
                for s in range(rank):  # both halves: whole rows go through vector units
                    gram[r, s] += c * h[s]
        trace = 0.0
        for r in range(rank):
            trace += gram[r, r].real
        added = shift * trace / rank + ridge
        if not added > 0:
            added = 1.0
        for r in range(rank):
            gram[r, r] += added
        # Cholesky, then the two triangular solves
        for r in range(rank):
            for s in range(r + 1):
                total = gram[r, s]
                for t in range(s):
                    total -= gram[r, t] * np.conj(gram[s, t])
                if r == s:
                    gram[r, r] = np.sqrt(max(total.real, added * 1e-3))
                else:
                    gram[r, s] = total / gram[s, s]
        for r in range(rank):
            for t in range(r):
                right[r] -= gram[r, t] * right[t]
            right[r] /= gram[r, r]
        for r in range(rank - 1, -1, -1):
            for t in range(r + 1, rank):
                right[r] -= np.conj(gram[t, r]) * right[t]
            right[r] /= gram[r, r]
            y[i, r] += right[r]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
def misfit(stacked, coords, values, roots, weights):
    """Sum of ``|root (value - model)|^2`` over the entries; `roots` as in `update_rows`."""
    rank = stacked.shape[1]
    h = np.empty(rank, stacked.dtype)
    total = 0.0
    for e in range(values.shape[0]):
        for r in range(rank):
            h[r] = weights[r]
        for j in range(coords.shape[1]):
            row = coords[e, j]
            for r in range(rank):
                h[r] *= stacked[row, r]
        miss = values[e]
        for r in range(rank):
            miss -= h[r]
        root = roots[e] if roots.shape[0] > 1 else roots[0]
        total += root**2 * (miss.real**2 + miss.imag**2)
    return total
