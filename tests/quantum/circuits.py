"""Circuits and targets that several test files share."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from rankloom.quantum.aqc import Ansatz
from rankloom.tn import MPS, SpinChain

PAULIS = {
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def brickwork_bonds(n: int, layers: int, first: int = 0) -> NDArray[np.intp]:
    return np.array(
        [bond for layer in range(layers) for bond in range((layer + first) % 2, n - 1, 2)], np.intp
    )


def random_ansatz(n: int, bonds, rng: np.random.Generator, spread: float = 1.0) -> Ansatz:
    return Ansatz(n, bonds, spread * rng.standard_normal(2 * n + 9 * len(bonds)))


def rotation(letter: str, angle: float):
    return expm(-0.5j * angle * PAULIS[letter])


def dense_state(ansatz: Ansatz):
    """The prepared vector from matrix exponentials and Kronecker products alone."""
    psi = np.ones(1, complex)
    for x, z in ansatz.front_angles:
        psi = np.kron(psi, (rotation("Z", z) @ rotation("X", x))[:, 0])
    for bond, p in zip(ansatz.bonds, ansatz.block_angles, strict=True):
        terms = [c * np.kron(PAULIS[a], PAULIS[a]) for a, c in zip("XYZ", p[:3], strict=True)]
        left, right = (
            rotation("Z", q[2]) @ rotation("X", q[1]) @ rotation("Z", q[0]) for q in (p[3:6], p[6:])
        )
        block = np.kron(left, right) @ expm(1j * sum(terms))
        psi = np.einsum("ij,ajb->aib", block, psi.reshape(2**bond, 4, -1)).ravel()
    return np.exp(1j * ansatz.global_phase) * psi


def neel(n: int) -> str:
    return "01" * (n // 2) + "0" * (n % 2)


def exact_quench(n: int, time: float) -> MPS:
    """The isotropic chain of spin-1/2 operators, evolved exactly from the Neel state."""
    energies, modes = np.linalg.eigh(SpinChain.heisenberg(n).dense())
    start = MPS.product(neel(n)).to_dense()
    return MPS.from_dense((modes * np.exp(-1j * time * energies)) @ (modes.conj().T @ start))
