"""Snapshots: what randomised measurements leave behind, times by shots by qubits.

At each of T times a fresh state is measured S times, every qubit in its own basis X, Y or Z. A
snapshot with bases b and outcomes o estimates any Pauli string P of locality j (its number of
letters other than I) by ``prod 3 o_q`` where all letters of P were measured, and by 0 otherwise:
without bias, with the variance ``3^j - <P>^2`` (H.-Y. Huang, R. Kueng, J. Preskill,
arXiv:2002.08953).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.shadows.checks import shot_table, uniform_times
from rankloom.tn import MPS, Samples, sample
from rankloom.tn.arrays import read_only, to_host
from rankloom.tn.checks import integer
from rankloom.tn.hdf5 import reading, writing

FORMAT = "rankloom.snapshots"
VERSION = 1
MAX_QUBITS = 1024

Rng = np.random.Generator | int | None
_OPTIONAL = ("weights", "draws", "readout_error")


@dataclass(frozen=True, eq=False)
class Snapshots:
    """Randomised single-qubit measurements at equally spaced times.

    Parameters
    ----------
    bases : (T, S, n) array of int
        0, 1, 2 for X, Y, Z; at most 1024 qubits.
    outcomes : (T, S, n) array of int
        +1 or -1; +1 is bit 0.
    times : (T,) array
        Ascending, equally spaced.
    weights : (T, S) array, optional
        Signed weight of every snapshot, such that the weighted mean over the shots is unbiased
        (quasi-probabilities of a randomised circuit). Default: 1.
    draws : (T, S) array of int, optional
        Snapshots with the same number share one draw of the random bases, at one time or at
        several. Default: every snapshot has a draw of its own. Their products are biased, so
        debiased quantities leave them out.
    readout_error : float or (n,) array, optional
        Probability that a bit is read wrongly, the same for 0 and 1. Estimates are then scaled by
        ``1 / (1 - 2 p)`` for every letter.

    Raises
    ------
    TypeError, ValueError
        Wrong shapes or values, times that are not equally spaced, more than 1024 qubits.

    Notes
    -----
    ``2 T S n`` bytes.

    Examples
    --------
    >>> bases = np.full((2, 3, 2), 2)
    >>> snapshots = Snapshots(bases, np.ones((2, 3, 2), int), times=[0.0, 0.5])
    >>> snapshots
    Snapshots(times=2, dt=0.5, shots=3, n=2)
    """

    bases: NDArray[np.uint8]
    outcomes: NDArray[np.int8]
    times: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    draws: NDArray[np.int64] | None = None
    readout_error: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        bases, outcomes = np.array(self.bases), np.array(self.outcomes)
        if bases.ndim != 3 or bases.shape != outcomes.shape or bases.size == 0:
            raise ValueError(
                "`bases` and `outcomes` need one shape (times, shots, qubits), got "
                f"{bases.shape} and {outcomes.shape}."
            )
        if bases.shape[2] > MAX_QUBITS:
            raise ValueError(
                f"`bases` has {bases.shape[2]} qubits; the limit is {MAX_QUBITS}. Keep a part of "
                "them, bases[..., :1024]."
            )
        if not np.isin(bases, (0, 1, 2)).all():
            raise ValueError("`bases` must hold 0, 1, 2 for X, Y, Z.")
        if not np.isin(outcomes, (1, -1)).all():
            raise ValueError("`outcomes` must hold +1 and -1.")
        fields: dict[str, Any] = {
            "bases": bases.astype(np.uint8),
            "outcomes": outcomes.astype(np.int8),
            "times": uniform_times(self.times, len(bases)),
            "weights": shot_table("weights", self.weights, bases.shape[:2], np.float64),
            "draws": shot_table("draws", self.draws, bases.shape[:2], np.int64),
            "readout_error": _flips(self.readout_error, bases.shape[2]),
        }
        self._set(fields)

    def _set(self, fields: dict[str, Any]) -> None:
        for name, values in fields.items():
            if values is not None:
                (values,) = read_only([values])
            object.__setattr__(self, name, values)

    @classmethod
    def stack(cls, samples: Iterable[Samples], times: ArrayLike, **fields: Any) -> Self:
        """Put `tn.sample` results together, one for each time, with one number of shots.

        `fields` are `weights`, `draws` and `readout_error`.

        Examples
        --------
        >>> shots = [sample(MPS.product("01"), 5, "random-pauli", rng) for rng in range(3)]
        >>> Snapshots.stack(shots, times=[0, 1, 2]).shots
        5
        """
        samples = list(samples)
        if not samples or any(not isinstance(s, Samples) for s in samples):
            raise TypeError("`samples` must hold `Samples`, as `rankloom.tn.sample` returns them.")
        shapes = {s.bases.shape for s in samples}
        if len(shapes) > 1:
            raise ValueError(
                "`samples` must all have the same shots and sites, got (shots, n) = "
                f"{sorted(shapes)}."
            )
        bases = np.stack([s.bases for s in samples])
        return cls(bases, np.stack([s.outcomes for s in samples]), np.asarray(times), **fields)

    @classmethod
    def measure(
        cls,
        states: Iterable[Any],
        times: ArrayLike,
        shots: int,
        rng: Rng = None,
        shots_per_basis: int = 1,
    ) -> Self:
        """Simulate the measurements of one state for each time.

        Parameters
        ----------
        states : iterable of MPS, (2^n,) array or qiskit Statevector
            Consumed one by one, so a generator keeps one state in memory. Vectors have site 0
            slowest; a `Statevector` keeps its own order, qubit i is site i.
        times : (T,) array_like
        shots : int
            Snapshots at each time.
        rng : Generator, seed or None
        shots_per_basis : int, default 1
            So many consecutive shots share one draw of the bases; divides `shots`.

        Examples
        --------
        >>> plus = np.full(4, 0.5)
        >>> snapshots = Snapshots.measure([plus, plus], [0, 1], shots=4, rng=0)
        >>> bool((snapshots.outcomes[snapshots.bases == 0] == 1).all())
        True
        """
        shots, each = integer("shots", shots, 1), integer("shots_per_basis", shots_per_basis, 1)
        if shots % each:
            raise ValueError(f"`shots_per_basis` = {each} does not divide `shots` = {shots}.")
        rng = np.random.default_rng(rng)
        found = []
        for state in states:
            psi = as_mps(state)
            drawn = rng.integers(0, 3, (shots // each, psi.n_sites), dtype=np.uint8)
            found.append(sample(psi, shots, np.repeat(drawn, each, axis=0), rng))
        labels = np.repeat(np.arange(len(found) * (shots // each)), each)
        draws = labels.reshape(len(found), shots) if each > 1 else None
        return cls.stack(found, times, draws=draws)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote; see `rankloom.tn.hdf5.reading` for what is refused."""
        with reading(path, FORMAT, VERSION, "Snapshots", "`Snapshots.save`") as file:
            found = {name: np.asarray(file[name]) for name in ("bases", "outcomes", "times")}
            found |= {name: np.asarray(file[name]) for name in _OPTIONAL if name in file}
        return cls(**found)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file, whole or not at all: one data set for each field."""
        with writing(path, FORMAT, VERSION) as file:
            for name in ("bases", "outcomes", "times", *_OPTIONAL):
                if getattr(self, name) is not None:
                    file[name] = getattr(self, name)

    def select(self, times: Any = slice(None), shots: Any = slice(None)) -> Self:
        """The snapshots of some times (equally spaced) and some shots.

        `shots` is a slice or (S',) indices for all times, or (T', S') indices, one row for each
        time; indices may come more than once, as a bootstrap takes them.
        """
        new = object.__new__(type(self))
        chosen = np.arange(len(self.times))[times][:, None]
        picked = np.arange(self.shots)[shots] if isinstance(shots, slice) else np.asarray(shots)
        fields: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[chosen, picked]
            for name in ("bases", "outcomes", "weights", "draws")
        }
        fields["times"] = uniform_times(self.times[times], len(chosen))
        fields["readout_error"] = self.readout_error
        new._set(fields)
        return new

    @property
    def n_qubits(self) -> int:
        """Number of qubits n."""
        n: int = self.bases.shape[2]
        return n

    @property
    def shots(self) -> int:
        """Snapshots at each time, S."""
        s: int = self.bases.shape[1]
        return s

    @property
    def dt(self) -> float:
        """Spacing of the times; infinite for a single one."""
        t = self.times
        return float((t[-1] - t[0]) / (len(t) - 1)) if len(t) > 1 else float("inf")

    @property
    def scales(self) -> NDArray[np.float64]:
        """What every letter on a qubit multiplies an estimate by beside 3, (n,)."""
        if self.readout_error is None:
            return np.ones(self.n_qubits)
        return 1.0 / (1.0 - 2.0 * self.readout_error)

    def __repr__(self) -> str:
        return (
            f"Snapshots(times={len(self.times)}, dt={self.dt:g}, shots={self.shots}, "
            f"n={self.n_qubits})"
        )

    def _repr_html_(self) -> str:
        rows = {
            "times": f"{len(self.times)}, {self.times[0]:g} to {self.times[-1]:g}",
            "shots at each": str(self.shots),
            "qubits": str(self.n_qubits),
            "bases shared": "no" if self.draws is None else "by some snapshots",
            "memory": f"{2 * self.bases.nbytes / 2**20:.2f} MiB",
        }
        cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table><caption>Snapshots</caption>{cells}</table>"


def as_mps(state: Any) -> MPS:
    """A state of qubits as MPS of norm one, from an MPS, a dense vector or a `Statevector`."""
    if isinstance(state, MPS):
        return state
    if type(state).__name__ == "Statevector":
        return MPS.from_qiskit(state)
    vector = to_host(state)
    n = max(vector.size - 1, 0).bit_length()
    if vector.ndim != 1 or vector.size != 2**n or n < 1:
        raise ValueError(
            "a state must be an MPS, a qiskit Statevector or a vector of 2^n amplitudes, got "
            f"shape {vector.shape}."
        )
    return MPS.from_dense(vector)


def _flips(values: Any, n: int) -> NDArray[np.float64] | None:
    if values is None:
        return None
    out = np.array(np.broadcast_to(np.asarray(values, dtype=float), (n,)))
    if not ((out >= 0) & (out < 0.5)).all():
        raise ValueError(
            "`readout_error` must hold probabilities 0 <= p < 1/2, one or one per qubit; at 1/2 a "
            "bit says nothing."
        )
    return out
