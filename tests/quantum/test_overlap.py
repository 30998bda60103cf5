"""Value and gradient of the exact contraction against dense vectors, differences and the twin."""

import subprocess
import sys

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rankloom.quantum.aqc import Ansatz, Overlap
from rankloom.quantum.aqc.gates import block_matrices
from rankloom.quantum.aqc.slanted import ArrayOverlap
from rankloom.tn import MPS

from .circuits import brickwork_bonds, dense_state, random_ansatz

CIRCUITS = {
    "brickwork": (6, brickwork_bonds(6, 3)),
    "brickwork, even depth": (7, brickwork_bonds(7, 4)),
    "brickwork, odd bonds first": (6, brickwork_bonds(6, 5, first=1)),
    "staircase to the right": (6, np.arange(5)),
    "staircase to the left": (6, np.arange(5)[::-1]),
    "one bond twice": (2, np.array([0, 0])),
    "three qubits": (3, np.array([1, 0, 1, 1])),
    "no blocks": (4, np.array([], int)),
    "untouched qubits": (6, np.array([0, 4])),
}


@pytest.fixture(params=CIRCUITS.values(), ids=CIRCUITS.keys())
def case(request):
    n, bonds = request.param
    rng = np.random.default_rng(1)
    return MPS.random(n, 4, rng=rng), random_ansatz(n, bonds, rng)


def central_difference(overlap, angles, step=1e-5):
    slopes = np.empty(angles.size)
    for k, shift in enumerate(step * np.eye(angles.size)):
        up = overlap.fidelity_and_gradient(angles + shift)[0]
        down = overlap.fidelity_and_gradient(angles - shift)[0]
        slopes[k] = (up - down) / (2 * step)
    return slopes


@pytest.mark.parametrize("threads", [1, 2])
def test_amplitude_is_that_of_the_dense_vectors(case, threads):
    target, ansatz = case
    expected = np.vdot(target.to_dense(), dense_state(ansatz))
    found = Overlap(target, ansatz, threads=threads).amplitude(ansatz.angles)
    assert abs(found - expected) < 1e-14


@pytest.mark.parametrize("threads", [1, 2])
def test_gradient_is_that_of_central_differences(case, threads):
    target, ansatz = case
    overlap = Overlap(target, ansatz, threads=threads)
    _, gradient = overlap.fidelity_and_gradient(ansatz.angles)
    np.testing.assert_allclose(gradient, central_difference(overlap, ansatz.angles), atol=1e-9)


def test_every_environment_contracts_with_its_gate_to_the_amplitude(case):
    target, ansatz = case
    overlap = Overlap(target, ansatz)
    f = overlap.amplitude(ansatz.angles)
    environments = overlap.environments(ansatz.angles)
    products = (environments * block_matrices(ansatz.block_angles)).sum(axis=(1, 2))
    np.testing.assert_allclose(products, f, atol=1e-14)


@pytest.mark.parametrize("convert", [np.asarray, array_api_strict.asarray, torch.asarray])
def test_twin_agrees_in_every_array_library(case, convert):
    target, ansatz = case
    there = MPS([convert(np.array(t)) for t in target.tensors])
    overlap, twin = Overlap(target, ansatz), ArrayOverlap(there, ansatz)
    assert abs(overlap.amplitude(ansatz.angles) - twin.amplitude(ansatz.angles)) < 1e-14
    value, gradient = overlap.fidelity_and_gradient(ansatz.angles)
    twin_value, twin_gradient = twin.fidelity_and_gradient(ansatz.angles)
    assert abs(value - twin_value) < 1e-14
    np.testing.assert_allclose(gradient, twin_gradient, atol=1e-13)
    np.testing.assert_allclose(
        overlap.environments(ansatz.angles), twin.environments(ansatz.angles), atol=1e-13
    )


def test_a_target_in_another_library_goes_through_the_twin():
    rng = np.random.default_rng(3)
    target, ansatz = MPS.random(5, 3, rng=rng), random_ansatz(5, brickwork_bonds(5, 3), rng)
    there = MPS([torch.asarray(np.array(t)) for t in target.tensors])
    here_value, here_gradient = ansatz.fidelity_and_gradient(target)
    value, gradient = ansatz.fidelity_and_gradient(there)
    assert abs(value - here_value) < 1e-14
    np.testing.assert_allclose(gradient, here_gradient, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), n=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_any_circuit_agrees_with_dense_vectors(data, n, seed):
    bonds = data.draw(st.lists(st.integers(0, n - 2), max_size=14))
    rng = np.random.default_rng(seed)
    target, ansatz = MPS.random(n, 3, rng=rng), random_ansatz(n, np.array(bonds, int), rng)
    expected = np.vdot(target.to_dense(), dense_state(ansatz))
    value, _ = ansatz.fidelity_and_gradient(target)
    assert abs(value - abs(expected) ** 2) < 1e-13


def test_checkpoints_change_nothing():
    rng = np.random.default_rng(0)
    n = 40
    target, ansatz = MPS.random(n, 4, rng=rng), random_ansatz(n, brickwork_bonds(n, 5), rng)
    whole = Overlap(target, ansatz)
    parts = Overlap(target, ansatz, memory=0.3 * whole.nbytes)
    assert parts.nbytes < 0.7 * whole.nbytes
    value, gradient = whole.fidelity_and_gradient(ansatz.angles)
    other_value, other_gradient = parts.fidelity_and_gradient(ansatz.angles)
    assert value == pytest.approx(other_value, rel=1e-12)
    np.testing.assert_allclose(gradient, other_gradient, atol=1e-12 * np.abs(gradient).max())


def test_phase_of_the_target_changes_nothing_and_its_scale_enters_squared():
    rng = np.random.default_rng(5)
    target, ansatz = MPS.random(8, 4, rng=rng), random_ansatz(8, brickwork_bonds(8, 3), rng)
    value, gradient = ansatz.fidelity_and_gradient(target)
    turned_value, turned_gradient = ansatz.fidelity_and_gradient(target * np.exp(0.7j))
    scaled_value, scaled_gradient = ansatz.fidelity_and_gradient(target * 3.0)
    np.testing.assert_allclose([turned_value, scaled_value], [value, 9 * value], rtol=1e-13)
    np.testing.assert_allclose(turned_gradient, gradient, atol=1e-14)
    np.testing.assert_allclose(scaled_gradient, 9 * gradient, atol=1e-13)


def test_gauge_of_the_target_changes_nothing():
    rng = np.random.default_rng(6)
    target, ansatz = MPS.random(8, 4, rng=rng), random_ansatz(8, brickwork_bonds(8, 3), rng)
    value, gradient = ansatz.fidelity_and_gradient(target)
    for center in (0, 3, 7):
        other, slopes = ansatz.fidelity_and_gradient(target.canonicalize(center))
        assert other == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(slopes, gradient, atol=1e-13)


def test_reversed_chain_has_the_same_fidelity():
    rng = np.random.default_rng(7)
    n, bonds = 7, brickwork_bonds(7, 4)
    target, ansatz = MPS.random(n, 4, rng=rng), random_ansatz(n, bonds, rng)
    backwards = MPS([t.transpose(2, 1, 0) for t in reversed(target.tensors)])
    blocks = ansatz.block_angles[:, [0, 1, 2, 6, 7, 8, 3, 4, 5]]
    mirrored = Ansatz(n, n - 2 - bonds, np.append(ansatz.front_angles[::-1], blocks))
    value, _ = ansatz.fidelity_and_gradient(target)
    assert mirrored.fidelity_and_gradient(backwards)[0] == pytest.approx(value, rel=1e-12)


def test_long_staircases_are_cheap_from_their_narrow_end():
    rng = np.random.default_rng(10)
    n = 100
    for bonds in (np.arange(n - 1), np.arange(n - 1)[::-1]):
        ansatz = random_ansatz(n, bonds, rng)
        assert Overlap(ansatz.to_mps(), ansatz).schedule.width <= 16
        assert ansatz.fidelity_and_gradient(ansatz.to_mps())[0] == pytest.approx(1, abs=1e-11)


def test_zero_angles_prepare_the_zero_state():
    n, bonds = 6, brickwork_bonds(6, 3)
    ansatz = Ansatz(n, bonds, np.zeros(2 * n + 9 * len(bonds)))
    value, gradient = ansatz.fidelity_and_gradient(MPS.product("0" * n))
    assert value == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(gradient, 0, atol=1e-15)


def test_single_precision_target_is_evaluated_in_double_precision():
    rng = np.random.default_rng(8)
    target, ansatz = MPS.random(6, 4, rng=rng), random_ansatz(6, brickwork_bonds(6, 3), rng)
    single = MPS([t.astype(np.complex64) for t in target.tensors])
    value, _ = ansatz.fidelity_and_gradient(target)
    assert ansatz.fidelity_and_gradient(single)[0] == pytest.approx(value, rel=1e-5)


def test_messages_name_what_does_not_fit():
    rng = np.random.default_rng(9)
    ansatz = random_ansatz(6, brickwork_bonds(6, 3), rng)
    with pytest.raises(ValueError, match=r"`target` has 5 sites and `ansatz` 6 qubits"):
        ansatz.fidelity_and_gradient(MPS.random(5, 2, rng=rng))
    with pytest.raises(ValueError, match="chain of qubits"):
        ansatz.fidelity_and_gradient(MPS.random(6, 2, d=3, rng=rng))
    with pytest.raises(ValueError, match=r"shape \(84,\), got \(3,\)"):
        Overlap(MPS.random(6, 2, rng=rng), ansatz).amplitude(np.zeros(3))
    there = MPS([torch.asarray(np.array(t)) for t in MPS.random(6, 2, rng=rng).tensors])
    with pytest.raises(TypeError, match="must hold NumPy arrays, got Tensor"):
        Overlap(there, ansatz)
    deep = random_ansatz(20, brickwork_bonds(20, 18), rng)
    with pytest.raises(ValueError, match="too deep for an exact contraction"):
        Overlap(MPS.random(20, 8, rng=rng), deep, memory=1e6)
    hopeless = random_ansatz(150, brickwork_bonds(150, 120), rng)
    with pytest.raises(ValueError, match="too deep for an exact contraction"):
        Overlap(MPS.product("0" * 150), hopeless)
    with pytest.raises(ValueError, match="finite"):
        ansatz.with_angles(np.full(ansatz.n_parameters, np.nan))


MEMORY_CASE = """
import re
import numpy as np
from rankloom.quantum.aqc import Ansatz, Overlap
from rankloom.tn import MPS

small = Ansatz(4, [0, 2, 1], np.zeros(35))
small.fidelity_and_gradient(MPS.random(4, 2, rng=0))  # kernels are loaded before the count
n, layers = 200, 9
bonds = [b for layer in range(layers) for b in range(layer % 2, n - 1, 2)]
ansatz = Ansatz(n, bonds, np.random.default_rng(0).standard_normal(2 * n + 9 * len(bonds)))
value, gradient = ansatz.fidelity_and_gradient(MPS.random(n, 64, rng=0))
assert np.isfinite(gradient).all()
# Not getrusage: its peak survives exec, and would be that of the test run.
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_long_deep_chain_stays_below_half_a_gigabyte():
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_CASE], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) * 1024 < 0.5e9
