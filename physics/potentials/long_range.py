"""The smooth part of the potential of many charges, and where it is parted from the rest."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import ChebyshevTucker, TuckerTensor
from rankloom.physics.potentials.cost import PER_NEIGHBOUR
from rankloom.physics.potentials.particles import Particles
from rankloom.physics.potentials.quadrature import GaussianSum, quadrature
from rankloom.physics.potentials.universal_basis import (
    AxisBasis,
    axis_basis,
    basis_size,
    charge_moments,
    degree,
    mixed_core,
)

Domain = tuple[tuple[float, float], ...]

_MOST_COEFFICIENTS = 4096
_FLOPS = 3e10  # in a second, of building: what the automatic split reckons with
_NOMINAL_POINTS = 100_000
_ALIKE = 1.05  # so much wider an interval is cheaper than a basis for every axis


@dataclass(frozen=True, eq=False)
class Split:
    """How a kernel is parted.

    Parameters
    ----------
    rule : GaussianSum
        The long-range terms.
    cutoff : float
        Distance from which the rest is below the tolerance.
    """

    rule: GaussianSum
    cutoff: float


def split_kernel(
    particles: Particles,
    domain: Domain,
    tol: float,
    cutoff_radius: float | str,
    screening: float,
) -> Split:
    """Choose the number of long-range terms.

    Parameters
    ----------
    particles : Particles
    domain : three (start, stop)
    tol : float
        Relative to 1/r.
    cutoff_radius : float or "auto"
        The largest cutoff allowed; "auto" weighs the time of the neighbours against that of the
        basis, for as many points as there are particles and 100,000 more, and stays within half the
        domain.
    screening : float

    Raises
    ------
    TypeError, ValueError
        Neither a positive number nor "auto", or so small that an axis would need more than 4096
        Chebyshev coefficients.
    """
    low, high = particles.bounds
    farthest = math.sqrt(
        sum(
            max(stop - a, b - start) ** 2
            for (start, stop), a, b in zip(domain, low.tolist(), high.tolist(), strict=True)
        )
    )
    rule = quadrature(tol, 1e-4 * farthest, farthest, screening)
    radii = np.array([rule.reach(k, tol) for k in range(1, len(rule))])
    if isinstance(cutoff_radius, str):
        if cutoff_radius != "auto":
            raise ValueError(f"`cutoff_radius` must be a length or 'auto', got {cutoff_radius!r}.")
        terms = 1 + _cheapest(particles, domain, tol, rule, radii)
    else:
        if not isinstance(cutoff_radius, (int, float, np.number)) or isinstance(
            cutoff_radius, bool
        ):
            raise TypeError(f"`cutoff_radius` must be a length or 'auto', got {cutoff_radius!r}.")
        if not 0 < cutoff_radius < math.inf:
            raise ValueError(f"`cutoff_radius` must be positive, got {cutoff_radius}.")
        fitting = np.flatnonzero(radii <= cutoff_radius)
        terms = 1 + int(fitting[0]) if len(fitting) else len(rule)
    leading = rule.leading(terms)
    intervals = [*domain, *source_intervals(particles, domain)]
    most = 1 + max(degree(leading, interval, tol) for interval in intervals)
    if most > _MOST_COEFFICIENTS:
        raise ValueError(
            f"`cutoff_radius` = {cutoff_radius} needs {most} Chebyshev coefficients on an axis; "
            f"{_MOST_COEFFICIENTS} are the limit. Take a larger radius, or 'auto'."
        )
    return Split(leading, rule.reach(terms, tol))


def _cheapest(
    particles: Particles,
    domain: Domain,
    tol: float,
    rule: GaussianSum,
    radii: NDArray[np.float64],
) -> int:
    """Index of the radius with the least time to set up, and to evaluate at the nominal points."""
    n = len(particles)
    low, high = particles.bounds
    half = max((high - low).max() / 2, 1e-3 * max(b - a for a, b in domain))
    volume = float(np.prod(np.maximum(high - low, 0.05 * 2 * half)))
    neighbours = np.minimum(n, n * 4 / 3 * math.pi * radii**3 / volume)
    size = np.array([basis_size(t, half, tol / 10) for t in rule.nodes[: len(radii)].tolist()])
    terms = np.arange(1, len(radii) + 1)
    seconds = (n + _NOMINAL_POINTS) * neighbours * PER_NEIGHBOUR
    seconds += (4 * n * size**3 + 2 * terms * size**4) / _FLOPS
    wide = max(b - a for a, b in domain) / 2
    too_many = 2 * rule.nodes[: len(radii)] * wide * math.sqrt(math.log(1 / tol)) > (
        _MOST_COEFFICIENTS / 2
    )
    too_wide = radii > wide  # the function should carry what is far, also for a handful of charges
    return int(np.argmin(np.where(too_many | too_wide, np.inf, seconds)))


def long_range_function(particles: Particles, domain: Domain, split: Split, tol: float) -> Any:
    """The sum of all long-range kernels as a `ChebyshevTucker`.

    Parameters
    ----------
    particles : Particles
    domain : three (start, stop)
    split : Split
    tol : float
        Relative Frobenius norm of the coefficients that the last rounding may drop; the basis is
        cut at a tenth of it.
    """
    axes = _axes(domain, source_intervals(particles, domain), split.rule, tol / 10)
    core = mixed_core(moments_of(particles, axes), split.rule.weights, axes)
    rounded = TuckerTensor(core, tuple(axis.phi for axis in axes)).round(tol)
    return ChebyshevTucker(rounded.core, rounded.factors, domain, error_estimate=tol)


def moments_of(
    particles: Particles, axes: tuple[AxisBasis, AxisBasis, AxisBasis]
) -> NDArray[np.float64]:
    """Moments of the charges in the source bases."""
    total = np.zeros(tuple(axis.psi.shape[1] for axis in axes))
    size = 2**14  # rows of three bases at a time
    for start in range(0, len(particles), size):
        part = slice(start, start + size)
        u, v, w = (
            axis.at_sources(np.ascontiguousarray(particles.positions[part, k]))
            for k, axis in enumerate(axes)
        )
        total += charge_moments((u, v, w), particles.charges[part])
    return total


def long_range_energy(particles: Particles, split: Split, tol: float) -> float:
    """Long-range energy of all pairs, self terms left out, from moments alone.

    ``1/2 (sum_k w_k <M, M x B_k x B_k x B_k> - sum_k w_k sum_p q_p^2)``: no potential is formed.
    """
    low, high = particles.bounds
    domain = tuple(zip(low.tolist(), high.tolist(), strict=True))
    sources = source_intervals(particles, domain)
    axes = _axes(sources, sources, split.rule, tol / 10)
    moments = moments_of(particles, axes)
    core = mixed_core(moments, split.rule.weights, axes)
    own = float(split.rule.weights.sum() * (particles.charges @ particles.charges))
    return (float(np.vdot(moments, core)) - own) / 2


def _axes(
    targets: Domain, sources: Domain, rule: GaussianSum, tol: float
) -> tuple[AxisBasis, AxisBasis, AxisBasis]:
    """One basis per axis; axes whose intervals lie alike share it."""
    made: dict[tuple[float, ...], AxisBasis] = {}
    axes = []
    unit = max(stop - start for start, stop in targets)
    for target, source in zip(targets, sources, strict=True):
        shape = tuple(round((x - target[0]) / unit, 12) for x in (target[1], *source))
        if shape not in made:
            made[shape] = axis_basis(rule, target, source, tol)
        known = made[shape]
        axes.append(AxisBasis(target, source, known.phi, known.psi, known.left, known.right))
    return axes[0], axes[1], axes[2]


def source_intervals(particles: Particles, domain: Sequence[tuple[float, float]]) -> Domain:
    """Intervals that hold the particles, alike on all axes where that costs little.

    So a cloud of them that lies alike on all axes of a cubic domain needs one basis only.
    """
    low, high = particles.bounds
    least = 1e-3 * max(stop - start for start, stop in domain)
    reach = np.maximum((high - low) / 2, least)
    reach = np.where(reach > 0.75 * reach.max(), reach.max(), reach)
    starts = np.array([start for start, _ in domain])
    middles = (low + high) / 2 - starts
    first, last = float((middles - reach).min()), float((middles + reach).max())
    if last - first <= _ALIKE * 2 * reach.min():
        return tuple((start + first, start + last) for start in starts.tolist())
    ends = (starts + middles - reach).tolist(), (starts + middles + reach).tolist()
    return tuple(zip(*ends, strict=True))
