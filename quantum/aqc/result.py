"""What a compilation returns."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.tn.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qiskit import QuantumCircuit


class Step(NamedTuple):
    """One entry of the history."""

    start: int
    """0: from the ansatz's angles; 1: from these with noise."""
    stage: str
    """"start", "polar" or "lbfgs"."""
    iteration: int
    """Counted from 1 within the stage."""
    fidelity: float
    """``|<t|ansatz>|^2 / <t|t>``; the best so far of this start."""
    seconds: float
    """Wall time since the compilation began."""


HISTORY = np.dtype(
    [
        ("start", np.int64),
        ("stage", "U5"),
        ("iteration", np.int64),
        ("fidelity", np.float64),
        ("seconds", np.float64),
    ]
)


@dataclass(frozen=True, eq=False)
class CompiledState:
    """A circuit that prepares a state, and how it was found.

    Parameters
    ----------
    ansatz : Ansatz
        Circuit with the best angles found.
    fidelity : float
        ``|<target|ansatz>|^2 / <target|target>``, exact to rounding.
    outcome : Outcome
        How the search ended; ``outcome.value`` is advice.
    squared_norm : float
        ``<target|target>``, by which fidelities are divided.
    history : (steps,) structured array
        Fields of `Step`: start, stage, iteration, fidelity, seconds.
    seconds : float
        Wall time of the compilation.
    """

    ansatz: Ansatz
    fidelity: float
    outcome: Outcome
    squared_norm: float
    history: NDArray[np.void]
    seconds: float

    @property
    def angles(self) -> NDArray[np.float64]:
        """Angles of the circuit, shape (n_parameters,)."""
        return self.ansatz.angles

    @property
    def circuit(self) -> "QuantumCircuit":
        """The bound Qiskit circuit on ``|0...0>``, initial state included."""
        from rankloom.quantum.export import to_qiskit

        return to_qiskit(self.ansatz)

    @property
    def two_qubit_depth(self) -> int:
        """CX depth of the circuit."""
        return self.ansatz.two_qubit_depth

    @property
    def two_qubit_count(self) -> int:
        """Number of CX gates of the circuit."""
        return self.ansatz.two_qubit_count

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the bound circuit; the suffix (.qpy, .qasm, .qasm3) names the format.

        See `rankloom.quantum.export.save_circuit`.
        """
        from rankloom.quantum.export import save_circuit

        save_circuit(self.circuit, path)

    def plot_history(self, ax: "Axes | None" = None) -> "Axes":
        """Infidelity against iterations on a logarithmic scale, one line for each start."""
        from matplotlib import pyplot as plt

        if ax is None:
            ax = plt.subplots()[1]
        labels = ("from the given angles", "from angles with noise")
        for start in np.unique(self.history["start"]):
            infidelity = 1 - self.history["fidelity"][self.history["start"] == start]
            ax.semilogy(np.maximum(infidelity, 1e-16), label=labels[start])
        ax.set(xlabel="polar sweeps and iterations", ylabel="infidelity 1 - F")
        ax.legend(frameon=False)
        return ax

    def __repr__(self) -> str:
        return (
            f"CompiledState(fidelity={self.fidelity:.8f}, two_qubit_depth={self.two_qubit_depth}, "
            f"two_qubit_count={self.two_qubit_count}, outcome={self.outcome.name})"
        )

    def _repr_html_(self) -> str:
        rows = {
            "fidelity": f"{self.fidelity:.8f}",
            "qubits": self.ansatz.n_qubits,
            "parameters": self.ansatz.n_parameters,
            "two-qubit depth": self.two_qubit_depth,
            "two-qubit gates": self.two_qubit_count,
            "outcome": f"{self.outcome.name}: {self.outcome.value}",
            "wall time": f"{self.seconds:.2f} s",
        }
        cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
        return f"<table>{cells}</table>"
