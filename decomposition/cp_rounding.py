"""CP tensors of smaller rank, for `CPTensor.round`."""

from typing import Any

import numpy as np

from rankloom.decomposition.cp_solver import cp
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.hosvd import check_tol
from rankloom.tn.arrays import Array
from rankloom.tn.checks import integer

_STARTS = 3


def rounded(
    tensor: CPTensor, tol: float | None, rank: int | None, rng: Any
) -> tuple[Array, list[Array]]:
    """Weights and factors of a CP tensor of smaller rank; see `CPTensor.round`."""
    if (tol is None) == (rank is None):
        raise ValueError("give either `tol` or `rank`.")
    if rank is not None and integer("rank", rank, 1) > tensor.rank:
        raise ValueError(f"`rank` = {rank} is above the rank {tensor.rank} of the tensor.")
    limit = None if tol is None else check_tol(tol)
    best, rng = tensor.normalize(), np.random.default_rng(rng)
    whole = tensor.to_tucker()
    if rank == tensor.rank or whole.norm() == 0:
        kept = best if rank == tensor.rank else _first(best)
        return kept.weights, list(kept.factors)

    def fit(r: int) -> tuple[CPTensor, float]:
        found = cp(whole.core, r, restarts=_STARTS, rng=rng)
        factors = [u @ f for u, f in zip(whole.factors, found.tensor.factors, strict=True)]
        return CPTensor._adopt(found.tensor.weights, factors), found.error

    if limit is None:
        assert rank is not None
        best = fit(rank)[0]
    else:
        low, high = 0, tensor.rank  # `low` is too small, `high` suffices
        while high - low > 1:
            middle = (low + high) // 2
            found, error = fit(middle)
            if error <= limit:
                best, high = found, middle
            else:
                low = middle
    return best.weights, list(best.factors)


def _first(tensor: CPTensor) -> CPTensor:
    return CPTensor._adopt(tensor.weights[:1], [f[:, :1] for f in tensor.factors])
