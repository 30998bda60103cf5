"""Entries and weighted sums of tensor trains, as `MPS` offers them.

Functions take site tensors ``(left, physical, right)`` of any array library. Indices are counted
out on the host; values stay in the library of the tensors.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn.arrays import Array, like, namespace, one_blas_thread, same_dtype, to_host

_CHUNK = 2**21  # numbers held at once for one site
_WHOLE = 2**19  # multiplications that all of a site's matrices may cost at once


def at(tensors: Sequence[Array], indices: ArrayLike | Array) -> Array:
    """Entries at the rows of `indices`; see `MPS.at`."""
    wanted = check_indices("indices", indices, [t.shape[1] for t in tensors])
    with one_blas_thread():
        return values(tensors, wanted)


def values(tensors: Sequence[Array], indices: NDArray[np.intp]) -> Array:
    """Entries (m,) at the rows (m, n) of `indices`, unchecked."""
    widest = max(t.shape[1] * t.shape[2] for t in tensors)
    size = max(1, _CHUNK // widest)
    starts = range(0, max(len(indices), 1), size)
    parts = [_rows(tensors, indices[start : start + size]) for start in starts]
    return parts[0] if len(parts) == 1 else namespace(*parts).concat(parts)


def _rows(tensors: Sequence[Array], indices: NDArray[np.intp]) -> Array:
    """One row vector per point, carried through the chain by one matrix product a site.

    Where multiplying by all d matrices of a site would be dear, points are sorted by their index
    there and each group meets its own matrix.
    """
    xp = namespace(*tensors)
    points = len(indices)
    # short integers are sorted by counting
    short = np.uint16 if max(t.shape[1] for t in tensors) <= 2**16 else np.intp
    columns, order = np.ascontiguousarray(indices.T, dtype=short), np.arange(points)
    # the matrices of the first site are rows already
    rows = xp.take(tensors[0][0, :, :], like(tensors[0], columns[0].astype(np.intp)), axis=0)
    for site, column in zip(tensors[1:], columns[1:], strict=True):
        dl, d, dr = site.shape
        if d <= 2 or points * dl * d * dr <= _WHOLE:
            chosen = np.arange(points) * d + column[order]
            rows = xp.reshape(rows @ xp.reshape(site, (dl, -1)), (-1, dr))
            rows = xp.take(rows, like(site, chosen), axis=0)
            continue
        again = np.argsort(column[order], kind="stable")
        rows, order = xp.take(rows, like(site, again), axis=0), order[again]
        ends = np.searchsorted(column[order], np.arange(d + 1))
        groups = [
            rows[ends[s] : ends[s + 1], :] @ site[:, s, :]
            for s in range(d)
            if ends[s] < ends[s + 1]
        ]
        rows = xp.concat(groups, axis=0)
    back = np.empty_like(order)
    back[order] = np.arange(points)
    return xp.take(xp.reshape(rows, (-1,)), like(tensors[0], back))


def weighted_sum(tensors: Sequence[Array], weights: Sequence[Any] | None = None) -> float | complex:
    """Sum of all entries times the weights of their indices; see `MPS.sum`."""
    given = [None] * len(tensors) if weights is None else list(weights)
    if len(given) != len(tensors):
        raise ValueError(f"`weights` needs one entry per site: {len(tensors)}, got {len(given)}.")
    vectors = []
    for k, (w, t) in enumerate(zip(given, tensors, strict=True)):
        vector = np.ones(t.shape[1]) if w is None else np.array(to_host(w))
        if vector.shape != (t.shape[1],):
            raise ValueError(
                f"`weights[{k}]` must have shape ({t.shape[1]},) or be None, got {vector.shape}."
            )
        if vector.dtype.kind not in "biufc" or not np.isfinite(vector).all():
            raise ValueError(f"`weights[{k}]` must hold finite numbers.")
        xp = namespace(t)
        # the precision of the tensors is kept
        dtype = xp.result_type(t.dtype, xp.complex64) if vector.dtype.kind == "c" else t.dtype
        vectors.append(like(t, vector, dtype))
    vectors, tensors = same_dtype(vectors, tensors)
    xp = namespace(*tensors)
    row = xp.ones_like(xp.reshape(tensors[0], (-1, 1))[:1, :])
    for vector, site in zip(vectors, tensors, strict=True):
        dl, d, dr = site.shape
        half = xp.reshape(row @ xp.reshape(site, (dl, -1)), (d, dr))
        row = xp.reshape(vector, (1, -1)) @ half
    total = complex(row[0, 0])
    return total if xp.isdtype(row.dtype, "complex floating") else total.real


def check_indices(name: str, indices: ArrayLike | Array, sizes: Sequence[int]) -> NDArray[np.intp]:
    """`indices` (points, n) on the host, after checking that they lie within `sizes`.

    Raises
    ------
    TypeError, ValueError
        The argument called `name` has another shape, no integers, or one outside 0..size-1.
    """
    found = to_host(indices)
    if found.ndim != 2 or found.shape[1] != len(sizes):
        raise ValueError(
            f"`{name}` must have shape (points, {len(sizes)}), one column per site, "
            f"got {found.shape}."
        )
    if found.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must be integers, got {found.dtype}.")
    outside = (found < 0) | (found >= np.array(sizes))
    if outside.any():
        row, k = np.argwhere(outside)[0]
        raise ValueError(
            f"`{name}[{row}, {k}]` = {found[row, k]} is outside 0..{sizes[k] - 1}, the indices "
            f"of site {k}."
        )
    return found.astype(np.intp)
