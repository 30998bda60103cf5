"""The brickwork ansatz starts as the Trotter circuit of its chain."""

import numpy as np
import pytest
from scipy.linalg import expm

from rankloom.quantum import Ansatz, brickwork_ansatz
from rankloom.tn import MPS, SpinChain, apply_gates

from .circuits import brickwork_bonds, dense_state, exact_quench, neel

CHAINS = {
    "isotropic": SpinChain.heisenberg(6),
    "xyz": SpinChain.xyz(7, jx=1.2, jy=0.4, jz=1.0),
    "fields": SpinChain.xyz(6, jx=1.2, jy=0.4, jz=1.0, hx=0.3, hy=-0.1, hz=0.2),
    "disordered": SpinChain.xyz(
        6, *np.random.default_rng(0).standard_normal((3, 5)), hz=np.arange(6) / 3
    ),
    "ising": SpinChain.ising(6, j=1.0, g=1.2),
    "two spins": SpinChain.xyz(2, 0.3, 0.2, 0.1, hx=0.5),
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
@pytest.mark.parametrize(("order", "steps", "time"), [(1, 2, 0.8), (2, 2, -1.1), (4, 1, 0.7)])
def test_start_is_the_trotter_circuit_with_its_phase(chain, order, steps, time):
    n = chain.n_sites
    initial = "0110100"[:n]
    ansatz = brickwork_ansatz(chain, time, steps, order, initial)
    psi = MPS.product(initial).to_dense()
    terms = chain.bond_terms()
    for layer in chain.trotter_layers(time, steps, order):
        for bond in range(layer.parity, n - 1, 2):
            gate = expm(-1j * layer.duration * terms[bond])
            psi = np.einsum("ij,ajb->aib", gate, psi.reshape(2**bond, 4, -1)).ravel()
    np.testing.assert_allclose(dense_state(ansatz), psi, atol=1e-12)
    np.testing.assert_allclose(ansatz.to_mps().to_dense(), psi, atol=1e-12)


def test_fidelity_at_the_start_is_that_of_the_trotter_circuit():
    n, chain = 10, SpinChain.heisenberg(10)
    target = exact_quench(n, 2.0)
    gates = []
    for layer in chain.trotter_layers(2.0, 2):
        bonds = range(layer.parity, n - 1, 2)
        gates += [((k, k + 1), g) for k, g in zip(bonds, chain.gates(layer), strict=True)]
    trotter, _ = apply_gates(MPS.product(neel(n)), gates)
    value, _ = brickwork_ansatz(chain, 2.0, 2, initial=neel(n)).fidelity_and_gradient(target)
    assert value == pytest.approx(abs(target.overlap(trotter)) ** 2, abs=1e-12)


# Fidelity of k second-order steps, k = 1, 2, 4, 8, 16, with the exactly evolved Neel state.
TROTTER = {
    (4, 1.0): (0.99798431, 0.99987686, 0.99999236, 0.99999952, 0.99999997),
    (6, 1.0): (0.99201433, 0.99953909, 0.99997182, 0.99999825, 0.99999989),
    (6, 2.0): (0.75101041, 0.98771257, 0.99929904, 0.99995721, 0.99999734),
    (8, 2.0): (0.60199541, 0.97933025, 0.99882047, 0.99992804, 0.99999553),
    (10, 2.0): (0.47650944, 0.97024297, 0.99829867, 0.99989624, 0.99999356),
}


@pytest.mark.parametrize(("n", "time"), TROTTER.keys())
def test_second_order_trotter_rows(n, time):
    target, chain = exact_quench(n, time), SpinChain.heisenberg(n)
    found = [
        # An overlap of states: sixteen steps are too deep for the exact contraction.
        abs(target.overlap(brickwork_ansatz(chain, time, k, initial=neel(n)).to_mps())) ** 2
        for k in (1, 2, 4, 8, 16)
    ]
    np.testing.assert_allclose(found, TROTTER[n, time], atol=6e-9)


@pytest.mark.parametrize(
    ("n", "time", "row"),
    [(6, 1.0, (0.964703, 0.991178, 0.997796)), (10, 2.0, (0.664136, 0.916761, 0.979509))],
)
def test_first_order_trotter_rows(n, time, row):
    target, chain = exact_quench(n, time), SpinChain.heisenberg(n)
    found = [
        abs(target.overlap(brickwork_ansatz(chain, time, k, 1, neel(n)).to_mps())) ** 2
        for k in (2, 4, 8)
    ]
    np.testing.assert_allclose(found, row, atol=6e-7)


def test_infidelity_falls_with_the_order_of_the_formula():
    target, chain = exact_quench(6, 2.0), SpinChain.heisenberg(6)

    def infidelity(k, order):
        ansatz = brickwork_ansatz(chain, 2.0, k, order, neel(6))
        return 1 - abs(target.overlap(ansatz.to_mps())) ** 2

    second = [infidelity(k, 2) for k in (1, 2, 4, 8, 16)]
    np.testing.assert_allclose(
        np.divide(second[:-1], second[1:]), [20.26, 17.53, 16.38, 16.09], atol=0.02
    )
    assert infidelity(16, 1) / infidelity(32, 1) == pytest.approx(4, abs=0.3)
    assert infidelity(2, 4) / infidelity(4, 4) > 150  # 2^8 in the limit


@pytest.mark.parametrize(
    ("n", "steps", "count"),
    [(10, 1, 146), (10, 2, 227), (10, 3, 308), (50, 1, 766), (50, 2, 1207), (50, 4, 2089)],
)
def test_number_of_parameters_and_depth(n, steps, count):
    ansatz = brickwork_ansatz(SpinChain.heisenberg(n), 2.0, steps)
    assert ansatz.n_parameters == count
    assert ansatz.n_blocks == steps * (n - 1) + n // 2
    assert ansatz.two_qubit_count == 3 * ansatz.n_blocks
    assert ansatz.two_qubit_depth == 3 * (2 * steps + 1)


def test_layers_of_a_staircase_follow_one_another():
    ansatz = Ansatz(5, np.arange(4), np.zeros(46))
    assert ansatz.block_layers.tolist() == [0, 1, 2, 3]
    assert Ansatz(4, [], np.zeros(8)).two_qubit_depth == 0
    assert repr(ansatz) == "Ansatz(n_qubits=5, blocks=4, parameters=46, two_qubit_depth=12)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": 0.0}, "`time` must be a finite number other than 0"),
        ({"time": float("nan")}, "`time` must be a finite number"),
        ({"steps": 0}, "`steps` must be at least 1"),
        ({"order": 3}, "`order` must be 1, 2 or 4"),
        ({"initial": "01"}, "`initial` must be a string of 6 bits"),
        ({"initial": "01a101"}, "`initial` must be a string of 6 bits"),
    ],
)
def test_messages(change, message):
    arguments = {"time": 1.0, "steps": 1} | change
    with pytest.raises(ValueError, match=message):
        brickwork_ansatz(SpinChain.heisenberg(6), **arguments)


def test_ansatz_checks_its_parts():
    with pytest.raises(ValueError, match=r"`angles` must have shape \(35,\)"):
        Ansatz(4, [0, 2, 1], np.zeros(34))
    with pytest.raises(ValueError, match=r"`bonds` must be a list of left qubits within 0\.\.2"):
        Ansatz(4, [3], np.zeros(17))
    with pytest.raises(ValueError, match="`n_qubits` must be at least 2"):
        Ansatz(1, [], np.zeros(2))
    ansatz = Ansatz(6, brickwork_bonds(6, 2), np.zeros(57))
    with pytest.raises(ValueError, match="read-only"):
        ansatz.angles[0] = 1.0
