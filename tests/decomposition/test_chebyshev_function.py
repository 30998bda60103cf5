import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import ChebyshevTucker
from rankloom.decomposition.chebyshev import nodes

DOMAIN = ((-1.0, 2.0), (-1.0, 1.0), (0.0, 1.0))


def wave(x, y, z):
    return np.sin(2 * x + y) * np.exp(z * x) + y


def on_nodes(function, domain=DOMAIN, m=30):
    axes = np.meshgrid(*(nodes(m, *d) for d in domain), indexing="ij", sparse=True)
    return ChebyshevTucker.from_values(np.broadcast_to(function(*axes), (m,) * len(domain)), domain)


def points(domain=DOMAIN, count=200, seed=0):
    low, high = np.array(domain).T
    return np.random.default_rng(seed).uniform(low, high, (count, len(domain)))


def random_function(seed, shape=(5, 6, 4), ranks=(2, 3, 2), dtype=float, domain=DOMAIN):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(ranks), *map(rng.standard_normal, zip(shape, ranks, strict=True))]
    if dtype is complex:
        arrays = [a + 1j * rng.standard_normal(a.shape) for a in arrays]
    return ChebyshevTucker(arrays[0], arrays[1:], domain)


def test_values_and_gradient():
    f, p = on_nodes(wave), points()
    x, y, z = p.T
    np.testing.assert_allclose(f(p), wave(x, y, z), atol=1e-11)  # 1e-12 of the largest, 7
    slopes = np.stack(
        [
            2 * np.cos(2 * x + y) * np.exp(z * x) + z * np.sin(2 * x + y) * np.exp(z * x),
            np.cos(2 * x + y) * np.exp(z * x) + 1,
            x * np.sin(2 * x + y) * np.exp(z * x),
        ],
        axis=1,
    )
    np.testing.assert_allclose(f.gradient(p), slopes, atol=1e-9)
    for k in range(3):
        np.testing.assert_allclose(f.derivative(k)(p), slopes[:, k], atol=1e-9)
    assert f(p[0]).shape == ()
    np.testing.assert_allclose(f.gradient(p[0]), f.gradient(p)[0], atol=1e-12)
    corner = np.array([[2.0, 1.0, 1.0], [-1.0, -1.0, 0.0]])
    np.testing.assert_allclose(f(corner), wave(*corner.T), atol=1e-11)


def test_second_derivatives_are_derivatives_of_derivatives():
    f, p = random_function(0), points()
    h = f.hessian(p)
    for i in range(3):
        for j in range(3):
            exact = f.derivative(i).derivative(j)(p)
            np.testing.assert_allclose(h[:, i, j], exact, atol=1e-11 * np.abs(h).max())
    np.testing.assert_allclose(f.hessian(p[0]), h[0], atol=1e-11 * np.abs(h).max())
    assert np.abs(f.derivative(1, order=2)(p) - h[:, 1, 1]).max() <= 1e-11 * np.abs(h).max()


def test_composition():
    f = on_nodes(wave)
    g = f.compose(np.cos, 1e-8, rng=0)
    assert g.error_estimate <= 1e-8
    np.testing.assert_allclose(g(points()), np.cos(f(points())), atol=3e-8)


@given(seed=st.integers(0, 999), dtype=st.sampled_from([float, complex]))
def test_arithmetic_is_that_of_values(seed, dtype):
    f, g = random_function(seed, dtype=dtype), random_function(seed + 1, (3, 8, 5))
    p = points(count=20, seed=seed)
    a, b = f(p), g(p)
    top = np.abs(a).max() * np.abs(b).max() + np.abs(a).max() + np.abs(b).max()
    for result, values in [
        (f + g, a + b),
        (f - g, a - b),
        (f * g, a * b),
        (2.0 - f / 4, 2 - a / 4),
        (-f + 1.5, 1.5 - a),
        (3 * f, 3 * a),
    ]:
        np.testing.assert_allclose(result(p), values, atol=1e-11 * top)
        for factor in result.factors:
            gram = factor.conj().T @ factor
            np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_products_of_many_variables_multiply_basis_functions():
    domain = [(-1, 1)] * 6
    f = random_function(0, (12,) * 6, (2,) * 6, domain=domain)
    p = points(domain, 20)
    square = f * f
    np.testing.assert_allclose(square(p), f(p) ** 2, atol=1e-11 * np.abs(f(p)).max() ** 2)
    assert max(square.ranks) <= 3  # products of two functions of a span of two


@given(seed=st.integers(0, 999), tol=st.floats(1e-10, 0.5))
def test_compression_keeps_its_bound(seed, tol):
    f = random_function(seed, (9, 8, 7), (5, 5, 5))
    scales = 10.0 ** -np.indices((5, 5, 5)).sum(0)
    f = ChebyshevTucker(f.core * scales, f.factors, f.domain)
    small = f.compress(tol)
    true = (small - f).coefficients.norm() / f.coefficients.norm()
    assert true <= tol
    assert true <= small.error_estimate * (1 + 1e-6) + 1e-14
    assert all(r <= s for r, s in zip(small.ranks, f.ranks, strict=True))


def test_compression_lowers_degrees():
    f = on_nodes(wave)
    low = f.compress(1e-4)
    assert all(m < n for m, n in zip(low.degrees, f.degrees, strict=True))
    p = points()
    np.testing.assert_allclose(low(p), f(p), atol=1e-2)


def test_integrals_slices_and_marginals():
    f, rng = on_nodes(lambda x, y, z: x**2 * y**4 * np.exp(z) + x), np.random.default_rng(0)
    assert f.integrate() == pytest.approx(3 * 0.4 * (np.e - 1) + 1.5 * 2, abs=1e-12)
    q = points(DOMAIN[:2])
    x, y = q.T
    np.testing.assert_allclose(f.integrate(axis=2)(q), x**2 * y**4 * (np.e - 1) + x, atol=1e-11)
    np.testing.assert_allclose(f.marginal([0, 1])(q), f.integrate(axis=2)(q), atol=1e-12)
    assert f.integrate(axis=(0, 1, 2)) == f.integrate()
    held = f.slice({2: 0.25})
    assert held.domain == DOMAIN[:2]
    np.testing.assert_allclose(held(q), x**2 * y**4 * np.exp(0.25) + x, atol=1e-11)
    place = dict(enumerate(points()[0]))
    assert f.slice(place) == pytest.approx(float(f(points()[0])), abs=1e-12)
    assert rng.random() < 1


def test_restriction_is_the_same_function_with_less():
    f = on_nodes(wave)
    box = [(0, 1), (-0.5, 0.5), (0.2, 0.3)]
    part = f.restrict(box)
    p = points(box)
    np.testing.assert_allclose(part(p), f(p), atol=1e-11)
    assert all(m <= n for m, n in zip(part.degrees, f.degrees, strict=True))
    assert part.degrees[2] < f.degrees[2]
    with pytest.raises(ValueError, match=r"domain\[1\].*reaches outside"):
        f.restrict([(0, 1), (0, 1.5), (0, 1)])


def test_norms():
    f = on_nodes(lambda x, y, z: np.sin(x) * y + z)
    assert f.norm() ** 2 == pytest.approx((f * f).integrate(), rel=1e-12)
    g = on_nodes(wave)
    values = g.grid(*(np.linspace(*d, 60) for d in DOMAIN))
    assert g.minimum().value <= values.min() + 1e-12
    assert g.maximum().value >= values.max() - 1e-12
    assert g.norm(np.inf) >= np.abs(values).max() - 1e-12
    for found in (g.minimum(), g.maximum()):
        assert found.value == pytest.approx(wave(*found.point), abs=1e-10)
    with pytest.raises(ValueError, match=r"2 or numpy\.inf"):
        f.norm(1)


def test_grids_and_tucker_tensors():
    f = on_nodes(wave)
    axes = [np.linspace(*d, n) for d, n in zip(DOMAIN, (5, 6, 7), strict=True)]
    values = wave(*np.meshgrid(*axes, indexing="ij"))
    np.testing.assert_allclose(f.grid(*axes), values, atol=1e-11)
    tensor = f.to_tucker(*axes)
    np.testing.assert_allclose(tensor.to_dense(), values, atol=1e-11)
    np.testing.assert_allclose(tensor.factors[0].T @ tensor.factors[0], np.eye(5), atol=1e-13)


def test_one_variable():
    x = nodes(40, 0, 3)
    f = ChebyshevTucker.from_values(np.sin(5 * x), [(0, 3)])
    assert f.ranks == (1,)
    assert f.integrate() == pytest.approx((1 - np.cos(15)) / 5, abs=1e-12)
    np.testing.assert_allclose((f * f)(x[:, None]), np.sin(5 * x) ** 2, atol=1e-11)


def test_every_library_agrees(library):
    f = random_function(0)
    g = f.to_device(library.module)
    p = points(count=9)
    np.testing.assert_allclose(library.host(g(library(p))), f(p), atol=1e-12)
    np.testing.assert_allclose(library.host(g.gradient(library(p))), f.gradient(p), atol=1e-12)
    np.testing.assert_allclose(library.host(g.hessian(library(p))), f.hessian(p), atol=1e-11)
    axes = [np.linspace(*d, 4) for d in DOMAIN]
    np.testing.assert_allclose(library.host(g.grid(*map(library, axes))), f.grid(*axes), atol=1e-12)
    for one, other in [
        (g * g + 2.0, f * f + 2.0),
        (g.integrate(2), f.integrate(2)),
        (g.compress(1e-3), f.compress(1e-3)),
    ]:
        a, b = one.coefficients.to_dense(), other.coefficients.to_dense()
        np.testing.assert_allclose(library.host(a), b, atol=1e-10)
    assert g.norm() == pytest.approx(f.norm(), rel=1e-12)
    assert g.maximum().value == pytest.approx(f.maximum().value, rel=1e-12)


def test_values_of_every_library(library):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((5, 6, 4))
    f = ChebyshevTucker.from_values(values, DOMAIN, tol=0.3)
    g = ChebyshevTucker.from_values(library(values), DOMAIN, tol=0.3)
    assert g.ranks == f.ranks
    p = points(count=5)
    np.testing.assert_allclose(library.host(g(library(p))), f(p), atol=1e-11)
    assert g.integrate() == pytest.approx(f.integrate(), rel=1e-10)
    box = [(0, 1), (0, 0.5), (0.2, 0.4)]
    assert g.restrict(box).norm() == pytest.approx(f.restrict(box).norm(), rel=1e-10)


def test_files(tmp_path):
    f = random_function(0, dtype=complex)
    f.save(tmp_path / "f.h5")
    again = ChebyshevTucker.load(tmp_path / "f.h5")
    np.testing.assert_array_equal(again.core, f.core)
    assert again.domain == f.domain
    small = on_nodes(wave).compress(1e-3)
    small.save(tmp_path / "f.h5")
    assert ChebyshevTucker.load(tmp_path / "f.h5").error_estimate == small.error_estimate


def test_messages_say_what_is_wrong():
    f = on_nodes(wave)
    with pytest.raises(ValueError, match=r"points\[1\].*axis 0 runs from -1.0 to 2.0"):
        f([[0, 0, 0], [2.5, 0, 0]])
    with pytest.raises(ValueError, match=r"outside the domain"):
        f([np.nan, 0, 0])
    with pytest.raises(ValueError, match=r"\(m, 3\)"):
        f(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="places of axis 2"):
        f.grid([0.0], [0.0], [0.5, 7.0])
    with pytest.raises(ValueError, match="different domains"):
        f + random_function(0, domain=[(0, 1)] * 3)
    with pytest.raises(ValueError, match=r"domain\[0\].*start < stop"):
        random_function(0, domain=[(1, 0)] * 3)
    with pytest.raises(ValueError, match="needs 3 pairs"):
        random_function(0, domain=[(0, 1)] * 2)
    with pytest.raises(ValueError, match="names a variable twice"):
        f.integrate(axis=(1, -2))


def test_pictures_show_the_numbers():
    from matplotlib import pyplot as plt

    f = on_nodes(wave)
    ax = f.plot_slice({2: 0.5}, resolution=11)
    image = ax.images[0].get_array()
    exact = f.grid(np.linspace(-1, 2, 11), np.linspace(-1, 1, 11), [0.5])[:, :, 0]
    np.testing.assert_allclose(image, exact.T, atol=1e-12)
    assert f.slice({0: 0.1}).plot_slice().get_xlabel() == "variable 0"
    lines = f.plot_coefficients().lines
    assert [len(line.get_xdata()) for line in lines] == [n + 1 for n in f.degrees]
    for k, line in enumerate(f.plot_ranks().lines):
        tolerances, ranks = line.get_data()
        for tol in (1e-2, 1e-5):
            read = ranks[np.flatnonzero(tolerances <= tol)[0]]
            assert abs(read - f.compress(tol).ranks[k]) <= 1  # `compress` cuts one mode by one
    with pytest.raises(ValueError, match="must leave two"):
        f.plot_slice()
    assert "degrees" in f._repr_html_()
    plt.close("all")


def test_isosurfaces_have_the_value(monkeypatch):
    from matplotlib import pyplot as plt
    from mpl_toolkits.mplot3d import Axes3D

    pytest.importorskip("skimage")
    drawn = {}

    def record(self, x, y, triangles, z, **_):
        drawn.update(corners=np.array([x, y, z]), triangles=triangles)

    monkeypatch.setattr(Axes3D, "plot_trisurf", record)
    f = on_nodes(lambda x, y, z: x**2 + y**2 + z**2)
    f.plot_isosurface(0.5)
    np.testing.assert_allclose((drawn["corners"] ** 2).sum(axis=0), 0.5, atol=2e-3)  # linear
    assert drawn["triangles"].max() == drawn["corners"].shape[1] - 1
    with pytest.raises(ValueError, match="outside the values"):
        f.plot_isosurface(50)
    with pytest.raises(ValueError, match="three variables"):
        f.slice({0: 0.1}).plot_isosurface(0.5)
    plt.close("all")
