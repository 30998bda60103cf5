"""Potentials of many particles in low-rank form (arXiv:2503.01696).

The kernel 1/r becomes a sum of Gaussians (`quadrature`), which is parted: the wide ones of all
particles together are a smooth function of low rank (`universal_basis`, `long_range`), the rest
reaches near neighbours only (`short_range`). Sums over all pairs (`direct`) are the oracle, and
what is used outside the domain of a function.
"""
