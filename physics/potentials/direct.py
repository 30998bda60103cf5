"""Potentials and fields of point charges by summing over all of them: exact, and the oracle.

N charges and m points cost N m evaluations of the kernel; memory is that of the result for NumPy
arrays, and 2**22 numbers at a time for other array libraries.
"""

from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from rankloom.physics.potentials.particles import Particles
from rankloom.tn.arrays import Array, is_numpy, like, namespace

_CHUNK = 2**22


def check_points(points: Any, name: str = "points") -> Array:
    """`points` as an array (m, 3) of finite doubles.

    Raises
    ------
    ValueError
        Another shape, NaN or infinity.
    """
    if not array_api_compat.is_array_api_obj(points) or is_numpy(points):
        points = np.require(points, np.float64, ["C", "W"])  # writable, as `sources`
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"`{name}` must have shape (m, 3), got {tuple(points.shape)}.")
    xp = namespace(points)
    if not bool(xp.all(xp.isfinite(points))):
        raise ValueError(f"`{name}` holds NaN or infinity.")
    return points


def columns(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The three coordinates as contiguous arrays."""
    return [c.copy() for c in values.T]


def sources(particles: Particles) -> tuple[NDArray[np.float64], ...]:
    """Coordinates x, y, z and charges as contiguous arrays of their own.

    Writable ones: for read-only arrays numba would compile its kernels once more.
    """
    return *columns(particles.positions), particles.charges.copy()


def direct_potential(particles: Particles, points: Array, screening: float = 0.0) -> Array:
    """Potential ``sum_j q_j / |x - x_j|`` at points.

    Parameters
    ----------
    particles : Particles
    points : (m, 3) array
    screening : float, default 0
        kappa of a Yukawa kernel ``exp(-kappa r)/r``.

    Returns
    -------
    (m,) array
        Infinite on a charge.

    Raises
    ------
    ValueError
        `points` of another shape, or not finite.

    Examples
    --------
    >>> p = Particles([[0, 0, 0], [0, 0, 2]], [1, 1])
    >>> direct_potential(p, [[0, 0, 1], [0, 0, 4]])
    array([2.  , 0.75])
    """
    points = check_points(points)
    if is_numpy(points):
        return _potential(particles, points, screening, np.full(len(points), -1))
    xp, parts = namespace(points), []
    with_charge = like(points, particles.charges, points.dtype)
    for difference in _differences(particles, points):
        r = xp.sqrt(xp.sum(difference**2, axis=2))
        parts.append((xp.exp(-screening * r) / r) @ with_charge)
    return xp.concat(parts)


def direct_field(particles: Particles, points: Array, screening: float = 0.0) -> Array:
    """Field, minus the gradient of `direct_potential`, (m, 3); everything else as there."""
    points = check_points(points)
    if is_numpy(points):
        return _field(particles, points, screening, np.full(len(points), -1))
    xp, parts = namespace(points), []
    charges = like(points, particles.charges, points.dtype)
    for difference in _differences(particles, points):
        r = xp.sqrt(xp.sum(difference**2, axis=2))
        weight = charges * (1 + screening * r) * xp.exp(-screening * r) / r**3
        parts.append(xp.sum(weight[..., None] * difference, axis=1))
    return xp.concat(parts)


def direct_at_particles(particles: Particles, screening: float = 0.0) -> NDArray[np.float64]:
    """Potential at every particle of all the others, (N,)."""
    return _potential(particles, particles.positions.copy(), screening, np.arange(len(particles)))


def direct_forces(particles: Particles, screening: float = 0.0) -> NDArray[np.float64]:
    """Forces on all particles by all others, (N, 3), in charges^2/length^2."""
    field = _field(particles, particles.positions.copy(), screening, np.arange(len(particles)))
    return field * particles.charges[:, None]


def direct_energy(particles: Particles, screening: float = 0.0) -> float:
    """Energy ``sum_{i<j} q_i q_j / r_ij``."""
    return float(particles.charges @ direct_at_particles(particles, screening)) / 2


def _potential(
    particles: Particles, points: NDArray[np.float64], screening: float, own: NDArray[np.intp]
) -> NDArray[np.float64]:
    from rankloom.physics.potentials.pair_kernels import direct_potential as kernel

    out = np.empty(len(points))
    kernel(points, sources(particles), float(screening), own, out)
    return out


def _field(
    particles: Particles, points: NDArray[np.float64], screening: float, own: NDArray[np.intp]
) -> NDArray[np.float64]:
    from rankloom.physics.potentials.pair_kernels import direct_field as kernel

    out = np.empty((len(points), 3))
    kernel(points, sources(particles), float(screening), own, out)
    return out


def _differences(particles: Particles, points: Array) -> Any:
    """Vectors from all particles to some points at a time, (points, N, 3)."""
    sources = like(points, particles.positions, points.dtype)
    size, m = max(1, _CHUNK // (3 * len(particles))), points.shape[0]
    for start in range(0, max(m, 1), size):
        yield points[start : min(start + size, m), None, :] - sources[None, :, :]
