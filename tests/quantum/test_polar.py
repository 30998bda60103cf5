"""Polar sweeps: monotone, exact where the circuit can be, bounded where it cannot."""

import numpy as np
import pytest

from rankloom.quantum.aqc import Overlap, brickwork_ansatz, polar_sweeps
from rankloom.tn import MPS, SpinChain, evolve

from .circuits import brickwork_bonds, neel, random_ansatz


def ghz(n):
    tensors = np.zeros((n, 2, 2, 2))
    tensors[:, 0, 0, 0] = tensors[:, 1, 1, 1] = 1
    return MPS([tensors[0, :1] + tensors[0, 1:], *tensors[1:-1], tensors[-1].sum(2, keepdims=True)]
               ).normalize()  # fmt: skip


def w_state(n):
    vector = np.zeros(2**n)
    vector[2 ** np.arange(n)] = n**-0.5
    return MPS.from_dense(vector)


def best_of(target, bonds, starts=6, sweeps=150):
    """Best fidelity over random starts."""
    rng = np.random.default_rng(0)
    best = 0.0
    for _ in range(starts):
        ansatz = random_ansatz(target.n_sites, bonds, rng)
        found = polar_sweeps(Overlap(target, ansatz), ansatz, sweeps)
        best = max(best, found.fidelities[-1])
        if best > 1 - 1e-9:
            break
    return best


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_overlap_never_falls(layers):
    rng = np.random.default_rng(layers)
    target = MPS.random(8, 4, rng=rng)
    ansatz = random_ansatz(8, brickwork_bonds(8, layers), rng)
    overlap = Overlap(target, ansatz)
    begin = overlap.fidelity_and_gradient(ansatz.angles)[0]
    fidelities = polar_sweeps(overlap, ansatz, 20).fidelities
    assert np.all(np.diff(fidelities, prepend=begin) >= -1e-14)


@pytest.mark.parametrize("bonds", [np.arange(6), np.arange(6)[::-1], brickwork_bonds(7, 3)])
def test_angles_stand_for_the_gates_that_were_found(bonds):
    rng = np.random.default_rng(2)
    target, ansatz = MPS.random(7, 4, rng=rng), random_ansatz(7, bonds, rng)
    overlap = Overlap(target, ansatz)
    found = polar_sweeps(overlap, ansatz, 3)
    value, _ = overlap.fidelity_and_gradient(found.ansatz.angles)
    assert value == pytest.approx(found.fidelities[-1], abs=1e-13)
    assert abs(target.overlap(found.ansatz.to_mps())) ** 2 == pytest.approx(value, abs=1e-12)


def test_checkpoints_change_nothing():
    chain, n = SpinChain.heisenberg(30), 30
    target = evolve(MPS.product(neel(n)), chain, time=1.0, steps=10).state
    ansatz = brickwork_ansatz(chain, 1.0, 2, initial=neel(n))
    overlap = Overlap(target, ansatz)
    whole = polar_sweeps(overlap, ansatz, 2).fidelities
    parts = polar_sweeps(overlap, ansatz, 2, memory=0.2 * overlap.nbytes).fidelities
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


# Best fidelities by number of brickwork layers: light cones that do not overlap cannot correlate
# the two ends (GHZ); a product of pairs reaches 4/9 of W at n = 6.
GHZ = {4: [0.5, 0.5, 1.0], 6: [0.5, 0.5, 1.0, 1.0]}
W = {4: [0.5, 0.75, 1.0], 6: [4 / 9, 2 / 3, 1.0, 1.0]}


@pytest.mark.parametrize(
    ("n", "layers"), [(n, k + 1) for n, rows in GHZ.items() for k in range(len(rows))]
)
def test_ghz_needs_overlapping_light_cones(n, layers):
    assert best_of(ghz(n), brickwork_bonds(n, layers)) == pytest.approx(
        GHZ[n][layers - 1], abs=1e-5
    )


@pytest.mark.parametrize(
    ("n", "layers"), [(n, k + 1) for n, rows in W.items() for k in range(len(rows))]
)
def test_w_state_by_depth(n, layers):
    assert best_of(w_state(n), brickwork_bonds(n, layers)) == pytest.approx(
        W[n][layers - 1], abs=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "value"), [(1, 0.5), (2, 0.5), (3, 0.5), (4, 0.5), (5, 1.0)])
def test_ghz_of_eight_qubits(layers, value):
    found = best_of(ghz(8), brickwork_bonds(8, layers), starts=8, sweeps=400)
    assert found == pytest.approx(value, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "value"), [(1, 27 / 64), (2, 0.5), (3, 0.75), (4, 0.875), (5, 1.0)]
)
def test_w_state_of_eight_qubits(layers, value):
    found = best_of(w_state(8), brickwork_bonds(8, layers), starts=8, sweeps=400)
    assert found == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("state", [ghz, w_state])
def test_one_staircase_prepares_any_state_of_bond_two(state):
    assert best_of(state(8), np.arange(7)) == pytest.approx(1, abs=1e-9)


def test_one_staircase_prepares_a_random_state_of_bond_two():
    assert best_of(MPS.random(8, 2, rng=4), np.arange(7)) == pytest.approx(1, abs=1e-9)
