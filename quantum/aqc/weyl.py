"""From arbitrary unitary gates to the angles of an ansatz, exact with its global phase.

Every U in U(4) is ``exp(i phi) (l1 x r1) exp(i (a XX + b YY + c ZZ)) (l2 x r2)`` (Cartan's KAK
decomposition, arXiv:quant-ph/0011050). In the magic basis the local factors are real orthogonal,
K1 and K2, and the interaction is diagonal, D, so that ``U^T U = K2^T D^2 K2``: the real and
imaginary part of a symmetric unitary, two commuting symmetric matrices, share the eigenvectors K2.
Jacobi rotations diagonalise both at once (doi:10.1137/S0895479893259546). They need no gap between
eigenvalues, which is why gates such as the identity, SWAP or CX, and their neighbourhoods, need no
special case.

A local gate in front of a block, ``l2 x r2``, belongs to whatever came before it on its wire: the
ZXZ rotations of an earlier block, or the front rotation of the qubit. All gates are treated at
once, so a circuit costs a fixed number of NumPy calls.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.gates import kron

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

# Columns: the Bell states Phi+, i Phi-, i Psi+, Psi-; below, their eigenvalues of XX, YY and ZZ.
_MAGIC = np.array([[1, 1j, 0, 0], [0, 0, 1j, 1], [0, 0, 1j, -1], [1, -1j, 0, 0]]) / np.sqrt(2)
_SIGNS = np.array([[1, -1, 1, -1], [-1, 1, 1, -1], [1, 1, -1, -1]])
_PAULIS = (np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.array([[1, 0], [0, -1]]))
# Each round rotates two planes (p, q) at once; three rounds meet all six.
_ROUNDS = (([0, 2], [1, 3]), ([0, 1], [2, 3]), ([0, 1], [3, 2]))
_MAX_SWEEPS = 20  # four do in practice


def ansatz_from_gates(
    n_qubits: int,
    gates: Iterable[tuple[Sequence[int], ArrayLike]],
    *,
    global_phase: float = 0.0,
    tolerance: float = 1e-6,
) -> Ansatz:
    """Ansatz that prepares the same vector as a list of gates on ``|0...0>``.

    Consecutive gates on one bond become one block; a one-qubit gate joins the block before it on
    its qubit, or the front.

    Parameters
    ----------
    n_qubits : int
        Number of qubits, at least 2.
    gates : iterable of (sites, matrix)
        In time order: sites ``(k,)`` with a (2, 2) unitary, or ``(k, k + 1)`` with a (4, 4) one
        whose index is ``2 * left + right``.
    global_phase : float
        Phase in radians in front of the state.
    tolerance : float
        Largest distance of a gate from the nearest unitary (of any singular value from 1); the
        nearest unitary is what is used.

    Raises
    ------
    ValueError
        If sites are not one qubit or two neighbours of the chain, or a matrix has another shape,
        is not finite or not unitary within `tolerance`.

    Examples
    --------
    >>> hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    >>> cx = np.eye(4)[[0, 1, 3, 2]]
    >>> ansatz_from_gates(3, [((0,), hadamard), ((0, 1), cx), ((1, 2), cx)])
    Ansatz(n_qubits=3, blocks=2, parameters=24, two_qubit_depth=6)
    """
    fronts = np.tile(np.eye(2, dtype=np.complex128), (n_qubits, 1, 1))
    bonds: list[int] = []
    blocks: list[Complex] = []
    last: list[int | None] = [None] * n_qubits  # the latest block on each qubit
    for position, (sites, matrix) in enumerate(gates):
        gate = _checked_gate(n_qubits, tuple(sites), matrix, tolerance, position)
        left = sites[0]
        k = last[left]
        if len(sites) == 2:
            if k is not None and k == last[left + 1]:
                blocks[k] = gate @ blocks[k]
            else:
                last[left] = last[left + 1] = len(blocks)
                bonds.append(left)
                blocks.append(gate)
        elif k is None:
            fronts[left] = gate @ fronts[left]
        elif bonds[k] == left:
            blocks[k] = kron(gate, np.eye(2, dtype=np.complex128)) @ blocks[k]
        else:
            blocks[k] = kron(np.eye(2, dtype=np.complex128), gate) @ blocks[k]
    stacked = np.array(blocks).reshape(-1, 4, 4)
    return ansatz_from_blocks(
        bonds, fronts[:, :, 0], stacked, global_phase=global_phase, tolerance=tolerance
    )


def ansatz_from_blocks(
    bonds: ArrayLike,
    fronts: ArrayLike,
    blocks: ArrayLike,
    *,
    global_phase: float = 0.0,
    tolerance: float = 1e-6,
) -> Ansatz:
    """Ansatz that prepares the same vector as general two-qubit blocks on a product state.

    Parameters
    ----------
    bonds : (blocks,) array of int
        Left qubit of each block, in time order.
    fronts : (n_qubits, 2) array
        State of each qubit before the blocks.
    blocks : (blocks, 4, 4) array
        Unitaries on (left, right), index ``2 * left + right``.
    global_phase : float
        Phase in radians in front of the state.
    tolerance : float
        Largest distance of a block from the nearest unitary, and of the length of a front from 1;
        the nearest unitaries and unit vectors are used. ``np.inf`` takes any matrix.

    Raises
    ------
    ValueError
        If shapes do not fit, or numbers are not finite or farther off than `tolerance`.

    Notes
    -----
    Time and memory grow with the number of blocks alone: one batched SVD, the batched KAK (about
    four Jacobi sweeps on 4x4 matrices), one gather.
    """
    bonds = np.asarray(bonds, np.intp)
    fronts = np.asarray(fronts, np.complex128)
    blocks = np.asarray(blocks, np.complex128)
    n_qubits = len(fronts)
    if fronts.shape != (n_qubits, 2) or blocks.shape != (bonds.size, 4, 4):
        raise ValueError(
            f"`fronts` and `blocks` must have shapes (n_qubits, 2) and ({bonds.size}, 4, 4) for "
            f"{bonds.size} bonds, got {fronts.shape} and {blocks.shape}."
        )
    if np.any((bonds < 0) | (bonds > n_qubits - 2)):
        raise ValueError(f"`bonds` must lie within 0..{n_qubits - 2}, got {bonds.tolist()}.")
    fronts = _completed(fronts, tolerance)
    blocks = _nearest_unitary(blocks, tolerance, "`blocks[{}]`")
    phases, outputs, coordinates, inputs = _kak(blocks)

    # One slot per place where one-qubit gates gather: the fronts, then both outputs of each block.
    slots = np.concatenate([fronts, outputs.reshape(-1, 2, 2)])
    feeds = np.empty(inputs.shape[:2], np.intp)  # the slot in front of each input
    slot_of = list(range(n_qubits))
    for k, bond in enumerate(bonds.tolist()):
        feeds[k] = slot_of[bond : bond + 2]
        slot_of[bond : bond + 2] = n_qubits + 2 * k, n_qubits + 2 * k + 1
    slots[feeds] = inputs @ slots[feeds]

    slot_phases, euler = _euler(slots)
    front_angles = euler[:n_qubits, 1:]
    block_angles = np.hstack([coordinates, euler[n_qubits:].reshape(-1, 6)])
    # On |0> the first Rz of a front is a phase.
    phase = global_phase + phases.sum() + slot_phases.sum() - euler[:n_qubits, 0].sum() / 2
    return Ansatz(
        n_qubits,
        bonds,
        np.concatenate([front_angles.ravel(), block_angles.ravel()]),
        float(np.angle(np.exp(1j * phase))),
    )


def _checked_gate(
    n_qubits: int, sites: tuple[int, ...], matrix: ArrayLike, tolerance: float, position: int
) -> Complex:
    gate = np.asarray(matrix, np.complex128)
    reach = len(sites) - 1
    if reach not in (0, 1) or not 0 <= sites[0] == sites[-1] - reach < n_qubits - reach:
        raise ValueError(
            f"`gates[{position}]` acts on {sites}: wanted (k,) or (k, k + 1) within "
            f"0..{n_qubits - 1}. Route other gates with SWAPs first."
        )
    if gate.shape != (2 ** len(sites),) * 2:
        raise ValueError(
            f"`gates[{position}]` on {sites} must have a matrix of shape "
            f"{(2 ** len(sites),) * 2}, got {gate.shape}."
        )
    unitary: Complex = _nearest_unitary(gate[None], tolerance, f"`gates[{position}]`")[0]
    return unitary


def _nearest_unitary(matrices: Complex, tolerance: float, name: str) -> Complex:
    """Polar factors of square matrices, (B, m, m)."""
    if not np.all(np.isfinite(matrices)):
        worst = int(np.argmax(~np.isfinite(matrices).all(axis=(1, 2))))
        raise ValueError(f"{name.format(worst)} holds NaN or inf.")
    u, s, vh = np.linalg.svd(matrices)
    off = np.abs(s - 1).max(axis=1, initial=0.0)
    if np.any(off > tolerance):
        worst = int(off.argmax())
        raise ValueError(
            f"{name.format(worst)} is not unitary: a singular value differs from 1 by "
            f"{off[worst]:.1e}, more than `tolerance` = {tolerance:.1e}. Raise `tolerance` to "
            "take the nearest unitary all the same."
        )
    unitaries: Complex = u @ vh
    return unitaries


def _completed(fronts: Complex, tolerance: float) -> Complex:
    """Rotations (n, 2, 2) that take |0> to the given states."""
    length = np.linalg.norm(fronts, axis=1)
    wrong = ~((np.abs(length - 1) <= tolerance) & (length > 0) & np.isfinite(length))
    if np.any(wrong):
        worst = int(np.argmax(wrong))
        raise ValueError(
            f"`fronts[{worst}]` must be a state of norm 1, got norm {length[worst]:.6g}."
        )
    v = fronts / length[:, None]
    return np.stack([v[:, 0], -v[:, 1].conj(), v[:, 1], v[:, 0].conj()], axis=1).reshape(-1, 2, 2)


def _euler(matrices: Complex) -> tuple[Real, Real]:
    """Phases (B,) and ZXZ angles (B, 3) of one-qubit unitaries (B, 2, 2)."""
    (m00, m01), (m10, m11) = np.moveaxis(matrices, 0, -1)
    phase = np.angle(m00 * m11 - m01 * m10) / 2
    turn = np.exp(-1j * phase)
    # In SU(2): m11 = cos(p1/2) exp(i (p0+p2)/2), m10 = -i sin(p1/2) exp(i (p2-p0)/2).
    middle = 2 * np.arctan2(np.abs(m10), np.abs(m11))
    half_sum, half_difference = np.angle(m11 * turn), np.angle(1j * m10 * turn)
    # At the poles only the sum or the difference means anything: the other is set to zero.
    half_difference = np.where(np.abs(m10) < 1e-15, half_sum, half_difference)
    half_sum = np.where(np.abs(m11) < 1e-15, half_difference, half_sum)
    return phase, np.stack([half_sum - half_difference, middle, half_sum + half_difference], axis=1)


def _kak(unitaries: Complex) -> tuple[Real, Complex, Real, Complex]:
    """Phases (B,), outputs (B, 2, 2, 2), coordinates (B, 3) and inputs (B, 2, 2, 2).

    Outputs and inputs hold the one-qubit factors (left, right); coordinates lie within pi/4 of 0.
    """
    magic = _MAGIC.conj().T @ unitaries @ _MAGIC
    squared = magic.mT @ magic
    basis = _joint_eigenvectors(squared.real, squared.imag)
    eigenvalues = np.einsum("kij,kil,klj->kj", basis, squared, basis)
    d = np.angle(eigenvalues) / 2
    orthogonal = (magic @ basis) * np.exp(-1j * d)[:, None, :]
    flip = np.linalg.det(orthogonal.real) < 0  # a reflection is no local gate: take the other root
    d[flip, 0] += np.pi
    orthogonal[flip, :, 0] *= -1
    outputs = _local_factors(_MAGIC @ orthogonal @ _MAGIC.conj().T)
    inputs = _local_factors(_MAGIC @ basis.mT @ _MAGIC.conj().T)

    coordinates = d @ _SIGNS.T / 4
    turns = np.rint(coordinates / (np.pi / 2))  # exp(i pi/2 XX) = i XX is local
    phases = d.mean(axis=1) + np.pi / 2 * turns.sum(axis=1)
    for pauli, odd in zip(_PAULIS, turns.T % 2 == 1, strict=True):
        outputs[odd] = outputs[odd] @ pauli
    return phases, outputs, coordinates - np.pi / 2 * turns, inputs


def _joint_eigenvectors(a: Real, b: Real) -> Real:
    """Rotations (B, 4, 4) that diagonalise commuting symmetric matrices (B, 4, 4) a and b."""
    pair = np.stack([a, b], axis=1)
    vectors = np.tile(np.eye(4), (len(a), 1, 1))
    for _ in range(_MAX_SWEEPS):
        off_diagonal = pair - pair * np.eye(4)
        if np.abs(off_diagonal).max(initial=0.0) < 1e-15:
            break
        for p, q in _ROUNDS:
            # (cos 2t, sin 2t) is the principal axis of the points (a_pp - a_qq, 2 a_pq).
            x = pair[..., p, p] - pair[..., q, q]
            y = pair[..., p, q] + pair[..., q, p]
            angle = np.arctan2(2 * (x * y).sum(axis=1), (x * x - y * y).sum(axis=1)) / 4
            rotation = np.zeros_like(vectors)
            rotation[:, p, p] = rotation[:, q, q] = np.cos(angle)
            rotation[:, q, p] = np.sin(angle)
            rotation[:, p, q] = -rotation[:, q, p]
            pair = rotation.mT[:, None] @ pair @ rotation[:, None]
            vectors = vectors @ rotation
    return vectors


def _local_factors(products: Complex) -> Complex:
    """SU(2) factors (B, 2, 2, 2) of Kronecker products (B, 4, 4)."""
    split = products.reshape(-1, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4)  # left row, column, right
    split = split.reshape(-1, 4, 2, 2)
    size = np.abs(split).sum(axis=(2, 3))
    right = split[np.arange(len(split)), size.argmax(axis=1)]
    right = right / np.sqrt(np.linalg.det(right))[:, None, None]
    left = np.einsum("kij,keij->ke", right.conj(), split).reshape(-1, 2, 2) / 2
    return np.stack([left, right], axis=1)
