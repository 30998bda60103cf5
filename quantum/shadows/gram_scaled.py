"""Gram matrices where every qubit has a scale of its own, as after correcting readout errors.

A letter on qubit q then counts ``3 c_q o_q``, and a pair of snapshots ``e_j(c_q^2 s_q)`` over the
qubits of equal bases, with s_q = +-1 for equal and opposite outcomes. The elementary symmetric
polynomial e_j follows from power sums by Newton's identities,

    j e_j = sum_(i=1..j) (-1)^(i-1) e_(j-i) p_i,    p_i = sum_q (c_q^2 s_q)^i,

and power sums of all pairs are matrix products of one-hot rows.
"""

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.shadows.snapshots import Snapshots

Floats = NDArray[np.float64]


def scaled_sums(
    snapshots: Snapshots,
    scales: Floats,
    qubits: NDArray[np.int64],
    cells: NDArray[np.int64],
    blocks: int,
    debias: bool,
    total: Floats,
    leave_out: Floats,
) -> None:
    """Sums of e_j over pairs of snapshots: `gram_kernels.pair_means` before it divides.

    Parameters
    ----------
    snapshots : Snapshots
    scales : (m,) array
        c of the qubits used.
    qubits : (m,) array of int
    cells : (T, S) array of int
        ``t B + b`` of each snapshot, b its block.
    blocks : int
    debias : bool
    total : (k, T, T) array
    leave_out : (k, B or 0, T, T) array

    Notes
    -----
    ``6 k m (T S)^2`` operations in matrix products; memory ``16 (k + 2) T S^2 + 48 m T S`` bytes.
    """
    from scipy.sparse import coo_array

    times, shots, _ = snapshots.bases.shape
    kinds, size = len(total), times * shots
    bases = snapshots.bases[..., qubits].reshape(size, -1)
    outcomes = snapshots.outcomes[..., qubits].reshape(size, -1).astype(float)
    hot = np.concatenate([(bases == b).astype(float) for b in range(3)], axis=1)
    signed = hot * np.tile(outcomes, 3)
    columns = np.tile(scales, 3)
    draws = np.arange(size) if snapshots.draws is None else snapshots.draws.reshape(-1)
    weights = np.ones(size) if snapshots.weights is None else snapshots.weights.reshape(-1)
    flat = cells.reshape(-1)
    into = coo_array((weights, (np.arange(size), flat)), (size, times * blocks)).tocsr()
    for t in range(times):
        here = slice(t * shots, (t + 1) * shots)
        powers = []
        for i in range(1, kinds + 1):
            rows = signed if i % 2 else hot
            powers.append((rows[here] * columns ** (2 * i)) @ rows.T)
        elementary = [np.ones((shots, size))]
        for j in range(1, kinds + 1):
            terms = [(-1) ** (i - 1) * elementary[j - i] * powers[i - 1] for i in range(1, j + 1)]
            elementary.append(np.sum(terms, axis=0) / j)
        pick = np.equal.outer(np.arange(blocks), flat[here] - t * blocks) * weights[here]
        keep = draws[here][:, None] != draws if debias else np.ones((shots, size), bool)
        for j in range(kinds):
            table = (pick @ ((elementary[j + 1] * keep) @ into)).reshape(blocks, times, blocks)
            total[j, t] = table.sum(axis=(0, 2))
            for b in range(leave_out.shape[1]):
                out = table[b].sum(axis=1) + table[:, :, b].sum(axis=0) - table[b, :, b]
                leave_out[j, b, t] = total[j, t] - out
