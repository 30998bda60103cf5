"""Tensors that are read in blocks: data sets on disk, and Dask arrays.

All that a decomposition asks of such a tensor is a sum over *units*: blocks that together are whole
in one mode, each with some other modes compressed before they are put together. `Stored` reads them
one after the other, `Lazy` hands them to Dask's scheduler as tasks; both call the same functions.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from rankloom.decomposition.modes import mode_product
from rankloom.tn.arrays import Array, one_blas_thread

_BLOCK = 2**24  # entries read at once from a file: 128 MB in double precision
_FAN_IN = 8  # partial results that one task of a Dask graph adds up

Place = tuple[slice, ...]
"""Where a block lies: one slice per mode."""

Factors = Mapping[int, Array]
"""Orthonormal (n_k, r_k) of the modes that are compressed already."""

Grid = Sequence[Sequence[slice]]
"""The slices into which each mode is cut."""

Work = Callable[[Array, Place], Any]
"""``work(block, place)``: what one unit gives to the sum."""

Combine = Callable[[Any, Any], Any]
"""How two of these become one."""


class Source(ABC):
    """A tensor that is read in blocks.

    Parameters
    ----------
    x : array that `is_chunked`
    shape : tuple of int
    dtype : dtype
        Of the numbers to compute with.

    Attributes
    ----------
    scale : float
        What blocks are divided by.
    """

    def __init__(self, x: Any, shape: tuple[int, ...], dtype: Any) -> None:
        self._x, self.shape, self.dtype, self.scale = x, shape, dtype, 1.0

    @abstractmethod
    def fold(self, mode: int | None, factors: Factors, work: Work, combine: Combine) -> Any:
        """Combine what `work` makes of all units: blocks whole in `mode`, others compressed."""


def is_chunked(x: Any) -> bool:
    """Whether x is read in chunks: an h5py data set, a zarr array, a Dask array or alike."""
    return all(hasattr(x, name) for name in ("shape", "dtype", "chunks"))


def source_of(x: Any) -> Source:
    """The reader for an array that `is_chunked`.

    Raises
    ------
    TypeError, ValueError
        Not numeric; fewer than 2 modes; an empty mode; chunks of unknown size.
    """
    shape, dtype = tuple(x.shape), np.dtype(x.dtype)
    if dtype.kind in "biu":
        dtype = np.dtype(np.float64)
    if dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        raise TypeError(
            f"`x` must hold float32, float64, complex64 or complex128 numbers, got {x.dtype}."
        )
    if any(n != n for n in shape):
        raise ValueError(f"`x` has chunks of unknown size, shape {shape}: compute_chunk_sizes().")
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"`x` needs at least 2 modes, none of them empty, got shape {shape}.")
    return (Lazy if hasattr(x, "to_delayed") else Stored)(x, shape, dtype)


class Stored(Source):
    """A data set on disk, which gives NumPy arrays when it is indexed by slices.

    At most 128 MB of it are read at once, or one fibre of the mode.
    """

    def fold(self, mode: int | None, factors: Factors, work: Work, combine: Combine) -> Any:
        """As `Source` says; one unit after the other."""
        total = None
        closed = {*factors, mode}
        for unit in units(self._grid(mode), closed):
            parts = [
                (place, prepared(self._x[place], place, factors, self.dtype, self.scale))
                for _, place in unit
            ]
            value = finished(parts, self.shape, mode, factors, work)
            total = value if total is None else combine(total, value)
        return total

    def _grid(self, mode: int | None) -> Grid:
        """Blocks of at most `_BLOCK` entries, whole in `mode`, of whole chunks where that fits."""
        chunks = self._x.chunks or (1,) * len(self.shape)
        sizes = [min(c, n) for c, n in zip(chunks, self.shape, strict=True)]
        if mode is not None:
            sizes[mode] = self.shape[mode]
        others = [k for k in range(len(sizes)) if k != mode]
        while math.prod(sizes) > _BLOCK and any(sizes[k] > 1 for k in others):
            widest = max(others, key=lambda k: sizes[k])
            sizes[widest] = -(-sizes[widest] // 2)
        for k in reversed(others):  # the last mode is contiguous
            sizes[k] = min(self.shape[k], sizes[k] * max(1, _BLOCK // math.prod(sizes)))
        return [
            [slice(start, min(start + size, n)) for start in range(0, n, size)]
            for size, n in zip(sizes, self.shape, strict=True)
        ]


class Lazy(Source):
    """A Dask array: every chunk, and every sum of a few, is a task.

    A task holds the chunks that are whole in one mode together, or one chunk where its modes are
    compressed first. Tasks run under Dask's present scheduler, each on one BLAS thread. Chunks are
    computed anew in every pass: `persist` the array if the workers can hold it.
    """

    def fold(self, mode: int | None, factors: Factors, work: Work, combine: Combine) -> Any:
        """As `Source` says; units side by side, their results added in a tree."""
        from dask.base import compute
        from dask.delayed import delayed

        blocks = self._x.to_delayed()
        shared = delayed(dict(factors), traverse=False)
        prepare, finish = delayed(prepared), delayed(finished)
        add = delayed(partial(combined, combine=combine))
        values = []
        for unit in units(self._grid(), {*factors, mode}):
            parts = [
                (place, prepare(blocks[index], place, shared, self.dtype, self.scale))
                for index, place in unit
            ]
            values.append(finish(parts, self.shape, mode, shared, work))
        while len(values) > 1:
            values = [add(values[i : i + _FAN_IN]) for i in range(0, len(values), _FAN_IN)]
        with one_blas_thread():  # for schedulers in this process
            (total,) = compute(values[0])  # type: ignore[no-untyped-call]
        return total

    def _grid(self) -> Grid:
        ends = [np.cumsum(sizes).tolist() for sizes in self._x.chunks]
        return [
            [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
            for stops in ends
        ]


def units(
    grid: Grid, closed: Iterable[int | None]
) -> Iterator[list[tuple[tuple[int, ...], Place]]]:
    """Blocks (index, place), in groups that differ in their place along the `closed` modes only."""
    inside = set(closed)
    for outer in product(*([0] if k in inside else range(len(g)) for k, g in enumerate(grid))):
        span = [range(len(g)) if k in inside else [outer[k]] for k, g in enumerate(grid)]
        yield [(i, tuple(g[j] for g, j in zip(grid, i, strict=True))) for i in product(*span)]


def prepared(block: Any, place: Place, factors: Factors, dtype: Any, scale: float) -> Array:
    """A block in the data type to compute with, its share of the compressed modes summed up."""
    x = np.ascontiguousarray(block, dtype)
    if scale != 1:
        x = x / scale
    with one_blas_thread():
        for k, u in factors.items():
            x = mode_product(x, u[place[k]].conj().T, k)
    return x


def finished(
    parts: Sequence[tuple[Place, Array]],
    shape: Sequence[int],
    mode: int | None,
    factors: Factors,
    work: Work,
) -> Any:
    """What `work` makes of one unit, put together from its parts."""
    place = list(parts[0][0])
    for k, u in factors.items():
        place[k] = slice(0, u.shape[1])
    if mode is not None:
        place[mode] = slice(0, shape[mode])
    whole = parts[0][1]
    if len(parts) > 1:
        sizes = [s.stop - s.start for s in place]
        whole = np.zeros(sizes, whole.dtype)
        for where, part in parts:
            at = [slice(None)] * len(sizes)
            if mode is not None:
                at[mode] = where[mode]
            whole[tuple(at)] += part
    with one_blas_thread():
        return work(whole, tuple(place))


def combined(values: Sequence[Any], combine: Combine) -> Any:
    """All values, combined one after the other."""
    total = values[0]
    for value in values[1:]:
        total = combine(total, value)
    return total
