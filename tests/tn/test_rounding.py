import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import MPO, MPS, SpinChain, compress_product, compress_sum
from rankloom.tn.combination import Combination, Term
from rankloom.tn.contract import to_dense
from rankloom.tn.gauge import orthonormality_error

METHODS = ["auto", "svd", "gram", "random", "variational"]


def random_operator(n, w, seed):
    rng = np.random.default_rng(seed)
    bonds = [1] + [w] * (n - 1) + [1]
    shapes = [(bonds[k], 2, 2, bonds[k + 1], 2) for k in range(n)]
    return MPO(tuple(rng.standard_normal(s).view(complex)[..., 0] / 2 for s in shapes))


def decaying(n, bond, seed, base=0.3):
    """A state whose Schmidt values fall quickly: bond indices are damped geometrically."""
    state = MPS.random(n, bond, rng=seed)
    damped = [t * base ** np.arange(t.shape[2]) for t in state.tensors]
    return MPS(tuple(damped)).normalize()


def squared_distance(exact, state):
    return np.linalg.norm(exact - state.to_dense()) ** 2 / np.linalg.norm(exact) ** 2


def best_weight(exact, n, max_bond):
    """Largest tail over the cuts of the dense vector: no state of these bonds comes closer."""
    tails = []
    for k in range(1, n):
        s = np.linalg.svd(exact.reshape(2**k, -1), compute_uv=False)
        tails.append((s[max_bond:] ** 2).sum() / (s**2).sum())
    return max(tails)


def terms(seed, n=6):
    """A sum of two states and an operator on a third, complex coefficients."""
    a, b = MPS.random(n, 3, rng=seed), decaying(n, 5, seed + 1)
    return [
        Term(a.tensors, None, 0.5),
        Term(b.tensors, None, -1j),
        Term(a.tensors, random_operator(n, 3, seed).tensors, 0.25),
    ]


@given(st.integers(0, 10**6))
def test_pushing_pulling_and_closing_agree_with_the_formed_sum(seed):
    source = Combination(terms(seed))
    vector = to_dense(source.tensors())
    left, right = source.first, source.last
    for k in range(source.n_sites):
        left = source.push(k, left)
    for k in reversed(range(source.n_sites)):
        right = source.pull(k, right)
    np.testing.assert_allclose((left @ source.last)[:, 0], vector, atol=1e-12)
    np.testing.assert_allclose((source.first @ right)[0], vector, atol=1e-12)
    assert source.square() == pytest.approx(np.linalg.norm(vector) ** 2, rel=1e-12)


@given(st.integers(0, 10**6), st.integers(2, 5), st.sampled_from(METHODS))
def test_every_method_rounds_a_state(seed, max_bond, method):
    state = MPS.random(7, 7, rng=seed) * 2.0
    exact = state.to_dense()
    small = state.compress(max_bond, method=method, rng=seed)
    assert max(small.state.bond_dimensions) <= max_bond
    assert small.state.center == 6
    assert orthonormality_error(small.state.tensors, 6) < 1e-13
    distance = squared_distance(exact, small.state)
    if method in ("random", "variational"):
        assert small.truncation_error == pytest.approx(distance, abs=1e-12)
    else:
        assert distance <= small.truncation_error + 1e-13
    # the sum of the tails of all cuts bounds what cutting does; one of them is unavoidable
    assert distance >= best_weight(exact, 7, max_bond) - 1e-13


@given(st.integers(0, 10**6), st.integers(2, 4), st.sampled_from(METHODS))
def test_every_method_rounds_sums_and_products(seed, max_bond, method):
    a, b = MPS.random(6, 3, rng=seed), MPS.random(6, 4, rng=seed + 1)
    operator = random_operator(6, 3, seed)
    exact = 0.5 * a.to_dense() - 1j * b.to_dense()
    options = {"max_bond": max_bond, "method": method, "rng": 0}
    for vector, small in [
        (exact, compress_sum([a, b], [0.5, -1j], **options)),
        (operator.to_dense() @ a.to_dense(), compress_product(operator, a, **options)),
    ]:
        distance = squared_distance(vector, small.state)
        assert distance <= small.truncation_error + 1e-12
        assert max(small.state.bond_dimensions) <= max_bond
        if method == "variational":
            assert (np.diff(small.errors) <= 1e-13).all()  # never grows, but for rounding


@given(st.integers(0, 10**6), st.integers(2, 6))
def test_density_matrices_cut_as_singular_values_do(seed, max_bond):
    state = MPS(MPS.random(8, 8, rng=seed).tensors)  # the centre forgotten
    by_gram = state.compress(max_bond, method="gram")
    by_svd = state.compress(max_bond, method="svd")
    assert (by_gram.method, by_svd.method) == ("gram", "qr+svd")
    assert by_gram.truncation_error == pytest.approx(by_svd.truncation_error, rel=1e-9)
    np.testing.assert_allclose(by_gram.state.to_dense(), by_svd.state.to_dense(), atol=1e-9)


@given(st.integers(0, 10**6), st.floats(1e-13, 1e-2), st.sampled_from([None, 0, 3, 7]))
def test_a_cutoff_is_kept_and_used(seed, cutoff, center):
    state = decaying(8, 8, seed)
    form = MPS(state.tensors) if center is None else state.canonicalize(center)
    small, by_svd = form.compress(cutoff=cutoff), form.compress(cutoff=cutoff, method="svd")
    distance = squared_distance(state.to_dense(), small.state)
    assert distance <= small.truncation_error + 1e-14 <= 7 * cutoff + 1e-14
    # a weight within a per cent of the cutoff may fall on either side
    assert np.abs(np.subtract(small.state.bond_dimensions, by_svd.state.bond_dimensions)).max() <= 1


@given(st.integers(0, 10**6), st.sampled_from([None, 0, 4, 7]))
def test_auto_resolves_weights_below_those_of_density_matrices(seed, center):
    """Weights of 1e-20: their squares vanish beside one, their roots do not."""
    state = decaying(8, 10, seed, base=0.03)
    form = MPS(state.tensors) if center is None else state.canonicalize(center)
    exact = state.to_dense()
    for options in ({"max_bond": 7}, {"cutoff": 1e-22}, {"max_bond": 9, "cutoff": 1e-25}):
        small = form.compress(**options)
        best = form.compress(**options, method="svd")
        distances = [np.sqrt(squared_distance(exact, s.state)) for s in (small, best)]
        assert distances[0] <= 2 * distances[1] + 1e-14
        assert small.method in ("svd", "qr+svd")


def test_cancelling_parts_are_told_from_small_ones():
    """|psi> + 1e-6 |a> - |psi>: density matrices would see only rounding."""
    psi, a = MPS.random(8, 6, rng=0), MPS.random(8, 6, rng=1)
    terms = [psi, a, psi]
    small = compress_sum(terms, [1.0, 1e-6, -1.0], max_bond=6)
    assert squared_distance(1e-6 * a.to_dense(), small.state) < 1e-16
    assert small.method == "qr+svd"
    with pytest.raises(ValueError, match="parts of the state cancel"):
        compress_sum(terms, [1.0, 1e-6, -1.0], max_bond=6, method="gram")


def test_fitting_comes_as_close_as_cutting_or_closer():
    for seed in range(5):
        state = decaying(10, 12, seed, base=0.6)
        cut = squared_distance(state.to_dense(), state.compress(4, method="svd").state)
        fitted = state.compress(4, method="variational", rng=seed)
        assert fitted.truncation_error <= cut * (1 + 1e-6)
        assert fitted.outcome.ok
        sketched = state.compress(4, method="random", rng=seed)
        assert sketched.truncation_error <= 3 * cut


def test_wide_sums_with_small_weights_are_fitted():
    """Eight nearly parallel states at bond 8 in all, cut to 2: weights of 1e-20 decide."""
    base = MPS.random(8, 2, rng=0)
    near = [base + 1e-10 * MPS.random(8, 2, rng=k) for k in range(1, 4)]
    small = compress_sum(near, max_bond=2, rng=0)
    exact = sum(s.to_dense() for s in near)
    assert small.method == "variational"
    assert np.sqrt(squared_distance(exact, small.state)) < 1e-9


def test_the_sum_keeps_linear_combinations_exactly():
    a, b = MPS.random(6, 3, rng=0), MPS.random(6, 2, rng=1)
    total, error = compress_sum([a, b, a], [1.0, 2j, -3.0])
    np.testing.assert_allclose(total.to_dense(), -2 * a.to_dense() + 2j * b.to_dense(), atol=1e-13)
    assert max(total.bond_dimensions) == 5
    assert error < 1e-25


def test_products_agree_with_dense_matrices():
    chain = SpinChain.heisenberg(8)
    state = MPS.random(8, 6, rng=0)
    image = compress_product(chain.mpo(), state, cutoff=1e-12)
    exact = chain.dense() @ state.to_dense()
    assert squared_distance(exact, image.state) <= max(image.truncation_error, 1e-20)
    renormalized = compress_product(chain.mpo(), state, max_bond=3, renormalize=True)
    assert renormalized.state.norm() == pytest.approx(np.linalg.norm(exact))


@pytest.mark.parametrize("method", METHODS)
def test_every_array_library(library, method):
    plain = decaying(6, 6, 0, base=0.7)
    state = MPS(tuple(map(library, plain.tensors)))
    operator = SpinChain.ising(6, j=1.0, g=0.7).mpo()
    ours = [
        plain.compress(3, method=method, rng=0),
        compress_sum([plain, plain], [1.0, 0.5j], max_bond=3, method=method, rng=0),
        compress_product(operator, plain, max_bond=5, method=method, rng=0),
    ]
    theirs = [
        state.compress(3, method=method, rng=0),
        compress_sum([state, state], [1.0, 0.5j], max_bond=3, method=method, rng=0),
        compress_product(operator, state, max_bond=5, method=method, rng=0),
    ]
    for one, other in zip(ours, theirs, strict=True):
        assert other.method == one.method
        assert other.truncation_error == pytest.approx(one.truncation_error, rel=1e-6, abs=1e-13)
        np.testing.assert_allclose(
            library.host(other.state.to_dense()), one.state.to_dense(), atol=1e-9
        )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_precision_is_kept(dtype, method):
    tensors = tuple(t.real.astype(dtype) for t in MPS.random(6, 6, rng=0).tensors)
    state = MPS(tensors).normalize()
    single = np.finfo(dtype).eps > 1e-10
    # single precision resolves no weight below 1e-4 by density matrices
    small = state.compress(3, 1e-2 if single else 0.0, method=method, rng=0)
    assert small.state.dtype == dtype
    assert squared_distance(state.to_dense(), small.state) <= small.truncation_error + (
        1e-5 if single else 1e-13
    )


@pytest.mark.parametrize("method", METHODS)
def test_one_site_and_product_states_pass_through(method):
    for state in (MPS((np.array([[[1.0], [2.0]]]),)), MPS.product("0110")):
        small = state.compress(3, method=method, rng=0)
        np.testing.assert_allclose(small.state.to_dense(), state.to_dense(), atol=1e-14)
        assert small.truncation_error < 1e-14


def test_a_zero_sum_is_a_zero_product():
    a = MPS.random(5, 3, rng=0)
    for method in ("auto", "svd", "random", "variational"):
        small = compress_sum([0.0 * a, 0.0 * a], max_bond=2, method=method, rng=0)
        assert small.state.norm() == 0.0
        assert small.truncation_error == 0.0


def test_a_seed_decides_the_sketch():
    state = MPS.random(12, 24, rng=0)
    one, two = (state.compress(4, method="random", rng=3).state for _ in range(2))
    for x, y in zip(one.tensors, two.tensors, strict=True):
        np.testing.assert_array_equal(x, y)


STATE = MPS.random(4, 3, rng=0)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: STATE.compress(2, method="best"), ValueError, "`method` must be one of auto"),
        (lambda: STATE.compress(method="random"), ValueError, "needs `max_bond`"),
        (lambda: STATE.compress(cutoff=-1.0), ValueError, "`cutoff`"),
        (lambda: compress_sum([]), ValueError, "`states` is empty"),
        (lambda: compress_sum(STATE), TypeError, "sequence of MPS"),
        (lambda: compress_sum([STATE, MPS.product("01")]), ValueError, "differ in their sites"),
        (lambda: compress_sum([STATE], [1, 2]), ValueError, "must be 1 finite numbers"),
        (lambda: compress_sum([STATE], [np.nan]), ValueError, "finite"),
        (lambda: compress_product(STATE, STATE), TypeError, "`operator` must be an MPO"),
        (
            lambda: compress_product(SpinChain.heisenberg(4).mpo(), "0101"),
            TypeError,
            "`state` must be an MPS",
        ),
        (
            lambda: compress_product(SpinChain.heisenberg(5).mpo(), STATE),
            ValueError,
            "differ in their sites",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("bond, max_bond", [(16, 8), (64, 32)])
def test_full_bonds_near_the_ends_do_not_stop_density_matrices(bond, max_bond):
    """Products of square Gaussian matrices are full, yet have weights of 1e-12."""
    rng = np.random.default_rng(0)
    bonds = [min(bond, 2 ** min(k, 20 - k)) for k in range(21)]
    shapes = [(left, 2, right, 2) for left, right in itertools.pairwise(bonds)]
    state = MPS(tuple(rng.standard_normal(s).view(complex)[..., 0] for s in shapes)).normalize()
    state = MPS(state.tensors)
    small, best = state.compress(max_bond), state.compress(max_bond, method="svd")
    assert small.method == "gram"
    assert small.state.overlap(best.state) == pytest.approx(best.state.norm() ** 2, rel=1e-10)
    assert small.truncation_error == pytest.approx(best.truncation_error, rel=1e-9)


@given(st.integers(0, 10**6), st.floats(0.0, 7.0))
def test_an_ill_conditioned_gauge_costs_no_accuracy(seed, digits):
    """Bonds carry X X^-1 with singular values from 1 to 10**-digits."""
    rng = np.random.default_rng(seed)
    state = MPS.random(7, 6, rng=rng)
    tensors = list(state.tensors)
    for k in range(6):
        bond = tensors[k].shape[2]
        q = np.linalg.qr(rng.standard_normal((bond, bond)))[0]
        x = q * np.logspace(0, -digits, bond)
        tensors[k] = tensors[k] @ x
        tensors[k + 1] = np.tensordot(np.linalg.inv(x), tensors[k + 1], 1)
    small, best = MPS(tuple(tensors)).compress(3), state.compress(3, method="svd")
    distances = [squared_distance(state.to_dense(), s.state) for s in (small, best)]
    # the gauge itself costs 1e7 roundings at most, before anything is compressed
    assert distances[0] == pytest.approx(distances[1], rel=1e-6)
