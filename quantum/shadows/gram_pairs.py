"""Pairs of snapshots in plain array operations: the form of the Gram kernel for other libraries.

With bases as one-hot rows B (N, 3 n) and the outcome in the place of the one, S = o B, all pairs
have ``M = B B^T`` equal bases and ``D = S S^T`` for agreeing minus opposite outcomes: two matrix
products, of small integers that float32 holds exactly.
"""

from typing import Any

from rankloom.tn.arrays import Array, namespace


def pair_values(bases: Array, outcomes: Array, max_locality: int) -> list[Array]:
    """``K_j`` of all pairs of N snapshots, see `rankloom.quantum.shadows.gram_kernels`.

    Parameters
    ----------
    bases, outcomes : (N, n) array of float
        0, 1, 2 and +-1, in any array library.
    max_locality : int

    Returns
    -------
    list of (N, N) array
        K_1 .. K_k. Float64 holds the integers exactly while ``n C(n, j) < 2^53``.

    Notes
    -----
    ``2 (3 n) N^2`` multiplications, and ``k + 2`` matrices of N^2 numbers.

    Examples
    --------
    Three equal bases, outcomes equal on two qubits and opposite on one:

    >>> import numpy as np
    >>> k1, k2, k3 = pair_values(np.zeros((2, 3)), np.array([[1.0, 1, 1], [1, 1, -1]]), 3)
    >>> float(k1[0, 1]), float(k2[0, 1]), float(k3[0, 1])
    (1.0, -1.0, -1.0)
    """
    xp: Any = namespace(bases, outcomes)
    hot = xp.concat([xp.astype(bases == b, outcomes.dtype) for b in (0, 1, 2)], axis=1)
    signed = hot * xp.concat([outcomes] * 3, axis=1)
    equal, difference = hot @ hot.mT, signed @ signed.mT
    before, now, found = xp.ones_like(equal), difference, [difference]
    for j in range(1, max_locality):
        after = xp.round((difference * now - (equal - (j - 1)) * before) / (j + 1))
        before, now = now, after
        found.append(after)
    return found
