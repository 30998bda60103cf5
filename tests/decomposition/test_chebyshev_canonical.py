"""Canonical data and Gaussians. Published data lie in RANKLOOM_DATA or ../shared/data."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.io import loadmat

from rankloom.decomposition import ChebyshevTucker
from rankloom.decomposition.chebyshev import nodes

DATA = Path(os.environ.get("RANKLOOM_DATA", Path(__file__).parents[3] / "shared/data")) / "chebtuck"
published = pytest.mark.skipif(
    not DATA.is_dir(), reason="the published data are not in RANKLOOM_DATA or ../shared/data"
)
CUBE = [(-1, 1)] * 3


def cells(n):
    return (2 * np.arange(n) + 1) / n - 1


def newton(n, terms=None):
    """Canonical vectors of 1/r: cell integrals, divided by the width of a cell."""
    data = loadmat(DATA / f"Newt_canon_{n}.mat")
    return [data[name][:, :terms] * n / 2 for name in ("U1r", "U2r", "U3r")]


def biomolecule():
    data = loadmat(DATA / "n256_Pn500.mat")
    reduced = data["LRed"][0, 0]
    weights = reduced["LAM1C"].ravel() / data["Hunif"].item() ** 3
    return weights, [reduced[name] for name in ("CU1", "CU2", "CU3")]


def slice_error(f, weights, factors):
    """Largest error on the middle slice of the grid, and the largest value there."""
    n = len(factors[0])
    j = n // 2 - 1
    exact = np.einsum("l,il,jl,l->ij", weights, factors[0], factors[1], factors[2][j])
    found = f.grid(cells(n), cells(n), cells(n)[j : j + 1])[:, :, 0]
    return np.abs(found - exact).max(), np.abs(exact).max()


# arXiv:2503.01696, tables 1 and 2: n, terms, m, the rank of all modes, the error
TABLES = [
    (256, None, 129, 18, 0.41),
    (256, None, 257, 21, 0.07),
    (256, None, 513, 22, 7.7e-3),
    (256, None, 1025, 22, 6.9e-4),
    (256, None, 4097, 22, 8.5e-6),
    (1024, None, 129, 18, 0.92),
    (1024, None, 257, 21, 0.71),
    (1024, None, 513, 23, 0.41),
    (1024, None, 1025, 26, 0.07),
    (1024, None, 4097, 27, 6.9e-4),
    (256, 10, 129, 9, 8.4e-8),
    (256, 10, 513, 9, 7.3e-8),
    (256, 10, 1025, 9, 4.9e-9),
    (1024, 13, 129, 12, 9.4e-9),
    (1024, 13, 1025, 12, 8.7e-9),
    (1024, 13, 4097, 12, 5.7e-10),
]


@published
@pytest.mark.parametrize("n, terms, m, rank, error", TABLES)
def test_newton_kernel_has_the_published_ranks_and_errors(n, terms, m, rank, error):
    factors = newton(n, terms)
    weights = np.ones(factors[0].shape[1])
    f = ChebyshevTucker.from_canonical(weights, factors, tol=1e-7, degree=m - 1, recompress=False)
    assert f.ranks == (rank,) * 3
    assert f.degrees == (m - 1,) * 3
    found, top = slice_error(f, weights, factors)
    assert found / top == pytest.approx(error, rel=0.06)  # two digits are published
    g = ChebyshevTucker.from_canonical(weights, factors, tol=1e-7, degree=m - 1)
    assert all(r <= rank for r in g.ranks)
    assert slice_error(g, weights, factors)[0] / top <= 2 * error + 1e-7


@published
def test_biomolecule_has_the_published_ranks_and_error():
    weights, factors = biomolecule()
    f = ChebyshevTucker.from_canonical(weights, factors, tol=1e-7, degree=128, recompress=False)
    assert f.ranks == (40, 40, 47)
    assert slice_error(f, weights, factors)[0] == pytest.approx(8.590e-7, rel=0.02)


@published
def test_relative_compression_of_the_biomolecule():
    weights, factors = biomolecule()
    exact = ChebyshevTucker.from_canonical(weights, factors, tol=1e-13, recompress=False)
    f = ChebyshevTucker.from_canonical(weights, factors, tol=1e-3)
    assert all(r <= s for r, s in zip(f.ranks, (27, 22, 27), strict=True))
    true = (f - exact).coefficients.norm() / exact.coefficients.norm()
    assert true <= f.error_estimate * (1 + 1e-9) <= 1e-3
    found, top = slice_error(f, weights, factors)
    assert found <= 3e-3 * top


def some_terms(rng, n=60, count=30):
    x = cells(n)
    a, c = rng.uniform(1, 9, count), rng.uniform(-0.8, 0.8, (3, count))
    return rng.uniform(-1, 1, count), [np.exp(-a * (x[:, None] - c[k]) ** 2) for k in range(3)]


@pytest.mark.parametrize("recompress", [False, True])
@pytest.mark.parametrize("count", [30, 2500])  # all inner products of terms, and their bound
def test_the_bound_holds_and_scaling_does_not_matter(recompress, count):
    weights, factors = some_terms(np.random.default_rng(0), count=count)
    f = ChebyshevTucker.from_canonical(weights, factors, 1e-4, degree=40, recompress=recompress)
    x = cells(60)
    exact = np.einsum(
        "l,il,jl,kl->ijk",
        weights,
        *(CubicSpline(x, u, extrapolate=True)(nodes(41)) for u in factors),
        optimize=True,
    )
    whole = ChebyshevTucker.from_values(exact, tol=0)
    true = (f - whole).coefficients.norm() / whole.coefficients.norm()
    assert true <= f.error_estimate * (1 + 1e-6) <= 1e-4 * (1 + 1e-6)
    scaled = [factors[0] * 50, factors[1] / 4, factors[2]]
    g = ChebyshevTucker.from_canonical(
        weights / 12.5, scaled, 1e-4, degree=40, recompress=recompress
    )
    assert g.ranks == f.ranks
    assert (g - f).coefficients.norm() <= 1e-10 * f.coefficients.norm()


def test_zero_terms_do_not_matter():
    weights, factors = some_terms(np.random.default_rng(1))
    f = ChebyshevTucker.from_canonical(weights, factors, 1e-6, degree=[40, 41, 42])
    padded = [np.pad(u, ((0, 0), (0, 1))) for u in factors]
    g = ChebyshevTucker.from_canonical(np.append(weights, 0), padded, 1e-6, degree=[40, 41, 42])
    np.testing.assert_allclose(g([0.1, 0.2, 0.3]), f([0.1, 0.2, 0.3]), rtol=1e-9)
    nothing = ChebyshevTucker.from_canonical(0 * weights, factors)
    assert nothing.ranks == (1, 1, 1)
    assert float(nothing([0.1, 0.2, 0.3])) == 0


@pytest.mark.parametrize("tol", [1e-4, 1e-9])
def test_gaussians_have_no_floor(tol):
    rng = np.random.default_rng(0)
    weights, exponents = rng.uniform(-1, 1, 40), rng.uniform(1, 150, 40)
    domain = [(-1, 1), (0, 2), (-3, -2)]
    centers = rng.uniform(*np.array(domain).T, (40, 3))
    f = ChebyshevTucker.from_gaussians(weights, exponents, centers, domain, tol=tol)
    p = rng.uniform(*np.array(domain).T, (500, 3))
    square = ((p[:, None] - centers) ** 2).sum(-1)
    exact = np.exp(-exponents * square) @ weights
    # the Frobenius norm of coefficients bounds the root of the mean square, not the maximum
    assert np.abs(f(p) - exact).max() <= 30 * tol * np.abs(exact).max()


def test_canonical_data_of_every_library(library):
    weights, factors = some_terms(np.random.default_rng(0))
    f = ChebyshevTucker.from_canonical(weights, factors, 1e-6, degree=40)
    g = ChebyshevTucker.from_canonical(library(weights), [library(u) for u in factors], 1e-6, 40)
    assert g.ranks == f.ranks
    p = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    np.testing.assert_allclose(library.host(g(library(p))), f(p), atol=1e-10)


def test_messages():
    weights, factors = some_terms(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"factors\[0\].*needs 4"):
        ChebyshevTucker.from_canonical(weights, [u[:3] for u in factors])
    with pytest.raises(ValueError, match="`degree` needs one entry per axis"):
        ChebyshevTucker.from_canonical(weights, factors, degree=[3, 4])
    with pytest.raises(ValueError, match="0 <= tol < 1"):
        ChebyshevTucker.from_canonical(weights, factors, tol=-1)
    with pytest.raises(ValueError, match="must not be negative"):
        ChebyshevTucker.from_gaussians([1.0], [-1.0], [[0.0, 0.0]], [(0, 1)] * 2)
    with pytest.raises(ValueError, match=r"shape \(R, 2\)"):
        ChebyshevTucker.from_gaussians([1.0], [1.0], [[0.0]], [(0, 1)] * 2)
