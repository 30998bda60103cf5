"""The problem every AQC benchmark solves, and the peers' objectives for it.

A Heisenberg chain ``H = sum_i (XX + YY + ZZ) / 4`` with open ends starts with every odd qubit
flipped and evolves to t = 2 in second-order Trotter steps, bonds (0,1), (2,3), ... first. The
target takes 40 steps, an ansatz of k steps has 2k + 1 brick layers.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from rankloom.quantum.aqc.ansatz import Ansatz
    from rankloom.tn import MPS

TIME, TARGET_STEPS, CUTOFF = 2.0, 40, 1e-8
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def our_target(n: int, *, max_bond: int = 100, steps: int = TARGET_STEPS) -> "MPS":
    """The evolved state, with the cut-off that the peer's documentation uses."""
    from rankloom.tn import MPS, SpinChain, evolve

    chain = SpinChain.heisenberg(n, j=0.25)
    start = MPS.product(neel(n))
    return evolve(start, chain, time=TIME, steps=steps, max_bond=max_bond, cutoff=CUTOFF).state


def our_ansatz(n: int, layers: int) -> "Ansatz":
    """Trotter-matched brickwork of an odd number of layers."""
    from rankloom.quantum import brickwork_ansatz
    from rankloom.tn import SpinChain

    chain = SpinChain.heisenberg(n, j=0.25)
    return brickwork_ansatz(chain, time=TIME, steps=layers // 2, initial=neel(n))


def neel(n: int) -> str:
    """Bits of the initial state, site 0 first."""
    return "".join(str(site % 2) for site in range(n))


def trotter_circuit(n: int, steps: int) -> "QuantumCircuit":
    """The same evolution as a Qiskit circuit, initial state included."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(n)
    for qubit in range(1, n, 2):
        circuit.x(qubit)
    dt = TIME / steps
    layers = [(0, dt / 2)] + [(1, dt), (0, dt)] * (steps - 1) + [(1, dt), (0, dt / 2)]
    for parity, tau in layers:
        for left in range(parity, n - 1, 2):
            for gate in (circuit.rxx, circuit.ryy, circuit.rzz):
                gate(tau / 2, left, left + 1)
    return circuit


def addon_ansatz(n: int, layers: int) -> tuple["QuantumCircuit", np.ndarray]:
    """The addon's ansatz of the same brickwork and its Trotter-matched angles."""
    from qiskit_addon_aqc_tensor import generate_ansatz_from_circuit

    circuit, angles = generate_ansatz_from_circuit(
        trotter_circuit(n, layers // 2), qubits_initially_zero=True
    )
    return circuit, np.array(angles)


def addon_order(ansatz: "Ansatz", circuit: "QuantumCircuit") -> np.ndarray:
    """Index array with ``addon_angles = our_angles[order]``.

    Both have 2 angles a qubit and 9 a block, in the same convention; only the order of the blocks
    differs, so the m-th block on a bond is matched with the m-th block on that bond.
    """
    blocks: dict[int, list[int]] = {}
    for k, bond in enumerate(ansatz.bonds.tolist()):
        blocks.setdefault(bond, []).append(k)
    bonds = [
        min(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        for instruction in circuit.data
        if len(instruction.qubits) == 2
    ]
    fronts = 2 * ansatz.n_qubits
    matched = np.array([blocks[bond].pop(0) for bond in bonds])
    own = fronts + 9 * matched[:, None] + np.arange(9)
    return np.concatenate((np.arange(fronts), own.ravel()))


def quimb_settings() -> Any:
    """The addon's quimb and jax settings, as in its tutorial."""
    import quimb.tensor as qtn
    from qiskit_addon_aqc_tensor.simulation.quimb import QuimbSimulator

    factory = partial(qtn.CircuitMPS, max_bond=100, cutoff=CUTOFF)
    return QuimbSimulator(factory, autodiff_backend="jax")


def aer_settings() -> Any:
    """Aer's MPS simulator on one thread.

    Without the memory limit it refuses the 40-step circuit from about 30 qubits on, although the
    bond dimension stays at 12.
    """
    from qiskit_aer import AerSimulator

    return AerSimulator(
        method="matrix_product_state",
        matrix_product_state_max_bond_dimension=100,
        matrix_product_state_truncation_threshold=CUTOFF,
        max_parallel_threads=1,
        max_memory_mb=10**15,
    )


def addon_objective(target: Any, circuit: "QuantumCircuit", settings: Any) -> Objective:
    """The addon's (1 - F, its gradient) as (F, dF/d angles), F not divided by <t|t>."""
    from qiskit_addon_aqc_tensor.objective import MaximizeStateFidelity

    objective = MaximizeStateFidelity(target, circuit, settings)

    def evaluate(angles: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective.loss_function(angles)
        return 1 - float(value), -np.asarray(gradient, dtype=float)

    return evaluate


def jax_precision(bits: int) -> AbstractContextManager[object]:
    """Context in which jax computes with 32 (its default) or 64 bits; compiled code is kept."""
    import jax

    return jax.enable_x64(True) if bits == 64 else nullcontext()
