"""Initial states with weight on the levels whose gaps are asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.shadows.operators import as_operator
from rankloom.tn import MPO, MPS, SpinChain, ground_state, reference
from rankloom.tn.checks import integer

DENSE_SITES = 14
_DEGENERATE = 1e-9
_MARGIN = 8  # levels beyond the last one asked for, so that its multiplet is whole


def level_superposition(
    chain: Any,
    levels: Sequence[int] = (0, 1),
    weights: Sequence[complex] | None = None,
    *,
    max_bond: int = 64,
    rng: np.random.Generator | int | None = 0,
) -> MPS:
    """``sum_j w_j |E_j>`` of some energy levels, normalised: by default ``(|E0> + |E1>) / sqrt 2``.

    Parameters
    ----------
    chain : SpinChain, MPO or Pauli sum
        See `rankloom.quantum.shadows.operators.as_operator`.
    levels : sequence of int
        Counted from 0, copies of degenerate levels one by one.
    weights : sequence of complex, optional
        Amplitudes; default equal ones.
    max_bond : int, default 64
        Of the search beyond 14 sites.
    rng : Generator, seed or None, default 0
        Start of that search.

    Returns
    -------
    MPS

    Raises
    ------
    ValueError
        Levels that repeat, are not there, or as many weights as levels are missing.

    Notes
    -----
    Up to 14 sites by diagonalisation; copies of a degenerate level are eigenvectors of the total
    S^z, those of smallest ``|S^z|`` first. Beyond, by DMRG with penalties on lower levels:
    levels that nearly coincide may come mixed or in another order, so prefer the lowest ones.

    Examples
    --------
    >>> chain = SpinChain.ising(8, 1.0, 1.2)
    >>> psi = level_superposition(chain)
    >>> energies, _ = reference.spectrum(chain, 2)
    >>> bool(abs(psi.expectation(chain.mpo()) - energies.mean()) < 1e-9)
    True
    """
    operator = as_operator(chain)
    chosen = [integer("levels", k, 0) for k in levels]
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError(f"`levels` must be different levels, got {tuple(levels)}.")
    amplitudes = np.ones(len(chosen)) if weights is None else np.asarray(weights)
    if amplitudes.shape != (len(chosen),) or not np.any(amplitudes):
        raise ValueError(f"`weights` must hold {len(chosen)} numbers, one for each level.")
    n = operator.n_sites
    if max(chosen) >= 2**n:
        raise ValueError(f"`levels` names level {max(chosen)}, but there are {2**n} of them.")
    if n <= DENSE_SITES:
        vectors = _resolved(operator, max(chosen) + 1)
        vector = vectors[:, chosen] @ amplitudes
        return MPS.from_dense(vector / np.linalg.norm(vector))
    found: list[MPS] = []
    for _ in range(max(chosen) + 1):
        found.append(ground_state(operator, max_bond, orthogonal_to=found, rng=rng).state)
    psi = complex(amplitudes[0]) * found[chosen[0]]
    for factor, k in zip(amplitudes[1:], chosen[1:], strict=True):
        psi = psi + complex(factor) * found[k]
    return psi.normalize().compress(cutoff=1e-14).state.normalize()


def _resolved(operator: SpinChain | MPO, count: int) -> NDArray[Any]:
    """Eigenvectors, those of a degenerate level sorted by ``|S^z|``, with a fixed phase."""
    size = 2**operator.n_sites
    energies, vectors = reference.spectrum(operator, min(count + _MARGIN, size))
    bits = (np.arange(size)[:, None] >> np.arange(operator.n_sites)) & 1
    total = operator.n_sites - 2.0 * bits.sum(axis=1)
    scale = max(1.0, float(np.ptp(energies)))
    start = 0
    vectors = vectors.copy()
    while start < len(energies):
        stop = start + 1
        while stop < len(energies) and energies[stop] - energies[stop - 1] < _DEGENERATE * scale:
            stop += 1
        if stop - start > 1:
            group = vectors[:, start:stop]
            spins, turn = np.linalg.eigh(group.conj().T @ (total[:, None] * group))
            order = np.argsort(np.round(abs(spins), 6) - 1e-3 * np.sign(np.round(spins, 6)))
            vectors[:, start:stop] = group @ turn[:, order]
        start = stop
    pivots = vectors[abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.asarray(vectors * (abs(pivots) / pivots))
