"""`long_range_potential` and `potential_energy`: what users call."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import ApproximationWarning, ChebyshevTucker
from rankloom.physics.potentials import direct
from rankloom.physics.potentials.cost import direct_is_cheaper
from rankloom.physics.potentials.fields import RegularGrid
from rankloom.physics.potentials.long_range import (
    Domain,
    Split,
    long_range_energy,
    long_range_function,
    split_kernel,
)
from rankloom.physics.potentials.particles import Particles
from rankloom.physics.potentials.short_range import ShortRange, short_range
from rankloom.tn.arrays import to_host
from rankloom.tn.checks import integer

_MARGIN = 0.1  # of the edge of the bounding cube, on each side
_CHECKED = 200  # fresh points of the error estimate
_SAFETY = 0.25  # of `tol` for each of the errors that add up
_DIRECT = 10_000  # particles up to which summing over all pairs is the quickest energy


@dataclass(frozen=True, eq=False)
class LongRangePotential:
    """The potential ``sum_j q_j / |x - x_j|`` of many charges, in two parts.

    `long_range_potential` makes one. Charges and lengths are those of the particles; no constant is
    applied unless a unit is asked for.

    Parameters
    ----------
    particles : Particles
    function : ChebyshevTucker
        The long-range part, smooth, on the domain.
    short : ShortRange
        The exact rest, within the cutoff radius of each particle.
    tol : float
    error_estimate : float
        Largest error of `potential` on 200 fresh points against the direct sum, relative to the
        largest modulus of the long-range part seen there.
    """

    particles: Particles
    function: ChebyshevTucker
    short: ShortRange
    tol: float
    error_estimate: float

    @property
    def domain(self) -> Domain:
        """Intervals of the box on which `function` is defined."""
        return self.function.domain

    @property
    def cutoff_radius(self) -> float:
        """Distance from which the short-range part of a charge is zero."""
        return self.short.cutoff

    @property
    def screening(self) -> float:
        """kappa of the Yukawa kernel; 0 for Newton's."""
        return self.short.long_range.screening

    # At any points --------------------------------------------------------------------------------

    def short_range(self, points: Any) -> NDArray[np.float64]:
        """The short-range part at points (m, 3): (m,), infinite on a charge."""
        return self.short.potential(direct.check_points(points))

    def potential(self, points: Any) -> NDArray[np.float64]:
        """Both parts together at points (m, 3): (m,), infinite on a charge.

        Outside the domain the sum over all charges takes over, and inside where it takes less time
        than both parts (up to a thousand charges or two).

        Raises
        ------
        ValueError
            `points` of another shape, or not finite.
        """
        points = direct.check_points(points)
        inside = self._inside(points)
        if inside.all() and self._summing(len(points)):
            return to_host(direct.direct_potential(self.particles, points, self.screening))
        if inside.all():
            return self._long(points) + self.short.potential(points)
        out = np.empty(len(points))
        out[inside] = self.potential(points[inside]) if inside.any() else 0.0
        out[~inside] = direct.direct_potential(self.particles, points[~inside], self.screening)
        return out

    def field(self, points: Any) -> NDArray[np.float64]:
        """Minus the gradient of `potential`, (m, 3); the rest as there.

        Errors are those of the potential times about ten over the cutoff radius, and larger within
        a few hundredths of the domain's edge of its faces, as with derivatives of polynomials.
        """
        points = direct.check_points(points)
        inside = self._inside(points)
        if inside.all() and self._summing(len(points), slopes=True):
            return to_host(direct.direct_field(self.particles, points, self.screening))
        if inside.all():
            return self.short.field(points) - self._slopes(points)
        out = np.empty((len(points), 3))
        if inside.any():
            out[inside] = self.field(points[inside])
        out[~inside] = direct.direct_field(self.particles, points[~inside], self.screening)
        return out

    def grid(self, gx: Any, gy: Any, gz: Any) -> NDArray[np.float64]:
        """`potential` on a tensor grid with ascending axes inside the domain.

        Returns
        -------
        (len(gx), len(gy), len(gz)) array

        Raises
        ------
        ValueError
            Axes that do not ascend, or leave the domain.
        """
        axes = (_ascending("gx", gx), _ascending("gy", gy), _ascending("gz", gz))
        values: NDArray[np.float64] = np.require(
            to_host(self.function.grid(*axes)), None, ["C", "W"]
        )
        self.short.add_to_grid(axes, values)
        return values

    def on_grid(self, n: int | Sequence[int]) -> RegularGrid:
        """`potential` on a regular grid over the whole domain, ready for OpenDX and HDF5 files.

        Parameters
        ----------
        n : int or three ints
            Places along x, y and z, the first and the last on the faces of the domain.

        Examples
        --------
        >>> p = Particles([[0, 0, 0], [0, 0, 2]], [1, -1])
        >>> long_range_potential(p).on_grid(10).unit
        'e/angstrom'
        """
        counts = [n] * 3 if np.ndim(n) == 0 else list(n)  # type: ignore[arg-type]
        if len(counts) != 3:
            raise ValueError(f"`n` must be one or three numbers of places, got {n!r}.")
        sizes = [integer("n", count, 2) for count in counts]
        axes = [np.linspace(*interval, m) for interval, m in zip(self.domain, sizes, strict=True)]
        x, y, z = axes
        a, b, c = (float(axis[1] - axis[0]) for axis in axes)
        unit = f"{self.particles.charge_unit}/{self.particles.length_unit}"
        origin = (float(x[0]), float(y[0]), float(z[0]))
        return RegularGrid(self.grid(x, y, z), origin, (a, b, c), unit)

    # At the particles -----------------------------------------------------------------------------

    def at_particles(self) -> NDArray[np.float64]:
        """Potential at every particle of all the others, (N,)."""
        positions, charges = self.particles.positions, self.particles.charges
        if not self._inside(positions).all() or self._summing(len(positions)):
            return direct.direct_at_particles(self.particles, self.screening)
        own = charges * float(self.short.long_range.weights.sum())
        return self._long(positions) - own + self.short.potential_at_particles()

    def energy(self, unit: str | None = None) -> float:
        """Energy of all pairs, ``sum_{i<j} q_i q_j / r_ij``.

        Parameters
        ----------
        unit : "kcal/mol", optional
            For charges in e and lengths in Angstrom.
        """
        factor = self.particles.factor(unit)
        return factor * float(self.particles.charges @ self.at_particles()) / 2

    def forces(self, unit: str | None = None) -> NDArray[np.float64]:
        """Forces on all particles, (N, 3), by the sum over all pairs where that takes less time.

        Parameters
        ----------
        unit : "kcal/mol", optional
            Forces in kcal/mol over Angstrom, for charges in e and lengths in Angstrom.
        """
        factor = self.particles.factor(unit)
        positions, charges = self.particles.positions, self.particles.charges
        if not self._inside(positions).all() or self._summing(len(positions), slopes=True):
            return factor * direct.direct_forces(self.particles, self.screening)
        field = self.short.field_at_particles() - self._slopes(positions)
        return factor * charges[:, None] * field

    def __repr__(self) -> str:
        return (
            f"LongRangePotential({len(self.particles)} particles, ranks={self.function.ranks}, "
            f"cutoff_radius={self.cutoff_radius:.3g}, error_estimate={self.error_estimate:.1e})"
        )

    def _summing(self, points: int, slopes: bool = False) -> bool:
        """Whether the sum over all charges is the quicker one."""
        return direct_is_cheaper(self.function, self.short, points, slopes)

    def _long(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return to_host(self.function(points))

    def _slopes(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        slopes: NDArray[np.float64] = to_host(self.function.gradient(points))
        return slopes

    def _inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        low, high = np.array(self.domain).T
        inside: NDArray[np.bool_] = ((points >= low) & (points <= high)).all(axis=1)
        return inside


def long_range_potential(
    particles: Particles,
    tol: float = 1e-7,
    cutoff_radius: float | str = "auto",
    domain: Any = None,
    *,
    screening: float = 0.0,
    rng: Any = 0,
) -> LongRangePotential:
    """The potential of many charges as a small function plus a short-range rest.

    Parameters
    ----------
    particles : Particles
    tol : float, default 1e-7
        Largest error of the potential, relative to the largest modulus of its long-range part.
    cutoff_radius : float or "auto"
        Where the short-range part of a charge ends. A small one makes a steeper function of larger
        ranks, a large one more neighbours; "auto" balances the time of both.
    domain : three (start, stop), optional
        The box of `function`; by default the bounding cube of the particles and 10 % of its edge
        more on each side. Particles may lie outside.
    screening : float, default 0
        kappa of a Yukawa kernel ``exp(-kappa r)/r``, one over length.
    rng : Generator, seed or None, default 0
        For the points of the error estimate.

    Returns
    -------
    LongRangePotential

    Raises
    ------
    TypeError, ValueError
        An argument of another kind, or out of range.

    Warns
    -----
    ApproximationWarning
        The error on fresh points exceeds `tol`.

    Notes
    -----
    For N charges and ranks r of the basis about ``2 N r^3 + 2 R r^4`` operations for the R
    Gaussians of the long range, ``2 r^3`` numbers and 32 MB of memory. Ranks are set by cutoff and
    tolerance, hardly by N. Kernel splitting in canonical and Tucker formats: P. Benner, V.
    Khoromskaia, B. Khoromskij, arXiv:1606.09218; as Chebyshev-Tucker functions: arXiv:2503.01696.
    The basis shared by all particles and the moments are derived here.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = Particles(rng.uniform(-1, 1, (200, 3)), rng.choice([-1.0, 1.0], 200))
    >>> phi = long_range_potential(p, tol=1e-6)
    >>> phi.error_estimate < 1e-6
    True
    >>> bool(np.isclose(phi.energy(), direct.direct_energy(p), rtol=1e-5))
    True
    """
    _check(particles, tol, screening)
    box = _cube(particles) if domain is None else _box(domain)
    split = split_kernel(particles, box, _SAFETY * tol, cutoff_radius, float(screening))
    function = long_range_function(particles, box, split, _SAFETY * tol)
    short = short_range(particles, split.rule, split.cutoff)
    made = LongRangePotential(particles, function, short, tol, math.nan)
    estimate = _estimate(made, np.random.default_rng(rng))
    if not estimate <= tol:
        warnings.warn(
            f"the potential reached a relative error of {estimate:.1e} on fresh points, but "
            f"`tol` = {tol:g} was asked for. Lower `tol`.",
            ApproximationWarning,
            stacklevel=2,
        )
    return LongRangePotential(particles, function, short, tol, estimate)


def potential_energy(
    particles: Particles,
    tol: float = 1e-7,
    unit: str | None = None,
    *,
    method: str = "auto",
    screening: float = 0.0,
) -> float:
    """Energy of all pairs, ``sum_{i<j} q_i q_j / r_ij``, without forming a potential.

    Parameters
    ----------
    particles : Particles
    tol : float, default 1e-7
        Error of each term q q / r.
    unit : "kcal/mol", optional
        For charges in e and lengths in Angstrom.
    method : "auto", "direct" or "moments"
        "direct" sums over all pairs; "moments" takes the long range from the moments of the charges
        and the rest from neighbours. "auto" is "direct" up to 10,000 particles, where it is
        quicker.
    screening : float, default 0
        kappa of a Yukawa kernel.

    Raises
    ------
    TypeError, ValueError
        An argument of another kind, or out of range.

    Examples
    --------
    >>> potential_energy(Particles([[0, 0, 0], [0, 0, 2]], [1, -1]))
    -0.5
    """
    _check(particles, tol, screening)
    factor = particles.factor(unit)
    if method not in ("auto", "direct", "moments"):
        raise ValueError(f"`method` must be 'auto', 'direct' or 'moments', got {method!r}.")
    if method == "direct" or (method == "auto" and len(particles) <= _DIRECT):
        return factor * direct.direct_energy(particles, screening)
    split: Split = split_kernel(particles, _cube(particles), _SAFETY * tol, "auto", screening)
    short = short_range(particles, split.rule, split.cutoff)
    near = float(particles.charges @ short.potential_at_particles()) / 2
    return factor * (near + long_range_energy(particles, split, _SAFETY * tol))


def _estimate(made: LongRangePotential, rng: np.random.Generator) -> float:
    low, high = np.array(made.domain).T
    points = rng.uniform(low, high, (_CHECKED, 3))
    long = to_host(made.function(points))
    exact = direct.direct_potential(made.particles, points, made.screening)
    largest = float(np.abs(long).max())
    difference = float(np.abs(long + made.short.potential(points) - exact).max())
    return difference / largest if largest > 0 else difference


def _check(particles: Particles, tol: float, screening: float) -> None:
    if not isinstance(particles, Particles):
        raise TypeError(f"`particles` must be Particles, got {type(particles).__name__}.")
    if not 1e-13 <= tol <= 0.1:  # NaN fails too
        raise ValueError(f"`tol` is a relative error, 1e-13 <= tol <= 0.1, got {tol}.")
    if not 0 <= screening < math.inf:
        raise ValueError(f"`screening` must be finite and not negative, got {screening}.")


def _cube(particles: Particles) -> Domain:
    """The bounding cube and a margin; of edge 2 around a single particle."""
    low, high = particles.bounds
    edge = float((high - low).max())
    half = edge * (0.5 + _MARGIN) if edge > 0 else 1.0
    return tuple((m - half, m + half) for m in ((low + high) / 2).tolist())


def _box(domain: Any) -> Domain:
    try:
        box = tuple((float(start), float(stop)) for start, stop in domain)
    except (TypeError, ValueError):
        raise TypeError(f"`domain` must be three pairs (start, stop), got {domain!r}.") from None
    if len(box) != 3 or not all(-math.inf < start < stop < math.inf for start, stop in box):
        raise ValueError(f"`domain` must be three pairs start < stop, got {domain!r}.")
    return box


def _ascending(name: str, values: Any) -> NDArray[np.float64]:
    axis = np.ascontiguousarray(values, np.float64)
    if axis.ndim != 1 or len(axis) == 0 or not (np.diff(axis) > 0).all():
        raise ValueError(f"`{name}` must be one-dimensional and ascend.")
    return axis
