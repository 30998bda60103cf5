"""Rounding by density matrices: no QR sweep, half the matrices to factorise.

The Gram matrices ``R_k`` of all that stands right of bond k cost matrix products only. With them
the density matrix of the left part is ``C R_k C^H``, C being the part that was kept so far, and its
eigenvectors are the left Schmidt vectors [1]_. An eigendecomposition costs two thirds of an SVD.

**Where this is safe.** Eigenvalues are *squared* Schmidt values with an absolute error of a few
roundings of ``|C|^2 |R_k|``, which exceeds the trace of the density matrix where parts of the state
cancel. A cut is taken when its cutoff, or what it drops, lies well above that; with no cutoff also
the smallest value kept must, for a zero to be told from it. Otherwise singular values decide: at
once where everything further right is orthonormal, else by starting again from a canonical form.

References
----------
.. [1] U. Schollwoeck, arXiv:1008.3477, section 4.5.
"""

import math

from rankloom.tn.arrays import Array, eigh, qr, square_norm, svd, to_host
from rankloom.tn.combination import Combination
from rankloom.tn.truncation import Truncation

FLOOR = 500  # weights above this many roundings are exact to about a per cent


class Unsafe(Exception):
    """Density matrices do not resolve the weights in question."""


def cut(
    source: Combination, rule: Truncation, known: int | None = None
) -> tuple[list[Array], float, bool]:
    """Cut every bond, from left to right; the result is canonical about the last site.

    Parameters
    ----------
    source : Combination
    rule : Truncation
    known : int, optional
        Orthogonality centre when `source` is one canonical state.

    Returns
    -------
    tensors : list of (D[k], d[k], D[k+1]) array
    truncation_error : float
        Sum of the relative discarded weights of all cuts.
    exact : bool
        Whether any cut was decided by singular values instead.

    Raises
    ------
    Unsafe
        Singular values are needed at a bond where that takes a canonical form.

    Notes
    -----
    For one state ``4 n d D^2 (D + chi)`` multiplications and an eigendecomposition of a ``(d chi,
    d chi)`` matrix a bond. Memory: the Gram matrices, ``16 n b^2`` bytes for b the size of a bond
    of `source` in complex128.
    """
    xp = source.xp
    eps = float(xp.finfo(source.first.dtype).eps)
    grams, room = _grams(source, known), _right_sizes(source)
    tight, most = rule.cutoff < FLOOR * eps, rule.max_bond or math.inf
    out: list[Array] = []
    error, exact = 0.0, False
    basis: Array
    carry, whole, doubt, least = source.first, 1, 1.0, 1.0
    for k in range(source.n_sites - 1):
        d = source.dimension(k)
        c, whole = source.push(k, carry), min(whole * d, 2**62)
        gram = grams.pop(k + 1, None)  # None: the identity
        rank = min(c.shape)
        # Near an end a bond may be as wide as the sites beyond allow: nothing to cut, nothing lost.
        full = gram is not None and tight and rank <= most and rank in (whole, room[k + 1])
        basis, inner = qr(c) if full or c.shape[0] >= 2 * c.shape[1] else (None, c)
        weighted = inner if gram is None else inner @ gram
        density = weighted @ xp.conj(inner).mT
        if full:
            vectors, total = basis, float(xp.real(xp.linalg.trace(density)))
        else:
            squares, vectors = eigh(density)
            weights = to_host(squares)[::-1]
            total = float(weights.sum())
        if gram is not None:
            size = square_norm(inner) * math.sqrt(square_norm(gram))
            doubt = max(doubt, size / total if total > 0.0 else math.inf)
            if doubt == math.inf:
                raise Unsafe
        if not full:
            rank = min(rank, room[k + 1])  # what lies beyond is zero, whatever rounding says
            kept, weight = rule.keep(weights[:rank])
            tail = weight if kept < rank else float(weights[kept - 1]) / (total or 1.0)
            if max(rule.cutoff, min(least, tail)) >= FLOOR * eps * doubt:
                least = min(least, tail)
                vectors = vectors[:, -kept:]
            elif gram is None:
                exact = True
                u, s, _ = svd(inner)
                kept, weight = rule.keep(to_host(s) ** 2)
                vectors = u[:, :kept]
            else:
                raise Unsafe
            error += weight
            if basis is not None:
                vectors = basis @ vectors
        out.append(xp.reshape(vectors, (carry.shape[0], d, -1)))
        carry = xp.conj(vectors).mT @ c
    last = source.push(source.n_sites - 1, carry) @ source.last
    out.append(xp.reshape(last, (carry.shape[0], -1, 1)))
    return out, error, exact


def _grams(source: Combination, known: int | None) -> dict[int, Array]:
    """Gram matrices of the right parts of bonds 1 .. n - 1, but for those that are the identity."""
    if known is None:
        env, last = source.last @ source.last.mT, source.n_sites - 1
    elif known == 0 or source.plain is None:
        return {}
    else:
        xp = source.xp
        site = source.plain[known]
        env, last = source.close(known, xp.reshape(site, (site.shape[0], -1))), known - 1
    out = {last + 1: env}
    for k in range(last, 0, -1):
        out[k] = env = source.gram(k, env)
    return out


def _right_sizes(source: Combination) -> list[int]:
    """Dimension of all sites right of each bond, capped."""
    out = [1]
    for k in range(source.n_sites - 1, -1, -1):
        out.append(min(out[-1] * source.dimension(k), 2**62))
    return out[::-1]
