r"""What of H|psi> lies outside the reach of a matrix product state, and room for it.

TDVP follows ``i d|psi>/dt = P H|psi>`` with the projector P on the tangent space of the states of
given bonds; the error that it makes is the integral of ``|(1 - P) H|psi>|`` [1]_. That vector is a
sum of orthogonal pieces, one for each pair of sites i < j at which the state is left *upwards*: it
leaves the space of left bases at i and the space of right bases at j [2]_. Distances 1 and 2 have
been used as an estimate of the variance [2]_; here all distances are summed, at the price of
contractions with two operators, ``O(n w^2 d^2 D^3)`` in time.

``K_k`` below is the Gram matrix of the parts of H|psi> left of cut k that have left the span of the
left bases. It follows from site to site, and never is a difference of large numbers::

    K_(k+1) = transfer(K_k) + N^H N         N = (1 - A A^H) (L_k W_k A_k)

The right bases that carry most of what lies outside are the ones to add to the bonds. This is the
global subspace expansion by H|psi> [3]_, without forming H|psi>.

References
----------
.. [1] J. Haegeman et al., arXiv:1408.5056, eqs. (8)-(14).
.. [2] C. Hubig, J. Haegeman, U. Schollwoeck, arXiv:1711.01104, section III.
.. [3] M. Yang and S. R. White, arXiv:2005.06104, section III.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, eigh, namespace, qr, to_host
from rankloom.tn.environments import edge, extend_right, left_block, right_block
from rankloom.tn.gauge import push_right
from rankloom.tn.truncation import Truncation


def outside(tensors: Sequence[Array], operator: Sequence[Array], sites: int) -> float:
    """``|(1 - P) H|psi>|`` for the tangent space of changes on one site, or on two neighbours.

    Parameters
    ----------
    tensors : sequence of (D[k], d[k], D[k+1]) array
        Canonical about site 0.
    operator : sequence of (w[k], d[k], d[k], w[k+1]) array
        In the library and data type of `tensors`.
    sites : {1, 2}
        For 2 it vanishes when H couples nearest neighbours only.

    Notes
    -----
    O(n w^2 d^2 D^3) time, ``2 sqrt(n) w^2 D^2`` numbers of memory.
    """
    return _sweep(tensors, operator, sites, None, 0.0)[1]


def expand(
    tensors: Sequence[Array], operator: Sequence[Array], rule: Truncation, step: float
) -> tuple[list[Array], float]:
    """The same state with more right bases, those that H|psi> asks for.

    Parameters
    ----------
    tensors, operator
        As in `outside`.
    rule : Truncation
        A bond gets as many new bases as `max_bond` allows, and needs, so that a first-order step
        ``step * H|psi>`` loses no more than the weight `cutoff` (relative) at this cut.
    step : float
        Length of the time step.

    Returns
    -------
    tensors : list of array
        Canonical about site 0; the new directions carry no weight yet.
    outside : float
        ``|(1 - P) H|psi>|`` for the new bonds, changes on one site.
    """
    return _sweep(tensors, operator, 1, rule, step)


def _sweep(
    tensors: Sequence[Array],
    operator: Sequence[Array],
    sites: int,
    rule: Truncation | None,
    step: float,
) -> tuple[list[Array], float]:
    xp = namespace(*tensors)
    out = list(tensors)
    total = 0.0
    right = edge(out[0])
    for k, gram in _backwards(out, operator, sites):
        # `out[:k]` is left-orthonormal by now and `out[k]` the centre.
        dl, d, dr = out[k].shape
        flat = xp.reshape(out[k], (dl, d * dr))
        block = right_block(operator[k], right)
        seen = flat @ xp.reshape(block, (-1, d * dr, d * dr))  # (w, ket, out bra)
        seen = xp.reshape(seen, (-1, d * dr))
        q, carry = qr(flat.mT)  # x = (q r)^T: the rows of q^T are the right bases
        rest = seen - (seen @ xp.conj(q)) @ q.mT
        room = 0
        if rule is not None:
            most = min(math.prod(out[k - 1].shape[:2]), d * dr, rule.max_bond or d * dr)
            room = most - q.shape[1]
        if rule is not None and room > 0:
            weights, vectors = eigh(xp.conj(rest).mT @ (gram @ rest))
            more = min(room, _needed(to_host(weights), rule.cutoff, step))
            if more:
                # QR once more: eigenvectors are orthogonal to the old bases up to rounding only.
                q, _ = qr(xp.concat([q, xp.conj(vectors[:, -more:])], axis=1))
                carry = xp.conj(q).mT @ flat.mT
                rest = rest - (rest @ xp.conj(q)) @ q.mT
        total += max(0.0, float(xp.real(xp.sum(xp.conj(rest) * (gram @ rest)))))
        out[k] = xp.reshape(q.mT, (-1, d, dr))
        right = extend_right(block, out[k])
        moved = xp.reshape(out[k - 1], (-1, dl)) @ carry.mT
        out[k - 1] = xp.reshape(moved, (*out[k - 1].shape[:2], -1))
    return out, math.sqrt(total)


def _backwards(
    out: list[Array], operator: Sequence[Array], sites: int
) -> Iterator[tuple[int, Array]]:
    """Gram matrices ``(w ket, w ket)`` of the cuts n-1 .. 1; makes `out` left-orthonormal first.

    For `sites` = 2 without what left the space on the last site. Every sqrt(n)-th matrix is kept on
    the way to the right, and those between are made again on the way back.
    """
    last = len(out) - 1
    for k in range(last):
        out[k], out[k + 1] = push_right(out[k], out[k + 1])
    stride = math.isqrt(last) + 1
    left = edge(out[0])
    gram = 0 * left[0, :, :]
    kept = []
    for k in range(last):
        if k % stride == 0:
            kept.append((left, gram))
        left, _, gram = _advance(left, gram, out[k], operator[k])
    for start in reversed(range(0, last, stride)):
        left, gram = kept.pop()
        grams = []
        for k in range(start, min(start + stride, last)):
            left, carried, gram = _advance(left, gram, out[k], operator[k])
            grams.append((k + 1, gram if sites == 1 else carried))
        yield from reversed(grams)


def _advance(left: Array, gram: Array, site: Array, w: Array) -> tuple[Array, Array, Array]:
    """Left environment, transferred and full Gram matrix of the next cut."""
    xp = namespace(site)
    dl, d, dr = site.shape
    before, _, _, after = w.shape
    flat = xp.reshape(site, (dl * d, dr))
    image = xp.reshape(left_block(left, w) @ flat, (dl * d, after * dr))
    inside = xp.conj(flat).mT @ image
    null = image - flat @ inside
    # Ket side: (w ket w', ket') A, then (w', in) W. Bra side: the same, conjugated.
    x = xp.reshape(gram, (-1, dl)) @ xp.reshape(site, (dl, d * dr))
    x = xp.permute_dims(xp.reshape(x, (before, dl, before, d, dr)), (0, 1, 4, 2, 3))
    ket = xp.reshape(xp.permute_dims(w, (0, 2, 1, 3)), (before * d, d * after))
    x = xp.reshape(xp.reshape(x, (-1, before * d)) @ ket, (before, dl, dr, d, after))
    x = xp.reshape(xp.permute_dims(x, (1, 4, 2, 0, 3)), (dl * after * dr, before * d))
    x = xp.reshape(x @ xp.conj(xp.reshape(w, (before * d, d * after))), (dl, -1, d, after))
    x = xp.reshape(xp.permute_dims(x, (3, 1, 0, 2)), (after * after * dr, dl * d))
    x = xp.reshape(x @ xp.conj(flat), (after, after * dr, dr))
    carried = xp.reshape(xp.permute_dims(x, (0, 2, 1)), (after * dr, after * dr))
    return xp.reshape(inside, (dr, after, dr)), carried, carried + xp.conj(null).mT @ null


def _needed(weights: NDArray[np.floating], cutoff: float, step: float) -> int:
    """How many of the weights (ascending) must be taken in to lose at most `cutoff` in a step."""
    tails = step**2 * np.cumsum(np.maximum(weights, 0.0))
    rounding = (128 * float(np.finfo(weights.dtype).eps)) ** 2
    return int(np.count_nonzero(tails > max(cutoff, rounding)))
