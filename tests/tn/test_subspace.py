import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankloom.tn import MPO, MPS, SpinChain, Truncation, subspace
from rankloom.tn.subspace import expand, outside

from .dense import isometry

N = 6
CHAIN = SpinChain.xyz(N, 0.3, 0.7, 1.1, hx=0.2, hy=0.4)


def far(rng):
    """Site tensors of an operator without structure (Hermitian or not does not matter here)."""
    bonds = [1, *[3] * (N - 1), 1]
    shapes = [(bonds[k], 2, 2, bonds[k + 1]) for k in range(N)]
    return [rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in shapes]


def dense(operator):
    return MPO(tuple(operator)).to_dense()


def distance(state, operator, sites):
    """``|(1 - P) H|psi>|`` with the projector on all changes of `sites` neighbours, dense."""
    image = dense(operator) @ state.to_dense()
    columns = []
    for k in range(N - sites + 1):
        left, right = state.canonicalize(k).tensors, state.canonicalize(k + sites - 1).tensors
        columns.append(isometry([*left[:k], *right[k:]], k, sites))
    u, s, _ = np.linalg.svd(np.hstack(columns), full_matrices=False)
    basis = u[:, s > 1e-9]
    return np.linalg.norm(image - basis @ (basis.conj().T @ image))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([1, 2]), st.booleans())
def test_it_is_the_distance_from_the_tangent_space(seed, bond, sites, near):
    rng = np.random.default_rng(seed)
    operator = list(CHAIN.mpo().tensors) if near else far(rng)
    state = MPS.random(N, bond, rng=rng)
    scale = np.linalg.norm(dense(operator) @ state.to_dense())
    found = outside(state.tensors, operator, sites)
    assert found == pytest.approx(distance(state, operator, sites), abs=1e-7 * scale)
    if near and sites == 2:
        assert found < 1e-12 * scale


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(4, 8), st.booleans())
def test_growing_keeps_the_state_and_nears_the_image(seed, bond, max_bond, near):
    rng = np.random.default_rng(seed)
    operator = list(CHAIN.mpo().tensors) if near else far(rng)
    state = MPS.random(N, bond, rng=rng)
    tensors, left_out = expand(state.tensors, operator, Truncation(max_bond, 0.0), 0.1)
    grown = MPS(tuple(tensors), 0)  # checks the canonical form
    np.testing.assert_allclose(grown.to_dense(), state.to_dense(), atol=1e-12)
    assert max(grown.bond_dimensions) <= max(max_bond, bond)
    scale = np.linalg.norm(dense(operator) @ state.to_dense())
    after = distance(grown, operator, 1)
    assert after <= left_out + 1e-7 * scale
    assert left_out <= distance(state, operator, 1) + 1e-7 * scale


def test_a_product_state_grows_as_far_as_the_terms_reach():
    """X on sites 0 and 5 together: no change of neighbours gives it, two right bases do."""
    operator = MPO.from_terms(N, [(1.0, "XX", (0, 5))]).tensors
    start = MPS.product("0" * N)
    assert outside(start.tensors, operator, 2) == pytest.approx(1.0)
    tensors, left_out = expand(start.tensors, operator, Truncation(None, 1e-12), 0.1)
    assert left_out < 1e-12
    assert MPS(tuple(tensors)).bond_dimensions == (1, 2, 2, 2, 2, 2, 1)


def test_weights_below_the_cutoff_stay_outside():
    start, operator = MPS.product("010101"), CHAIN.mpo().tensors
    before = outside(start.tensors, operator, 1)
    loose, left_out = expand(start.tensors, operator, Truncation(None, 0.9), 0.1)
    assert MPS(tuple(loose)).bond_dimensions == (1,) * (N + 1)
    assert left_out == pytest.approx(before, rel=1e-12)
    tight, left_out = expand(start.tensors, operator, Truncation(None, 1e-14), 0.1)
    assert max(MPS(tuple(tight)).bond_dimensions) > 1
    assert left_out < 1e-7


def test_little_memory_gives_the_same(monkeypatch):
    state, operator = MPS.random(N, 4, rng=0), far(np.random.default_rng(1))
    plain = outside(state.tensors, operator, 1)
    monkeypatch.setattr(subspace, "_SMALL", 0)
    assert outside(state.tensors, operator, 1) == plain


def test_it_runs_in_the_array_library_of_the_state(library):
    state, operator = MPS.random(N, 3, rng=0), list(CHAIN.mpo().tensors)
    mine = [library(t) for t in state.tensors], [library(w) for w in operator]
    assert outside(*mine, 1) == pytest.approx(outside(state.tensors, operator, 1), rel=1e-9)
    grown, left_out = expand(*mine, Truncation(5, 0.0), 0.1)
    expected, value = expand(state.tensors, operator, Truncation(5, 0.0), 0.1)
    assert left_out == pytest.approx(value, rel=1e-6)
    assert [t.shape for t in grown] == [t.shape for t in expected]
