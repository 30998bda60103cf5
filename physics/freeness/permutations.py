"""Permutations of 0..n-1 as tuples of images, their cycle types, and the non-crossing ones.

``s[x]`` is the image of x, and ``compose(s, t)[x] == s[t[x]]``. A cycle type is the tuple of cycle
lengths, longest first. ``cycle(n)`` maps x to x + 1 modulo n.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from math import comb, factorial, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.checks import integer

Permutation: TypeAlias = tuple[int, ...]
Partition: TypeAlias = tuple[int, ...]
"""A cycle type: parts in descending order."""


def check_permutation(name: str, images: Any) -> Permutation:
    """`images` as a tuple of int.

    Raises
    ------
    TypeError, ValueError
        `images` (the argument called `name`) does not list each of 0..n-1 once.
    """
    if isinstance(images, (str, bytes)) or not hasattr(images, "__iter__"):
        raise TypeError(f"`{name}` must list the images of 0..n-1, got {images!r}.")
    s = tuple(integer(f"{name}[{x}]", y, 0) for x, y in enumerate(images))
    if not s:
        raise ValueError(f"`{name}` is empty; a permutation of at least one element is needed.")
    if sorted(s) != list(range(len(s))):
        raise ValueError(
            f"`{name}` = {s} is not a permutation: it must list each of 0..{len(s) - 1} once."
        )
    return s


def identity(n: int) -> Permutation:
    """The permutation that moves nothing."""
    return tuple(range(n))


def cycle(n: int) -> Permutation:
    """The full cycle x -> x + 1 modulo n.

    >>> cycle(4)
    (1, 2, 3, 0)
    """
    return (*range(1, n), 0)


def compose(s: Permutation, t: Permutation) -> Permutation:
    """``s t``: first t, then s.

    >>> compose((1, 0, 2), (0, 2, 1))
    (1, 2, 0)
    """
    return tuple(s[x] for x in t)


def inverse(s: Permutation) -> Permutation:
    """The permutation that undoes s.

    >>> inverse((1, 2, 0))
    (2, 0, 1)
    """
    undo = [0] * len(s)
    for x, y in enumerate(s):
        undo[y] = x
    return tuple(undo)


def cycles(s: Permutation) -> list[tuple[int, ...]]:
    """The cycles of s, each starting at its least element; fixed points are cycles of length 1.

    >>> cycles((1, 0, 3, 4, 2))
    [(0, 1), (2, 3, 4)]
    """
    found, seen = [], [False] * len(s)
    for start in range(len(s)):
        if not seen[start]:
            orbit, x = [], start
            while not seen[x]:
                seen[x] = True
                orbit.append(x)
                x = s[x]
            found.append(tuple(orbit))
    return found


def cycle_type(s: Permutation) -> Partition:
    """Cycle lengths, longest first.

    >>> cycle_type((1, 0, 3, 4, 2))
    (3, 2)
    """
    return tuple(sorted(map(len, cycles(s)), reverse=True))


def catalan(n: int) -> int:
    """The n-th Catalan number, the number of non-crossing partitions of n points."""
    return comb(2 * n, n) // (n + 1)


def moebius(parts: Partition) -> int:
    """Moebius function of the non-crossing partitions below a permutation of this cycle type.

    ``prod (-1)^(l-1) Catalan(l-1)`` over the cycle lengths l.

    >>> moebius((3, 2)), moebius((1, 1, 1))
    (-2, 1)
    """
    return prod((-1) ** (part - 1) * catalan(part - 1) for part in parts)


@cache
def partitions(n: int) -> tuple[Partition, ...]:
    """All partitions of n, in descending lexicographic order.

    >>> partitions(4)
    ((4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))
    """

    def descend(left: int, largest: int) -> list[Partition]:
        if left == 0:
            return [()]
        return [
            (part, *rest)
            for part in range(min(left, largest), 0, -1)
            for rest in descend(left - part, part)
        ]

    return tuple(descend(n, n))


def centraliser_order(parts: Partition) -> int:
    """Number of permutations that commute with one of this cycle type.

    >>> centraliser_order((2, 1, 1))
    4
    """
    return prod(part**m * factorial(m) for part, m in Counter(parts).items())


def class_size(parts: Partition) -> int:
    """Number of permutations of this cycle type."""
    return factorial(sum(parts)) // centraliser_order(parts)


def representative(parts: Partition) -> Permutation:
    """The permutation of this cycle type that turns consecutive blocks of elements.

    >>> representative((2, 2, 1))
    (1, 0, 3, 2, 4)
    """
    starts = accumulate(parts, initial=0)
    return tuple(start + x for start, part in zip(starts, parts, strict=False) for x in cycle(part))


@cache
def all_permutations(n: int) -> NDArray[np.uint8]:
    """All permutations in lexicographic order, shape (n!, n), read-only.

    Row r has rank r, and ``rank(all_permutations(n))`` counts up. Memory: n n! bytes.
    """
    table = np.zeros((1, 1), np.uint8)
    if n == 0:
        table = np.zeros((1, 0), np.uint8)
    for size in range(2, n + 1):
        # The first image runs slowest; the others keep their order among what is left.
        first = np.repeat(np.arange(size, dtype=np.uint8), len(table))[:, None]
        others = np.tile(table, (size, 1))
        table = np.concatenate((first, others + (others >= first)), axis=1)
    table.flags.writeable = False
    return table


def rank(table: NDArray[Any]) -> NDArray[np.int64]:
    """Rank of each permutation (rows of images) in lexicographic order.

    >>> rank(np.array([[0, 1, 2], [2, 1, 0]]))
    array([0, 5])
    """
    table = np.asarray(table)
    n = table.shape[-1]
    total = np.zeros(table.shape[:-1], np.int64)
    for x in range(n - 1):
        smaller = np.sum(table[..., x + 1 :] < table[..., x : x + 1], axis=-1, dtype=np.int64)
        total = total * (n - x) + smaller
    return total


@cache
def non_crossing_permutations(n: int) -> NDArray[np.uint8]:
    """The permutations on a geodesic between the identity and the full cycle x -> x + 1.

    Each is a non-crossing partition of 0..n-1 whose blocks are turned in ascending order.

    Parameters
    ----------
    n : int
        At least 0. The table takes ``n Catalan(n)`` bytes: 2.5 MB for n = 12, 37 MB for n = 14.

    Returns
    -------
    (Catalan(n), n) array of uint8, read-only

    Examples
    --------
    >>> non_crossing_permutations(2)
    array([[1, 0],
           [0, 1]], dtype=uint8)
    >>> len(non_crossing_permutations(6))
    132
    """
    n = integer("n", n, 0)
    table = np.empty((catalan(n), n), np.uint8)
    row = 0
    # Let k be the element after 0 in its block (k = n: the block is {0}). What lies between the two
    # cannot cross, and the block goes on as that of k among k..n-1, where closing means to return
    # to 0 instead of k.
    for k in range(1, n + 1):
        between = non_crossing_permutations(k - 1)
        after = non_crossing_permutations(n - k)
        block = table[row : row + len(between) * len(after)].reshape(len(between), len(after), n)
        block[:, :, 0] = k % n
        block[:, :, 1:k] = between[:, None, :] + 1
        block[:, :, k:] = np.where(after == 0, 0, after + np.uint8(k))
        row += len(between) * len(after)
    if n == 0:
        table = np.empty((1, 0), np.uint8)
    table.flags.writeable = False
    return table


def common_length(perms: Sequence[Permutation]) -> int:
    """Length of all of `perms`.

    Raises
    ------
    ValueError
        None given, or of several lengths.
    """
    if not perms:
        raise ValueError("`perms` is empty; one permutation per colour is needed, D >= 1.")
    lengths = [len(s) for s in perms]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"`perms` must act on the same elements, got permutations of lengths {lengths}."
        )
    return lengths[0]
