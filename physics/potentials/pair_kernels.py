"""Numba kernels of sums over pairs: direct sums, and short ranges by cells.

Sources come as coordinates and charges (x, y, z, q), each (n,), so that the compiler loads
them in vectors. `direct.py` and `short_range.py` hold the twins in plain array operations, the
oracles in the tests. A kernel value is ``1/r``, or ``exp(-kappa r)/r`` where kappa > 0.
"""

import math

from numba import njit

# No nnan/ninf: a point on a charge must give infinity.
_FAST = {"reassoc", "contract", "nsz", "arcp"}


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
def _long(square, table, scale):
    """Long-range kernel and its derivative by the squared distance, from piecewise polynomials.

    Row i of `table` holds the coefficients in ``square * scale - i``, lowest degree first.
    """
    u = square * scale
    i = min(int(u), table.shape[0] - 1)
    u -= i
    value, slope = table[i, table.shape[1] - 1], 0.0
    for k in range(table.shape[1] - 2, -1, -1):
        slope = slope * u + value
        value = value * u + table[i, k]
    return value, slope * scale


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _residual(square, table, scale, kappa):
    """Short-range kernel at a squared distance: all of it less the long-range part."""
    r = math.sqrt(square)
    long, _ = _long(square, table, scale)
    if kappa == 0.0:
        return 1.0 / r - long
    return math.exp(-kappa * r) / r - long


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _residual_slope(square, table, scale, kappa):
    """What times the difference vector is the field of the short-range kernel."""
    r = math.sqrt(square)
    slope = 1.0 / (square * r)
    if kappa != 0.0:
        slope *= (1.0 + kappa * r) * math.exp(-kappa * r)
    return slope + 2.0 * _long(square, table, scale)[1]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def short_sums(points, own, sources, starts, origin, edge, cutoff, kernel, slopes, out):
    """Short-range potential at points into `out` (m, 1); the field into (m, 3) where `slopes`.

    Sources are sorted by cells of edge `edge`, numbered in C order in the shape of `starts` less
    one in the last place; cell (i, j, k) holds ``starts[i, j, k] <= s < starts[i, j, k + 1]``, so
    that cells along z follow one another. Source ``own[i]`` (sorted) is left out at point i.
    """
    x, y, z, q = sources
    table, scale, kappa = kernel
    nx, ny, nz = starts.shape[0], starts.shape[1], starts.shape[2] - 1
    for p in range(points.shape[0]):
        px, py, pz = points[p, 0], points[p, 1], points[p, 2]
        total, fx, fy, fz = 0.0, 0.0, 0.0, 0.0
        i0 = max(0, math.floor((px - cutoff - origin[0]) / edge))
        i1 = min(nx - 1, math.floor((px + cutoff - origin[0]) / edge))
        j0 = max(0, math.floor((py - cutoff - origin[1]) / edge))
        j1 = min(ny - 1, math.floor((py + cutoff - origin[1]) / edge))
        for i in range(i0, i1 + 1):
            low = origin[0] + i * edge
            gap_x = max(0.0, low - px, px - low - edge)
            for j in range(j0, j1 + 1):
                low = origin[1] + j * edge
                gap_y = max(0.0, low - py, py - low - edge)
                left = cutoff * cutoff - gap_x * gap_x - gap_y * gap_y
                if left <= 0.0:
                    continue
                height = math.sqrt(left)
                k0 = max(0, math.floor((pz - height - origin[2]) / edge))
                k1 = min(nz - 1, math.floor((pz + height - origin[2]) / edge))
                if k1 < k0:
                    continue
                for s in range(starts[i, j, k0], starts[i, j, k1 + 1]):
                    dx, dy, dz = px - x[s], py - y[s], pz - z[s]
                    square = dx * dx + dy * dy + dz * dz
                    if square >= cutoff * cutoff or s == own[p]:
                        continue
                    if slopes:
                        c = q[s] * _residual_slope(square, table, scale, kappa)
                        fx += c * dx
                        fy += c * dy
                        fz += c * dz
                    else:
                        total += q[s] * _residual(square, table, scale, kappa)
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
    table, scale, kappa = kernel
    for s in range(x.shape[0]):
        i0, j0, k0 = _first(gx, x[s] - cutoff), _first(gy, y[s] - cutoff), _first(gz, z[s] - cutoff)
        for i in range(i0, gx.shape[0]):
            dx = gx[i] - x[s]
            if dx > cutoff:
                break
            for j in range(j0, gy.shape[0]):
                dy = gy[j] - y[s]
                if dy > cutoff:
                    break
                for k in range(k0, gz.shape[0]):
                    dz = gz[k] - z[s]
                    if dz > cutoff:
                        break
                    square = dx * dx + dy * dy + dz * dz
                    if square < cutoff * cutoff:
                        out[i, j, k] += q[s] * _residual(square, table, scale, kappa)


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
