"""Characters of the symmetric group by the Murnaghan-Nakayama rule.

A partition with r rows is held as a set of r beads, at the positions ``part + (rows below it)``,
and the set as the bits of an integer. To remove a border strip of length l is to move one bead down
by l places, to where none is; the sign is that of the number of beads it jumps over.
"""

from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.permutations import Partition, centraliser_order, partitions
from rankloom.tn.checks import integer

_LARGEST = 33  # sqrt(33!) < 2**63: no character overflows


def character_table(n: int) -> NDArray[np.int64]:
    """All irreducible characters of S_n.

    Parameters
    ----------
    n : int
        From 1 to 33, where characters still fit 64 bits.

    Returns
    -------
    (p, p) array of int64, read-only
        Entry [i, j] is the character of the representation ``partitions(n)[i]`` on the permutations
        of cycle type ``partitions(n)[j]``.

    Examples
    --------
    >>> character_table(3)
    array([[ 1,  1,  1],
           [-1,  0,  2],
           [ 1, -1,  1]])
    """
    n = integer("n", n, 1)
    if n > _LARGEST:
        raise ValueError(f"`n` = {n}: characters beyond n = {_LARGEST} do not fit 64 bits.")
    return _by_cycle_type(n).T


@cache
def _by_cycle_type(n: int) -> NDArray[np.int64]:
    """Characters with the cycle type in front: permutations of one type are a row."""
    if n == 0:
        return np.ones((1, 1), np.int64)
    count = len(partitions(n))
    table = np.zeros((count, count), np.int64)
    begin = 0
    for largest in range(n, 0, -1):
        # Cycle types that begin with `largest` go on with a type of the rest, no part larger. In
        # descending order these are the last ones.
        rest = partitions(n - largest)
        first = next(k for k, mu in enumerate(rest) if mu[:1] <= (largest,))
        strips = _strips(n, largest)
        end = begin + len(rest) - first
        terms = _by_cycle_type(n - largest)[first:, strips.sources] * strips.signs
        table[begin:end, strips.targets] = np.add.reduceat(terms, strips.starts, axis=1)
        begin = end
    table.flags.writeable = False
    return table


class _Strips(NamedTuple):
    """Border strips grouped by the partition that is left when they are put on.

    Partition ``targets[k]`` comes from ``sources[starts[k] : starts[k + 1]]``, with signs.
    """

    targets: list[int]
    starts: list[int]
    sources: list[int]
    signs: NDArray[np.int64]


def _strips(n: int, length: int) -> _Strips:
    """All border strips of `length` between partitions of n - length and of n."""
    smaller = {_beads(mu): k for k, mu in enumerate(partitions(n - length))}
    targets: list[int] = []
    starts: list[int] = []
    sources: list[int] = []
    signs: list[int] = []
    for target, beads in enumerate(map(_beads, partitions(n))):
        # A bead moves from b to b - length; bits of `movable` are the places it leaves.
        movable = beads & ~(beads << length) & -(1 << length)
        if movable:
            targets.append(target)
            starts.append(len(sources))
        while movable:
            bead = movable & -movable
            movable ^= bead
            place = bead >> length
            jumped = beads & (bead - 2 * place)
            sources.append(smaller[_normal(beads ^ bead ^ place)])
            signs.append(1 - 2 * (jumped.bit_count() & 1))
    return _Strips(targets, starts, sources, np.array(signs, np.int64))


@cache
def _beads(parts: Partition) -> int:
    return sum(1 << (part + below) for below, part in enumerate(reversed(parts)))


def _normal(beads: int) -> int:
    """Without the beads at 0, 1, 2, .. that stand for rows of length zero."""
    while beads & 1:
        beads >>= 1
    return beads


def contents(parts: Partition) -> list[int]:
    """Content (column minus row) of every box of the diagram.

    >>> contents((3, 1))
    [0, 1, 2, -1]
    """
    return [column - row for row, part in enumerate(parts) for column in range(part)]


def dimensions(n: int) -> list[int]:
    """Dimension of each representation in the order of `partitions`.

    >>> dimensions(4)
    [1, 3, 2, 3, 1]
    """
    return [int(f) for f in character_table(n)[:, -1]]


def class_sizes(n: int) -> list[int]:
    """Number of permutations of each cycle type in the order of `partitions`.

    >>> class_sizes(3)
    [2, 3, 1]
    """
    group = prod(range(1, n + 1))
    return [group // centraliser_order(mu) for mu in partitions(n)]
