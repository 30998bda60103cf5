import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ive

from rankloom.decomposition.chebyshev import basis


@given(m=st.integers(1, 40), seed=st.integers(0, 99))
def test_transforms_agree_with_numpy(m, seed):
    c = np.random.default_rng(seed).standard_normal((m, 2))
    values = np.polynomial.chebyshev.chebval(basis.nodes(m), c).T
    np.testing.assert_allclose(basis.to_values(c), values, atol=1e-12)
    np.testing.assert_allclose(basis.to_coefficients(values), c, atol=1e-12)
    x = np.linspace(-1, 1, 7)
    np.testing.assert_allclose(
        basis.polynomials(x, m).T, np.polynomial.chebyshev.chebvander(x, m - 1), atol=1e-12
    )
    np.testing.assert_allclose(basis.derivative(c), np.polynomial.chebyshev.chebder(c), atol=1e-10)


@given(m=st.integers(1, 30))
def test_quadrature_is_exact_below_its_number_of_nodes(m):
    x, weights = basis.quadrature(m)
    assert (weights > 0).all()
    for power in range(m):
        exact = 2 / (power + 1) if power % 2 == 0 else 0.0
        assert weights @ x**power == pytest.approx(exact, abs=1e-14)


def test_resampling_is_the_same_polynomial():
    c = np.random.default_rng(0).standard_normal(9)
    part = basis.resampled(c[:, None], -0.3, 0.7, 9)[:, 0]
    t = np.linspace(-1, 1, 11)
    np.testing.assert_allclose(
        np.polynomial.chebyshev.chebval(t, part),
        np.polynomial.chebyshev.chebval(0.2 + 0.5 * t, c),
        atol=1e-13,
    )


def test_columns_stay_in_their_library(library):
    c = np.random.default_rng(0).standard_normal((6, 3))
    for call in (basis.to_coefficients, basis.to_values, basis.derivative):
        np.testing.assert_allclose(library.host(call(library(c))), call(c), atol=1e-14)
    z = c + 1j * c[::-1]
    np.testing.assert_allclose(
        library.host(basis.to_values(library(z))), basis.to_values(z), atol=1e-14
    )
    np.testing.assert_allclose(
        library.host(basis.polynomials(library(c[:, 0] / 3), 5)),
        basis.polynomials(c[:, 0] / 3, 5),
        atol=1e-14,
    )


@pytest.mark.parametrize("t, m", [(3.0, 129), (12.15, 161)])
def test_coefficients_of_a_gaussian_are_bessel_functions(t, m):
    """c_0 = exp(-t^2/2) I_0(t^2/2), c_2k = 2 (-1)^k exp(-t^2/2) I_k(t^2/2), odd ones vanish."""
    c = basis.to_coefficients(np.exp(-((t * basis.nodes(m)) ** 2)))
    exact = np.zeros(m)
    k = np.arange((m + 1) // 2)
    exact[::2] = 2 * (-1.0) ** k * ive(k, t**2 / 2)
    exact[0] /= 2
    np.testing.assert_allclose(c, exact, atol=1e-15)


@pytest.mark.parametrize("eps", [1e-7, 1e-12])
@pytest.mark.parametrize("t", [6.0, 12.15, 24.0])
def test_degree_law_of_gaussians(t, eps):
    """Degrees above 2 t sqrt(ln(1/eps)) do not count: within 10 % for t >= 6."""
    c = np.abs(basis.to_coefficients(np.exp(-((t * basis.nodes(513)) ** 2))))
    tails = np.cumsum(c[::-1])[::-1]
    degree = np.count_nonzero(tails >= eps) - 1
    assert degree == pytest.approx(2 * t * np.sqrt(np.log(1 / eps)), rel=0.1)
