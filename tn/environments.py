"""Environments of <psi|H|psi>: what a few sites of a chain feel of the rest.

With site tensors ``A (left, physical, right)`` and operator tensors ``W (left, out, in, right)``::

    left[k]   (bra, w, ket)    sites 0..k-1 contracted
    right[k]  (w, ket, bra)    sites k..n-1 contracted

The legs are ordered so that the effective Hamiltonian of zero, one or two sites has one form: two
matrices, and two matrix products with a reshape between them apply it [1]_. When the sites outside
are orthonormal about those inside, it is ``P^H H P`` for the isometry P from inside to the chain.

References
----------
.. [1] U. Schollwoeck, arXiv:1008.3477, section 6.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rankloom.tn.arrays import Array, like, namespace


@dataclass(frozen=True, eq=False, slots=True)
class Effective:
    """Hamiltonian of the sites inside, acting on ``(m, n)`` matrices: left by right indices."""

    left: Array
    """``(m w, m)`` matrix."""
    right: Array
    """``(w n, n)`` matrix."""

    def __call__(self, x: Array) -> Array:
        """``H x`` for an (m, n) matrix; two products, O(w m n (m + n))."""
        xp = namespace(x)
        return xp.reshape(self.left @ x, (x.shape[0], -1)) @ self.right


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


class Environments:
    """The environments along a chain, kept up to date as the orthogonality centre moves.

    Parameters
    ----------
    tensors : sequence of (D[k], d[k], D[k+1]) array
        Canonical about `center`. Environments up to the centre are built from both ends.
    operator : sequence of (w[k], d[k], d[k], w[k+1]) array
        Brought to the library, device and data type of `tensors`.
    center : int

    Attributes
    ----------
    operator : list of array
    left, right : list of array
        n + 1 entries each; ``left[k]`` is valid for k <= centre, ``right[k]`` for k > centre.

    Notes
    -----
    Memory n w D^2 numbers, and w d^2 D^2 for each block.
    """

    def __init__(self, tensors: Sequence[Array], operator: Sequence[Array], center: int) -> None:
        n = len(tensors)
        self.operator = [like(tensors[0], w, tensors[0].dtype) for w in operator]
        end = edge(tensors[0])
        self.left: list[Array] = [end] * (n + 1)
        self.right: list[Array] = [end] * (n + 1)
        for k in range(center):
            self.pass_right(k, tensors[k])
        for k in range(n - 1, center, -1):
            self.pass_left(k, tensors[k])

    def left_block(self, k: int) -> Array:
        """Matrix ``(bra out w', ket in)`` of the sites up to and with k."""
        return left_block(self.left[k], self.operator[k])

    def right_block(self, k: int) -> Array:
        """Matrix ``(w in ket, out bra)`` of the sites from k on."""
        return right_block(self.operator[k], self.right[k + 1])

    def pass_right(self, k: int, site: Array, block: Array | None = None) -> None:
        """The centre leaves site k, now left-orthonormal, for k + 1."""
        self.left[k + 1] = extend_left(self.left_block(k) if block is None else block, site)

    def pass_left(self, k: int, site: Array, block: Array | None = None) -> None:
        """The centre leaves site k, now right-orthonormal, for k - 1."""
        self.right[k] = extend_right(self.right_block(k) if block is None else block, site)

    def on_bond(self, k: int) -> Effective:
        """Effective Hamiltonian of the matrix between sites k-1 and k, ``(D[k], D[k])``."""
        left, right = self.left[k], self.right[k]
        xp = namespace(left)
        return Effective(
            xp.reshape(left, (-1, left.shape[2])), xp.reshape(right, (-1, right.shape[2]))
        )

    def on_site(self, k: int) -> Effective:
        """Effective Hamiltonian of site k as a matrix ``(D[k] d[k], D[k+1])``."""
        right = self.right[k + 1]
        xp = namespace(right)
        return Effective(self.left_block(k), xp.reshape(right, (-1, right.shape[2])))

    def on_pair(self, k: int) -> Effective:
        """Effective Hamiltonian of sites k, k+1 as a matrix ``(D[k] d[k], d[k+1] D[k+2])``."""
        return Effective(self.left_block(k), self.right_block(k + 1))
