"""Numba kernel of perfect sampling: one site, all shots of a batch.

Complex numbers come as pairs of floats (re, im, re, im, ..), so that sums of squares and dot
products run over plain floats. `sample.py` holds the array-API twin, the oracle in the tests.
"""

import numpy as np
from numba import njit

_X, _Y = 0, 1  # Z is what remains


# No nnan/ninf: a state that is not finite must stay visible in the result.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
def measure(halves, basis, uniform, outcome, left):
    """Measure one site: fill `outcome` (shots,) and the normalised left vectors (shots, m).

    `halves` (shots, 2, m) is the left vector of each shot times the site tensor, for physical
    index 0 and 1. Only measurements of Y need complex numbers.
    """
    shots, _, m = halves.shape
    for s in range(shots):
        x, y, out = halves[s, 0], halves[s, 1], left[s]
        zero = halves.dtype.type(0.0)
        first, second, cross = zero, zero, zero
        for i in range(m):
            first += x[i] * x[i]
            second += y[i] * y[i]
        b = basis[s]
        if b == _X:
            for i in range(m):
                cross += x[i] * y[i]
        elif b == _Y:
            for i in range(0, m, 2):
                cross += x[i] * y[i + 1] - x[i + 1] * y[i]
        total = first + second
        if b <= _Y:  # squared norms of (x +- y) / sqrt(2), or of (x -+ i y) / sqrt(2)
            first, second = 0.5 * total + cross, 0.5 * total - cross
        down = uniform[s] * total >= first
        outcome[s] = -1 if down else 1
        weight = second if down else first
        if b <= _Y:
            scale = np.sqrt(0.5 / weight)
            sign = -scale if down else scale
            if b == _X:
                for i in range(m):
                    out[i] = scale * x[i] + sign * y[i]
            else:
                for i in range(0, m, 2):
                    out[i] = scale * x[i] + sign * y[i + 1]
                    out[i + 1] = scale * x[i + 1] - sign * y[i]
        else:
            scale = np.sqrt(1.0 / weight)
            chosen = y if down else x
            for i in range(m):
                out[i] = scale * chosen[i]
