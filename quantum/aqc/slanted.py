"""Array-API twin of the compiled contraction: the same schedule on complex tensors.

It is the oracle of `slanted_kernels.py` and the path of targets that live in another array
library (CuPy, torch). The chain rule here works with derivative matrices of whole gates; the
kernels use generators instead, so the two agree only if both are right.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.gates import block_matrices, front_vectors, kak, kron, rx, rz, zxz
from rankloom.quantum.aqc.schedule import INDEX, INNER, KIND, OUTER, SITE, Op, plan
from rankloom.tn.arrays import Array, like, namespace, to_host
from rankloom.tn.mps import MPS
from rankloom.tn.pauli import PAULI

_WIRES = [0, 2, 1, 3]  # house order 2 left + right to the boundary's order 2 right + left


class ArrayOverlap:
    """The amplitude ``f = <target|ansatz>`` in the array library of the target.

    Same methods as `Overlap`, without its work space: every boundary is kept, so one evaluation
    needs ``16 chi 2^(L + 1) (n L / 2 + n)`` bytes for L layers. Amplitudes and environments
    travel to the host, where the chain rule is applied.

    Parameters
    ----------
    target : MPS
        Qubit chain in any array library.
    ansatz : Ansatz
        Gives the circuit's shape; its angles are not used.
    """

    def __init__(self, target: MPS, ansatz: Ansatz) -> None:
        self._ansatz = ansatz
        self._ops = plan(ansatz.n_qubits, ansatz.bonds, target.bond_dimensions).ops
        self._xp = namespace(*target.tensors)
        self._one = like(target.tensors[0], np.ones(1, np.complex128))
        self._tensors = [self._xp.conj(self._cast(t)) for t in target.tensors]

    def amplitude(self, angles: ArrayLike) -> complex:
        """``<target|ansatz(angles)>``, without the ansatz's global phase."""
        fronts, blocks = self._gates(angles)
        return complex(self._forward(fronts, blocks)[-1][0])

    def environments(self, angles: ArrayLike) -> NDArray[np.complex128]:
        """Environment E_k of every block, shape (blocks, 4, 4), in house order."""
        return self._differentiate(angles)[2]

    def fidelity_and_gradient(self, angles: ArrayLike) -> tuple[float, NDArray[np.float64]]:
        """``F = |<target|ansatz(angles)>|^2`` and dF/d angles, shape (n_parameters,)."""
        f, front_bars, environments = self._differentiate(angles)
        shaped = self._ansatz.with_angles(np.asarray(angles, np.float64))
        slopes = np.concatenate(
            [
                np.einsum("na,nja->nj", front_bars, _front_derivatives(shaped.front_angles)),
                np.einsum("krc,kjrc->kj", environments, _block_derivatives(shaped.block_angles)),
            ],
            axis=None,
        )
        return abs(f) ** 2, 2 * (np.conj(f) * slopes).real

    def _gates(self, angles: ArrayLike) -> tuple[Array, list[Array]]:
        shaped = self._ansatz.with_angles(np.asarray(angles, np.float64))
        blocks = block_matrices(shaped.block_angles)[:, _WIRES][:, :, _WIRES]
        fronts = front_vectors(shaped.front_angles)
        return [self._send(v) for v in fronts], [self._send(g) for g in blocks]

    def _send(self, values: NDArray[np.complex128]) -> Array:
        return like(self._one, values)

    def _cast(self, x: Array) -> Array:
        return self._xp.astype(x, self._one.dtype)

    def _matrix(self, op: NDArray[np.int64], blocks: Sequence[Array]) -> Array:
        """Target tensors of an absorption as an (inner, chi) matrix, its gate folded in."""
        xp, left = self._xp, self._tensors[op[SITE]]
        if op[KIND] == Op.ABSORB:
            return xp.reshape(xp.permute_dims(left, (1, 0, 2)), (int(op[INNER]), -1))
        pair = xp.tensordot(left, self._tensors[op[SITE] + 1], axes=1)
        pair = xp.permute_dims(pair, (2, 1, 0, 3))
        folded = blocks[op[INDEX]].mT @ xp.reshape(pair, (4, -1))
        return xp.reshape(folded, (int(op[INNER]), -1))

    def _fresh(
        self, op: NDArray[np.int64], fronts: Sequence[Array], blocks: Sequence[Array]
    ) -> Array:
        """State of the appended wires as a column."""
        xp, site = self._xp, int(op[SITE])
        if op[KIND] == Op.ADD:
            return xp.reshape(fronts[site], (-1, 1))
        both = xp.reshape(fronts[site + 1], (-1, 1)) * xp.reshape(fronts[site], (1, -1))
        return blocks[op[INDEX]] @ xp.reshape(both, (-1, 1))

    def _forward(self, fronts: Sequence[Array], blocks: Sequence[Array]) -> list[Array]:
        xp = self._xp
        boundaries = [self._one]
        for op in self._ops:
            x, outer, inner = boundaries[-1], int(op[OUTER]), int(op[INNER])
            if op[KIND] == Op.GATE:
                x = blocks[op[INDEX]] @ xp.reshape(x, (outer, 4, inner))
            elif op[KIND] in (Op.ABSORB, Op.ABSORB_2):
                x = xp.reshape(x, (outer, inner)) @ self._matrix(op, blocks)
            else:
                x = self._fresh(op, fronts, blocks) * xp.reshape(x, (1, -1))
            boundaries.append(xp.reshape(x, (-1,)))
        return boundaries

    def _differentiate(
        self, angles: ArrayLike
    ) -> tuple[complex, NDArray[np.complex128], NDArray[np.complex128]]:
        xp = self._xp
        fronts, blocks = self._gates(angles)
        boundaries = self._forward(fronts, blocks)
        front_bars = np.zeros((self._ansatz.n_qubits, 2), np.complex128)
        environments = np.zeros((self._ansatz.n_blocks, 4, 4), np.complex128)
        bar = self._one
        for i in range(len(self._ops) - 1, -1, -1):
            op, x = self._ops[i], boundaries[i]
            kind, index, site = Op(op[KIND]), int(op[INDEX]), int(op[SITE])
            outer, inner = int(op[OUTER]), int(op[INNER])
            if kind in (Op.ADD, Op.ADD_PAIR):
                column = self._fresh(op, fronts, blocks)
                legs = xp.reshape(bar, (column.shape[0], -1))
                out = to_host(legs @ xp.reshape(x, (-1, 1)))[:, 0]
                bar = xp.reshape(xp.matrix_transpose(column) @ legs, (-1,))
                if kind is Op.ADD:
                    front_bars[site] = out
                    continue
                right, left = to_host(fronts[site + 1]), to_host(fronts[site])
                environments[index] = np.outer(out, np.outer(right, left))
                pulled = (to_host(blocks[index]).T @ out).reshape(2, 2)
                front_bars[site], front_bars[site + 1] = right @ pulled, pulled @ left
                continue
            if kind is Op.GATE:
                legs, x = xp.reshape(bar, (outer, 4, inner)), xp.reshape(x, (outer, 4, inner))
                bar = xp.matrix_transpose(blocks[index]) @ legs
                gathered = xp.sum(legs @ xp.matrix_transpose(x), axis=0)
            else:
                matrix = self._matrix(op, blocks)
                pulled_back = xp.reshape(bar, (outer, -1)) @ xp.matrix_transpose(matrix)
                bar = xp.reshape(pulled_back, (-1,))
                if kind is Op.ABSORB:
                    continue
                # before the gate on both sides; conj(G) leads to the environment
                shape = (outer, 4, inner // 4)
                before = xp.matrix_transpose(xp.reshape(x, shape))
                density = xp.sum(xp.reshape(bar, shape) @ before, axis=0)
                gathered = xp.conj(blocks[index]) @ density
            bar = xp.reshape(bar, (-1,))
            environments[index] = to_host(gathered)
        house = environments[:, _WIRES][:, :, _WIRES]
        return complex(boundaries[-1][0]), front_bars, house


def _front_derivatives(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
    """d/d angle of the front states, (n, 2) to (n, 2 angles, 2)."""
    turn, lift = rz(angles[:, 1]), rx(angles[:, 0])
    by_x = turn @ PAULI["X"] @ lift
    by_z = PAULI["Z"] @ turn @ lift
    return -0.5j * np.stack([by_x[..., 0], by_z[..., 0]], axis=1)


def _block_derivatives(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
    """d/d angle of the blocks, (B, 9) to (B, 9, 4, 4)."""
    p = angles.T
    left, right, core = zxz(*p[3:6]), zxz(*p[6:9]), kak(*p[:3])
    block = kron(left, right) @ core
    out = [block @ (1j * np.kron(PAULI[a], PAULI[a])) for a in "XYZ"]
    out += [kron(d, right) @ core for d in _zxz_derivatives(p[3:6])]
    out += [kron(left, d) @ core for d in _zxz_derivatives(p[6:9])]
    return np.stack(out, axis=1)


def _zxz_derivatives(p: NDArray[np.float64]) -> list[NDArray[np.complex128]]:
    first, middle, last = rz(p[0]), rx(p[1]), rz(p[2])
    half_z, half_x = -0.5j * PAULI["Z"], -0.5j * PAULI["X"]
    return [
        last @ middle @ first @ half_z,
        last @ half_x @ middle @ first,
        half_z @ last @ middle @ first,
    ]
