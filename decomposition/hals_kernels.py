"""Numba kernel of hierarchical alternating least squares; `hals.plain_hals` is its twin."""

import numpy as np
from numba import njit

_COLUMNS = 256  # looked at together: R x 256 numbers stay in the cache through all passes


# No nnan/ninf: a fit that is not finite must stay visible in the error.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def hals_rows(y, m, g, ridge, passes):
    """Update `y` (R, n) in place; columns do not see each other, so blocks of them are finished."""
    rank, n = y.shape
    buffer = np.empty(_COLUMNS)
    for start in range(0, n, _COLUMNS):
        count = min(_COLUMNS, n - start)
        for _ in range(passes):
            for r in range(rank):
                scale = g[r, r] + ridge
                if not scale > 0:  # nothing depends on this row
                    continue
                for j in range(count):
                    buffer[j] = m[r, start + j] - ridge * y[r, start + j]
                for s in range(rank):
                    c = g[r, s]
                    for j in range(count):
                        buffer[j] -= c * y[s, start + j]
                for j in range(count):
                    moved = y[r, start + j] + buffer[j] / scale
                    y[r, start + j] = 0.0 if moved < 0.0 else moved  # NaN stays NaN
