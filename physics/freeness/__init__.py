"""Tensorial free cumulants: exact Weingarten calculus and sums and products of random tensors.

See `rankloom.physics` for the public names.
"""

from rankloom.physics.freeness import laws
from rankloom.physics.freeness.asymptotic import Asymptotic
from rankloom.physics.freeness.classes import Invariants, count_classes, enumerate_invariants
from rankloom.physics.freeness.contraction import trace_invariants
from rankloom.physics.freeness.densities import gaussian_density, marchenko_pastur, semicircle
from rankloom.physics.freeness.draw import plot_graph
from rankloom.physics.freeness.estimate import Estimate, Uncertain, estimate_invariants
from rankloom.physics.freeness.finite import FiniteN
from rankloom.physics.freeness.hciz import hciz_series
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.matrix_products import fuss_catalan, product_moments
from rankloom.physics.freeness.moment_density import MomentDensity, density_from_moments
from rankloom.physics.freeness.orders import FiniteOrders
from rankloom.physics.freeness.plots import plot_convergence, plot_estimate, plot_spectrum
from rankloom.physics.freeness.series import free_cumulants, moments_from_free_cumulants
from rankloom.physics.freeness.states import (
    local_core,
    mean_purity,
    page_entropy,
    partial_transpose_moments,
    partial_transpose_spectrum,
    renyi_moments,
    state_invariants,
)
from rankloom.physics.freeness.weingarten_table import (
    FactoredFraction,
    TruncatedWeingartenWarning,
    WeingartenTable,
    weingarten,
)

__all__ = [
    "Asymptotic",
    "Estimate",
    "FactoredFraction",
    "FiniteN",
    "FiniteOrders",
    "Invariants",
    "MomentDensity",
    "TraceInvariant",
    "TruncatedWeingartenWarning",
    "Uncertain",
    "WeingartenTable",
    "count_classes",
    "density_from_moments",
    "enumerate_invariants",
    "estimate_invariants",
    "free_cumulants",
    "fuss_catalan",
    "gaussian_density",
    "hciz_series",
    "laws",
    "local_core",
    "marchenko_pastur",
    "mean_purity",
    "moments_from_free_cumulants",
    "page_entropy",
    "partial_transpose_moments",
    "partial_transpose_spectrum",
    "plot_convergence",
    "plot_estimate",
    "plot_graph",
    "plot_spectrum",
    "product_moments",
    "renyi_moments",
    "semicircle",
    "state_invariants",
    "trace_invariants",
    "weingarten",
]
