"""The short-range part: what the long-range Gaussians leave of the kernel, summed over neighbours.

It is the exact residual ``K(r) - sum_k w_k exp(-t_k^2 r^2)`` within a cutoff radius, not a sum of
the Gaussians left out, so that no accuracy is lost at short distance. The long-range sum is
tabulated as piecewise polynomials in r^2 (it is an entire function of it), and neighbours are found
through cells a third of the cutoff wide.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.potentials.direct import columns
from rankloom.physics.potentials.particles import Particles
from rankloom.physics.potentials.quadrature import GaussianSum

_DEGREE = 7
_PER_CELL = 3  # cells in one cutoff radius
_MOST_CELLS = 2**22


@dataclass(frozen=True, eq=False)
class ShortRange:
    """Particles sorted by cells, and the table of the long-range kernel.

    `short_range` makes one.
    """

    particles: Particles
    long_range: GaussianSum
    cutoff: float
    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    origin: NDArray[np.float64]
    edge: float
    table: NDArray[np.float64]
    scale: float

    def potential(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Short-range potential at points (m, 3): (m,), infinite on a charge."""
        return self._sums(points, np.full(len(points), -1), False)[:, 0]

    def field(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Short-range field at points: (m, 3)."""
        return self._sums(points, np.full(len(points), -1), True)

    def potential_at_particles(self) -> NDArray[np.float64]:
        """Short-range potential at every particle of all the others, (N,)."""
        return self._sums(self.particles.positions.copy(), np.argsort(self.order), False)[:, 0]

    def field_at_particles(self) -> NDArray[np.float64]:
        """Short-range field at every particle of all the others, (N, 3)."""
        return self._sums(self.particles.positions.copy(), np.argsort(self.order), True)

    def add_to_grid(
        self,
        axes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
        values: NDArray[np.float64],
    ) -> None:
        """Add the short-range potential to values on a grid with ascending axes, in place."""
        from rankloom.physics.potentials.pair_kernels import short_on_grid

        if self.cutoff > 0:
            short_on_grid(axes, self._sources(), self.cutoff, self._kernel(), values)

    def _sums(
        self, points: NDArray[np.float64], own: NDArray[np.intp], slopes: bool
    ) -> NDArray[np.float64]:
        from rankloom.physics.potentials.pair_kernels import short_sums

        out = np.empty((len(points), 3 if slopes else 1))
        short_sums(
            points,
            own,
            self._sources(),
            self.starts,
            self.origin,
            self.edge,
            self.cutoff,
            self._kernel(),
            slopes,
            out,
        )
        return out

    def _sources(self) -> tuple[NDArray[np.float64], ...]:
        """Coordinates and charges in the order of the cells."""
        positions = self.particles.positions[self.order]
        return *columns(positions), self.particles.charges[self.order]

    def _kernel(self) -> tuple[NDArray[np.float64], float, float]:
        return self.table, self.scale, float(self.long_range.screening)


def short_range(particles: Particles, long_range: GaussianSum, cutoff: float) -> ShortRange:
    """Sort particles into cells and tabulate the long-range kernel.

    Parameters
    ----------
    particles : Particles
    long_range : GaussianSum
        The leading terms of a quadrature.
    cutoff : float
        Distance from which the residual is taken to be zero.
    """
    low, high = particles.bounds
    edge = max(cutoff / _PER_CELL, float((high - low).max()) * 1e-6, 1e-300)
    edge = max(edge, float(np.prod(np.maximum(high - low, edge)) / _MOST_CELLS) ** (1 / 3))
    shape = np.floor((high - low) / edge).astype(np.intp) + 1
    cell = np.minimum(np.floor((particles.positions - low) / edge).astype(np.intp), shape - 1)
    flat = np.ravel_multi_index(tuple(cell.T), tuple(shape))
    order = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=int(shape.prod())).reshape(shape)
    starts = np.zeros((shape[0], shape[1], shape[2] + 1), np.intp)
    before = np.concatenate([[0], np.cumsum(counts.ravel())])
    starts[:, :, :-1] = before[:-1].reshape(shape)
    starts[:, :, -1] = before[1:].reshape(shape)[:, :, -1]
    table, scale = _tabulate(long_range, cutoff)
    return ShortRange(particles, long_range, cutoff, order, starts, low, edge, table, scale)


def _tabulate(long_range: GaussianSum, cutoff: float) -> tuple[NDArray[np.float64], float]:
    """Coefficients (pieces, degree + 1) of the kernel in r^2, and pieces per unit of r^2.

    The steepest term falls by exp(-0.15) over a piece: degree 7 is then good to 1e-16.
    """
    if len(long_range) == 0 or cutoff == 0:
        return np.zeros((1, _DEGREE + 1)), 0.0
    steepest = float(long_range.nodes[-1]) ** 2 * cutoff**2
    pieces = max(1, math.ceil(steepest / 0.15))
    scale = pieces / cutoff**2
    nodes = (1 - np.cos(math.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))) / 2
    values = long_range.of_square((np.arange(pieces)[:, None] + nodes) / scale)
    powers = np.vander(nodes, increasing=True)
    return np.ascontiguousarray(np.linalg.solve(powers, values.T).T), scale
