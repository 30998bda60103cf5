"""Circuits compiled from matrix product states, and what is read from their measurements."""

if __name__ != "rankloom.quantum":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.quantum` instead."
    )

from rankloom.quantum.aqc import Ansatz, CompiledState, brickwork_ansatz, compile_state
from rankloom.quantum.export import ansatz_from_qiskit, load_circuit, save_circuit, to_qiskit
from rankloom.quantum.shadows import (
    Carrier,
    Extrapolated,
    Gram,
    LevelScheme,
    MeasurementCircuits,
    PauliEstimate,
    Peak,
    ShadowSpectroscopy,
    Signals,
    Snapshots,
    Spectrum,
    add_noise,
    all_estimates,
    carriers,
    estimate_pauli,
    extrapolate_gaps,
    gram,
    level_scheme,
    level_superposition,
    measurement_circuits,
    shadow_spectroscopy,
    signals,
    snapshot_spectroscopy,
    snapshots_from_qiskit,
    spectrum,
)

__all__ = [
    "Ansatz",
    "Carrier",
    "CompiledState",
    "Extrapolated",
    "Gram",
    "LevelScheme",
    "MeasurementCircuits",
    "PauliEstimate",
    "Peak",
    "ShadowSpectroscopy",
    "Signals",
    "Snapshots",
    "Spectrum",
    "add_noise",
    "all_estimates",
    "ansatz_from_qiskit",
    "brickwork_ansatz",
    "carriers",
    "compile_state",
    "estimate_pauli",
    "extrapolate_gaps",
    "gram",
    "level_scheme",
    "level_superposition",
    "load_circuit",
    "measurement_circuits",
    "save_circuit",
    "shadow_spectroscopy",
    "signals",
    "snapshot_spectroscopy",
    "snapshots_from_qiskit",
    "spectrum",
    "to_qiskit",
]
