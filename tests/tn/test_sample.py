import itertools

import numpy as np
import pytest

from rankloom.tn import MPS, Samples, sample
from rankloom.tn.sample import _batch

BASES = {  # rows are the eigenvectors <b, +1| and <b, -1|
    "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "Y": np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
    "Z": np.eye(2),
}


def probabilities(vector, letters):
    """Exact probabilities of all outcomes, +1 before -1, site 0 slowest."""
    rotation = np.ones((1, 1))
    for letter in letters:
        rotation = np.kron(rotation, BASES[letter])
    return np.abs(rotation @ vector) ** 2


def cell(outcomes):
    """Number of each row of outcomes, +1 before -1, site 0 slowest."""
    n = outcomes.shape[1]
    return (outcomes < 0) @ 2 ** np.arange(n - 1, -1, -1)


def chi_square(observed, expected):
    """Deviation in standard deviations of the chi-square law; rare cells are put together."""
    order = np.argsort(expected)
    rare = np.cumsum(expected[order]) < 20
    observed, expected = observed[order], expected[order]
    if rare.any():
        observed = np.append(observed[~rare], observed[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    freedom = len(expected) - 1
    value = ((observed - expected) ** 2 / np.maximum(expected, 1e-300)).sum()
    return (value - freedom) / np.sqrt(2 * freedom)


GHZ = MPS.from_dense(np.eye(32)[0] + np.eye(32)[31]).normalize()


@pytest.mark.parametrize("single", [False, True])
def test_random_pauli_shots_follow_the_exact_probabilities(single):
    state, shots = MPS.random(5, 4, rng=0), 200_000
    drawn = sample(state, shots, basis="random-pauli", rng=1, single=single)
    vector = state.to_dense()
    exact = np.concatenate(
        [probabilities(vector, letters) / 3**5 for letters in itertools.product("XYZ", repeat=5)]
    )
    index = drawn.bases @ 3 ** np.arange(4, -1, -1) * 32 + cell(drawn.outcomes)
    # five standard deviations: less than one false alarm in a million seeds
    assert abs(chi_square(np.bincount(index, minlength=3**5 * 32), shots * exact)) < 5


@pytest.mark.parametrize("letters", ["ZZZZZ", "XYZXY"])
def test_every_array_library_follows_the_exact_probabilities(library, letters):
    plain, shots = MPS.random(5, 4, rng=2), 200_000
    state = MPS(tuple(map(library, plain.tensors)))
    drawn = sample(state, shots, basis=letters, rng=3)
    exact = probabilities(plain.to_dense(), letters)
    assert abs(chi_square(np.bincount(cell(drawn.outcomes), minlength=32), shots * exact)) < 5
    assert isinstance(drawn.outcomes, np.ndarray)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_kernel_and_plain_array_operations_agree(library, dtype):
    """Same random numbers, same outcomes: only a tie within rounding could part them."""
    tensors = tuple(t.real.astype(dtype) for t in MPS.random(12, 6, rng=4).tensors)
    state = MPS(tensors).normalize()
    for basis in (None, "X", "random-pauli"):
        ours = sample(state, 500, basis=basis, rng=5)
        other = sample(MPS(tuple(map(library, state.tensors))), 500, basis=basis, rng=5)
        np.testing.assert_array_equal(ours.bases, other.bases)
        np.testing.assert_array_equal(ours.outcomes, other.outcomes)


def test_the_oracle_serves_numpy_too():
    state = MPS.random(8, 5, rng=6).canonicalize(0)
    drawn = sample(state, 300, basis="random-pauli", rng=7)
    rng = np.random.default_rng(7)
    bases = rng.integers(0, 3, (300, 8), dtype=np.uint8)
    np.testing.assert_array_equal(bases, drawn.bases)
    outcomes = _batch(list(state.tensors), bases, rng.random((300, 8)))
    np.testing.assert_array_equal(outcomes, drawn.outcomes)


def test_product_states_give_certain_outcomes():
    up, plus, right = [1, 0], [1, 1], [1, 1j]
    down, minus, left = [0, 1], [1, -1], [1, -1j]
    state = MPS.product([up, down, plus, minus, right, left])
    drawn = sample(state, 1000, basis="ZZXXYY", rng=0)
    assert (drawn.outcomes == [1, -1, 1, -1, 1, -1]).all()


def test_ghz_correlations():
    z, x, y = (sample(GHZ, 400, basis=letter, rng=0) for letter in "ZXY")
    assert set(z.counts()) == {"00000", "11111"}
    assert x.expectation("XXXXX") == (1.0, 0.0, 400)
    # XXYYX stabilises the state with sign -1; YYYYY has expectation 0
    mixed = sample(GHZ, 400, basis="XXYYX", rng=0)
    assert mixed.expectation("XXYYX").value == -1.0
    value, error, _ = y.expectation("YYYYY")
    assert abs(value) < 5 * error


def test_estimates_agree_with_exact_expectation_values():
    state = MPS.random(6, 8, rng=8)
    drawn = sample(state, 50_000, basis="random-pauli", rng=9)
    for op, sites in [("XZ", (0, 3)), ("Y", 2), ("ZZY", (5, 1, 4)), ("IXI", (0, 1, 2))]:
        value, error, shots = drawn.expectation(op, sites)
        weight = len(op.replace("I", ""))
        assert abs(value - state.expectation(op, sites)) < 5 * error
        assert shots == pytest.approx(50_000 / 3**weight, rel=0.1)
        assert error == pytest.approx(np.sqrt((1 - value**2) / shots), rel=1e-3)


def test_a_conserved_parity_shows_in_every_shot():
    """A state of definite parity prod X has the same parity in every shot."""
    vector = np.random.default_rng(0).standard_normal(2**6)
    even = MPS.from_dense(vector + vector[::-1]).normalize()
    drawn = sample(even, 500, basis="X", rng=1)
    assert (drawn.outcomes.prod(axis=1) == 1).all()


def test_every_kind_of_basis():
    state = MPS.random(4, 3, rng=0)
    shots = 6
    rows = np.random.default_rng(1).integers(0, 3, (shots, 4))
    wanted = {
        None: np.full((shots, 4), 2),
        "Y": np.full((shots, 4), 1),
        "XYZX": np.tile([0, 1, 2, 0], (shots, 1)),
    }
    for basis, bases in wanted.items():
        np.testing.assert_array_equal(sample(state, shots, basis, 0).bases, bases)
    given = sample(state, shots, [0, 1, 2, 0], 0)
    np.testing.assert_array_equal(given.bases, wanted["XYZX"])
    np.testing.assert_array_equal(given.outcomes, sample(state, shots, "XYZX", 0).outcomes)
    np.testing.assert_array_equal(sample(state, shots, rows, 0).bases, rows)
    drawn = sample(state, 3000, "random-pauli", 0)
    assert (drawn.bases.dtype, drawn.outcomes.dtype) == (np.uint8, np.int8)
    np.testing.assert_allclose(np.bincount(drawn.bases.ravel()) / 12_000, 1 / 3, atol=0.03)


@pytest.mark.parametrize("basis", [None, "random-pauli"])
def test_a_seed_decides_the_outcomes_however_shots_are_batched(basis):
    state = MPS.random(10, 8, rng=0)
    drawn = [sample(state, 100, basis, 1, batch=batch) for batch in (None, 1, 7, 100)]
    drawn.append(sample(state, 100, basis, np.random.default_rng(1)))
    for other in drawn[1:]:
        np.testing.assert_array_equal(other.bases, drawn[0].bases)
        np.testing.assert_array_equal(other.outcomes, drawn[0].outcomes)
    assert (sample(state, 100, basis, 2).outcomes != drawn[0].outcomes).any()


@pytest.mark.parametrize("center", [None, 0, 3, 6])
def test_the_gauge_does_not_matter(center):
    state = MPS.random(7, 4, rng=0)
    form = MPS(state.tensors) if center is None else state.canonicalize(center)
    np.testing.assert_array_equal(
        sample(form, 200, "Y", 1).outcomes, sample(state, 200, "Y", 1).outcomes
    )


STATE = MPS.product("01")


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (("01", 5), TypeError, "`state` must be an MPS"),
        ((MPS.random(3, 2, d=3, rng=0), 5), ValueError, "dimension 2"),
        ((2.0 * STATE, 5), ValueError, r"norm 2, .* `state\.normalize\(\)`"),
        ((0.0 * STATE, 5), ValueError, "norm 0"),
        ((STATE, 0), ValueError, "`shots` must be at least 1"),
        ((STATE, 2.5), TypeError, "`shots` must be an integer"),
        ((STATE, 5, "XW"), ValueError, "'XW' must be"),
        ((STATE, 5, "XYZ"), ValueError, "or 2 of them"),
        ((STATE, 5, ""), ValueError, "'' must be"),
        ((STATE, 5, [0, 3]), ValueError, r"values in 0\.\.3"),
        ((STATE, 5, [0, 1, 2]), ValueError, r"shape \(2,\) or \(5, 2\)"),
        ((STATE, 5, np.zeros((4, 2), int)), ValueError, r"got \(4, 2\)"),
        ((STATE, 5, [0.0, 1.0]), TypeError, "array of integers"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        sample(*arguments)


def test_a_batch_of_none_is_refused():
    with pytest.raises(ValueError, match="`batch` must be at least 1"):
        sample(STATE, 5, batch=0)


def test_samples_come_back_from_a_file(tmp_path):
    drawn = sample(MPS.random(4, 3, rng=0), 20, "random-pauli", 0)
    drawn.save(tmp_path / "shots.h5")
    back = Samples.load(tmp_path / "shots.h5")
    np.testing.assert_array_equal(back.bases, drawn.bases)
    np.testing.assert_array_equal(back.outcomes, drawn.outcomes)
    assert (back.shots, back.n_sites, repr(back)) == (20, 4, "Samples(shots=20, n=4)")
    assert not back.outcomes.flags.writeable
    MPS.product("01").save(tmp_path / "state.h5")
    with pytest.raises(ValueError, match=r"wanted is 'rankloom\.samples'"):
        Samples.load(tmp_path / "state.h5")


@pytest.mark.parametrize(
    "bases, outcomes, message",
    [
        ([[2, 2]], [[1]], r"one shape \(shots, n\)"),
        ([2, 2], [1, 1], r"one shape \(shots, n\)"),
        ([[2, 3]], [[1, 1]], "`bases` must hold 0, 1, 2"),
        ([[2, 2]], [[1, 0]], r"`outcomes` must hold \+1 and -1"),
    ],
)
def test_samples_are_checked(bases, outcomes, message):
    with pytest.raises(ValueError, match=message):
        Samples(bases, outcomes)


def test_expectation_says_what_it_misses():
    drawn = sample(STATE, 5, rng=0)
    with pytest.raises(ValueError, match="none of the 5 shots measured 'XZ'"):
        drawn.expectation("XZ")
    with pytest.raises(ValueError, match="needs 1 different sites, got none, and there are 2"):
        drawn.expectation("Z")
    with pytest.raises(ValueError, match="needs 2 different sites"):
        drawn.expectation("ZZ", (1, 1))
    with pytest.raises(ValueError, match=r"sites are 0\.\.1"):
        drawn.expectation("Z", 2)
    assert drawn.expectation("II") == (1.0, 0.0, 5)
    assert sample(STATE, 1, rng=0).expectation("Z", 1) == (-1.0, float("inf"), 1)
    with pytest.raises(ValueError, match="different bases"):
        Samples([[2], [0]], [[1], [1]]).counts()
