"""`cp` with constraints on single factors."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rankloom.decomposition.als import search_as
from rankloom.decomposition.constraints import check_constraints
from rankloom.decomposition.cp_als import CPSweeps
from rankloom.decomposition.cp_fit import CPFit, cp_fit
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.starts import check_init, check_rank
from rankloom.decomposition.symmetric import SymmetricSweeps, averaged
from rankloom.tn.arrays import Array, one_blas_thread


def constrained_cp(
    x: Array,
    settings: Mapping[str, Any],
    **hooks: Any,
) -> CPFit:
    """`cp` of full data; `settings` are its arguments, `hooks` rng, progress and callback."""
    if settings["solver"] == "lm" or settings["compress"] is True:
        raise ValueError("`constraints` are kept by 'als' without compression.")
    data = check_dense(x)
    shape = tuple(data.x.shape)
    rank = check_rank(settings["rank"], shape)
    bound = check_constraints(settings["constraints"], data.x, shape, rank, settings["init"])
    if bound.shared and settings["ridge"]:
        raise ValueError("'symmetric' modes take no `ridge`; leave it at 0.")
    first = check_init(settings["init"], shape, rank, nonnegative=bound.nonnegative)
    if isinstance(first, CPTensor):
        first = first / data.scale
    rules = bound.rules(settings["ridge"], data.eps)
    fitted = averaged(data, bound.shared) if bound.shared else data
    others = bound.fixed or bound.orthogonal or bound.nonnegative
    line_search = settings["line_search"] and not others

    def make(k: int, generator: np.random.Generator) -> CPSweeps:
        begin = bound.start(fitted.x, rank, first, k, generator)
        if bound.shared:
            return SymmetricSweeps(
                fitted, begin, rules, bound.shared, total=data.norm**2, line_search=line_search
            )
        return CPSweeps(fitted, begin, rules)

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
        normal=not (bound.fixed or bound.shared),
    )
