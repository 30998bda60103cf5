"""Assembled lattice sums against direct sums over all sites, defects included."""

import numpy as np
import pytest

from rankloom.physics import Particles, lattice_potential
from rankloom.physics.potentials.direct import direct_potential


def places(spacing, shape):
    axes = [h * (np.arange(n) - (n - 1) / 2) for h, n in zip(spacing, shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def charges_of(charges, shape):
    if isinstance(charges, str):
        return (-1.0) ** np.indices(shape).sum(axis=0)
    if isinstance(charges, list):
        return np.einsum("i,j,k->ijk", *charges)
    return np.broadcast_to(charges, shape).astype(float)


@pytest.mark.parametrize(
    "spacing, shape, charges, grid",
    [
        (2.0, (4, 4, 4), "alternating", 24),
        ((1.0, 2.0, 1.5), (5, 3, 4), 1.0, 20),
        (1.0, (3, 1, 2), [np.arange(1.0, 4.0), np.ones(1), np.array([1.0, -2.0])], 16),
        (1.5, (3, 4, 2), np.random.default_rng(0).uniform(-1, 1, (3, 4, 2)), 16),
        (1.0, (2, 2, 2), 1.0, [np.linspace(2, 4, 9), np.linspace(-1, 1, 9), np.linspace(0, 1, 9)]),
    ],
)
@pytest.mark.parametrize("kappa", [0.0, 0.5])
def test_lattice_is_the_sum_over_its_sites(spacing, shape, charges, grid, kappa):
    f = lattice_potential(spacing, shape, charges, grid, tol=1e-7, screening=kappa)
    sites = places(np.broadcast_to(spacing, 3), shape).reshape(-1, 3)
    q = charges_of(charges, shape).ravel()
    x = np.random.default_rng(1).uniform(*np.array(f.domain).T, (1000, 3))
    if np.ndim(grid):
        step = min(np.diff(axis).min() for axis in grid)
    else:
        step = np.min(np.broadcast_to(spacing, 3) * shape) / grid
    r = np.linalg.norm(x[:, None] - sites, axis=2)
    x = x[r.min(axis=1) >= step]  # nearer the kernel is smooth on purpose
    exact = direct_potential(Particles(sites, q), x, kappa)
    assert np.abs(f(x) - exact).max() < 1e-7 * np.abs(exact).max()


def test_vacancies_and_impurities():
    shape, grid = (4, 4, 4), 24
    defects = {(1, 2, 0): 0.0, (3, 3, 3): -5.0}
    perfect = lattice_potential(1.0, shape, "alternating", grid, tol=1e-9)
    damaged = lattice_potential(1.0, shape, "alternating", grid, defects, tol=1e-9)
    x = np.random.default_rng(1).uniform(*np.array(perfect.domain).T, (500, 3))
    sites, expected = places((1.0,) * 3, shape), 0.0
    q = charges_of("alternating", shape)
    far = np.ones(len(x), bool)
    for site, charge in defects.items():
        r = np.linalg.norm(x - sites[site], axis=1)
        far &= r > 1 / 6
        expected = expected + (charge - q[site]) / r
    difference = damaged(x) - perfect(x)
    assert np.abs(difference - expected)[far].max() < 1e-7


def test_ranks_do_not_grow_with_the_lattice():
    few, many = (lattice_potential(1.0, (n,) * 3, "alternating", 4 * n, tol=1e-6) for n in (4, 16))
    assert max(many.ranks) <= max(few.ranks) + 12  # as the terms of the kernel: log n
    assert max(many.ranks) < 40


def test_symmetry_of_the_cube():
    f = lattice_potential(1.0, (4, 4, 4), "alternating", 16)
    x = np.random.default_rng(0).uniform(-1.5, 1.5, (100, 3))
    np.testing.assert_allclose(f(x[:, [2, 0, 1]]), f(x), atol=1e-6)
    # an even alternating lattice changes sign when it is reflected
    np.testing.assert_allclose(f(x * [-1, 1, 1]), -f(x), atol=1e-6)


@pytest.mark.parametrize(
    "change, error, word",
    [
        ({"spacing": -1.0}, ValueError, "spacing"),
        ({"shape": (2, 2)}, ValueError, "shape"),
        ({"shape": (2, 0, 2)}, ValueError, "shape"),
        ({"charges": "random"}, ValueError, "alternating"),
        ({"charges": 0.0}, ValueError, "all zero"),
        ({"charges": np.ones((2, 2, 3))}, ValueError, "shape"),
        ({"charges": np.full((2, 2, 2), np.nan)}, ValueError, "NaN"),
        ({"charges": [[1, 2], [1, 2], [1]]}, ValueError, "lengths"),
        ({"grid": 1}, ValueError, "grid"),
        ({"grid": 10**5}, ValueError, "coefficients"),
        ({"grid": [np.ones(3)] * 3}, ValueError, "ascend"),
        ({"defects": {(0, 0, 5): 0.0}}, ValueError, "site"),
        ({"defects": {3: 0.0}}, TypeError, "triples"),
        ({"defects": {(0, 0, 0): np.inf}}, ValueError, "finite"),
        ({"tol": 0.0}, ValueError, "tol"),
    ],
)
def test_bad_arguments(change, error, word):
    arguments = {"spacing": 1.0, "shape": (2, 2, 2), "charges": "alternating", "grid": 8}
    with pytest.raises(error, match=word):
        lattice_potential(**(arguments | change))
