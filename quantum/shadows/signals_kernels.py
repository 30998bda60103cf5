"""Numba kernels of the enumerated signals: counting them, and judging which carry a line.

`tests/quantum/test_shadows_signals.py` holds the plain form of both as oracle.
"""

from typing import Any

import numpy as np
from numba import njit

# No nnan/ninf: weights that are not finite must stay visible.
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}


@njit(**_OPTIONS)
def count_signals(bases, outcomes, supports, shots, out):
    """Sums of the outcomes of all strings on some supports, shot by shot.

    Parameters
    ----------
    bases : (n, T S) array of uint8
    outcomes : (n, T S) array of float32 or float64
        +-1; rows may come again with the weights of the snapshots, for the last qubit.
    supports : (m, j) array of int
        Ascending qubits; consecutive rows share what precedes the last qubit, mostly.
    shots : int
        S.
    out : (m, 3^j, T) array
        Filled: sum over the shots of the products of outcomes where all bases match.
    """
    size, j = bases.shape[1], supports.shape[1]
    times = size // shots
    code = np.zeros(size, np.int32)
    sign = np.ones(size, out.dtype)
    known = False
    for i in range(supports.shape[0]):
        for position in range(j - 1):
            if not known or supports[i, position] != supports[i - 1, position]:
                known = False
        if not known:
            code[:] = 0
            sign[:] = 1
            for position in range(j - 1):
                b, o = bases[supports[i, position]], outcomes[supports[i, position]]
                for a in range(size):
                    code[a] = 3 * code[a] + b[a]
                    sign[a] *= o[a]
            known = True
        b, o, target = bases[supports[i, j - 1]], outcomes[supports[i, j - 1]], out[i]
        target[:] = 0
        for t in range(times):
            for a in range(t * shots, (t + 1) * shots):
                target[3 * code[a] + b[a], t] += sign[a] * o[a]


@njit(**_OPTIONS)
def standardise(rows, lags, threshold):
    """Standardise signals in place, keep those that are not white, and move them to the front.

    Parameters
    ----------
    rows : (m, T) array
        Signals; overwritten. The kept ones stand first, with mean 0 and standard deviation 1.
    lags : int
        h of the Ljung-Box statistic ``T (T + 2) sum_l r_l^2 / (T - l)``, l = 1 .. h.
    threshold : float
        Least statistic to keep; negative keeps every signal that is not constant.

    Returns
    -------
    int
        The number of signals kept.
    """
    count, times = rows.shape
    kept = 0
    for i in range(count):
        x = rows[i]
        mean = rows.dtype.type(0.0)
        for t in range(times):
            mean += x[t]
        mean /= times
        square = rows.dtype.type(0.0)
        for t in range(times):
            square += (x[t] - mean) * (x[t] - mean)
        if not square > 1e-9 * times * (1.0 + mean * mean):
            continue
        scale = 1.0 / np.sqrt(square / times)
        y = rows[kept]
        for t in range(times):
            y[t] = (x[t] - mean) * scale
        statistic = 0.0
        if threshold >= 0.0:
            for lag in range(1, lags + 1):
                r = rows.dtype.type(0.0)
                head, tail = y[: times - lag], y[lag:]
                for t in range(head.size):
                    r += head[t] * tail[t]
                r /= times
                statistic += r * r / (times - lag)
            statistic *= times * (times + 2.0)
        if statistic >= threshold:
            kept += 1
    return kept
