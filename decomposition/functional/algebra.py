"""How the mode functions are multiplied: entrywise (CP) or by a core (Tucker).

With ``u_k`` the values of mode k, ``f = w' (u_0 (x) u_1 (x) ..)`` for Tucker, w the core in C
order (last mode fastest); ``f = w' (u_0 * u_1 * ..)`` for CP, w ones or weights of components.
Second moments ``B = E[u u']`` are packed to the p = R (R + 1) / 2 entries with r <= c. `z` and
`zeta` are the products of the other modes' packed moments and means, summed over observations.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.functional.processes import Floats

_Ints = NDArray[np.intp]


@cache
def pairs(rank: int) -> tuple[_Ints, _Ints, Floats, _Ints]:
    """Rows and columns of packed entries, the folding matrix (R^2, p), and packed places (R, R).

    ``vec(M) @ fold`` adds both places of an off-diagonal entry, so that ``vec(M)' vec(B)`` is
    ``(vec(M) @ fold)' packed(B)`` for symmetric B.
    """
    rows, columns = np.triu_indices(rank)
    places = np.empty((rank, rank), np.intp)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    fold = np.zeros((rank * rank, len(rows)))
    fold[np.arange(rank * rank), places.ravel()] = 1.0
    return rows, columns, fold, places


def pack(matrices: Floats) -> Floats:
    """Packed entries (n, p) of symmetric matrices (n, R, R)."""
    rows, columns, _, _ = pairs(matrices.shape[1])
    return np.ascontiguousarray(matrices[:, rows, columns])


def unpack(packed: Floats, rank: int) -> Floats:
    """Symmetric matrices (n, R, R) from packed entries (n, p)."""
    return np.ascontiguousarray(packed[:, pairs(rank)[3]])


class Algebra(Protocol):
    """What the inference asks of a model; `second` is ``E[w w']``."""

    ranks: tuple[int, ...]
    shape: tuple[int, ...]
    kron: bool

    def message(
        self, k: int, core: Floats, second: Floats, z: Floats, zeta: Floats
    ) -> tuple[Floats, Floats]:
        """``sum E[a a']`` (J, R, R) and ``sum y E[a]`` (J, R) of mode k, where ``f = a' u_k``."""

    def join(self, own: Floats, others: Floats) -> Floats:
        """Products with mode k's own packed moments or means, added over nodes."""

    def unfold(self, k: int, total: Floats) -> Floats:
        """What `join` of packed moments added up, as a matrix (D, D)."""

    def unfold_linear(self, k: int, linear: Floats) -> Floats:
        """What `join` of means added up, as a vector (D,)."""

    def moments(
        self, core: Floats, second: Floats, means: Sequence[Floats], packed: Sequence[Floats]
    ) -> tuple[Floats, Floats]:
        """``E f`` and ``E f^2`` at n points, from means (n, R_k) and packed moments (n, p_k)."""


class Entrywise:
    """Products of CP: R functions in each of `modes` modes."""

    kron = False

    def __init__(self, rank: int, modes: int) -> None:
        self.ranks: tuple[int, ...] = (rank,) * modes
        self.shape: tuple[int, ...] = (rank,)

    def message(
        self, k: int, core: Floats, second: Floats, z: Floats, zeta: Floats
    ) -> tuple[Floats, Floats]:
        """See `Algebra`."""
        return unpack(z * pack(second[None]), self.ranks[k]), zeta * core

    def join(self, own: Floats, others: Floats) -> Floats:
        """See `Algebra`."""
        return np.asarray(np.einsum("jp,jp->p", own, others))

    def unfold(self, k: int, total: Floats) -> Floats:
        """See `Algebra`."""
        return np.asarray(unpack(total[None], self.ranks[k])[0])

    def unfold_linear(self, k: int, linear: Floats) -> Floats:  # noqa: ARG002 - all modes alike
        """See `Algebra`."""
        return linear

    def moments(
        self, core: Floats, second: Floats, means: Sequence[Floats], packed: Sequence[Floats]
    ) -> tuple[Floats, Floats]:
        """See `Algebra`."""
        form = second.reshape(-1) @ pairs(self.ranks[0])[2]
        return _product(means) @ core, _product(packed) @ form


class Kronecker:
    """Products of a Tucker model with R_k functions in mode k.

    The matrix of a message has ``p_k prod_l p_l`` entries, and so has ``E[f^2]`` as a form.
    """

    kron = True

    def __init__(self, ranks: tuple[int, ...]) -> None:
        self.ranks = self.shape = ranks

    def message(
        self, k: int, core: Floats, second: Floats, z: Floats, zeta: Floats
    ) -> tuple[Floats, Floats]:
        """See `Algebra`."""
        unfolded = np.moveaxis(core.reshape(self.ranks), k, 0).reshape(self.ranks[k], -1)
        form = np.moveaxis(self._folded(second, k), k, 0)
        return unpack(z @ form.reshape(len(form), -1).T, self.ranks[k]), zeta @ unfolded.T

    def join(self, own: Floats, others: Floats) -> Floats:
        """See `Algebra`."""
        return own.T @ others

    def unfold(self, k: int, total: Floats) -> Floats:
        """See `Algebra`."""
        n, widths = len(self.ranks), [_packed(r) for r in self.ranks]
        x = np.moveaxis(total.reshape([widths[k], *widths[:k], *widths[k + 1 :]]), 0, k)
        for m, r in enumerate(self.ranks):
            x = np.take(x, pairs(r)[3].ravel(), axis=m)
        x = x.reshape([r for r in self.ranks for _ in range(2)])
        order = [2 * m for m in range(n)] + [2 * m + 1 for m in range(n)]
        size = int(np.prod(self.ranks))
        return np.ascontiguousarray(x.transpose(order)).reshape(size, size)

    def unfold_linear(self, k: int, linear: Floats) -> Floats:
        """See `Algebra`."""
        shape = [self.ranks[k], *self.ranks[:k], *self.ranks[k + 1 :]]
        return np.moveaxis(linear.reshape(shape), 0, k).ravel()

    def moments(
        self, core: Floats, second: Floats, means: Sequence[Floats], packed: Sequence[Floats]
    ) -> tuple[Floats, Floats]:
        """See `Algebra`."""
        return _form(core.reshape(self.ranks), means), _form(self._folded(second), packed)

    def _folded(self, second: Floats, kept: int | None = None) -> Floats:
        """``E[w w']`` with the two indices of every mode folded; of mode `kept`, r <= c taken."""
        n = len(self.ranks)
        x = second.reshape(self.ranks * 2).transpose([a for k in range(n) for a in (k, n + k)])
        x = x.reshape([r * r for r in self.ranks])
        for k, r in enumerate(self.ranks):
            rows, columns, fold, _ = pairs(r)
            if k == kept:
                x = np.take(x, rows * r + columns, axis=k)
            else:
                x = np.moveaxis(np.tensordot(x, fold, (k, 0)), -1, k)
        return x


def widths(algebra: Algebra, packed: bool) -> list[int]:
    """Numbers of entries of a row of means, or of packed moments, for every mode."""
    return [_packed(r) if packed else r for r in algebra.ranks]


def gather_plain(
    tables: Sequence[Floats], indices: NDArray[Any], weights: Floats, kron: bool
) -> Floats:
    """Weighted products of the rows ``tables[m][indices[:, m]]``: the oracle of the kernels."""
    out = weights[:, None]
    for table, column in zip(tables, indices.T, strict=True):
        rows = table[column]
        out = _kron(out, rows) if kron else out * rows
    return out


def _packed(rank: int) -> int:
    return rank * (rank + 1) // 2


def _product(tables: Sequence[Floats]) -> Floats:
    out = tables[0]
    for table in tables[1:]:
        out = out * table
    return out


def _kron(a: Floats, b: Floats) -> Floats:
    return np.asarray((a[:, :, None] * b[:, None, :]).reshape(len(a), -1))


def _form(form: Floats, tables: Sequence[Floats]) -> Floats:
    """Multilinear form of n rows, the first mode by one matrix product."""
    out = tables[0] @ form.reshape(form.shape[0], -1)
    for table in tables[1:]:
        out = np.matvec(out.reshape(len(out), table.shape[1], -1).mT, table)
    return out[:, 0] if out.ndim == 2 else out
