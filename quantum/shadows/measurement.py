"""Randomised measurements on a device through Qiskit: circuits to run, snapshots from results.

A measurement of X, Y or Z is two rotations before a measurement of Z, and only their angles differ
between snapshots. So each time needs one circuit with free angles and an array of values, which a
sampler takes as one PUB and which is transpiled once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.export import outcomes_from_qiskit
from rankloom.quantum.shadows.snapshots import Rng, Snapshots
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_QUARTER = -np.pi / 2
# Rz then Ry that turn the eigenstate of X, Y, Z with outcome +1 into |0>
_ANGLES = np.array([[0.0, _QUARTER], [_QUARTER, _QUARTER], [0.0, 0.0]])


@dataclass(frozen=True, eq=False)
class MeasurementCircuits:
    """One circuit with free angles, and their values for every draw of the bases.

    Attributes
    ----------
    circuit : QuantumCircuit
        The given one, ``rz`` and ``ry`` on every qubit, and all qubits measured into ``meas``.
    parameter_values : (draws, parameters) array
        Columns in the order of ``circuit.parameters``.
    bases : (draws, n) array of uint8
    shots_per_basis : int
    """

    circuit: "QuantumCircuit"
    parameter_values: NDArray[np.float64]
    bases: NDArray[np.uint8]
    shots_per_basis: int

    @property
    def pub(self) -> "tuple[QuantumCircuit, NDArray[np.float64], int]":
        """What ``SamplerV2.run([pub])`` takes."""
        return self.circuit, self.parameter_values, self.shots_per_basis

    def __repr__(self) -> str:
        return (
            f"MeasurementCircuits(n={self.bases.shape[1]}, draws={len(self.bases)}, "
            f"shots_per_basis={self.shots_per_basis})"
        )


def measurement_circuits(
    circuit: "QuantumCircuit", shots: int, rng: Rng = None, shots_per_basis: int = 1
) -> MeasurementCircuits:
    """The measurements of one time: one circuit and the angles of all snapshots.

    Parameters
    ----------
    circuit : QuantumCircuit
        Prepares the state of that time; without free parameters and measurements.
    shots : int
        Snapshots.
    rng : Generator, seed or None
        Of the bases.
    shots_per_basis : int, default 1
        So many shots share a draw of the bases; divides `shots`. More make the run cheaper on
        devices that charge for settings, and the estimates noisier.

    Returns
    -------
    MeasurementCircuits

    Raises
    ------
    TypeError, ValueError
        Not a circuit, free parameters, classical bits, or shots that do not fit.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> measurement_circuits(QuantumCircuit(3), shots=10, rng=0)
    MeasurementCircuits(n=3, draws=10, shots_per_basis=1)
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector

    if not isinstance(circuit, QuantumCircuit):
        raise TypeError(f"`circuit` must be a qiskit QuantumCircuit, got {type(circuit).__name__}.")
    if circuit.parameters or circuit.num_clbits:
        raise ValueError(
            f"`circuit` has {len(circuit.parameters)} free parameters and {circuit.num_clbits} "
            "classical bits; bind the parameters and leave measurements out."
        )
    shots, each = integer("shots", shots, 1), integer("shots_per_basis", shots_per_basis, 1)
    if shots % each:
        raise ValueError(f"`shots_per_basis` = {each} does not divide `shots` = {shots}.")
    n = circuit.num_qubits
    turns = [ParameterVector(f"shadow_{axis}", n) for axis in "zy"]
    measured = circuit.copy()
    for qubit in range(n):
        measured.rz(turns[0][qubit], qubit)
        measured.ry(turns[1][qubit], qubit)
    measured.measure_all()
    bases = np.random.default_rng(rng).integers(0, 3, (shots // each, n), dtype=np.uint8)
    places = {turns[a][q]: (q, a) for q in range(n) for a in range(2)}
    order = np.array([places[p] for p in measured.parameters])
    values = _ANGLES[bases][:, order[:, 0], order[:, 1]]
    return MeasurementCircuits(measured, values, bases, each)


def snapshots_from_qiskit(
    results: Sequence[Any],
    measurements: Sequence[MeasurementCircuits],
    times: ArrayLike,
    readout_error: Any = None,
) -> Snapshots:
    """Snapshots from what a sampler returned, one result and one measurement for each time.

    Parameters
    ----------
    results : sequence
        For each time the bits of its PUB: a `BitArray` (``result[t].data.meas``), or one
        dictionary of counts for each draw of the bases.
    measurements : sequence of MeasurementCircuits
    times : (T,) array_like
    readout_error : float or (n,) array_like, optional
        See `Snapshots`.

    Raises
    ------
    ValueError
        Numbers that do not fit each other, or bit strings of another length.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> from qiskit.primitives import StatevectorSampler
    >>> runs = [measurement_circuits(QuantumCircuit(2), 5, rng=t) for t in range(3)]
    >>> job = StatevectorSampler(seed=np.random.default_rng(0)).run([m.pub for m in runs])
    >>> snapshots_from_qiskit([r.data.meas for r in job.result()], runs, [0, 1, 2])
    Snapshots(times=3, dt=1, shots=5, n=2)
    """
    results, measurements = list(results), list(measurements)
    if not measurements or len(results) != len(measurements):
        raise ValueError(
            f"`results` and `measurements` need one entry for each time, got {len(results)} and "
            f"{len(measurements)}."
        )
    bases, outcomes, draws, first = [], [], [], 0
    for t, (result, made) in enumerate(zip(results, measurements, strict=True)):
        count, n = made.bases.shape
        found = outcomes_from_qiskit(result, n)
        if found.shape[:2] != (count, made.shots_per_basis):
            raise ValueError(
                f"`results[{t}]` has (settings, shots) = {found.shape[:2]}, but "
                f"`measurements[{t}]` asked for {(count, made.shots_per_basis)}."
            )
        bases.append(np.repeat(made.bases, made.shots_per_basis, axis=0))
        outcomes.append(found.reshape(-1, n))
        draws.append(np.repeat(np.arange(first, first + count), made.shots_per_basis))
        first += count
    if len({b.shape for b in bases}) > 1:
        raise ValueError("all times need one number of shots and of qubits.")
    labels = None if all(m.shots_per_basis == 1 for m in measurements) else np.stack(draws)
    return Snapshots(
        np.stack(bases),
        np.stack(outcomes),
        np.asarray(times),
        draws=labels,
        readout_error=readout_error,
    )
