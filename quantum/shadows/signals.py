"""The enumerated way: every signal of every string by itself, for audits and for few observables.

Where the Gram kernel knows sums over all strings only, this pass makes each signal, standardises
it, tests it for time dependence and keeps or drops it, as the published procedure does, and names
the strings that carry a line. Signals come in blocks, so memory does not grow with their number.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.shadows.checks import locality, locality_weights, qubit_mask
from rankloom.quantum.shadows.gram import Gram
from rankloom.quantum.shadows.lines import constant_and_lines
from rankloom.quantum.shadows.snapshots import Snapshots
from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer

_BLOCK_BYTES = 2**21  # signals of one block: they stay in the cache
_LARGEST = 10**9


@dataclass(frozen=True, eq=False)
class Signals:
    """What an enumeration kept.

    Attributes
    ----------
    gram : Gram
        Of the kept signals, without leave-out blocks; ``gram.observables`` counts them.
    examined, kept : (k,) array of int
        Strings of each locality, and those whose signals were kept.
    standardised : bool
    """

    gram: Gram
    examined: NDArray[np.int64]
    kept: NDArray[np.int64]
    standardised: bool

    def __repr__(self) -> str:
        return f"Signals(kept={self.kept.sum():,} of {self.examined.sum():,})"


@dataclass(frozen=True)
class Carrier:
    """A string and what it does at one frequency: ``amplitude cos(w t + phase)``.

    `score` is the power at the frequency over that of shot noise, ``3^j / S``.
    """

    letters: str
    sites: tuple[int, ...]
    amplitude: float
    phase: float
    score: float


def signals(
    snapshots: Snapshots,
    max_locality: int,
    *,
    standardise: bool = True,
    significance: float | None = 0.05,
    lags: int = 10,
    weights: Any = None,
    qubits: Any = None,
) -> Signals:
    """Gram matrix of the signals of all strings of locality 1..k, one after another.

    Parameters
    ----------
    snapshots : Snapshots
    max_locality : int
    standardise : bool, default True
        Centre each signal and divide it by its standard deviation; constant ones are dropped.
        False keeps all of them raw: the matrices then equal those of ``gram(.., debias=False)``.
    significance : float or None, default 0.05
        Keep standardised signals whose Ljung-Box test rejects white noise at this level; None keeps
        all. At few shots the test passes noise of negative correlation too, and None is better.
    lags : int, default 10
        Of the test. One lag alone is blind to lines at half the Nyquist frequency.
    weights : (k,) array_like, optional
        Of the localities in ``gram.matrix``; default: 1 when standardised, else ``9^-j``.
    qubits : sequence of int, optional
        Use strings on these qubits only.

    Returns
    -------
    Signals

    Raises
    ------
    ValueError
        More than 1e9 strings, lags or a significance out of range.

    Notes
    -----
    For N strings ``O(N T (S + h + T))``, of which the last term counts kept ones only. A block
    of signals is in memory at a time, 2 MiB. Procedure: arXiv:2212.11036.

    Examples
    --------
    >>> times = np.arange(40) * 0.2
    >>> states = [np.array([1, np.exp(-2j * t)]) / np.sqrt(2) for t in times]
    >>> found = signals(Snapshots.measure(states, times, 100, rng=0), 1)
    >>> found.kept.tolist(), found.examined.tolist()  # X and Y oscillate, Z does not
    ([2], [3])
    """
    k, chosen = _checked(snapshots, max_locality, qubits)
    times = len(snapshots.times)
    lags = integer("lags", lags, 1)
    if standardise and significance is not None and lags >= times:
        raise ValueError(f"`lags` = {lags} must be below the {times} times.")
    if significance is not None and not 0 < significance < 1:
        raise ValueError(f"`significance` = {significance} must lie between 0 and 1, or be None.")
    if weights is None and standardise:
        weights = np.ones(k)
    w = locality_weights(weights, k)
    threshold = -1.0
    if standardise and significance is not None:
        from scipy.stats import chi2

        threshold = float(chi2.isf(significance, lags))
    total = np.zeros((k, times, times))
    kept, examined = np.zeros(k, np.int64), np.zeros(k, np.int64)
    dtype = np.float32 if standardise else np.float64
    with one_blas_thread():
        for j in range(1, k + 1):
            for _, block in _blocks(snapshots, chosen, j, dtype):
                rows = block.reshape(-1, times)
                count = len(rows)
                examined[j - 1] += count
                if standardise:
                    from rankloom.quantum.shadows.signals_kernels import standardise as judge

                    count = judge(rows, lags, threshold)
                kept[j - 1] += count
                total[j - 1] += rows[:count].T @ rows[:count]
            if not standardise:
                total[j - 1] *= _scale(snapshots, j) ** 2
    empty = np.empty((k, 0, times, times))
    matrix = Gram(total, w, snapshots.times, empty, int(kept.sum()), False)
    return Signals(matrix, examined, kept, standardise)


def carriers(
    snapshots: Snapshots,
    frequency: float,
    max_locality: int,
    count: int = 10,
    *,
    qubits: Any = None,
) -> list[Carrier]:
    """The strings that carry a line, best first.

    Parameters
    ----------
    snapshots : Snapshots
    frequency : float
        Of the line, ``spectrum(..).peaks[i].gap``.
    max_locality : int
    count : int, default 10
    qubits : sequence of int, optional

    Returns
    -------
    list of Carrier
        By `score`: the power of the least-squares fit of a constant, a cosine and a sine, over that
        of the noise of that locality.

    Examples
    --------
    >>> times = np.arange(40) * 0.2
    >>> states = [np.array([1, np.exp(-2j * t)]) / np.sqrt(2) for t in times]
    >>> first, second, _ = carriers(Snapshots.measure(states, times, 200, rng=0), 2.0, 1)
    >>> sorted([first.letters, second.letters])
    ['X', 'Y']
    """
    k, chosen = _checked(snapshots, max_locality, qubits)
    count = integer("count", count, 1)
    t = snapshots.times - snapshots.times.mean()
    basis = constant_and_lines(snapshots.times, [frequency])[:, 1:]
    wave = np.stack([np.cos(frequency * t), np.sin(frequency * t)], axis=1)
    wave = wave - wave.mean(axis=0)
    solve = np.linalg.pinv(wave)
    turn = frequency * snapshots.times.mean()
    best: list[tuple[float, Carrier]] = []
    with one_blas_thread():
        for j in range(1, k + 1):
            scale = _scale(snapshots, j)
            noise = 3.0**j * float(np.prod(np.full(j, snapshots.scales.mean() ** 2)))
            for supports, block in _blocks(snapshots, chosen, j, np.float64):
                rows = block.reshape(-1, len(t))
                power = ((rows @ basis) ** 2).sum(axis=1) * scale**2
                score = power * snapshots.shots / noise
                for row in np.argsort(score)[-count:]:
                    a, b = solve @ rows[row] * scale
                    digits = np.base_repr(row % 3**j, 3).zfill(j)
                    found = Carrier(
                        "".join("XYZ"[int(d)] for d in digits),
                        tuple(supports[row // 3**j].tolist()),
                        math.hypot(a, b),
                        math.remainder(math.atan2(-b, a) - turn, 2 * math.pi),
                        float(score[row]),
                    )
                    best.append((found.score, found))
                best = sorted(best, key=lambda pair: -pair[0])[:count]
    return [found for _, found in best]


def all_estimates(
    snapshots: Snapshots, locality: int, time_index: int = 0, *, qubits: Any = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Estimates of all strings of one locality at one time, as `estimate_pauli` gives each.

    Parameters
    ----------
    snapshots : Snapshots
    locality : int
        j.
    time_index : int, default 0
    qubits : sequence of int, optional
        Use strings on these qubits only.

    Returns
    -------
    sites : (m, j) array of int
        All sets of j qubits.
    values : (m, 3^j) array
        Column by letters: XX..X, XX..Y, .., ZZ..Z, as digits of base 3.

    Notes
    -----
    A few nanoseconds a string; ``8 3^j C(n, j)`` bytes.

    Examples
    --------
    >>> snapshots = Snapshots([[[2, 2], [2, 0], [2, 2]]], [[[1, -1], [1, 1], [-1, 1]]], [0.0])
    >>> sites, values = all_estimates(snapshots, 2)
    >>> sites.tolist(), float(values[0, 8])  # ZZ
    ([[0, 1]], -6.0)
    """
    j, chosen = _checked(snapshots, locality, qubits)
    t = integer("time_index", time_index, 0)
    if t >= len(snapshots.times):
        raise ValueError(f"`time_index` = {t} exceeds the {len(snapshots.times)} times.")
    one = snapshots.select(times=slice(t, t + 1))
    sites, values = [], []
    for supports, block in _blocks(one, chosen, j, np.float64):
        sites.append(supports)
        values.append(block[..., 0] * _scale(snapshots, j))
    return np.concatenate(sites), np.concatenate(values)


def _checked(snapshots: Snapshots, max_locality: int, qubits: Any) -> tuple[int, NDArray[np.int64]]:
    if not isinstance(snapshots, Snapshots):
        raise TypeError(f"`snapshots` must be Snapshots, got {type(snapshots).__name__}.")
    chosen = np.flatnonzero(qubit_mask(qubits, snapshots.n_qubits))
    k = locality(max_locality, len(chosen))
    strings = sum(3**j * math.comb(len(chosen), j) for j in range(1, k + 1))
    if strings > _LARGEST:
        raise ValueError(
            f"`max_locality` = {k} means {strings:.2g} strings; more than {_LARGEST:.0e} are not "
            "enumerated. Use `gram`, which needs none of them, or a few `qubits`."
        )
    if np.ptp(snapshots.scales[chosen]) > 0:
        raise ValueError("`readout_error` differs between the qubits used; take their mean.")
    return k, chosen


def _scale(snapshots: Snapshots, j: int) -> float:
    """From sums of products of outcomes to estimates."""
    return float((3.0 * snapshots.scales[0]) ** j / snapshots.shots)


def _blocks(
    snapshots: Snapshots, chosen: NDArray[np.int64], j: int, dtype: Any
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Supports (m, j) and sums of products of outcomes (m, 3^j, T); the array is used again."""
    from rankloom.quantum.shadows.signals_kernels import count_signals

    times, shots, n = snapshots.bases.shape
    bases = np.ascontiguousarray(snapshots.bases.reshape(-1, n).T)
    outcomes = np.ascontiguousarray(snapshots.outcomes.reshape(-1, n).T).astype(dtype)
    weighted = outcomes
    if snapshots.weights is not None:
        weighted = outcomes * snapshots.weights.reshape(-1).astype(dtype)
    row = 3**j * times * np.dtype(dtype).itemsize
    size = max(1, _BLOCK_BYTES // row)
    out = np.empty((size, 3**j, times), dtype)
    # the last qubit of a support carries the weight of the snapshot
    stacked = np.concatenate([outcomes, weighted]) if weighted is not outcomes else outcomes
    doubled = np.concatenate([bases, bases]) if weighted is not outcomes else bases
    source = combinations(chosen.tolist(), j)
    while group := list(islice(source, size)):
        supports = np.array(group, dtype=np.int64)
        places = supports.copy()
        if weighted is not outcomes:
            places[:, -1] += n
        block = out[: len(group)]
        count_signals(doubled, stacked, places, shots, block)
        yield supports, block
