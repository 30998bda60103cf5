"""Tucker and CP tensors, the solvers that find them, and functions in Chebyshev-Tucker form.

Tucker: ``x = core x_0 U0 x_1 U1 ..`` with factors (n_k, r_k). CP: ``x = sum_r w_r U0[:, r] o U1[:,
r] o ..`` with factors (n_k, R) of unit columns. Modes count from 0, unfoldings are in C order, and
every error is the exact relative Frobenius error.
"""

if __name__ != "rankloom.decomposition":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.decomposition` instead."
    )

from typing import TYPE_CHECKING, Any

from rankloom.decomposition import datasets
from rankloom.decomposition.chebyshev import ApproximationWarning, ChebyshevTucker
from rankloom.decomposition.community import Communities, communities, fold_pairs
from rankloom.decomposition.cp_fit import CPFit
from rankloom.decomposition.cp_solver import cp
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.fit import Fit, TuckerFit
from rankloom.decomposition.match import Match, match_components
from rankloom.decomposition.nonnegative import nonnegative_cp
from rankloom.decomposition.selection import (
    RankSuggestion,
    Stability,
    stability,
    suggest_rank,
)
from rankloom.decomposition.stream import TuckerStream
from rankloom.decomposition.tucker_nonnegative import nonnegative_tucker
from rankloom.decomposition.tucker_solver import tucker
from rankloom.decomposition.tucker_tensor import TuckerTensor

if TYPE_CHECKING:
    from rankloom.decomposition.functional import (
        FunctionalCP,
        FunctionalTucker,
        Matern,
        QuasiPeriodic,
        Trend,
    )

__all__ = [
    "ApproximationWarning",
    "CPFit",
    "CPTensor",
    "ChebyshevTucker",
    "Communities",
    "Fit",
    "FunctionalCP",
    "FunctionalTucker",
    "Match",
    "Matern",
    "QuasiPeriodic",
    "RankSuggestion",
    "Stability",
    "Trend",
    "TuckerFit",
    "TuckerStream",
    "TuckerTensor",
    "communities",
    "cp",
    "datasets",
    "fold_pairs",
    "match_components",
    "nonnegative_cp",
    "nonnegative_tucker",
    "stability",
    "suggest_rank",
    "tucker",
]

_FUNCTIONAL = ("FunctionalCP", "FunctionalTucker", "Matern", "QuasiPeriodic", "Trend")


def __getattr__(name: str) -> Any:
    """Import functional models at first use: their kernels would slow down every import."""
    if name not in _FUNCTIONAL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rankloom.decomposition import functional

    return getattr(functional, name)
