"""The order in which a circuit is contracted against a matrix product state.

A slanted boundary moves from the left end of the chain to the right. It is a tensor with one
open leg per circuit wire ``lo <= site < hi`` and one leg for the target bond left of site `lo`::

    target   --A0---A1-+ chi
               |    |  |
    circuit    #    #  +--- w[lo]  w[lo+1] ... w[hi-1]       B[w[hi-1], ..., w[lo], chi]
    |0>        |    |          the light cone slants to the right

The bond is the fastest index and site `lo` the next, so that appending a wire is contiguous,
absorbing the leftmost wire is one matrix product, and a gate acts on rows of length >= chi.

=========  ============  ==================================================================
op         index         effect
=========  ============  ==================================================================
ADD        site          appends a wire in its front state
ADD_PAIR   block         appends two wires in the state block|front, front>
GATE       block         applies a block to two open wires
ABSORB     site          contracts the leftmost wire with the conjugate target tensor
ABSORB_2   block         applies a block, then contracts the two leftmost wires
=========  ============  ==================================================================

Both fusions save work: a layer whose wires are fresh costs almost nothing, and a last layer
is folded into the (small) pair of target tensors.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Op(IntEnum):
    """Elementary step of the contraction; see the module's table."""

    ADD = 0
    ADD_PAIR = 1
    GATE = 2
    ABSORB = 3
    ABSORB_2 = 4


# Columns of `Schedule.ops`. Of an (outer, 4, inner) view of the boundary a gate mixes the middle;
# an absorption takes (outer, inner) to (outer, chi), where inner = 2 or 4 times the left bond.
KIND, INDEX, SITE, OUTER, INNER, CHI = range(6)

HOPELESS = 2**48
"""Sizes from here on are not told apart: no machine holds such a boundary."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Sequence of boundary steps for one circuit and one list of target bonds.

    Parameters
    ----------
    ops : (N, 6) array of int
        Kind, index (site or block), left site, outer size, inner size, outgoing target bond.
    sizes : (N + 1,) array of int
        Number of complex entries of the boundary before each op, and at the end.
    costs : (N,) array of float
        Complex multiplications of one value-and-gradient, op by op.
    """

    ops: NDArray[np.int64]
    sizes: NDArray[np.int64]
    costs: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Largest number of entries that the boundary ever has."""
        return int(self.sizes.max())

    @property
    def middle(self) -> int:
        """The op that splits the work into two equal halves."""
        return int(np.searchsorted(np.cumsum(self.costs), self.costs.sum() / 2))


def plan(n_sites: int, bonds: NDArray[np.intp], target_bonds: tuple[int, ...]) -> Schedule:
    """Schedule the blocks on `bonds` (time order) against a target.

    Parameters
    ----------
    n_sites : int
    bonds : (blocks,) array of int
        Left site of each block.
    target_bonds : (n_sites + 1,) tuple of int
        Bond dimensions of the target, ends included.

    Notes
    -----
    Every site in turn gets the gates of its past light cone and is then absorbed. For L
    brickwork layers at most L + 1 wires are open.
    """
    waiting = [list[int]() for _ in range(n_sites)]
    for block in range(len(bonds) - 1, -1, -1):  # reversed: `pop` then takes them in time order
        waiting[bonds[block]].append(block)
        waiting[bonds[block] + 1].append(block)
    lo = hi = 0
    size = 1  # entries of the boundary; any integer
    ops: list[tuple[int, int, int, int, int, int]] = []
    sizes = [size]

    def emit(kind: Op, index: int, site: int, outer: int, inner: int) -> None:
        nonlocal size
        size = target_bonds[lo] << (hi - lo)
        row = (kind, index, site, min(outer, HOPELESS), min(inner, HOPELESS), target_bonds[lo])
        ops.append(row)
        sizes.append(min(size, HOPELESS))

    def apply(block: int) -> None:
        nonlocal hi
        site = int(bonds[block])
        waiting[site].pop()
        waiting[site + 1].pop()
        if hi == site:
            hi += 2
            emit(Op.ADD_PAIR, block, site, 1, size)
            return
        open_wires(site + 2)
        if not waiting[site] and not waiting[site + 1] and site == lo:
            absorb(Op.ABSORB_2, block, 2)
        else:
            inner = target_bonds[lo] << (site - lo)
            emit(Op.GATE, block, site, size // (4 * inner), inner)

    def open_wires(end: int) -> None:
        nonlocal hi
        while hi < end:
            hi += 1
            emit(Op.ADD, hi - 1, hi - 1, 1, size)

    def absorb(kind: Op, index: int, wires: int) -> None:
        nonlocal lo
        inner = target_bonds[lo] << wires
        outer = size // inner
        lo += wires
        emit(kind, index, lo - wires, outer, inner)

    def finish(site: int) -> None:
        # depth-first through the light cone, on a stack of our own: circuits can be deep
        stack = [waiting[site][0]] if waiting[site] else []
        while stack:
            left = int(bonds[stack[-1]])
            blocking = next(
                (w[-1] for w in (waiting[left], waiting[left + 1]) if w[-1] != stack[-1]), None
            )
            if blocking is None:
                apply(stack.pop())
            else:
                stack.append(blocking)

    while lo < n_sites:
        site = lo
        finish(site)
        if lo == site:
            open_wires(site + 1)
            absorb(Op.ABSORB, site, 1)

    table = np.array(ops, np.int64)
    lengths = np.array(sizes, np.int64)
    return Schedule(table, lengths, _costs(table, lengths))


def _costs(ops: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    before, after = sizes[:-1].astype(float), sizes[1:].astype(float)
    kind = ops[:, KIND]
    products = 2.0 * before * ops[:, CHI]  # forward and adjoint
    return np.select(
        [kind == Op.GATE, kind == Op.ABSORB, kind == Op.ABSORB_2],
        [12.0 * before, products, products + 4.0 * before],
        2.0 * after,
    )
