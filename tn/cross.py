"""Tensor-train cross approximation: a tensor train of a function from few of its values.

The search looks at small blocks of the tensor around its pivots, as tensor cross interpolation with
two-site updates and LU factorisations does [1]_ [2]_, and is judged on random points of which it
knows nothing. Per bond, the block holds all rows next to the pivots and, as columns, the pivots'
own, a few random neighbours and those of the points with the largest errors; where there are few
columns, all.

References
----------
.. [1] M. Ritter et al., arXiv:2303.11819 (quantics tensor cross interpolation).
.. [2] Y. Nunez Fernandez et al., arXiv:2407.02454 (LU factorisations in place of inverses).
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rankloom.tn import entries
from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.cross_function import Function, Grid, IndexGrid, ProductGrid
from rankloom.tn.cross_search import CrossStep, Rule, Search
from rankloom.tn.mps import MPS
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress, track


@dataclass(frozen=True, eq=False)
class CrossResult:
    """A tensor train that approximates a function, and how far it can be trusted.

    Attributes
    ----------
    tensor : MPS
        Site tensors (rank, n_k, rank), of the precision and kind of the function's values.
    error_estimate : float
        Largest error over fresh random points, which the search has not used, relative to `scale`;
        over all entries where there are no more of them than such points. NaN if all values seen
        are 0. Rare events are not in it: a spike that no random point met stays unknown.
    evaluations : int
        Points at which the function was evaluated, those of the error estimate included. All
        different for ``pivot="rook"``; otherwise a few are counted again in each sweep.
    outcome : Outcome
        `TARGET_REACHED` when ``error_estimate <= tol``.
    scale : float
        Largest modulus of the function among all values seen.
    history : tuple of CrossStep
        One entry for each sweep.
    grid : Grid
        Where the entries lie.
    """

    tensor: MPS
    error_estimate: float
    evaluations: int
    outcome: Outcome
    scale: float
    history: tuple[CrossStep, ...]
    grid: Grid

    @property
    def ok(self) -> bool:
        """Whether the tolerance was reached."""
        return self.outcome.ok

    @property
    def ranks(self) -> tuple[int, ...]:
        """Inner bond dimensions of the tensor train."""
        return self.tensor.bond_dimensions[1:-1]

    def __repr__(self) -> str:
        return (
            f"CrossResult({self.tensor!r}, error_estimate={self.error_estimate:.1e}, "
            f"evaluations={self.evaluations}, outcome={self.outcome.name})"
        )


def cross(
    function: Callable[[Any], ArrayLike],
    shape: Sequence[int] | None = None,
    *,
    grid: Grid | Sequence[ArrayLike] | None = None,
    tol: float = 1e-8,
    max_bond: int | None = None,
    pivot: str = "full",
    start: ArrayLike | None = None,
    rng: np.random.Generator | int | None = None,
    sweeps: int = 30,
    restarts: int = 2,
    test_points: int = 1000,
    max_evaluations: int | None = None,
    callback: Callable[[CrossStep], None] | None = None,
    progress: Progress = False,
) -> CrossResult:
    """Tensor train of a function, from adaptively chosen values.

    Parameters
    ----------
    function : callable
        Takes many points at once, (points, dimension), and returns their values, (points,), real or
        complex. Points are integer indices with `shape`, coordinates with `grid`. They lie in
        memory coordinate by coordinate, so that ``x.sum(axis=1)`` and the like are fast.
    shape : sequence of int
        Sizes of the modes, when the function is given by indices.
    grid : sequence of (n_k,) array_like, or Quantics
        Coordinates of each mode, when it is given on a grid; `rankloom.tn.Quantics` resolves
        functions on a box with binary digits.
    tol : float, default 1e-8
        Wanted largest error, relative to the largest value seen.
    max_bond : int, optional
        Largest rank.
    pivot : {"full", "rook"}
        "full" looks at generous blocks and evaluates again what it needs again: fast where the
        function is. "rook" looks along rows and columns in turns and keeps every value: about half
        as many evaluations, where each is dear.
    start : (m, n) array_like of int, optional
        Indices of points to begin with, for functions that are 0 nearly everywhere.
    rng : Generator, seed or None
        The same seed gives the same result.
    sweeps : int, default 30
        Most sweeps in one direction, restarts included.
    restarts : int, default 2
        How often to begin again from new random pivots, when sweeps bring nothing.
    test_points : int, default 1000
        Number of fresh points for each error estimate.
    max_evaluations : int, optional
        Most points to evaluate.
    callback : callable, optional
        Called with a `CrossStep` after every sweep.
    progress : bool or callable, default False
        True for a tqdm bar over sweeps, or a callable that wraps an iterable.

    Returns
    -------
    CrossResult

    Warns
    -----
    UserWarning
        The tolerance was missed; the message says what was reached.

    Raises
    ------
    TypeError, ValueError
        An argument is out of its range; the function returns another shape than (points,), NaN,
        infinity (the message names the point), or numbers of changing kind.

    Notes
    -----
    For ranks r and mode sizes n_k a sweep evaluates about ``sum_k n_k r (1.25 r + 6)`` points (less
    with "rook") and factorises one (n_k r, 1.25 r + 6) matrix a bond. Peak memory: about
    ``n_k r (1.25 r + 6) (8 d + 50)`` bytes for a block in d dimensions (handed to the function in
    pieces of half a million points), what the function needs for it, and with "rook" some 150 bytes
    for each value.

    Ranks are those of an interpolation; ``tensor.compress(cutoff=...)`` takes the last few off.

    Examples
    --------
    >>> t = cross(lambda x: 1 / (1 + x.sum(axis=1)), shape=(32,) * 10, tol=1e-8, rng=0)
    >>> t.ok, t.tensor.at([[3] * 10, [0] * 10]).round(6)
    (True, array([0.032258, 1.      ]))
    """
    places = _grid(shape, grid)
    if not 0.0 < tol < 1.0:
        raise ValueError(f"`tol` is a relative error, 0 < tol < 1, got {tol}.")
    if pivot not in ("full", "rook"):
        raise ValueError(f'`pivot` must be "full" or "rook", got {pivot!r}.')
    if not callable(function):
        raise TypeError(f"`function` must be callable, got {type(function).__name__}.")
    max_bond = None if max_bond is None else integer("max_bond", max_bond, 1)
    test_points = integer("test_points", test_points, 1)
    restarts = integer("restarts", restarts, 0)
    limit = None
    if max_evaluations is not None:  # the last error estimate must find something left
        limit = integer("max_evaluations", max_evaluations, 2 * test_points) - 2 * test_points
    given = np.empty((0, len(places.shape)), dtype=np.intp)
    if start is not None:
        given = entries.check_indices("start", start, places.shape)
    rounds = track(range(integer("sweeps", sweeps, 1)), progress)
    values = Function(function, places, pivot == "rook", limit)
    rule = Rule(tol, max_bond, pivot, restarts, test_points)
    with one_blas_thread():
        search = Search(values, rule, given, np.random.default_rng(rng))
        outcome = search.run(rounds, callback)
        tensors, error = search.judged()
    if error <= tol:  # found where the limit of sweeps or evaluations came in between
        outcome = Outcome.TARGET_REACHED
    result = CrossResult(
        tensor=MPS._adopt(tensors),
        error_estimate=error,
        evaluations=values.evaluations,
        outcome=outcome,
        scale=values.scale,
        history=tuple(search.history),
        grid=places,
    )
    if not result.ok:
        warnings.warn(_advice(result, rule), UserWarning, stacklevel=2)
    return result


def _grid(shape: Sequence[int] | None, grid: Grid | Sequence[ArrayLike] | None) -> Grid:
    if (shape is None) == (grid is None):
        raise ValueError("exactly one of `shape` and `grid` must be given.")
    places: Grid
    if shape is not None:
        places = IndexGrid(shape)
    elif isinstance(grid, Grid):
        places = grid
    else:
        assert grid is not None
        places = ProductGrid(grid)
    if not places.shape:
        raise ValueError("`shape` or `grid` is empty; a tensor needs at least one mode.")
    return places


def _advice(result: CrossResult, rule: Rule) -> str:
    """Text of the warning that the tolerance was missed."""
    if result.scale == 0.0:
        return (
            f"`cross` found the function to be 0 at all {result.evaluations} points that it tried, "
            "and returns a tensor of zeros. If there are others, pass some as `start`."
        )
    why = result.outcome.value
    if max(result.ranks, default=1) == rule.max_bond:
        why = f"the ranks reached `max_bond` = {rule.max_bond}; raise it or loosen `tol`."
    elif result.outcome is Outcome.MAX_SWEEPS:
        why = "`sweeps` or `max_evaluations` came first; raise it or loosen `tol`."
    return (
        f"`cross` missed tol={rule.tol:.1e}: on fresh random points the error is "
        f"{result.error_estimate:.1e} of the largest value seen, after {result.evaluations} "
        f"evaluations and with ranks up to {max(result.ranks, default=1)}. Advice: {why}"
    )
