"""Sums of products as operators: against Kronecker products, and never a bond too many."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import MPO, MPS, SpinChain, reference
from rankloom.tn.pauli import PAULI


def kron(matrices):
    out = np.ones((1, 1))
    for m in matrices:
        out = np.kron(out, m)
    return out


def dense_sum(dimensions, terms):
    """The sum of (coefficient, matrices, sites) by Kronecker products."""
    size = math.prod(dimensions)
    out = np.zeros((size, size), complex)
    for factor, matrices, sites in terms:
        named = dict(zip(sites, matrices, strict=True))
        out += factor * kron([named.get(k, np.eye(d)) for k, d in enumerate(dimensions)])
    return out


def operator_ranks(matrix, dimensions):
    """Ranks of the matrix (operators left of the cut, operators right of it), at each cut."""
    ranks = []
    for k in range(1, len(dimensions)):
        a, b = math.prod(dimensions[:k]), math.prod(dimensions[k:])
        unfolded = matrix.reshape(a, b, a, b).transpose(0, 2, 1, 3).reshape(a * a, b * b)
        ranks.append(max(1, np.linalg.matrix_rank(unfolded, tol=1e-10)))
    return ranks


@st.composite
def pauli_sums(draw):
    n = draw(st.integers(1, 6))
    strings = st.permutations(range(n)).flatmap(
        lambda order: st.text("IXYZ", min_size=1, max_size=n).map(lambda s: (s, order[: len(s)]))
    )
    numbers = st.sampled_from([1.0, -1.0, 0.5, 0.37, 2j])
    terms = draw(st.lists(st.tuples(numbers, strings), min_size=1, max_size=12))
    return n, [(factor, letters, sites) for factor, (letters, sites) in terms]


@given(pauli_sums())
def test_pauli_sums_are_exact_with_the_smallest_bonds(case):
    n, terms = case
    expected = dense_sum([2] * n, [(c, [PAULI[s] for s in w], k) for c, w, k in terms])
    mpo = MPO.from_terms(n, terms)
    np.testing.assert_allclose(mpo.to_dense(), expected, atol=1e-13)
    assert list(mpo.bond_dimensions[1:-1]) == operator_ranks(expected, [2] * n)


@given(st.integers(0, 10**6), st.booleans())
def test_products_of_any_matrices_are_exact_with_the_smallest_bonds(seed, imaginary):
    rng = np.random.default_rng(seed)
    dimensions = [int(d) for d in rng.integers(1, 4, size=4)]
    pool = []
    for d in dimensions:  # matrices that depend on each other, and the identity
        a, b = rng.standard_normal((2, d, d))
        pool.append([a, b, a + b, np.eye(d), 1j * (a - a.T) if imaginary else b])
    terms = []
    for _ in range(8):
        sites = [int(k) for k in rng.permutation(4)[: rng.integers(1, 5)]]
        chosen = [pool[k][rng.integers(5)] for k in sites]
        terms.append((rng.standard_normal(), chosen, sites))
    expected = dense_sum(dimensions, terms)
    mpo = MPO.from_products(dimensions, terms)
    np.testing.assert_allclose(mpo.to_dense(), expected, atol=1e-12)
    assert list(mpo.bond_dimensions[1:-1]) == operator_ranks(expected, dimensions)


def test_a_chain_by_terms_is_the_chain():
    chain = SpinChain.xyz(7, 1.2, 0.4, -1.0, hx=0.3, hz=np.arange(7.0))
    couplings = {"XX": 1.2, "YY": 0.4, "ZZ": -1.0}
    terms = [(c, letters, (k, k + 1)) for letters, c in couplings.items() for k in range(6)]
    terms += [(0.3, "X", (k,)) for k in range(7)] + [(float(k), "Z", (k,)) for k in range(7)]
    mpo = MPO.from_terms(7, terms)
    np.testing.assert_allclose(mpo.to_dense(), chain.dense(), atol=1e-13)
    assert max(mpo.bond_dimensions) == 5
    assert mpo.dtype == float


def test_known_ranks_of_long_range_sums():
    n = 40
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    decaying = MPO.from_terms(n, [(0.7 ** (j - i), "ZZ", (i, j)) for i, j in pairs])
    assert max(decaying.bond_dimensions) == 3  # an exponential needs one channel
    everywhere = MPO.from_terms(n, [(1.0, "ZZ", pair) for pair in pairs])
    assert max(everywhere.bond_dimensions) == 3
    rng = np.random.default_rng(0)
    random = MPO.from_terms(n, [(rng.standard_normal(), "ZZ", pair) for pair in pairs])
    assert max(random.bond_dimensions) == n // 2 + 2
    product = MPO.from_terms(4, [(1, "I", (0,)), (2, "X", (0,)), (3, "Z", (3,)), (6, "XZ", (0, 3))])
    assert product.bond_dimensions == (1, 1, 1, 1, 1)  # (1 + 2 X) (1 + 3 Z)


def test_thousands_of_terms_are_quick_and_right():
    """Classical energies of random bit strings under all 4950 couplings of 100 spins."""
    n, rng = 100, np.random.default_rng(1)
    j = np.triu(rng.standard_normal((n, n)), 1)
    begin = time.process_time()
    mpo = MPO.from_terms(n, [(j[a, b], "ZZ", (a, b)) for a in range(n) for b in range(a + 1, n)])
    assert time.process_time() - begin < 5.0  # 0.1 s on a quiet machine
    for bits in rng.integers(0, 2, size=(5, n)):
        z = 1.0 - 2.0 * bits
        energy = MPS.product("".join(map(str, bits))).expectation(mpo)
        assert energy == pytest.approx(z @ j @ z, abs=1e-10)


def test_hamiltonians_are_triangular():
    """Identity channels first and last, exactly, where a solver looks for them."""
    n = 12
    sums = [
        MPO.from_terms(n, [(0.25, 2 * a, (k, k + 1)) for a in "XYZ" for k in range(n - 1)]),
        MPO.from_terms(
            n, [(1e-9 / j**3, "ZZ", (i - j, i)) for i in range(n) for j in range(1, i + 1)]
        ),
        reference.aklt_hamiltonian(n),
    ]
    for mpo in sums:
        w = mpo.tensors[n // 2]
        one = np.eye(w.shape[1])
        np.testing.assert_allclose(w[0, :, :, 0], one, atol=1e-15)
        np.testing.assert_allclose(w[-1, :, :, -1], one, atol=1e-15)
        assert not w[1:, :, :, 0].any()
        assert not w[-1, :, :, :-1].any()


def test_terms_that_cancel_leave_zero():
    for terms in ([], [(1.0, "XX", (0, 2)), (-1.0, "XX", (2, 0))]):
        zero = MPO.from_terms(3, terms)
        assert zero.bond_dimensions == (1, 1, 1, 1)
        assert not zero.to_dense().any()


def test_letters_go_with_their_sites_in_any_order():
    ordered = MPO.from_terms(4, [(1.0, "XZ", (0, 3))]).to_dense()
    np.testing.assert_array_equal(MPO.from_terms(4, [(1.0, "ZX", (3, 0))]).to_dense(), ordered)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MPO.from_terms(0, []), ValueError, "`n` must be at least 1"),
        (lambda: MPO.from_terms(3, ["ZZ"]), TypeError, r"`terms\[0\]` must be \(coefficient"),
        (lambda: MPO.from_terms(3, [(1, "ZQ", (0, 1))]), ValueError, "letters I, X, Y, Z"),
        (lambda: MPO.from_terms(3, [(1, "Z", (0, 1))]), ValueError, "1 letters and 2 sites"),
        (lambda: MPO.from_terms(3, [(1, "ZZ", (0, 3))]), ValueError, "names site 3, but the sites"),
        (lambda: MPO.from_terms(3, [(1, "ZZ", (1, 1))]), ValueError, "names a site twice"),
        (lambda: MPO.from_terms(3, [(np.nan, "Z", (1,))]), ValueError, "is .*nan"),
        (lambda: MPO.from_terms(3, [("a", "Z", (1,))]), TypeError, "must be .coefficient"),
        (lambda: MPO.from_products([], []), ValueError, r"`dimensions` .* got \[\]"),
        (lambda: MPO.from_products(4, []), ValueError, "`dimensions` .* got 4"),
        (lambda: MPO.from_products([2], [(1, "Z", (0,))]), ValueError, r"`MPO\.from_terms`"),
        (lambda: MPO.from_products([3], [(1, [np.eye(2)], 0)]), ValueError, r"shape \(3, 3\)"),
        (
            lambda: MPO.from_products([2, 2], [(1, [np.eye(2)], (0, 1))]),
            ValueError,
            "one matrix for each",
        ),
    ],
)
def test_bad_terms_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
