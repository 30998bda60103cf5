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
    if t.shape[0] >= _KERNEL and is_numpy(factor, t) and factor.dtype == t.dtype == np.float64:
        from rankloom.decomposition.chebyshev.evaluation_kernels import series_rows

        out = np.empty((len(t), factor.shape[1]))
        series_rows(np.ascontiguousarray(factor), np.ascontiguousarray(t), out)
        return out
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


def derivatives(
    core: Array,
    factors: Sequence[Array],
    t: Sequence[Array],
    domain: Sequence[Interval],
    order: int,
) -> dict[tuple[int, ...], Array]:
    """All partial derivatives of one order at points of [-1, 1]^d.

    Parameters
    ----------
    core, factors, t
        As in `values`.
    domain : sequence of (start, stop)
        Of the variables to which the derivatives refer.
    order : int

    Returns
    -------
    dict
        From multi-indices, one order per axis, to values (m,).

    Notes
    -----
    About ``2 (order + 1) r^d`` operations per point: what is left after one axis serves all
    derivatives with respect to the others.
    """
    towers = []  # for each axis its basis functions and their derivatives
    for f, (start, stop) in zip(factors, domain, strict=True):
        tower = [f]
        for _ in range(order):
            tower.append(derivative(tower[-1]) * (2 / (stop - start)))
        towers.append(tower)
    parts: list[dict[tuple[int, ...], Array]] = []
    for part in _chunks(core, factors, t):
        found: dict[tuple[int, ...], Array] = {
            (j,): _first(core, rows(f, part[0])) for j, f in enumerate(towers[0])
        }
        for tower, x in zip(towers[1:], part[1:], strict=True):
            here = [rows(f, x) for f in tower]
            found = {
                (*index, j): _contract(v, here[j])
                for index, v in found.items()
                for j in range(order - sum(index) + 1)
            }
        parts.append({index: v[:, 0] for index, v in found.items() if sum(index) == order})
    xp = namespace(core)
    return {index: xp.concat([part[index] for part in parts]) for index in parts[0]}


def gradients(
    core: Array, factors: Sequence[Array], t: Sequence[Array], domain: Sequence[Interval]
) -> Array:
    """Gradients (m, d) at points of [-1, 1]^d with respect to the variables of `domain`."""
    d, found = len(factors), derivatives(core, factors, t, domain, 1)
    return namespace(core).stack([found[_index(d, k)] for k in range(d)], axis=1)


def hessians(
    core: Array, factors: Sequence[Array], t: Sequence[Array], domain: Sequence[Interval]
) -> Array:
    """Second derivatives (m, d, d) at points of [-1, 1]^d."""
    d, xp, found = len(factors), namespace(core), derivatives(core, factors, t, domain, 2)
    lines = [[found[_index(d, i, j)] for j in range(d)] for i in range(d)]
    return xp.stack([xp.stack(line, axis=1) for line in lines], axis=1)


def _index(d: int, *axes: int) -> tuple[int, ...]:
    """Multi-index of the derivative with respect to the given axes in turn."""
    return tuple(axes.count(k) for k in range(d))


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
