"""Chebyshev-Tucker functions on equal sub-boxes, each with the small core that it needs.

On a part of the domain a function has smaller ranks, so that evaluation at many scattered points is
faster after a split, by more than ten for potentials of particles. Every interval of every axis
is projected onto the few directions that count there (columns weighted by the singular values of
the core), and the core of every box is then cut by its own singular values.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chebyshev.algebra import shortened
from rankloom.decomposition.chebyshev.basis import resampled
from rankloom.decomposition.data import sum_of_squares
from rankloom.decomposition.hosvd import Cut, st_hosvd
from rankloom.decomposition.modes import mode_product, unfold
from rankloom.decomposition.tucker_tensor import TuckerTensor

_ROUNDING = 1e-14  # relative error of the coefficients where nothing better is known
_SHARE = 0.2  # of the error that the function has anyway

# Seconds, roughly, on one core; only their ratios matter.
_PER_ENTRY = 1.5e-10  # of the core, and point
_PER_POINT = 1e-6
_PER_BOX = 5e-3
_SHRINKS = 0.58  # ranks, when intervals are halved


@dataclass(frozen=True, eq=False)
class Boxes:
    """A function on ``count ** d`` equal boxes of [-1, 1]^d, in C order.

    Attributes
    ----------
    count : int
        Intervals of each axis.
    parts : list of TuckerTensor
        Coefficients of each box, mapped to [-1, 1]^d.
    """

    count: int
    parts: list[TuckerTensor]

    def apply(
        self, call: Callable[..., NDArray[Any]], t: Sequence[NDArray[Any]], width: tuple[int, ...]
    ) -> NDArray[Any]:
        """``call(core, factors, places)`` of every box that has points, as (m, ..)."""
        d, n = len(t), self.count
        cells = [np.minimum(((x + 1) * (n / 2)).astype(np.int64), n - 1) for x in t]
        number = np.ravel_multi_index(tuple(cells), (n,) * d).astype(np.uint16)
        order = np.argsort(number, kind="stable")  # a radix sort for 16 bits
        ends = np.searchsorted(number[order], np.arange(n**d + 1))
        local = [((x + 1) * n - 2 * c - 1)[order] for x, c in zip(t, cells, strict=True)]
        out = np.empty((len(order), *width))
        for part, start, stop in zip(self.parts, ends[:-1], ends[1:], strict=True):
            if stop > start:
                places = [np.clip(x[start:stop], -1, 1) for x in local]
                out[order[start:stop]] = call(part.core, part.factors, places)
        return out


def best_count(ranks: Sequence[int], points: int, known: Sequence[int]) -> int:
    """Into how many intervals to split each axis, by estimated time; 1 for none.

    Parameters
    ----------
    ranks : sequence of int
    points : int
    known : sequence of int
        Counts that were split before, and cost nothing.
    """
    most = 9 // len(ranks)  # 512 boxes
    counts = [1 << halvings for halvings in range(most + 1)]
    return min(counts, key=lambda count: seconds(ranks, points, count, known))


def seconds(ranks: Sequence[int], points: int, count: int, known: Sequence[int] = ()) -> float:
    """Estimated time of evaluating at points with axes split into `count` intervals."""
    entries = math.prod(max(3.0, r * _SHRINKS ** math.log2(count)) for r in ranks)
    split = 0.0 if count == 1 or count in known else _PER_BOX * count ** len(ranks)
    return split + points * (_PER_POINT + _PER_ENTRY * entries)


def split(tensor: TuckerTensor, count: int, error: float | None) -> Boxes:
    """The function on ``count ** d`` boxes, to a fifth of its error, or to rounding.

    Parameters
    ----------
    tensor : TuckerTensor
        Coefficients, with orthonormal factors.
    count : int
    error : float or None
        Relative error of the function.
    """
    core, d = tensor.core, tensor.n_modes
    norm2 = sum_of_squares(core)
    tol = max(_SHARE * (error or 0.0), _ROUNDING)
    budget = tol**2 * norm2 / (2 * d)
    ends = np.linspace(-1, 1, count + 1)
    axes = []
    for k, factor in enumerate(tensor.factors):
        turn, sizes, _ = np.linalg.svd(unfold(core, k), full_matrices=False)
        pieces = []
        for start, stop in itertools.pairwise(ends):
            part = resampled(factor, start, stop, len(factor))
            u, s, _ = np.linalg.svd((part @ turn) * sizes, full_matrices=False)
            u = u[:, : Cut(budget=budget).choose(s**2)]
            pieces.append((u, u.T @ part))
        axes.append(pieces)
    parts = []

    def descend(core: NDArray[Any], bases: list[NDArray[Any]]) -> None:
        k = len(bases)
        if k == d:
            small, turns = st_hosvd(core, [Cut(budget=budget)] * d)
            factors = [u @ v for u, v in zip(bases, turns, strict=True)]
            share = min(tol * math.sqrt(norm2 / (sum_of_squares(small) or norm2 or 1.0)), 0.5)
            short = shortened(TuckerTensor._adopt(small, factors), share)[0]
            parts.append(
                TuckerTensor._adopt(
                    np.ascontiguousarray(short.core),
                    [np.ascontiguousarray(f) for f in short.factors],
                )
            )
            return
        for u, map_ in axes[k]:
            descend(mode_product(core, map_, k), [*bases, u])

    descend(core, [])
    return Boxes(count, parts)
