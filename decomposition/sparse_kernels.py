"""Numba kernel of CP on sparse tensors: the product with all factors but one.

`sparse.py` holds the twin in plain array operations, the oracle in the tests.
"""

import numpy as np
from numba import njit


# No nnan/ninf: a fit that is not finite must stay visible in the error.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
def mttkrp_rows(stacked, coords, values, pointers, mode, out):
    """Fill `out` (n, R) with ``sum value conj(product of the other modes' rows)``.

    `stacked` holds all factors (sum of n_k, R), and `coords` (nnz, modes) points into it. Entries
    ``pointers[i] <= e < pointers[i + 1]`` belong to row i, so that no two rows share an output.
    """
    rank = stacked.shape[1]
    h = np.empty(rank, stacked.dtype)
    total = np.empty(rank, stacked.dtype)
    zero = stacked[0, 0] * 0
    for i in range(out.shape[0]):
        total[:] = zero
        for e in range(pointers[i], pointers[i + 1]):
            h[:] = values[e]
            for j in range(coords.shape[1]):
                if j != mode:
                    row = coords[e, j]
                    for r in range(rank):
                        h[r] *= np.conj(stacked[row, r])
            for r in range(rank):
                total[r] += h[r]
        for r in range(rank):
            out[i, r] = total[r]
