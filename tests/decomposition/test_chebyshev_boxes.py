import numpy as np
import pytest

from rankloom.decomposition import ChebyshevTucker
from rankloom.decomposition.chebyshev import evaluation
from rankloom.decomposition.chebyshev.boxes import best_count, split
from rankloom.decomposition.chebyshev.evaluation_kernels import contract_rows, series_rows


def gaussians(tol, domain=((-1, 2), (0, 1), (-1, 1)), count=60):
    rng = np.random.default_rng(0)
    centers = rng.uniform(*np.array(domain).T, (count, len(domain)))
    weights, exponents = rng.uniform(-1, 1, count), rng.uniform(5, 60, count)
    return ChebyshevTucker.from_gaussians(weights, exponents, centers, domain, tol=tol)


def test_kernel_agrees_with_its_twin():
    rng = np.random.default_rng(0)
    tensors, rows = rng.standard_normal((9, 4, 3)), rng.standard_normal((9, 4))
    out = np.empty((9, 3))
    contract_rows(tensors, rows, out)
    np.testing.assert_allclose(out, np.einsum("pb,pbc->pc", rows, tensors), atol=1e-14)


@pytest.mark.parametrize("m", [1, 2, 9])
def test_series_agree_with_numpy(m):
    rng = np.random.default_rng(0)
    factor, t = rng.standard_normal((m, 4)), rng.uniform(-1, 1, 11)
    out = np.empty((11, 4))
    series_rows(factor, t, out)
    np.testing.assert_allclose(out, np.polynomial.chebyshev.chebval(t, factor).T, atol=1e-13)


def test_many_points_are_like_few():
    """More points than the kernel and the pieces need, against the plain products of a few."""
    f = gaussians(1e-6)
    p = np.random.default_rng(1).uniform(*np.array(f.domain).T, (3000, 3))
    t, _ = f._unit(p)
    many = evaluation.values(f.core, f.factors, t)
    few = [f(p[i : i + 50]) for i in range(0, 3000, 50)]
    np.testing.assert_allclose(many, np.concatenate(few), atol=1e-12)
    slopes = evaluation.gradients(f.core, f.factors, t, f.domain)
    few = [f.gradient(p[i : i + 50]) for i in range(0, 300, 50)]
    np.testing.assert_allclose(slopes[:300], np.concatenate(few), atol=1e-10)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("error", [1e-6, None])
def test_boxes_are_the_function_within_its_error(count, error):
    f = gaussians(1e-6)
    boxes = split(f.coefficients, count, error)
    assert len(boxes.parts) == count**3
    assert max(max(part.ranks) for part in boxes.parts) <= max(f.ranks)
    p = np.random.default_rng(1).uniform(*np.array(f.domain).T, (2000, 3))
    p[:8] = np.array(f.domain)[[0, 1, 2], np.indices((2, 2, 2)).reshape(3, 8).T]  # corners
    t, _ = f._unit(p)
    exact = evaluation.values(f.core, f.factors, t)
    found = boxes.apply(evaluation.values, t, ())
    # the error of a box is that of its coefficients in the Frobenius norm, and may add up
    assert np.abs(found - exact).max() <= 5 * (error or 1e-13) * np.abs(exact).max()


def test_calls_with_many_points_use_boxes():
    f = gaussians(1e-6, domain=[(-1, 1), (0, 2), (0, 1)])
    p = np.random.default_rng(2).uniform(*np.array(f.domain).T, (100_000, 3))
    values, slopes = f(p), f.gradient(p)
    assert f._splits  # it was worth while
    few = p[:200]
    np.testing.assert_allclose(values[:200], f(few), atol=1e-5)
    top = np.abs(f.gradient(few)).max()
    np.testing.assert_allclose(slopes[:200], f.gradient(few), atol=1e-4 * top)


def test_split_only_when_it_pays():
    assert best_count((40, 40, 40), 100, ()) == 1
    assert best_count((40, 40, 40), 400_000, ()) >= 4
    assert best_count((3, 3, 3), 1_000_000, ()) == 1
    assert best_count((40, 40, 40), 100, (4,)) == 4  # made before
