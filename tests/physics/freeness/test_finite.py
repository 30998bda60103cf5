"""Finite-N transforms: the definition by brute force, round trips, closed forms, Monte Carlo."""

from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
import sympy

from rankloom.physics import (
    FiniteN,
    TraceInvariant,
    TruncatedWeingartenWarning,
    enumerate_invariants,
)
from rankloom.physics.freeness.permutations import compose, cycle_type, inverse
from rankloom.physics.freeness.weingarten_table import exact_values

CASES = [
    (1, 4, (5,), "mixed"),
    (2, 3, (3, 4), "mixed"),
    (3, 2, (2, 3, 4), "mixed"),
    (1, 3, (4,), "pure"),
    (2, 3, (3, 4), "pure"),
    (3, 3, (3, 4, 5), "pure"),
]


def random_rationals(invariants, seed=0):
    rng = np.random.default_rng(seed)
    return {t: Fraction(int(rng.integers(-9, 10)), int(rng.integers(1, 10))) for t in invariants}


def by_definition(F, values, weights):
    """Sum over all tuples of S_n^D, classified by the plain Python of TraceInvariant."""
    group = list(permutations(range(F.n)))
    classes = {t: TraceInvariant(t, F.kind) for t in product(group, repeat=F.D)}
    found = {}
    for s in list(F.invariants)[:: max(1, len(F.invariants) // 6)]:
        found[s] = 0
        for t, kind in classes.items():
            term = values[kind]
            for c in range(F.D):
                term *= weights[c][cycle_type(compose(s.perms[c], inverse(t[c])))]
            found[s] += term
    return found


@pytest.mark.parametrize("D, n, dims, kind", CASES[:5])
def test_transforms_are_their_definition(D, n, dims, kind):
    F = FiniteN(D, n, dims, kind)
    values = random_rationals(F.invariants)
    weingarten = [exact_values(n, N) for N in dims]
    K = F.cumulants(values)
    for t, expected in by_definition(F, values, weingarten).items():
        assert K[t] == expected
    powers = [{mu: N ** len(mu) for mu in w} for N, w in zip(dims, weingarten, strict=True)]
    m = F.moments(values)
    for t, expected in by_definition(F, values, powers).items():
        assert m[t] == expected


@pytest.mark.parametrize(
    "D, n, dims, kind", [*CASES, (2, 4, (4, 6), "mixed"), (1, 12, (13,), "mixed")]
)
def test_round_trips_are_exact(D, n, dims, kind):
    F = FiniteN(D, n, dims, kind)
    values = random_rationals(F.invariants)
    assert F.moments(F.cumulants(values)) == values
    assert F.cumulants(F.moments(values)) == values


@pytest.mark.parametrize("D, n, dims, kind", [*CASES, (3, 4, (5, 6, 7), "mixed")])
def test_floats_agree_with_rationals(D, n, dims, kind):
    F = FiniteN(D, n, dims, kind)
    values = random_rationals(F.invariants)
    floats = np.array([float(v) for v in values.values()])
    exact = np.array([float(v) for v in F.cumulants(values).values()])
    # weights are correctly rounded; what is left are the roundings of sums of a few thousand terms
    np.testing.assert_allclose(F.cumulants(floats), exact, rtol=1e-9, atol=1e-12)
    batch = np.stack([floats, 2j * floats])
    both = F.cumulants(batch)
    np.testing.assert_allclose(both[1], 2j * both[0], rtol=1e-12)
    np.testing.assert_allclose(F.moments(both), batch, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("D, dims", [(1, (2,)), (2, (2, 2)), (2, (2, 4)), (3, (2, 1, 3))])
def test_moments_of_a_tensor_survive_the_pseudo_inverse(D, dims):
    """n > N: moments of actual tensors come back exactly, and it is said once."""
    with pytest.warns(TruncatedWeingartenWarning) as caught:
        F = FiniteN.up_to(D, 3, dims)
    assert len(caught) == 1
    rng = np.random.default_rng(0)
    tensor = rng.integers(-3, 4, (*dims, *dims)).astype(object)
    moments = F.traces(tensor)
    assert F.moments(F.twirl(tensor)) == moments
    with pytest.raises(ValueError, match="not additive"):
        F.sum(moments, moments)
    with pytest.raises(ValueError, match="not additive"):
        F.higher_order(moments)


def test_additivity_fails_below_n_but_moments_of_sums_hold():
    """Sum of a diagonal matrix and its twirled copy at N = 2 < n = 3, against Haar averages."""
    with pytest.warns(TruncatedWeingartenWarning):
        F = FiniteN.up_to(1, 3, (2,))
    a = np.array([[1, 0], [0, -2]], dtype=object)
    found = F.sum_of_moments(F.traces(a), F.traces(a))
    # E Tr (A + U A U*)^3 = 2 Tr A^3 + 6 E Tr A^2 U A U* = 2 Tr A^3 + 3 Tr A^2 Tr A
    cube = TraceInvariant([(1, 2, 0)])
    assert found[cube] == 2 * (1 - 8) + 3 * (1 + 4) * (1 - 2)


@pytest.mark.parametrize("D, n, dims", [(2, 3, (3, 4)), (1, 5, (6,)), (3, 2, (2, 2, 3))])
def test_wishart_cumulants(D, n, dims):
    """m_s = sum_nu K^#nu prod N_c^#(s_c nu^-1), and K_s = K^#nu for s = (nu, .., nu), else 0."""
    environment = 5
    F = FiniteN(D, n, dims)
    moments = {}
    for s in F.invariants:
        moments[s] = 0
        for nu in permutations(range(n)):
            term = environment ** len(cycle_type(nu))
            for c, N in enumerate(dims):
                term *= N ** len(cycle_type(compose(s.perms[c], inverse(nu))))
            moments[s] += term
    for s, K in F.cumulants(moments).items():
        diagonal = len(set(s.perms)) == 1
        assert (environment ** len(cycle_type(s.perms[0])) if diagonal else 0) == K


def test_symbolic_dimensions():
    N = sympy.Symbol("N")
    F = FiniteN(2, 3, (N, N))
    values = {t: k + 1 for k, t in enumerate(F.invariants)}
    K = F.cumulants(values)
    at_five = FiniteN(2, 3, (5, 5)).cumulants(values)
    for t in values:
        assert K[t].subs(N, 5) == sympy.Rational(at_five[t])
    assert F.moments(K) == values
    a, b = sympy.symbols("a b")
    small = FiniteN(1, 2, (4,)).cumulants(
        {TraceInvariant([(0, 1)]): a, TraceInvariant([(1, 0)]): b}
    )
    assert sympy.simplify(small[TraceInvariant([(1, 0)])] - (-a / 60 + b / 15)) == 0


def test_ghz_state_of_three_parties():
    """T = sum_i |i i i>: every trace is N^components; closed forms of K at n = 2."""
    N = sympy.Symbol("N")
    F = FiniteN(3, 2, (N, N, N), "pure")
    moments = {t: N ** len(t.components) for t in F.invariants}
    K = F.cumulants(moments)
    e, x = (0, 1), (1, 0)
    below = N * (N - 1) * (N + 1) ** 3
    assert sympy.simplify(K[TraceInvariant([e, e, e], "pure")] - (N + 2) / below) == 0
    for perms in ([x, e, e], [e, x, e], [x, x, e]):
        value = K[TraceInvariant(perms, "pure")]
        assert sympy.simplify(value + 1 / (N * below)) == 0


def haar(rng, count, N):
    ginibre = rng.standard_normal((count, N, N)) + 1j * rng.standard_normal((count, N, N))
    q, r = np.linalg.qr(ginibre)
    diagonal = np.einsum("mii->mi", r)
    return q * (diagonal / abs(diagonal))[:, None, :]


def sampled(t, x):
    value = 1
    for part in t.components:
        terms = ["Z" + term for term in part.einsum[:-2].split(",")]
        value = value * np.einsum(",".join(terms) + "->Z", *[x] * part.n, optimize="greedy")
    return value


def test_sums_and_products_against_haar_samples():
    """A + U B U* and A U B U* with matrices that are not symmetric, all classes of n <= 3."""
    rng = np.random.default_rng(7)
    N, count = 3, 4000
    F = FiniteN.up_to(2, 3, (N, N))
    a, b = (rng.standard_normal((2, N, N, N, N)) + 1j * rng.standard_normal((2, N, N, N, N))) / N
    u, v = haar(rng, count, N), haar(rng, count, N)
    local = np.einsum("mab,mcd->macbd", u, v).reshape(count, N * N, N * N)
    turned = local @ b.reshape(N * N, N * N) @ local.conj().transpose(0, 2, 1)
    flat = a.reshape(N * N, N * N)
    exact = F.sum_of_moments(F.traces(a), F.traces(b))
    products = F.product_of_moments(F.traces(a), F.traces(b))
    shape = (count, N, N, N, N)
    for matrices, predicted in ((flat + turned, exact), (flat @ turned, products)):
        for t, value in predicted.items():
            traces = sampled(t, matrices.reshape(shape))
            error = np.std(traces) / np.sqrt(count) + 1e-12
            assert abs(traces.mean() - value) < 4 * error, t


def test_cumulants_of_independent_sums_add():
    F = FiniteN.up_to(2, 3, (4, 3))
    rng = np.random.default_rng(3)
    a, b = rng.integers(-2, 3, (2, 4, 3, 4, 3)).astype(object)
    Ka, Kb = F.twirl(a), F.twirl(b)
    K = F.sum(Ka, Kb)
    assert F.moments(K) == F.sum_of_moments(F.traces(a), F.traces(b))
    for t in F.invariants:
        if t.is_connected:
            assert K[t] == Ka[t] + Kb[t]
    high, low, total = F.higher_order(Ka), F.higher_order(Kb), F.higher_order(K)
    assert total == {t: high[t] + low[t] for t in total}
    assert F.from_higher_order(total) == K


def test_arrays_and_dictionaries_are_the_same():
    F = FiniteN.up_to(2, 3, (4, 3))
    K = F.twirl(np.arange(144.0).reshape(4, 3, 4, 3))
    lists = [np.array([K[t] for t in order.invariants]) for order in F.orders]
    for by_list, by_dict in (
        (F.moments(lists), F.moments(K)),
        (F.sum(lists, lists), F.sum(K, K)),
        (F.higher_order(lists), F.higher_order(K)),
    ):
        np.testing.assert_array_equal(np.concatenate(by_list), list(by_dict.values()))


def test_products_with_the_identity():
    F = FiniteN(2, 3, (3, 4))
    values = random_rationals(F.invariants)
    e = (0, 1, 2)
    unit = {t: int(t.perms == (e, e)) for t in F.invariants}
    assert F.product(values, unit) == F.product(unit, values) == values


def test_messages():
    F = FiniteN(D=2, n=2, dims=(3, 3))
    whole = dict.fromkeys(F.invariants, 1)
    some = dict(list(whole.items())[:2])
    with pytest.raises(ValueError, match=r"`moments` lacks 2 of 4 classes: TraceInvariant"):
        F.cumulants(some)
    with pytest.raises(ValueError, match="1 keys that do not belong here"):
        F.moments(whole | {TraceInvariant([(0,)]): 1})
    with pytest.raises(ValueError, match="last axis must run over the 4"):
        F.moments(np.ones(3))
    with pytest.raises(TypeError, match="dictionary keyed by TraceInvariant"):
        F.moments([1, 2, 3, 4])
    with pytest.raises(ValueError, match="NaN"):
        F.moments(np.array([1, np.nan, 0, 0]))
    with pytest.raises(ValueError, match=r"D = 3, got 2"):
        FiniteN(3, 2, (3, 3))
    with pytest.raises(TypeError, match="`dims` must list"):
        FiniteN(2, 2, 3)
    with pytest.raises(ValueError, match=r"`dims\[1\]` must be at least 1"):
        FiniteN(2, 2, (3, 0))
    with pytest.raises(ValueError, match="`D` must be at least 1"):
        FiniteN(0, 2, ())
    with pytest.raises(MemoryError, match=r"would take about .* GB"):
        FiniteN(3, 8, (9, 9, 9))
    with pytest.raises(ValueError, match="kind 'pure'"):
        FiniteN(2, 2, (3, 3), "pure").product({}, {})
    with pytest.raises(ValueError, match=r"shape \(3, 3, 3, 3\)"):
        FiniteN.up_to(2, 2, (3, 3)).twirl(np.ones((3, 3)))
    with pytest.raises(TypeError, match="list of 2 arrays"):
        FiniteN.up_to(2, 2, (3, 3)).moments(np.ones(4))


def test_enumeration_matches_the_transform():
    assert list(FiniteN(2, 3, (3, 3)).invariants) == list(
        enumerate_invariants(2, 3, connected=False)
    )
