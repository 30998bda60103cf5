"""Sums of states, and of operators on states, that are never formed.

A term ``c O |psi>`` has at bond k the index pair (operator bond, state bond); the bonds of several
terms stand one behind the other. What formed site tensors would be block-diagonal Kronecker
products then acts block by block and factor by factor:

========  =====================================================================================
`push`    a matrix ``(a, bond k)`` takes in site k from the left:  ``(a d, bond k+1)``
`pull`    a matrix ``(bond k+1, b)`` takes in site k from the right:  ``(bond k, d b)``
`close`   closes ``(a, d bond k+1)`` with the conjugate of site k:  ``(a, bond k)``
========  =====================================================================================
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from rankloom.tn import contract
from rankloom.tn import mpo_algebra as algebra
from rankloom.tn.arrays import Array, like, namespace, same_dtype


class Term(NamedTuple):
    """``coefficient * operator |state>``, as site tensors; no operator means the identity."""

    state: Sequence[Array]
    operator: Sequence[Array] | None = None
    coefficient: complex = 1.0


class Combination:
    """The sum of `terms`, all in one data type.

    Parameters
    ----------
    terms : sequence of Term
        On the same sites; operators have tensors (left, out, in, right).
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        xp = self.xp = namespace(*terms[0].state)
        one = terms[0].state[0]
        groups: list[Sequence[Array]] = []
        for state, operator, _ in terms:
            groups.append(state)
            if operator is not None:
                groups.append([like(one, w) for w in operator])
        factors = np.array([complex(term.coefficient) for term in terms])
        if any(factors.imag):  # a complex number makes the whole sum complex
            unit = xp.ones_like(one[:1, 0, 0], dtype=xp.result_type(one.dtype, xp.complex64))
            groups.append([unit])
        cast = iter(same_dtype(*groups))
        self.states, self.operators = [], []
        for term in terms:
            self.states.append(next(cast))
            self.operators.append(None if term.operator is None else next(cast))
        self.plain = self.states[0] if len(terms) == 1 and self.operators[0] is None else None
        one = self.states[0][0]
        self.n_sites = len(self.states[0])
        numbers = factors if any(factors.imag) else factors.real
        self.first = like(one, numbers, one.dtype)[None, :]  # (1, bond 0)
        self.last = like(one, np.ones((len(terms), 1)), one.dtype)  # (bond n, 1)
        self._matrices: dict[tuple[int, int, str], Array] = {}

    def width(self) -> int:
        """Size of the widest bond, all terms together."""
        if self.plain is not None:
            return max(int(site.shape[0]) for site in self.plain)
        return max(self._blocks(k)[-1][1] for k in range(self.n_sites))

    def dimension(self, k: int) -> int:
        """Physical dimension of site k."""
        operator = self.operators[0]
        size: int = self.states[0][k].shape[1] if operator is None else operator[k].shape[1]
        return size

    def push(self, k: int, x: Array) -> Array:
        """``(a, bond k) -> (a d, bond k+1)``; the new rows are ordered (a, d)."""
        xp = self.xp
        if self.plain is not None:
            dl, _, dr = self.plain[k].shape
            return xp.reshape(x @ xp.reshape(self.plain[k], (dl, -1)), (-1, dr))
        out = []
        for j, (low, high) in enumerate(self._blocks(k)):
            state, operator, rows = self.states[j][k], self.operators[j], x.shape[0]
            dl, d, dr = state.shape
            part = xp.reshape(x[:, low:high], (-1, dl)) @ xp.reshape(state, (dl, -1))
            if operator is not None:
                v, s, _, after = operator[k].shape
                part = self._matrix(j, k, "push") @ xp.reshape(part, (rows, v * d, dr))
                part = xp.reshape(part, (rows * s, after * dr))
            out.append(xp.reshape(part, (rows * self.dimension(k), -1)))
        return xp.concat(out, axis=1)

    def pull(self, k: int, y: Array) -> Array:
        """``(bond k+1, b) -> (bond k, d b)``; the new columns are ordered (d, b)."""
        xp = self.xp
        if self.plain is not None:
            dl, _, dr = self.plain[k].shape
            return xp.reshape(xp.reshape(self.plain[k], (-1, dr)) @ y, (dl, -1))
        out = []
        for j, (low, high) in enumerate(self._blocks(k + 1)):
            state, operator, columns = self.states[j][k], self.operators[j], y.shape[1]
            dl, d, dr = state.shape
            part = y[low:high, :]
            if operator is not None:
                v, s, _, after = operator[k].shape
                part = xp.reshape(part, (after, dr, columns))
                part = xp.reshape(state, (dl * d, dr)) @ part  # (after, l in, b)
                part = xp.permute_dims(xp.reshape(part, (after, dl, d, columns)), (1, 2, 0, 3))
                part = self._matrix(j, k, "pull") @ xp.reshape(part, (dl, d * after, columns))
                part = xp.permute_dims(xp.reshape(part, (dl, v, -1)), (1, 0, 2))
                out.append(xp.reshape(part, (v * dl, s * columns)))
            else:
                out.append(xp.reshape(xp.reshape(state, (dl * d, dr)) @ part, (dl, d * columns)))
        return xp.concat(out, axis=0)

    def close(self, k: int, z: Array) -> Array:
        """``(a, d bond k+1) -> (a, bond k)``, summed with the conjugate of site k."""
        xp = self.xp
        if self.plain is not None:
            return z @ xp.conj(xp.reshape(self.plain[k], (self.plain[k].shape[0], -1))).mT
        rows, d = z.shape[0], self.dimension(k)
        z = xp.reshape(z, (rows, d, -1))
        out = []
        for j, (low, high) in enumerate(self._blocks(k + 1)):
            state, operator, part = self.states[j][k], self.operators[j], z[:, :, low:high]
            dl, _, dr = state.shape
            if operator is not None:
                v, s, _, after = operator[k].shape
                part = self._matrix(j, k, "close") @ xp.reshape(part, (rows, s * after, dr))
                part = xp.reshape(part, (rows * v, -1))
            part = xp.reshape(part, (-1, state.shape[1] * dr))
            out.append(xp.reshape(part @ xp.conj(xp.reshape(state, (dl, -1))).mT, (rows, -1)))
        return xp.concat(out, axis=1)

    def gram(self, k: int, env: Array) -> Array:
        """Gram matrix of everything right of bond k from that of bond k+1, transposed form.

        With ``env[x, y] = <right part y | right part x>`` the result is ``(bond k, bond k)``.
        """
        xp = self.xp
        if self.plain is not None:
            site = self.plain[k]
            dl, _, dr = site.shape
            half = xp.reshape(xp.reshape(site, (-1, dr)) @ env, (dl, -1))
            return half @ xp.conj(xp.reshape(site, (dl, -1))).mT
        pulled = self.pull(k, env)
        return self.close(k, xp.reshape(pulled, (pulled.shape[0], -1)))

    def square(self) -> float:
        """Squared norm. Memory: two Gram matrices."""
        xp = self.xp
        env = self.last @ self.last.mT
        for k in range(self.n_sites - 1, -1, -1):
            env = self.gram(k, env)
        value = self.first @ env @ xp.conj(self.first).mT
        return max(0.0, complex(value[0, 0]).real)

    def tensors(self) -> list[Array]:
        """The sum as one chain of site tensors: bonds add up and multiply."""
        chains = []
        for j, (state, operator) in enumerate(zip(self.states, self.operators, strict=True)):
            chain = list(state) if operator is None else algebra.on_state(operator, state)
            chain[0] = chain[0] * self.first[0, j]
            chains.append(chain)
        total = chains[0]
        for chain in chains[1:]:
            total = contract.add(total, chain)
        return total

    def _blocks(self, k: int) -> list[tuple[int, int]]:
        """First and last index, exclusive, of every term at bond k."""
        sizes = []
        for state, operator in zip(self.states, self.operators, strict=True):
            size = state[k].shape[0] if k < self.n_sites else 1
            if operator is not None:
                size *= operator[k].shape[0] if k < self.n_sites else 1
            sizes.append(size)
        return list(pairwise(accumulate(sizes, initial=0)))

    def _matrix(self, j: int, k: int, use: str) -> Array:
        """The operator tensor of term j at site k as the matrix that `use` multiplies with."""
        if (j, k, use) not in self._matrices:
            operator = self.operators[j]
            assert operator is not None
            w = operator[k]
            xp = namespace(w)
            v, s, d, after = w.shape
            if use == "push":  # (out after, v in)
                matrix = xp.reshape(xp.permute_dims(w, (1, 3, 0, 2)), (s * after, v * d))
            elif use == "pull":  # (v out, in after)
                matrix = xp.reshape(w, (v * s, d * after))
            else:  # (v in, out after), conjugated
                matrix = xp.reshape(xp.permute_dims(xp.conj(w), (0, 2, 1, 3)), (v * d, s * after))
            self._matrices[j, k, use] = matrix
        return self._matrices[j, k, use]
