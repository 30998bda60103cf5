"""Compiled kernel of the tensor cross: LU factorisation with full pivoting, cut by a threshold."""

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True, nogil=True)
def full_pivots(a, threshold, limit):
    """LU factorisation of `a` with full pivoting, which ends where all that is left is small.

    Parameters
    ----------
    a : (m, c) array, C order
        Entries of size about 1 (they are squared). Overwritten.
    threshold : float
        Pivots of at most this size are not taken; the first is, unless `a` is zero.
    limit : int
        Most pivots to take, <= min(m, c).

    Returns
    -------
    rows, columns : (r,) array of int
        The pivots, largest first; at least one.
    lower : (m, r) array
        ``a[:, columns] = lower @ upper`` with ones at ``lower[rows[k], k]``.
    """
    m, c = a.shape
    rows = np.zeros(limit, np.int64)
    columns = np.zeros(limit, np.int64)
    lower = np.zeros((m, limit), a.dtype)
    used = np.zeros(m, np.bool_)
    row = np.zeros(c, a.dtype)
    best, i = 0.0, 0
    for x in range(m):
        top = 0.0
        for y in range(c):
            v = a[x, y]
            top = max(top, v.real * v.real + v.imag * v.imag)
        if top > best:
            best, i = top, x
    rank = 0
    while rank < limit and (np.sqrt(best) > threshold or rank == 0):
        j, top = 0, -1.0
        for y in range(c):
            v = a[i, y]
            size = v.real * v.real + v.imag * v.imag
            if size > top:
                j, top = y, size
        if top == 0.0:  # nothing is left; a matrix of zeros counts as rank one
            best = 0.0
            if rank == 0:
                lower[0, 0] = 1.0
                rank = 1
            break
        rows[rank], columns[rank] = i, j
        used[i] = True
        row[:] = a[i]
        scale = 1.0 / row[j]
        best, following = 0.0, 0
        for x in range(m):
            if used[x]:
                lower[x, rank] = 0.0
                continue
            f = a[x, j] * scale
            lower[x, rank] = f
            top = 0.0
            for y in range(c):
                v = a[x, y] - f * row[y]
                a[x, y] = v
                top = max(top, v.real * v.real + v.imag * v.imag)
            a[x, j] = 0.0  # exactly, so that no column is taken twice
            if top > best:
                best, following = top, x
        lower[i, rank] = 1.0
        i = following
        rank += 1
    return rows[:rank], columns[:rank], lower[:, :rank]
