from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import expm

from rankloom.tn import SpinChain, TrotterLayer
from rankloom.tn.pauli import PAULI

numbers = st.floats(-2, 2)


@st.composite
def chains(draw, least=2, most=5):
    n = draw(st.integers(least, most))
    couplings = draw(arrays(float, (n - 1, 3), elements=numbers))
    return SpinChain(couplings, draw(arrays(float, (n, 3), elements=numbers)))


def term(n, at):
    return reduce(np.kron, [PAULI[at.get(k, "I")] for k in range(n)])


def written_out(chain):
    """The sum of the module's first formula, term by term."""
    n = chain.n_sites
    out = np.zeros((2**n, 2**n), complex)
    for k, row in enumerate(chain.couplings):
        out += sum(j * term(n, {k: p, k + 1: p}) for j, p in zip(row, "XYZ", strict=True))
    for k, row in enumerate(chain.fields):
        out += sum(h * term(n, {k: p}) for h, p in zip(row, "XYZ", strict=True))
    return out


@given(chains())
def test_all_forms_are_the_same_hamiltonian(chain):
    expected = written_out(chain)
    n = chain.n_sites
    embedded = sum(
        np.kron(np.kron(np.eye(2**k), h), np.eye(2 ** (n - k - 2)))
        for k, h in enumerate(chain.bond_terms())
    )
    for form in (chain.dense(), chain.mpo().to_dense(), embedded):
        np.testing.assert_allclose(form, expected, atol=1e-13)
    assert chain.mpo().is_hermitian
    assert chain.norm_bound >= np.linalg.norm(expected, 2) - 1e-12


def test_fields_are_shared_between_bonds_and_whole_at_the_ends():
    chain = SpinChain.xyz(4, 0, 0, 0, hz=1.0)
    z, eye = PAULI["Z"], PAULI["I"]
    first, middle, last = chain.bond_terms()
    np.testing.assert_array_equal(first, np.kron(z, eye) + 0.5 * np.kron(eye, z))
    np.testing.assert_array_equal(middle, 0.5 * np.kron(z, eye) + 0.5 * np.kron(eye, z))
    np.testing.assert_array_equal(last, 0.5 * np.kron(z, eye) + np.kron(eye, z))


@given(chains(), st.floats(-3, 3))
def test_gates_are_exponentials_of_bond_terms(chain, duration):
    gates = chain.bond_gates(duration)
    for k, h in enumerate(chain.bond_terms()):
        np.testing.assert_allclose(gates[k], expm(-1j * duration * h), atol=1e-12)
        np.testing.assert_allclose(chain.bond_gate(k, duration), gates[k], atol=1e-13)
    odd = chain.gates(TrotterLayer(1, duration))
    np.testing.assert_array_equal(odd, gates[1::2])


def test_heisenberg_ground_energies():
    """Exact diagonalisation of sum S.S on open chains."""
    for n, energy in ((4, -1.616025403784), (6, -2.493577133888), (8, -3.374932598688)):
        found = np.linalg.eigvalsh(SpinChain.heisenberg(n).dense())[0]
        assert found == pytest.approx(energy, abs=1e-11)


def test_critical_ising_ground_energy():
    """E0 = 1 - 1/sin(pi/(4n+2)) at j = g = 1, from free fermions."""
    for n in (4, 8):
        found = np.linalg.eigvalsh(SpinChain.ising(n, j=1.0, g=1.0).dense())[0]
        assert found == pytest.approx(1 - 1 / np.sin(np.pi / (4 * n + 2)), abs=1e-11)


def test_named_chains_set_couplings_and_fields():
    heisenberg = SpinChain.heisenberg(3, j=[1.0, 2.0], delta=[0.5, -1.0])
    np.testing.assert_array_equal(heisenberg.couplings, [[1, 1, 0.5], [2, 2, -2]])
    np.testing.assert_array_equal(heisenberg.fields, np.zeros((3, 3)))
    ising = SpinChain.ising(3, j=[1.0, 2.0], g=[3.0, 4.0, 5.0])
    np.testing.assert_array_equal(ising.couplings, [[0, 0, -1], [0, 0, -2]])
    np.testing.assert_array_equal(ising.fields, [[-3, 0, 0], [-4, 0, 0], [-5, 0, 0]])
    assert SpinChain.ising(5).mpo().bond_dimensions == (1, 3, 3, 3, 3, 1)
    assert SpinChain.heisenberg(4).mpo().bond_dimensions == (1, 5, 5, 5, 1)
    assert repr(ising) == "SpinChain(n=3)"


def test_data_are_own_and_read_only():
    couplings = np.ones((1, 3))
    chain = SpinChain(couplings, np.zeros((2, 3)))
    couplings[:] = 5
    assert chain.couplings[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        chain.couplings[:] = 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SpinChain.heisenberg(1), ValueError, "`n` must be at least 2, got 1"),
        (lambda: SpinChain.heisenberg(3.0), TypeError, "`n` must be an integer"),
        (lambda: SpinChain.heisenberg(4, j=[1, 2]), ValueError, r"`j` .* 3 numbers \(one per bond"),
        (lambda: SpinChain.ising(4, g=[1, 2]), ValueError, r"`g` .* 4 numbers \(one per site"),
        (lambda: SpinChain.xyz(4, 1, 1, 1, hz=np.inf), ValueError, "`hz` holds NaN or infinity"),
        (lambda: SpinChain.xyz(4, "a", 1, 1), TypeError, "`jx` must hold real numbers"),
        (lambda: SpinChain.xyz(4, 1, 1j, 1), TypeError, "`jy` must hold real numbers"),
        (lambda: SpinChain(np.ones((2, 2)), np.ones((3, 3))), ValueError, "`couplings` must have"),
        (lambda: SpinChain(np.ones((0, 3)), np.ones((1, 3))), ValueError, "n >= 2 sites"),
        (lambda: SpinChain(np.ones((2, 3)), np.ones((2, 3))), ValueError, "`fields` must have"),
        (lambda: SpinChain.ising(15).dense(), ValueError, "15 sites takes 16 GiB"),
        (lambda: SpinChain.ising(4).bond_gate(3, 0.1), ValueError, r"a bond, 0\.\.2"),
    ],
)
def test_bad_chains_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
