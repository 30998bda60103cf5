import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import MPS

seeds = st.integers(0, 10**6)


def test_product_of_bits_counts_site_0_first():
    np.testing.assert_array_equal(MPS.product("011").to_dense(), np.eye(8)[0b011])


def test_product_of_vectors_is_their_normalised_kronecker_product():
    vectors = [[1, 1j], [2, 0, 0], [3, 4]]
    state = MPS.product(vectors)
    expected = np.kron(np.kron(vectors[0], vectors[1]), vectors[2])
    np.testing.assert_allclose(state.to_dense(), expected / np.linalg.norm(expected), rtol=1e-14)
    assert state.norm() == pytest.approx(1, rel=1e-15)
    assert (state.dtype, state.physical_dimensions) == (complex, (2, 3, 2))


@pytest.mark.parametrize(
    ("n", "bond", "d"), [(1, 4, 2), (2, 9, 3), (7, 5, 2), (40, 3, 2), (5, 1, 2)]
)
def test_random_states_are_normalised_canonical_and_reproducible(n, bond, d):
    state = MPS.random(n, bond, d=d, rng=7)
    assert state.norm() == pytest.approx(1, rel=1e-13)
    assert abs(state.overlap(state)) == pytest.approx(1, rel=1e-12)
    assert max(state.bond_dimensions) == min(bond, d ** (n // 2))
    assert MPS(state.tensors, state.center).center == state.center  # the constructor checks it
    again = MPS.random(n, bond, d=d, rng=np.random.default_rng(7))
    assert all(np.array_equal(a, b) for a, b in zip(state.tensors, again.tensors, strict=True))


def test_long_random_chains_stay_in_range():
    assert MPS.random(2000, 2, rng=0).norm() == pytest.approx(1)


def test_shape_properties():
    state = MPS.random(4, 3, rng=0)
    assert state.n_sites == 4
    assert state.bond_dimensions == (1, 2, 3, 2, 1)
    assert state.nbytes == 16 * (4 + 12 + 12 + 4) == sum(t.nbytes for t in state.tensors)


def test_dense_vectors_come_back_exactly():
    rng = np.random.default_rng(0)
    for d, n in ((2, 1), (2, 7), (3, 4)):
        vector = 3 * rng.standard_normal(d**n) + 1j
        state = MPS.from_dense(vector, d=d)
        np.testing.assert_allclose(state.to_dense(), vector, atol=1e-13)
        assert state.norm() == pytest.approx(np.linalg.norm(vector))


def test_truncation_of_a_dense_vector_shows_in_the_norm():
    vector = np.random.default_rng(1).standard_normal(64)
    state = MPS.from_dense(vector, max_bond=3)
    lost = 1 - (state.norm() / np.linalg.norm(vector)) ** 2
    distance = np.linalg.norm(state.to_dense() - vector) / np.linalg.norm(vector)
    assert distance**2 == pytest.approx(lost)
    assert max(state.bond_dimensions) == 3


def test_integers_and_lists_are_welcome():
    state = MPS.from_dense([1, 0, 0, 1])
    assert state.dtype == float
    assert MPS(([[[1], [0]]], [[[0], [1]]])).to_dense().tolist() == [0, 1, 0, 0]


@given(seeds, seeds, st.complex_numbers(max_magnitude=3), st.integers(1, 6))
def test_states_form_a_vector_space(seed_a, seed_b, factor, n):
    a, b = MPS.random(n, 3, rng=seed_a), MPS.random(n, 2, rng=seed_b).canonicalize(n - 1)
    combined = a + factor * b - b * 2
    expected = a.to_dense() + factor * b.to_dense() - 2 * b.to_dense()
    np.testing.assert_allclose(combined.to_dense(), expected, atol=1e-13)
    assert combined.norm() == pytest.approx(np.linalg.norm(expected), abs=1e-7)


@given(seeds, seeds, st.integers(1, 6))
def test_overlap_is_the_inner_product(seed_a, seed_b, n):
    a, b = MPS.random(n, 3, rng=seed_a) * 2j, MPS.random(n, 2, rng=seed_b)
    assert a.overlap(b) == pytest.approx(np.vdot(a.to_dense(), b.to_dense()), abs=1e-13)
    assert b.overlap(a) == pytest.approx(np.conj(a.overlap(b)), abs=1e-14)
    assert a.conj().overlap(b.conj()) == pytest.approx(b.overlap(a), abs=1e-14)


def test_real_and_complex_states_mix():
    real, other = MPS.from_dense(np.ones(8)), MPS.random(3, 2, rng=0)
    assert real.overlap(other) == pytest.approx(other.to_dense().sum())
    np.testing.assert_allclose((real + other).to_dense(), 1 + other.to_dense())


@pytest.mark.parametrize("center", [0, 2, 5])
def test_canonicalize_moves_the_centre_only(center):
    state = (MPS.random(6, 4, rng=3) + MPS.product("010101")) * 0.7
    moved = state.canonicalize(center)
    assert MPS(moved.tensors, center).norm() == pytest.approx(state.norm())
    np.testing.assert_allclose(moved.to_dense(), state.to_dense(), atol=1e-14)


def test_normalize_keeps_the_direction():
    state = MPS.random(5, 3, rng=0) * (3 - 4j)
    assert state.norm() == pytest.approx(5)
    np.testing.assert_allclose(state.normalize().to_dense(), state.to_dense() / 5, atol=1e-15)


def binary_entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


def test_entropies_of_ghz_and_w_states():
    n = 8
    ghz = np.zeros(2**n)
    ghz[[0, -1]] = 2**-0.5
    w = np.zeros(2**n)
    w[2 ** np.arange(n)] = n**-0.5
    ghz, w = MPS.from_dense(ghz), MPS.from_dense(w)
    assert set(ghz.bond_dimensions[1:-1]) == set(w.bond_dimensions[1:-1]) == {2}
    np.testing.assert_allclose(ghz.entropies(), np.log(2), rtol=1e-13)
    expected = [binary_entropy(cut / n) for cut in range(1, n)]
    np.testing.assert_allclose(w.entropies(), expected, rtol=1e-12)
    assert w.entropy(1) == pytest.approx(0.3767701613, abs=1e-10)
    np.testing.assert_allclose(ghz.schmidt_values(3), [2**-0.5, 2**-0.5])


def test_entropy_of_the_aklt_state_with_fixed_edges():
    """Spin-1 chain of n = 20 with edge spins up and down; half way it is ln 2 to 10 digits."""
    plus, minus = np.zeros((2, 2)), np.zeros((2, 2))
    plus[0, 1], minus[1, 0] = np.sqrt(2 / 3), -np.sqrt(2 / 3)
    bulk = np.stack([plus, -np.sqrt(1 / 3) * np.diag([1, -1]), minus], axis=1)
    state = MPS((bulk[:1], *[bulk] * 18, bulk[:, :, 1:]))
    entropies = state.entropies()
    assert entropies[0] == pytest.approx(0.6365141686, abs=1e-10)
    assert entropies[1] == pytest.approx(0.6869615769, abs=1e-10)
    assert entropies[9] == pytest.approx(np.log(2), abs=1e-8)
    np.testing.assert_allclose(entropies, entropies[::-1], rtol=1e-12)


def test_entropies_do_not_depend_on_norm_or_centre():
    state = MPS.random(6, 4, rng=1)
    for form in (state, 5 * state.canonicalize(3), MPS(state.canonicalize(5).tensors)):
        np.testing.assert_allclose(form.entropies(), state.entropies(), rtol=1e-12)
        assert form.entropy(2) == pytest.approx(state.entropies()[1], rel=1e-12)


def test_tensors_are_own_and_read_only():
    mine = np.ones((1, 2, 1))
    state = MPS((mine, mine))
    mine[:] = 7
    np.testing.assert_array_equal(state.to_dense(), np.ones(4))
    for form in (state, state.canonicalize(0), state.compress(1).state, 2 * state, state.conj()):
        with pytest.raises(ValueError, match="read-only"):
            form.tensors[0][:] = 0


def test_everything_runs_in_the_array_library_of_the_tensors(library):
    rng = np.random.default_rng(0)
    shapes = [(1, 2, 2), (2, 2, 3), (3, 2, 1)]
    tensors = [rng.standard_normal((*s, 2)).view(complex)[..., 0] for s in shapes]
    a, b = MPS(tuple(map(library, tensors))), MPS(tuple(tensors))
    assert a.overlap(a) == pytest.approx(b.overlap(b))
    assert a.norm() == pytest.approx(b.norm())
    assert a.nbytes == b.nbytes
    assert repr(a) == repr(b)
    pairs = [
        (a.to_dense(), b.to_dense()),
        ((2j * a + a).to_dense(), (2j * b + b).to_dense()),
        (a.normalize().conj().to_dense(), b.normalize().conj().to_dense()),
        (
            a.compress(2, renormalize=True).state.to_dense(),
            b.compress(2, renormalize=True).state.to_dense(),
        ),
        (MPS.from_dense(a.to_dense()).to_dense(), b.to_dense()),
        (a.schmidt_values(1), b.schmidt_values(1)),
    ]
    for mine, expected in pairs:
        np.testing.assert_allclose(library.host(mine), expected, atol=1e-13)
    np.testing.assert_allclose(a.entropies(), b.entropies(), rtol=1e-12)
    assert a.canonicalize(1).center == MPS(a.canonicalize(1).tensors, 1).center


def site(*shape, value=1.0):
    return np.full(shape, value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MPS(()), ValueError, "`tensors` is empty"),
        (lambda: MPS((site(2, 2),)), ValueError, r"`tensors\[0\]` needs 3 legs"),
        (lambda: MPS((site(2, 2, 1),)), ValueError, "open left end"),
        (lambda: MPS((site(1, 2, 2),)), ValueError, "right leg of the last tensor"),
        (lambda: MPS((site(1, 2, 2), site(3, 2, 1))), ValueError, r"left leg of `tensors\[1\]`"),
        (lambda: MPS((site(1, 0, 1),)), ValueError, "empty leg"),
        (lambda: MPS((site(1, 2, 1, value=np.nan),)), ValueError, "NaN or infinity"),
        (lambda: MPS((site(1, 2, 1).astype(str),)), TypeError, "float32, float64"),
        (lambda: MPS((site(1, 2, 1).astype(np.float16),)), TypeError, "got float16"),
        (lambda: MPS((site(1, 2, 1),) * 2, center=0), ValueError, "not orthonormal about"),
        (lambda: MPS((site(1, 2, 1),), center=1), ValueError, "`center` names site 1"),
        (lambda: MPS.product("012"), ValueError, "must consist of 0 and 1"),
        (lambda: MPS.product(""), ValueError, "`sites` is empty"),
        (lambda: MPS.product([[1, 0], [0, 0]]), ValueError, r"`sites\[1\]`"),
        (lambda: MPS.random(0, 2), ValueError, "`n` must be at least 1"),
        (lambda: MPS.random(4, 2.5), TypeError, "`bond` must be an integer"),
        (
            lambda: MPS.from_dense(np.ones(6)),
            ValueError,
            r"shape \(d\*\*n,\) with d = 2, got \(6,\)",
        ),
        (lambda: MPS.from_dense(np.ones((2, 2))), ValueError, "`vector` must have shape"),
        (lambda: MPS.from_dense([1.0, np.inf]), ValueError, "NaN or infinity"),
        (lambda: MPS.from_dense([1.0]), ValueError, "`vector` must have shape"),
        (lambda: MPS.from_dense(np.ones(4), cutoff=2), ValueError, "`cutoff`"),
    ],
)
def test_bad_states_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda s: s.overlap(MPS.product("01")), ValueError, "3 sites .* and 2"),
        (lambda s: s + MPS.product([[1, 0, 0]] * 3), ValueError, "differ in their sites"),
        (lambda s: s.overlap("010"), TypeError, "`other` must be an MPS"),
        (lambda s: s + 1, TypeError, "must be an MPS"),
        (lambda s: s * None, TypeError, "unsupported operand"),
        (lambda s: s * float("nan"), ValueError, "finite numbers only"),
        (lambda s: s.canonicalize(3), ValueError, "`center` names site 3"),
        (lambda s: s.canonicalize(-1), ValueError, "`center` must be at least 0"),
        (lambda s: s.entropy(0), ValueError, r"cut between sites, 1\.\.2"),
        (lambda s: s.entropy(3), ValueError, r"cut between sites, 1\.\.2"),
        (lambda s: (0 * s).normalize(), ValueError, "the state is zero"),
        (lambda s: (0 * s).entropies(), ValueError, "the state is zero"),
        (lambda s: s.compress(max_bond=0), ValueError, "`max_bond`"),
        (lambda _: MPS.product("0" * 40).to_dense(), ValueError, "40 sites has 1.1e"),
    ],
)
def test_bad_uses_are_refused(use, error, message):
    with pytest.raises(error, match=message):
        use(MPS.product("010"))
