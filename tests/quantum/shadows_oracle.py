"""Slow and obvious counterparts of shadow spectroscopy, one Pauli string after another."""

import itertools

import numpy as np

from rankloom.quantum import Snapshots


def strings(n, j, qubits=None):
    """All strings of locality j as (support, letters)."""
    for support in itertools.combinations(range(n) if qubits is None else qubits, j):
        for letters in itertools.product(range(3), repeat=j):
            yield support, letters


def estimates(snapshots, j, qubits=None):
    """Single-shot estimates of all strings of locality j, (strings, T, S)."""
    bases, outcomes = snapshots.bases, snapshots.outcomes.astype(float)
    weights = 1.0 if snapshots.weights is None else snapshots.weights
    found = []
    for support, letters in strings(snapshots.n_qubits, j, qubits):
        match = (bases[:, :, support] == letters).all(axis=2)
        scale = np.prod(3.0 * snapshots.scales[list(support)])
        found.append(weights * scale * match * outcomes[:, :, support].prod(axis=2))
    return np.array(found)


def gram_by_strings(snapshots, k, debias=False, qubits=None):
    """Gram matrices (k, T, T) from every string and every pair of snapshots."""
    times, shots = snapshots.bases.shape[:2]
    draws = np.arange(times * shots).reshape(times, shots)
    if snapshots.draws is not None:
        draws = snapshots.draws
    keep = np.ones((times, shots, times, shots))
    if debias:
        keep = (draws[:, :, None, None] != draws).astype(float)
    found = []
    for j in range(1, k + 1):
        values = estimates(snapshots, j, qubits)
        pairs = np.einsum("pts,pur->tsur", values, values) * keep
        found.append(pairs.sum(axis=(1, 3)) / keep.sum(axis=(1, 3)))
    return np.array(found)


def random_snapshots(times, shots, n, seed=0, **fields):
    """Outcomes of coins, in random bases: white noise."""
    rng = np.random.default_rng(seed)
    shape = (times, shots, n)
    fields = {
        name: value((times, shots)) if callable(value) else value for name, value in fields.items()
    }
    return Snapshots(
        rng.integers(0, 3, shape), rng.choice([-1, 1], shape), 0.25 * np.arange(times), **fields
    )
