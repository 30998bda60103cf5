"""Potentials of many particles, and free cumulants of random tensors.

Potentials are in units of charge over length unless another unit is asked for.

>>> from rankloom.physics import weingarten
>>> weingarten(2).at(3)[(2,)]
Fraction(-1, 24)
"""

if __name__ != "rankloom.physics":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.physics` instead."
    )

from rankloom.physics.freeness import (
    Asymptotic,
    Estimate,
    FactoredFraction,
    FiniteN,
    FiniteOrders,
    Invariants,
    MomentDensity,
    TraceInvariant,
    TruncatedWeingartenWarning,
    Uncertain,
    WeingartenTable,
    count_classes,
    density_from_moments,
    enumerate_invariants,
    estimate_invariants,
    free_cumulants,
    fuss_catalan,
    gaussian_density,
    hciz_series,
    laws,
    local_core,
    marchenko_pastur,
    mean_purity,
    moments_from_free_cumulants,
    page_entropy,
    partial_transpose_moments,
    partial_transpose_spectrum,
    plot_convergence,
    plot_estimate,
    plot_graph,
    plot_spectrum,
    product_moments,
    renyi_moments,
    semicircle,
    state_invariants,
    trace_invariants,
    weingarten,
)
from rankloom.physics.potentials.fields import RegularGrid
from rankloom.physics.potentials.lattice import lattice_potential
from rankloom.physics.potentials.madelung import madelung
from rankloom.physics.potentials.particles import COULOMB_CONSTANT, Particles
from rankloom.physics.potentials.potential import (
    LongRangePotential,
    long_range_potential,
    potential_energy,
)

__all__ = [
    "COULOMB_CONSTANT",
    "Asymptotic",
    "Estimate",
    "FactoredFraction",
    "FiniteN",
    "FiniteOrders",
    "Invariants",
    "LongRangePotential",
    "MomentDensity",
    "Particles",
    "RegularGrid",
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
    "lattice_potential",
    "laws",
    "local_core",
    "long_range_potential",
    "madelung",
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
    "potential_energy",
    "product_moments",
    "renyi_moments",
    "semicircle",
    "state_invariants",
    "trace_invariants",
    "weingarten",
]
