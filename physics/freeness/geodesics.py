"""Sums over the permutations below a permutation: the leading order of the Weingarten calculus.

``t <= s`` when ``|t| + |t^-1 s| = |s|``: t is non-crossing on each cycle of s. A linear map that
sums over ``t <= s`` in one colour is kept as a sparse matrix over the group, and applied colour by
colour as in `transform.py`: D factors in place of a matrix of all pairs of classes.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.classes import class_table
from rankloom.physics.freeness.permutations import (
    Permutation,
    all_permutations,
    cycle_type,
    cycles,
    moebius,
    non_crossing_permutations,
    rank,
)

_BATCH = 2**17  # permutations conjugated at once


@dataclass(frozen=True, eq=False)
class SparseSums:
    """Row k is a sum over ``indices[start[k] : start[k + 1]]``, plain or with Moebius weights."""

    start: NDArray[np.int64]
    indices: NDArray[np.int32]
    moebius: NDArray[np.int64]

    def apply(self, x: NDArray[Any], weighted: bool) -> NDArray[Any]:
        """Sums of the last axis of `x`, of any numbers; one entry per row."""
        if x.dtype == object:
            terms = x[..., self.indices]
            if weighted:
                terms = terms * self.moebius.astype(object)
            found: NDArray[Any] = np.add.reduceat(terms, self.start[:-1], axis=-1)
            return found
        from scipy.sparse import csr_array

        data = self.moebius if weighted else np.ones_like(self.moebius)
        matrix = csr_array((data, self.indices, self.start), (len(self.start) - 1, x.shape[-1]))
        flat = x.reshape(-1, x.shape[-1])
        return np.asarray((matrix @ flat.T).T).reshape(*x.shape[:-1], -1)


@cache
def intervals(n: int) -> SparseSums:
    """For each permutation s of n elements (a row, by rank): the t below it, with Moeb(t^-1 s)."""
    perms, table = all_permutations(n), class_table(1, n)
    row, columns, values = [], [], []
    for number in range(len(table)):
        members = np.flatnonzero(table.child == number)
        model = perms[members[0]]
        lower = below(tuple(model.tolist()))
        quotients = np.take_along_axis(
            np.argsort(lower, axis=1), np.broadcast_to(model, lower.shape).astype(np.int64), axis=1
        )
        weights = [moebius(cycle_type(tuple(q))) for q in quotients.tolist()]
        # m s m^-1 is the model for every member s, so the t below s are m^-1 t' m
        for batch in np.array_split(members, 1 + len(members) * len(lower) // _BATCH):
            m = perms[table.mover[batch]][:, None, :]
            moved = np.take_along_axis(lower[None], m.astype(np.int64), axis=2)
            undo = np.argsort(m, axis=2)
            row.append(np.repeat(batch, len(lower)))
            columns.append(
                rank(np.take_along_axis(undo, moved.astype(np.int64), axis=2)).reshape(-1)
            )
            values.append(np.tile(weights, len(batch)))
    rows = np.concatenate(row)
    order = np.argsort(rows, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(perms)))))
    indices = np.concatenate(columns).astype(np.int32)[order]
    return SparseSums(start, indices, np.concatenate(values)[order])


def sum_below(D: int, n: int, x: NDArray[Any], weighted: bool) -> NDArray[Any]:
    """``y_s = sum_{t <= s} x_t``, times ``prod_c Moeb(t_c^-1 s_c)`` if `weighted`, on classes."""
    table, sums = class_table(D, n), intervals(n)
    for colour in range(D):
        y = sums.apply(x[..., table.insertions(colour)], weighted)
        x = y.reshape(*x.shape[:-1], -1)[..., table.places(colour)]
    return x


@cache
def below(s: Permutation) -> NDArray[np.uint8]:
    """All permutations ``t <= s``, as rows of images.

    >>> below((1, 0, 2)).tolist()
    [[1, 0, 2], [0, 1, 2]]
    """
    rows = np.arange(len(s), dtype=np.uint8)[None]
    for orbit in cycles(s):
        local = non_crossing_permutations(len(orbit))
        wider = np.repeat(rows, len(local), axis=0)
        names = np.array(orbit, np.uint8)
        wider[:, names] = np.tile(names[local], (len(rows), 1))
        rows = wider
    return rows


def tuples_below(perms: tuple[Permutation, ...]) -> NDArray[np.uint8]:
    """All D-tuples t with ``t_c <= s_c``, shape (m, D, n)."""
    lists = [below(s) for s in perms]
    grid = np.indices([len(rows) for rows in lists]).reshape(len(lists), -1)
    return np.stack([rows[at] for rows, at in zip(lists, grid, strict=True)], axis=1)


def complements(tuples: NDArray[np.uint8], perms: tuple[Permutation, ...]) -> NDArray[np.uint8]:
    """``t_c^-1 s_c`` for each of the tuples (m, D, n)."""
    undo = np.argsort(tuples, axis=2).astype(np.uint8)
    images = np.broadcast_to(np.array(perms), tuples.shape)
    return np.take_along_axis(undo, images, axis=2)
