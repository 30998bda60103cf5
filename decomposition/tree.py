"""Products of a tensor with the factors of a CP tensor, shared between the updates of its modes.

To update mode k a solver needs the tensor contracted with the factors of all other modes (the
matricised tensor times Khatri-Rao product, MTTKRP). `hooi.updates` walks a dimension tree that runs
on from one sweep into the next (L. Ma, E. Solomonik, arXiv:2010.12056): with three modes three
products with the tensor serve six updates, and what is left is bound by memory on intermediates
R / n of the tensor's size.

The rank stands first everywhere: factors are rows (R, n_k), intermediates (R, open modes ..), so
that each component is contiguous and every product is a plain matrix product.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.hooi import updates
from rankloom.decomposition.modes import three
from rankloom.tn.arrays import Array, is_numpy, namespace


@dataclass(frozen=True, eq=False)
class Node:
    """A tensor with some modes contracted.

    Attributes
    ----------
    array : array
        The data while all modes are open, (R, sizes of the open modes ..) afterwards.
    modes : tuple of int
        The open modes, ascending.
    whole : bool
        Whether all modes are open.
    """

    array: Array
    modes: tuple[int, ...]
    whole: bool = False

    @property
    def ndim(self) -> int:
        """Number of open modes."""
        return len(self.modes)


class Space:
    """Memory of a product with the tensor, used again for the next.

    The system hands out fresh pages for arrays of more than 32 MB every time, and touching them
    first costs as much as the product itself.
    """

    def __init__(self) -> None:
        self._flat = np.empty(0)

    def take(self, shape: Sequence[int], dtype: Any) -> NDArray[Any]:
        """An array of this shape; what was taken before is lost."""
        count = math.prod(shape)
        if self._flat.dtype != dtype or self._flat.size < count:
            self._flat = np.empty(0)  # let go before more is asked for
            self._flat = np.empty(count, dtype)
        return self._flat[:count].reshape(shape)


def walk(
    x: Array, rows: Callable[[int], Array], space: Space | None = None
) -> Iterator[tuple[int, Array]]:
    """Modes 0, 1, .., N-1, 0, .. without end, each with its MTTKRP (R, n_k).

    Parameters
    ----------
    x : array
    rows : callable
        ``rows(k)`` is the present factor of mode k as (R, n_k). The caller replaces the factor of
        each mode that was yielded before asking for the next.
    space : Space, optional
        Where products with the tensor go.

    Examples
    --------
    >>> import numpy as np
    >>> x, ones = np.arange(8.0).reshape(2, 2, 2), np.ones((1, 2))
    >>> next(walk(x, lambda k: ones))
    (0, array([[ 6., 22.]]))
    """

    def contract(node: Node, modes: Sequence[int]) -> Node:
        for k in sorted(modes, reverse=True):
            axis = node.modes.index(k)
            rest = tuple(m for m in node.modes if m != k)
            if node.whole:  # of two modes the product is a leaf, which outlives the next
                node = Node(first_product(x, rows(k), axis, space if x.ndim > 2 else None), rest)
            else:
                node = Node(next_product(node.array, rows(k), axis), rest)
        return node

    for k, leaf in updates(Node(x, tuple(range(x.ndim)), whole=True), contract):
        yield k, leaf.array


def mttkrp(x: Array, rows: Sequence[Array], mode: int) -> Array:
    """One MTTKRP (R, n) by itself: ``sum conj(rows_j[r, i_j]) x[i_0, ..]`` over all but `mode`."""
    others = [k for k in range(x.ndim) if k != mode]
    node = first_product(x, rows[others[-1]], others[-1])
    for k in reversed(others[:-1]):
        node = next_product(node, rows[k], k)
    return node


def first_product(x: Array, rows: Array, mode: int, space: Space | None = None) -> Array:
    """``sum_j conj(rows[r, j]) x[.., j, ..]``, the rank in front: (R, other modes ..)."""
    xp = namespace(x)
    v = three(x, mode)
    before, n, after = v.shape
    rows = _conj(rows)
    shape = (rows.shape[0], *x.shape[:mode], *x.shape[mode + 1 :])
    if is_numpy(x):
        dtype = np.result_type(x, rows)
        out = np.empty(shape, dtype) if space is None else space.take(shape, dtype)
        if after == 1:
            np.matmul(rows, v.reshape(before, n).T, out=out.reshape(-1, before))
        else:  # written in place, never copied
            np.matmul(rows, v, out=out.reshape(-1, before, after).transpose(1, 0, 2))
        return out
    if before == 1:
        out = rows @ xp.reshape(v, (n, after))
    elif after == 1:
        out = rows @ xp.reshape(v, (before, n)).T
    else:
        out = xp.permute_dims(xp.matmul(rows, v), (1, 0, 2))
    return xp.reshape(out, shape)


def next_product(t: Array, rows: Array, axis: int) -> Array:
    """``sum_j conj(rows[r, j]) t[r, .., j, ..]`` for open mode number `axis` of t."""
    xp = namespace(t)
    rank, *sizes = t.shape
    before, n, after = math.prod(sizes[:axis]), sizes[axis], math.prod(sizes[axis + 1 :])
    rows = _conj(rows)
    if after == 1:
        out = xp.reshape(t, (rank, before, n)) @ rows[:, :, None]
    elif before == 1:
        out = rows[:, None, :] @ xp.reshape(t, (rank, n, after))
    else:
        out = rows[:, None, None, :] @ xp.reshape(t, (rank, before, n, after))
    return xp.reshape(out, (rank, *sizes[:axis], *sizes[axis + 1 :]))


def _conj(rows: Array) -> Array:
    if type(rows) is np.ndarray:
        return rows.conj() if rows.dtype.kind == "c" else rows
    xp = namespace(rows)
    return xp.conj(rows) if xp.isdtype(rows.dtype, "complex floating") else rows
