"""Tables of classes: counts, canonical forms against the plain Python twin, lookups."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.physics import TraceInvariant, count_classes, enumerate_invariants
from rankloom.physics.freeness import classes, components
from rankloom.physics.freeness.classes import class_table
from rankloom.physics.freeness.permutations import catalan

MIXED = {  # all classes of orders 1, 2, .. (OEIS A110143 is D = 2)
    1: [1, 2, 3, 5, 7, 11, 15, 22],
    2: [1, 4, 11, 43, 161, 901, 5579, 43206],
    3: [1, 8, 49, 681, 14721, 524137, 25471105, 1628116890],
    4: [1, 16, 251, 14491, 1730861, 373486525],
}
CONNECTED = {  # OEIS A057005 is D = 2
    1: [1, 1, 1, 1, 1],
    2: [1, 3, 7, 26, 97, 624, 4163, 34470],
    3: [1, 7, 41, 604, 13753, 504243, 24824785],
    4: [1, 15, 235, 14120, 1712845, 371515454],
}
MELONIC = {  # connected melonic classes
    2: [1, 3, 6, 19, 57, 258],
    3: [1, 4, 10, 44, 197],
    4: [1, 5, 15, 85],
}
LABELLED = {2: [1, 3, 24, 330, 6552], 3: [1, 4, 44, 840]}


@pytest.mark.parametrize("D", MIXED)
def test_burnside_counts(D):
    for n, count in enumerate(MIXED[D], 1):
        assert count_classes(D, n) == count_classes(D + 1, n, "pure") == count
    for n, count in enumerate(CONNECTED[D], 1):
        assert count_classes(D, n, connected=True) == count


@pytest.mark.parametrize("D, n", [(1, 8), (2, 6), (2, 7), (3, 4), (3, 5), (4, 4), (5, 3)])
def test_enumeration_finds_as_many(D, n):
    assert len(enumerate_invariants(D, n, connected=False)) == count_classes(D, n)
    assert len(enumerate_invariants(D, n)) == count_classes(D, n, connected=True)
    assert len(enumerate_invariants(D + 1, n, "pure")) == count_classes(D, n, connected=True)


@pytest.mark.parametrize("D, n", [(2, 8), (3, 6)])
def test_enumeration_of_large_tables(D, n):
    assert len(enumerate_invariants(D, n, connected=False)) == MIXED[D][n - 1]
    assert len(enumerate_invariants(D, n)) == CONNECTED[D][n - 1]


@pytest.mark.parametrize("D, n", [(1, 5), (2, 4), (3, 3)])
@pytest.mark.parametrize("kind", ["mixed", "pure"])
def test_listed_forms_are_canonical(D, n, kind):
    """The kernel against the plain Python of TraceInvariant, which starts from permutations."""
    listed = enumerate_invariants(D, n, kind, connected=False)
    assert [t.canonical for t in listed] == sorted(t.canonical for t in listed)
    for k, t in enumerate(listed):
        again = TraceInvariant(t.perms, kind)
        assert again.canonical == t.canonical
        assert listed.index(again) == k
        assert again in listed
    connected = enumerate_invariants(D, n, kind)
    assert list(connected) == [t for t in listed if t.is_connected]


@given(st.data())
def test_any_tuple_finds_its_class(data):
    n = data.draw(st.integers(2, 6))
    D = data.draw(st.integers(2, 3 if n < 6 else 2))
    perms = [data.draw(st.permutations(range(n))) for _ in range(D)]
    table = class_table(D, n)
    found = table.classify(np.array(perms))
    assert table.forms[found].tolist() == [list(s) for s in TraceInvariant(perms).canonical]
    assert table.automorphisms[found] == TraceInvariant(perms).automorphisms
    assert table.parts[found] == len(TraceInvariant(perms).components)


@pytest.mark.parametrize("D, n", [(2, 4), (3, 3)])
def test_insertions_are_lookups(D, n):
    table = class_table(D, n)
    for colour in range(D):
        numbers = table.insertions(colour)
        assert np.array_equal(numbers.reshape(-1)[table.places(colour)], np.arange(len(table)))
        for k, s in product(range(len(table.shorter)), range(0, numbers.shape[1], 3)):
            perm = list(permutations(range(n)))[s]
            tuples = np.insert(table.shorter[k], colour, perm, axis=0)
            assert numbers[k, s] == table.classify(tuples)


@pytest.mark.parametrize("D", MELONIC)
def test_melonic_counts(D):
    for n, count in enumerate(MELONIC[D], 1):
        assert sum(t.is_melonic for t in enumerate_invariants(D, n)) == count


@pytest.mark.parametrize("D", LABELLED)
def test_labelled_melonic_counts_are_fuss_catalan(D):
    """Rooted melonic graphs of d = D + 1 colours: C(d n + 1, n) / (d n + 1)."""
    from math import comb, factorial

    for n, count in enumerate(LABELLED[D], 1):
        melonic = [t for t in enumerate_invariants(D, n) if t.is_melonic]
        labelled = sum(factorial(n) // t.automorphisms for t in melonic)
        assert labelled == count
        d = D + 1
        assert labelled * n == factorial(n) * comb(d * n + 1, n) // (d * n + 1)


@pytest.mark.parametrize("colours, n", [(1, 5), (2, 4), (3, 3), (0, 3)])
def test_groups_take_components_apart(colours, n):
    forms, parts = classes.class_forms(colours, n)
    seen = []
    for group in components.groups(colours, n):
        seen += group.members.tolist()
        assert np.array_equal(group.subsets[-1][1], group.members)
        assert len(group.subsets) == 2 ** parts[group.members[0]]
        if colours == 0:
            continue
        for k, member in enumerate(group.members):
            order, first = group.subsets[1]
            part = classes.class_forms(colours, order)[0][first[k]].tolist()
            t = TraceInvariant(forms[member].tolist())
            assert TraceInvariant(part) == t.components[0]
    assert sorted(seen) == list(range(len(forms)))


def test_one_colour_goes_further():
    listed = enumerate_invariants(1, 12, connected=False)
    assert len(listed) == 77
    assert all(listed.index(t) == k for k, t in enumerate(listed))
    assert catalan(3) == 5


def test_sequence_behaviour():
    listed = enumerate_invariants(D=3, n=4, kind="mixed", connected=True)
    assert len(listed) == 604
    assert listed[3] == list(listed)[3]
    assert list(listed[:2]) == [listed[0], listed[1]]
    assert TraceInvariant([(0,)]) not in listed
    with pytest.raises(ValueError, match="is not in"):
        listed.index(TraceInvariant([(0,)]))
    assert "604 mixed trace invariants" in repr(listed)


def test_messages():
    with pytest.raises(ValueError, match="`D` must be at least 1"):
        enumerate_invariants(0, 2)
    with pytest.raises(ValueError, match="up to n = 8"):
        enumerate_invariants(2, 9)
    with pytest.raises(MemoryError, match=r"1,628,116,890 classes .* GB"):
        enumerate_invariants(3, 8)
    with pytest.raises(ValueError, match="64-bit"):
        enumerate_invariants(1, 17)
    with pytest.raises(ValueError, match="`kind` must be"):
        enumerate_invariants(2, 2, kind="both")
    with pytest.raises(TypeError, match="`connected`"):
        enumerate_invariants(2, 2, connected=1)
