"""Trace invariants: canonical forms, invariance, melons, traces of explicit tensors."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.physics import TraceInvariant
from rankloom.physics.freeness.permutations import compose, cycle_type, inverse

RNG = np.random.default_rng(0)


@st.composite
def tuples(draw, most=5, colours=(1, 3)):
    size = draw(st.integers(1, most))
    return [tuple(draw(st.permutations(range(size)))) for _ in range(draw(st.integers(*colours)))]


def by_loops(tensor, perms, kind):
    """The definition, index by index: dense sum over all row indices."""
    dims = tensor.shape[: len(perms)]
    n, total = len(perms[0]), 0
    for rows in product(*(product(*map(range, dims)) for _ in range(n))):
        term = 1
        columns = [tuple(rows[s[x]][c] for c, s in enumerate(perms)) for x in range(n)]
        for row, column in zip(rows, columns, strict=True):
            if kind == "mixed":
                term *= tensor[row + column]
            else:
                term *= tensor[row] * np.conj(tensor[column])
        total += term
    return total


def complex_tensor(shape):
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


@given(tuples(), st.randoms())
def test_mixed_invariants_do_not_see_names(perms, random):
    g = list(range(len(perms[0])))
    random.shuffle(g)
    g = tuple(g)
    renamed = [compose(compose(g, s), inverse(g)) for s in perms]
    t, u = TraceInvariant(perms), TraceInvariant(renamed)
    assert t == u
    assert hash(t) == hash(u)
    assert t.automorphisms == u.automorphisms
    assert TraceInvariant(t.canonical).canonical == t.canonical


@given(tuples(), st.randoms())
def test_pure_invariants_rename_both_sides(perms, random):
    g, h = list(range(len(perms[0]))), list(range(len(perms[0])))
    random.shuffle(g)
    random.shuffle(h)
    renamed = [compose(compose(tuple(g), s), tuple(h)) for s in perms]
    assert TraceInvariant(perms, "pure") == TraceInvariant(renamed, "pure")
    assert TraceInvariant(perms, "pure") != TraceInvariant(perms, "mixed")


@pytest.mark.parametrize("D, n", [(1, 4), (2, 3), (3, 2), (2, 4)])
def test_equality_is_equality_of_orbits(D, n):
    """Against the orbits of the definition, and their sizes against automorphisms."""
    group = list(permutations(range(n)))
    orbits: dict = {}
    for perms in product(group, repeat=D):
        orbit = min(tuple(compose(compose(g, s), inverse(g)) for s in perms) for g in group)
        orbits.setdefault(orbit, []).append(TraceInvariant(perms))
    forms = []
    for members in orbits.values():
        assert len({t.canonical for t in members}) == 1
        assert len(members) * members[0].automorphisms == len(group)
        forms.append(members[0].canonical)
    assert len(set(forms)) == len(orbits)


@pytest.mark.parametrize(
    "perms",
    [
        [(1, 2, 0), (2, 0, 1)],
        [(1, 2, 0), (1, 0, 2)],
        [(0, 1, 2), (1, 2, 0)],
        [(1, 0, 2), (0, 2, 1)],
    ],
)
@pytest.mark.parametrize("kind", ["mixed", "pure"])
def test_einsum_is_the_definition(perms, kind):
    shape = (2, 3) if kind == "pure" else (2, 2, 2, 2)
    tensor = complex_tensor(shape)  # not symmetric: tells s from its inverse
    t = TraceInvariant(perms, kind)
    expected = by_loops(tensor, perms, kind)
    copies = [tensor] * 3 + ([tensor.conj()] * 3 if kind == "pure" else [])
    assert np.einsum(t.einsum, *copies, optimize="greedy") == pytest.approx(expected)
    assert t.evaluate(tensor) == pytest.approx(expected)
    assert TraceInvariant(t.canonical, kind).evaluate(tensor) == pytest.approx(expected)


def test_one_colour_is_the_trace_of_powers():
    a = complex_tensor((4, 4))
    value = TraceInvariant([(1, 2, 0, 4, 3)]).evaluate(a)
    assert value == pytest.approx(np.trace(a @ a @ a) * np.trace(a @ a))


@given(tuples(most=4, colours=(2, 2)))
def test_unitary_invariance(perms):
    a = complex_tensor((2, 3, 2, 3))
    u, v = (np.linalg.qr(complex_tensor((d, d)))[0] for d in (2, 3))
    local = np.kron(u, v)
    turned = (local @ a.reshape(6, 6) @ local.conj().T).reshape(a.shape)
    t = TraceInvariant(perms)
    assert t.evaluate(turned) == pytest.approx(t.evaluate(a), rel=1e-9, abs=1e-9)


def test_partial_transpose_and_trace():
    a = complex_tensor((2, 3, 2, 3))
    t = TraceInvariant([(1, 2, 0), (1, 2, 0)])
    transposed = a.transpose(0, 3, 2, 1).reshape(6, 6)
    assert t.partial_transpose(1).evaluate(a) == pytest.approx(
        np.trace(np.linalg.matrix_power(transposed, 3))
    )
    reduced = np.einsum("ikjk->ij", a)
    assert t.trace_out([1]).evaluate(a) == pytest.approx(
        np.trace(np.linalg.matrix_power(reduced, 3))
    )


@given(tuples())
def test_components_multiply_back(perms):
    t = TraceInvariant(perms)
    assert sum(part.n for part in t.components) == t.n
    assert all(part.is_connected for part in t.components)
    assert t.is_connected == (len(t.components) == 1)
    tensor = RNG.standard_normal((2,) * (2 * t.D))
    whole = np.prod([part.evaluate(tensor) for part in t.components])
    assert t.evaluate(tensor) == pytest.approx(float(whole), rel=1e-9, abs=1e-9)


def melonic_by_search(bipartite):
    """Largest number of faces over all pairings, for connected graphs of three colours or more."""
    n = len(bipartite[0])
    best = {}
    for eta in permutations(range(n)):
        faces = sum(len(cycle_type(compose(s, inverse(eta)))) for s in bipartite)
        best.setdefault(faces, []).append(eta)
    faces = max(best)
    return faces, best[faces]


@pytest.mark.parametrize("kind, D, n", [("mixed", 2, 4), ("mixed", 3, 3), ("pure", 3, 4)])
def test_melons_are_those_of_most_faces(kind, D, n):
    """Connected: melonic exactly when (colours - 1) n + 1 faces are reached, by one pairing."""
    group = list(permutations(range(n)))
    free = D if kind == "mixed" else D - 1
    for perms in product(group, repeat=free):
        perms = perms if kind == "mixed" else (*perms, tuple(range(n)))
        t = TraceInvariant(perms, kind)
        if not t.is_connected or t.canonical != t.perms:
            continue
        faces, etas = melonic_by_search(t._bipartite)
        colours = len(t._bipartite)
        assert t.is_melonic == (faces == (colours - 1) * n + 1)
        if t.is_melonic:
            assert etas == [t.pairing]


def test_kind_decides_connectedness_and_melons():
    perms = [(1, 0), (1, 0)]
    assert TraceInvariant(perms).is_connected
    assert not TraceInvariant(perms, "pure").is_connected
    t = [(1, 2, 0), (2, 0, 1), (0, 1, 2)]
    assert not TraceInvariant(t[:2]).is_melonic
    assert not TraceInvariant(t, "pure").is_melonic
    assert TraceInvariant([t[0], t[0], t[2]], "pure").is_melonic


def test_messages():
    with pytest.raises(ValueError, match=r"`perms\[1\]` = \(0, 0, 1\) is not a permutation"):
        TraceInvariant([(0, 1, 2), (0, 0, 1)])
    with pytest.raises(ValueError, match=r"lengths \[2, 3\]"):
        TraceInvariant([(0, 1), (0, 1, 2)])
    with pytest.raises(ValueError, match="D >= 1"):
        TraceInvariant([])
    with pytest.raises(ValueError, match="is empty"):
        TraceInvariant([()])
    with pytest.raises(TypeError, match=r"`perms\[0\]` must list"):
        TraceInvariant([1, 0])
    with pytest.raises(TypeError, match="must be an integer"):
        TraceInvariant([(0.0, 1.0)])
    with pytest.raises(ValueError, match="`kind` must be"):
        TraceInvariant([(0,)], kind="orthogonal")
    with pytest.raises(ValueError, match="is not melonic"):
        _ = TraceInvariant([(1, 2, 0), (2, 0, 1)]).pairing
    with pytest.raises(ValueError, match="two colours"):
        _ = TraceInvariant([(1, 2, 0)]).pairing
    with pytest.raises(ValueError, match=r"names \[2\]"):
        TraceInvariant([(1, 0), (1, 0)]).partial_transpose(2)
    with pytest.raises(ValueError, match="acts on matrices"):
        TraceInvariant([(1, 0), (1, 0)], "pure").trace_out(0)
    with pytest.raises(ValueError, match=r"got shape \(2, 3\)"):
        TraceInvariant([(1, 0)]).evaluate(np.ones((2, 3)))
