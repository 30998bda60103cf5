"""Laws: samples against exact values, moments against cumulants, closed forms of random states."""

import warnings
from fractions import Fraction
from itertools import permutations, product
from math import prod

import numpy as np
import pytest

from rankloom.physics import (
    Asymptotic,
    FiniteN,
    TraceInvariant,
    TruncatedWeingartenWarning,
    estimate_invariants,
    laws,
)
from rankloom.physics.freeness.law import quotient
from rankloom.physics.freeness.permutations import cycle, cycle_type, cycles, inverse
from rankloom.physics.freeness.weingarten_table import exact_values

from .classes_by_force import classes

HALF = Fraction(1, 2)
RNG = np.random.default_rng(5)
SKEW = RNG.integers(-2, 3, (3, 3, 3, 3))  # no symmetry: tells s from its inverse
LAWS = {
    "gue": laws.gue((2, 3)),
    "gue, three colours": laws.gue((2, 1, 2)),
    "gaussian": laws.gaussian(2, {(0,): 1, (1,): 2, (0, 1): HALF}, dims=(3, 2)),
    "wishart": laws.wishart((2, 3), environment=4, scale=HALF),
    "reduced state": laws.haar_state((2, 2), environment=3),
    "pure state": laws.haar_state((2, 2, 3)),
    "matrix of product covariance": laws.product_gaussian([[2, 0], [HALF, 3 * HALF]], 3),
    "tensor of product covariance": laws.product_gaussian([[2, 0], [HALF, 1], [1, 1, 1]]),
    "ghz": laws.ghz(3, 3),
    "twirled matrix": laws.twirled(SKEW),
    "twirled tensor": laws.twirled(RNG.integers(-2, 3, (3, 3, 3)), "pure"),
}


@pytest.fixture(params=LAWS, ids=list(LAWS))
def law(request):
    return LAWS[request.param]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_samples_average_to_the_exact_moments(law, n):
    invariants = classes(law.D, n, kind=law.kind, connected=True)
    fixed = isinstance(law, laws.Twirled)
    found = estimate_invariants(law.sample(20 if fixed else 4000, rng=n), invariants)
    exact = np.array([complex(law.moment(t)) for t in invariants])
    # 4 standard errors; the moments of twirled tensors do not fluctuate at all
    rounding = 1e-10 * np.maximum(1, abs(exact))
    assert (abs(found.mean - exact) <= 4 * found.error + rounding).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_cumulants_give_the_moments(law, n):
    """The definition, term by term: m_s = sum_t K_t prod N^#(s t^-1), also where n > N."""
    if law.D == 3 and n == 3:  # 6^6 terms: left to the transform, which has oracles of its own
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TruncatedWeingartenWarning)
            transform = FiniteN(3, 3, law.dims, law.kind)
        found = transform.moments({t: law.cumulant(t) for t in transform.invariants})
        assert found == {t: law.moment(t) for t in transform.invariants}
        return
    tuples = list(product(permutations(range(n)), repeat=law.D))
    weights = {t: law.cumulant(TraceInvariant(t, law.kind)) for t in tuples}
    for s in classes(law.D, n, kind=law.kind, connected=False):
        total = sum(
            weights[t]
            * prod(
                d ** len(cycles(quotient(sc, tc)))
                for d, sc, tc in zip(law.dims, s.perms, t, strict=True)
            )
            for t in tuples
        )
        assert total == law.moment(s)


def test_cumulants_of_a_skew_matrix_follow_the_direction_of_the_permutations():
    """Three-cycles are not their own inverse, and Tr_s of a skew matrix knows it."""
    law = laws.twirled(SKEW)
    gamma, back = cycle(3), inverse(cycle(3))
    s = TraceInvariant([gamma, gamma])
    assert law.moment(s) == np.trace(np.linalg.matrix_power(SKEW.reshape(9, 9), 3))
    turned = SKEW.transpose(0, 3, 2, 1).reshape(9, 9)
    t = TraceInvariant([gamma, back])
    assert law.moment(t) == np.trace(np.linalg.matrix_power(turned, 3))


def test_three_colours_tell_a_tuple_from_its_inverse():
    """Two transpositions and a three-cycle are not conjugate to their inverses."""
    s = ((1, 0, 2), (0, 2, 1), cycle(3))
    back = tuple(map(inverse, s))
    tensor = np.zeros((3,) * 6, dtype=int)
    for x in range(3):
        tensor[(x, x, x, *(sc[x] for sc in s))] = 1
    law = laws.twirled(tensor)
    assert law.moment(TraceInvariant(s)) == 1  # each entry once: the only relabelling that fits
    assert law.moment(TraceInvariant(back)) == 0
    weingarten = exact_values(3, 3)
    for t in (s, back):
        assert law.cumulant(TraceInvariant(t)) == sum(
            law.moment(TraceInvariant(u))
            * prod(weingarten[cycle_type(quotient(a, b))] for a, b in zip(t, u, strict=True))
            for u in product(permutations(range(3)), repeat=3)
        )
    # the definition of K: rows 000, 111, 222 and permuted columns leave a single term of the sum
    samples = law.sample(3000, rng=0)
    for t in (s, back):
        entries = prod(samples[:, x, x, x, t[0][x], t[1][x], t[2][x]] for x in range(3))
        error = np.std(entries) / np.sqrt(len(entries))
        assert abs(entries.mean() - float(law.cumulant(TraceInvariant(t)))) < 4 * error


def test_random_states_of_two_qubits():
    """Exact negativity moments and third Renyi moment of two qubits with four more traced out."""
    law = laws.haar_state((2, 2), environment=4)
    cube, fourth = (TraceInvariant([cycle(n)] * 2) for n in (3, 4))
    assert law.moment(cube.partial_transpose(1)) == Fraction(4, 17)
    assert law.moment(fourth.partial_transpose(1)) == Fraction(42, 323)
    assert law.moment(cube) == Fraction(9, 34)


@pytest.mark.parametrize("a, b, purity", [(4, 4, Fraction(8, 17)), (2, 8, Fraction(10, 17))])
def test_mean_purity(a, b, purity):
    assert laws.haar_state((a,), environment=b).moment(TraceInvariant([(1, 0)])) == purity


@pytest.mark.parametrize("a, b, k", [(2, 3, 4), (3, 3, 2), (4, 1, 5)])
def test_partial_transposes_of_wishart_matrices(a, b, k):
    law = laws.wishart((a, b), environment=k)
    third, fourth = (law.moment(TraceInvariant([cycle(n), inverse(cycle(n))])) for n in (3, 4))
    assert third == k**3 * a * b + 3 * k**2 * a**2 * b**2 + k * a**3 * b + k * a * b**3
    assert fourth == (
        k**4 * a * b
        + 6 * k**3 * a**2 * b**2
        + 2 * k**2 * a**3 * b**3
        + 4 * k**2 * (a**3 * b + a * b**3)
        + k**2 * a * b
        + k * (a**4 * b**2 + a**2 * b**4)
        + 4 * k * a**2 * b**2
    )


@pytest.mark.parametrize("N", [2, 3, 5])
def test_three_parties(N):
    law = laws.haar_state((N, N, N))
    swap, gamma = (1, 0), cycle(3)
    melon = TraceInvariant([swap, (0, 1), (0, 1)], kind="pure")
    k33 = TraceInvariant([(0, 1, 2), gamma, inverse(gamma)], kind="pure")
    klein = TraceInvariant([(1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)], kind="pure")
    d = N**3
    assert law.moment(melon) == Fraction(N, N**2 - N + 1)
    assert law.moment(k33) == Fraction(3 * N**2 * (N + 1), (d + 1) * (d + 2))
    wanted = 3 * N**8 + 6 * N**7 + 9 * N**6 + 6 * N**5
    assert law.moment(klein) == Fraction(wanted, d * (d + 1) * (d + 2) * (d + 3))


@pytest.mark.parametrize("N", [2, 3, 4])
def test_ghz(N):
    law = laws.ghz(3, N)
    identity, swap = (0, 1), (1, 0)
    none = law.cumulant(TraceInvariant([identity] * 3, kind="pure"))
    one = law.cumulant(TraceInvariant([swap, identity, identity], kind="pure"))
    assert none == Fraction(N + 2, N * (N - 1) * (N + 1) ** 3)
    assert one == Fraction(-1, N**2 * (N - 1) * (N + 1) ** 3)
    for t in classes(3, 3, kind="pure", connected=False):
        assert law.moment(t) == N ** len(t.components)


def test_ghz_and_a_gaussian_tensor_have_the_same_melonic_limits():
    """First-order data see one-party marginals only; an invariant that is not melonic tells."""
    white = laws.product_gaussian([[1] * 4] * 3)
    for n in (2, 3):
        for t in classes(3, n, kind="pure", connected=True):
            if t.is_melonic:
                assert white.asymptotic_moment(t) == 1  # that of GHZ: N^-1 N
    k33 = TraceInvariant([cycle(3), inverse(cycle(3)), (0, 1, 2)], kind="pure")
    with pytest.raises(ValueError, match="not melonic"):
        white.asymptotic_moment(k33)


def test_limits_of_a_tensor_with_product_covariance():
    """(t01, t12, id): the product of two variances, 1 * 1/4."""
    s = TraceInvariant([(1, 0, 2), (0, 2, 1), (0, 1, 2)], kind="pure")
    gaps = []
    for N in (8, 16, 32):
        spectra = [[0, 2] * (N // 2), [HALF, 3 * HALF] * (N // 2), [1] * N]
        law = laws.product_gaussian(spectra)
        assert law.asymptotic_cumulant(s) == Fraction(1, 4)
        gap = abs(law.normalised_moment(s) - law.asymptotic_moment(s))
        gaps.append(float(gap))
    assert gaps[0] > 1.9 * gaps[1] > 3.6 * gaps[2]  # of order 1/N


@pytest.mark.parametrize("kind", ["gue", "gaussian", "wishart", "covariance"])
def test_normalised_moments_tend_to_their_limits(kind):
    def make(N):
        if kind == "gue":
            return laws.gue((N, N))
        if kind == "gaussian":
            return laws.gaussian(2, {(0,): 1, (1,): 2, (0, 1): HALF}, (N, N))
        if kind == "wishart":
            return laws.wishart((N, N), N * N // 2)
        return laws.product_gaussian([[1, 3] * (N // 2), [1] * N], N * N)

    for n in (1, 2, 3, 4):
        gamma = cycle(n)
        for s in ([gamma, gamma], [gamma, inverse(gamma)], [gamma, tuple(range(n))]):
            t = TraceInvariant(s)
            near, far = (
                abs(make(N).normalised_moment(t) - make(N).asymptotic_moment(t)) for N in (100, 10)
            )
            assert near <= far / 9 or near == 0  # corrections of order 1/N at least


@pytest.mark.parametrize(
    "law, scaling",
    [
        (laws.gaussian(2, {(0,): 1, (1,): 2, (0, 1): HALF}), "matrix"),
        (laws.wishart((5, 5), 50), "matrix"),
        (laws.product_gaussian([[1, 3], [0, 2]], 4), "matrix"),
        (laws.product_gaussian([[1, 3], [0, 2], [HALF, 1]]), "melonic"),
    ],
    ids=["gaussian", "wishart", "covariance", "tensor of product covariance"],
)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_limits_of_moments_and_cumulants_belong_together(law, scaling, n):
    """Each has a formula of its own in the law; sums over non-crossing permutations join them."""
    limit = Asymptotic(D=law.D, n=n, scaling=scaling, kind=law.kind)
    moments = limit.moments({t: law.asymptotic_cumulant(t) for t in limit.invariants})
    assert moments == {t: law.asymptotic_moment(t) for t in limit.invariants}


def test_gaussian_matrices_of_two_parties_are_not_free():
    """X (x) 1 and 1 (x) Y commute: fourth moment 10, where free ones would have 8."""
    law = laws.gaussian(2, {(0,): 1, (1,): 1})
    fourth = TraceInvariant([cycle(4)] * 2)
    assert law.asymptotic_moment(fourth) == 10
    assert law.asymptotic_cumulant(TraceInvariant([(1, 0), (0, 1)])) == 1


@pytest.mark.parametrize(
    "call, wanted",
    [
        (lambda: laws.gue(()), "`dims` is empty"),
        (lambda: laws.gue((2, 0)), r"`dims\[1\]`"),
        (lambda: laws.gaussian(2, {(): 1}), "non-empty subsets"),
        (lambda: laws.gaussian(2, {(2,): 1}), "colours 0..1"),
        (lambda: laws.gaussian(2, {(0, 1): 1, (1, 0): 2}), "twice"),
        (lambda: laws.gaussian(2, {(0,): -1}), "negative"),
        (lambda: laws.gaussian(2, {(0,): 1}, dims=(2,)), "one entry per colour"),
        (lambda: laws.gaussian(2, {(0,): 1}).sample(2), "`dims` is None"),
        (lambda: laws.wishart((2, 2), 0), "`environment`"),
        (lambda: laws.wishart((2, 2), 3, scale=0), "`scale`"),
        (lambda: laws.product_gaussian([[1, -1]]), "negative"),
        (lambda: laws.product_gaussian([[1, float("nan")]]), "finite"),
        (lambda: laws.twirled(np.ones((2, 3))), "same column legs"),
        (lambda: laws.twirled(np.eye(2), kind="both"), "`kind`"),
        (lambda: laws.gue((2, 2)).moment(TraceInvariant([(0,)])), "1 colours"),
        (lambda: laws.gue((2,)).moment(TraceInvariant([(0,)], "pure")), "pure"),
        (lambda: laws.gue((2,)).sample(0), "`size`"),
    ],
)
def test_bad_input_is_named(call, wanted):
    with pytest.raises(ValueError, match=wanted):
        call()


def test_bad_kinds_are_named():
    with pytest.raises(TypeError, match="TraceInvariant"):
        laws.gue((2,)).moment([(0,)])
    with pytest.raises(TypeError, match="`environment`"):
        laws.wishart((2, 2), None)
    with pytest.raises(TypeError, match="dict"):
        laws.gaussian(2, [1, 2])
    with pytest.raises(TypeError, match="numbers"):
        laws.twirled([["a"]])
