"""Collective potentials against direct sums: values, fields, energies, forces, and invariances."""

import numpy as np
import pytest

from rankloom.decomposition import ApproximationWarning
from rankloom.decomposition.modes import mode_products
from rankloom.physics import Particles, long_range_potential, potential_energy
from rankloom.physics.potentials.direct import (
    direct_at_particles,
    direct_energy,
    direct_field,
    direct_forces,
    direct_potential,
)
from rankloom.physics.potentials.quadrature import newton_quadrature
from rankloom.physics.potentials.universal_basis import axis_basis, charge_moments, mixed_core


def box(n=300, seed=0, low=-1.0):
    """Charges in a cube of edge 1.8, at least half the typical distance apart."""
    rng = np.random.default_rng(seed)
    apart, kept = 0.6 * 1.8 / n ** (1 / 3), []
    while len(kept) < n:
        x = rng.uniform(-0.9, 0.9, 3)
        if all(np.sum((x - y) ** 2) > apart**2 for y in kept):
            kept.append(x)
    return Particles(np.array(kept), rng.uniform(low, 1, n))


P = box()


@pytest.fixture(autouse=True)
def both_parts(monkeypatch):
    """For few charges both parts would give way to the direct sum: here they are under test."""
    module = "rankloom.physics.potentials.potential"
    monkeypatch.setattr(f"{module}.direct_is_cheaper", lambda *_: False)


@pytest.mark.parametrize("tol", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("kappa", [0.0, 2.0])
def test_everything_against_direct_sums(tol, kappa):
    phi = long_range_potential(P, tol=tol, screening=kappa)
    assert phi.error_estimate <= tol
    points = np.random.default_rng(1).uniform(*np.array(phi.domain).T, (500, 3))
    exact = direct_potential(P, points, kappa)
    scale = np.abs(phi.function(points)).max()
    # the estimate is taken on 200 points: others may be somewhat worse
    assert np.abs(phi.potential(points) - exact).max() < 2 * tol * scale
    assert np.abs(phi.at_particles() - direct_at_particles(P, kappa)).max() < 4 * tol * scale
    # half the charges times the error of the potential at most
    bound = 2 * tol * scale * np.abs(P.charges).sum()
    assert abs(phi.energy() - direct_energy(P, kappa)) < bound
    # a derivative costs a factor of the steepest node, about 10 here
    forces, field = direct_forces(P, kappa), direct_field(P, points, kappa)
    assert np.abs(phi.forces() - forces).max() < 40 * tol * scale
    errors = np.abs(phi.field(points) - field)
    assert np.median(errors) < 40 * tol * scale
    assert errors.max() < 400 * tol * scale  # by the faces of the domain: the degree squared
    np.testing.assert_allclose(
        phi.short_range(points) + phi.function(points), phi.potential(points), rtol=1e-13
    )


def test_few_charges_are_summed_directly(monkeypatch):
    monkeypatch.undo()
    points = np.random.default_rng(1).uniform(-0.9, 0.9, (40, 3))
    phi = long_range_potential(P)
    assert np.array_equal(phi.potential(points), direct_potential(P, points))
    assert np.array_equal(phi.field(points), direct_field(P, points))
    assert np.array_equal(phi.forces(), direct_forces(P))
    assert phi.energy() == direct_energy(P)


def test_many_charges_are_not(monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    p = Particles(rng.uniform(-1, 1, (20_000, 3)), rng.uniform(-1, 1, 20_000))
    phi = long_range_potential(p, tol=1e-4)
    points = rng.uniform(-0.9, 0.9, (300, 3))
    both = phi.function(points) + phi.short_range(points)
    np.testing.assert_allclose(phi.potential(points), both, rtol=1e-13)


def test_forces_to_a_millionth():
    phi, forces = long_range_potential(P, tol=1e-7), direct_forces(P)
    errors = np.linalg.norm(phi.forces() - forces, axis=1)
    assert errors.max() < 1e-6 * np.linalg.norm(forces, axis=1).max()


def test_grid_is_the_potential_at_its_points():
    phi = long_range_potential(P)
    axes = [np.sort(np.random.default_rng(k).uniform(-1, 1, 7 + k)) for k in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    np.testing.assert_allclose(phi.grid(*axes).ravel(), phi.potential(points), rtol=1e-10)
    with pytest.raises(ValueError, match="ascend"):
        phi.grid(axes[0][::-1], *axes[1:])


def test_outside_the_domain_the_direct_sum_takes_over():
    phi = long_range_potential(P, tol=1e-4)
    points = np.array([[0.1, 0.2, 0.3], [5.0, 0.0, 0.0], [0.0, -1.3, 0.0]])
    found, exact = phi.potential(points), direct_potential(P, points)
    assert np.array_equal(found[1:], exact[1:])
    np.testing.assert_array_equal(phi.field(points)[1:], direct_field(P, points)[1:])
    with pytest.raises(ValueError, match="domain"):
        phi.function(points)


@pytest.mark.parametrize(
    "domain",
    [
        [(-0.2, 0.3), (-0.1, 0.4), (0.0, 0.5)],  # most particles outside
        [(-3, 3), (-2, 1), (-1, 1)],
        [(1.5, 2.5), (-1, 0), (0, 1)],  # all of them
        [(100, 101), (-1, 0), (0, 1)],  # far away
    ],
)
def test_domains_of_ones_own(domain):
    phi = long_range_potential(P, tol=1e-7, domain=domain)
    assert phi.domain == tuple((float(a), float(b)) for a, b in domain)
    points = np.random.default_rng(1).uniform(*np.array(domain).T, (300, 3))
    exact = direct_potential(P, points)
    assert np.abs(phi.potential(points) - exact).max() < 2e-7 * np.abs(phi.function(points)).max()
    np.testing.assert_allclose(phi.forces(), direct_forces(P), atol=1e-4)  # forces are up to 100


@pytest.mark.parametrize("radius", [0.2, 0.5, 2.0])
def test_cutoff_of_ones_own(radius):
    phi = long_range_potential(P, tol=1e-6, cutoff_radius=radius)
    assert phi.cutoff_radius <= radius
    assert phi.error_estimate < 1e-6
    far = np.array([[0.9, 0.9, 0.9]]) + radius
    assert phi.short_range(far)[0] == 0


def test_a_few_particles_also_make_a_function():
    for n in (1, 2, 3):
        p = Particles(np.eye(3)[:n], [1.0, -2.0, 3.0][:n])
        phi = long_range_potential(p, tol=1e-8)
        assert phi.error_estimate < 1e-8
        assert np.isclose(phi.energy(), direct_energy(p), atol=1e-7)
    assert phi.cutoff_radius < 1.5


def test_linear_in_the_charges():
    other = np.random.default_rng(5).uniform(-1, 1, len(P))
    points = np.random.default_rng(1).uniform(-1, 1, (50, 3))
    radius = 0.5
    first, second, both = (
        long_range_potential(Particles(P.positions, q), 1e-9, radius).function(points)
        for q in (P.charges, other, 2 * P.charges - 3 * other)
    )
    np.testing.assert_allclose(2 * first - 3 * second, both, atol=1e-7)


def test_moving_turning_and_scaling():
    points = np.random.default_rng(1).uniform(-0.9, 0.9, (50, 3))
    values = long_range_potential(P, 1e-9).potential(points)
    shift, turn = np.array([30.0, -4.0, 7.0]), [2, 0, 1]
    for move, factor in (
        (lambda x: x + shift, 1),
        (lambda x: x[:, turn], 1),
        (lambda x: -x, 1),
        (lambda x: 25 * x, 25),
    ):
        moved = long_range_potential(Particles(move(P.positions), P.charges), 1e-9)
        np.testing.assert_allclose(factor * moved.potential(move(points)), values, atol=1e-6)


def test_a_vacancy_takes_its_own_potential_away():
    phi = long_range_potential(P, 1e-9, 0.5)
    rest = Particles(np.delete(P.positions, 7, axis=0), np.delete(P.charges, 7))
    without = long_range_potential(rest, 1e-9, 0.5, domain=phi.domain)
    points = np.random.default_rng(1).uniform(-1, 1, (100, 3))
    r = np.linalg.norm(points - P.positions[7], axis=1)
    difference = phi.potential(points) - without.potential(points)
    np.testing.assert_allclose(difference, P.charges[7] / r, atol=1e-6)
    # and in the long range, with the same split
    rule = phi.short.long_range
    smooth = phi.function(points) - without.function(points)
    np.testing.assert_allclose(smooth, P.charges[7] * rule(r), atol=1e-6)


@pytest.mark.parametrize("kappa", [0.0, 1.0])
def test_energy_from_moments(kappa):
    for tol in (1e-5, 1e-9):
        found = potential_energy(P, tol, method="moments", screening=kappa)
        exact = direct_energy(P, kappa)
        assert abs(found - exact) < 10 * tol * np.sum(P.charges**2) / 0.1
        assert potential_energy(P, tol, screening=kappa) == exact  # few particles: summed directly
    flat = Particles(P.positions * [1, 0.3, 0.01], P.charges)
    assert np.isclose(
        potential_energy(flat, 1e-9, method="moments"), direct_energy(flat), rtol=1e-6
    )


def test_units_are_applied_when_asked():
    p = Particles([[0, 0, 0], [0, 0, 2]], [1, -1])
    assert potential_energy(p) == -0.5
    assert np.isclose(potential_energy(p, unit="kcal/mol"), -0.5 * 332.06371, rtol=1e-12)
    phi = long_range_potential(p, 1e-9)
    assert np.isclose(phi.energy("kcal/mol"), -0.5 * 332.06371, rtol=1e-7)
    np.testing.assert_allclose(phi.forces("kcal/mol")[0], [0, 0, 332.06371 / 4], atol=1e-5)


@pytest.mark.parametrize(
    "target, source", [((-1, 1), (-1, 1)), ((-1, 2), (0.2, 0.7)), ((3, 4), (0, 2))]
)
def test_the_universal_basis_holds_every_gaussian(target, source):
    rule = newton_quadrature(1e-8, 1e-3, 5.0).leading(14)
    axis = axis_basis(rule, target, source, 1e-10)
    x, a = np.linspace(*target, 41), np.linspace(*source, 37)
    phi = np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, 41), len(axis.phi) - 1) @ axis.phi
    psi = axis.at_sources(a)
    for t, left, right in zip(rule.nodes, axis.left, axis.right, strict=True):
        gaussian = np.exp(-(t**2) * np.subtract.outer(x, a) ** 2)
        # basis functions at a point are of size sqrt(m)
        np.testing.assert_allclose(phi @ left @ right @ psi.T, gaussian, atol=3e-8)
    for basis in (axis.phi, axis.psi):
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)


def test_moments_and_core_of_all_array_libraries(library):
    rng = np.random.default_rng(0)
    rows, q = [rng.standard_normal((11, r)) for r in (3, 4, 5)], rng.standard_normal(11)
    found = library.host(charge_moments(tuple(map(library, rows)), library(q)))
    np.testing.assert_allclose(found, np.einsum("p,pa,pb,pc->abc", q, *rows), rtol=1e-12)
    rule = newton_quadrature(1e-4, 1e-2, 3.0).leading(6)
    axes = tuple(axis_basis(rule, (-1, 1), (-s, s), 1e-5) for s in (1.0, 0.5, 0.25))
    moments = rng.standard_normal([axis.psi.shape[1] for axis in axes])
    expected = sum(
        w * mode_products(moments, [axis.left[k] @ axis.right[k] for axis in axes])
        for k, w in enumerate(rule.weights)
    )
    core = library.host(mixed_core(library(moments), rule.weights, axes))
    np.testing.assert_allclose(core, expected, rtol=1e-9, atol=1e-11)


def test_a_missed_tolerance_warns():
    # charges that cancel: what is left is far smaller than the errors of the single terms
    p = Particles([[0, 0, 0], [1e-7, 0, 0]], [1e8, -1e8])
    with pytest.warns(ApproximationWarning, match="relative error"):
        long_range_potential(p, tol=1e-12, domain=[(-1, 1)] * 3)


@pytest.mark.parametrize(
    "change, error, word",
    [
        ({"tol": 0.0}, ValueError, "tol"),
        ({"tol": np.nan}, ValueError, "tol"),
        ({"cutoff_radius": "none"}, ValueError, "auto"),
        ({"cutoff_radius": -1.0}, ValueError, "positive"),
        ({"cutoff_radius": 1e-5}, ValueError, "Chebyshev coefficients"),
        ({"cutoff_radius": None}, TypeError, "cutoff_radius"),
        ({"domain": [(0, 1)]}, ValueError, "three pairs"),
        ({"domain": [(1, 0)] * 3}, ValueError, "start < stop"),
        ({"domain": 3}, TypeError, "three pairs"),
        ({"screening": -1.0}, ValueError, "screening"),
    ],
)
def test_bad_arguments(change, error, word):
    with pytest.raises(error, match=word):
        long_range_potential(P, **change)


def test_bad_kinds():
    with pytest.raises(TypeError, match="Particles"):
        long_range_potential(P.positions)
    with pytest.raises(ValueError, match="method"):
        potential_energy(P, method="ewald")
    with pytest.raises(ValueError, match=r"\(m, 3\)"):
        long_range_potential(P, 1e-3).potential([1.0, 2.0, 3.0])
