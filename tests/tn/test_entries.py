import numpy as np
import pytest

from rankloom.tn import MPS


def train(dimensions, bond, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    bonds = [1, *[bond] * (len(dimensions) - 1), 1]
    shapes = zip(bonds, dimensions, bonds[1:], strict=False)
    tensors = [rng.standard_normal(s) + 0.5j * rng.standard_normal(s) for s in shapes]
    if np.dtype(dtype).kind != "c":
        tensors = [t.real for t in tensors]
    return MPS(tuple(t.astype(dtype) for t in tensors))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("dimensions", [(5,), (3, 1, 4), (2, 2, 2, 2, 2)])
def test_entries_are_those_of_the_dense_tensor(library, dimensions, dtype):
    state = train(dimensions, 3, dtype)
    every = np.indices(dimensions).reshape(len(dimensions), -1).T
    moved = MPS(tuple(library(t) for t in state.tensors))
    found = library.host(moved.at(library(every)))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, state.to_dense(), rtol=1e-4 if found.itemsize < 16 else 1e-12)


@pytest.mark.parametrize("points, bond, d", [(4000, 20, 30), (200_000, 30, 4), (1, 60, 40)])
def test_sorted_groups_and_pieces_agree_with_plain_products(library, points, bond, d):
    """Sizes at which points are grouped by index or taken in several pieces."""
    state = train((d,) * 4, bond)
    indices = np.random.default_rng(1).integers(0, d, (points, 4))
    moved = MPS(tuple(library(t) for t in state.tensors))
    found = library.host(moved.at(indices))
    few = slice(None, None, max(1, points // 50))
    expected = [
        np.linalg.multi_dot([t[:, i] for t, i in zip(state.tensors, row, strict=True)]).item()
        for row in indices[few]
    ]
    np.testing.assert_allclose(found[few], expected, rtol=1e-10, atol=1e-8)


def test_no_points_give_no_entries(library):
    state = MPS(tuple(library(t) for t in train((2, 3), 2).tensors))
    assert library.host(state.at(np.zeros((0, 2), int))).shape == (0,)


def test_weighted_sums_are_those_of_the_dense_tensor(library):
    state = train((3, 4, 2), 3, np.complex128)
    rng = np.random.default_rng(2)
    w = [rng.standard_normal(3), None, rng.standard_normal(2) + 1j]
    dense = state.to_dense().reshape(3, 4, 2)
    moved = MPS(tuple(library(t) for t in state.tensors))
    assert moved.sum() == pytest.approx(dense.sum())
    assert moved.sum(w) == pytest.approx(np.einsum("ijk,i,k->", dense, w[0], w[2]))


def test_sums_of_real_tensors_are_real_unless_weights_are_not(library):
    state = MPS(tuple(library(t) for t in train((3, 2), 2, np.float32).tensors))
    assert isinstance(state.sum(), float)
    assert isinstance(state.sum([None, [1, 2]]), float)
    assert state.sum([None, [1j, 0]]) == pytest.approx(1j * state.sum([None, [1, 0]]), rel=1e-6)


@pytest.mark.parametrize(
    "indices, error, message",
    [
        ([[0, 1]], ValueError, r"\(points, 3\)"),
        ([0, 1, 0], ValueError, r"\(points, 3\)"),
        ([[0.0, 1.0, 0.0]], TypeError, "integers"),
        ([[0, 1, 0], [0, 4, 0]], ValueError, r"`indices\[1, 1\]` = 4 is outside 0..3"),
        ([[0, -1, 0]], ValueError, "outside"),
    ],
)
def test_wrong_indices_are_named(indices, error, message):
    with pytest.raises(error, match=message):
        train((3, 4, 2), 2).at(indices)


@pytest.mark.parametrize(
    "weights, message",
    [
        ([None], "one entry per site"),
        ([None, [1, 2], None], r"`weights\[1\]` must have shape \(4,\)"),
        ([None, None, [1, np.nan]], r"`weights\[2\]` must hold finite"),
    ],
)
def test_wrong_weights_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        train((3, 4, 2), 2).sum(weights)
