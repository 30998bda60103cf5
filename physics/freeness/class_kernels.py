"""Numba kernels that list and look up classes of tuples of permutations under renaming.

Permutations are rows of images, or their ranks in lexicographic order among the n! rows of `perms`;
n is at most 8. A tuple is classified colour by colour, down a tree: a node of depth d is a class of
d-tuples with a representative, and ``child[node, s]`` is the class of the representative with s
appended. ``mover[node, s]`` commutes with the representative and brings s to the one chosen for
that child. `graph.py` and `invariant.py` hold the twin in plain Python, the oracle in the tests.
Loops are written out: assignments to slices would take numba seconds to compile.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _rank(row, n, ones):
    """Rank of a row of images; ``ones[mask]`` counts the bits of an 8-bit mask."""
    total = 0
    used = 0
    for x in range(n):
        smaller = ones[used & ((1 << row[x]) - 1)]
        total = total * (n - x) + row[x] - smaller
        used |= 1 << row[x]
    return total


@njit(cache=True, nogil=True)
def _bits():
    ones = np.zeros(256, np.int64)
    for mask in range(1, 256):
        ones[mask] = ones[mask >> 1] + (mask & 1)
    return ones


@njit(cache=True, nogil=True)
def orbits(perms, start, group, child, mover):
    """Fill one more level of the tree: orbits of each stabiliser on all permutations.

    Parameters
    ----------
    perms : (n!, n) uint8
    start, group : (nodes + 1,), (total,) integers
        ``group[start[k] : start[k + 1]]`` are the ranks of the stabiliser of node k.
    child, mover : (nodes, n!) int32 and uint16
        To be filled.

    Returns
    -------
    int
        Number of children of all nodes.
    """
    n = perms.shape[1]
    ones = _bits()
    moved = np.empty(n, np.int64)
    undo = np.empty(n, np.int64)
    count = 0
    for k in range(child.shape[0]):
        for s in range(perms.shape[0]):
            child[k, s] = -1
        for s in range(perms.shape[0]):
            if child[k, s] >= 0:
                continue
            for e in range(start[k], start[k + 1]):
                g = group[e]
                for x in range(n):
                    moved[perms[g, x]] = perms[g, perms[s, x]]
                t = _rank(moved, n, ones)
                if child[k, t] < 0:
                    for x in range(n):
                        undo[perms[g, x]] = x
                    child[k, t] = count
                    mover[k, t] = _rank(undo, n, ones)
            count += 1
    return count


@njit(cache=True, nogil=True)
def representatives(child, count, parent, last):
    """Fill, for each child class, its node above and the first permutation that leads to it."""
    seen = 0
    for k in range(child.shape[0]):
        for s in range(child.shape[1]):
            if child[k, s] == seen:
                parent[seen] = k
                last[seen] = s
                seen += 1
    return seen == count


@njit(cache=True, nogil=True)
def stabilisers(perms, start, group, parent, last, order, kept):
    """Stabilisers of the children: their orders, and their ranks in `kept` unless it is empty."""
    n = perms.shape[1]
    total = 0
    for c in range(parent.shape[0]):
        k = parent[c]
        s = last[c]
        order[c] = 0
        for e in range(start[k], start[k + 1]):
            g = group[e]
            commute = True
            for x in range(n):
                if perms[g, perms[s, x]] != perms[s, perms[g, x]]:
                    commute = False
                    break
            if commute:
                order[c] += 1
                if kept.shape[0] > 0:
                    kept[total] = group[e]
                total += 1
    return total


@njit(cache=True, nogil=True)
def classify(tuples, perms, child, mover, levels, out):
    """Fill `out` (m,) with the classes of tuples (m, D, n).

    `child` and `mover` hold all levels of the tree one after the other, `levels` (D,) says where
    each begins.
    """
    n = perms.shape[1]
    ones = _bits()
    g = np.empty(n, np.int64)
    moved = np.empty(n, np.int64)
    for k in range(tuples.shape[0]):
        for x in range(n):
            g[x] = x
        node = 0
        for d in range(tuples.shape[1]):
            for x in range(n):
                moved[g[x]] = g[tuples[k, d, x]]
            place = levels[d] + node * perms.shape[0] + _rank(moved, n, ones)
            node = child[place]
            by = mover[place]
            for x in range(n):
                g[x] = perms[by, g[x]]
        out[k] = node


@njit(cache=True, nogil=True)
def quotient_types(perms, inverses, types, begin, out):
    """Fill ``out[s, t - begin]`` with the cycle type number of ``s t^-1``; `types` is by rank."""
    n = perms.shape[1]
    ones = _bits()
    row = np.empty(n, np.int64)
    for s in range(out.shape[0]):
        for t in range(out.shape[1]):
            for x in range(n):
                row[x] = perms[s, inverses[begin + t, x]]
            out[s, t] = types[_rank(row, n, ones)]


@njit(cache=True, nogil=True)
def _less(blocks, a, b, colours, size):
    """Whether block a (colours, size) comes before block b in lexicographic order."""
    for c in range(colours):
        for x in range(size):
            if blocks[a, c, x] != blocks[b, c, x]:
                return blocks[a, c, x] < blocks[b, c, x]
    return False


@njit(cache=True, nogil=True)
def canonical_forms(tuples, parts):
    """Replace tuples (m, D, n) by their canonical forms, and fill `parts` (m,): their components.

    Each component is relabelled by breadth-first walks from all its elements, and the least result
    is kept; components follow each other by size, then by images.
    """
    m, colours, n = tuples.shape
    label = np.empty(n, np.int64)
    walk = np.empty(n, np.int64)
    owner = np.empty(n, np.int64)
    blocks = np.empty((n + 1, colours, n), np.uint8)
    trial = n  # the last block holds what is tried
    sizes = np.empty(n, np.int64)
    order = np.empty(n, np.int64)
    for k in range(m):
        count = 0
        for x in range(n):
            owner[x] = -1
        for root in range(n):
            fresh = owner[root] < 0
            block = count if fresh else owner[root]
            for x in range(n):
                label[x] = -1
            label[root] = 0
            walk[0] = root
            size = 1
            at = 0
            while at < size:
                x = walk[at]
                for c in range(colours):
                    y = tuples[k, c, x]
                    if label[y] < 0:
                        label[y] = size
                        walk[size] = y
                        size += 1
                at += 1
            for c in range(colours):
                for x in range(size):
                    blocks[trial, c, x] = label[tuples[k, c, walk[x]]]
            if fresh:
                for x in range(size):
                    owner[walk[x]] = block
                sizes[block] = size
                count += 1
            if fresh or _less(blocks, trial, block, colours, size):
                for c in range(colours):
                    for x in range(size):
                        blocks[block, c, x] = blocks[trial, c, x]
        parts[k] = count
        for b in range(count):  # insertion sort by size, then by images
            at = b
            while at > 0:
                before = order[at - 1]
                if sizes[before] < sizes[b] or (
                    sizes[before] == sizes[b] and not _less(blocks, b, before, colours, sizes[b])
                ):
                    break
                order[at] = before
                at -= 1
            order[at] = b
        base = 0
        for b in range(count):
            block = order[b]
            for c in range(colours):
                for x in range(sizes[block]):
                    tuples[k, c, base + x] = base + blocks[block, c, x]
            base += sizes[block]
