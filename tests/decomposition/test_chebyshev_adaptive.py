import warnings

import numpy as np
import pytest
from scipy.special import airy, j0

from rankloom.decomposition import ApproximationWarning, ChebyshevTucker

CUBE = [(-1, 1)] * 3


def runge(x, y, z):
    return 1 / (1 + 25 * (x**2 + y**2 + z**2))


def wagon(x, y, z):
    return (
        np.exp(np.sin(50 * x))
        + np.sin(60 * np.exp(y)) * np.sin(60 * z)
        + np.sin(70 * np.sin(x)) * np.cos(10 * z)
        + np.sin(np.sin(80 * y))
        - np.sin(10 * (x + z))
        + (x**2 + y**2 + z**2) / 4
    )


def error(f, function, count=5000):
    low, high = np.array(f.domain).T
    p = np.random.default_rng(99).uniform(low, high, (count, f.dimension))
    values = function(*p.T)
    return np.abs(f(p) - values).max() / np.abs(values).max()


FUNCTIONS = [
    (runge, 3, 1e-10),
    (lambda x, y, z: np.exp(x * y * z), 3, 1e-13),
    (lambda x, y, z: 1 / (x + y + z + 3.3), 3, 1e-12),
    (lambda x, y, z: j0(10 * np.sqrt(x**2 + y**2 + z**2)), 3, 1e-12),
    (lambda x, y, z: np.tanh(5 * (x + z)) * np.exp(y), 3, 1e-10),
    (lambda x, y, z: np.exp(1j * (3 * x * y + z)), 3, 1e-11),
    (lambda x: np.tanh(20 * x), 1, 1e-10),
    (lambda x, y: np.exp(-1000 * ((x - 0.3) ** 2 + (y + 0.2) ** 2)), 2, 1e-10),
]


@pytest.mark.parametrize("function, d, tol", FUNCTIONS)
def test_the_tolerance_is_met_and_the_estimate_honest(function, d, tol):
    f = ChebyshevTucker.from_function(function, [(-1, 1)] * d, tol, rng=0)
    assert f.error_estimate <= tol
    assert error(f, function) <= 3 * tol  # five thousand points find more than a thousand


def test_calls_of_the_readme():
    f = ChebyshevTucker.from_function(
        lambda x, y, z: 1 / (1 + 25 * (x**2 + y**2 + z**2)), domain=[(-1, 1)] * 3, tol=1e-10, rng=0
    )
    assert f.integrate() == pytest.approx(0.472570583345192, rel=1e-9)
    points = np.random.default_rng(0).uniform(-1, 1, (7, 3))
    assert f(points).shape == (7,)
    assert f.gradient(points).shape == (7, 3)
    assert f.integrate(axis=2).dimension == 2
    g = f * f + 2.0
    small = g.compress(1e-8)
    np.testing.assert_allclose(small(points), runge(*points.T) ** 2 + 2, atol=1e-6)
    axes = [np.linspace(-1, 1, n) for n in (4, 5, 6)]
    np.testing.assert_allclose(f.to_tucker(*axes).to_dense(), f.grid(*axes), atol=1e-12)
    exact = runge(*np.meshgrid(*axes, indexing="ij"))
    np.testing.assert_allclose(f.grid(*axes), exact, atol=1e-9)


@pytest.mark.parametrize("rng", [0, 1, 2])
def test_runge_needs_few_evaluations(rng):
    """Chebfun3F: 222,546, Chebfun3: 903,364 (S. Dolgov et al.)."""
    calls = []

    def counted(x, y, z):
        calls.append(x.size)
        return runge(x, y, z)

    f = ChebyshevTucker.from_function(counted, CUBE, 1e-12, rng=rng)
    assert f.evaluations == sum(calls) <= 100_000
    assert error(f, runge) <= 3e-12


def test_ridge_function_needs_few_evaluations():
    """Chebfun3F: 3,842,596."""
    ridge = lambda x, y, z: 1 / np.cosh(3 * (x + y + z)) ** 2  # noqa: E731
    f = ChebyshevTucker.from_function(ridge, CUBE, 1e-11, rng=0)
    assert f.evaluations <= 1_900_000
    assert error(f, ridge) <= 3e-11


@pytest.mark.slow
def test_airy_in_four_dimensions():
    function = lambda a, b, c, d: airy(-8 * (a * d + b * c))[0]  # noqa: E731
    f = ChebyshevTucker.from_function(function, [(-1, 1)] * 4, 1e-6, rng=0)
    assert error(f, function) <= 1e-6


@pytest.mark.parametrize(
    "function, exact",
    [
        (lambda x, y, z: 1 / (1 + x**2 + y**2 + z**2), 4.286854062301841884),
        (lambda x, y, z: 1 / (16 + 5 * (x + y + z)), 0.5703780097117831),
        (runge, 0.472570583345192),
    ],
)
def test_integrals(function, exact):
    f = ChebyshevTucker.from_function(function, CUBE, 1e-13, rng=0)
    assert f.integrate() == pytest.approx(exact, rel=1e-12)


def test_exact_ranks():
    f = ChebyshevTucker.from_function(
        lambda x, y, z: np.exp(x) * np.cos(y) / (2 + z), CUBE, 1e-12, rng=0
    )
    assert f.ranks == (1, 1, 1)
    f = ChebyshevTucker.from_function(lambda x, y, z: (x * y * z) ** 10, CUBE, 1e-12, rng=0)
    assert f.ranks == (1, 1, 1)
    assert f.degrees == (10, 10, 10)
    f = ChebyshevTucker.from_function(wagon, CUBE, 1e-11, rng=0)
    assert f.ranks == (4, 3, 5)
    assert error(f, wagon) <= 3e-11


@pytest.mark.parametrize("d", [2, 3, 5, 8])
def test_ridge_of_a_product_of_waves_has_rank_two(d):
    """cos(20 s) sin(20 s) = sin(40 s) / 2 with s the sum of the variables."""

    def waves(*x):
        s = sum(x)
        return np.cos(20 * s) * np.sin(20 * s)

    f = ChebyshevTucker.from_function(waves, [(-1, 1)] * d, 1e-11, rng=0)
    assert f.ranks == (2,) * d
    assert error(f, waves, 500) <= 3e-11


def test_polynomials_are_exact():
    polynomial = lambda x, y, z: x**3 * y - 2 * z**2 + x * y * z + 1  # noqa: E731
    f = ChebyshevTucker.from_function(polynomial, [(-2, 1), (0, 3), (1, 2)], 1e-12, rng=0)
    assert f.degrees == (3, 1, 2)
    assert error(f, polynomial) <= 1e-13


def test_constants_and_zero():
    f = ChebyshevTucker.from_function(lambda x, y: np.full_like(x, 3), [(0, 1)] * 2, rng=0)
    assert f.ranks == (1, 1)
    assert f.degrees == (0, 0)
    assert float(f([0.2, 0.3])) == pytest.approx(3, abs=1e-14)
    zero = ChebyshevTucker.from_function(lambda x, y: 0 * x, [(0, 1)] * 2, rng=0)
    assert float(zero([0.2, 0.3])) == 0


@pytest.mark.parametrize(
    "function, limits, why",
    [
        (lambda x, y, z: np.sign(x + y - z), {"max_degree": 256}, "max_degree"),
        (lambda x, y, z: np.abs(x * y - 0.3 * z), {"max_degree": 128}, "max_degree"),
        (runge, {"max_degree": 40}, "max_degree"),
        (runge, {"max_rank": 5}, "max_rank"),
    ],
)
def test_a_missed_tolerance_is_never_silent(function, limits, why):
    with pytest.warns(ApproximationWarning, match=why):
        f = ChebyshevTucker.from_function(function, CUBE, 1e-8, rng=0, **limits)
    assert f.error_estimate > 1e-8
    # an honest figure: of the size of the error that other points show
    assert error(f, function) <= 10 * f.error_estimate
    assert all(n <= limits.get("max_degree", 1024) for n in f.degrees)
    assert all(r <= limits.get("max_rank", 256) for r in f.ranks)


def test_noise_is_told_and_not_followed_for_ever():
    noisy = lambda x, y, z: np.exp(x * y * z) + 1e-9 * np.sin(1e9 * (x + y + z))  # noqa: E731
    with pytest.warns(ApproximationWarning):
        f = ChebyshevTucker.from_function(noisy, CUBE, 1e-11, rng=0, max_degree=64, max_rank=40)
    assert f.error_estimate <= 1e-6
    assert f.evaluations <= 1_000_000


def test_the_same_seed_gives_the_same_function():
    make = lambda: ChebyshevTucker.from_function(runge, CUBE, 1e-6, rng=3)  # noqa: E731
    np.testing.assert_array_equal(make().core, make().core)


def test_messages_name_what_is_wrong():
    with pytest.raises(ValueError, match="same shape, got shape"):
        ChebyshevTucker.from_function(lambda x, y: 1.0, [(0, 1)] * 2)
    with pytest.raises(ValueError, match=r"returned nan at the point \[0\.\d+"):
        ChebyshevTucker.from_function(lambda x, y: np.where(x > 0.5, np.nan, y), [(0, 1)] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(ValueError, match=r"returned inf at the point"):
            ChebyshevTucker.from_function(lambda x, y: 1 / (x - x) + y, [(0, 1)] * 2)
    with pytest.raises(TypeError, match="must return numbers"):
        ChebyshevTucker.from_function(lambda x, y: x.astype(str), [(0, 1)] * 2)
    with pytest.raises(TypeError, match="must be callable"):
        ChebyshevTucker.from_function(3, [(0, 1)] * 2)
    with pytest.raises(ValueError, match="`max_rank` must be at least 1"):
        ChebyshevTucker.from_function(runge, CUBE, max_rank=0)
