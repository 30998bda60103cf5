"""Environments of <psi|H|psi>: what a few sites of a chain feel of the rest.

With site tensors ``A (left, physical, right)`` and operator tensors ``W (left, out, in, right)``::

    left[k]   (bra, w, ket)    sites 0..k-1 contracted
    right[k]  (w, ket, bra)    sites k..n-1 contracted

The effective Hamiltonian ``P^H H P`` of zero, one or two sites, P being the isometry from the sites
inside to the chain [1]_, is a sum over the channels b of H at one cut, ``sum_b L_b x R_b``. Where
one of the two is a multiple of the identity, or acts on a site inside only, no product with it is
needed (`rankloom.tn.channels`): between nearest neighbours two products of matrices remain for two
sites, and a small one on the physical legs.

References
----------
.. [1] U. Schollwoeck, arXiv:1008.3477, section 6.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, like, namespace, to_host
from rankloom.tn.channels import Channels, classify

Host = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Effective:
    """Hamiltonian of the sites inside, acting on ``(m, n)`` matrices: left by right indices.

    ``left x + x right + local x + sum_b small_b x small_right_b + sum_b a_b x b_b``, without the
    terms that are None. `local` (e, e) acts on the physical legs inside, which are followed by
    `tail` numbers; `small` (d c, d) on the leg of the left site.
    """

    left: Array | None
    right: Array | None
    local: Array | None
    tail: int
    small: Array | None
    small_right: Array | None
    a: Array | None
    b: Array | None

    def __call__(self, x: Array) -> Array:
        """``H x`` for an (m, n) matrix; one product for each of the matrices."""
        xp = namespace(x)
        m, n = x.shape
        terms = []
        if self.left is not None:
            terms.append(self.left @ x)
        if self.right is not None:
            terms.append(x @ self.right)
        if self.local is not None:
            legs = xp.reshape(x, (-1, self.local.shape[0], self.tail))
            terms.append(xp.reshape(self.local @ legs, (m, n)))
        if self.small is not None:
            legs = xp.reshape(x, (-1, self.small.shape[1], n))
            terms.append(xp.reshape(self.small @ legs, (m, -1)) @ self.small_right)
        if self.a is not None:
            terms.append(xp.reshape(self.a @ x, (m, -1)) @ self.b)
        if not terms:
            return xp.zeros_like(x)
        total = terms[0]
        for term in terms[1:]:
            total += term  # fresh, like all of them
        return total


def edge(reference: Array) -> Array:
    """Environment of no sites, shape (1, 1, 1), in the library and precision of `reference`."""
    xp = namespace(reference)
    return xp.reshape(xp.ones_like(xp.reshape(reference, (-1,))[:1]), (1, 1, 1))


def left_block(env: Array, w: Array) -> Array:
    """Left environment with an operator tensor: matrix ``(bra out w', ket in)``. O(w^2 d^2 D^2)."""
    xp = namespace(env, w)
    bra, bond, ket = env.shape
    _, out, into, after = w.shape
    flat = xp.reshape(xp.permute_dims(env, (0, 2, 1)), (bra * ket, bond))
    block = xp.reshape(flat @ xp.reshape(w, (bond, -1)), (bra, ket, out, into, after))
    return xp.reshape(xp.permute_dims(block, (0, 2, 4, 1, 3)), (bra * out * after, ket * into))


def right_block(w: Array, env: Array) -> Array:
    """Right environment with an operator tensor: matrix ``(w in ket, out bra)``. O(w^2 d^2 D^2)."""
    xp = namespace(env, w)
    before, out, into, bond = w.shape
    _, ket, bra = env.shape
    block = xp.reshape(w, (-1, bond)) @ xp.reshape(env, (bond, ket * bra))
    block = xp.permute_dims(xp.reshape(block, (before, out, into, ket, bra)), (0, 2, 3, 1, 4))
    return xp.reshape(block, (before * into * ket, out * bra))


def extend_left(block: Array, site: Array) -> Array:
    """Left environment with one more site, from its `left_block`. O(w d^2 D^3)."""
    xp = namespace(site)
    dl, d, dr = site.shape
    flat = xp.reshape(site, (dl * d, dr))
    half = xp.reshape(block @ flat, (dl * d, -1))
    return xp.reshape(xp.conj(flat).mT @ half, (dr, -1, dr))


def extend_right(block: Array, site: Array) -> Array:
    """Right environment with one more site, from its `right_block`. O(w d^2 D^3)."""
    xp = namespace(site)
    dl, d, dr = site.shape
    flat = xp.reshape(site, (dl, d * dr))
    half = block @ xp.conj(flat).mT  # (w in ket, bra)
    half = xp.reshape(half, (-1, d * dr, dl))
    return flat @ half  # one product for each w


@dataclass(frozen=True, eq=False, slots=True)
class _Plan:
    """Site tensors that make the matrices of an `Effective` from the environments at its ends."""

    left: Array | None
    right: Array | None
    local: Array | None
    small: Array | None
    small_right: Array | None
    a: Array | None
    b: Array | None


class Hamiltonian:
    """Site tensors of a Hermitian operator and what is known of its channels, made once.

    Parameters
    ----------
    tensors : sequence of (w[k], d[k], d[k], w[k+1]) array
    reference : array
        Tells the library, device and data type to work in.
    """

    def __init__(self, tensors: Sequence[Array], reference: Array) -> None:
        self.reference = reference
        self.tensors = [like(reference, w, reference.dtype) for w in tensors]
        self._hosts = [to_host(w) for w in tensors]
        self._from_left = classify(self._hosts)
        mirrored = [w.transpose(3, 1, 2, 0) for w in reversed(self._hosts)]
        self._from_right = classify(mirrored)[::-1]
        self._plans: dict[tuple[int, bool, bool], _Plan] = {}

    def plan(self, cut: int, left_inside: bool, right_inside: bool) -> _Plan:
        """How to apply H about a cut, with the sites on neither, one or both sides of it inside."""
        key = cut, left_inside, right_inside
        if key not in self._plans:
            self._plans[key] = self._make(*key)
        return self._plans[key]

    def _make(self, cut: int, left_inside: bool, right_inside: bool) -> _Plan:
        left, right = self._from_left[cut], self._from_right[cut]
        count = self._hosts[cut - 1].shape[3]
        through = np.eye(count)[:, None, None, :]
        wl = self._hosts[cut - 1] if left_inside else through
        wr = self._hosts[cut] if right_inside else through
        dl, dr = wl.shape[1], wr.shape[1]
        local = np.zeros((dl * dr, dl * dr), np.result_type(wl, wr))
        on_left, on_right = np.zeros(count, wr.dtype), np.zeros(count, wl.dtype)
        small, both = [], []
        for b in sorted(set(left.order) & set(right.order)):
            kinds = _kind(left, b, left_inside), _kind(right, b, right_inside)
            if "full" not in kinds:
                local = local + np.kron(left.matrix(b, dl), right.matrix(b, dr))
            elif kinds[1] == "one":
                on_left = on_left + right.ones[b] * np.eye(count)[b]
            elif kinds[0] == "one":
                on_right = on_right + left.ones[b] * np.eye(count)[b]
            elif kinds[0] == "site":
                small.append(b)
            else:
                both.append(b)
        ops = np.stack([left.ops[b] for b in small], axis=1) if small else None  # (out, b, in)
        return _Plan(
            left=self._own(wl @ on_left[:, None]) if on_left.any() else None,
            right=self._own(np.tensordot(on_right[None], wr, 1)) if on_right.any() else None,
            local=self._own(local) if local.any() else None,
            small=None if ops is None else self._own(ops.reshape(-1, dl)),
            small_right=self._own(wr[small]) if small else None,
            a=self._own(wl[..., both]) if both else None,
            b=self._own(wr[both]) if both else None,
        )

    def _own(self, values: Host) -> Array:
        return like(self.reference, np.ascontiguousarray(values), self.reference.dtype)


def _kind(channels: Channels, b: int, inside: bool) -> str:
    """What channel b carries on one side; the nearest site matters only when it is inside."""
    if b in channels.ones:
        return "one"
    return "site" if inside and b in channels.ops else "full"


class Environments:
    """The environments along a chain, kept up to date as the orthogonality centre moves.

    Parameters
    ----------
    tensors : sequence of (D[k], d[k], D[k+1]) array
        Canonical about `center`. Environments up to the centre are built from both ends.
    operator : Hamiltonian
        In the library, device and data type of `tensors`.
    center : int

    Attributes
    ----------
    left, right : list of array
        n + 1 entries each; ``left[k]`` is valid for k <= centre, ``right[k]`` for k > centre.

    Notes
    -----
    Memory: n w D^2 numbers, those that the centre has left behind being dropped.
    """

    def __init__(self, tensors: Sequence[Array], operator: Hamiltonian, center: int) -> None:
        n = len(tensors)
        self.operator = operator
        self._end = edge(tensors[0])
        self.left: list[Array] = [self._end] * (n + 1)
        self.right: list[Array] = [self._end] * (n + 1)
        for k in range(center):
            self.pass_right(k, tensors[k])
        for k in range(n - 1, center, -1):
            self.pass_left(k, tensors[k])

    def pass_right(self, k: int, site: Array) -> None:
        """The centre leaves site k, now left-orthonormal, for k + 1."""
        block = left_block(self.left[k], self.operator.tensors[k])
        self.left[k + 1] = extend_left(block, site)
        self.right[k] = self._end

    def pass_left(self, k: int, site: Array) -> None:
        """The centre leaves site k, now right-orthonormal, for k - 1."""
        block = right_block(self.operator.tensors[k], self.right[k + 1])
        self.right[k] = extend_right(block, site)
        self.left[k + 1] = self._end

    def on_bond(self, k: int) -> Effective:
        """Effective Hamiltonian of the matrix between sites k-1 and k, ``(D[k], D[k])``."""
        return self._effective(self.left[k], self.operator.plan(k, False, False), self.right[k])

    def on_site(self, k: int) -> Effective:
        """Effective Hamiltonian of site k as a matrix ``(D[k] d[k], D[k+1])``."""
        plan = self.operator.plan(k + 1, True, False)
        return self._effective(self.left[k], plan, self.right[k + 1])

    def on_pair(self, k: int) -> Effective:
        """Effective Hamiltonian of sites k, k+1 as a matrix ``(D[k] d[k], d[k+1] D[k+2])``."""
        plan = self.operator.plan(k + 1, True, True)
        return self._effective(self.left[k], plan, self.right[k + 2])

    def _effective(self, left: Array, plan: _Plan, right: Array) -> Effective:
        return Effective(
            left=None if plan.left is None else left_block(left, plan.left),
            right=None if plan.right is None else right_block(plan.right, right),
            local=plan.local,
            tail=right.shape[1],
            small=plan.small,
            small_right=None if plan.small is None else right_block(plan.small_right, right),
            a=None if plan.a is None else left_block(left, plan.a),
            b=None if plan.b is None else right_block(plan.b, right),
        )
