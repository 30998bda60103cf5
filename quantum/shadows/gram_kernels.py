"""Numba kernels of the Gram matrix: every pair of snapshots, all k-local Pauli strings at once.

The product of the estimates of two snapshots, summed over all strings of locality j, is ``9^j
K_j``, the coefficient of z^j in ``(1 + z)^(M - M-) (1 - z)^M-``: M qubits were measured in equal
bases, M- of them with opposite outcomes. With ``D = M - 2 M-``

    (j + 1) K_(j+1) = D K_j - (M - j + 1) K_(j-1),    K_0 = 1,  K_1 = D,

so a pair costs a few population counts on bit planes and k steps, whatever the number of strings.
`gram_pairs.py` holds the twin in plain array operations, the oracle in the tests.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# Not reassoc: it would undo `_integer`. No nnan/ninf: bad weights must stay visible.
_PUBLIC: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}
_PRIVATE = _PUBLIC | {"inline": "always"}

_MAGIC = 1.5 * 2.0**52


def _count_bits(_context, _x):
    """Number of set bits of an unsigned 64-bit integer, as numba intrinsic."""
    signature = types.uint64(types.uint64)

    def generate(_context, builder, _signature, arguments):
        count = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(count, arguments)

    return signature, generate


_popcount: Any = intrinsic(_count_bits)


@njit(**_PRIVATE)
def _count_one(plane, start, stop, a, mask, equal, opposite):
    """Equal bases, and opposite outcomes among them, of snapshot a with a range, 64 qubits."""
    x, z, o = plane[0, start:stop], plane[1, start:stop], plane[2, start:stop]
    xa, za, oa = plane[0, a], plane[1, a], plane[2, a]
    for p in range(x.size):
        same = ~((x[p] ^ xa) | (z[p] ^ za)) & mask
        equal[p] = np.int32(_popcount(same))
        opposite[p] = np.int32(_popcount(same & (o[p] ^ oa)))


@njit(**_PRIVATE)
def _count_two(plane, other, start, stop, a, mask, mask2, add, equal, opposite):
    """The same for 128 qubits at once, which halves the traffic; added to the counts if `add`."""
    x, z, o = plane[0, start:stop], plane[1, start:stop], plane[2, start:stop]
    x2, z2, o2 = other[0, start:stop], other[1, start:stop], other[2, start:stop]
    xa, za, oa = plane[0, a], plane[1, a], plane[2, a]
    xb, zb, ob = other[0, a], other[1, a], other[2, a]
    for p in range(x.size):
        same = ~((x[p] ^ xa) | (z[p] ^ za)) & mask
        also = ~((x2[p] ^ xb) | (z2[p] ^ zb)) & mask2
        e = np.int32(_popcount(same) + _popcount(also))
        f = np.int32(_popcount(same & (o[p] ^ oa)) + _popcount(also & (o2[p] ^ ob)))
        if add:
            e += equal[p]
            f += opposite[p]
        equal[p] = e
        opposite[p] = f


@njit(**_PRIVATE)
def _next(d, m, before, now, j, inverse):
    """K_(j+1) from K_(j-1) and K_j: the product with 1 / (j + 1), rounded to the integer it is."""
    return ((d * now - (m - (j - 1.0)) * before) * inverse + _MAGIC) - _MAGIC


@njit(**_PRIVATE)
def _add_four(equal, opposite, sums):
    """Add K_1 .. K_4 of a range of pairs to sums (4, range)."""
    s1, s2, s3, s4 = sums[0], sums[1], sums[2], sums[3]
    for p in range(equal.size):
        m = np.float64(equal[p])
        d = m - 2.0 * np.float64(opposite[p])
        k2 = _next(d, m, 1.0, d, 1.0, 0.5)
        k3 = _next(d, m, d, k2, 2.0, 1.0 / 3.0)
        s1[p] += d
        s2[p] += k2
        s3[p] += k3
        s4[p] += _next(d, m, k2, k3, 3.0, 0.25)


@njit(**_PRIVATE)
def _add_all(equal, opposite, weight, weights, before, now, kinds, sums):
    """Add K_1 .. K_k times the weights of both snapshots to sums (k, range)."""
    before[:] = 0.0
    now[:] = 1.0
    for j in range(kinds):
        out = sums[j]
        for p in range(equal.size):
            m = np.float64(equal[p])
            d = m - 2.0 * np.float64(opposite[p])
            after = _next(d, m, before[p], now[p], np.float64(j), 1.0 / (j + 1.0))
            before[p] = now[p]
            now[p] = after
            out[p] += weight * weights[p] * after


@njit(**_PRIVATE)
def _reduce(sums, t, blocks, columns, factors, share, share_without, total, leave_out):
    """Row t of the matrices from the sums (4, B, T B) over pairs of blocks; both triangles."""
    kinds, times = total.shape[0], total.shape[1]
    low = t * blocks
    rest = np.empty((4, blocks))
    whole = np.empty(4)
    for j in range(4):
        column = columns[j, low:]
        column[:] = 0.0
        for b in range(blocks):
            part = sums[j, b, low:]
            for p in range(column.size):
                column[p] += part[p]
    for u in range(t, times):
        here, end = u * blocks, (u + 1) * blocks
        whole[:] = 0.0
        for b in range(blocks):
            v0, v1 = sums[0, b, here:end], sums[1, b, here:end]
            v2, v3 = sums[2, b, here:end], sums[3, b, here:end]
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0  # four chains of additions at once
            for c in range(v0.size):
                s0 += v0[c]
                s1 += v1[c]
                s2 += v2[c]
                s3 += v3[c]
            whole[0] += s0
            whole[1] += s1
            whole[2] += s2
            whole[3] += s3
            rest[0, b] = v0[b] - s0
            rest[1, b] = v1[b] - s1
            rest[2, b] = v2[b] - s2
            rest[3, b] = v3[b] - s3
        for j in range(kinds):
            mean = factors[j] * share[t, u] * whole[j]
            total[j, t, u] = mean
            total[j, u, t] = mean
            for b in range(leave_out.shape[1]):
                value = factors[j] * share_without[b, t, u]
                value *= whole[j] + rest[j, b] - columns[j, here + b]
                leave_out[j, b, t, u] = value
                leave_out[j, b, u, t] = value


@njit(**_PUBLIC)
def pair_means(
    planes, mask, draws, debias, weights, valid, blocks, first, stride,
    factors, share, share_without, total, leave_out,
):  # fmt: skip
    """Means of K_j over pairs of snapshots of two times, whole and without one block of shots.

    Parameters
    ----------
    planes : (W, 3, L T B) array of uint64
        Bits of x, z (basis X = 10, Y = 11, Z = 01) and of the outcome, 64 qubits a word; W is 1 or
        even. Snapshot ``l T B + t B + b`` is the l-th of block b at time t; what fills a short
        block up has no bits in x and z.
    mask : (W,) array of uint64
        The qubits to use.
    draws : (L T B,) array of int64
        Pairs of equal numbers are left out when `debias`; an empty one means all different.
    debias : bool
    weights : (L T B,) array
        Weight of each snapshot; an empty one means 1.
    valid : (L T B,) array of bool
        False for what fills a block up.
    blocks : int
        B, the number of blocks of shots.
    first, stride : int
        This call does the rows first, first + stride, .. of the matrix.
    factors : (k,) array
        What K_j is multiplied by.
    share : (T, T) array
        One over the number of pairs that count.
    share_without : (B or 0, T, T) array
        The same without a block.
    total : (k, T, T) array
        Filled, both triangles.
    leave_out : (k, B or 0, T, T) array
    """
    words, kinds, times = planes.shape[0], total.shape[0], total.shape[1]
    places = times * blocks
    equal, opposite = np.empty(places, np.int32), np.empty(places, np.int32)
    before, now = np.empty(places), np.empty(places)
    sums = np.empty(((kinds + 3) // 4 * 4, blocks, places))
    columns = np.empty((4, places))
    for t in range(first, times, stride):
        low = t * blocks
        left = places - low
        e, f = equal[:left], opposite[:left]
        sums[:, :, low:] = 0.0
        for a in range(low, valid.size):
            b = a % places - low
            if b < 0 or b >= blocks or not valid[a]:
                continue
            for start in range(low, valid.size, places):
                stop = start + left
                if words == 1:
                    _count_one(planes[0], start, stop, a, mask[0], e, f)
                else:
                    for w in range(0, words, 2):
                        one, two = planes[w], planes[w + 1]
                        _count_two(one, two, start, stop, a, mask[w], mask[w + 1], w > 0, e, f)
                if debias:
                    if start <= a < stop:
                        e[a - start] = 0  # no equal bases: all K_j vanish
                        f[a - start] = 0
                    if draws.size:
                        for p in range(left):
                            if draws[start + p] == draws[a]:
                                e[p] = 0
                                f[p] = 0
                here = sums[:, b, low:]
                if kinds <= 4 and weights.size == 0:
                    _add_four(e, f, here)
                else:
                    q = weights[a] if weights.size else 1.0
                    qs = weights[start:stop] if weights.size else np.ones(left)
                    _add_all(e, f, q, qs, before[:left], now[:left], kinds, here)
        for g in range(0, kinds, 4):
            end = min(g + 4, kinds)
            four, scale, out = sums[g : g + 4], factors[g:end], leave_out[g:end]
            _reduce(four, t, blocks, columns, scale, share, share_without, total[g:end], out)
