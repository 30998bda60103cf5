"""From a Hamiltonian to gaps: every way to evolve, every kind of Hamiltonian, what is refused."""

import warnings

import numpy as np
import pytest

from rankloom.quantum import (
    level_superposition,
    shadow_spectroscopy,
    snapshot_spectroscopy,
)
from rankloom.quantum.shadows.evolution import Evolved
from rankloom.quantum.shadows.operators import as_operator
from rankloom.tn import MPO, MPS, SpinChain, reference

from .shadows_oracle import random_snapshots

CHAIN = SpinChain.ising(8, 1.0, 1.2)
TIMES = np.arange(90) * 0.25


def test_the_call_of_the_documentation():
    state = level_superposition(CHAIN)
    result = shadow_spectroscopy(CHAIN, state, times=TIMES, shots=10, max_locality=3, rng=0)
    gap = result.gaps[0]
    assert abs(gap.gap - reference.ising_energies(8, g=1.2)[1][0]) < 4 * gap.error
    assert set(result.seconds) == {"evolution", "sampling", "gram", "spectrum"}
    assert "1 line" in repr(result)
    again = shadow_spectroscopy(CHAIN, state, times=TIMES, shots=10, max_locality=3, rng=0)
    assert again.gaps == result.gaps


@pytest.mark.parametrize("evolution", ["dense", "tebd", "tdvp"])
def test_every_evolution_gives_the_exact_state(evolution):
    chain = SpinChain.xyz(5, 0.7, 0.9, 1.1, hz=0.3, hx=0.2)
    psi = MPS.random(5, 3, rng=0)
    times = np.array([0.0, 0.4, 0.8, 1.2])
    energies, vectors = np.linalg.eigh(chain.dense())
    states = Evolved(chain, psi, times, evolution, trotter_step=0.01, order=4)
    for time, state in zip(times, states, strict=True):
        exact = vectors @ (np.exp(-1j * energies * time) * (vectors.conj().T @ psi.to_dense()))
        found = state if evolution == "dense" else state.to_dense()
        assert abs(np.vdot(exact, found)) == pytest.approx(1.0, abs=1e-7)


def test_vectors_of_eleven_sites_are_evolved_by_krylov_spaces():
    chain = SpinChain.ising(11, 1.0, 0.8)
    psi = level_superposition(chain, (0, 1, 2))
    energies, vectors = reference.spectrum(chain, 3)
    last = list(Evolved(chain, psi.to_dense(), np.array([0.3, 2.0])))[-1]
    phases = np.exp(-2j * energies)
    exact = vectors @ (phases * (vectors.conj().T @ psi.to_dense()))
    assert abs(np.vdot(exact, last)) == pytest.approx(1.0, abs=1e-9)


def test_superpositions_of_levels():
    chain = SpinChain.heisenberg(6, 1.0)
    energies, _ = reference.spectrum(chain, 4)
    psi = level_superposition(chain, (0, 1), weights=(2.0, 1.0))
    assert psi.norm() == pytest.approx(1.0)
    assert psi.expectation(chain.mpo()) == pytest.approx((4 * energies[0] + energies[1]) / 5)
    for level, spin in ((1, 0.0), (2, 2.0), (3, -2.0)):  # Pauli matrices: S^z = 1 counts 2
        triplet = level_superposition(chain, (level,))
        assert triplet.expectation("Z").sum() == pytest.approx(spin, abs=1e-9)
        assert triplet.expectation(chain.mpo()) == pytest.approx(energies[1])


@pytest.mark.slow
def test_superpositions_beyond_diagonalisation():
    chain = SpinChain.ising(20, 1.0, 2.0)
    energy, gaps = reference.ising_energies(20, g=2.0)
    psi = level_superposition(chain, max_bond=24)
    assert psi.expectation(chain.mpo()) == pytest.approx(energy + gaps[0] / 2, abs=1e-6)


def hubbard(u):
    """Two sites, two electrons' worth of modes: strings as Jordan and Wigner give them."""
    hop = [(-0.5, "XZX", (0, 1, 2)), (-0.5, "YZY", (0, 1, 2))]
    hop += [(-0.5, "XZX", (1, 2, 3)), (-0.5, "YZY", (1, 2, 3))]
    local = [(u / 4, "ZZ", (0, 1)), (u / 4, "ZZ", (2, 3))]
    local += [(-u / 4, "Z", (k,)) for k in range(4)]
    return [*hop, *local, (u / 2, "I", (0,))]


def test_pauli_sums_of_every_origin_are_the_same_operator():
    from qiskit.quantum_info import SparsePauliOp

    terms = hubbard(4.0)
    qiskit = SparsePauliOp.from_sparse_list([(s, list(q), c) for c, s, q in terms], 4)

    class QubitOperator:  # as OpenFermion writes one
        terms = {  # noqa: RUF012
            tuple(zip(q, s, strict=True)) if s != "I" else (): c for c, s, q in hubbard(4.0)
        }

    ours = as_operator(terms).to_dense()
    np.testing.assert_allclose(as_operator(qiskit).to_dense(), ours, atol=1e-12)
    np.testing.assert_allclose(as_operator(QubitOperator()).to_dense(), ours, atol=1e-12)
    # qubit 0 is the least significant one in Qiskit, site 0 the most significant one here
    axes = [3, 2, 1, 0, 7, 6, 5, 4]
    theirs = qiskit.to_matrix().reshape([2] * 8).transpose(axes).reshape(16, 16)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_gaps_of_a_hubbard_dimer():
    """From the lowest singlet of two electrons to the charge transfer: sqrt(U^2 + 16 t^2)."""
    terms = hubbard(4.0)
    energies, vectors = np.linalg.eigh(as_operator(terms).to_dense())
    gap = np.sqrt(4.0**2 + 16.0)
    pair = [int(np.argmin(abs(energies - (4.0 + sign * gap) / 2))) for sign in (-1, 1)]
    assert energies[pair] == pytest.approx([2 - gap / 2, 2 + gap / 2])
    psi = vectors[:, pair].sum(axis=1) / np.sqrt(2)
    result = shadow_spectroscopy(terms, psi, np.arange(60) * 0.15, shots=60, rng=0)
    assert abs(result.gaps[0].gap - gap) < 5 * result.gaps[0].error


def test_a_callable_state():
    """Any evolution will do; a single qubit turns with its splitting."""
    result = shadow_spectroscopy(
        [(1.0, "Z", (0,)), (0.0, "ZZ", (0, 1))],
        lambda t: np.kron([1, np.exp(2j * t)], [1, 0]) / np.sqrt(2),
        np.arange(50) * 0.2,
        shots=40,
        max_locality=1,
        rng=1,
    )
    assert abs(result.gaps[0].gap - 2.0) < 5 * result.gaps[0].error


def test_bootstrap_and_jackknife_agree():
    psi = level_superposition(CHAIN)
    result = shadow_spectroscopy(CHAIN, psi, TIMES, 20, rng=2, bootstrap=40)
    assert result.bootstrap.shape == (40, 1)
    ratio = result.bootstrap_errors[0] / result.gaps[0].error
    assert 0.4 < ratio < 2.5  # both are known to some ten percent at best


def test_nothing_found_is_said():
    result = snapshot_spectroscopy(random_snapshots(30, 10, 5), 2)
    assert result.gaps == []
    assert "no peak above the level of false alarms" in repr(result)


def test_aliasing_is_announced():
    psi = level_superposition(CHAIN)
    with pytest.warns(UserWarning, match=r"Take dt <= 1\.5, unless"):
        shadow_spectroscopy(CHAIN, psi, np.arange(10) * 2.0, 4, 1, rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shadow_spectroscopy(CHAIN, psi, np.arange(10) * 1.5, 4, 1, rng=0)


def test_bad_input_is_named():
    psi = level_superposition(CHAIN)
    with pytest.raises(ValueError, match="equally spaced"):
        shadow_spectroscopy(CHAIN, psi, [0, 1, 3, 4, 5, 6, 7, 8], 4)
    with pytest.raises(ValueError, match="one time only"):
        shadow_spectroscopy(CHAIN, psi, [0.0], 4)
    with pytest.raises(ValueError, match="debias=False"):
        shadow_spectroscopy(CHAIN, psi, TIMES, 1)
    with pytest.raises(ValueError, match="`state` has 3 sites, but `chain` has 8"):
        shadow_spectroscopy(CHAIN, MPS.product("000"), TIMES, 4)
    with pytest.raises(ValueError, match="norm 2"):
        shadow_spectroscopy(CHAIN, 2.0 * psi, TIMES, 4)
    with pytest.raises(ValueError, match="`evolution` must be one of"):
        shadow_spectroscopy(CHAIN, psi, TIMES, 4, evolution="euler")
    with pytest.raises(ValueError, match="8 are needed"):
        shadow_spectroscopy(CHAIN, psi, TIMES, 4, bootstrap=10)
    with pytest.raises(TypeError, match="`chain` must be a SpinChain"):
        shadow_spectroscopy("ising", psi, TIMES, 4)
    with pytest.raises(ValueError, match="not Hermitian"):
        as_operator(MPO.from_terms(2, [(1j, "X", (0,))]))
    with pytest.raises(ValueError, match="different levels"):
        level_superposition(CHAIN, (1, 1))
    with pytest.raises(ValueError, match="must hold 2 numbers"):
        level_superposition(CHAIN, (0, 1), (1.0,))
    with pytest.raises(ValueError, match="there are 256"):
        level_superposition(CHAIN, (0, 256))
