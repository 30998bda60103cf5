"""Matrices of the ansatz, in NumPy and vectorised over leading axes.

``P`` a Pauli matrix: ``R_P(t) = exp(-i t P / 2)``. A 4x4 matrix acts on the qubits (left, right)
with the left one more significant: row and column index ``2 * left + right``.

======================  ==================================================
``zxz(p0, p1, p2)``      ``Rz(p2) @ Rx(p1) @ Rz(p0)``
``kak(a, b, c)``         ``exp(i (a XX + b YY + c ZZ))``
``block_matrices``       ``kron(zxz(left), zxz(right)) @ kak(a, b, c)``
``front_vectors``        ``Rz(angles[1]) @ Rx(angles[0]) @ |0>``
======================  ==================================================

The compiled kernels of the optimiser repeat these formulas; the tests hold them to this module.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from rankloom.quantum.aqc.ansatz import Ansatz


def rx(angle: ArrayLike) -> NDArray[np.complex128]:
    """Rotations ``exp(-i angle X / 2)``, shape (..., 2, 2)."""
    half = np.asarray(angle, np.float64) / 2
    return _two_by_two(np.cos(half), -1j * np.sin(half), -1j * np.sin(half), np.cos(half))


def rz(angle: ArrayLike) -> NDArray[np.complex128]:
    """Rotations ``exp(-i angle Z / 2)``, shape (..., 2, 2)."""
    half = np.asarray(angle, np.float64) / 2
    zero = np.zeros_like(half)
    return _two_by_two(np.exp(-1j * half), zero, zero, np.exp(1j * half))


def zxz(p0: ArrayLike, p1: ArrayLike, p2: ArrayLike) -> NDArray[np.complex128]:
    """Euler rotations ``Rz(p2) @ Rx(p1) @ Rz(p0)``, shape (..., 2, 2)."""
    p0, p1, p2 = (np.asarray(p, np.float64) / 2 for p in (p0, p1, p2))
    cos = np.cos(p1) * np.exp(1j * (p0 + p2))
    sin = -1j * np.sin(p1) * np.exp(1j * (p2 - p0))
    return _two_by_two(cos.conj(), -sin.conj(), sin, cos)


def kak(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.complex128]:
    """Interactions ``exp(i (a XX + b YY + c ZZ))``, shape (..., 4, 4).

    The three terms commute: on {00, 11} they act as ``(a - b) X + c``, on {01, 10} as
    ``(a + b) X - c``.

    Examples
    --------
    >>> swap = np.exp(-0.25j * np.pi) * kak(np.pi / 4, np.pi / 4, np.pi / 4)
    >>> bool(np.allclose(swap, np.eye(4)[[0, 2, 1, 3]]))
    True
    """
    a, b, c = (np.asarray(angle, np.float64) for angle in (a, b, c))
    even, odd = np.exp(1j * c), np.exp(-1j * c)
    out = np.zeros((*np.broadcast_shapes(a.shape, b.shape, c.shape), 4, 4), np.complex128)
    out[..., 0, 0] = out[..., 3, 3] = even * np.cos(a - b)
    out[..., 0, 3] = out[..., 3, 0] = 1j * even * np.sin(a - b)
    out[..., 1, 1] = out[..., 2, 2] = odd * np.cos(a + b)
    out[..., 1, 2] = out[..., 2, 1] = 1j * odd * np.sin(a + b)
    return out


def kron(left: NDArray[np.complex128], right: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Kronecker products of one-qubit matrices, (..., 2, 2) twice to (..., 4, 4)."""
    product = left[..., :, None, :, None] * right[..., None, :, None, :]
    return product.reshape(*product.shape[:-4], 4, 4)


def block_matrices(angles: ArrayLike) -> NDArray[np.complex128]:
    """Blocks of the ansatz, nine angles each.

    Parameters
    ----------
    angles : (..., 9) array
        ``a, b, c``, then the ZXZ angles of the left and of the right output.

    Returns
    -------
    (..., 4, 4) array
        ``kron(zxz(left), zxz(right)) @ kak(a, b, c)``.
    """
    angles = np.asarray(angles, np.float64)
    p = np.moveaxis(angles, -1, 0)
    return kron(zxz(*p[3:6]), zxz(*p[6:9])) @ kak(*p[:3])


def front_vectors(angles: ArrayLike) -> NDArray[np.complex128]:
    """States of single qubits ``Rz(angles[1]) @ Rx(angles[0]) @ |0>``, (..., 2) to (..., 2)."""
    angles = np.asarray(angles, np.float64)
    p = np.moveaxis(angles, -1, 0)
    return zxz(np.zeros_like(p[0]), p[0], p[1])[..., 0]


def gates_of(ansatz: "Ansatz") -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Front states (n_qubits, 2) and blocks (n_blocks, 4, 4) of an ansatz, in time order.

    They prepare the state up to ``exp(1j * ansatz.global_phase)``; the way back is
    `rankloom.quantum.aqc.weyl.ansatz_from_blocks`.
    """
    return front_vectors(ansatz.front_angles), block_matrices(ansatz.block_angles)


def _two_by_two(
    m00: ArrayLike, m01: ArrayLike, m10: ArrayLike, m11: ArrayLike
) -> NDArray[np.complex128]:
    entries = np.stack(np.broadcast_arrays(m00, m01, m10, m11), axis=-1).astype(np.complex128)
    return entries.reshape(*entries.shape[:-1], 2, 2)
