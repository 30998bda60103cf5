"""CP of sparse tensors: the dense fit, entry for entry."""

import numpy as np
import pytest

from rankloom.decomposition import CPTensor, cp, datasets
from rankloom.decomposition.masked_rows import ListedEntries, by_mode
from rankloom.decomposition.sparse import listed_mttkrp, plain_mttkrp
from rankloom.decomposition.tree import mttkrp
from rankloom.decomposition.workers import Workers


def scattered(shape, kind="float64", seed=0):
    rng = np.random.default_rng(seed)
    dense = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if kind[0] == "c" else 0)
    dense = (dense * (rng.random(shape) < 0.3)).astype(kind)
    coords = np.argwhere(dense)
    return dense, (coords, dense[tuple(coords.T)], shape)


@pytest.mark.parametrize("kind", ["float64", "complex128", "float32"])
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 7), (4, 3, 5, 3)])
def test_the_kernel_its_twin_and_the_dense_product_agree(kind, shape):
    dense, (coords, values, _) = scattered(shape, kind)
    rng = np.random.default_rng(1)
    factors = [rng.standard_normal((n, 3)).astype(kind) for n in shape]
    if kind == "complex128":
        factors = [f + 1j * rng.standard_normal(f.shape) for f in factors]
    rounding = 1e-4 if kind == "float32" else 1e-12
    lists = by_mode(tuple(coords.T), values, shape)
    for mode in range(len(shape)):
        out = listed_mttkrp(factors, lists, mode, Workers())
        np.testing.assert_allclose(
            out, plain_mttkrp(factors, coords, values, mode), rtol=rounding, atol=rounding
        )
        whole = mttkrp(dense, [np.ascontiguousarray(f.T) for f in factors], mode).T
        np.testing.assert_allclose(out, whole, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_the_fit_is_that_of_the_dense_tensor(kind):
    dense, sparse = scattered((8, 7, 9), kind)
    options = {"init": CPTensor.random(dense.shape, 3, rng=0), "max_sweeps": 40, "solver": "als"}
    fit, whole = cp(sparse, 3, **options), cp(dense, 3, **options)
    np.testing.assert_allclose(fit.errors, whole.errors, rtol=1e-9)
    np.testing.assert_allclose(fit.tensor.to_dense(), whole.tensor.to_dense(), atol=1e-7)


@pytest.mark.parametrize("shares", [2, 3])
def test_threads_change_no_bit(shares, monkeypatch):
    monkeypatch.setattr("rankloom.decomposition.workers._WORTH", 0)
    _, (coords, values, shape) = scattered((7, 1, 9))
    factors = [np.random.default_rng(k).standard_normal((n, 3)) for k, n in enumerate(shape)]
    lists = by_mode(tuple(coords.T), values, shape)
    with Workers(shares) as workers:
        for mode in range(3):
            one = listed_mttkrp(factors, lists, mode, Workers())
            np.testing.assert_array_equal(listed_mttkrp(factors, lists, mode, workers), one)
        x = np.random.default_rng(0).standard_normal((9, 2, 8))
        seen = np.random.default_rng(1).random(x.shape) < 0.4
        alone, together = ListedEntries(x, seen), ListedEntries(x, seen, None, workers)
        drawn = [np.random.default_rng(k).standard_normal((n, 2)) for k, n in enumerate(x.shape)]
        for mode in range(3):
            a, b = (e.update(mode, drawn, drawn[mode], 0.1) for e in (alone, together))
            np.testing.assert_array_equal(a, b)


def test_a_planted_sparse_tensor_comes_back():
    sparse, truth = datasets.planted_sparse((60, 50, 40), 3, 3000, rng=0)
    fit = cp(sparse, rank=3, restarts=5, rng=0)
    assert fit.error < 1e-6
    np.testing.assert_allclose(fit.tensor.at(sparse[0]), sparse[1], atol=1e-5)
    np.testing.assert_allclose(fit.tensor.weights, truth.weights, rtol=1e-5)


def test_order_and_repetition_of_entries_do_not_matter():
    _, (coords, values, shape) = scattered((8, 7, 9))
    fit = cp((coords, values, shape), 2, rng=0)
    shuffled = np.random.default_rng(0).permutation(len(values))
    twice = np.concatenate([shuffled, shuffled])
    again = cp((coords[twice], values[twice] / 2, list(shape)), 2, rng=0)
    np.testing.assert_allclose(again.errors, fit.errors, rtol=1e-10)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"coords": np.array([[0, 0, 9]])}, "outside"),
        ({"coords": np.array([[0.0, 0.0, 1.0]])}, "integers"),
        ({"coords": np.array([[0, 0]])}, "column per mode"),
        ({"values": np.array([1.0, 2.0])}, "values"),
        ({"values": np.array([np.nan])}, "NaN"),
        ({"values": np.array([0.0])}, "zero"),
        ({"shape": (3,)}, "2 modes"),
        ({"rank": 10}, "rank"),
        ({"mask": np.ones((3, 3, 3), bool)}, "mask"),
        ({"solver": "lm"}, "als"),
        ({"init": "hosvd"}, "hosvd"),
    ],
)
def test_bad_input_is_named(change, message):
    given = {"coords": np.array([[0, 1, 2]]), "values": np.array([1.0]), "shape": (3, 3, 3)}
    given |= {"rank": 1} | change
    x = given.pop("coords"), given.pop("values"), given.pop("shape")
    with pytest.raises((ValueError, TypeError), match=message):
        cp(x, **given)
