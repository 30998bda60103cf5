"""The kernels as sums of Gaussians: the law of the error, and what the first terms leave."""

import numpy as np
import pytest

from rankloom.physics.potentials.quadrature import (
    newton_quadrature,
    quadrature,
    yukawa_quadrature,
)


@pytest.mark.parametrize("tol", [1e-3, 1e-5, 1e-7, 1e-9, 1e-12])
@pytest.mark.parametrize("nearest, farthest", [(0.01, 2.0), (0.3, 3.5), (5.0, 4000.0)])
def test_newton_kernel_to_tolerance(tol, nearest, farthest):
    rule = newton_quadrature(tol, nearest, farthest)
    r = np.geomspace(nearest, farthest, 3000)
    error = np.abs(r * rule(r) - 1).max()
    assert error < tol
    assert error > 0.7 * tol  # no more terms than needed


@pytest.mark.parametrize("s", [0.30, 0.23, 0.19])
def test_error_of_the_trapezoidal_rule(s):
    # The rule with nodes sinh(k s)/S: between 4 and 4.6 exp(-pi^2 / 2s).
    law = np.exp(-(np.pi**2) / (2 * s))
    rule = newton_quadrature(5 * law, 0.02, 3.0)  # this tolerance gives just this step
    assert np.isclose(np.arcsinh(rule.nodes[1] * 3.0), s, rtol=1e-12)
    r = np.geomspace(0.02, 3.0, 20000)
    assert 3.9 < np.abs(r * rule(r) - 1).max() / law < 4.7


@pytest.mark.parametrize("kappa", [0.1, 0.5, 1.0, 8.0])
def test_yukawa_kernel_to_tolerance(kappa):
    rule = yukawa_quadrature(1e-8, 0.02, 3.5, kappa)
    r = np.geomspace(0.02, 3.5, 5000)
    assert np.abs(r * (rule(r) - np.exp(-kappa * r) / r)).max() < 1e-8
    assert 26 <= len(rule) <= 46


def test_the_sinh_rule_would_fail_for_the_yukawa_kernel():
    # why there are two rules: an essential singularity at t = 0
    tol, kappa = 1e-8, 0.1
    newton = newton_quadrature(tol, 0.02, 2 * np.sqrt(3))
    t = np.maximum(newton.nodes, 1e-100)
    weights = newton.weights * np.exp(-(kappa**2) / (4 * t**2))
    r = np.geomspace(0.02, 2 * np.sqrt(3), 500)
    values = np.exp(-np.outer(r**2, newton.nodes**2)) @ weights
    assert np.abs(r * values - np.exp(-kappa * r)).max() > 1e-3


@pytest.mark.parametrize("kappa", [0.0, 0.7])
@pytest.mark.parametrize("tol", [1e-3, 1e-7, 1e-11])
def test_beyond_its_reach_the_leading_terms_are_the_kernel(kappa, tol):
    rule = quadrature(tol, 1e-3, 4.0, kappa)
    terms = np.flatnonzero([0.01 < rule.reach(k, tol) < 2.0 for k in range(1, len(rule))]) + 1
    for k in terms[::3]:
        long, reach = rule.leading(k), rule.reach(k, tol)
        r = np.geomspace(reach, 4.0, 2000)
        assert np.abs(r * (long(r) - rule.kernel(r))).max() < tol
        near = np.array([0.85 * reach])  # and not much earlier
        assert abs(near * (long(near) - rule.kernel(near)))[0] > tol


def test_array_libraries(library):
    rule = newton_quadrature(1e-6, 0.1, 2.0)
    r = np.linspace(0.1, 2.0, 7)
    np.testing.assert_allclose(library.host(rule(library(r))), rule(r), rtol=1e-14)


@pytest.mark.parametrize(
    "arguments, word",
    [
        ((0.0, 1.0, 2.0), "tol"),
        ((np.nan, 1.0, 2.0), "tol"),
        ((1e-6, 2.0, 1.0), "nearest"),
        ((1e-6, 0.0, 1.0), "nearest"),
        ((1e-6, 0.1, 1.0, -1.0), "screening"),
        ((1e-6, 0.1, 1.0, np.nan), "screening"),
    ],
)
def test_bad_arguments(arguments, word):
    with pytest.raises(ValueError, match=word):
        quadrature(*arguments)
    with pytest.raises(ValueError, match="newton_quadrature"):
        yukawa_quadrature(1e-6, 0.1, 1.0, 0.0)
