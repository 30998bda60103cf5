"""Noise of a device, put on simulated snapshots.

Every channel here turns the measurement of a Pauli matrix into a random change of its outcome, so
it acts on snapshots exactly as it would on the state before they were taken.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.shadows.snapshots import Rng, Snapshots

_COIN = np.array([-1, 1], np.int8)


def add_noise(
    snapshots: Snapshots,
    *,
    depolarizing: ArrayLike = 0.0,
    local_depolarizing: ArrayLike = 0.0,
    damping: ArrayLike = 0.0,
    readout: ArrayLike = 0.0,
    rng: Rng = None,
) -> Snapshots:
    """Snapshots as a noisy device would have given them.

    Each strength is a number, or a (T,) array, as ``1 - exp(-rate t)`` for growing circuits.

    Parameters
    ----------
    snapshots : Snapshots
    depolarizing : float or (T,) array_like
        Probability that a whole snapshot is random: expectation values shrink by 1 - p.
    local_depolarizing : float or (T,) array_like
        The same for each qubit by itself: by ``(1 - p)^j`` for locality j.
    damping : float or (T,) array_like
        Amplitude damping towards bit 0 on every qubit: X and Y shrink by ``sqrt(1 - p)``, Z
        becomes ``(1 - p) Z + p``.
    readout : float or (T,) array_like
        Probability that a bit is flipped.
    rng : Generator, seed or None

    Returns
    -------
    Snapshots

    Raises
    ------
    ValueError
        A strength outside 0..1 or of another shape.

    Examples
    --------
    >>> up = np.array([1.0, 0.0])
    >>> clean = Snapshots.measure([up], [0.0], 3000, rng=0)
    >>> noisy = add_noise(clean, readout=0.25, rng=1)
    >>> round(float(noisy.outcomes[noisy.bases == 2].mean()), 1)
    0.5
    """
    rng = np.random.default_rng(rng)
    whole = _strength("depolarizing", depolarizing, snapshots)
    local = _strength("local_depolarizing", local_depolarizing, snapshots)
    decay = _strength("damping", damping, snapshots)
    flips = _strength("readout", readout, snapshots)
    outcomes = snapshots.outcomes.copy()
    shape = outcomes.shape
    z = snapshots.bases == 2
    fallen = rng.random(shape) < np.where(z, decay, 1.0 - np.sqrt(1.0 - decay))
    outcomes[fallen] = np.where(z, np.int8(1), rng.choice(_COIN, shape))[fallen]
    random = (rng.random(shape) < local) | (rng.random((*shape[:2], 1)) < whole)
    outcomes[random] = rng.choice(_COIN, shape)[random]
    outcomes[rng.random(shape) < flips] *= -1
    return Snapshots(
        snapshots.bases,
        outcomes,
        snapshots.times,
        snapshots.weights,
        snapshots.draws,
        snapshots.readout_error,
    )


def _strength(name: str, values: ArrayLike, snapshots: Snapshots) -> NDArray[np.float64]:
    """Probabilities of shape (T, 1, 1)."""
    found = np.asarray(values, dtype=float)
    times = len(snapshots.times)
    if found.shape not in ((), (times,)) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"`{name}` must hold probabilities 0..1, one or {times}, got {values!r}.")
    return np.array(np.broadcast_to(found, (times,)))[:, None, None]
