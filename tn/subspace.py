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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, eigh, like, namespace, qr, to_host
from rankloom.tn.environments import edge, extend_right, left_block, right_block
from rankloom.tn.gauge import push_right
from rankloom.tn.truncation import Truncation

_SMALL = 2**22  # numbers that may be kept, 64 MiB of complex128


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


class _Gram(NamedTuple):
    """Gram matrix ``(channels ket, channels ket)`` of what has left the left bases at a cut.

    Only over the channels of the operator where there is any: most of those of a short-ranged
    Hamiltonian leave no space, or no more after one site.
    """

    channels: list[int]
    matrix: Array | None


_EMPTY = _Gram([], None)


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
    for k, (channels, gram) in _backwards(out, operator, sites):
        # `out[:k]` is left-orthonormal by now and `out[k]` the centre.
        dl, d, dr = out[k].shape
        flat = xp.reshape(out[k], (dl, d * dr))
        block = right_block(operator[k], right)
        q, carry = qr(flat.mT)  # x = (q r)^T: the rows of q^T are the right bases
        if gram is not None:
            seen = _take(xp.reshape(block, (-1, d * dr, d * dr)), channels, 0)
            seen = xp.reshape(flat @ seen, (-1, d * dr))  # (channels ket, out bra)
            rest = seen - (seen @ xp.conj(q)) @ q.mT
            weighted = gram @ rest
            room = 0
            if rule is not None:
                most = min(math.prod(t.shape[1] for t in out[:k]), d * dr, rule.max_bond or d * dr)
                room = most - q.shape[1]
            if rule is not None and room > 0:
                weights, vectors = eigh(xp.conj(rest).mT @ weighted)
                more = min(room, _needed(to_host(weights), rule.cutoff, step))
                if more:
                    # QR once more: eigenvectors are orthogonal to the old bases to rounding only.
                    q, _ = qr(xp.concat([q, xp.conj(vectors[:, -more:])], axis=1))
                    carry = xp.conj(q).mT @ flat.mT
                    rest = rest - (rest @ xp.conj(q)) @ q.mT
                    weighted = gram @ rest
            total += max(0.0, float(xp.real(xp.sum(xp.conj(rest) * weighted))))
        out[k] = xp.reshape(q.mT, (-1, d, dr))
        right = extend_right(block, out[k])
        moved = xp.reshape(out[k - 1], (-1, dl)) @ carry.mT
        out[k - 1] = xp.reshape(moved, (*out[k - 1].shape[:2], -1))
    return out, math.sqrt(total)


def _backwards(
    out: list[Array], operator: Sequence[Array], sites: int
) -> Iterator[tuple[int, _Gram]]:
    """Gram matrices of the cuts n-1 .. 1; makes `out` left-orthonormal first.

    For `sites` = 2 without what left the space on the last site. If all of them would take much
    memory, every sqrt(n)-th is kept on the way to the right, and those between are made again.
    """
    last = len(out) - 1
    for k in range(last):
        out[k], out[k + 1] = push_right(out[k], out[k + 1])
    size = sum((w.shape[0] * t.shape[0]) ** 2 for w, t in zip(operator, out, strict=True))
    stride = last if size <= _SMALL else math.isqrt(last) + 1
    starts = range(0, last, stride)
    left, gram = edge(out[0]), _EMPTY
    kept = [(left, gram)]
    for k in range(starts[-1]):
        left, _, gram = _advance(left, gram, out[k], operator[k])
        if k + 1 in starts:
            kept.append((left, gram))
    for start in reversed(starts):
        left, gram = kept.pop()
        grams = []
        for k in range(start, min(start + stride, last)):
            left, carried, gram = _advance(left, gram, out[k], operator[k])
            grams.append((k + 1, gram if sites == 1 else carried))
        yield from reversed(grams)


def _advance(left: Array, gram: _Gram, site: Array, w: Array) -> tuple[Array, _Gram, _Gram]:
    """Left environment, transferred and full Gram matrix of the next cut."""
    xp = namespace(site)
    dl, d, dr = site.shape
    flat = xp.reshape(site, (dl * d, dr))
    image = xp.reshape(left_block(left, w) @ flat, (dl * d, -1))
    inside = xp.conj(flat).mT @ image
    null = xp.reshape(image - flat @ inside, (dl * d, -1, dr))
    carried = _transfer(gram, site, w)
    sizes = [
        to_host(xp.sum(xp.abs(x) ** 2, axis=(0, 2)))
        for x in (null, xp.reshape(image, (dl * d, -1, dr)))
    ]
    rounding = (64 * float(xp.finfo(site.dtype).eps)) ** 2
    fresh = np.flatnonzero(sizes[0] > rounding * sizes[1]).tolist()
    channels = carried.channels + [v for v in fresh if v not in carried.channels]
    left = xp.reshape(inside, (dr, -1, dr))
    if not channels:
        return left, carried, _EMPTY
    columns = xp.reshape(_take(null, channels, 1), (dl * d, -1))
    full = xp.conj(columns).mT @ columns
    if carried.matrix is not None:
        m = carried.matrix.shape[0]
        full[:m, :m] = full[:m, :m] + carried.matrix
    return left, carried, _Gram(channels, full)


def _transfer(gram: _Gram, site: Array, w: Array) -> _Gram:
    """What has left the space before, one site further."""
    if gram.matrix is None:
        return _EMPTY
    xp = namespace(site)
    dl, d, dr = site.shape
    reached = np.any(to_host(w)[gram.channels] != 0, axis=(0, 1, 2))
    channels = np.flatnonzero(reached).tolist()
    if not channels:
        return _EMPTY
    a, c = len(gram.channels), len(channels)
    w = _take(_take(w, gram.channels, 0), channels, 3)
    flat = xp.reshape(site, (dl * d, dr))
    # Ket legs are primed: (a l a' l') W -> (a l l' s t' c'), then W* -> (l l' t' c' t c).
    x = xp.permute_dims(xp.reshape(gram.matrix, (a, dl, a, dl)), (0, 1, 3, 2))
    x = xp.reshape(x, (-1, a)) @ xp.reshape(w, (a, -1))
    x = xp.permute_dims(xp.reshape(x, (a, dl, dl, d, d, c)), (1, 2, 4, 5, 0, 3))
    x = xp.reshape(x, (-1, a * d)) @ xp.conj(xp.reshape(w, (a * d, d * c)))
    x = xp.permute_dims(xp.reshape(x, (dl, dl, d, c, d, c)), (5, 3, 0, 4, 1, 2))
    # (c c' l t l' t') A -> (c c' l t r'), then A* -> (c c' r' r).
    x = xp.reshape(xp.reshape(x, (-1, dl * d)) @ flat, (c * c, dl * d, dr))
    x = xp.reshape(xp.conj(flat).mT @ x, (c, c, dr, dr))
    matrix = xp.reshape(xp.permute_dims(x, (0, 2, 1, 3)), (c * dr, c * dr))
    return _Gram(channels, matrix)


def _take(x: Array, indices: list[int], axis: int) -> Array:
    if len(indices) == x.shape[axis]:
        return x
    return namespace(x).take(x, like(x, np.array(indices)), axis=axis)


def _needed(weights: NDArray[np.floating], cutoff: float, step: float) -> int:
    """How many of the weights (ascending) must be taken in to lose at most `cutoff` in a step."""
    tails = step**2 * np.cumsum(np.maximum(weights, 0.0))
    rounding = (128 * float(np.finfo(weights.dtype).eps)) ** 2
    return int(np.count_nonzero(tails > max(cutoff, rounding)))
