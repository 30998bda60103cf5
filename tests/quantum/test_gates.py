import numpy as np
import pytest
from scipy.linalg import expm

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.gates import (
    block_matrices,
    front_vectors,
    gates_of,
    kak,
    kron,
    rx,
    rz,
    zxz,
)

X = np.array([[0, 1], [1, 0]], complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0, -1.0]).astype(complex)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("gate", "pauli"), [(rx, X), (rz, Z)])
@pytest.mark.parametrize("angle", [0.0, 0.7, -2.1, np.pi, 9.0])
def test_rotations_are_exponentials_of_half_the_angle(gate, pauli, angle):
    close(gate(angle), expm(-0.5j * angle * pauli))


def test_zxz_applies_its_first_angle_first():
    p = np.random.default_rng(0).normal(size=3)
    close(zxz(*p), rz(p[2]) @ rx(p[1]) @ rz(p[0]))


def test_kak_is_the_exponential_of_the_pauli_sum():
    a, b, c = np.random.default_rng(1).normal(size=3)
    generator = a * np.kron(X, X) + b * np.kron(Y, Y) + c * np.kron(Z, Z)
    close(kak(a, b, c), expm(1j * generator))


def test_block_rotates_its_left_output_by_the_first_triple():
    angles = np.random.default_rng(2).normal(size=9)
    expected = np.kron(zxz(*angles[3:6]), zxz(*angles[6:9])) @ kak(*angles[:3])
    close(block_matrices(angles), expected)


def test_front_is_rx_then_rz():
    x, z = 0.4, -1.3
    close(front_vectors([x, z]), (rz(z) @ rx(x))[:, 0])


def test_leading_axes_are_looped_over():
    rng = np.random.default_rng(3)
    angles = rng.normal(size=(3, 5, 9))
    blocks = block_matrices(angles)
    assert blocks.shape == (3, 5, 4, 4)
    close(blocks[1, 4], block_matrices(angles[1, 4]))
    assert block_matrices(np.zeros((0, 9))).shape == (0, 4, 4)
    fronts = front_vectors(angles[..., :2])
    assert fronts.shape == (3, 5, 2)
    close(fronts[2, 3], front_vectors(angles[2, 3, :2]))
    left, right = rx(angles[..., 0]), rz(angles[..., 1])
    close(kron(left, right)[2, 1], np.kron(left[2, 1], right[2, 1]))


def test_gates_of_an_ansatz_follow_its_angle_layout():
    angles = np.random.default_rng(4).normal(size=2 * 3 + 2 * 9)
    fronts, blocks = gates_of(Ansatz(3, [1, 0], angles))
    close(fronts[2], front_vectors(angles[4:6]))
    close(blocks[1], block_matrices(angles[15:24]))
