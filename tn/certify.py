r"""Energy and exact variance of a canonical state, in one pass.

``|(H - E) psi|^2`` is a sum of orthogonal pieces, so nothing cancels. H psi leaves the span of the
left bases at one site i and that of the right bases at one site j >= i [1]_ [2]_:

* i = j: the one-site residual ``(1 - A A^H) H_k C_k`` of each centre site k (at the last site the
  whole of ``H_k C_k - E C_k``);
* i < j, neighbours coupled only: ``(1 - A A^H) h theta (1 - B^H B)`` of each bond, with the part h
  of H that acts on both its sites;
* i < j, otherwise: a channel of the operator crosses from i to j. The Gram matrices ``K[a, b]`` of
  the left parts follow from cut to cut, ``K' = transfer(K) + N^H N`` with ``N = (1 - A A^H) (L W)_a
  A``, and meet the same matrices of the right parts. Only channels that are trivial on neither side
  take part, so between nearest neighbours the cost is that of a few matrix products a site.

References
----------
.. [1] C. Hubig, J. Haegeman, U. Schollwoeck, arXiv:1711.01104, section III.
.. [2] J. Haegeman et al., arXiv:1408.5056, eqs. (8)-(14).
"""

from collections.abc import Sequence

import numpy as np

from rankloom.tn.arrays import Array, adjoint, inner, namespace, qr
from rankloom.tn.effective import Operator


def energy_and_variance(
    operator: Operator, tensors: Sequence[Array], right: Sequence[Array]
) -> tuple[float, float]:
    """Expectation value and variance of a state of norm one with its centre at site 0.

    Parameters
    ----------
    operator : Operator
    tensors : sequence of (D[k], d[k], D[k+1]) array
    right : sequence of array
        ``right[k]``: environment right of cut k, valid for k >= 1.

    Notes
    -----
    O(n d^2 D^3) for couplings of neighbours, else O(n d^2 D^3 c^2) with c channels that cross a cut
    between operators other than the identity; ``d^2 c^2 D^2`` numbers of memory.
    """
    n, xp = len(tensors), namespace(*tensors)
    left, center, total, energy = operator.edge(), tensors[0], 0.0, 0.0
    gram: Array | None = None
    nearest = operator.nearest
    for k in range(n):
        dl, d, dr = center.shape
        flat = xp.reshape(center, (dl * d, dr))
        grown = operator.grow_left(k, left)
        image = _one_site(operator, k, grown, right[k + 1], flat)
        if k == 0:
            energy = complex(inner(flat, image)).real
        if k == n - 1:
            return energy, total + float(xp.linalg.vector_norm(image - energy * flat)) ** 2
        q, carry = qr(flat)
        total += float(xp.linalg.vector_norm(image - q @ (adjoint(q) @ image))) ** 2
        site = xp.reshape(q, (dl, d, -1))
        after = tensors[k + 1]
        if nearest:
            total += _neighbours(operator, k, site, center, after)
        else:
            gram = _left_gram(operator, k, grown, site, gram)
        if gram is not None:
            total += _meet(operator, k + 1, adjoint(carry) @ gram @ carry, after, right[k + 2])
        left = operator.close_left(k, grown, site)
        center = xp.reshape(carry @ xp.reshape(after, (carry.shape[1], -1)), (-1, *after.shape[1:]))
    raise AssertionError("a chain has a last site")


def _one_site(operator: Operator, k: int, grown: Array, right: Array, flat: Array) -> Array:
    """The effective Hamiltonian of site k on its ``(D d, D)`` tensor."""
    xp = namespace(flat)
    seen, other = operator.left[k + 1], operator.right[k + 1]
    both = [b for b in seen.order if b in other.order]
    images = operator.images_left(k, grown, flat)
    total = xp.zeros_like(flat)
    for b in both:
        x = seen.ones[b] * flat if b in seen.ones else images[seen.order.index(b), ...]
        if b in other.ones:
            total = total + other.ones[b] * x
        else:
            total = total + x @ right[other.order.index(b), ...]
    return total


def _neighbours(operator: Operator, k: int, a: Array, center: Array, b: Array) -> float:
    """Squared norm of what the coupling of sites k, k+1 leaves outside both their bases."""
    xp = namespace(center)
    theta = operator.coupling(k, center, b)
    if theta is None:
        return 0.0
    a, b = xp.reshape(a, (-1, a.shape[2])), xp.reshape(b, (b.shape[0], -1))
    theta = theta - a @ (adjoint(a) @ theta)
    return float(xp.linalg.vector_norm(theta - (theta @ adjoint(b)) @ b)) ** 2


def _crossing(operator: Operator, k: int) -> list[int]:
    """Channels of cut k that are the identity on neither side."""
    seen, other = operator.left[k], operator.right[k]
    return [
        b for b in seen.order if b in other.order and b not in seen.ones and b not in other.ones
    ]


def _left_gram(
    operator: Operator, k: int, grown: Array, site: Array, gram: Array | None
) -> Array | None:
    """Gram matrices ``(c, c, D, D)`` of the crossing channels of cut k+1; None without channels."""
    channels = _crossing(operator, k + 1)
    if not channels:
        return None
    xp = namespace(site)
    flat = xp.reshape(site, (-1, site.shape[2]))
    images = operator.images_left(k, grown, flat)
    images = xp.stack([images[operator.left[k + 1].order.index(b), ...] for b in channels])
    rest = images - flat @ (adjoint(flat) @ images)
    fresh = adjoint(rest)[:, None, ...] @ rest[None, ...]
    if gram is None:
        return fresh
    before = _crossing(operator, k)
    w = operator.tensors[k][before][..., channels]
    if not w.any():
        return fresh
    c, (dl, d, dr) = len(before), site.shape
    half = gram @ xp.reshape(site, (dl, d * dr))  # (a, a', l, t' r')
    half = xp.reshape(xp.permute_dims(half, (0, 1, 3, 2)), (c * c * d * dr, dl))
    full = xp.reshape(half @ xp.reshape(xp.conj(site), (dl, d * dr)), (c, c, d, dr, d, dr))
    full = xp.reshape(xp.permute_dims(full, (0, 1, 2, 4, 5, 3)), (c * c * d * d, dr * dr))
    pairs = np.einsum("astb,xsuy->byaxut", w.conj(), w)
    moved = operator.own(pairs.reshape(len(channels) ** 2, -1)) @ full
    return fresh + xp.reshape(moved, fresh.shape)


def _meet(operator: Operator, k: int, gram: Array, site: Array, right: Array) -> float:
    """Squared norm of what crosses cut k and leaves the right bases at site k."""
    xp = namespace(site)
    flat = xp.reshape(site, (site.shape[0], -1))
    images = operator.images_right(k, operator.grow_right(k, right), flat)
    order = operator.right[k].order
    images = xp.stack([images[order.index(b), ...] for b in _crossing(operator, k)])
    rest = images - (images @ adjoint(flat)) @ flat
    meet = xp.conj(rest)[:, None, ...] @ rest.mT[None, ...]
    return max(0.0, complex(xp.sum(gram * meet)).real)
