"""Circuits compiled from matrix product states, and what is read from their measurements."""

if __name__ != "rankloom.quantum":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.quantum` instead."
    )

from rankloom.quantum.aqc import Ansatz, CompiledState, brickwork_ansatz, compile_state
from rankloom.quantum.export import ansatz_from_qiskit, load_circuit, save_circuit, to_qiskit
from rankloom.quantum.shadows import (
    Gram,
    PauliEstimate,
    Peak,
    Snapshots,
    Spectrum,
    estimate_pauli,
    gram,
    spectrum,
)

__all__ = [
    "Ansatz",
    "CompiledState",
    "Gram",
    "PauliEstimate",
    "Peak",
    "Snapshots",
    "Spectrum",
    "ansatz_from_qiskit",
    "brickwork_ansatz",
    "compile_state",
    "estimate_pauli",
    "gram",
    "load_circuit",
    "save_circuit",
    "spectrum",
    "to_qiskit",
]
