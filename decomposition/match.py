"""Which components of two CP tensors belong together, and how alike they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.tn.arrays import Array, like, namespace, to_host


@dataclass(frozen=True, eq=False)
class Match:
    """Result of `match_components`.

    Attributes
    ----------
    score : float
        Factor match score, the mean of `scores`: 1 where each matched pair is equal.
    scores : (m,) array
        Of each matched pair, m = the smaller rank.
    first, second : (m,) integer arrays
        The components matched, in the order of the first tensor.
    tensor : CPTensor
        The matched components of the second tensor, in that order, with the signs or phases of
        their columns turned towards those of the first; the tensor of these components is the same.
    """

    score: float
    scores: NDArray[np.float64]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    tensor: CPTensor


def match_components(a: CPTensor, b: CPTensor, *, weights: bool = False) -> Match:
    """Pair the components of two CP tensors so that the factor match score is largest.

    The score of a pair is the product over all modes of the absolute cosines between the columns
    (E. Acar, D. Dunlavy, T. Kolda, M. Mørup, doi:10.1016/j.chemolab.2010.08.004, eq. 20), so order,
    scaling and signs do not count. Tensors of different rank are matched in the smaller number.

    Parameters
    ----------
    a, b : CPTensor
        Of one shape.
    weights : bool, default False
        Multiply each score by ``1 - |v - w| / max(v, w)`` for the norms v, w of the two terms.

    Returns
    -------
    Match

    Raises
    ------
    TypeError, ValueError
        Not CP tensors, or of different shapes.

    Examples
    --------
    >>> t = CPTensor.random((4, 5, 6), 3, rng=0)
    >>> shuffled = CPTensor(t.weights, [f[:, [2, 0, 1]] for f in t.factors])
    >>> match = match_components(t, shuffled)
    >>> round(match.score, 12), match.second
    (1.0, array([1, 2, 0]))
    """
    from scipy.optimize import linear_sum_assignment

    for name, t in (("a", a), ("b", b)):
        if not isinstance(t, CPTensor):
            raise TypeError(f"`{name}` must be a CPTensor, got {type(t).__name__}.")
    if a.shape != b.shape:
        raise ValueError(f"`a` and `b` must have one shape, got {a.shape} and {b.shape}.")
    (v, ours), (w, theirs) = _unit(a), _unit(b)
    cosines = [np.conj(f).T @ g for f, g in zip(ours, theirs, strict=True)]
    alike = np.prod(np.abs(cosines), axis=0)
    if weights:
        larger = np.maximum(v[:, None], w[None, :])
        alike = alike * (1 - np.abs(v[:, None] - w) / np.where(larger > 0, larger, 1))
    first, second = linear_sum_assignment(-alike)
    return Match(
        score=float(alike[first, second].mean()),
        scores=alike[first, second],
        first=first,
        second=second,
        tensor=_aligned(b, [c[first, second] for c in cosines], second),
    )


def _unit(t: CPTensor) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Norms of the terms and unit columns, on the host; columns of zeros stay zero."""
    norms, factors = np.abs(to_host(t.weights)), []
    for f in map(to_host, t.factors):
        lengths = np.linalg.norm(f, axis=0)
        norms = norms * lengths
        factors.append(f / np.where(lengths > 0, lengths, 1))
    return norms, factors


def _aligned(b: CPTensor, cosines: list[Array], order: NDArray[np.intp]) -> CPTensor:
    """Columns of b in this order, turned by phases that cancel in the weights."""
    xp = namespace(b.weights)
    where = like(b.weights, order)
    head, factors = xp.take(b.weights, where), []
    for c, f in zip(cosines, b.factors, strict=True):
        size = np.abs(c)
        turn = np.where(size > 0, np.conj(c) / np.where(size > 0, size, 1), 1)
        phase = like(f, turn, f.dtype)
        factors.append(xp.take(f, where, axis=1) * phase)
        head = head / phase
    return CPTensor._adopt(head, factors)
