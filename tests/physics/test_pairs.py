"""Particles, direct sums and the short-range part against plain array operations."""

import numpy as np
import pytest

from rankloom.physics import Particles
from rankloom.physics.potentials.direct import (
    direct_at_particles,
    direct_energy,
    direct_field,
    direct_forces,
    direct_potential,
)
from rankloom.physics.potentials.quadrature import quadrature
from rankloom.physics.potentials.short_range import short_range


def some(n, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return Particles(scale * rng.uniform(-1, 1, (n, 3)), rng.uniform(-1, 1, n))


def pairs(particles, points):
    difference = points[:, None, :] - particles.positions
    return difference, np.linalg.norm(difference, axis=2)


@pytest.mark.parametrize("kappa", [0.0, 1.3])
def test_direct_sums_of_all_libraries(library, kappa):
    p = some(40)
    points = np.random.default_rng(1).uniform(-2, 2, (23, 3))
    difference, r = pairs(p, points)
    potential = (np.exp(-kappa * r) / r) @ p.charges
    slope = (1 + kappa * r) * np.exp(-kappa * r) / r**3
    field = np.einsum("ij,j,ijk->ik", slope, p.charges, difference)
    found = library.host(direct_potential(p, library(points), kappa))
    np.testing.assert_allclose(found, potential, rtol=1e-11, atol=1e-13)
    found = library.host(direct_field(p, library(points), kappa))
    np.testing.assert_allclose(found, field, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kappa", [0.0, 0.6])
def test_sums_at_particles_leave_the_own_term_out(kappa):
    p = some(30)
    _, r = pairs(p, p.positions)
    np.fill_diagonal(r, 1.0)
    kernel = np.exp(-kappa * r) / r
    np.fill_diagonal(kernel, 0.0)
    potential = kernel @ p.charges
    np.testing.assert_allclose(direct_at_particles(p, kappa), potential, rtol=1e-11, atol=1e-13)
    assert np.isclose(direct_energy(p, kappa), p.charges @ potential / 2, rtol=1e-12)
    # Newton's third law, and the force as the change of the energy
    forces = direct_forces(p, kappa)
    assert np.abs(forces.sum(axis=0)).max() < 1e-11 * np.abs(forces).max()
    step = 1e-5
    for k in range(3):
        moved = [p.positions.copy() for _ in "+-"]
        moved[0][7, k] += step
        moved[1][7, k] -= step
        plus, minus = (direct_energy(Particles(x, p.charges), kappa) for x in moved)
        # a central difference in double precision is good to 1e-7 here
        assert np.isclose(-(plus - minus) / (2 * step), forces[7, k], rtol=1e-6, atol=1e-6)


def test_a_point_on_a_charge_is_infinite():
    p = Particles([[0, 0, 0], [1, 0, 0]], [-2.0, 1.0])
    assert direct_potential(p, [[0, 0, 0], [1, 0, 0]]).tolist() == [-np.inf, np.inf]


@pytest.mark.parametrize("kappa", [0.0, 0.8])
@pytest.mark.parametrize("n, terms, scale", [(1, 8, 1.0), (60, 10, 1.0), (300, 14, 25.0)])
def test_short_range_is_the_kernel_less_the_long_range(n, terms, scale, kappa):
    p, kappa = some(n, scale=scale), kappa / scale
    tol = 1e-9
    long = quadrature(tol, 1e-3 * scale, 4 * scale, kappa)
    cutoff = long.reach(terms, tol)
    short = short_range(p, long.leading(terms), cutoff)
    points = scale * np.random.default_rng(2).uniform(-1.3, 1.3, (200, 3))
    difference, r = pairs(p, points)
    near = r < cutoff
    residual = np.where(near, np.exp(-kappa * r) / r - long.leading(terms)(r), 0.0)
    # the table is good to 1e-15 of the long-range kernel at zero
    atol = 1e-12 * long.leading(terms)(np.zeros(1))[0] * np.abs(p.charges).sum()
    np.testing.assert_allclose(short.potential(points), residual @ p.charges, rtol=1e-9, atol=atol)
    slope = (1 + kappa * r) * np.exp(-kappa * r) / r**3
    for t, w in zip(long.nodes[:terms], long.weights[:terms], strict=True):
        slope -= 2 * t**2 * w * np.exp(-(t**2) * r**2)
    field = np.einsum("ij,j,ijk->ik", np.where(near, slope, 0.0), p.charges, difference)
    np.testing.assert_allclose(short.field(points), field, rtol=1e-8, atol=atol * 100 / scale)


def test_short_range_on_a_grid_and_at_particles():
    p = some(50)
    long = quadrature(1e-8, 1e-3, 4.0)
    short = short_range(p, long.leading(12), long.reach(12, 1e-8))
    axes = tuple(np.sort(np.random.default_rng(k).uniform(-1.2, 1.2, 9 + k)) for k in range(3))
    values = np.zeros(tuple(map(len, axes)))
    short.add_to_grid(axes, values)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    np.testing.assert_allclose(values.ravel(), short.potential(points), rtol=1e-12, atol=1e-12)
    others = Particles(np.delete(p.positions, 5, axis=0), np.delete(p.charges, 5))
    alone = short_range(others, short.long_range, short.cutoff)
    here = p.positions[5:6]
    assert np.isclose(short.potential_at_particles()[5], alone.potential(here)[0], rtol=1e-11)
    np.testing.assert_allclose(short.field_at_particles()[5], alone.field(here)[0], rtol=1e-10)


def test_particles_are_own_read_only_copies():
    positions, charges = np.zeros((2, 3)), np.ones(2)
    positions[1] = 1
    p = Particles(positions, charges)
    positions[0] = 9
    assert p.positions[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        p.charges[0] = 2
    assert p.factor("kcal/mol") == 332.06371
    assert p.factor(None) == 1


@pytest.mark.parametrize(
    "positions, charges, error, word",
    [
        (np.zeros((2, 2)), [1, 1], ValueError, r"\(N, 3\)"),
        (np.zeros((0, 3)), [], ValueError, r"\(N, 3\)"),
        (np.eye(3), [1, 1], ValueError, r"\(3,\)"),
        ([[0, 0, np.nan]], [1], ValueError, "particle 0"),
        (np.eye(3), [1, np.inf, 1], ValueError, "particle 1"),
        (np.eye(3), [0, 0, 0], ValueError, "all zero"),
        ([[1, 2, 3], [0, 0, 0], [1, 2, 3]], [1, 1, 1], ValueError, "particles 0 and 2"),
        ([["a", "b", "c"]], [1], TypeError, "real numbers"),
    ],
)
def test_bad_particles(positions, charges, error, word):
    with pytest.raises(error, match=word):
        Particles(positions, charges)


def test_units_must_fit():
    p = Particles(np.eye(3), [1, 1, 1], length_unit="bohr")
    with pytest.raises(ValueError, match="angstrom"):
        p.factor("kcal/mol")
    with pytest.raises(ValueError, match="unit"):
        p.factor("eV")


def test_bad_points():
    with pytest.raises(ValueError, match=r"\(m, 3\)"):
        direct_potential(some(3), np.zeros(3))
    with pytest.raises(ValueError, match="NaN"):
        direct_potential(some(3), [[0, np.nan, 0]])
