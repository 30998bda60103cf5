"""Effective Hamiltonians of two neighbouring sites, from the automaton inside an operator.

The channels of an operator (`rankloom.tn.channels`) are known before any contraction. Where one
side is the identity or acts on the nearest site only, no environment matrix is needed.
So the effective Hamiltonian of two sites is ``H_L x 1 + 1 x H_R + h + sum_b A_b x B_b`` with a
small matrix h on the two physical legs. Couplings b remain only for terms that reach over more than
two sites. With the environment contracted into the operator of its site beforehand, H_L, H_R and
the stacks of A and B are matrices, and one application to a state of ``(D d, d D)`` entries is two
matrix products, and two more when there are couplings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankloom.tn.arrays import Array, adjoint, like, namespace
from rankloom.tn.channels import Channels, Host, classify


class Operator:
    """Site tensors of a Hermitian operator, sorted for contraction with a canonical state.

    Parameters
    ----------
    tensors : sequence of (w[k], d[k], d[k], w[k+1]) array
        On the host.
    reference : array
        Tells the array library and device to work in.
    dtype
        Data type to work in.
    """

    def __init__(self, tensors: Sequence[Host], reference: Array, dtype: Any) -> None:
        self.tensors, self.reference, self.dtype = tensors, reference, dtype
        mirrored = [w.transpose(3, 1, 2, 0) for w in reversed(tensors)]
        self.left = classify(tensors)
        self.right = classify(mirrored)[::-1]
        n = len(tensors)
        sides = [_Side(self, tensors[k], self.left[k], self.left[k + 1], True) for k in range(n)]
        self._left = sides
        self._right = [
            _Side(self, mirrored[n - 1 - k], self.right[k + 1], self.right[k], False)
            for k in range(n)
        ]
        self._cuts = [_Cut(self, k) for k in range(1, n)]

    def own(self, values: Host) -> Array:
        """`values` in the library and type of the state."""
        return like(self.reference, np.ascontiguousarray(values), self.dtype)

    def edge(self) -> Array:
        """Environment beyond either end of the chain, shape (1, 1, 1)."""
        return self.own(np.ones((1, 1, 1)))

    def grow_left(self, k: int, env: Array) -> Array:
        """Environment left of site k times the operator there, ``(full, D d, D d)``: (bra, ket)."""
        return self._left[k].grow(env)

    def grow_right(self, k: int, env: Array) -> Array:
        """Environment right of site k times the operator there, as (ket, bra)."""
        return self._right[k].grow(env)

    def close_left(self, k: int, grown: Array, site: Array) -> Array:
        """Environment left of cut k+1, with left-orthonormal `site` taken in."""
        xp = namespace(site)
        return self._left[k].close(grown, xp.reshape(site, (-1, site.shape[2])), site)

    def close_right(self, k: int, grown: Array, site: Array) -> Array:
        """Environment right of cut k (ket, bra), with right-orthonormal `site` taken in."""
        xp = namespace(site)
        flat = adjoint(xp.reshape(site, (site.shape[0], -1)))
        return self._right[k].close(grown, flat, xp.conj(xp.permute_dims(site, (2, 1, 0))))

    def images_left(self, k: int, grown: Array, theta: Array) -> Array:
        """The channels' operators on the sites up to k, applied to theta; (channels, m, n)."""
        return self._left[k].images(grown, theta)

    def images_right(self, k: int, grown: Array, theta: Array) -> Array:
        """The channels' operators on the sites from k on, applied to theta; (channels, m, n)."""
        return self._right[k].images(grown, theta)

    @property
    def nearest(self) -> bool:
        """Whether no term reaches over more than two neighbouring sites."""
        return not any(cut.pairs for cut in self._cuts)

    def coupling(self, k: int, a: Array, b: Array) -> Array | None:
        """The part of H on sites k, k+1 alone, applied to their ``(Dl d1, d2 Dr)`` product."""
        xp, local = namespace(a), self._cuts[k].local
        if local is None:
            return None
        (dl, d1, dm), (_, d2, dr) = a.shape, b.shape
        theta = xp.reshape(a, (dl * d1, dm)) @ xp.reshape(b, (dm, d2 * dr))
        return xp.reshape(local @ xp.reshape(theta, (dl, d1 * d2, dr)), (dl * d1, d2 * dr))

    def two_site(self, k: int, left: Array, right: Array, shape: tuple[int, ...]) -> "TwoSite":
        """Effective Hamiltonian of sites k, k+1 from the grown environments."""
        return self._cuts[k].assemble(left, right, shape)


class _Side:
    """What one site does to the environment on one side of it."""

    def __init__(
        self, parent: Operator, w: Host, before: Channels, after: Channels, left: bool
    ) -> None:
        self.left, self.d, self.full = left, w.shape[1], after.full
        full, rest = after.order[: after.full], after.order[after.full :]
        picked = w[np.ix_(before.order, range(self.d), range(self.d), full)]
        self.matrix = parent.own(picked.transpose(3, 1, 2, 0).reshape(-1, len(before.order)))
        sites = [after.ops[b] for b in rest if b in after.ops]
        self.ops = parent.own(np.stack(sites)[:, None]) if sites else None
        self.ones = parent.own(np.array([after.ones[b] for b in rest if b in after.ones]))

    def grow(self, env: Array) -> Array:
        xp = namespace(env)
        bond = env.shape[1]
        grown = self.matrix @ xp.reshape(env, (env.shape[0], -1))
        grown = xp.reshape(grown, (self.full, self.d, self.d, bond, bond))
        # left: (b, bra, out, ket, in); right: (b, in, ket, out, bra)
        order = (0, 3, 1, 4, 2) if self.left else (0, 2, 3, 1, 4)
        return xp.reshape(xp.permute_dims(grown, order), (self.full, self.d * bond, self.d * bond))

    def close(self, grown: Array, flat: Array, site: Array) -> Array:
        """``flat^H grown flat``; the right side gives ``B^H``, so that (ket, bra) comes out."""
        xp = namespace(flat)
        bra, bond = adjoint(flat), flat.shape[1]
        parts = []
        if self.full:
            parts.append(bra @ (grown @ flat))
        if self.ops is not None:
            parts.append(self._measure(self.ops, bra, site, bond))
        if self.ones.shape[0]:
            eye = like(flat, np.eye(bond), flat.dtype)
            parts.append(self.ones[:, None, None] * eye)
        return parts[0] if len(parts) == 1 else xp.concat(parts)

    def images(self, grown: Array, theta: Array) -> Array:
        xp = namespace(theta)
        (m, n), parts = theta.shape, []
        if self.full:
            parts.append(grown @ theta if self.left else theta @ grown)
        if self.ops is not None:
            shape = (m // self.d, self.d, n) if self.left else (m, self.d, n // self.d)
            parts.append(xp.reshape(self.ops @ xp.reshape(theta, shape), (-1, m, n)))
        return xp.concat(parts) if parts else xp.zeros_like(theta[None, :, :])

    def _measure(self, ops: Array, bra: Array, site: Array, bond: int) -> Array:
        xp = namespace(site)
        if self.left:
            moved = xp.reshape(ops @ site, (-1, bra.shape[1], bond))
            return bra @ moved
        # conj(B) as (r, out, bra): sum_out O[out, in] conj(B)[out] is what the ket leg `in` meets
        moved = xp.permute_dims(ops.mT @ site, (0, 2, 1, 3))
        return bra @ xp.reshape(moved, (-1, bra.shape[1], bond))


class _Cut:
    """How the channels of one cut join the two sites beside it."""

    def __init__(self, parent: Operator, k: int) -> None:
        left, right = parent.left[k], parent.right[k]
        dl, dr = parent.tensors[k - 1].shape[1], parent.tensors[k].shape[1]
        self.hl: list[tuple[int, complex]] = []
        self.hr: list[tuple[int, complex]] = []
        self.pairs: list[tuple[int | Array, int | Array]] = []
        local = np.zeros((dl * dr, dl * dr), np.result_type(*(w.dtype for w in parent.tensors)))
        for b in set(left.order) & set(right.order):
            i, j = left.order.index(b), right.order.index(b)
            if i >= left.full and j >= right.full:
                local = local + np.kron(left.matrix(b, dl), right.matrix(b, dr))
            elif b in right.ones:
                self.hl.append((i, right.ones[b]))
            elif b in left.ones:
                self.hr.append((j, left.ones[b]))
            else:
                self.pairs.append(
                    (
                        i if i < left.full else parent.own(left.ops[b]),
                        j if j < right.full else parent.own(right.ops[b].T),
                    )
                )
        self.local = parent.own(local) if local.any() else None

    def assemble(self, left: Array, right: Array, shape: tuple[int, ...]) -> "TwoSite":
        a = b = None
        if self.pairs:
            xp = namespace(left)
            m, n = shape[0] * shape[1], shape[2] * shape[3]
            stack = [
                left[i, ...] if isinstance(i, int) else _spread(i, shape[0], True)
                for i, _ in self.pairs
            ]
            a = xp.reshape(xp.stack(stack, axis=1), (-1, m))
            stack = [
                right[j, ...] if isinstance(j, int) else _spread(j, shape[3], False)
                for _, j in self.pairs
            ]
            b = xp.reshape(xp.stack(stack), (-1, n))
        return TwoSite(shape, _combine(left, self.hl), _combine(right, self.hr), self.local, a, b)


@dataclass(frozen=True, eq=False)
class TwoSite:
    """Effective Hamiltonian on ``(Dl, d1, d2, Dr)`` states, held as ``(Dl d1, d2 Dr)`` matrices."""

    shape: tuple[int, ...]
    left: Array | None
    right: Array | None
    local: Array | None
    a: Array | None
    b: Array | None

    def __call__(self, theta: Array) -> Array:
        """H theta, both ``(Dl d1, d2 Dr)``."""
        xp = namespace(theta)
        m, n = theta.shape
        out = None
        if self.left is not None:
            out = self.left @ theta
        if self.right is not None:
            out = _plus(out, theta @ self.right)
        if self.local is not None:
            dl, d1, d2, dr = self.shape
            local = self.local @ xp.reshape(theta, (dl, d1 * d2, dr))
            out = _plus(out, xp.reshape(local, (m, n)))
        if self.a is not None:
            out = _plus(out, xp.reshape(self.a @ theta, (m, -1)) @ self.b)
        return xp.zeros_like(theta) if out is None else out


def _plus(total: Array | None, term: Array) -> Array:
    if total is None:
        return term
    total += term  # `total` is fresh: the product of matrices just made
    return total


def _combine(stack: Array, terms: list[tuple[int, complex]]) -> Array | None:
    total = None
    for i, factor in terms:
        term = stack[i, ...] if factor == 1.0 else factor * stack[i, ...]
        total = term if total is None else total + term
    return total


def _spread(op: Array, bond: int, left: bool) -> Array:
    """``1 x op`` or ``op x 1`` with the identity on a bond."""
    xp = namespace(op)
    eye, d = like(op, np.eye(bond), op.dtype), op.shape[0]
    if left:
        product = eye[:, None, :, None] * op[None, :, None, :]
    else:
        product = op[:, None, :, None] * eye[None, :, None, :]
    return xp.reshape(product, (d * bond, d * bond))
