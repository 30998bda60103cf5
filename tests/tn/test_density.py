import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankloom.tn import MPS

SIZES = (2, 3, 2, 4, 2, 3)


def mixed(seed=0):
    """A state of sites of different sizes, in no canonical form, of no special norm."""
    rng = np.random.default_rng(seed)
    bonds = (1, 2, 4, 5, 4, 3, 1)
    shapes = [(bonds[k], SIZES[k], bonds[k + 1]) for k in range(6)]
    return MPS(tuple(rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in shapes))


@settings(max_examples=60)
@given(st.permutations(range(6)), st.integers(1, 6))
def test_it_is_the_partial_trace(order, count):
    state, sites = mixed(), order[:count]
    rest = [k for k in range(6) if k not in sites]
    matrix = state.to_dense().reshape(SIZES).transpose(*sites, *rest)
    matrix = matrix.reshape(np.prod([SIZES[k] for k in sites]), -1)
    found = state.reduced_density_matrix(sites)
    np.testing.assert_allclose(found, matrix @ matrix.conj().T, rtol=1e-10, atol=1e-10)


def test_one_site_may_be_named_by_its_number():
    state = mixed()
    np.testing.assert_array_equal(
        state.reduced_density_matrix(3), state.reduced_density_matrix([3])
    )


def test_it_knows_expectations_and_entropies():
    state = MPS.random(12, 6, rng=0)
    rho = state.reduced_density_matrix((9, 2))
    zx = np.kron(np.diag([1, -1]), [[0, 1], [1, 0]])
    assert np.trace(rho @ zx).real == pytest.approx(state.expectation("ZX", (9, 2)), abs=1e-12)
    p = np.linalg.eigvalsh(state.reduced_density_matrix(range(4)))
    p = p[p > 1e-14]
    assert -(p * np.log(p)).sum() == pytest.approx(state.entropy(4), abs=1e-10)


def test_ten_spins_of_a_long_chain():
    state = MPS.random(30, 8, rng=1)
    rho = state.reduced_density_matrix(range(10, 20))
    assert rho.shape == (1024, 1024)
    assert np.trace(rho).real == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(rho, rho.conj().T, atol=1e-13)
    assert np.linalg.matrix_rank(rho, tol=1e-12, hermitian=True) == 64  # two cuts of bond 8


def test_it_runs_in_the_array_library_of_the_state(library):
    state = mixed()
    mine = MPS(tuple(map(library, state.tensors)))
    for sites in itertools.combinations(range(6), 3):
        np.testing.assert_allclose(
            library.host(mine.reduced_density_matrix(sites)),
            state.reduced_density_matrix(sites),
            atol=1e-10,
        )


@pytest.mark.parametrize(
    ("sites", "error", "message"),
    [
        (range(11), ValueError, "2048 rows; the limit is 1024"),
        ((1, 1), ValueError, "different sites"),
        ((), ValueError, "one or more"),
        ((0, 12), ValueError, "`sites` names site 12"),
        (-1, ValueError, "`sites`"),
        ("01", TypeError, "`sites` must be an integer"),
    ],
)
def test_bad_input_is_refused(sites, error, message):
    with pytest.raises(error, match=message):
        MPS.random(12, 2, rng=0).reduced_density_matrix(sites)
