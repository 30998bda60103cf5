"""One variable: power series against non-crossing partitions, closed forms, densities."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from rankloom.physics import (
    density_from_moments,
    free_cumulants,
    moments_from_free_cumulants,
)
from rankloom.physics.freeness.geodesics import complements
from rankloom.physics.freeness.permutations import (
    catalan,
    cycle,
    cycle_type,
    cycles,
    moebius,
    non_crossing_permutations,
)


def test_calls_of_the_front_page():
    assert free_cumulants([0, 1, 0, 2, 0, 5]) == [0, 1, 0, 0, 0, 0]
    assert isinstance(free_cumulants([0, 1]), list)
    assert free_cumulants([]) == []


def test_marchenko_pastur():
    assert moments_from_free_cumulants([1] * 8) == [catalan(n) for n in range(1, 9)]
    assert moments_from_free_cumulants([Fraction(2, 3)] * 6) == [
        Fraction(2, 3),
        Fraction(10, 9),
        Fraction(62, 27),
        Fraction(430, 81),
        Fraction(3194, 243),
        Fraction(24850, 729),
    ]
    half = [Fraction(1, 2**k) for k in range(6)]  # ratio 1/2, mean 1
    assert moments_from_free_cumulants(half) == [
        Fraction(a, b) for a, b in ((1, 1), (3, 2), (11, 4), (45, 8), (197, 16), (903, 32))
    ]


@given(st.lists(st.fractions(-3, 3, max_denominator=5), min_size=1, max_size=7))
def test_sums_over_non_crossing_partitions(kappa):
    """Speicher's formula, summed partition by partition."""
    moments = moments_from_free_cumulants(kappa)
    for n, moment in enumerate(moments, 1):
        total = Fraction(0)
        for row in non_crossing_permutations(n).tolist():
            term = Fraction(1)
            for part in cycle_type(tuple(row)):
                term *= kappa[part - 1]
            total += term
        assert moment == total
    assert free_cumulants(moments) == kappa


def test_high_orders_are_exact():
    kappa = [(-1) ** n * n for n in range(1, 41)]
    moments = moments_from_free_cumulants(kappa)
    assert all(isinstance(m, int) for m in moments)
    assert free_cumulants(moments) == kappa


def test_kinds_of_numbers():
    x = sympy.Symbol("x")
    kappa = free_cumulants([x, x**2 + 1, 0])
    assert kappa == [x, 1, -(x**3) - 3 * x]
    assert sympy.expand(moments_from_free_cumulants(kappa)[2]) == 0
    floats = free_cumulants(np.array([0.5, 1.0, 2.0]))
    assert floats == pytest.approx([0.5, 0.75, 2 - 1.5 + 2 * 0.125])
    assert free_cumulants([1j, 0])[1] == pytest.approx(1)


def test_messages():
    with pytest.raises(ValueError, match="`moments` holds NaN"):
        free_cumulants([1.0, float("nan")])
    with pytest.raises(TypeError, match="`moments` must be a sequence"):
        free_cumulants(3)
    with pytest.raises(TypeError, match="`cumulants` must hold numbers"):
        moments_from_free_cumulants(["one"])
    with pytest.raises(ValueError, match="one axis"):
        free_cumulants(np.ones((2, 2)))


@pytest.mark.parametrize("n", range(1, 6))
def test_haar_unitary_cumulants(n):
    """kappa_2n(u, u*, u, ..) = (-1)^(n-1) Catalan(n-1), from phi(u^k) = 0 for k != 0."""
    tuples = non_crossing_permutations(2 * n)[:, None]
    others = complements(tuples, (cycle(2 * n),))[:, 0]
    total = 0
    for t, u in zip(tuples[:, 0].tolist(), others.tolist(), strict=True):
        if all(sum((-1) ** x for x in block) == 0 for block in cycles(tuple(t))):
            total += moebius(cycle_type(tuple(u)))
    assert total == (-1) ** (n - 1) * catalan(n - 1)


def test_semicircle_and_marchenko_pastur_come_back():
    semicircle = density_from_moments([0, 1, 0, 2, 0, 5])
    x = np.linspace(-1.9, 1.9, 9)
    np.testing.assert_allclose(semicircle.pdf(x), np.sqrt(4 - x**2) / (2 * np.pi), rtol=1e-12)
    rate = Fraction(3, 2)
    free_poisson = density_from_moments(moments_from_free_cumulants([rate] * 6))
    low, high = free_poisson.support
    assert (low, high) == pytest.approx(((1 - 1.5**0.5) ** 2, (1 + 1.5**0.5) ** 2))
    x = np.linspace(low, high, 11)[1:-1]
    expected = np.sqrt((high - x) * (x - low)) / (2 * np.pi * x)
    np.testing.assert_allclose(free_poisson.pdf(x), expected, rtol=1e-9)
    assert (free_poisson.pdf([low - 1, high + 1]) == 0).all()


@pytest.mark.parametrize("count", [4, 5, 9])
def test_density_has_the_moments(count):
    """Moments of the uniform law on [-1, 1], which is none of free probability."""
    moments = [Fraction(1 - k % 2, k + 1) for k in range(1, count + 1)]
    density = density_from_moments(moments)
    low, high = density.support
    # Chebyshev nodes of the second kind integrate sqrt((x - low)(high - x)) times a smooth function
    angle = np.pi * np.arange(1, 400) / 400
    x = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
    weights = density.pdf(x) * (high - low) / 2 * np.sin(angle) * np.pi / 400
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    for k, moment in enumerate(moments, 1):
        assert (weights * x**k).sum() == pytest.approx(float(moment), abs=1e-9)


@pytest.mark.parametrize("count", [4, 8, 12])
def test_distribution_is_within_its_bound(count):
    moments = [Fraction(1 - k % 2, k + 1) for k in range(1, count + 1)]
    density = density_from_moments(moments)
    grid = np.linspace(*density.support, 20001)
    steps = density.pdf(grid)
    steps[[0, -1]] = 0
    distribution = np.cumsum(steps) * (grid[1] - grid[0])
    truth = np.clip((grid + 1) / 2, 0, 1)
    # 1e-3: the sum over the grid, whose density has square-root ends
    assert (abs(distribution - truth) <= density.error(grid) + 1e-3).all()
    assert (density.error(grid) <= 1).all()


def test_bound_is_reached_by_gauss_quadrature():
    """At a node of the quadrature with K + 1 nodes its weight is the bound itself."""
    moments = [Fraction(1 - k % 2, k + 1) for k in range(1, 9)]  # up to m_8: K = 4
    density = density_from_moments(moments)
    nodes, weights = np.polynomial.legendre.leggauss(5)
    np.testing.assert_allclose(density.error(nodes), weights / 2, rtol=1e-10)


def test_sequences_that_are_no_moments():
    with pytest.raises(ValueError, match="Hankel determinant is negative"):
        density_from_moments([0, -1])
    with pytest.raises(ValueError, match="finitely many atoms"):
        density_from_moments([0, 1, 0, 1])
    with pytest.raises(ValueError, match="at least m_1 and m_2"):
        density_from_moments([1])
    with pytest.raises(TypeError, match="are real"):
        density_from_moments([0, 1j])
    with pytest.raises(TypeError, match="symbols"):
        density_from_moments([0, sympy.Symbol("x")])
    with pytest.raises(ValueError, match="lower half plane"):
        density_from_moments([0, 1]).cauchy(-1j)


def test_plot_shows_the_density():
    import matplotlib.pyplot as plt

    ax = density_from_moments([0, 1, 0, 2]).plot_density()
    assert ax.get_xlabel() == "eigenvalue"
    plt.close(ax.figure)
