"""Planted communities are found, in graphs and in the components of a tensor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import (
    CPTensor,
    communities,
    fold_pairs,
    match_components,
    nonnegative_cp,
)
from rankloom.decomposition.community import mutual_information


def planted(sizes, inside, outside, rng):
    """Labels and symmetric weights with exponential noise around two levels."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    same = labels[:, None] == labels[None, :]
    weights = np.where(same, inside, outside) * rng.exponential(size=same.shape)
    return labels, np.triu(weights, 1) + np.triu(weights, 1).T


@pytest.mark.parametrize("sizes", [(20, 20, 20), (24, 18, 12)])
def test_planted_communities_are_recovered_whatever_the_order(sizes):
    rng = np.random.default_rng(0)
    labels, weights = planted(sizes, 1.0, 0.15, rng)
    order = rng.permutation(len(labels))
    found = communities(weights[np.ix_(order, order)], rng=0)
    assert mutual_information(found.labels, labels[order]) == pytest.approx(1)
    assert sorted(found.sizes) == sorted(sizes)
    assert found.agreement > 0.95
    # modularity by its definition
    a, total = found.affinity, found.affinity.sum()
    same = found.labels[:, None] == found.labels
    degrees = a.sum(axis=0)
    by_hand = np.sum(same * (a / total - np.outer(degrees, degrees) / total**2))
    assert found.modularity == pytest.approx(by_hand, rel=1e-10)


def test_pairs_and_matrices_are_the_same_graph():
    rng = np.random.default_rng(1)
    _, weights = planted((9, 8, 7), 1.0, 0.1, rng)
    pairs = weights[np.triu_indices(24, 1)]
    np.testing.assert_array_equal(fold_pairs(pairs), weights)
    a, b = communities(pairs, rng=0), communities(weights + 5 * np.eye(24), rng=0)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert a.modularity == pytest.approx(b.modularity)


@given(scale=st.floats(1e-200, 1e200), seed=st.integers(0, 100))
def test_the_unit_of_the_weights_does_not_count(scale, seed):
    rng = np.random.default_rng(seed)
    _, weights = planted((8, 8), 1.0, 0.1, rng)
    a, b = (communities(w, starts=2, rng=0) for w in (weights, weights * scale))
    np.testing.assert_array_equal(a.labels, b.labels)


def test_communities_of_the_components_of_recordings():
    """Affinity of pairs x time x animals, two networks of different communities, as in the lab."""
    rng = np.random.default_rng(0)
    graphs, truth = [], []
    for sizes in ((20, 20), (10, 15, 15)):
        labels, weights = planted(sizes, 1.0, 0.1, rng)
        order = rng.permutation(40)
        graphs.append(weights[np.ix_(order, order)][np.triu_indices(40, 1)])
        truth.append(labels[order])
    time = np.abs(np.stack([np.sin(np.linspace(0, 3, 50)), np.cos(np.linspace(0, 3, 50))], 1))
    animals = rng.uniform(0.5, 1.5, (6, 2))
    x = np.einsum("pr,tr,ar->pta", np.stack(graphs, 1), time, animals)
    x = x + 0.1 * np.linalg.norm(x) / x.size**0.5 * np.abs(rng.standard_normal(x.shape))
    fit = nonnegative_cp(x, rank=3, rng=0, restarts=3)  # the third is the mean of the noise
    planted_terms = CPTensor(np.ones(2), (np.stack(graphs, 1), time, animals))
    match = match_components(planted_terms, fit.tensor)
    assert match.score > 0.97
    for r in range(2):
        found = communities(match.tensor.factors[0][:, r], rng=0)
        assert mutual_information(found.labels, truth[r]) == pytest.approx(1)


def test_members_without_weight_stand_alone_and_at_the_end():
    weights = np.zeros((7, 7))
    weights[:3, :3], weights[3:6, 3:6] = 1, 2
    found = communities(weights, rng=0)
    np.testing.assert_array_equal(found.labels, [1, 1, 1, 0, 0, 0, 2])
    np.testing.assert_array_equal(found.sizes, [3, 3, 1])
    assert list(found.labels[found.order]) == [0, 0, 0, 1, 1, 1, 2]


def test_the_resolution_sets_the_scale():
    _, weights = planted((12, 12, 12), 1.0, 0.3, np.random.default_rng(0))
    counts = [len(communities(weights, resolution=g, rng=0).sizes) for g in (0.2, 1, 5)]
    assert counts[0] == 1
    assert counts[0] <= counts[1] <= counts[2]


def test_mutual_information_of_known_partitions():
    a = np.repeat([0, 1, 2], 4)
    assert mutual_information(a, (a + 1) % 3) == pytest.approx(1)
    assert mutual_information(np.tile([0, 1], 8), np.repeat([0, 1], 8)) == pytest.approx(
        0, abs=1e-12
    )
    assert mutual_information(np.zeros(5, int), np.zeros(5, int)) == 1
    with pytest.raises(ValueError, match="same members"):
        mutual_information(a, a[1:])


@pytest.mark.parametrize(
    "affinity, error, message",
    [
        (np.ones(4), ValueError, "4 entries"),
        (np.ones((2, 3)), ValueError, r"\(2, 3\)"),
        (np.arange(9.0).reshape(3, 3), ValueError, "not symmetric"),
        (-np.ones(3), ValueError, "negative weights"),
        (np.zeros(3), ValueError, "no graph"),
        (np.array([1.0, np.nan, 1.0]), ValueError, "NaN"),
        (np.ones(3) * 1j, TypeError, "real numbers"),
    ],
)
def test_bad_input(affinity, error, message):
    with pytest.raises(error, match=message):
        communities(affinity)


def test_bad_settings():
    for wrong in ({"resolution": 0}, {"starts": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            communities(np.ones(3), **wrong)
