"""Independent checks: another program reads the written files and finds the same fidelity.

Nothing of the compiler takes part. Up to 14 qubits Qiskit simulates the circuit of the QPY file as
a dense vector; beyond, quimb parses the OpenQASM 2 file and simulates it as a matrix product state.
"""

from dataclasses import dataclass
from pathlib import Path

from rankloom.quantum import load_circuit
from rankloom.tn import MPS

DENSE_LIMIT = 14
_DENSE_TOLERANCE = 1e-10
_QUIMB_TOLERANCE = 1e-6
_QUIMB_CUTOFF = 1e-14  # so small that what quimb cuts away cannot be seen in a fidelity


@dataclass(frozen=True)
class Check:
    """A number, found a second time by other means.

    Parameters
    ----------
    name : str
        What was checked.
    means : str
        How it was found again.
    stated, found : float
        The value of the result, and the one found.
    tolerance : float
        Largest absolute difference allowed.
    """

    name: str
    means: str
    stated: float
    found: float
    tolerance: float

    @property
    def difference(self) -> float:
        """``|found - stated|``."""
        return abs(self.found - self.stated)

    @property
    def passed(self) -> bool:
        """Whether the two agree; NaN does not."""
        return self.difference <= self.tolerance


def check_circuit(folder: Path, stated: float) -> Check:
    """Compare the stated fidelity with that of the circuit and target files in a folder.

    Parameters
    ----------
    folder : Path
        Holds `target.h5`, `circuit.qpy` and `circuit.qasm`.
    stated : float
        ``|<target|circuit>|^2 / <target|target>`` as the compiler gives it.
    """
    target = MPS.load(folder / "target.h5")
    name = f"{target.n_sites} qubits"
    if target.n_sites <= DENSE_LIMIT:
        found = _by_statevector(target, folder / "circuit.qpy")
        means = "Qiskit Statevector of the QPY file"
        return Check(name, means, stated, found, _DENSE_TOLERANCE)
    found = _by_quimb(target, folder / "circuit.qasm")
    means = "quimb CircuitMPS of the OpenQASM 2 file"
    return Check(name, means, stated, found, _QUIMB_TOLERANCE)


def _by_statevector(target: MPS, path: Path) -> float:
    from qiskit.quantum_info import Statevector

    wanted = target.to_qiskit()
    amplitude = wanted.inner(Statevector(load_circuit(path)))
    return float(abs(amplitude) ** 2 / abs(wanted.inner(wanted)))


def _by_quimb(target: MPS, path: Path) -> float:
    from quimb.tensor import CircuitMPS

    wanted = target.to_quimb()
    circuit = CircuitMPS.from_openqasm2_file(str(path), cutoff=_QUIMB_CUTOFF)
    amplitude = wanted.H @ circuit.psi
    return float(abs(amplitude) ** 2 / abs(wanted.H @ wanted))
