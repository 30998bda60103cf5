"""`nonnegative_cp`: sums of nonnegative rank-one terms, by hierarchical alternating least squares.

Columns are updated one after the other (`hals`). The products with the tensor, which are nearly all
of the cost, are shared between the modes as in `cp`, and longer steps, cut off at zero, are kept
where they lower the error.
"""

import math
from typing import Any

import numpy as np

from rankloom.decomposition.als import Callback, search_as
from rankloom.decomposition.checks import check_real, has_nan, refuse_sparse
from rankloom.decomposition.cp_als import CPSweeps
from rankloom.decomposition.cp_fit import CPFit, cp_fit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.hals import hals
from rankloom.decomposition.starts import Init, check_init, check_rank, start
from rankloom.tn.arrays import Array, one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress


def nonnegative_cp(
    x: Array,
    rank: int,
    *,
    init: Init = None,
    restarts: int = 1,
    max_sweeps: int = 200,
    tol: float = 1e-8,
    mask: Array | None = None,
    weights: Array | None = None,
    holdout: float = 0.0,
    rng: Any = None,
    progress: Progress = False,
    callback: Callback | None = None,
) -> CPFit:
    """Sum of `rank` nonnegative rank-one terms close to a tensor.

    Parameters
    ----------
    x : (n_0, n_1, ..) array
        Real; negative entries are allowed (noise), NaN marks a missing entry.
    rank : int
        Number of terms.
    init : CPTensor, "random", "hosvd" or None
        First start; "hosvd" takes absolute values of singular vectors, None is "random".
    restarts : int, default 1
        Number of all starts; the best is kept.
    max_sweeps : int, default 200
    tol : float, default 1e-8
        Relative change of the error per sweep that ends a start.
    mask : bool array, optional
        True where `x` is observed; missing entries are filled in from the fit after each sweep.
    weights : array, optional
        Real and >= 0, of the shape of `x`, as in `cp`.
    holdout : float, default 0
        Fraction of the observed entries kept back to judge the fit by.
    rng, progress, callback
        As in `cp`.

    Returns
    -------
    CPFit
        All factors and weights are >= 0; see `cp`.

    Raises
    ------
    TypeError, ValueError
        As in `cp`, and for complex data.

    Notes
    -----
    The best nonnegative tensor of a given rank always exists (L.-H. Lim, P. Comon,
    doi:10.1002/cem.1244), so no fit is degenerate. No sweep raises the error.

    Examples
    --------
    >>> from rankloom.decomposition import datasets
    >>> x, truth = datasets.planted_nonnegative((30, 20, 8), 3, noise=0, rng=0)
    >>> nonnegative_cp(x, rank=3, rng=0).error < 1e-4
    True
    """
    integer("max_sweeps", max_sweeps, 1)
    integer("restarts", restarts, 1)
    if not 0 <= tol < math.inf:
        raise ValueError(f"`tol` must be a finite number >= 0, got {tol}.")
    refuse_sparse(x)
    settings = {
        "rank": rank, "init": init, "restarts": restarts, "max_sweeps": max_sweeps, "tol": tol,
        "holdout": holdout, "constraints": dict.fromkeys(range(np.ndim(x)), "nonnegative"),
    }  # fmt: skip
    hooks: dict[str, Any] = {"rng": rng, "progress": progress, "callback": callback}
    if mask is not None or weights is not None or holdout or has_nan(x):
        from rankloom.decomposition.masked import masked_cp

        return masked_cp(x, mask, weights, settings, **hooks)
    data = check_dense(x)
    check_real(data.x)
    shape = tuple(data.x.shape)
    rank = check_rank(rank, shape)
    first = check_init(init, shape, rank, nonnegative=range(len(shape)))
    first = first / data.scale if isinstance(first, CPTensor) else first

    def make(k: int, generator: Any) -> CPSweeps:
        begin = start(data.x, rank, first if k == 0 else None, generator, nonnegative=True)
        return CPSweeps(data, begin, hals, line_search=True, nonnegative=True)

    with one_blas_thread(0 if math.prod(shape) < 2**20 else 2**20):
        found = search_as(settings, make, eps=data.eps, **hooks)
    return cp_fit(
        found.best,
        [found.best.errors],
        found.best.solver.finish(),  # type: ignore[attr-defined]
        data=data.x,
        scale=data.scale,
        starts=found.starts,
        settings=settings,
    )
