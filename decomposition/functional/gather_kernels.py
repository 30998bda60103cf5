"""Numba kernels: sums of products of table rows over the observations that share a node.

For one mode the rows of the other modes' tables (packed second moments, or means) are multiplied,
entry by entry (CP) or as Kronecker products, last mode fastest (Tucker), and added up per node:
observations of node j are ``starts[j] <= n < starts[j + 1]``. The twin is `algebra.gather_plain`.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def gather(table, widths, indices, weights, starts, first, last, kron, out):
    """Weighted sums over observations for nodes ``first <= j < last``, into ``out[j - first]``.

    Parameters
    ----------
    table : (rows, >= max width) array
        The tables of all modes, one below the other.
    widths : (M,) int array
        Entries of a row that count, for each of the M other modes; M may be 0.
    indices : (N, M) int array
        Rows of the table.
    weights : (N,) array
    kron : bool
        Kronecker instead of entrywise products.
    out : (last - first, product of widths, or width) array
    """
    modes = len(widths)
    columns = out.shape[1]
    now, other = np.empty(columns), np.empty(columns)
    out.fill(0.0)
    for j in range(first, last):
        row = out[j - first]
        for n in range(starts[j], starts[j + 1]):
            size = 1
            now[0] = weights[n]
            if not kron:
                size = columns
                for i in range(columns):
                    now[i] = weights[n]
            for m in range(modes - 1):
                b = table[indices[n, m]]
                if kron:
                    for i in range(size):
                        for k in range(widths[m]):
                            other[i * widths[m] + k] = now[i] * b[k]
                    size *= widths[m]
                    now, other = other, now
                else:
                    for i in range(columns):
                        now[i] *= b[i]
            if modes == 0:
                for i in range(columns):
                    row[i] += now[i]
            else:
                b = table[indices[n, modes - 1]]
                if kron:
                    width = widths[modes - 1]
                    for i in range(size):
                        scale = now[i]
                        for k in range(width):
                            row[i * width + k] += scale * b[k]
                else:
                    for i in range(columns):
                        row[i] += now[i] * b[i]
