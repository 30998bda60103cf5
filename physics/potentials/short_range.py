"""The short-range part: what the long-range Gaussians leave of the kernel, summed over neighbours.

It is the exact residual ``K(r) - sum_k w_k exp(-t_k^2 r^2)`` within a cutoff radius, not a sum of
the Gaussians left out, so that no accuracy is lost at short distance. The long-range sum is an
entire function of r^2 and becomes one polynomial of it, evaluated for many neighbours at a time;
neighbours are found through cells a third of the cutoff wide.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from rankloom.physics.potentials.direct import columns
from rankloom.physics.potentials.particles import Particles
from rankloom.physics.potentials.quadrature import GaussianSum

_HIGHEST = 63  # degree; the law of the cutoff, t r_c < 6, needs less than 45 for any tolerance
_DIGITS = 1e-3  # of the tolerance of the quadrature, for the polynomial
_PER_CELL = 3  # cells in one cutoff radius
_MOST_CELLS = 2**22


@dataclass(frozen=True, eq=False)
class ShortRange:
    """Particles sorted by cells, and the long-range kernel as a polynomial.

    `short_range` makes one.
    """

    particles: Particles
    long_range: GaussianSum
    cutoff: float
    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    origin: NDArray[np.float64]
    edge: float
    series: tuple[NDArray[np.float64], NDArray[np.float64]]

    def potential(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Short-range potential at points (m, 3): (m,), infinite on a charge."""
        return self._sums(points, 1)[:, 0]

    def field(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Short-range field at points: (m, 3)."""
        return self._sums(points, 3)

    def potential_at_particles(self) -> NDArray[np.float64]:
        """Short-range potential at every particle of all the others, (N,)."""
        return self._sums(self.particles.positions.copy(), 1, others=True)[:, 0]

    def field_at_particles(self) -> NDArray[np.float64]:
        """Short-range field at every particle of all the others, (N, 3)."""
        return self._sums(self.particles.positions.copy(), 3, others=True)

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
        self, points: NDArray[np.float64], width: int, others: bool = False
    ) -> NDArray[np.float64]:
        """Potential (width 1) or field (width 3), without sources at distance 0 if `others`."""
        from rankloom.physics.potentials.pair_kernels import short_sums

        out = np.zeros((len(points), width))
        if self.cutoff == 0:
            return out
        shape = np.array(self.starts.shape) - (0, 0, 1)
        place = np.floor((points - self.origin) / self.edge)
        inside = ((place >= 0) & (place < shape)).all(axis=1)
        cells = np.full(len(points), -1)
        cells[inside] = np.ravel_multi_index(tuple(place[inside].astype(np.intp).T), tuple(shape))
        order = np.argsort(cells)[len(points) - np.count_nonzero(inside) :]
        grid = self._sources(), self.starts, self.origin, self.edge, self.cutoff
        short_sums(points, order, cells, others, *grid, self._kernel(), out)
        return out

    def _sources(self) -> tuple[NDArray[np.float64], ...]:
        """Coordinates and charges in the order of the cells."""
        positions = self.particles.positions[self.order]
        return *columns(positions), self.particles.charges[self.order]

    def _kernel(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
        return *self.series, 2 / self.cutoff**2, float(self.long_range.screening)


def short_range(particles: Particles, long_range: GaussianSum, cutoff: float) -> ShortRange:
    """Sort particles into cells and turn the long-range kernel into a polynomial.

    Parameters
    ----------
    particles : Particles
    long_range : GaussianSum
        The leading terms of a quadrature.
    cutoff : float
        Distance from which the residual is taken to be zero.
    """
    low, high = particles.bounds
    low, high = low - cutoff, high + cutoff  # cells for all points that have neighbours
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
    return ShortRange(
        particles, long_range, cutoff, order, starts, low, edge, _polynomials(long_range, cutoff)
    )


def _polynomials(
    long_range: GaussianSum, cutoff: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients of the kernel, and of its derivative by r^2 times 2, in ``2 (r/r_c)^2 - 1``.

    Highest degree first, a multiple of four of them. Powers do no harm: the terms of an exponential
    alternate in sign, and at r = 0, where the kernel is largest, all have one sign.
    """
    slopes = replace(long_range, weights=-2 * long_range.weights * long_range.nodes**2)
    return _series(long_range, cutoff), _series(slopes, cutoff)


def _series(kernel: GaussianSum, cutoff: float) -> NDArray[np.float64]:
    if len(kernel) == 0 or cutoff == 0:
        return np.zeros(4)
    found = chebyshev.chebinterpolate(lambda v: kernel.of_square((v + 1) / 2 * cutoff**2), _HIGHEST)
    tails = np.cumsum(np.abs(found)[::-1])[::-1]
    wanted = max(_DIGITS * kernel.tol, 1e-15) * tails[0]
    powers = chebyshev.cheb2poly(found[: max(1, np.count_nonzero(tails > wanted))])
    padded = np.zeros(-(-len(powers) // 4) * 4)
    padded[: len(powers)] = powers
    return padded[::-1].copy()
