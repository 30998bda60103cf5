"""Coloured graphs of trace invariants: canonical labels, melons, pairings.

A tuple of permutations ``s_1 .. s_D`` of 0..n-1 is a graph on n boxes with one arrow of each colour
out of and into every box. Seen as a bipartite graph it has n white vertices (row indices), n black
ones (column indices), and an edge of colour c between black x and white ``s_c(x)``.
"""

from collections.abc import Sequence

from rankloom.physics.freeness.permutations import Permutation, compose, inverse

Tuple = tuple[Permutation, ...]


def components(perms: Sequence[Permutation]) -> list[list[int]]:
    """Orbits of the group that the permutations generate, each ascending, by least element.

    >>> components([(1, 0, 2, 3), (0, 1, 3, 2)])
    [[0, 1], [2, 3]]
    """
    n = len(perms[0])
    found, seen = [], [False] * n
    for start in range(n):
        if not seen[start]:
            seen[start] = True
            orbit = [start]
            for x in orbit:  # grows while it is read
                for s in perms:
                    if not seen[s[x]]:
                        seen[s[x]] = True
                        orbit.append(s[x])
            found.append(sorted(orbit))
    return found


def restrict(perms: Sequence[Permutation], orbit: Sequence[int]) -> Tuple:
    """The permutations on one of their orbits, its elements renamed 0, 1, .. in the given order."""
    label = {x: k for k, x in enumerate(orbit)}
    return tuple(tuple(label[s[x]] for x in orbit) for s in perms)


def walk(perms: Sequence[Permutation], root: int) -> list[int]:
    """The elements of a connected tuple in breadth-first order, colours taken in turn."""
    seen = [False] * len(perms[0])
    seen[root] = True
    order = [root]
    for x in order:
        for s in perms:
            if not seen[s[x]]:
                seen[s[x]] = True
                order.append(s[x])
    return order


def canonical_connected(perms: Sequence[Permutation]) -> tuple[Tuple, int]:
    """Least relabelling of a connected tuple by `walk`, and the order of its automorphism group.

    A relabelling that maps the tuple to itself maps walks to walks, so the roots whose walks give
    the least tuple are one orbit of the automorphism group, which moves every element.
    """
    tuples = [restrict(perms, walk(perms, root)) for root in range(len(perms[0]))]
    least = min(tuples)
    return least, tuples.count(least)


def join(parts: Sequence[Tuple]) -> Tuple:
    """Disjoint union: each tuple acts on a block of elements of its own.

    >>> join([((0,), (0,)), ((1, 0), (0, 1))])
    ((0, 2, 1), (0, 1, 2))
    """
    joined = []
    for perms in zip(*parts, strict=True):
        images: list[int] = []
        for s in perms:
            start = len(images)
            images.extend(start + y for y in s)
        joined.append(tuple(images))
    return tuple(joined)


def gauge(perms: Sequence[Permutation]) -> Tuple:
    """The equivalent pure tuple ``s_c s_D^-1`` whose last permutation is the identity."""
    undo = inverse(perms[-1])
    return tuple(compose(s, undo) for s in perms)


def melonic_pairing(perms: Sequence[Permutation]) -> Permutation | None:
    """Pairing of black with white vertices that melon removal finds; None if some melon is missing.

    A melon is a pair of a black and a white vertex joined by all colours but one; removing it joins
    its two neighbours by that colour. A graph is melonic if this ends, in every component, at a
    pair joined by all colours.

    Parameters
    ----------
    perms : sequence of permutations
        All colours of a bipartite graph. For a mixed invariant the identity is one of them.

    Returns
    -------
    permutation or None
        ``eta[y] = x`` pairs black y with white x. With three colours or more it does not depend on
        the order of removal.
    """
    n, colours = len(perms[0]), len(perms)
    white = [list(s) for s in perms]  # white[c][y]: white neighbour of black y
    black = [list(inverse(s)) for s in perms]
    eta: list[int | None] = [None] * n
    waiting = list(range(n))
    while waiting:
        y = waiting.pop()
        if eta[y] is not None:
            continue
        around = [white[c][y] for c in range(colours)]
        for x in set(around[:2]):  # a melon holds all colours but one, so one of the first two
            shared = around.count(x)
            if shared < colours - 1:
                continue
            eta[y] = x
            if shared == colours - 1:
                c = next(c for c in range(colours) if around[c] != x)
                other_white, other_black = around[c], black[c][x]
                white[c][other_black], black[c][other_white] = other_white, other_black
                waiting.append(other_black)  # a new melon can only appear here
                waiting.append(black[(c + 1) % colours][other_white])
                waiting.append(black[(c + 2) % colours][other_white])
            break
    if any(x is None for x in eta):
        return None
    return tuple(x for x in eta if x is not None)
