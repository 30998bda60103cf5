"""The exact results themselves, held against diagonalisation and closed forms."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

from rankloom.tn import MPO, MPS, SpinChain, reference
from rankloom.tn.pauli import spin_matrices


@pytest.mark.parametrize("g", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [2, 5, 8])
def test_free_fermions_have_the_energies_of_the_chain(n, g):
    exact = np.linalg.eigvalsh(SpinChain.ising(n, g=g).dense())
    energy, gaps = reference.ising_energies(n, g=g)
    occupied = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    np.testing.assert_allclose(np.sort(energy + occupied @ gaps), exact, atol=1e-11)


def test_couplings_and_fields_may_vary():
    rng = np.random.default_rng(0)
    j, g = rng.standard_normal(6), rng.standard_normal(7)
    energy, gaps = reference.ising_energies(7, j, g)
    exact = np.linalg.eigvalsh(SpinChain.ising(7, j, g).dense())
    assert energy == pytest.approx(exact[0])
    assert gaps[0] == pytest.approx(exact[1] - exact[0])
    assert (np.diff(gaps) > 0).all()


def test_energies_at_the_critical_point_and_in_the_published_table():
    for n in (10, 32, 100):
        closed = 1 - 1 / math.sin(math.pi / (2 * (2 * n + 1)))
        assert reference.ising_energies(n)[0] == pytest.approx(closed, rel=1e-14)
    assert reference.ising_energies(100, 1, 0.5)[0] == pytest.approx(-105.483769949642, abs=1e-11)
    assert reference.ising_energies(100, 1, 2.0)[0] == pytest.approx(-212.577312910008, abs=1e-11)


@pytest.mark.parametrize("g", [0.7, 1.0, 1.5])
def test_ground_state_observables(g):
    n = 8
    _, vectors = np.linalg.eigh(SpinChain.ising(n, g=g).dense())
    state = MPS.from_dense(vectors[:, 0])
    exact = reference.ising_ground_state(n, g=g)
    np.testing.assert_allclose(exact.magnetization, state.expectation("X"), atol=1e-10)
    np.testing.assert_allclose(exact.entropies, state.entropies(), atol=1e-10)


def test_quench_observables():
    n, times = 7, [0.0, 0.3, 2.0]
    rng = np.random.default_rng(1)
    j, g = rng.standard_normal(n - 1), rng.standard_normal(n)
    hamiltonian = SpinChain.ising(n, j, g).dense()
    exact = reference.ising_quench(n, j, g, times=times)
    assert exact.magnetization.shape == (3, n)
    assert exact.entropies.shape == (3, n - 1)
    for k, time in enumerate(times):
        state = MPS.from_dense(expm(-1j * time * hamiltonian) @ np.full(2**n, 2 ** (-n / 2)))
        np.testing.assert_allclose(exact.magnetization[k], state.expectation("X"), atol=1e-12)
        np.testing.assert_allclose(exact.entropies[k], state.entropies(), atol=1e-10)


def test_entanglement_grows_after_the_quench_of_a_long_chain():
    exact = reference.ising_quench(60, g=0.5, times=np.linspace(0, 6, 4))
    assert (np.diff(exact.entropies[:, 29]) > 0.3).all()
    np.testing.assert_allclose(exact.entropies, exact.entropies[:, ::-1], atol=1e-9)


MIXED = SpinChain.xyz(6, 1.0, 0.3, -0.5, hx=0.2, hy=0.7, hz=np.arange(6) / 6)


@pytest.mark.parametrize("chain", [MIXED, MIXED.mpo()], ids=["chain", "mpo"])
def test_dense_spectrum(chain):
    energies, vectors = reference.spectrum(chain, 5)
    matrix = MIXED.dense()
    np.testing.assert_allclose(energies, np.linalg.eigvalsh(matrix)[:5], atol=1e-12)
    np.testing.assert_allclose(matrix @ vectors, vectors * energies, atol=1e-12)


def test_lanczos_spectrum():
    chain = SpinChain.xyz(11, 1.0, 0.3, -0.5, hx=0.2, hy=0.7, hz=0.1)
    energies, vectors = reference.spectrum(chain, 3)
    matrix = chain.dense()
    np.testing.assert_allclose(energies, np.linalg.eigvalsh(matrix)[:3], atol=1e-10)
    np.testing.assert_allclose(matrix @ vectors, vectors * energies, atol=1e-9)


@pytest.mark.parametrize("n", [2, 5, 12])
def test_ghz_and_w(n):
    ghz, w = reference.ghz(n), reference.w(n)
    if n < 6:
        expected = np.zeros(2**n)
        expected[[0, -1]] = 2**-0.5
        np.testing.assert_allclose(ghz.to_dense(), expected, atol=1e-15)
        expected = np.zeros(2**n)
        expected[2 ** np.arange(n)] = n**-0.5
        np.testing.assert_allclose(w.to_dense(), expected, atol=1e-15)
    cuts = np.arange(1, n) / n
    np.testing.assert_allclose(ghz.entropies(), math.log(2), rtol=1e-12)
    binary = -cuts * np.log(cuts) - (1 - cuts) * np.log(1 - cuts)
    np.testing.assert_allclose(w.entropies(), binary, rtol=1e-12)
    for state in (ghz, w):
        assert state.norm() == pytest.approx(1)
        assert state.bond_dimensions == (1, *[2] * (n - 1), 1)


def test_one_site():
    np.testing.assert_allclose(reference.ghz(1).to_dense(), [0.5**0.5] * 2)
    np.testing.assert_allclose(reference.w(1).to_dense(), [0, 1])


@pytest.mark.parametrize("ends", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_aklt_states_are_ground_states(ends):
    n = 20
    state, hamiltonian = reference.aklt(n, *ends), reference.aklt_hamiltonian(n)
    assert state.norm() == pytest.approx(1)
    assert state.expectation(hamiltonian) == pytest.approx(-2 / 3 * (n - 1), abs=1e-12)
    assert hamiltonian.variance(state) < 1e-24
    assert max(state.bond_dimensions) == 2


def test_aklt_level_is_fourfold_and_its_entropies_are_known():
    energies, vectors = reference.spectrum(reference.aklt_hamiltonian(5), 5)
    np.testing.assert_allclose(energies[:4], -8 / 3, atol=1e-12)
    assert energies[4] > -8 / 3 + 0.1
    ends = [(a, b) for a in (0, 1) for b in (0, 1)]
    states = np.stack([reference.aklt(5, *e).to_dense() for e in ends], axis=1)
    ground = vectors[:, :4]
    np.testing.assert_allclose(ground @ (ground.conj().T @ states), states, atol=1e-10)
    entropies = reference.aklt(20).entropies()
    third = math.log(3) - 2 / 3 * math.log(2)  # binary entropy of 1/3
    assert entropies[0] == pytest.approx(third)
    assert entropies[9] == pytest.approx(math.log(2), abs=1e-8)


@pytest.mark.parametrize("spin", [0.5, 1, 1.5, 3])
def test_spin_matrices_rotate(spin):
    sx, sy, sz = spin_matrices(spin)
    np.testing.assert_allclose(sx @ sy - sy @ sx, 1j * sz, atol=1e-14)
    total = sx @ sx + sy @ sy + sz @ sz
    np.testing.assert_allclose(total, spin * (spin + 1) * np.eye(int(2 * spin + 1)), atol=1e-13)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: reference.ising_energies(1), ValueError, "`n` must be at least 2"),
        (lambda: reference.ising_energies(4, g=[1, 2]), ValueError, "one number or 4"),
        (lambda: reference.spectrum("chain"), TypeError, "`chain` must be a SpinChain or MPO"),
        (lambda: reference.spectrum(1j * MIXED.mpo()), ValueError, "not Hermitian"),
        (lambda: reference.spectrum(MIXED, 65), ValueError, "k = 65 levels"),
        (lambda: reference.spectrum(MPO.identity(30)), ValueError, "limit is 2\\^22"),
        (lambda: reference.aklt(4, left=2), ValueError, "`left` names site 2"),
        (lambda: reference.ghz(0), ValueError, "`n` must be at least 1"),
        (lambda: spin_matrices(0.7), ValueError, "one of 1/2, 1, 3/2"),
    ],
)
def test_bad_input_is_refused(use, error, message):
    with pytest.raises(error, match=message):
        use()
