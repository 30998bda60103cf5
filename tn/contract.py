"""Contractions of matrix product states: overlaps, sums, expectation values.

Functions take site tensors ``(left, physical, right)`` of any array library. Environments are
matrices ``(bra bond, ket bond)``; each site is taken in by two matrix products, O(d D^3).
"""

from collections.abc import Sequence

import numpy as np

from rankloom.tn.arrays import Array, like, namespace, same_dtype


def overlap(bra: Sequence[Array], ket: Sequence[Array]) -> Array:
    """``<bra|ket>`` as a 0-d array, conjugating `bra`. O(n d D^3) time, O(d D^2) memory."""
    if bra[0].dtype != ket[0].dtype:
        bra, ket = same_dtype(bra, ket)
    xp = namespace(*bra, *ket)
    reshape, conj = xp.reshape, xp.conj
    env = xp.ones_like(xp.reshape(ket[0], (-1, 1))[:1, :])
    for a, b in zip(bra, ket, strict=True):
        dr = a.shape[2]
        half = reshape(env @ reshape(b, (b.shape[0], -1)), (-1, b.shape[2]))
        env = conj(reshape(a, (-1, dr))).mT @ half
    return env[0, 0]


def _extend_left(env: Array, site: Array) -> Array:
    """Left environment with one more site taken in."""
    xp = namespace(site)
    dl, _, dr = site.shape
    half = xp.reshape(env @ xp.reshape(site, (dl, -1)), (-1, dr))
    return xp.conj(xp.reshape(site, (-1, dr))).mT @ half


def right_environments(tensors: Sequence[Array]) -> list[Array]:
    """Environments ``(D[k], D[k])`` of the sites k..n-1, for k = 0..n; the last is ``[[1]]``.

    Memory O(n D^2).
    """
    xp = namespace(*tensors)
    env = xp.ones_like(xp.reshape(tensors[-1], (-1, 1))[:1, :])
    out = [env]
    for site in reversed(tensors):
        dl, _, dr = site.shape
        half = xp.reshape(xp.reshape(site, (-1, dr)) @ env.mT, (dl, -1))
        env = xp.conj(xp.reshape(site, (dl, -1))) @ half.mT
        out.append(env)
    return out[::-1]


def densities(tensors: Sequence[Array]) -> list[Array]:
    """One-site density matrices ``rho[s, t] = <psi| (|t><s|) |psi>``, not divided by the norm.

    ``<psi|op_k|psi> = sum_st op[t, s] rho_k[s, t]``. One pass from each side.
    """
    xp = namespace(*tensors)
    rights = right_environments(tensors)
    left = xp.ones_like(xp.reshape(tensors[0], (-1, 1))[:1, :])
    out = []
    for k, site in enumerate(tensors):
        dl, d, dr = site.shape
        half = xp.reshape(left @ xp.reshape(site, (dl, -1)), (dl * d, dr)) @ rights[k + 1].mT
        ket = xp.reshape(xp.permute_dims(xp.reshape(half, (dl, d, dr)), (1, 0, 2)), (d, -1))
        bra = xp.reshape(xp.permute_dims(site, (1, 0, 2)), (d, -1))
        out.append(ket @ xp.conj(bra).mT)
        left = _extend_left(left, site)
    return out


def product_expectation(tensors: Sequence[Array], ops: dict[int, Array]) -> Array:
    """``<psi| prod_k ops[k] |psi>`` for ``(d, d)`` matrices on some sites, as a 0-d array."""
    return overlap(
        tensors, [apply_site(ops[k], site) if k in ops else site for k, site in enumerate(tensors)]
    )


def apply_site(op: Array, site: Array) -> Array:
    """``sum_t op[s, t] site[l, t, r]``."""
    if op.dtype != site.dtype:
        [op, site] = same_dtype([op, site])[0]
    return op @ site  # broadcast over the left leg


def correlation_upper(tensors: Sequence[Array], a: Array, b: Array) -> Array:
    """``<psi|a_i b_j|psi>`` for i < j as the strict upper triangle of an (n, n) array.

    All left environments that carry an `a` move along the chain as one stack, two batched matrix
    products a site: O(n^2 d D^3) time, O(n d D^2) memory.
    """
    [a, b], tensors = same_dtype([a, b], tensors)
    xp = namespace(*tensors)
    rights = right_environments(tensors)
    plain = xp.ones_like(xp.reshape(tensors[0], (-1, 1))[:1, :])
    stack, rows = None, []
    for k, site in enumerate(tensors):
        dl, d, dr = site.shape
        flat, bra = xp.reshape(site, (dl, -1)), xp.conj(xp.reshape(site, (-1, dr))).mT
        fresh = bra @ xp.reshape(plain @ xp.reshape(apply_site(a, site), (dl, -1)), (dl * d, dr))
        plain = bra @ xp.reshape(plain @ flat, (dl * d, dr))
        if stack is None:
            stack = fresh[None, :, :]
            continue
        half = xp.reshape(xp.reshape(stack, (k * dl, dl)) @ flat, (k, dl * d * dr))
        # b on the bra side: <psi| b = (b^H psi)^H, closed with the sites further right
        closed = apply_site(xp.conj(b).mT, site)
        closed = xp.reshape(xp.conj(closed), (dl * d, dr)) @ rights[k + 1]
        rows.append(half @ xp.reshape(closed, (dl * d * dr,)))
        stack = xp.concat([bra @ xp.reshape(half, (k, dl * d, dr)), fresh[None, :, :]])
    zeros = like(tensors[0], np.zeros(len(tensors)), tensors[0].dtype)
    columns = [zeros, *(xp.concat([row, zeros[row.shape[0] :]]) for row in rows)]
    return xp.stack(columns, axis=1)


def operator_expectation(
    tensors: Sequence[Array], operator: Sequence[Array], bra: Sequence[Array] | None = None
) -> Array:
    """``<psi|O|psi>`` or ``<bra|O|psi>`` for site tensors ``(left, out, in, right)``, 0-d array.

    O(n d D^2 w (D + d w)) for operator bonds w.
    """
    operator, tensors, bra = same_dtype(
        [like(tensors[0], w) for w in operator], tensors, tensors if bra is None else bra
    )
    xp = namespace(*tensors)
    env = xp.reshape(xp.ones_like(xp.reshape(tensors[0], (-1,))[:1]), (1, 1, 1))
    for site, w, other in zip(tensors, operator, bra, strict=True):
        dl, d, dr = site.shape
        v, out, _, v_next = w.shape
        rows = env.shape[0]
        half = xp.reshape(env, (rows * v, dl)) @ xp.reshape(site, (dl, -1))
        half = xp.reshape(half, (rows, v * d, dr))
        # (out, w', v, in) @ (bra, v in, r) -> (bra, out, w' r)
        matrix = xp.reshape(xp.permute_dims(w, (1, 3, 0, 2)), (out * v_next, v * d))
        half = xp.reshape(matrix @ half, (rows * out, v_next * dr))
        env = xp.conj(xp.reshape(other, (rows * out, -1))).mT @ half
        env = xp.reshape(env, (-1, v_next, dr))
    return env[0, 0, 0]


def add(a: Sequence[Array], b: Sequence[Array]) -> list[Array]:
    """Direct sum of the bonds: the tensors of ``|a> + |b>``, with any number of physical legs."""
    a, b = same_dtype(a, b)
    xp = namespace(*a, *b)
    last = len(a) - 1
    out = []
    for k, (x, y) in enumerate(zip(a, b, strict=True)):
        if last == 0:
            out.append(x + y)
        elif k == 0:
            out.append(xp.concat([x, y], axis=-1))
        elif k == last:
            out.append(xp.concat([x, y], axis=0))
        else:
            zeros = [
                xp.zeros_like(xp.broadcast_to(p[:1, ..., :1], (*p.shape[:-1], q.shape[-1])))
                for p, q in ((x, y), (y, x))
            ]
            top = xp.concat([x, zeros[0]], axis=-1)
            out.append(xp.concat([top, xp.concat([zeros[1], y], axis=-1)], axis=0))
    return out


def to_dense(tensors: Sequence[Array]) -> Array:
    """The state as a vector, site 0 slowest."""
    xp = namespace(*tensors)
    out = xp.reshape(tensors[0], (-1, tensors[0].shape[2]))
    for site in tensors[1:]:
        out = xp.reshape(out @ xp.reshape(site, (site.shape[0], -1)), (-1, site.shape[2]))
    return xp.reshape(out, (-1,))
