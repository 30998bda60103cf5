"""Expectation values of single Pauli strings from snapshots."""

from typing import Any, NamedTuple

import numpy as np

from rankloom.quantum.shadows.snapshots import Snapshots
from rankloom.tn.checks import integer, site_index
from rankloom.tn.pauli import pauli


class PauliEstimate(NamedTuple):
    """A classical-shadow estimate and its standard error."""

    value: float
    error: float


def estimate_pauli(snapshots: Snapshots, op: str, sites: Any, time_index: int = 0) -> PauliEstimate:
    """Estimate of a Pauli string at one time.

    Parameters
    ----------
    snapshots : Snapshots
    op : str
        Letters I, X, Y, Z.
    sites : int or sequence of int
        Different qubits, one for each letter.
    time_index : int, default 0
        Index into ``snapshots.times``.

    Returns
    -------
    PauliEstimate
        ``value``, the mean of ``prod 3 o_q`` over all snapshots, zero where a letter was not
        measured: unbiased, not confined to [-1, 1]. ``error``, from the scatter of the means of
        draws of the bases; infinite where there is one draw only.

    Raises
    ------
    TypeError, ValueError
        Unknown letters, wrong sites or time.

    Examples
    --------
    >>> snapshots = Snapshots([[[2, 2], [2, 0], [2, 2]]], [[[1, -1], [1, 1], [-1, 1]]], [0.0])
    >>> estimate_pauli(snapshots, "ZZ", (0, 1)).value
    -6.0
    """
    pauli("op", op)
    n = snapshots.n_qubits
    chosen = [site_index("sites", k, n) for k in (sites if np.iterable(sites) else [sites])]
    if len(set(chosen)) != len(chosen) or len(chosen) != len(op):
        raise ValueError(f"`op` = {op!r} needs {len(op)} different sites, got {sites}.")
    t = integer("time_index", time_index, 0)
    if t >= len(snapshots.times):
        raise ValueError(f"`time_index` = {t} exceeds the {len(snapshots.times)} times.")
    pairs = [(k, "XYZ".index(c)) for k, c in zip(chosen, op, strict=True) if c != "I"]
    support, letters = [k for k, _ in pairs], [c for _, c in pairs]
    match = (snapshots.bases[t][:, support] == letters).all(axis=1)
    scale = float(np.prod(3.0 * snapshots.scales[support]))
    values = scale * match * snapshots.outcomes[t][:, support].prod(axis=1, dtype=np.int8)
    if snapshots.weights is not None:
        values = values * snapshots.weights[t]
    labels = np.arange(len(values)) if snapshots.draws is None else snapshots.draws[t]
    _, labels = np.unique(labels, return_inverse=True)
    sums = np.bincount(labels, weights=values)
    sizes = np.bincount(labels)
    value = float(values.mean())
    if len(sums) == 1:
        return PauliEstimate(value, float("inf") if support else 0.0)
    spread = float(((sums - sizes * value) ** 2).sum()) * len(sums) / (len(sums) - 1)
    return PauliEstimate(value, spread**0.5 / len(values))
