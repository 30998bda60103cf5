"""Pivots of a tensor cross, and the sweeps that improve them.

Bond k lies between sites k-1 and k, 0 < k < n. Its pivots are `rank` heads (indices of the sites
before it) and as many tails (of the sites from k on). A sweep visits the bonds in order. At each it
evaluates the tensor between the heads of bond k-1, each with every index of site k-1, and tails
from the other side, and takes the pivots of a fully pivoted LU factorisation as the new pivots of
bond k [1]_. With C the chosen columns and P the block of pivots the site tensor is ``C P^-1``,
which comes from the triangular factor without inverting P [1]_, section "rrLU".

References
----------
.. [1] Y. Nunez Fernandez et al., arXiv:2407.02454, sections 3 and 4.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.cross_function import Function, Indices

Values = NDArray[Any]

_LOYALTY = 4.0  # pivots of the last sweep count for so much more: their values are known
_DOMINANT = 3.0  # a column that enlarges the volume of the pivots so many times is worth its values


class Pivots:
    """Heads and tails of every bond, changed in place by `sweep`.

    Parameters
    ----------
    function : Function
    start : (m, n) array of int
        Points through which the first pivots go.
    rook : bool
        Look along the rows of the pivots found for better columns, once.
    max_bond : int, optional
    rng : Generator
    """

    def __init__(
        self,
        function: Function,
        start: Indices,
        rook: bool,
        max_bond: int | None,
        rng: np.random.Generator,
    ) -> None:
        self._function, self._rook, self._max_bond, self._rng = function, rook, max_bond, rng
        self._share = 16 if rook else 4  # random columns grow with the rank
        self.shape = function.grid.shape
        n, nothing = len(self.shape), np.empty((1, 0), dtype=np.intp)
        self.heads = [nothing, *(_different(start[:, :k]) for k in range(1, n))]
        self.tails = [start, *(_different(start[:, k:]) for k in range(1, n)), nothing]

    @property
    def ranks(self) -> tuple[int, ...]:
        """Number of pivots of each bond."""
        return tuple(len(h) for h in self.heads[1:])

    def sweep(self, rightward: bool, threshold: float, random: int, worst: Indices) -> list[Values]:
        """New pivots for all bonds in turn, and the tensor train that they span.

        Parameters
        ----------
        rightward : bool
            From the first bond to the last, or back.
        threshold : float
            Pivots below this share of the largest value seen are not taken.
        random : int
            Random neighbours of the pivots to look at for each bond, at least.
        worst : (w, n) array of int
            Points to look at, on top.
        """
        n, shape, block = len(self.shape), self.shape, self._function.block
        tensors: list[Values] = [np.empty(0)] * n
        for k in range(1, n) if rightward else range(n - 1, 0, -1):
            left = _append(self.heads[k - 1], shape[k - 1])
            right = _prepend(shape[k], self.tails[k + 1])
            if rightward:
                extra = self._columns(right, self.tails[k], worst[:, k:], random)
                self.heads[k], self.tails[k], matrix = self._cross(
                    block, left, extra, right, self.heads[k], threshold
                )
                tensors[k - 1] = matrix.reshape(-1, shape[k - 1], matrix.shape[1])
            else:
                extra = self._columns(left, self.heads[k], worst[:, :k], random)
                self.tails[k], self.heads[k], matrix = self._cross(
                    lambda tails, heads: block(heads, tails).T,
                    right,
                    extra,
                    left,
                    self.tails[k],
                    threshold,
                )
                tensors[k] = matrix.T.reshape(matrix.shape[1], shape[k], -1)
        k = n - 1 if rightward else 0
        last = block(_append(self.heads[k], shape[k]), self.tails[k + 1])
        tensors[k] = last.reshape(-1, shape[k], last.shape[1])
        return tensors

    def neighbours(self, count: int) -> Indices:
        """Random entries (count, n) of the blocks of all bonds: any head, two indices, any tail."""
        n, parts = len(self.shape), []
        shares = self._rng.multinomial(count, np.full(n - 1, 1 / (n - 1)))
        for k, some in enumerate(shares, start=1):
            heads, tails, out = self.heads[k - 1], self.tails[k + 1], np.empty((some, n), np.intp)
            sizes = np.array([len(heads), *self.shape[k - 1 : k + 1], len(tails)])
            chosen = self._rng.integers(0, sizes[:, None], (4, some))
            out[:, : k - 1], out[:, k + 1 :] = heads[chosen[0]], tails[chosen[3]]
            out[:, k - 1], out[:, k] = chosen[1], chosen[2]
            parts.append(out)
        return np.concatenate(parts)

    def _columns(self, candidates: Indices, known: Indices, worst: Indices, random: int) -> Indices:
        """Columns to look at: all candidates when they are few."""
        random += len(known) // self._share
        if len(known) + random >= len(candidates):
            return np.concatenate([candidates, worst])
        chosen = self._rng.choice(len(candidates), random, replace=False)
        return np.concatenate([known, candidates[chosen], worst])

    def _cross(
        self,
        block: Callable[[Indices, Indices], Values],
        rows: Indices,
        columns: Indices,
        candidates: Indices,
        old: Indices,
        threshold: float,
    ) -> tuple[Indices, Indices, Values]:
        """Chosen rows and columns, and ``C P^-1`` of shape (all rows, rank)."""
        a = block(rows, columns)
        if not self._rook or not a.any():
            i, j, matrix = self._factor(a, threshold)
            return rows[i], columns[j], matrix
        known = {row.tobytes() for row in old}
        weights = np.where([row.tobytes() in known for row in rows], _LOYALTY, 1.0)
        weights = weights.astype(a.real.dtype)
        i, j, matrix = self._factor(a, threshold, weights)
        if len(columns) < len(candidates):
            # These values are the next bond's own, so that with a memory they cost nothing.
            wide = block(rows[i], candidates)
            better = self._factor(wide, threshold)[1]
            gain = np.abs(np.linalg.solve(a[i][:, j], wide[:, better])).max(axis=0)
            new = candidates[better[gain > _DOMINANT]]
            if len(new):
                columns = np.concatenate([columns, new])
                a = np.concatenate([a, block(rows, new)], axis=1)
                i, j, matrix = self._factor(a, threshold, weights)
        return rows[i], columns[j], matrix

    def _factor(
        self, a: Values, threshold: float, weights: Values | None = None
    ) -> tuple[Indices, Indices, Values]:
        """Rows, columns and ``C P^-1`` of an LU factorisation, of `a` with its rows weighted."""
        from rankloom.tn.cross_kernels import full_pivots  # loads numba

        limit = min(a.shape) if self._max_bond is None else min(*a.shape, self._max_bond)
        scaled = np.divide(a, self._function.scale or 1.0, order="C")
        if weights is not None:
            scaled *= weights[:, None]
        i, j, lower = full_pivots(scaled, threshold, limit)
        matrix = np.linalg.solve(lower[i].T, lower.T).T
        if weights is not None:
            matrix = matrix * (weights[i] / weights[:, None])
        return i, j, matrix


def _different(rows: Indices) -> Indices:
    """The rows, none twice."""
    first = {row.tobytes(): i for i, row in enumerate(rows)}
    return rows[list(first.values())]


def _append(heads: Indices, size: int) -> Indices:
    """Heads (r * size, k + 1): each with every index of the next site, which varies fastest."""
    r, k = heads.shape
    out = np.empty((r, size, k + 1), dtype=np.intp)
    out[:, :, :k] = heads[:, None]
    out[:, :, k] = np.arange(size)
    return out.reshape(r * size, k + 1)


def _prepend(size: int, tails: Indices) -> Indices:
    """Tails (size * r, k + 1): each with every index of the site before, which varies slowest."""
    r, k = tails.shape
    out = np.empty((size, r, k + 1), dtype=np.intp)
    out[:, :, 0] = np.arange(size)[:, None]
    out[:, :, 1:] = tails
    return out.reshape(size * r, k + 1)
