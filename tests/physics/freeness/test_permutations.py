"""Permutations, non-crossing ones, and characters."""

from itertools import permutations as orderings
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.physics.freeness.characters import character_table, class_sizes, dimensions
from rankloom.physics.freeness.permutations import (
    all_permutations,
    catalan,
    centraliser_order,
    class_size,
    compose,
    cycle,
    cycle_type,
    identity,
    inverse,
    moebius,
    non_crossing_permutations,
    partitions,
    rank,
    representative,
)


def length(s):
    """Least number of transpositions."""
    return len(s) - len(cycle_type(s))


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_group_laws(s, t):
    s, t = tuple(s), tuple(t)
    assert compose(s, inverse(s)) == identity(6)
    assert inverse(compose(s, t)) == compose(inverse(t), inverse(s))
    assert cycle_type(compose(compose(t, s), inverse(t))) == cycle_type(s)
    assert length(compose(s, t)) <= length(s) + length(t)


@pytest.mark.parametrize("n", range(6))
def test_all_permutations_are_in_lexicographic_order(n):
    table = all_permutations(n)
    assert table.tolist() == [list(s) for s in orderings(range(n))]
    assert rank(table).tolist() == list(range(factorial(n)))


@pytest.mark.parametrize("n", range(1, 7))
def test_non_crossing_permutations_are_the_geodesic_to_the_cycle(n):
    gamma = cycle(n)
    geodesic = {
        s
        for s in orderings(range(n))
        if length(s) + length(compose(inverse(s), gamma)) == length(gamma)
    }
    found = [tuple(row) for row in non_crossing_permutations(n).tolist()]
    assert len(found) == len(geodesic)
    assert set(found) == geodesic


def test_catalan_counts():
    counts = [len(non_crossing_permutations(n)) for n in range(1, 11)]
    assert counts[:8] == [1, 2, 5, 14, 42, 132, 429, 1430]
    assert counts == [catalan(n) for n in range(1, 11)]


@pytest.mark.parametrize("n", range(1, 8))
def test_moebius_sums_to_zero_over_the_lattice(n):
    total = sum(moebius(cycle_type(tuple(row))) for row in non_crossing_permutations(n).tolist())
    assert total == (n == 1)


@pytest.mark.parametrize("n", range(1, 8))
def test_class_sizes_add_up(n):
    assert sum(class_size(mu) for mu in partitions(n)) == factorial(n)
    for mu in partitions(n):
        assert cycle_type(representative(mu)) == mu


@pytest.mark.parametrize("n", [1, 2, 5, 9, 14])
def test_character_table_is_orthogonal(n):
    table = character_table(n).astype(object)
    rows = (table * np.array(class_sizes(n), dtype=object)) @ table.T
    assert np.array_equal(rows, factorial(n) * np.eye(len(table), dtype=object))
    columns = table.T @ table
    assert np.array_equal(columns, np.diag([centraliser_order(mu) for mu in partitions(n)]))


def test_characters_of_known_representations():
    parts = partitions(7)
    table = character_table(7)
    assert set(table[0]) == {1}  # one row: trivial
    signs = [(-1) ** (7 - len(mu)) for mu in parts]
    assert table[-1].tolist() == signs  # one column: sign
    fixed_points = [mu.count(1) - 1 for mu in parts]
    assert table[parts.index((6, 1))].tolist() == fixed_points  # standard representation
    assert sum(f * f for f in dimensions(20)) == factorial(20)


def test_orders_beyond_64_bits_are_refused():
    with pytest.raises(ValueError, match="`n` = 34"):
        character_table(34)
