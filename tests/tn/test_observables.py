from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import MPO, MPS, SpinChain
from rankloom.tn.pauli import PAULI


def dense_operator(n, at):
    return reduce(np.kron, [at.get(k, np.eye(2)) for k in range(n)])


def dense_expectation(state, at):
    vector = state.to_dense()
    return np.vdot(vector, dense_operator(state.n_sites, at) @ vector)


letters = st.sampled_from("IXYZ")


@given(st.integers(0, 10**6), st.integers(1, 6), letters)
def test_one_letter_is_measured_on_every_site(seed, n, letter):
    state = MPS.random(n, 4, rng=seed) * 1.5
    values = state.expectation(letter)
    expected = [dense_expectation(state, {k: PAULI[letter]}).real for k in range(n)]
    np.testing.assert_allclose(values, expected, atol=1e-12)
    assert values.dtype == float


@given(st.integers(0, 10**6), st.permutations(range(5)), st.lists(letters, min_size=1, max_size=5))
def test_strings_of_letters_on_any_sites(seed, order, string):
    state = MPS.random(5, 4, rng=seed)
    sites = order[: len(string)]
    value = state.expectation("".join(string), sites)
    at = {k: PAULI[letter] for k, letter in zip(sites, string, strict=True)}
    assert isinstance(value, float)
    assert value == pytest.approx(dense_expectation(state, at).real, abs=1e-13)


def test_a_single_site_may_be_a_number():
    state = MPS.random(4, 3, rng=0)
    assert state.expectation("X", 2) == pytest.approx(state.expectation("X")[2])


@pytest.mark.parametrize(("a", "b"), [("Z", "Z"), ("X", "Y"), ("Y", "X"), ("I", "X"), ("Z", "I")])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_correlations_are_dense_expectation_values(a, b, n):
    state = MPS.random(n, 4, rng=1) * 1.2
    expected = np.empty((n, n), complex)
    for i in range(n):
        for j in range(n):
            # on one site the product of the two matrices, in this order
            at = {i: PAULI[a] @ PAULI[b]} if i == j else {i: PAULI[a], j: PAULI[b]}
            expected[i, j] = dense_expectation(state, at)
    found = state.correlation(a, b)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.iscomplexobj(found) == ({a, b} == {"X", "Y"})


def test_correlations_of_a_ghz_state():
    ghz = MPS.product("0" * 30) + MPS.product("1" * 30)
    np.testing.assert_allclose(ghz.normalize().correlation("Z", "Z"), np.ones((30, 30)), rtol=1e-13)


def test_hermitian_operators_give_real_numbers():
    chain = SpinChain.xyz(5, 1.2, 0.4, 1.0, hx=0.3, hy=-0.2, hz=[0.1, 0.2, 0.3, 0.4, 0.5])
    state = MPS.random(5, 4, rng=2) * 0.5
    vector = state.to_dense()
    value = state.expectation(chain.mpo())
    assert isinstance(value, float)
    assert value == pytest.approx(np.vdot(vector, chain.dense() @ vector).real, abs=1e-13)


def test_other_operators_give_complex_numbers():
    rng = np.random.default_rng(3)
    shapes = [(1, 2, 2, 3), (3, 2, 2, 2), (2, 2, 2, 1)]
    operator = MPO(tuple(rng.standard_normal((*s, 2)).view(complex)[..., 0] for s in shapes))
    state = MPS.random(3, 2, rng=4)
    vector = state.to_dense()
    value = state.expectation(operator)
    assert isinstance(value, complex)
    assert value == pytest.approx(np.vdot(vector, operator.to_dense() @ vector), abs=1e-13)


def test_reversing_the_chain_reverses_observables():
    state = MPS.random(6, 4, rng=5)
    mirror = MPS(tuple(t.transpose(2, 1, 0) for t in reversed(state.tensors)))
    np.testing.assert_allclose(mirror.expectation("X"), state.expectation("X")[::-1], atol=1e-13)
    np.testing.assert_allclose(mirror.entropies(), state.entropies()[::-1], atol=1e-12)
    np.testing.assert_allclose(
        mirror.correlation("Z", "X"), state.correlation("Z", "X")[::-1, ::-1], atol=1e-13
    )


def test_observables_stay_in_the_array_library(library):
    rng = np.random.default_rng(0)
    for kind in (float, complex):
        shapes = [(1, 2, 2), (2, 2, 3), (3, 2, 1)]
        tensors = [rng.standard_normal(s).astype(kind) for s in shapes]
        a, b = MPS(tuple(map(library, tensors))), MPS(tuple(tensors))
        mpo = SpinChain.xyz(3, 1.0, 0.5, 0.2, hy=0.3).mpo()
        np.testing.assert_allclose(library.host(a.expectation("Y")), b.expectation("Y"), atol=1e-13)
        for pair in ("ZZ", "XY"):
            mine, expected = a.correlation(*pair), b.correlation(*pair)
            np.testing.assert_allclose(library.host(mine), expected, atol=1e-13)
        assert a.expectation("ZX", (2, 0)) == pytest.approx(b.expectation("ZX", (2, 0)))
        assert a.expectation(mpo) == pytest.approx(b.expectation(mpo))


def test_single_precision_is_kept():
    tensors = tuple(t.astype(np.complex64) for t in MPS.random(5, 3, rng=0).tensors)
    assert MPS(tensors).expectation("Z").dtype == np.float32
    assert MPS(tensors).correlation("Z", "Z").dtype == np.float32


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda s: s.expectation("W"), ValueError, "`op` = 'W'"),
        (lambda s: s.expectation(""), ValueError, "`op` = ''"),
        (lambda s: s.expectation(3), TypeError, "`op` must be a string"),
        (lambda s: s.expectation("XX"), ValueError, "has 2 letters"),
        (lambda s: s.expectation("XX", (1, 1)), ValueError, "2 different sites"),
        (lambda s: s.expectation("X", (1, 2)), ValueError, "1 different sites"),
        (lambda s: s.expectation("X", 4), ValueError, "names site 4"),
        (lambda s: s.expectation("X", -1), ValueError, "at least 0"),
        (lambda s: s.expectation("X", 1.5), TypeError, "`sites` must be"),
        (lambda s: s.correlation("XX", "X"), ValueError, "`a` must be one Pauli letter"),
        (lambda s: s.correlation("X", "Q"), ValueError, "`b` = 'Q'"),
        (lambda s: s.expectation(SpinChain.ising(3).mpo()), ValueError, "the state has"),
        (lambda s: s.expectation(SpinChain.ising(4).mpo(), 0), ValueError, "acts on all sites"),
        (lambda _: MPS.random(3, 2, d=3).expectation("Z"), ValueError, "sites of dimension 2"),
    ],
)
def test_bad_requests_are_refused(use, error, message):
    with pytest.raises(error, match=message):
        use(MPS.product("0101"))
