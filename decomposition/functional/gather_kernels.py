"""Numba kernels: sums of products of table rows over the observations that share a node.

For one mode the rows of the other modes' tables (packed second moments, or means) are multiplied,
entry by entry (CP) or as Kronecker products, last mode fastest (Tucker), and added up per node with
one or several weights: observations of node j are ``starts[j] <= n < starts[j + 1]``. The twin is
`algebra.gather_plain`.
"""

from numba import njit

_FAST = {"reassoc", "contract", "nsz"}  # NaN and infinity must stay visible


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def gather_entrywise(table, indices, weights, starts, first, work, out):
    """Weighted sums of entrywise products for the nodes from `first` on.

    Parameters
    ----------
    table : (rows, columns) array
        The tables of all modes, one below the other.
    indices : (N, M) int array
        Rows of the table, for each of the M other modes; M may be 0.
    weights : (C, N) array
    work : (columns,) array
        Scratch.
    out : (nodes, C, columns) array
    """
    nodes, sums, columns = out.shape
    for j in range(nodes):
        for c in range(sums):
            for i in range(columns):
                out[j, c, i] = 0.0
        for n in range(starts[first + j], starts[first + j + 1]):
            for i in range(columns):
                work[i] = 1.0
            for m in range(indices.shape[1]):
                at = table[indices[n, m]]
                for i in range(columns):
                    work[i] *= at[i]
            for c in range(sums):
                for i in range(columns):
                    out[j, c, i] += weights[c, n] * work[i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def gather_kronecker(table, widths, indices, weights, starts, first, work, out):
    """The same of Kronecker products of the leading ``widths[m]`` entries of rows of mode m.

    `out` has as many columns as the product of the widths, and so many entries has `work`.
    """
    nodes, sums, columns = out.shape
    last = len(widths) - 1
    for j in range(nodes):
        for c in range(sums):
            row = out[j, c]
            for i in range(columns):
                row[i] = 0.0
            for n in range(starts[first + j], starts[first + j + 1]):
                size = 1
                work[0] = weights[c, n]
                for m in range(last):
                    at, width = table[indices[n, m]], widths[m]
                    for i in range(size - 1, -1, -1):  # backwards, so that it can be done in place
                        scale = work[i]
                        for k in range(width):
                            work[i * width + k] = scale * at[k]
                    size *= width
                if last < 0:
                    row[0] += work[0]
                    continue
                at, width = table[indices[n, last]], widths[last]
                for i in range(size):
                    scale = work[i]
                    for k in range(width):
                        row[i * width + k] += scale * at[k]
