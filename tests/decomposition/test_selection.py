"""Stability over starts and the choice of a rank."""

import numpy as np
import pytest

from rankloom.decomposition import (
    RankSuggestion,
    cp,
    datasets,
    match_components,
    nonnegative_cp,
    stability,
    suggest_rank,
)


def suggestion(held_out, consistency=(), agreement=(1, 1, 1, 1)):
    nothing = np.full(4, np.nan)
    return RankSuggestion(
        ranks=np.arange(1, 5),
        errors=np.ones(4),
        held_out_errors=np.array(held_out, float) if len(held_out) else nothing,
        core_consistency=np.array(consistency, float) if len(consistency) else nothing,
        agreement=np.array(agreement, float),
        tucker_ranks={},
    )


def test_components_that_are_there_come_back_and_those_of_noise_do_not():
    x, truth = datasets.planted_cp((12, 11, 10), 3, noise=0.1, rng=0)
    right = stability(x, 3, restarts=5, rng=0)
    assert right.scores.shape == (5, 3)
    assert right.agreement > 0.99
    np.testing.assert_allclose(right.scores[np.argmin(right.errors)], 1, rtol=1e-12)
    assert match_components(truth, right.fit.tensor).score > 0.95
    more = stability(x, 6, restarts=4, rng=0, solver=cp, max_sweeps=60)
    assert more.agreement < 0.9
    assert more.components.shape == (6,)
    assert right.fit.error == right.errors.min()


def test_every_start_has_its_own_generator():
    x, _ = datasets.planted_cp((8, 7, 6), 2, noise=0.3, rng=0)
    few, many = (stability(x, 2, restarts=n, rng=0).errors for n in (2, 4))
    np.testing.assert_array_equal(few, many[:2])


def test_the_rank_of_a_planted_tensor_is_found():
    x, _ = datasets.planted_cp((14, 13, 12), 3, noise=0.1, rng=1)
    found = suggest_rank(x, range(1, 5), restarts=3, rng=0, solver=cp, max_sweeps=100)
    assert found.rank == 3
    assert found.votes["agreement"] == 3
    assert found.held_out_errors[2] == pytest.approx(0.1, rel=0.2)
    assert (np.diff(found.errors) < 0).all()
    assert found.tucker_ranks[0.3] == (3, 3, 3)
    assert "rank=3" in repr(found)
    assert "core consistency" in found._repr_html_()


def test_nonnegative_data_with_missing_entries():
    x, _ = datasets.planted_nonnegative((25, 20, 8), 2, noise=0, rng=0)
    x = x + 0.1 * x.std() * np.random.default_rng(0).standard_normal(x.shape)
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    found = suggest_rank(x, [3, 1, 2], solver=nonnegative_cp, restarts=2, rng=0)
    np.testing.assert_array_equal(found.ranks, [1, 2, 3])
    assert found.rank == 2
    assert "core_consistency" not in found.votes
    assert found.tucker_ranks == {}


def test_votes():
    falling = suggestion([0.5, 0.1, 0.0995, 0.2], [100, 95, 85, 10], [1, 1, 0.95, 0.5])
    assert falling.votes == {"held_out": 2, "core_consistency": 3, "agreement": 3}
    assert falling.rank == 2
    assert not falling.unanimous
    exact = suggestion([0.5, 1e-9, 1e-12, 1e-8])
    assert exact.votes == {"held_out": 2, "agreement": 4}
    without = suggestion([], [100, 30, 20, 10], [1, 1, 1, 0])
    assert without.votes == {"core_consistency": 1, "agreement": 3}
    assert without.rank == 1
    assert suggestion([], agreement=(0.1,) * 4).rank == 1


def test_without_held_out_entries():
    x, _ = datasets.planted_cp((8, 7, 6), 2, noise=0.05, rng=0)
    found = suggest_rank(x, (1, 2, 3), holdout=0, restarts=3, rng=0)
    assert np.isnan(found.held_out_errors).all()
    assert "held_out" not in found.votes
    sparse, _ = datasets.planted_sparse((20, 15, 12), 2, 300, rng=0)
    assert suggest_rank(sparse, (1, 2), holdout=0, restarts=2, rng=0).errors[1] < 1e-3


def test_pictures():
    x, _ = datasets.planted_cp((8, 7, 6), 2, noise=0.1, rng=0)
    found = suggest_rank(x, (1, 2, 3), restarts=2, rng=0)
    ax = found.plot_curves()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), found.errors)
    ax = stability(x, 2, restarts=3, rng=0).plot_components()
    assert ax.get_ylabel() == "match score"


def test_bad_input_is_named():
    x, _ = datasets.planted_cp((4, 5, 6), 2, noise=0.1, rng=0)
    with pytest.raises(ValueError, match="restarts"):
        stability(x, 2, restarts=1)
    with pytest.raises(ValueError, match="`ranks` is empty"):
        suggest_rank(x, [])
    with pytest.raises(ValueError, match="ranks"):
        suggest_rank(x, [0, 1])
    with pytest.raises(ValueError, match="holdout"):
        suggest_rank(x, [1], holdout=1.5)
