"""Invariants of matrix product states against dense vectors and closed forms."""

from itertools import combinations

import numpy as np
import pytest

from rankloom.physics import TraceInvariant, laws
from rankloom.physics.freeness.permutations import cycle, inverse
from rankloom.physics.freeness.states import (
    local_core,
    mean_purity,
    page_entropy,
    partial_transpose_moments,
    partial_transpose_spectrum,
    renyi_moments,
    state_invariants,
)
from rankloom.tn import MPS, reference

from .classes_by_force import classes

STATE = MPS.random(6, 5, rng=1)
DENSE = STATE.to_dense().reshape((2,) * 6)
K33 = TraceInvariant([(0, 1, 2), cycle(3), inverse(cycle(3))], kind="pure")


@pytest.mark.parametrize(
    "parties", [[[0, 1], [2, 3], [4, 5]], [[0, 3], [1, 4], [5, 2]], [[5], [0, 1, 2, 3], 4]]
)
def test_three_parties_of_a_matrix_product_state(parties):
    groups = [[p] if isinstance(p, int) else p for p in parties]
    order = [site for group in groups for site in group]
    dense = DENSE.transpose(order).reshape([2 ** len(g) for g in groups])
    invariants = classes(3, 3, kind="pure", connected=False)
    wanted = [t.evaluate(dense) for t in invariants]
    np.testing.assert_allclose(state_invariants(STATE, invariants, parties), wanted, atol=1e-12)
    np.testing.assert_allclose(state_invariants(DENSE, invariants, parties), wanted, atol=1e-12)


def test_reduced_states():
    rho = STATE.reduced_density_matrix((0, 2, 4)).reshape(4, 2, 4, 2)
    invariants = classes(2, 3, kind="mixed", connected=False)
    wanted = [t.evaluate(rho) for t in invariants]
    found = state_invariants(STATE, invariants, [[0, 2], 4])
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_renyi_and_negativity_moments():
    rho = STATE.reduced_density_matrix((0, 2, 4))
    values = np.linalg.eigvalsh(rho)
    np.testing.assert_allclose(
        renyi_moments(STATE, [0, 2, 4], 5), [np.sum(values**n) for n in range(1, 6)], atol=1e-12
    )
    turned = rho.reshape(4, 2, 4, 2).transpose(0, 3, 2, 1).reshape(8, 8)
    values = np.linalg.eigvalsh(turned)
    np.testing.assert_allclose(partial_transpose_spectrum(STATE, [0, 2], 4), values, atol=1e-12)
    cube = TraceInvariant([cycle(3)] * 2).partial_transpose(1)
    [found] = state_invariants(STATE, [cube], [[0, 2], 4])
    assert abs(found - partial_transpose_moments(STATE, [0, 2], 4, 3)[2]) < 1e-12


def test_long_states_stay_small():
    state = MPS.random(80, 4, rng=0)
    assert local_core(state, [range(20), range(20, 50), range(50, 80)]).shape == (4, 16, 4, 1)
    schmidt = state.schmidt_values(40)
    np.testing.assert_allclose(
        renyi_moments(state, range(40), 4), [np.sum(schmidt ** (2 * n)) for n in range(1, 5)]
    )
    [found] = state_invariants(reference.ghz(60), [K33], [range(20), range(20, 40), range(40, 60)])
    assert abs(found - 0.25) < 1e-12


def test_norms_drop_out():
    scaled = MPS([3.0 * t for t in STATE.tensors])
    np.testing.assert_allclose(renyi_moments(scaled, 0, 3), renyi_moments(STATE, 0, 3))


def test_mean_purity_is_that_of_all_parts():
    parts = [c for k in range(1, 6) for c in combinations(range(6), k)]
    total = 2 + sum(renyi_moments(STATE, part, 2)[1] for part in parts)
    assert abs(mean_purity(STATE) - total / 2**6) < 1e-12


def test_page_entropy_by_sampling():
    assert abs(float(page_entropy(4, 4)) - 0.92240) < 5e-6
    rho = laws.haar_state((4,), environment=4).sample(4000, rng=0)
    values = np.linalg.eigvalsh(rho)
    entropies = -np.sum(values * np.log(values), axis=1)
    error = np.std(entropies) / np.sqrt(len(entropies))
    assert abs(entropies.mean() - float(page_entropy(4, 4))) < 4 * error


def test_random_states_average_to_their_law():
    law = laws.haar_state((2, 2, 2))
    values = [state_invariants(psi, [K33], [0, 1, 2])[0].real for psi in law.sample(300, rng=3)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - float(law.moment(K33))) < 4 * error


def test_other_array_libraries(library):
    dense = library(DENSE)
    found = library.host(state_invariants(dense, [K33], [[0, 1], [2, 3], [4, 5]]))
    np.testing.assert_allclose(found, [K33.evaluate(DENSE.reshape(4, 4, 4))], atol=1e-12)


@pytest.mark.parametrize(
    "call, wanted",
    [
        (lambda: local_core(STATE, [[0], [0]]), "twice"),
        (lambda: local_core(STATE, [[6]]), "sites are 0..5"),
        (lambda: local_core(STATE, [[]]), "no site"),
        (lambda: local_core(np.zeros((2, 2)), [0]), "zero"),
        (lambda: local_core(STATE, [[0, 2, 4], [1, 3, 5]], memory=100), "`memory`"),
        (lambda: state_invariants(STATE, [K33], [0, 1]), "one group of sites per colour"),
        (lambda: state_invariants(STATE, [K33], [0, 1, 2]), "not pure"),
        (lambda: page_entropy(0, 2), "`a`"),
    ],
)
def test_bad_input_is_named(call, wanted):
    with pytest.raises(ValueError, match=wanted):
        call()
