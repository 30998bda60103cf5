import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from rankloom.tn.krylov import exponential


def hermitian(n, rng, scale=1.0):
    h = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    return scale * (h + h.conj().T) / np.sqrt(n)


def direction(x):
    return x / np.linalg.norm(x)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 40), st.floats(-3, 3), st.booleans())
def test_it_is_the_exponential(seed, n, t, imaginary):
    rng = np.random.default_rng(seed)
    h, x = hermitian(n, rng), rng.standard_normal((n, 1)) + 0j
    factor = complex(-t) if imaginary else -1j * t
    found, expected = exponential(lambda y: h @ y, x, factor), expm(factor * h) @ x
    if imaginary:
        found, expected = direction(found), direction(expected)
    assert np.linalg.norm(found - expected) <= 2e-12 * np.linalg.norm(expected)


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 1e-12])
def test_the_error_stays_below_the_tolerance_and_a_loose_one_costs_less(tol):
    rng = np.random.default_rng(0)
    h, x = hermitian(80, rng), direction(rng.standard_normal((80, 1)) + 0j)
    counts = []
    for wanted in (tol, 1e-13):
        used = []
        found = exponential(lambda y: used.append(1) or h @ y, x, -0.7j, wanted)  # noqa: B023
        counts.append(len(used))
        assert np.linalg.norm(found - expm(-0.7j * h) @ x) <= wanted
    assert counts[0] < counts[1] < 32


def test_a_long_way_is_cut_into_parts():
    rng = np.random.default_rng(1)
    h, x = hermitian(100, rng, 10.0), rng.standard_normal((10, 10)) + 0j
    found = exponential(lambda y: (h @ y.reshape(-1)).reshape(10, 10), x, -2j)
    np.testing.assert_allclose(found.reshape(-1), expm(-2j * h) @ x.reshape(-1), atol=1e-10)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(x), rel=1e-12)


def test_an_eigenvector_takes_one_application():
    used = []
    x = np.array([[0.0], [2.0 + 0j]])
    found = exponential(lambda y: used.append(1) or np.diag([1.0, 3.0]) @ y, x, -0.5j)
    np.testing.assert_allclose(found, np.exp(-1.5j) * x, rtol=1e-15)
    assert len(used) == 1


def test_real_numbers_stay_real():
    h = np.array([[1.0, 0.5], [0.5, -1.0]], np.float32)
    found = exponential(lambda y: h @ y, np.ones((2, 1), np.float32), complex(-3.0))
    assert found.dtype == np.float32
    expected = direction(expm(-3.0 * h) @ np.ones((2, 1)))
    np.testing.assert_allclose(direction(found), expected, atol=1e-5)


def test_it_runs_in_the_array_library_of_the_vector(library):
    rng = np.random.default_rng(2)
    h, x = hermitian(20, rng), rng.standard_normal((5, 4)) + 0j
    mine, xp = library(h), library.module
    found = exponential(lambda y: xp.reshape(mine @ xp.reshape(y, (-1,)), (5, 4)), library(x), -1j)
    expected = expm(-1j * h) @ x.reshape(-1)
    np.testing.assert_allclose(library.host(found).reshape(-1), expected, atol=1e-11)
