"""Densities against moments from permutations; HCIZ series against sampling; pictures."""

from fractions import Fraction

import numpy as np
import pytest

from rankloom.physics import (
    TraceInvariant,
    estimate_invariants,
    gaussian_density,
    hciz_series,
    laws,
    marchenko_pastur,
    plot_convergence,
    plot_estimate,
    plot_spectrum,
    semicircle,
)
from rankloom.physics.freeness.permutations import cycle, inverse

GRID = np.linspace(-8, 8, 801)


def moments(density, orders):
    values, step = density(GRID), GRID[1] - GRID[0]
    return [float(np.sum(values * GRID**n) * step) for n in orders]


@pytest.mark.parametrize(
    "variances",
    [
        {(0,): 1, (1,): 1, (0, 1): 0.5},
        {(0,): 2, (0, 1): 0.25},
        {(0,): 1, (1,): 0.5},
        {(0, 1): 2},
    ],
)
def test_densities_have_the_moments_of_tensor_free_cumulants(variances):
    """An equation for the Cauchy transform against a sum over pairings."""
    law = laws.gaussian(2, variances)
    found = moments(lambda x: gaussian_density(law, x), (0, 2, 4, 6))
    wanted = [float(law.asymptotic_moment(TraceInvariant([cycle(n)] * 2))) for n in (2, 4, 6)]
    np.testing.assert_allclose(found, [1, *wanted], rtol=5e-3)  # the edges limit the sums


def test_three_commuting_matrices():
    law = laws.gaussian(3, {(0,): 1, (1,): 1, (2,): 0.5})
    t = TraceInvariant([cycle(4)] * 3)
    # independent numbers: variances add, and so do fourth cumulants -1, -1, -1/4
    assert law.asymptotic_moment(t) == 3 * Fraction(5, 2) ** 2 - Fraction(9, 4)
    assert moments(lambda x: gaussian_density(law, x), (4,)) == pytest.approx([16.5], rel=1e-3)


def test_marchenko_pastur_and_semicircle():
    law = laws.wishart((2,), 4)  # lambda = 2
    wanted = [float(law.asymptotic_moment(TraceInvariant([cycle(n)]))) for n in (1, 2, 3)]
    assert wanted == [2, 6, 22]
    np.testing.assert_allclose(
        moments(lambda x: marchenko_pastur(x, 2.0), (1, 2, 3)), wanted, rtol=2e-3
    )
    np.testing.assert_allclose(
        moments(lambda x: semicircle(x, 2.0, 1.0), (0, 1, 2)), [1, 1, 3], rtol=1e-3
    )


def test_partial_transposes_of_random_states_are_semicircles():
    """phi of the partial transpose of W/d^2: mean alpha, variance alpha, no further cumulant."""
    law = laws.wishart((10, 10), 250)  # alpha = 5/2
    found = [
        law.asymptotic_moment(TraceInvariant([cycle(n), inverse(cycle(n))])) for n in (1, 2, 3, 4)
    ]
    a = Fraction(5, 2)
    assert found == [a, a**2 + a, a**3 + 3 * a**2, a**4 + 6 * a**3 + 2 * a**2]


def test_hciz_series_against_sampling():
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-1, 3, (2, 3, 2, 3)) for _ in range(2))
    a, b = a + a.transpose(2, 3, 0, 1), b + b.transpose(2, 3, 0, 1)
    series = hciz_series(laws.twirled(a), laws.twirled(b), 3)
    turned = laws.twirled(b).sample(20_000, rng=1).reshape(-1, 6, 6)
    values = np.einsum("ij,sji->s", a.reshape(6, 6).astype(float), turned).real
    centred = values - float(series[0])
    for k, wanted in enumerate(series[1:], start=2):
        powers = centred**k
        assert abs(powers.mean() - float(wanted)) < 4 * np.std(powers) / np.sqrt(len(powers))
    assert abs(centred.mean()) < 4 * np.std(centred) / np.sqrt(len(centred))


def test_hciz_of_one_colour_and_two_levels():
    """U(2): Tr(A U B U*) is uniform on [0, 1] for two projectors."""
    projector = laws.twirled(np.diag([1, 0]))
    assert hciz_series(projector, projector, 4) == [
        Fraction(1, 2),
        Fraction(1, 12),
        0,
        Fraction(-1, 120),
    ]


def test_pictures():
    law = laws.wishart((3, 3), 9)
    samples = law.sample(30, rng=0)
    ax = plot_spectrum(samples / 9, {"limit": lambda x: marchenko_pastur(x, 1.0)})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["sampled", "limit"]
    invariants = [TraceInvariant([cycle(n)] * 2) for n in (1, 2)]
    ax = plot_estimate(estimate_invariants(samples, invariants), law)
    assert ax.get_ylabel() == "E Tr"
    ax = plot_convergence(lambda N: laws.wishart((N, N), N * N), invariants, (4, 8, 16))
    assert ax.get_xlabel() == "1/N"


@pytest.mark.parametrize(
    "call, error, wanted",
    [
        (lambda: semicircle(0, variance=-1), ValueError, "`variance`"),
        (lambda: marchenko_pastur(0, 0), ValueError, "`ratio`"),
        (lambda: gaussian_density(laws.wishart((2,), 2), 0), TypeError, "`law`"),
        (
            lambda: gaussian_density(laws.gaussian(3, {(0, 1): 1, (1, 2): 1}), 0),
            ValueError,
            "overlapping",
        ),
        (lambda: hciz_series(laws.gue((2,)), laws.gue((3,)), 2), ValueError, "same dims"),
        (lambda: hciz_series(laws.ghz(2, 2), laws.gue((2,)), 2), TypeError, "mixed"),
        (lambda: hciz_series(laws.gue((2, 2, 2)), laws.gue((2, 2, 2)), 6), ValueError, "`order`"),
        (lambda: plot_spectrum(np.ones((2, 3, 2))), ValueError, "`samples`"),
    ],
)
def test_bad_input_is_named(call, error, wanted):
    with pytest.raises(error, match=wanted):
        call()
