"""Products with matrices along the modes of a dense tensor, and its unfoldings in pieces.

A tensor of any array library is seen as ``(before, n, after)``: the modes in front of mode k,
mode k and the modes behind it, in C order. Seen so, no unfolding is ever copied.
"""

import math
from collections.abc import Iterator, Sequence

from rankloom.tn.arrays import Array, namespace

_PIECE = 2**18  # entries of an unfolding taken at once: a few megabytes, small enough for a cache
_NARROW = 16  # matrices with fewer columns are too small to be multiplied one by one


def three(x: Array, mode: int) -> Array:
    """`x` as (modes before, mode, modes after), a view where `x` is contiguous."""
    shape = x.shape
    before, after = math.prod(shape[:mode]), math.prod(shape[mode + 1 :])
    return namespace(x).reshape(x, (before, shape[mode], after))


def mode_product(x: Array, matrix: Array, mode: int) -> Array:
    """``sum_j matrix[i, j] x[.., j, ..]`` with j in place `mode`.

    Parameters
    ----------
    x : (.., n, ..) array
    matrix : (m, n) array
    mode : int

    Returns
    -------
    (.., m, ..) array

    Examples
    --------
    >>> import numpy as np
    >>> mode_product(np.arange(6.0).reshape(2, 3), np.ones((1, 3)), 1)
    array([[ 3.],
           [12.]])
    """
    xp = namespace(x, matrix)
    shape = (*x.shape[:mode], matrix.shape[0], *x.shape[mode + 1 :])
    v = three(x, mode)
    before, n, after = v.shape
    if after == 1:
        out = xp.reshape(v, (before, n)) @ matrix.T
    elif before == 1:
        out = matrix @ xp.reshape(v, (n, after))
    elif after < _NARROW < before:
        flat = xp.reshape(xp.permute_dims(v, (0, 2, 1)), (-1, n)) @ matrix.T
        out = xp.permute_dims(xp.reshape(flat, (before, after, -1)), (0, 2, 1))
    else:
        out = xp.matmul(matrix, v)
    return xp.reshape(out, shape)


def mode_products(x: Array, matrices: Sequence[Array | None]) -> Array:
    """`mode_product` with one matrix per mode, None to leave a mode alone.

    The mode that shrinks the tensor most goes first, so that the rest is cheap.
    """
    todo = [k for k, m in enumerate(matrices) if m is not None]
    for k in sorted(todo, key=lambda k: matrices[k].shape[0] / matrices[k].shape[1]):  # type: ignore[union-attr]
        x = mode_product(x, matrices[k], k)
    return x


def unfold(x: Array, mode: int) -> Array:
    """Matrix (n, all other modes in order); a copy for every mode but the first."""
    xp = namespace(x)
    v = three(x, mode)
    return xp.reshape(xp.permute_dims(v, (1, 0, 2)), (v.shape[1], -1))


def pieces(x: Array, mode: int, width: int = 0) -> Iterator[Array]:
    """The unfolding of `mode` in pieces (n, m), columns in any order.

    Views of a contiguous tensor for its first and last mode, small copies for those between.

    Parameters
    ----------
    x : array
    mode : int
    width : int, default 0
        Least number of columns of a piece, where the tensor has as many.
    """
    xp = namespace(x)
    v = three(x, mode)
    before, n, after = v.shape
    columns = max(width, _PIECE // max(n, 1), 1)
    if before == 1 or after >= columns:
        for i in range(before):
            for start in range(0, after, columns):
                yield v[i, :, start : min(start + columns, after)]
        return
    rows = max(1, columns // after)
    for start in range(0, before, rows):
        block = v[start : min(start + rows, before), :, :]
        if after == 1:
            yield xp.reshape(block, (-1, n)).T
        else:
            yield xp.reshape(xp.permute_dims(block, (1, 0, 2)), (n, -1))
