"""Numba kernels of the exact slanted-boundary contraction: value, adjoint, chain rule.

Conventions
-----------
- A boundary of S complex entries is stored as 2 S floats, all real parts first. Inner loops
  then run over contiguous reals, which the compiler turns into vector instructions.
- Two-qubit indices inside this file are ``2 * right + left``, the order of the wires in memory
  (schedule.py); the house order ``2 * left + right`` is restored by the callers.
- ``bar`` marks the adjoint: ``before . bar_before == after . bar_after == f`` at every step
  (no conjugation), with ``f = <target|ansatz>``.
- Of each gate the kernels gather ``D[c', c] = sum bar_before[c'] before[c]``, from which the
  environment of the unitary gate G is ``conj(G) D``. All D have trace f.

`slanted.py` holds the array-API twin, which is the oracle of these kernels in the tests.
"""

from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  np.dot goes there; loaded now, thread limits see it
from numba import njit

# No nnan/ninf: a non-finite angle must stay visible in the result.
_PUBLIC: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
_PRIVATE = _PUBLIC | {"no_cpython_wrapper": True}  # called by kernels only: compiles faster

_ADD, _ADD_PAIR, _GATE, _ABSORB, _ABSORB_2 = 0, 1, 2, 3, 4  # schedule.Op


@njit(**_PRIVATE)
def _zxz(p0, p1, p2, out):
    c, s = np.cos(0.5 * p1), np.sin(0.5 * p1)
    plus, minus = 0.5 * (p2 + p0), 0.5 * (p2 - p0)
    out[0, 0] = c * complex(np.cos(plus), -np.sin(plus))
    out[0, 1] = s * complex(-np.sin(minus), -np.cos(minus))
    out[1, 0] = s * complex(np.sin(minus), -np.cos(minus))
    out[1, 1] = c * complex(np.cos(plus), np.sin(plus))


@njit(**_PUBLIC)
def build_gates(angles, fronts, gates):
    """Fill `fronts` (n, 2) and `gates` (2, blocks, 4, 4: each gate and its transpose)."""
    n = fronts.shape[0]
    for i in range(n):
        a, b = 0.5 * angles[2 * i], 0.5 * angles[2 * i + 1]
        fronts[i, 0] = np.cos(a) * complex(np.cos(b), -np.sin(b))
        fronts[i, 1] = np.sin(a) * complex(np.sin(b), -np.cos(b))
    left, right = np.empty((2, 2), np.complex128), np.empty((2, 2), np.complex128)
    for k in range(gates.shape[1]):
        p = angles[2 * n + 9 * k : 2 * n + 9 * k + 9]
        _zxz(p[3], p[4], p[5], left)
        _zxz(p[6], p[7], p[8], right)
        phase = complex(np.cos(p[2]), np.sin(p[2]))
        even, odd = p[0] - p[1], p[0] + p[1]
        # kak mixes index c with 3 - c only: {00, 11} with a - b, {01, 10} with a + b
        for r in range(4):
            for c in range(4):
                outer = c == 0 or c == 3
                ph = phase if outer else phase.conjugate()
                turn = even if outer else odd
                same = right[r >> 1, c >> 1] * left[r & 1, c & 1]
                flipped = right[r >> 1, 1 - (c >> 1)] * left[r & 1, 1 - (c & 1)]
                value = ph * (same * np.cos(turn) + flipped * complex(0.0, np.sin(turn)))
                gates[0, k, r, c] = value
                gates[1, k, c, r] = value


@njit(**_PRIVATE)
def _mix(x, outer, inner, gate, y):
    """y = gate x on the middle axis of the (outer, 4, inner) view."""
    plane = 4 * outer * inner
    for a in range(outer):
        for r in range(4):
            g0, g1, g2, g3 = gate[r, 0], gate[r, 1], gate[r, 2], gate[r, 3]
            r0, r1, r2, r3 = g0.real, g1.real, g2.real, g3.real
            i0, i1, i2, i3 = g0.imag, g1.imag, g2.imag, g3.imag
            real = x[4 * a * inner : 4 * (a + 1) * inner]
            imag = x[plane + 4 * a * inner : plane + 4 * (a + 1) * inner]
            out_real = y[(4 * a + r) * inner : (4 * a + r + 1) * inner]
            out_imag = y[plane + (4 * a + r) * inner : plane + (4 * a + r + 1) * inner]
            for q in range(inner):
                x0, x1, x2, x3 = real[q], real[inner + q], real[2 * inner + q], real[3 * inner + q]
                z0, z1, z2, z3 = imag[q], imag[inner + q], imag[2 * inner + q], imag[3 * inner + q]
                out_real[q] = (r0 * x0 - i0 * z0 + r1 * x1 - i1 * z1) + (
                    r2 * x2 - i2 * z2 + r3 * x3 - i3 * z3
                )
                out_imag[q] = (r0 * z0 + i0 * x0 + r1 * z1 + i1 * x1) + (
                    r2 * z2 + i2 * x2 + r3 * z3 + i3 * x3
                )


@njit(**_PUBLIC)
def dress(ops, starts, gates, pairs, dressed):
    """Fold every last-layer gate into its pair of target tensors.

    `pairs[starts[i]:]` holds the planes of the (inner, chi) matrix of op i without its gate, and
    then those of its transpose; `dressed[starts[i]:]` receives both with the gate.
    """
    for i in range(ops.shape[0]):
        if ops[i, 0] == _ABSORB_2:
            quarter, chi, gate = ops[i, 4] // 4, ops[i, 5], gates[1, ops[i, 1]]
            here, there = starts[i], starts[i] + 8 * quarter * chi
            one = np.int64(1)  # typed, or numba compiles `_mix` again for a literal
            _mix(pairs[here:], one, quarter * chi, gate, dressed[here:])
            _mix(pairs[there:], chi, quarter, gate, dressed[there:])


@njit(**_PRIVATE)
def _product(x, rows, inner, columns, planes, y, scratch):
    """y = x @ matrix for complex (rows, inner) and (inner, columns), all as stacked planes."""
    size = rows * columns
    stacked = x[: 2 * rows * inner].reshape(2 * rows, inner)
    matrix = planes[: 2 * inner * columns].reshape(2 * inner, columns)
    by_real = scratch[: 2 * size]
    by_imag = scratch[2 * size : 4 * size]
    np.dot(stacked, matrix[:inner], by_real.reshape(2 * rows, columns))
    np.dot(stacked, matrix[inner:], by_imag.reshape(2 * rows, columns))
    for q in range(size):
        y[q] = by_real[q] - by_imag[size + q]
        y[size + q] = by_real[size + q] + by_imag[q]


@njit(**_PRIVATE)
def _fresh(op, fronts, gates, w):
    """Amplitude w of the wire that is appended, or of the two."""
    if op[0] == _ADD:
        return fronts[op[2], w]
    value = 0j
    for c in range(4):
        value += gates[0, op[1], w, c] * fronts[op[2] + 1, c >> 1] * fronts[op[2], c & 1]
    return value


@njit(**_PUBLIC)
def step(op, adjoint, fronts, gates, dressed, x, y, scratch):
    """One step: the boundary from before `x` to after `y`, or its adjoint from after to before."""
    kind, outer, inner, chi = op[0], op[3], op[4], op[5]
    if kind == _GATE:
        _mix(x, outer, inner, gates[1 if adjoint else 0, op[1]], y)
    elif kind == _ABSORB or kind == _ABSORB_2:
        rows, columns = (chi, inner) if adjoint else (inner, chi)
        start = 2 * inner * chi if adjoint else 0
        _product(x, outer, rows, columns, dressed[start:], y, scratch)
    else:
        wires = 2 if kind == _ADD else 4
        long = wires * inner
        if adjoint:
            y[: 2 * inner] = 0.0
        for w in range(wires):
            value = _fresh(op, fronts, gates, w)
            re, im = value.real, value.imag
            o = w * inner
            for q in range(inner):
                if adjoint:
                    y[q] += re * x[o + q] - im * x[long + o + q]
                    y[inner + q] += re * x[long + o + q] + im * x[o + q]
                else:
                    y[o + q] = re * x[q] - im * x[inner + q]
                    y[long + o + q] = re * x[inner + q] + im * x[q]


@njit(**_PUBLIC)
def inner_product(x, x_plane, y, y_plane, size):
    """sum x * y of two stretches, planes `x_plane` and `y_plane` apart (no conjugation)."""
    re = im = 0.0
    for q in range(size):
        re += x[q] * y[q] - x[x_plane + q] * y[y_plane + q]
        im += x[q] * y[y_plane + q] + x[x_plane + q] * y[q]
    return complex(re, im)


@njit(**_PRIVATE)
def _gather_gate(bar, before, outer, inner, out):
    out[:] = 0j
    plane = 4 * outer * inner
    for a in range(outer):
        for r in range(4):
            u = bar[(4 * a + r) * inner :]
            v = bar[plane + (4 * a + r) * inner :]
            for c in range(0, 4, 2):  # two columns at once: loads and multiplications balance
                x = before[(4 * a + c) * inner :]
                z = before[plane + (4 * a + c) * inner :]
                s0 = s1 = t0 = t1 = 0.0
                for q in range(inner):
                    s0 += u[q] * x[q] - v[q] * z[q]
                    t0 += u[q] * z[q] + v[q] * x[q]
                    s1 += u[q] * x[inner + q] - v[q] * z[inner + q]
                    t1 += u[q] * z[inner + q] + v[q] * x[inner + q]
                out[r, c] += complex(s0, t0)
                out[r, c + 1] += complex(s1, t1)


@njit(**_PUBLIC)
def gather(op, fronts, gates, before, bar_before, bar_after, front_bars, densities):
    """Derivatives that one step contributes: `front_bars` (n, 2) and `densities` (blocks, 4, 4)."""
    kind, index, site, outer, inner = op[0], op[1], op[2], op[3], op[4]
    if kind == _GATE:
        _gather_gate(bar_before, before, outer, inner, densities[index])
    elif kind == _ABSORB_2:
        _gather_gate(bar_before, before, outer, inner // 4, densities[index])
    elif kind == _ADD:
        for w in range(2):
            front_bars[site, w] = inner_product(
                before, inner, bar_after[w * inner :], 2 * inner, inner
            )
    elif kind == _ADD_PAIR:
        out = np.empty(4, np.complex128)
        for w in range(4):
            out[w] = inner_product(before, inner, bar_after[w * inner :], 4 * inner, inner)
        front_bars[site], front_bars[site + 1] = 0j, 0j
        for r in range(4):
            pulled = 0j
            for w in range(4):
                pulled += gates[0, index, w, r] * out[w]
            for c in range(4):
                densities[index, r, c] = pulled * fronts[site + 1, c >> 1] * fronts[site, c & 1]
            front_bars[site + 1, r >> 1] += pulled * fronts[site, r & 1]
            front_bars[site, r & 1] += pulled * fronts[site + 1, r >> 1]


@njit(**_PUBLIC)
def run(
    ops, starts, sizes, offsets, adjoint, gathering,
    fronts, gates, dressed, tape, carry, front_bars, densities, scratch,
):  # fmt: skip
    """Run all `ops`, or their adjoint backward.

    Not gathering: every boundary goes to `tape`, whose first one (adjoint: last) is given.
    Gathering: `tape` holds the boundaries of the opposite direction; `carry` (2, width) starts
    with the first boundary in row 0, and `front_bars` and `densities` are filled on the way.
    """
    count = ops.shape[0]
    for j in range(count):
        i = count - 1 - j if adjoint else j
        here = tape[offsets[i] : offsets[i] + 2 * sizes[i]]
        there = tape[offsets[i + 1] : offsets[i + 1] + 2 * sizes[i + 1]]
        if gathering:
            x, y = carry[j % 2], carry[1 - j % 2]
        elif adjoint:
            x, y = there, here
        else:
            x, y = here, there
        step(ops[i], adjoint, fronts, gates, dressed[starts[i] :], x, y, scratch)
        if gathering:
            if adjoint:
                gather(ops[i], fronts, gates, here, y, x, front_bars, densities)
            else:
                gather(ops[i], fronts, gates, x, here, there, front_bars, densities)
    if gathering and count % 2:  # the next call finds its start in row 0 again
        for q in range(carry.shape[1]):
            carry[0, q] = carry[1, q]


@njit(**_PUBLIC)
def chain_rule(angles, f, fronts, gates, front_bars, densities, gradient):
    """dF/d angles with F = |f|^2, from what `gather` left."""
    n = fronts.shape[0]
    scale = 2.0 * f.conjugate()
    for i in range(n):
        a, b = 0.5 * angles[2 * i], 0.5 * angles[2 * i + 1]
        up, down = front_bars[i, 0], front_bars[i, 1]
        slope = -up * np.sin(a) * complex(np.cos(b), -np.sin(b))
        slope += down * np.cos(a) * complex(np.sin(b), -np.cos(b))
        gradient[2 * i] = 0.5 * (scale * slope).real
        turn = down * fronts[i, 1] - up * fronts[i, 0]
        gradient[2 * i + 1] = 0.5 * (scale * turn * 1j).real
    moved, h = np.empty((4, 4), np.complex128), np.empty((4, 4), np.complex128)
    for k in range(gates.shape[1]):
        g, d = gates[0, k], densities[k]
        p = angles[2 * n + 9 * k : 2 * n + 9 * k + 9]
        out = gradient[2 * n + 9 * k : 2 * n + 9 * k + 9]
        outer, middle = d[3, 0] + d[0, 3], d[2, 1] + d[1, 2]
        out[0] = (scale * 1j * (middle + outer)).real
        out[1] = (scale * 1j * (middle - outer)).real
        out[2] = (scale * 1j * (d[0, 0] + d[3, 3] - d[1, 1] - d[2, 2])).real
        # tr(E^T generator G) = tr(h generator), h = G D^T G^dagger
        for r in range(4):
            for c in range(4):
                moved[r, c] = 0j
                for x in range(4):
                    moved[r, c] += g[r, x] * d[c, x]
        for r in range(4):
            for c in range(4):
                h[r, c] = 0j
                for x in range(4):
                    h[r, c] += moved[r, x] * g[c, x].conjugate()
        for wire in range(2):  # left (fast index), then right: Pauli expectations of h
            step, other = (1, 2) if wire == 0 else (2, 1)
            up_down = h[0, step] + h[other, other + step]
            down_up = h[step, 0] + h[other + step, other]
            x = up_down + down_up
            y = 1j * (up_down - down_up)
            z = h[0, 0] + h[other, other] - h[step, step] - h[other + step, other + step]
            p1, p2 = p[4 + 3 * wire], p[5 + 3 * wire]
            s1, c1, s2, c2 = np.sin(p1), np.cos(p1), np.sin(p2), np.cos(p2)
            half = -0.5j * scale
            out[3 + 3 * wire] = (half * (c1 * z - s1 * (c2 * y - s2 * x))).real
            out[4 + 3 * wire] = (half * (c2 * x + s2 * y)).real
            out[5 + 3 * wire] = (half * z).real
