"""Shadow spectroscopy: energy gaps from randomised measurements (arXiv:2212.11036).

All expectation values of a state that evolves in time oscillate with differences of energies. From
few randomised measurements at each time the Gram matrix of the signals of all k-local Pauli strings
is computed without any of them, and its spectrum shows the gaps.
"""

from rankloom.quantum.shadows.estimate import PauliEstimate, estimate_pauli
from rankloom.quantum.shadows.experiment import (
    ShadowSpectroscopy,
    shadow_spectroscopy,
    snapshot_spectroscopy,
)
from rankloom.quantum.shadows.gram import Gram, gram
from rankloom.quantum.shadows.levels import (
    Extrapolated,
    LevelScheme,
    extrapolate_gaps,
    level_scheme,
)
from rankloom.quantum.shadows.measurement import (
    MeasurementCircuits,
    measurement_circuits,
    snapshots_from_qiskit,
)
from rankloom.quantum.shadows.noise import add_noise
from rankloom.quantum.shadows.signals import Carrier, Signals, all_estimates, carriers, signals
from rankloom.quantum.shadows.snapshots import Snapshots
from rankloom.quantum.shadows.spectrum import Peak, Spectrum, spectrum
from rankloom.quantum.shadows.states import level_superposition

__all__ = [
    "Carrier",
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
    "carriers",
    "estimate_pauli",
    "extrapolate_gaps",
    "gram",
    "level_scheme",
    "level_superposition",
    "measurement_circuits",
    "shadow_spectroscopy",
    "signals",
    "snapshot_spectroscopy",
    "snapshots_from_qiskit",
    "spectrum",
]
