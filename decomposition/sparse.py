"""CP of sparse tensors in coordinate form, whose missing entries are zeros."""

import math
from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.als import search_as
from rankloom.decomposition.checks import index_rows, sequence
from rankloom.decomposition.constraints import check_constraints
from rankloom.decomposition.cp_als import CPSweeps
from rankloom.decomposition.cp_fit import CPFit, cp_fit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense, check_dense
from rankloom.decomposition.masked_rows import by_mode, stack
from rankloom.decomposition.starts import check_init, check_rank
from rankloom.decomposition.workers import Workers
from rankloom.tn.arrays import Array, one_blas_thread, to_host
from rankloom.tn.checks import integer


class SparseSweeps(CPSweeps):
    """CP sweeps whose products with the tensor visit the nonzeros only.

    An update costs ``nnz N R`` multiplications. Memory: ``N (4 N + 8)`` bytes for a nonzero.

    Parameters
    ----------
    data : Dense
        The values (1, nnz).
    lists : list
        The nonzeros in the order of each mode, from `masked_rows.by_mode`.
    start, rule, line_search
        As in `CPSweeps`.
    workers : Workers, optional
        Threads that share the rows of a product.
    """

    def __init__(
        self,
        data: Dense,
        lists: list[Any],
        start: CPTensor,
        rule: Any,
        *,
        line_search: bool,
        workers: Workers | None = None,
    ) -> None:
        self._lists, self._workers = lists, workers or Workers()
        super().__init__(data, start, rule, line_search=line_search)

    def _start_walk(self) -> Iterator[tuple[int, Array]]:
        for k in cycle(range(len(self._lists))):
            yield k, listed_mttkrp([rows.T for rows in self._rows], self._lists, k, self._workers).T

    def _residual_square(self, square: float) -> float:
        """The closed form is all there is: errors below 1e-8 are rounding."""
        return max(square, 0.0)


def listed_mttkrp(
    factors: list[Array], lists: list[Any], mode: int, workers: Workers
) -> NDArray[Any]:
    """``sum value conj(product of the other modes' rows)``, (n, R) for one mode."""
    from rankloom.decomposition.sparse_kernels import mttkrp_rows

    coords, values, pointers = lists[mode]
    out = np.empty(factors[mode].shape, factors[mode].dtype)
    stacked = stack(factors)

    def share(rows: slice) -> None:
        ends = pointers[rows.start : rows.stop + 1]
        mttkrp_rows(stacked, coords, values, ends, mode, out[rows])

    workers.rows(share, pointers)
    return out


def plain_mttkrp(factors: list[Array], coords: NDArray[np.intp], values: Array, mode: int) -> Array:
    """What the kernel does in plain array operations: (n, R) for one mode."""
    h = np.ones((len(values), factors[0].shape[1]), factors[0].dtype) * values[:, None]
    for j, f in enumerate(factors):
        h = h if j == mode else h * np.conj(f[coords[:, j]])
    out = np.zeros_like(factors[mode])
    np.add.at(out, coords[:, mode], h)
    return out


def sparse_cp(
    x: tuple[Any, Any, Any],
    settings: Mapping[str, Any],
    **hooks: Any,
) -> CPFit:
    """`cp` of ``(coords, values, shape)``; `settings` are its arguments."""
    if settings["solver"] == "lm" or settings["compress"] is True:
        raise ValueError("a sparse `x` is solved by 'als' without compression.")
    coords, data, shape = check_sparse(x)
    values = data.x[0]
    rank = check_rank(settings["rank"], shape)
    bound = check_constraints(settings["constraints"], values, shape, rank, settings["init"])
    if bound.shared:
        raise ValueError("'symmetric' modes need a dense `x`.")
    first = check_init(settings["init"], shape, rank, nonnegative=bound.nonnegative)
    if isinstance(first, str) and first == "hosvd":
        raise ValueError("`init` = 'hosvd' needs a dense `x`; choose 'random' or a CPTensor.")
    lists = by_mode(tuple(coords.T), values, shape)
    if isinstance(first, CPTensor):
        first = first / data.scale
    rules = bound.rules(settings["ridge"], data.eps)
    line_search = settings["line_search"] and not bound

    def make(k: int, generator: np.random.Generator) -> SparseSweeps:
        begin = bound.start(values, rank, first, k, generator)
        return SparseSweeps(data, lists, begin, rules, line_search=line_search, workers=workers)

    with one_blas_thread() as threads, Workers(threads) as workers:
        found = search_as(settings, make, eps=data.eps, **hooks)
    return cp_fit(
        found.best,
        [found.best.errors],
        found.best.solver.growth,  # type: ignore[attr-defined]
        data=None,
        scale=data.scale,
        starts=found.starts,
        settings=settings,
        normal=not bound.fixed,
    )


def check_sparse(x: Any) -> tuple[NDArray[np.intp], Dense, tuple[int, ...]]:
    """Coordinates in lexicographic order without duplicates, values (1, nnz), and shape.

    Values of coordinates that occur more than once are added.

    Raises
    ------
    TypeError, ValueError
        Not a triple; shapes that do not fit; coordinates outside the shape; values that are not
        numbers, not finite, or all zero.
    """
    coords, values, sizes = x
    shape = tuple(integer(f"shape[{k}]", n, 1) for k, n in enumerate(sequence("shape", sizes, "")))
    if len(shape) < 2:
        raise ValueError(f"`shape` needs at least 2 modes, got {shape}.")
    rows, numbers = index_rows(coords, shape), to_host(values)
    if numbers.shape != (len(rows),):
        raise ValueError(
            f"`values` must have shape ({len(rows)},), one for each row of `coords`, "
            f"got {numbers.shape}."
        )
    if not len(rows):
        raise ValueError("`x` has no entries.")
    if math.prod(shape) < 2**62:
        keys = np.ravel_multi_index(tuple(rows.T), shape)
        keys, inverse = np.unique(keys, return_inverse=True)
        rows = np.stack(np.unravel_index(keys, shape), axis=1)
    else:
        rows, inverse = np.unique(rows, axis=0, return_inverse=True)
    check = check_dense(numbers[None, :])  # kind and finiteness, before anything is added
    summed = np.zeros(len(rows), check.x.dtype)
    np.add.at(summed, inverse.ravel(), check.x[0])
    data = check_dense(summed[None, :])
    return rows, Dense(data.x, data.norm, data.scale * check.scale), shape
