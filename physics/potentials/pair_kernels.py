"""Numba kernels of sums over pairs: direct sums, and short ranges by cells.

Sources come as coordinates and charges (x, y, z, q), each (n,), so that the compiler loads
them in vectors. `direct.py` and `short_range.py` hold the twins in plain array operations, the
oracles in the tests. A kernel value is ``1/r``, or ``exp(-kappa r)/r`` where kappa > 0.
"""

import math

import numpy as np
from numba import njit

# No nnan/ninf: a point on a charge must give infinity.
_FAST = {"reassoc", "contract", "nsz", "arcp"}
_BLOCK = 256  # distances at a time, in the first cache


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _potential(px, py, pz, x, y, z, q, start, stop, kappa):
    total = 0.0
    if kappa == 0.0:
        for j in range(start, stop):
            dx, dy, dz = px - x[j], py - y[j], pz - z[j]
            total += q[j] / math.sqrt(dx * dx + dy * dy + dz * dz)
    else:
        for j in range(start, stop):
            dx, dy, dz = px - x[j], py - y[j], pz - z[j]
            r = math.sqrt(dx * dx + dy * dy + dz * dz)
            total += q[j] * math.exp(-kappa * r) / r
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _field(px, py, pz, x, y, z, q, start, stop, kappa):
    fx, fy, fz = 0.0, 0.0, 0.0
    if kappa == 0.0:
        for j in range(start, stop):
            dx, dy, dz = px - x[j], py - y[j], pz - z[j]
            square = dx * dx + dy * dy + dz * dz
            c = q[j] / (square * math.sqrt(square))
            fx += c * dx
            fy += c * dy
            fz += c * dz
    else:
        for j in range(start, stop):
            dx, dy, dz = px - x[j], py - y[j], pz - z[j]
            r = math.sqrt(dx * dx + dy * dy + dz * dz)
            c = q[j] * (1.0 + kappa * r) * math.exp(-kappa * r) / (r * r * r)
            fx += c * dx
            fy += c * dy
            fz += c * dz
    return fx, fy, fz


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def direct_potential(points, sources, kappa, own, out):
    """Potential at points (m, 3) into `out` (m,); source ``own[i]`` is left out at point i.

    ``own[i] < 0`` leaves none out.
    """
    x, y, z, q = sources
    n = x.shape[0]
    for i in range(points.shape[0]):
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        total, start, stop = 0.0, 0, n if own[i] < 0 else own[i]
        for _ in range(2):  # before and after the source left out
            total += _potential(px, py, pz, x, y, z, q, start, stop, kappa)
            start, stop = stop + 1, n
        out[i] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def direct_field(points, sources, kappa, own, out):
    """Field, minus the gradient of the potential, into `out` (m, 3); `own` as above."""
    x, y, z, q = sources
    n = x.shape[0]
    for i in range(points.shape[0]):
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        fx, fy, fz = 0.0, 0.0, 0.0
        start, stop = 0, n if own[i] < 0 else own[i]
        for _ in range(2):
            gx, gy, gz = _field(px, py, pz, x, y, z, q, start, stop, kappa)
            fx, fy, fz = fx + gx, fy + gy, fz + gz
            start, stop = stop + 1, n
        out[i, 0], out[i, 1], out[i, 2] = fx, fy, fz


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _residuals(square, count, kernel, slopes, out):
    """Short-range kernel at the first `count` squared distances; its slope over r where `slopes`.

    The long-range part is one polynomial in ``square * scale - 1``, highest degree first; four
    coefficients at a time, so that the loops over distances run in vector registers.
    """
    values, derivatives, scale, kappa = kernel
    series = derivatives if slopes else values
    out[:count] = 0.0
    for k in range(0, series.shape[0], 4):
        c0, c1, c2, c3 = series[k], series[k + 1], series[k + 2], series[k + 3]
        for i in range(count):
            v = square[i] * scale - 1.0
            out[i] = (((out[i] * v + c0) * v + c1) * v + c2) * v + c3
    if kappa == 0.0 and not slopes:
        for i in range(count):
            out[i] = 1.0 / math.sqrt(square[i]) - out[i]
    elif kappa == 0.0:
        for i in range(count):
            out[i] += 1.0 / (square[i] * math.sqrt(square[i]))
    elif not slopes:
        for i in range(count):
            r = math.sqrt(square[i])
            out[i] = math.exp(-kappa * r) / r - out[i]
    else:
        for i in range(count):
            r = math.sqrt(square[i])
            out[i] += (1.0 + kappa * r) * math.exp(-kappa * r) / (square[i] * r)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _gather(cell, sources, starts, origin, edge, cutoff, near):
    """Copy the sources within the cutoff of a cell's box into the rows of `near`; their number."""
    x, y, z, q = sources
    nx, ny, nz = starts.shape[0], starts.shape[1], starts.shape[2] - 1
    i, j, k = cell // (ny * nz), cell // nz % ny, cell % nz
    ax, ay, az = origin[0] + i * edge, origin[1] + j * edge, origin[2] + k * edge
    reach = math.ceil(cutoff / edge)
    bound = cutoff * cutoff * (1.0 + 1e-12)  # points may lie a rounding outside their cell
    count = 0
    for ci in range(max(0, i - reach), min(nx, i + reach + 1)):
        gap_x = max(0.0, (abs(ci - i) - 1) * edge)
        for cj in range(max(0, j - reach), min(ny, j + reach + 1)):
            gap_y = max(0.0, (abs(cj - j) - 1) * edge)
            left = bound - gap_x * gap_x - gap_y * gap_y
            if left < 0.0:
                continue
            height = min(reach, int(math.sqrt(left) / edge) + 1)
            first, last = max(0, k - height), min(nz - 1, k + height)
            for s in range(starts[ci, cj, first], starts[ci, cj, last + 1]):
                dx = max(0.0, ax - x[s], x[s] - ax - edge)
                dy = max(0.0, ay - y[s], y[s] - ay - edge)
                dz = max(0.0, az - z[s], z[s] - az - edge)
                near[0, count], near[1, count], near[2, count] = x[s], y[s], z[s]
                near[3, count] = q[s]
                count += dx * dx + dy * dy + dz * dz <= bound
    return count


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def short_sums(points, order, cells, others, sources, starts, origin, edge, cutoff, kernel, out):
    """Short-range potential at points into `out` (m, 1), or the field into `out` (m, 3).

    Sources are sorted by cells of edge `edge`, numbered in C order in the shape of `starts` less
    one in the last place; cell (i, j, k) holds ``starts[i, j, k] <= s < starts[i, j, k + 1]``, so
    that cells along z follow one another. ``cells[order]`` ascends and numbers the cells of points
    in the same way: what is near a cell is gathered once for all points in it. Sources at distance
    zero are left out where `others`.
    """
    slopes = out.shape[1] == 3
    least = 0.0 if others else -1.0
    most = cutoff * cutoff
    near = np.empty((4, sources[0].shape[0] + 1))
    x, y, z, q = near[0], near[1], near[2], near[3]
    square, charge, value = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    distance = np.empty(_BLOCK)
    index = np.empty(_BLOCK, np.int64)
    count, known = 0, -1
    for p in order:
        if cells[p] != known:
            known = cells[p]
            count = _gather(known, sources, starts, origin, edge, cutoff, near)
        px, py, pz = points[p, 0], points[p, 1], points[p, 2]
        total, fx, fy, fz = 0.0, 0.0, 0.0, 0.0
        for start in range(0, count, _BLOCK):
            size = min(_BLOCK, count - start)
            for i in range(size):
                dx, dy, dz = px - x[start + i], py - y[start + i], pz - z[start + i]
                distance[i] = dx * dx + dy * dy + dz * dz
            found = 0
            for i in range(size):  # no branch: half of them are near
                square[found], charge[found] = distance[i], q[start + i]
                index[found] = start + i
                found += (distance[i] < most) & (distance[i] > least)
            _residuals(square, found, kernel, slopes, value)
            if slopes:
                for i in range(found):
                    c, s = charge[i] * value[i], index[i]
                    fx += c * (px - x[s])
                    fy += c * (py - y[s])
                    fz += c * (pz - z[s])
            else:
                for i in range(found):
                    total += charge[i] * value[i]
        if slopes:
            out[p, 0], out[p, 1], out[p, 2] = fx, fy, fz
        else:
            out[p, 0] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def short_on_grid(axes, sources, cutoff, kernel, out):
    """Add the short-range potential of all sources to a tensor grid `out`, ball after ball.

    The three arrays of coordinates in `axes` ascend.
    """
    gx, gy, gz = axes
    x, y, z, q = sources
    square, value = np.empty(gz.shape[0]), np.empty(gz.shape[0])
    for s in range(x.shape[0]):
        for i in range(_first(gx, x[s] - cutoff), _first(gx, x[s] + cutoff)):
            dx = gx[i] - x[s]
            for j in range(_first(gy, y[s] - cutoff), _first(gy, y[s] + cutoff)):
                dy = gy[j] - y[s]
                flat = dx * dx + dy * dy
                if flat >= cutoff * cutoff:
                    continue
                height = math.sqrt(cutoff * cutoff - flat)
                first = _first(gz, z[s] - height)
                count = _first(gz, z[s] + height) - first
                for k in range(count):
                    dz = gz[first + k] - z[s]
                    square[k] = flat + dz * dz
                _residuals(square, count, kernel, False, value)
                for k in range(count):
                    out[i, j, first + k] += q[s] * value[k]


@njit(cache=True, nogil=True)
def _first(ascending, value):
    """Index of the first entry that is not below `value`."""
    low, high = 0, ascending.shape[0]
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low
