"""Numba kernels: Kalman filter in information form, and modified Bryson-Frazier smoother.

R independent copies of one process of state size d are seen together, through natural parameters
``exp(eta' u - u' Lam u / 2)`` at each node j, Lam (R, R) positive semidefinite and perhaps singular
or zero. Entry i of the state of copy r stands at ``i R + r``, so that u, what is seen, is the first
R of the D = R d entries. With ``Lam = L' L`` and ``eta = L' e + rest``, every row l of L is an
observation ``e = l u`` of unit noise, and these are taken in one after the other: nothing is
inverted but numbers ``1 + l' S l``. Vectors travel as one more row below their matrices:

==========  ==================  =================================================================
array       shape               rows
==========  ==================  =================================================================
state       (D + 1, D)          covariance P and mean m' of what came before
adjoint     (D + 1, D)          ``-d^2 / dm^2`` and ``-d / dm`` of the log integral of what follows
updates     (R, D + 2)          of every row of L, over the deviation of its observation:
                                ``P l``, minus the residual, 1
==========  ==================  =================================================================

`reference.py` holds the twin in plain array operations. Scratch comes from the caller, since
allocations take long to compile, and so do loops.
"""

import numpy as np
from numba import njit

_FAST = {"contract", "nsz"}  # NaN and infinity must stay visible
_ROUNDING = 4.0 * np.finfo(np.float64).eps


@njit(cache=True, nogil=True, error_model="numpy")
def factorise(lam, eta, work, factors, coefficients, rests):
    """``Lam = L' L`` and ``eta = L' e + rest`` at every node, by pivoted Cholesky.

    Pivots below rounding end the factorisation; the rows of L beyond are zero. `lam` is
    (J, R, R), outputs are L (J, R, R), e (J, R) and rest (J, R), zero where eta lies in the range.
    """
    nodes, rank = eta.shape
    for j in range(nodes):
        low, e, rest = factors[j], coefficients[j], rests[j]
        least = 0.0
        for r in range(rank):
            rest[r] = eta[j, r]
            least = max(least, _ROUNDING * rank * lam[j, r, r])
            for c in range(rank):
                work[r, c] = lam[j, r, c]
        for k in range(rank):
            p = 0
            for r in range(rank):
                if work[r, r] > work[p, p]:
                    p = r
            root = np.sqrt(work[p, p]) if work[p, p] > least else np.inf
            e[k] = rest[p] / root
            for r in range(rank):
                low[k, r] = work[p, r] / root
            for r in range(rank):
                rest[r] = 0.0 if low[k, p] > 0.0 and r == p else rest[r] - low[k, r] * e[k]
                for c in range(rank):
                    work[r, c] -= low[k, r] * low[k, c]
                    if r == p or c == p:
                        work[r, c] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(matrix, out):
    """Copy. Assigning slices instead would compile numba's string functions for an error."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = matrix[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _carry(a, q, rank, half, state):
    """``A P A' + Q`` and ``A m`` in place, A (d, d) and Q (d, d) for every copy."""
    d, size = a.shape[0], state.shape[1]
    if d == 1:
        for k in range(size):
            for i in range(size):
                state[i, k] *= a[0, 0] * a[0, 0]
            state[k, k] += q[0, 0]
            state[size, k] *= a[0, 0]
    else:
        for i in range(size + 1):
            for k in range(d):
                for r in range(rank):
                    half[i, k * rank + r] = 0.0
                    for m in range(d):
                        half[i, k * rank + r] += state[i, m * rank + r] * a[k, m]
        for i in range(d):
            for r in range(rank):
                for k in range(size):
                    total = q[i, k // rank] if k % rank == r else 0.0
                    for m in range(d):
                        total += a[i, m] * half[m * rank + r, k]
                    state[i * rank + r, k] = total
        for k in range(size):
            state[size, k] = half[size, k]
    for i in range(size):  # asymmetry, once there, would grow
        for k in range(i):
            state[k, i] = state[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _meet(state, adjoint, half, mean, cov):
    """Smoothed mean (R,) and covariance (R, R) of u: what came before, and what comes after."""
    size = state.shape[1]
    for r in range(len(mean)):
        for i in range(size + 1):
            half[i, r] = 0.0
            for k in range(size):
                half[i, r] += adjoint[i, k] * state[k, r]
        mean[r] = state[size, r] - half[size, r]
        for c in range(r + 1):
            total = state[r, c]
            for i in range(size):
                total -= half[i, r] * state[i, c]
            cov[r, c] = cov[c, r] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def forward(a, q, factors, e, rests, half, state, states, updates):
    """Filter all nodes; the log of the integral of prior times messages.

    Into node 0 `a` (J, d, d) is zero and `q` the covariance of the prior. `state` is zero before;
    `half` is scratch of the same shape. Filtered `states` (J, D + 1, D) and `updates`
    (J, R, D + 2) are kept; where `states` is empty, one node's updates serve as scratch.
    """
    nodes, rank = e.shape
    size = state.shape[1]
    value, det = 0.0, 1.0
    for j in range(nodes):
        low, rest, keep = factors[j], rests[j], j < len(states)
        _carry(a[j], q[j], rank, half, state)
        for i in range(size):  # eta outside the range of Lam tilts the prior
            tilt = 0.0
            for r in range(rank):
                tilt += state[i, r] * rest[r]
            state[size, i] += tilt
            if i < rank:
                value += rest[i] * (state[size, i] - 0.5 * tilt)
        for k in range(rank):
            w, spread = updates[j if keep else 0, k], 0.0
            for i in range(size + 1):
                w[i] = 0.0
                for r in range(rank):
                    w[i] += state[i, r] * low[k, r]
                if i < rank:
                    spread += low[k, i] * w[i]
            fit, miss = w[size], w[size] - e[j, k]
            value += 0.5 * miss * miss * spread / (1.0 + spread) - fit * (miss - 0.5 * fit)
            det *= 1.0 + spread
            if det > 1e150:
                value -= 0.5 * np.log(det)
                det = 1.0
            w[size], w[size + 1] = miss, 1.0
            for i in range(size + 2):
                w[i] /= np.sqrt(1.0 + spread)
            for i in range(size + 1):
                for c in range(size):
                    state[i, c] -= w[i] * w[c]
        if keep:
            _copy(state, states[j])
    return value - 0.5 * np.log(det)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def backward(back, factors, rests, states, updates, nothing, half, adjoint, mean, cov, adjoints):
    """Smoothed marginals `mean` (J, R) and `cov` (J, R, R) of u, from what `forward` kept.

    `back` holds the transposed transitions. `adjoint` is zero before, as is `nothing` (d, d). What
    comes after a node, its own message included, is kept in `adjoints` (J, D + 1, D) unless empty.
    """
    nodes, rank = mean.shape
    size = adjoint.shape[1]
    for j in range(nodes - 1, -1, -1):
        _meet(states[j], adjoint, half, mean[j], cov[j])
        for k in range(rank - 1, -1, -1):
            w, v, low = updates[j, k], half[0], half[1]
            scale, curve = w[size + 1], 1.0
            for r in range(rank):
                low[r] = scale * factors[j, k, r]
            slope = w[size]
            for i in range(size):
                v[i] = 0.0
                for n in range(size):
                    v[i] += adjoint[i, n] * w[n]
                curve += v[i] * w[i]
                slope -= adjoint[size, i] * w[i]
            for r in range(rank):
                v[r] -= 0.5 * curve * low[r]
            for r in range(rank):
                adjoint[size, r] += low[r] * slope
                for i in range(size):
                    adjoint[i, r] -= low[r] * v[i]
                    adjoint[r, i] -= low[r] * v[i]
        for r in range(rank):
            adjoint[size, r] -= rests[j, r]
        if j < len(adjoints):
            _copy(adjoint, adjoints[j])
        _carry(back[j], nothing, rank, half, adjoint)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def between(a, q, back, left, states, adjoints, nothing, half, state, adjoint, mean, cov):
    """Posterior of u at new points: mean (n, R) and covariance (n, R, R).

    Point i follows node ``left[i]`` over `a`, `q`, and the next node follows it over the transpose
    of `back`. Before all nodes ``left`` is -1, `a` zero and `q` the covariance of the prior; after
    the last node `back` is zero.
    """
    rank = mean.shape[1]
    for i in range(len(left)):
        _copy(states[max(left[i], 0)], state)
        _copy(adjoints[min(left[i] + 1, len(states) - 1)], adjoint)
        _carry(a[i], q[i], rank, half, state)
        _carry(back[i], nothing, rank, half, adjoint)
        _meet(state, adjoint, half, mean[i], cov[i])
