import numpy as np
import pytest
from scipy.special import erf

from rankloom.tn import MPS, Quantics, cross

ORDERS = ["interleaved", "sequential"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dimension, bits", [(1, 1), (1, 5), (2, 3), (3, 2)])
def test_points_are_the_centres_of_all_cells_once(dimension, bits, order):
    grid = Quantics(dimension, bits, lower=-1.0, upper=np.arange(dimension) + 1.0, order=order)
    every = np.indices(grid.shape).reshape(len(grid.shape), -1).T
    points = grid.points(every)
    axes = [-1 + h * (np.arange(2**bits) + 0.5) for h in grid.spacing]
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dimension)
    order_of = np.lexsort(points.T[::-1])
    np.testing.assert_allclose(points[order_of], mesh, rtol=1e-14)
    np.testing.assert_array_equal(grid.indices(points), every)


def test_digits_stand_where_the_order_says():
    x = [[0.75, 0.3]]  # 0.75 = .11, cell of 0.3 = .01
    assert Quantics(2, 2, order="interleaved").indices(x).tolist() == [[1, 0, 1, 1]]
    assert Quantics(2, 2, order="sequential").indices(x).tolist() == [[1, 1, 0, 1]]


def test_fine_grids_keep_their_cells():
    grid = Quantics(2, 52)
    x = np.random.default_rng(0).random((100, 2))
    assert np.abs(grid.points(grid.indices(x)) - x).max() <= 2.0**-53


def test_faces_of_the_box_belong_to_it():
    grid = Quantics(1, 4, 2.0, 3.0)
    assert grid.indices([[2.0], [3.0]]).tolist() == [[0] * 4, [1] * 4]


@pytest.mark.parametrize("pivot", ["full", "rook"])
@pytest.mark.parametrize(
    "bits, function, exact",
    [
        (
            20,
            lambda x: np.exp(-(((x[:, 0] - 0.4) / 0.1) ** 2)),
            0.05 * np.pi**0.5 * (erf(4) + erf(6)),
        ),
        (
            40,
            lambda x: np.exp(-(((x[:, 0] - 0.4) / 0.1) ** 2)),
            0.05 * np.pi**0.5 * (erf(4) + erf(6)),
        ),
        (30, lambda x: np.exp(1000j * x[:, 0]), (np.exp(1000j) - 1) / 1000j),
        (30, lambda x: np.cos(1000 * x[:, 0]) ** 2, 0.5 + np.sin(2000.0) / 4000),
        (25, lambda x: 1 / (x[:, 0] + 1e-3), np.log(1001.0)),
    ],
)
def test_integrals_in_one_dimension(bits, function, exact, pivot):
    grid = Quantics(1, bits)
    t = cross(function, grid=grid, tol=1e-11, pivot=pivot, rng=0)
    assert t.ok
    assert abs(grid.integral(t.tensor) - exact) <= 1e-9 * t.scale
    assert t.evaluations < 20_000


@pytest.mark.parametrize("order", ORDERS)
def test_a_correlated_gaussian_in_two_dimensions(order):
    """2^20 points in each, exact integral pi / sqrt(det A) for exp(-x^T A x)."""
    grid = Quantics(2, 20, lower=-6, upper=[6, 7], order=order)
    t = cross(
        lambda x: np.exp(-(x[:, 0] ** 2) - x[:, 1] ** 2 - x[:, 0] * x[:, 1]),
        grid=grid,
        tol=1e-7,
        rng=0,
    )
    assert t.ok
    assert grid.integral(t.tensor) == pytest.approx(np.pi / np.sqrt(0.75), rel=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_an_oscillation_in_three_dimensions(order):
    """Separable, so of rank one in both orders: 2^75 points."""
    grid = Quantics(3, 25, order=order)
    t = cross(lambda x: np.exp(20j * x.sum(axis=1)), grid=grid, tol=1e-10, rng=0)
    assert max(t.ranks) == 1
    assert grid.integral(t.tensor) == pytest.approx(((np.exp(20j) - 1) / 20j) ** 3, rel=1e-8)


def test_values_in_the_cells_of_points():
    grid = Quantics(2, 26, lower=[0, -1], upper=[1, 1])
    t = cross(lambda x: np.sin(3 * x[:, 0] + x[:, 1]), grid=grid, tol=1e-10, rng=0)
    x = np.random.default_rng(1).random((50, 2)) * [1, 2] - [0, 1]
    # a cell is 2^-25 wide at most
    np.testing.assert_allclose(grid.at(t.tensor, x), np.sin(3 * x[:, 0] + x[:, 1]), atol=1e-6)


def test_the_midpoint_rule_is_of_second_order():
    errors = []
    for bits in (4, 5, 6):
        grid = Quantics(1, bits)
        t = cross(lambda x: np.exp(x[:, 0]), grid=grid, tol=1e-12, rng=0)
        errors.append(abs(grid.integral(t.tensor) - (np.e - 1)))
    np.testing.assert_allclose(np.log2(np.array(errors)[:-1] / errors[1:]), 2.0, atol=0.01)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"dimension": 0, "bits": 3}, ValueError, "`dimension`"),
        ({"dimension": 1, "bits": 53}, ValueError, "`bits` must be at most 52"),
        ({"dimension": 1, "bits": 3, "order": "mixed"}, ValueError, "`order`"),
        ({"dimension": 2, "bits": 3, "lower": [0, 0, 0]}, ValueError, "`lower`"),
        ({"dimension": 2, "bits": 3, "upper": np.inf}, ValueError, "`upper`"),
        ({"dimension": 2, "bits": 3, "upper": [1, 0]}, ValueError, "must lie below"),
    ],
)
def test_wrong_grids_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Quantics(**arguments)


def test_points_outside_and_foreign_tensors_are_refused():
    grid = Quantics(1, 3)
    with pytest.raises(ValueError, match=r"\[1.5\] lies outside"):
        grid.indices([[0.5], [1.5]])
    with pytest.raises(ValueError, match=r"shape \(m, 1\)"):
        grid.indices([0.5])
    with pytest.raises(ValueError, match="3 sites"):
        grid.integral(MPS.product("00"))
