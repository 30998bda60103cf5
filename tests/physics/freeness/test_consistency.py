"""Laws, which know moments and cumulants in closed form, against the general transforms."""

from fractions import Fraction

import numpy as np
import pytest

from rankloom.physics import Asymptotic, FiniteN, laws

HALF = Fraction(1, 2)
FINITE = {
    "gue": (laws.gue((3, 4)), 3),
    "gaussian": (laws.gaussian(2, {(0,): 1, (1,): 2, (0, 1): HALF}, dims=(4, 4)), 4),
    "wishart": (laws.wishart((4, 4), environment=6), 4),
    "reduced state": (laws.haar_state((3, 3), environment=4), 3),
    "pure state": (laws.haar_state((3, 3, 4)), 3),
    "matrix of product covariance": (laws.product_gaussian([[2, 0, 1], [HALF, 3 * HALF, 1]], 3), 3),
    "tensor of product covariance": (laws.product_gaussian([[2, 0], [HALF, 1], [1, 1]]), 2),
    "ghz": (laws.ghz(3, 3), 3),
}


@pytest.mark.parametrize("name", FINITE)
def test_closed_cumulants_are_the_transform_of_closed_moments(name):
    law, n = FINITE[name]
    F = FiniteN(law.D, n, law.dims, law.kind)
    moments = {t: law.moment(t) for t in F.invariants}
    assert F.cumulants(moments) == {t: law.cumulant(t) for t in F.invariants}


def test_sum_of_laws_is_the_law_of_the_sum():
    """Independent Gaussians: variances add. Wishart matrices of one scale: environments add."""
    F = FiniteN.up_to(2, 3, (3, 4))

    def cumulants(law):
        return {t: law.cumulant(t) for t in F.invariants}

    one, two, three = (laws.wishart((3, 4), environment=k) for k in (1, 2, 3))
    assert F.sum(cumulants(one), cumulants(two)) == cumulants(three)
    parts = [{(0,): 1}, {(1,): 2, (0, 1): HALF}, {(0,): 1, (1,): 2, (0, 1): HALF}]
    a, b, both = (laws.gaussian(2, variances, dims=(3, 4)) for variances in parts)
    assert F.sum(cumulants(a), cumulants(b)) == cumulants(both)
    higher = F.higher_order(cumulants(a))
    assert all(value == 0 for t, value in higher.items() if not (t.n == 2 and t.is_connected))


def test_gaussian_limit_is_that_of_the_matrix_scaling():
    law = laws.gaussian(3, {(0,): 1, (1, 2): 2, (0, 1, 2): HALF, (2,): 3})
    A = Asymptotic(3, 4, "matrix")
    kappa = {t: law.asymptotic_cumulant(t) for t in A.invariants}
    phi = A.moments(kappa)
    for t in A.invariants[::7]:
        assert phi[t] == law.asymptotic_moment(t)
    assert A.free_sum(kappa, kappa) == {t: 2 * value for t, value in kappa.items()}


def test_estimates_come_near_the_free_sum():
    """A + U B U* at N = 3, exact by the transform, sampled by hand with the law's own sampler."""
    F = FiniteN.up_to(2, 2, (3, 3))
    rng = np.random.default_rng(0)
    a, b = rng.integers(-2, 3, (2, 3, 3, 3, 3)).astype(object)
    exact = F.moments(F.sum(F.twirl(a), F.twirl(b)))
    samples = laws.twirled(b).sample(4000, rng=1) + a.astype(float)
    for t in F.invariants:
        values = np.array([complex(t.evaluate(x)) for x in samples[:300]])
        error = values.std() / np.sqrt(len(values)) + 1e-9
        assert abs(values.mean() - complex(exact[t])) < 4 * error
