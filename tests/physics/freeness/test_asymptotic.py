"""Leading order: against finite N at a very large N, closed forms, and free probability."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from rankloom.physics import (
    Asymptotic,
    FiniteN,
    TraceInvariant,
    free_cumulants,
    moments_from_free_cumulants,
)
from rankloom.physics.freeness.asymptotic import melonic_sums
from rankloom.physics.freeness.geodesics import below, tuples_below
from rankloom.physics.freeness.permutations import compose, cycle_type, inverse

LARGE = 10**9  # rational arithmetic: corrections are of relative order 1/N, and nothing is rounded
TOLERANCE = 1e-5  # a few hundred terms of a few units, times 1/N


def random_values(invariants, seed=0):
    rng = np.random.default_rng(seed)
    return {t: Fraction(int(rng.integers(-5, 6))) for t in invariants}


def length(s):
    return len(s) - len(cycle_type(s))


def exponent(t, scaling):
    """Power of 1/N that kappa_t takes off K_t."""
    if scaling == "matrix":
        return sum(map(length, t.perms))
    eta = t.pairing
    total = sum(length(compose(s, inverse(eta))) for s in t.perms)
    if t.kind == "pure":
        return (t.D - 1) * t.n + total
    return t.D * t.n - len(cycle_type(eta)) + total


def finite_cumulants(F, kappa, scaling):
    """K at N = LARGE of a law with these first-order cumulants, factorising over components."""
    higher = {t: Fraction(0) for t in F.invariants}
    for t, value in kappa.items():
        higher[t] = value / LARGE ** exponent(t, scaling)
    return F.from_higher_order(higher)


def cycles_of(t):
    return sum(len(cycle_type(s)) for s in t.perms)


@pytest.mark.parametrize("D, n", [(2, 4), (3, 3)])
def test_matrix_scaling_is_the_limit(D, n):
    A, F = Asymptotic(D, n, "matrix"), FiniteN.up_to(D, n, (LARGE,) * D)
    kappa = random_values(A.invariants)
    moments = F.moments(finite_cumulants(F, kappa, "matrix"))
    for t, phi in A.moments(kappa).items():
        assert abs(moments[t] / LARGE ** cycles_of(t) - phi) < TOLERANCE


@pytest.mark.parametrize("D, n, kind", [(2, 4, "mixed"), (3, 3, "mixed"), (3, 4, "pure")])
def test_melonic_scaling_is_the_limit(D, n, kind):
    A, F = Asymptotic(D, n, "melonic", kind), FiniteN.up_to(D, n, (LARGE,) * D, kind)
    kappa = random_values(A.invariants)
    moments = F.moments(finite_cumulants(F, kappa, "melonic"))
    for t, phi in A.moments(kappa).items():
        assert abs(moments[t] / LARGE - phi) < TOLERANCE


def test_free_product_is_the_limit():
    A, F = Asymptotic(2, 3, "matrix"), FiniteN.up_to(2, 3, (LARGE, LARGE))
    a, b = random_values(A.invariants, 1), random_values(A.invariants, 2)
    K = F.product(finite_cumulants(F, a, "matrix"), finite_cumulants(F, b, "matrix"))
    for t, kappa in A.free_product(a, b).items():
        assert abs(K[t] * LARGE ** exponent(t, "matrix") - kappa) < TOLERANCE


def test_free_sum_is_the_limit():
    A, F = Asymptotic(2, 3, "matrix"), FiniteN.up_to(2, 3, (LARGE, LARGE))
    a, b = random_values(A.invariants, 1), random_values(A.invariants, 2)
    K = F.sum(finite_cumulants(F, a, "matrix"), finite_cumulants(F, b, "matrix"))
    for t, kappa in A.free_sum(a, b).items():
        assert K[t] * LARGE ** exponent(t, "matrix") == kappa


@pytest.mark.parametrize(
    "D, n, scaling, kind",
    [
        (1, 9, "matrix", "mixed"),
        (2, 5, "matrix", "mixed"),
        (3, 4, "matrix", "mixed"),
        (2, 5, "melonic", "mixed"),
        (3, 4, "melonic", "mixed"),
        (3, 5, "melonic", "pure"),
        (4, 3, "melonic", "pure"),
    ],
)
def test_round_trips_are_exact(D, n, scaling, kind):
    A = Asymptotic(D, n, scaling, kind)
    kappa = random_values(A.invariants)
    phi = A.moments(kappa)
    assert A.cumulants(phi) == kappa
    floats = [np.array([float(kappa[t]) for t in listed]) for listed in A.connected]
    expected = [[float(phi[t]) for t in listed] for listed in A.connected]
    for found, wanted in zip(A.moments(floats), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_moments_are_sums_over_what_lies_below():
    """Term by term, classified by the plain Python of TraceInvariant."""
    A = Asymptotic(2, 4, "matrix")
    kappa = random_values(A.invariants)
    phi = A.moments(kappa)
    for s in A.invariants[::4]:
        total = 0
        for row in tuples_below(s.perms).tolist():
            term = 1
            for part in TraceInvariant(row).components:
                term *= kappa[part]
            total += term
        assert phi[s] == total


def test_colours_cross():
    """Below s = ((01)(23), (02)(13)) lie tuples that no partition of the four points contains."""
    s = TraceInvariant([(1, 0, 3, 2), (2, 3, 0, 1)])
    pairs = [TraceInvariant(row) for row in tuples_below(s.perms).tolist()]
    assert len(pairs) == 16
    assert s.is_connected
    assert sum(t.is_connected for t in pairs) == 5  # any three of the four transpositions do
    for t in below((1, 2, 0)).tolist():
        assert length(tuple(t)) + length(compose(inverse(tuple(t)), (1, 2, 0))) == 2


def test_one_colour_is_free_probability():
    A = Asymptotic(1, 6, "matrix")
    kappa = [3, -1, 2, 0, 1, 5]
    by_class = dict(zip(A.invariants, kappa, strict=True))
    assert list(A.moments(by_class).values()) == moments_from_free_cumulants(kappa)
    both = A.free_sum(by_class, by_class)
    assert list(both.values()) == [2 * k for k in kappa]
    # Two free Poisson variables of rate 1: the product has Fuss-Catalan moments C(3n, n) / (2n + 1)
    poisson = dict.fromkeys(A.invariants, 1)
    product = A.moments(A.free_product(poisson, poisson))
    assert list(product.values()) == [1, 3, 12, 55, 273, 1428]
    assert free_cumulants(list(product.values())) == [1, 2, 5, 14, 42, 132]


def test_one_colour_agrees_with_the_general_path():
    """D = 2 with the second colour traced out is D = 1."""
    A, B = Asymptotic(1, 4, "matrix"), Asymptotic(2, 4, "matrix")
    kappa = dict(zip(A.invariants, [1, 2, -1, 3], strict=True))
    wide = dict.fromkeys(B.invariants, 0)
    for t in A.invariants:
        s = t.perms[0]
        wide[TraceInvariant([s, tuple(range(len(s)))])] = kappa[t]
    phi = B.moments(wide)
    for t, moment in A.moments(kappa).items():
        s = t.perms[0]
        assert phi[TraceInvariant([s, tuple(range(len(s)))])] == moment


def test_sum_of_gaussians_on_different_colours():
    """X x 1 + 1 x X + X_12 has variance a_1 + a_2 + a_12 in the limit."""
    A = Asymptotic(2, 4, "matrix")
    kappa = dict.fromkeys(A.invariants, 0)
    e, x = (0, 1), (1, 0)
    kappa[TraceInvariant([x, e])] = 2
    kappa[TraceInvariant([e, x])] = 3
    kappa[TraceInvariant([x, x])] = 5
    phi = A.moments(kappa)
    assert phi[TraceInvariant([x, x])] == 10
    gamma = (1, 2, 3, 0)
    # X x 1 and 1 x X commute: their crossing pairings count, beside the non-crossing ones
    assert phi[TraceInvariant([gamma, gamma])] == 2 * 10**2 + 2 * 2 * 3
    assert phi[TraceInvariant([gamma, (0, 1, 2, 3)])] == 2 * 2**2


@pytest.mark.parametrize("D, n, kind", [(2, 5, "mixed"), (3, 4, "mixed"), (3, 5, "pure")])
def test_product_covariance_in_melonic_scaling(D, n, kind):
    """(C_1 x .. x C_D) G: kappa_s is a product of free cumulants of the spectra of C_c C_c*."""
    A = Asymptotic(D, n, "melonic", kind)
    rng = np.random.default_rng(4)
    spectra = [[Fraction(int(k), 3) for k in rng.integers(1, 9, n)] for _ in range(D)]
    cumulants = [free_cumulants(moments) for moments in spectra]

    def products(t, values):
        eta = inverse(t.pairing)
        factors = [
            value[part - 1]
            for s, value in zip(t.perms, values, strict=True)
            for part in cycle_type(compose(s, eta))
        ]
        return np.prod(factors)

    phi = {t: products(t, spectra) for t in A.invariants}
    for t, kappa in A.cumulants(phi).items():
        assert kappa == products(t, cumulants)


def test_symbols():
    A = Asymptotic(2, 2, "matrix")
    names = sympy.symbols(f"k0:{len(A.invariants)}")
    kappa = dict(zip(A.invariants, names, strict=True))
    assert A.cumulants(A.moments(kappa)) == kappa


def test_melonic_sums_stay_melonic():
    """What lies below a melonic invariant, seen from its pairing, is a product of melonic ones."""
    for D, n, kind in ((2, 5, "mixed"), (3, 4, "pure")):
        F = FiniteN(D, n, (n,) * D, kind)
        used = np.unique(melonic_sums(D, n, kind).indices)
        assert all(F.invariants[k].is_melonic for k in used)


def test_messages():
    with pytest.raises(ValueError, match="`scaling` must be declared"):
        Asymptotic(2, 3)
    with pytest.raises(ValueError, match="tensors \\(pure\\) are 'melonic'"):
        Asymptotic(3, 3, "matrix", "pure")
    with pytest.raises(ValueError, match="needs D >= 2"):
        Asymptotic(1, 3, "melonic")
    A = Asymptotic(2, 3, "melonic")
    kappa = dict.fromkeys(A.invariants, 1)
    crossing = TraceInvariant([(1, 2, 0), (2, 0, 1)])
    with pytest.raises(ValueError, match="which is not melonic"):
        A.moments(kappa | {crossing: 1})
    with pytest.raises(ValueError, match="`free_product` is for scaling 'matrix'"):
        A.free_product(kappa, kappa)
    with pytest.raises(ValueError, match=r"`b` lacks 9 of 10 classes"):
        A.free_sum(kappa, {TraceInvariant([(0,), (0,)]): 1})
    with pytest.raises(TypeError, match="list of 3 arrays"):
        A.moments(np.ones(3))
    with pytest.raises(MemoryError, match="GB"):
        Asymptotic(4, 7, "matrix")
    long = Asymptotic(1, 13, "matrix")
    ones = dict.fromkeys(long.invariants, 1)
    with pytest.raises(ValueError, match="goes to n = 12"):
        long.free_product(ones, ones)
