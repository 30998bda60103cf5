import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import Truncation

weights_lists = st.lists(st.floats(1e-18, 1.0), min_size=1, max_size=12)


@given(weights_lists, st.floats(0.0, 0.5), st.none() | st.integers(1, 6))
def test_keeps_the_fewest_values_that_the_cutoff_allows(weights, cutoff, max_bond):
    weights = np.sort(weights)[::-1]
    kept, discarded = Truncation(max_bond, cutoff).keep(weights)
    assert 1 <= kept <= weights.size
    assert max_bond is None or kept <= max_bond
    np.testing.assert_allclose(discarded, weights[kept:].sum() / weights.sum(), atol=1e-15)
    if max_bond is None:
        rounding = 1e-12  # cutoff 0 still drops what cannot be told from zero
        assert discarded <= max(cutoff, rounding)
        assert kept == 1 or weights[kept - 1 :].sum() / weights.sum() > cutoff * (1 - 1e-12)


def test_zero_cutoff_drops_only_rounding_noise():
    assert Truncation().keep(np.array([1.0, 1e-20, 1e-33, 0.0]))[0] == 2


def test_a_zero_matrix_keeps_one_value():
    assert Truncation(max_bond=3).keep(np.zeros(4)) == (1, 0.0)


def test_small_negative_squares_of_a_gram_matrix_do_no_harm():
    kept, discarded = Truncation(cutoff=1e-10).keep(np.array([0.5, 0.5, 1e-17, -2e-17]))
    assert kept == 2
    assert discarded == 0.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_bond": 0}, ValueError, "`max_bond` must be at least 1"),
        ({"max_bond": 2.5}, TypeError, "`max_bond` must be an integer"),
        ({"max_bond": True}, TypeError, "`max_bond` must be an integer"),
        ({"cutoff": -1e-3}, ValueError, "`cutoff`"),
        ({"cutoff": 1.0}, ValueError, "`cutoff`"),
        ({"cutoff": float("nan")}, ValueError, "`cutoff`"),
    ],
)
def test_bad_rules_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Truncation(**arguments)
