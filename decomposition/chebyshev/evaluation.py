"""Values and gradients of Chebyshev-Tucker functions at scattered points, in any array library."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from rankloom.decomposition.chebyshev.basis import derivative, is_complex, polynomials
from rankloom.decomposition.chebyshev.domain import Interval, check_places, to_unit
from rankloom.tn.arrays import Array, is_numpy, like, namespace

_CHUNK = 2**18  # numbers held at once: two megabytes, for a cache
_KERNEL = 256  # points from which a compiled kernel pays


def on_axis(factor: Array, x: Array, interval: Interval, axis: int) -> Array:
    """Basis functions of one axis at places x (n,), shape (n, r).

    Raises
    ------
    ValueError
        `x` is not one-dimensional, or has NaN or a place outside the interval.
    """
    xp = namespace(factor)
    x = like(factor, x, xp.real(factor).dtype if is_complex(factor) else factor.dtype)
    if x.ndim != 1:
        raise ValueError(f"the places of axis {axis} must have shape (n,), got {tuple(x.shape)}.")
    t = to_unit(x, interval)
    check_places(f"places of axis {axis}", x, t, interval)
    return rows(factor, t)


def rows(factor: Array, t: Array) -> Array:
    """Basis functions at places t of [-1, 1], shape (len(t), r)."""
    table = polynomials(t, factor.shape[0])
    if table.dtype != factor.dtype:
        table = namespace(factor).astype(table, factor.dtype)
    return table.T @ factor


def values(core: Array, factors: Sequence[Array], t: Sequence[Array]) -> Array:
    """Values at points of [-1, 1]^d, one array of places per axis.

    About ``2 r^d`` operations per point, nearly all in one matrix product.
    """
    parts = []
    for part in _chunks(core, factors, t):
        v = _first(core, rows(factors[0], part[0]))
        for f, x in zip(factors[1:], part[1:], strict=True):
            v = _contract(v, rows(f, x))
        parts.append(v[:, 0])
    return parts[0] if len(parts) == 1 else namespace(core).concat(parts)


def gradients(
    core: Array, factors: Sequence[Array], t: Sequence[Array], domain: Sequence[Interval]
) -> Array:
    """Gradients (m, d) at points of [-1, 1]^d with respect to the variables of `domain`.

    About ``4 r^d`` operations per point: what is left after one axis serves all others.
    """
    xp = namespace(core)
    slopes = [
        derivative(f) * (2 / (stop - start))
        for f, (start, stop) in zip(factors, domain, strict=True)
    ]
    parts = []
    for part in _chunks(core, factors, t):
        plain = _first(core, rows(factors[0], part[0]))
        partial = [_first(core, rows(slopes[0], part[0]))]
        for f, slope, x in zip(factors[1:], slopes[1:], part[1:], strict=True):
            here, along = rows(f, x), rows(slope, x)
            partial = [*(_contract(v, here) for v in partial), _contract(plain, along)]
            plain = _contract(plain, here)
        parts.append(xp.concat(partial, axis=1))
    return parts[0] if len(parts) == 1 else xp.concat(parts)


def _first(core: Array, row: Array) -> Array:
    """The first axis of the core contracted with a row (p, r_0) per point, shape (p, rest)."""
    return row @ namespace(core).reshape(core, (core.shape[0], -1))


def _contract(v: Array, row: Array) -> Array:
    """The next axis of the tensors (p, r * rest) contracted with rows (p, r), shape (p, rest)."""
    xp, (points, r) = namespace(v), row.shape
    v = xp.reshape(v, (points, r, -1))
    if points >= _KERNEL and is_numpy(v) and v.dtype == row.dtype == np.float64:
        from rankloom.decomposition.chebyshev.evaluation_kernels import contract_rows

        out = np.empty((points, v.shape[2]))
        contract_rows(v, np.ascontiguousarray(row), out)
        return out
    return xp.matmul(row[:, None, :], v)[:, 0, :]


def _chunks(core: Array, factors: Sequence[Array], t: Sequence[Array]) -> Iterator[list[Array]]:
    """The places in pieces whose intermediates fit into `_CHUNK` numbers."""
    count = t[0].shape[0]
    widest = max(math.prod(core.shape[1:]), *(f.shape[0] for f in factors))
    size = max(64, _CHUNK // widest)
    for start in range(0, max(count, 1), size):
        yield [x[start : min(start + size, count)] for x in t]
