"""Functional Bayesian Tucker and CP models of tables with continuous coordinates.

The factors are Gaussian processes in state-space form, so the cost is linear in the number of
distinct coordinates (arXiv:2311.04829). Time, latitude and pressure need no bins.
"""

from rankloom.decomposition.functional.answers import NotFittedError
from rankloom.decomposition.functional.cp import FunctionalCP
from rankloom.decomposition.functional.matern import Matern
from rankloom.decomposition.functional.priors import Gamma, LogNormal
from rankloom.decomposition.functional.processes import KernelSum
from rankloom.decomposition.functional.scores import Scores, score
from rankloom.decomposition.functional.seasons import QuasiPeriodic, Trend
from rankloom.decomposition.functional.tucker import FunctionalTucker

__all__ = [
    "FunctionalCP",
    "FunctionalTucker",
    "Gamma",
    "KernelSum",
    "LogNormal",
    "Matern",
    "NotFittedError",
    "QuasiPeriodic",
    "Scores",
    "Trend",
    "score",
]
