"""Matching components: permutations, signs, phases and noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, TuckerTensor, cp, datasets, match_components

torch = pytest.importorskip("torch")


@given(seed=st.integers(0, 1000), rank=st.integers(1, 5), kind=st.sampled_from(["real", "complex"]))
def test_order_scale_signs_and_phases_do_not_count(seed, rank, kind):
    rng = np.random.default_rng(seed)
    t = CPTensor.random((6, 7, 8), rank, rng=rng)
    if kind == "complex":
        t = CPTensor(t.weights, tuple(f + 1j * rng.standard_normal(f.shape) for f in t.factors))
    order = rng.permutation(rank)
    turns = np.exp(2j * np.pi * rng.random((3, rank)))
    turns = turns if kind == "complex" else np.sign(turns.real)
    scales = rng.uniform(0.1, 9, (3, rank))
    factors = [
        (f * turn * scale)[:, order]
        for f, turn, scale in zip(t.factors, turns, scales, strict=True)
    ]
    other = CPTensor((t.weights / np.prod(turns * scales, axis=0))[order], tuple(factors))
    found = match_components(t, other, weights=True)
    assert found.score == pytest.approx(1, abs=1e-10)
    np.testing.assert_array_equal(order[found.second], np.arange(rank))
    np.testing.assert_allclose(found.tensor.to_dense(), t.to_dense(), atol=1e-9)
    for f, g in zip(t.normalize().factors[1:], found.tensor.normalize().factors[1:], strict=True):
        np.testing.assert_allclose(f, g, atol=1e-9)


def test_the_best_pairing_is_found_and_ranks_may_differ():
    basis = CPTensor(np.ones(3), (np.eye(4)[:, :3],) * 3)
    tilted = [np.eye(4)[:, [2, 0, 3]]] * 3
    found = match_components(basis, CPTensor(np.ones(3), tuple(tilted)))
    assert found.score == pytest.approx(2 / 3)
    small = CPTensor(np.ones(2), (np.eye(4)[:, [1, 2]],) * 3)
    found = match_components(basis, small)
    np.testing.assert_array_equal(found.first, [1, 2])
    np.testing.assert_array_equal(found.second, [0, 1])
    assert found.score == 1


def test_weights_count_when_asked():
    t = CPTensor(np.array([4.0, 2.0]), (np.eye(3)[:, :2],) * 3)
    half = t * 0.5
    assert match_components(t, half).score == pytest.approx(1)
    assert match_components(t, half, weights=True).score == pytest.approx(0.5)


def test_starts_of_a_fit_that_is_unique_agree():
    x, truth = datasets.planted_cp((12, 11, 10), 3, noise=0.05, rng=0)
    a, b = (cp(x, 3, rng=seed, restarts=3).tensor for seed in (1, 2))
    assert match_components(a, b).score > 1 - 1e-6
    assert match_components(truth, a).score > 0.99
    assert match_components(truth.to_device(torch), a).score > 0.99


def test_other_things_are_refused():
    t = CPTensor.random((3, 4, 5), 2, rng=0)
    with pytest.raises(TypeError, match="`b`"):
        match_components(t, TuckerTensor.random((3, 4, 5), 2, rng=0))
    with pytest.raises(ValueError, match="shape"):
        match_components(t, CPTensor.random((3, 4, 6), 2, rng=0))
