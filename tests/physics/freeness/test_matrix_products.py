"""Products of Gaussian matrices: exact moments against samples, closed forms and the limit."""

from fractions import Fraction

import numpy as np
import pytest

from rankloom.physics import TraceInvariant, fuss_catalan, laws, product_moments
from rankloom.physics.freeness.law import complex_normal
from rankloom.physics.freeness.permutations import cycle


@pytest.mark.parametrize("N, factors", [(2, 2), (4, 2), (3, 3)])
def test_exact_moments_against_samples(N, factors):
    rng = np.random.default_rng(0)
    size = 20_000
    product = np.broadcast_to(np.eye(N), (size, N, N))
    for _ in range(factors):
        product = product @ complex_normal(rng, (size, N, N)) / np.sqrt(N)
    values = np.linalg.svd(product, compute_uv=False) ** 2
    for n, wanted in enumerate(product_moments(N, factors, 3), start=1):
        found = np.mean(values**n, axis=1)
        assert abs(found.mean() - float(wanted)) < 4 * np.std(found) / np.sqrt(size)


def test_one_factor_is_a_wishart_matrix():
    law = laws.wishart((5,), 5, scale=Fraction(1, 5))
    wanted = [law.moment(TraceInvariant([cycle(n)])) / 5 for n in range(1, 6)]
    assert product_moments(5, 1, 5) == wanted


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_fuss_catalan_numbers_are_the_limit(factors):
    limit = fuss_catalan(factors, 4)
    near, far = (product_moments(N, factors, 4) for N in (1000, 10))
    for a, b, wanted in zip(near, far, limit, strict=True):
        assert abs(a - wanted) * 9000 <= abs(b - wanted) or a == wanted  # of order 1/N^2


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`factors`"):
        fuss_catalan(0, 3)
    with pytest.raises(TypeError, match="`N`"):
        product_moments(2.5, 1, 3)
