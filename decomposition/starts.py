"""Where CP solvers start, and what they may be asked for."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.hosvd import Cut, exact_basis
from rankloom.tn.arrays import Array, like, namespace
from rankloom.tn.checks import integer

Init = CPTensor | str | None


def check_rank(wanted: Any, shape: Sequence[int]) -> int:
    """The argument `rank` as an int that a tensor of this shape can have.

    Raises
    ------
    TypeError, ValueError
        Not an integer, below 1, or above the product of all sizes but the largest, which no CP
        rank exceeds.
    """
    rank: int = integer("rank", wanted, 1)
    bound = math.prod(shape) // max(shape)
    if rank > bound:
        raise ValueError(
            f"`rank` = {rank} is above {bound}: no tensor of shape {tuple(shape)} has a larger CP "
            "rank (the product of all sizes but the largest). Lower it."
        )
    return rank


def check_init(
    init: Any, shape: Sequence[int], rank: int, *, nonnegative: Sequence[int] = ()
) -> Init:
    """`init` as a `CPTensor`, "random", "hosvd" or None; no entry < 0 in the modes `nonnegative`.

    Raises
    ------
    TypeError, ValueError
        Something else, or a tensor of another shape or rank, or with negative entries or weights.
    """
    if init is None or (isinstance(init, str) and init in ("random", "hosvd")):
        return init
    if not isinstance(init, CPTensor):
        raise TypeError(f"`init` must be a CPTensor, 'random', 'hosvd' or None, got {init!r}.")
    if init.shape != tuple(shape) or init.rank != rank:
        raise ValueError(
            f"`init` must have shape {tuple(shape)} and rank {rank}, got {init.shape} and "
            f"{init.rank}."
        )
    bound = [init.weights, *(init.factors[k] for k in nonnegative)] if nonnegative else []
    if any(bool(namespace(a).any(a < 0)) for a in bound):
        raise ValueError("`init` must be nonnegative: take absolute values, or start at random.")
    return init


def start(
    x: Array,
    rank: int,
    init: Init,
    rng: np.random.Generator,
    *,
    nonnegative: bool = False,
    shape: Sequence[int] | None = None,
) -> CPTensor:
    """The start that `init` names, in the library and data type of `x`.

    Random factors are Gaussian: uniform ones are nearly parallel, and end in poor minima more
    often. Where the rank is above a size, random columns complete the singular vectors of "hosvd".
    `shape` is for a sparse tensor, of which `x` are the values.
    """
    xp = namespace(x)
    if isinstance(init, CPTensor):
        return CPTensor._adopt(
            xp.astype(init.weights, x.dtype), [xp.astype(f, x.dtype) for f in init.factors]
        )
    factors = list(random_start(x, shape or x.shape, rank, rng).factors)
    if init == "hosvd":
        for k, f in enumerate(factors):
            u = exact_basis(x, k, Cut(min(rank, x.shape[k])))
            factors[k] = u if u.shape[1] == rank else xp.concat([u, f[:, u.shape[1] :]], axis=1)
    if nonnegative:
        factors = [xp.abs(f) for f in factors]
    return CPTensor._adopt(xp.ones_like(factors[0][0, :]), factors)


def random_start(
    reference: Array, shape: Sequence[int], rank: int, rng: np.random.Generator
) -> CPTensor:
    """Gaussian factors, in the library and data type of `reference`."""
    xp = namespace(reference)
    drawn = CPTensor.random(shape, rank, rng=rng).factors
    if xp.isdtype(reference.dtype, "complex floating"):
        other = CPTensor.random(shape, rank, rng=rng).factors
        drawn = tuple(a + 1j * b for a, b in zip(drawn, other, strict=True))
    factors = [like(reference, f, reference.dtype) for f in drawn]
    return CPTensor._adopt(xp.ones_like(factors[0][0, :]), factors)
