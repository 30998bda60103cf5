"""Values and gradients of Chebyshev-Tucker functions at scattered points, in any array library."""

from collections.abc import Sequence

from rankloom.decomposition.chebyshev.basis import derivative, polynomials
from rankloom.decomposition.chebyshev.domain import Interval, check_places, to_unit
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, like, namespace

_CHUNK = 2**20  # numbers held at once


def on_axis(factor: Array, x: Array, interval: Interval, axis: int) -> Array:
    """Basis functions of one axis at places x (n,), shape (n, r).

    Raises
    ------
    ValueError
        `x` is not one-dimensional, or has NaN or a place outside the interval.
    """
    xp = namespace(factor)
    complex_valued = xp.isdtype(factor.dtype, "complex floating")
    x = like(factor, x, xp.real(factor).dtype if complex_valued else factor.dtype)
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

    About ``2 r^3`` operations per point.
    """
    tensor = TuckerTensor._adopt(core, factors)
    parts = []
    for part in _chunks(tensor, t):
        parts.append(tensor._rows([rows(f, x) for f, x in zip(factors, part, strict=True)]))
    return parts[0] if len(parts) == 1 else namespace(core).concat(parts)


def gradients(
    core: Array, factors: Sequence[Array], t: Sequence[Array], domain: Sequence[Interval]
) -> Array:
    """Gradients (m, d) at points of [-1, 1]^d with respect to the variables of `domain`."""
    xp, tensor = namespace(core), TuckerTensor._adopt(core, factors)
    scales = [2 / (stop - start) for start, stop in domain]
    slopes = [derivative(f) * scale for f, scale in zip(factors, scales, strict=True)]
    parts = []
    for part in _chunks(tensor, t):
        plain = [rows(f, x) for f, x in zip(factors, part, strict=True)]
        columns = []
        for k, (slope, x) in enumerate(zip(slopes, part, strict=True)):
            columns.append(tensor._rows([*plain[:k], rows(slope, x), *plain[k + 1 :]]))
        parts.append(xp.stack(columns, axis=1))
    return parts[0] if len(parts) == 1 else xp.concat(parts)


def _chunks(tensor: TuckerTensor, t: Sequence[Array]) -> list[list[Array]]:
    """The places in pieces whose intermediates fit into `_CHUNK` numbers."""
    count = t[0].shape[0]
    size = max(1, _CHUNK // max(tensor._per_point(), max(tensor.shape)))
    starts = range(0, max(count, 1), size)
    return [[x[start : min(start + size, count)] for x in t] for start in starts]
