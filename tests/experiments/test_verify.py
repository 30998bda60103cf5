"""Independent checks agree with the compiler, and with each other, and catch what is wrong."""

import shutil

import numpy as np
import pytest

from rankloom.experiments import verify
from rankloom.experiments.verify import Check, check_circuit
from rankloom.quantum import brickwork_ansatz, load_circuit, save_circuit, to_qiskit
from rankloom.tn import MPS, SpinChain


@pytest.fixture
def files(tmp_path):
    """A target that is not normalised and a circuit; returns the folder and their fidelity."""
    chain = SpinChain.xyz(6, 0.3, 0.5, -0.2, hx=0.1, hz=0.4)
    ansatz = brickwork_ansatz(chain, 1.0, 1, initial="010011")
    target = MPS.random(6, 4, rng=1) + ansatz.to_mps() * 0.7
    target.save(tmp_path / "target.h5")
    for suffix in ("qpy", "qasm"):
        save_circuit(to_qiskit(ansatz), tmp_path / f"circuit.{suffix}")
    fidelity, _ = ansatz.fidelity_and_gradient(target)
    return tmp_path, fidelity / target.norm() ** 2


def test_both_simulators_find_the_fidelity(files, monkeypatch):
    folder, fidelity = files
    dense = check_circuit(folder, fidelity)
    monkeypatch.setattr(verify, "DENSE_LIMIT", 1)
    network = check_circuit(folder, fidelity)
    assert dense.passed
    assert network.passed
    assert "Statevector" in dense.means
    assert "quimb" in network.means
    np.testing.assert_allclose([dense.found, network.found], fidelity, rtol=0, atol=1e-12)


@pytest.mark.parametrize("limit", [14, 1])
def test_another_circuit_is_noticed(files, monkeypatch, limit):
    folder, fidelity = files
    monkeypatch.setattr(verify, "DENSE_LIMIT", limit)
    circuit = load_circuit(folder / "circuit.qpy")
    circuit.rx(0.05, 2)
    for suffix in ("qpy", "qasm"):
        save_circuit(circuit, folder / f"circuit.{suffix}")
    assert not check_circuit(folder, fidelity).passed


def test_another_target_is_noticed(files):
    folder, fidelity = files
    shutil.copy(folder / "target.h5", folder / "kept.h5")
    MPS.random(6, 4, rng=2).save(folder / "target.h5")
    assert not check_circuit(folder, fidelity).passed


def test_not_a_number_never_passes():
    assert not Check("", "", 0.5, float("nan"), 1e-6).passed
    assert not Check("", "", float("nan"), 0.5, 1e-6).passed
    assert Check("", "", 0.5, 0.5, 0.0).passed
