"""Which components to believe, and how many: starts against each other, and rank against rank."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.checks import has_nan, is_sparse
from rankloom.decomposition.cp_fit import CPFit
from rankloom.decomposition.cp_solver import cp
from rankloom.decomposition.match import match_components
from rankloom.decomposition.tucker_solver import tucker
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress, track

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONSISTENT = 80.0
"""Core consistency from which a rank counts as sound."""

STABLE = 0.9
"""Agreement of starts from which a rank counts as sound."""

_TOLERANCES = (0.3, 0.1, 0.03, 0.01)


@dataclass(frozen=True, eq=False, repr=False)
class Stability:
    """Result of `stability`.

    Attributes
    ----------
    fit : CPFit
        The best start.
    errors : (restarts,) array
        Final error of every start.
    scores : (restarts, R) array
        How well each component of the best fit is found again in every start: the product of the
        cosines between matched columns, 1 for the best fit itself.
    """

    fit: CPFit
    errors: NDArray[np.float64]
    scores: NDArray[np.float64]

    @property
    def components(self) -> NDArray[np.float64]:
        """Mean score of each component over the other starts, (R,)."""
        others = np.arange(len(self.errors)) != np.argmin(self.errors)
        return np.asarray(self.scores[others].mean(axis=0))

    @property
    def agreement(self) -> float:
        """Mean score over the other starts and all components: 1 where all starts agree."""
        return float(self.components.mean())

    def plot_components(self, ax: "Axes | None" = None) -> "Axes":
        """Scores of the components: their mean, and every start."""
        from rankloom.decomposition.plots import plot_stability

        return plot_stability(self.scores, self.components, ax)

    def __repr__(self) -> str:
        return (
            f"Stability(rank {self.fit.tensor.rank}, {len(self.errors)} starts, agreement "
            f"{self.agreement:.3f}, errors {self.errors.min():.3g} to {self.errors.max():.3g})"
        )


def stability(
    x: Any,
    rank: int,
    *,
    restarts: int = 10,
    solver: Callable[..., CPFit] = cp,
    rng: Any = None,
    progress: Progress = False,
    **options: Any,
) -> Stability:
    """Fit from several starts and see which components come back.

    Components that other starts do not find are artefacts of the search, or the rank is too high:
    do not interpret them.

    Parameters
    ----------
    x : array
        As `solver` takes it.
    rank : int
    restarts : int, default 10
        At least 2.
    solver : callable, default `cp`
        Or `nonnegative_cp`; called as ``solver(x, rank, rng=.., **options)``.
    rng : Generator, seed or None
        Every start has a generator of its own.
    progress : bool or callable, default False
        Bar over starts.
    **options
        For `solver`: mask, max_sweeps, ..

    Returns
    -------
    Stability

    Raises
    ------
    TypeError, ValueError
        Fewer than two restarts; and what `solver` raises.

    Examples
    --------
    >>> from rankloom.decomposition import datasets
    >>> x, _ = datasets.planted_cp((12, 11, 10), 3, noise=0.05, rng=0)
    >>> found = stability(x, 3, restarts=4, rng=0)
    >>> found.agreement > 0.99, found.components.shape
    (True, (3,))
    """
    integer("restarts", restarts, 2)
    generators = np.random.default_rng(rng).spawn(restarts)
    fits = [solver(x, rank, rng=g, **options) for g in track(generators, progress)]
    errors = np.array([fit.error for fit in fits])
    best = fits[int(np.argmin(errors))]
    scores = np.array([match_components(best.tensor, fit.tensor).scores for fit in fits])
    return Stability(best, errors, scores)


@dataclass(frozen=True, eq=False, repr=False)
class RankSuggestion:
    """Result of `suggest_rank`: what speaks for each rank, and the rank that follows.

    Attributes
    ----------
    ranks : (m,) array of int
        The ranks tried, ascending.
    errors : (m,) array
        Relative error of the best of all starts. It falls with the rank and says little by itself.
    held_out_errors : (m,) array
        Relative error on entries that the fit did not see; NaN where none were held out. It grows
        again when noise is fitted.
    core_consistency : (m,) array
        100 for components that do not mix; NaN for ranks above the size of a mode and where
        entries are missing.
    agreement : (m,) array
        Mean score of the components over the starts (`Stability.agreement`).
    tucker_ranks : mapping
        Multilinear ranks of `x` by tolerance. No tensor within the tolerance of `x` has a CP rank
        much below the largest of them. Empty where entries are missing.
    """

    ranks: NDArray[np.intp]
    errors: NDArray[np.float64]
    held_out_errors: NDArray[np.float64]
    core_consistency: NDArray[np.float64]
    agreement: NDArray[np.float64]
    tucker_ranks: Mapping[float, tuple[int, ...]]

    @property
    def votes(self) -> dict[str, int]:
        """The rank that each criterion alone would choose.

        ``"held_out"``: the smallest rank whose held-out error is within 1 % of the least.
        ``"core_consistency"``: the largest with a core consistency of 80 or more. ``"agreement"``:
        the largest on which starts agree to 0.9. A criterion without figures has no vote.
        """
        votes = {}
        if np.isfinite(self.held_out_errors).any():
            # 1e-6: below it a fit is exact, and the least of such errors is chance
            bound = 1.01 * np.nanmin(self.held_out_errors) + 1e-6
            votes["held_out"] = int(self.ranks[self.held_out_errors <= bound][0])
        for name, values, least in (
            ("core_consistency", self.core_consistency, CONSISTENT),
            ("agreement", self.agreement, STABLE),
        ):
            if np.isfinite(values).any():
                sound = self.ranks[values >= least]
                votes[name] = int(sound[-1] if len(sound) else self.ranks[0])
        return votes

    @property
    def rank(self) -> int:
        """The vote of the held-out entries, or else the smallest vote."""
        votes = self.votes
        return votes.get("held_out", min(votes.values()))

    @property
    def unanimous(self) -> bool:
        """Whether all criteria choose the same rank. If not, look at the curves."""
        return len(set(self.votes.values())) == 1

    def plot_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Errors by rank on the left axis, core consistency and agreement on the right one."""
        from rankloom.decomposition.plots import plot_rank_curves

        return plot_rank_curves(self, ax)

    def __repr__(self) -> str:
        votes = ", ".join(f"{name} {rank}" for name, rank in self.votes.items())
        return f"RankSuggestion(rank={self.rank}; votes: {votes})"

    def _repr_html_(self) -> str:
        columns = (self.ranks, self.errors, self.held_out_errors, self.core_consistency,
                   self.agreement)  # fmt: skip
        names = ("rank", "error", "held-out error", "core consistency", "agreement")
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{value:.3g}</td>" for value in row) + "</tr>"
            for row in zip(*columns, strict=True)
        )
        return f"<table><caption>{self!r}</caption><tr>{head}</tr>{rows}</table>"


def suggest_rank(
    x: Any,
    ranks: Iterable[int] = range(1, 9),
    *,
    restarts: int = 5,
    holdout: float = 0.1,
    solver: Callable[..., CPFit] = cp,
    rng: Any = None,
    progress: Progress = False,
    **options: Any,
) -> RankSuggestion:
    """Try CP ranks, and gather what speaks for each.

    Parameters
    ----------
    x : array
        As `solver` takes it, missing entries included.
    ranks : iterable of int, default 1 to 8
    restarts : int, default 5
        Starts for each rank, at least 2.
    holdout : float, default 0.1
        Fraction of the entries kept back; the same ones for every rank. 0 saves the time, most of
        it for large data.
    solver : callable, default `cp`
        Or `nonnegative_cp`.
    rng : Generator, seed or None
    progress : bool or callable, default False
        Bar over ranks.
    **options
        For `solver`: mask, max_sweeps, ..

    Returns
    -------
    RankSuggestion
        With ``rank``, ``votes``, the curves and ``plot_curves``.

    Raises
    ------
    TypeError, ValueError
        No ranks; and what `solver` raises.

    Notes
    -----
    Costs ``2 restarts`` fits for each rank. The criteria: held-out entries (as in S. Wold,
    doi:10.1080/00401706.1978.10489693, for matrices), core consistency (R. Bro, H. Kiers,
    doi:10.1002/cem.801), and whether starts agree.

    Examples
    --------
    >>> from rankloom.decomposition import datasets
    >>> x, _ = datasets.planted_cp((14, 12, 10), 3, noise=0.1, rng=0)
    >>> suggest_rank(x, range(1, 6), restarts=3, rng=0).rank
    3
    """
    tried = sorted({integer("ranks", r, 1) for r in ranks})
    if not tried:
        raise ValueError("`ranks` is empty; give the ranks to try.")
    root = np.random.default_rng(rng)
    seed = int(root.integers(2**63))  # one for all ranks, so that the same entries are kept back
    errors, held_out, consistency, agreement = [], [], [], []
    for rank in track(tried, progress):
        found = stability(x, rank, restarts=restarts, solver=solver, rng=root, **options)
        errors.append(found.errors.min())
        consistency.append(found.fit.core_consistency)
        agreement.append(found.agreement)
        if holdout:
            judged = solver(x, rank, holdout=holdout, restarts=restarts, rng=seed, **options)
            held_out.append(judged.held_out_error)
    full = not (is_sparse(x) or options.keys() & {"mask", "weights"} or has_nan(x))
    return RankSuggestion(
        ranks=np.array(tried),
        errors=np.array(errors),
        held_out_errors=np.array(held_out if holdout else [np.nan] * len(tried), float),
        core_consistency=np.array(consistency),
        agreement=np.array(agreement),
        tucker_ranks={t: tucker(x, tol=t).tensor.ranks for t in _TOLERANCES} if full else {},
    )
