import numpy as np
import pytest

from rankloom.decomposition import datasets
from rankloom.decomposition.harmonics import clebsch_gordan_block


def levi_civita():
    e = np.zeros((3, 3, 3))
    for i in range(3):
        e[i, (i + 1) % 3, (i + 2) % 3], e[i, (i + 2) % 3, (i + 1) % 3] = 1, -1
    return e


def test_degree_one_is_the_cross_product():
    np.testing.assert_allclose(clebsch_gordan_block(1, 1, 1), levi_civita() / 6**0.5, atol=1e-15)
    scalar = clebsch_gordan_block(1, 1, 0)[:, :, 0]
    np.testing.assert_allclose(scalar, np.eye(3) / 3**0.5, atol=1e-15)


def rotation(degree, matrix, rng):
    """Wigner matrix of real harmonics, fitted on points; harmonics are written out here."""
    points = rng.standard_normal((40, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.linalg.lstsq(
        harmonics(degree, points), harmonics(degree, points @ matrix.T), rcond=None
    )[0].T


def harmonics(degree, p):
    x, y, z = p.T
    if degree == 0:
        return np.ones((len(p), 1))
    if degree == 1:
        return np.stack([y, z, x], axis=1)
    return np.stack([x * y, y * z, (3 * z**2 - 1) / (2 * 3**0.5), x * z, (x**2 - y**2) / 2], axis=1)


@pytest.mark.parametrize("degrees", [(a, b, c) for a in range(3) for b in range(3) for c in range(3)
                                     if abs(a - b) <= c <= a + b])  # fmt: skip
def test_blocks_turn_with_the_harmonics(degrees):
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    q *= np.linalg.det(q)
    block = clebsch_gordan_block(*degrees)
    d1, d2, d3 = (rotation(d, q, rng) for d in degrees)
    turned = np.einsum("abc,ia,jb,kc->ijk", block, d1, d2, d3)
    np.testing.assert_allclose(turned, block, atol=1e-12)
    assert np.linalg.norm(block) == pytest.approx(1)


@pytest.mark.parametrize("degree, paths, count", [(0, "all", 1), (1, "all", 5), (2, "all", 15),
                                                  (2, "even", 11), (2, "odd", 4)])  # fmt: skip
def test_every_path_has_norm_one(degree, paths, count):
    t = datasets.clebsch_gordan(degree, paths)
    assert t.shape == ((degree + 1) ** 2,) * 3
    assert np.sum(t**2) == pytest.approx(count)


def test_products_of_matrices():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    t = datasets.matrix_multiplication(2, 3, 4)
    product = np.einsum("abc,a,b->c", t, a.ravel(), b.ravel()).reshape(4, 2).T
    np.testing.assert_allclose(product, a @ b, rtol=1e-13)


def test_hilbert_tensors():
    t = datasets.hilbert((2, 3, 4))
    assert t[1, 2, 3] == 1 / 7
    assert np.linalg.norm(datasets.hilbert((10,) * 4)) == pytest.approx(6.643234417360, rel=1e-12)


def test_the_best_rank_one_tensor_leaves_five_ninths_of_w():
    w = datasets.w_state(3)
    p = np.linspace(0, np.pi, 2001)  # by symmetry all factors may be equal
    overlap = np.cos(p) ** 2 * np.sin(p) * 3**0.5
    assert 1 - (overlap**2).max() == pytest.approx(5 / 9, abs=1e-6)
    assert np.linalg.norm(w) == pytest.approx(1)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_planted_tensors_are_their_truth_and_the_stated_noise(noise):
    for make in (
        lambda: datasets.planted_tucker((4, 5, 6), 2, noise=noise, rng=1),
        lambda: datasets.planted_cp((4, 5, 6), 3, noise=noise, rng=1),
        lambda: datasets.planted_nonnegative((8, 9, 4), 3, noise=noise, rng=1),
    ):
        x, truth = make()
        assert np.linalg.norm(x - truth.to_dense()) == pytest.approx(
            noise * truth.norm(), abs=1e-12
        )
        np.testing.assert_array_equal(x, make()[0])
    assert (x >= 0).all()


def test_planted_sparse_tensors():
    (coords, values, shape), truth = datasets.planted_sparse((30, 40, 50), 3, 600, rng=0)
    dense = np.zeros(shape)
    dense[tuple(coords.T)] = values
    np.testing.assert_allclose(dense, truth.to_dense(), atol=1e-12)
    assert len(np.unique(coords, axis=0)) == len(coords)
    assert len(coords) == pytest.approx(600, rel=0.3)


def test_bad_requests():
    with pytest.raises(ValueError, match="`paths` must be"):
        datasets.clebsch_gordan(1, "some")
    with pytest.raises(ValueError, match="`noise` is a ratio"):
        datasets.planted_cp((3, 3), 1, noise=-1)
    with pytest.raises(ValueError, match="`degree` must be at least 0"):
        datasets.clebsch_gordan(-1)
