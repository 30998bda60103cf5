"""Numba kernels: Kalman filter in information form, and modified Bryson-Frazier smoother.

R independent copies of one process of state size d are seen together, through natural parameters
``exp(eta' u - u' Lam u / 2)`` at each node j, Lam (R, R) positive semidefinite and perhaps singular
or zero. All that is inverted is the Cholesky factor of ``I + L' S L`` with ``Lam = L L'``, whose
eigenvalues are at least 1. State entry i of copy r stands at ``r d + i``; ``u = H s`` adds those
named in `out`. Into node 0 ``A`` is zero and Q the stationary covariance. `reference.py` holds
the twin in plain array operations.
"""

import numpy as np
from numba import njit

_FAST = {"reassoc", "contract", "nsz"}  # NaN and infinity must stay visible


@njit(cache=True, nogil=True, error_model="numpy")
def factorise(lam, eta, factors, coefficients, rests):
    """``Lam = L L'`` and ``eta = L e + rest`` at every node, by pivoted Cholesky.

    Pivots below rounding end the factorisation; the columns of L beyond are zero. `lam` is
    (J, R, R), outputs are L (J, R, R), e (J, R) and rest (J, R), zero where eta lies in the range.
    """
    nodes, rank = eta.shape
    work = np.empty((rank, rank))
    order = np.empty(rank, np.int64)
    eps = 4.0 * rank * np.finfo(np.float64).eps
    for j in range(nodes):
        low = factors[j]
        top = 0.0
        for r in range(rank):
            order[r] = r
            rests[j, r] = eta[j, r]
            coefficients[j, r] = 0.0
            for c in range(rank):
                work[r, c] = lam[j, r, c]
                low[r, c] = 0.0
            top = max(top, work[r, r])
        for k in range(rank):
            best = k
            for r in range(k + 1, rank):
                if work[order[r], order[r]] > work[order[best], order[best]]:
                    best = r
            order[k], order[best] = order[best], order[k]
            p = order[k]
            if not work[p, p] > eps * top:
                break
            root = np.sqrt(work[p, p])
            low[p, k] = root
            e = rests[j, p] / root
            coefficients[j, k] = e
            rests[j, p] = 0.0
            for r in range(k + 1, rank):
                i = order[r]
                low[i, k] = work[i, p] / root
                rests[j, i] -= low[i, k] * e
            for r in range(k + 1, rank):
                i = order[r]
                for c in range(k + 1, rank):
                    work[i, order[c]] -= low[i, k] * low[order[c], k]


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(vector, matrix, to_vector, to_matrix):
    """Copy both. Assigning slices instead would compile numba's string functions for an error."""
    for i in range(len(vector)):
        to_vector[i] = vector[i]
        for k in range(len(vector)):
            to_matrix[i, k] = matrix[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _predict(a, q, rank, mean, cov, half):
    """State and covariance over one gap, in place."""
    d = a.shape[0]
    if d == 1:
        step, noise = a[0, 0], q[0, 0]
        square = step * step
        for r in range(rank):
            mean[r] *= step
            for c in range(rank):
                cov[r, c] *= square
            cov[r, r] += noise
        return
    for r in range(rank):
        at = r * d
        for i in range(d):
            total = 0.0
            for k in range(d):
                total += a[i, k] * mean[at + k]
            half[0, i] = total
        for i in range(d):
            mean[at + i] = half[0, i]
    for r in range(rank):
        for c in range(r + 1):
            p, s = r * d, c * d
            for i in range(d):
                for k in range(d):
                    total = 0.0
                    for m in range(d):
                        total += a[i, m] * cov[p + m, s + k]
                    half[i, k] = total
            for i in range(d):
                for k in range(d):
                    total = q[i, k] if r == c else 0.0
                    for m in range(d):
                        total += half[i, m] * a[k, m]
                    cov[p + i, s + k] = total
                    cov[s + k, p + i] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _seen(cov, out, d, rank, ph, s):
    """``P H'`` (D, R) and ``S = H P H'`` (R, R)."""
    for i in range(rank * d):
        for r in range(rank):
            total = 0.0
            for o in out:
                total += cov[i, r * d + o]
            ph[i, r] = total
    for r in range(rank):
        for c in range(rank):
            total = 0.0
            for o in out:
                total += ph[r * d + o, c]
            s[r, c] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _gain(low, e, rest, s, u, x, w, v, sl, g):
    """Factor X of ``G = X'X`` and vector g of the update, and its log integral.

    ``(I + Lam S)^-1 [Lam | eta - Lam u] = [G | g]``.
    """
    rank = len(u)
    for r in range(rank):
        for k in range(rank):
            total = 0.0
            for c in range(rank):
                total += s[r, c] * low[c, k]
            sl[r, k] = total
    for k in range(rank):
        for m in range(k + 1):
            total = 1.0 if k == m else 0.0
            for r in range(rank):
                total += low[r, k] * sl[r, m]
            w[k, m] = total
        total = e[k]
        for r in range(rank):
            total -= low[r, k] * u[r] + sl[r, k] * rest[r]
        v[k] = total
    value, det = 0.0, 1.0
    for k in range(rank):
        for m in range(k):
            scale = w[k, m]
            for i in range(m):
                scale -= w[k, i] * w[m, i]
            w[k, m] = scale / w[m, m]
        square = w[k, k]
        for i in range(k):
            square -= w[k, i] * w[k, i]
        root = np.sqrt(square)
        w[k, k] = root
        det *= root
        if det > 1e100:
            value -= np.log(det)
            det = 1.0
        for r in range(rank):
            total = low[r, k]
            for i in range(k):
                total -= w[k, i] * x[i, r]
            x[k, r] = total / root
        total = v[k]
        for i in range(k):
            total -= w[k, i] * v[i]
        v[k] = total / root
    value -= np.log(det)
    for r in range(rank):
        total = rest[r]
        for k in range(rank):
            total += x[k, r] * v[k]
        g[r] = total
    for r in range(rank):
        value += rest[r] * u[r]
        sg = 0.0
        for c in range(rank):
            sg += s[r, c] * g[c]
        residual = rest[r]
        for k in range(rank):
            inner = 0.0
            for c in range(rank):
                inner += low[c, k] * u[c]
            residual += low[r, k] * (e[k] - inner)
        value += 0.5 * residual * sg
    for k in range(rank):
        inner = 0.0
        for c in range(rank):
            inner += low[c, k] * u[c]
        value += e[k] * inner - 0.5 * inner * inner
    return value


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _update(ph, x, g, rank, mean, cov, y):
    """Filtered state and covariance, in place."""
    size = len(mean)
    for i in range(size):
        for r in range(rank):
            mean[i] += ph[i, r] * g[r]
    for k in range(rank):
        for i in range(size):
            total = 0.0
            for r in range(rank):
                total += x[k, r] * ph[i, r]
            y[k, i] = total
    for i in range(size):
        for m in range(i + 1):
            total = cov[i, m]
            for k in range(rank):
                total -= y[k, i] * y[k, m]
            cov[i, m] = total
            cov[m, i] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def forward(a, q, out, factors, e, rests, means, covs, gains, vectors, keep):
    """Filter all nodes; the log of the integral of prior times messages.

    With `keep`, predicted states `means` (J, D) and `covs` (J, D, D), G in `gains` (J, R, R) and g
    in `vectors` (J, R) are filled in.
    """
    nodes, rank = e.shape
    d = a.shape[1]
    size = rank * d
    mean, cov = np.zeros(size), np.zeros((size, size))
    half = np.empty((d, d))
    ph, s = np.empty((size, rank)), np.empty((rank, rank))
    x, w, sl = np.empty((rank, rank)), np.empty((rank, rank)), np.empty((rank, rank))
    u, v, g, y = np.empty(rank), np.empty(rank), np.empty(rank), np.empty((rank, size))
    value = 0.0
    for j in range(nodes):
        _predict(a[j], q[j], rank, mean, cov, half)
        _seen(cov, out, d, rank, ph, s)
        for r in range(rank):
            total = 0.0
            for o in out:
                total += mean[r * d + o]
            u[r] = total
        value += _gain(factors[j], e[j], rests[j], s, u, x, w, v, sl, g)
        if keep:
            _copy(mean, cov, means[j], covs[j])
            for r in range(rank):
                vectors[j, r] = g[r]
                for c in range(r + 1):
                    total = 0.0
                    for k in range(rank):
                        total += x[k, r] * x[k, c]
                    gains[j, r, c] = total
                    gains[j, c, r] = total
        _update(ph, x, g, rank, mean, cov, y)
    return value


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def backward(a, out, means, covs, gains, vectors, mean, cov, slopes, curves, keep):
    """Smoothed marginals `mean` (J, R) and `cov` (J, R, R) of u, from what `forward` kept.

    With `keep`, the adjoint vectors `slopes` (J, D) and matrices `curves` (J, D, D) are kept, which
    carry what the data from node j on say.
    """
    nodes, rank = vectors.shape
    d = a.shape[1]
    size = rank * d
    slope, curve = np.zeros(size), np.zeros((size, size))
    half = np.empty((d, d))
    ph, s = np.empty((size, rank)), np.empty((rank, rank))
    y, yg, z = np.empty((size, rank)), np.empty((size, rank)), np.empty((rank, rank))
    sg, left = np.empty((rank, rank)), np.empty((rank, rank))
    pull = np.empty(rank)
    for j in range(nodes - 1, -1, -1):
        gain = gains[j]
        _seen(covs[j], out, d, rank, ph, s)
        for i in range(size):
            for r in range(rank):
                total = 0.0
                for k in range(size):
                    total += curve[i, k] * ph[k, r]
                y[i, r] = total
        for r in range(rank):
            total = 0.0
            for i in range(size):
                total += ph[i, r] * slope[i]
            pull[r] = total
            for c in range(rank):
                total, other = 0.0, 0.0
                for i in range(size):
                    total += ph[i, r] * y[i, c]
                for k in range(rank):
                    other += s[r, k] * gain[k, c]
                z[r, c] = total
                sg[r, c] = other
        for r in range(rank):
            for c in range(rank):
                total = z[r, c]
                for k in range(rank):
                    total -= sg[r, k] * z[k, c]
                left[r, c] = total
        for r in range(rank):  # S - SGS - (I - SG) Z (I - GS)
            for c in range(r + 1):
                total = s[r, c] - left[r, c]
                for k in range(rank):
                    total -= sg[r, k] * s[k, c] - left[r, k] * sg[c, k]
                cov[j, r, c] = total
                cov[j, c, r] = total
        for r in range(rank):  # slope and curve after the node's own message
            total = vectors[j, r]
            for c in range(rank):
                total += gain[r, c] * pull[c]
            for o in out:
                slope[r * d + o] -= total
        for i in range(size):
            for r in range(rank):
                total = 0.0
                for c in range(rank):
                    total += y[i, c] * gain[c, r]
                yg[i, r] = total
        for r in range(rank):
            for c in range(rank):
                total = gain[r, c]
                for k in range(rank):
                    inner = 0.0
                    for m in range(rank):
                        inner += z[k, m] * gain[m, c]
                    total += gain[r, k] * inner
                left[r, c] = total
        for i in range(size):
            for r in range(rank):
                for o in out:
                    curve[i, r * d + o] -= yg[i, r]
                    curve[r * d + o, i] -= yg[i, r]
        for r in range(rank):
            for c in range(rank):
                for o in out:
                    for p in out:
                        curve[r * d + o, c * d + p] += left[r, c]
        for i in range(size):  # an antisymmetric part, once there, would grow from node to node
            for k in range(i):
                curve[k, i] = curve[i, k]
        for r in range(rank):
            total = 0.0
            for o in out:
                total += means[j, r * d + o]
            for i in range(size):
                total -= ph[i, r] * slope[i]
            mean[j, r] = total
        if keep:
            _copy(slope, curve, slopes[j], curves[j])
        _pull_back(a[j], rank, slope, curve, half)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _pull_back(a, rank, slope, curve, half):
    """``A' slope`` and ``A' curve A``, in place."""
    d = a.shape[0]
    if d == 1:
        step = a[0, 0]
        square = step * step
        for r in range(rank):
            slope[r] *= step
            for c in range(rank):
                curve[r, c] *= square
        return
    for r in range(rank):
        p = r * d
        for i in range(d):
            total = 0.0
            for k in range(d):
                total += a[k, i] * slope[p + k]
            half[0, i] = total
        for i in range(d):
            slope[p + i] = half[0, i]
        for c in range(r + 1):
            s = c * d
            for i in range(d):
                for k in range(d):
                    total = 0.0
                    for m in range(d):
                        total += a[m, i] * curve[p + m, s + k]
                    half[i, k] = total
            for i in range(d):
                for k in range(d):
                    total = 0.0
                    for m in range(d):
                        total += half[i, m] * a[m, k]
                    curve[p + i, s + k] = total
                    curve[s + k, p + i] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def between(a, q, after, left, out, means, covs, gains, vectors, slopes, curves, mean, cov):
    """Posterior of u at new points: mean (n, R) and covariance (n, R, R).

    Point i follows node ``left[i]`` over `a`, `q`, and the next node follows it over `after`.
    Before all nodes ``left`` is -1, `a` zero and `q` the stationary covariance.
    """
    nodes, rank = vectors.shape
    d = a.shape[1]
    size = rank * d
    m, p = np.empty(size), np.empty((size, size))
    half = np.empty((d, d))
    ph, s, y = np.empty((size, rank)), np.empty((rank, rank)), np.empty((size, rank))
    slope, curve = np.empty(size), np.empty((size, size))
    for i in range(a.shape[0]):
        j = left[i]
        if j < 0:
            m.fill(0.0)
            p.fill(0.0)
        else:
            _copy(means[j], covs[j], m, p)
            _seen(p, out, d, rank, ph, s)
            for k in range(size):
                for r in range(rank):
                    m[k] += ph[k, r] * vectors[j, r]
                    total = 0.0
                    for c in range(rank):
                        total += ph[k, c] * gains[j, c, r]
                    y[k, r] = total
            for k in range(size):
                for n in range(size):
                    total = 0.0
                    for r in range(rank):
                        total += y[k, r] * ph[n, r]
                    p[k, n] -= total
        _predict(a[i], q[i], rank, m, p, half)
        _seen(p, out, d, rank, ph, s)
        for r in range(rank):
            total = 0.0
            for o in out:
                total += m[r * d + o]
            mean[i, r] = total
            for c in range(rank):
                cov[i, r, c] = s[r, c]
        if j + 1 >= nodes:
            continue
        _copy(slopes[j + 1], curves[j + 1], slope, curve)
        _pull_back(after[i], rank, slope, curve, half)
        for k in range(size):
            for r in range(rank):
                total = 0.0
                for n in range(size):
                    total += curve[k, n] * ph[n, r]
                y[k, r] = total
                mean[i, r] -= ph[k, r] * slope[k]
        for r in range(rank):
            for c in range(rank):
                total = 0.0
                for k in range(size):
                    total += ph[k, r] * y[k, c]
                cov[i, r, c] -= total
