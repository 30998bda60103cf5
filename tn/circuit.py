"""Qiskit circuits read as lists of gates on a chain, for states and for ansätze alike.

Qubit i is site i. Qiskit counts the qubit named first as the least significant bit of a gate's
matrix; here the left site is the more significant one, whatever order the gate names them in.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Operation

Gate = tuple[tuple[int, ...], NDArray[np.complex128]]
"""Sites ``(k,)`` or ``(j, k)``, j < k, and the unitary on them, (2, 2) or (4, 4)."""

STORED_ANGLES = "rankloom_angles"
"""Key of ``circuit.metadata`` under which an exported circuit keeps the values of its parameters,
as ``{"theta": [theta_0, theta_1, ...]}``."""

_SWAP = np.array([0, 2, 1, 3])


def circuit_gates(circuit: "QuantumCircuit", *, distant: bool = False) -> tuple[list[Gate], float]:
    """Gates of a circuit on a chain in time order, and its global phase.

    Composite instructions are taken apart, barriers dropped. A circuit that rankloom exported
    with free parameters carries the values they had, and is read at these.

    Parameters
    ----------
    circuit : QuantumCircuit
        One- and two-qubit gates.
    distant : bool, default False
        Whether two-qubit gates may act on qubits that are not neighbours.

    Returns
    -------
    gates : list of (sites, matrix)
        Sites ``(k,)`` with a (2, 2) matrix or ``(j, k)``, j < k, with a (4, 4) one, whose index
        is ``2 * left + right``; ``k = j + 1`` unless `distant`.
    global_phase : float
        The circuit is ``exp(1j * global_phase)`` times the product of the gates.

    Raises
    ------
    TypeError
        If `circuit` is not a `QuantumCircuit`.
    ValueError
        If parameters have no value, or an instruction is not a unitary gate on one qubit or two
        neighbours (any two, if `distant`); the message names the instruction.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> circuit = QuantumCircuit(2)
    >>> _ = circuit.h(0)
    >>> _ = circuit.cx(0, 1)
    >>> gates, phase = circuit_gates(circuit)
    >>> [sites for sites, matrix in gates]
    [(0,), (0, 1)]
    >>> gates[1][1].real.astype(int)  # the control is the left, more significant qubit
    array([[1, 0, 0, 0],
           [0, 1, 0, 0],
           [0, 0, 0, 1],
           [0, 0, 1, 0]])
    """
    from qiskit import QuantumCircuit

    if not isinstance(circuit, QuantumCircuit):
        raise TypeError(f"`circuit` must be a qiskit QuantumCircuit, got {type(circuit).__name__}.")
    if circuit.num_qubits == 0:
        raise ValueError("`circuit` has no qubits.")
    gates: list[Gate] = []
    phases = []
    wires = tuple(range(circuit.num_qubits))
    for sites, matrix in _flatten(_with_values(circuit), wires, "", distant):
        if sites:
            gates.append((sites, matrix))
        else:
            phases.append(np.angle(matrix[0, 0]))
    return gates, float(np.sum(phases))


def _with_values(circuit: "QuantumCircuit") -> "QuantumCircuit":
    """The circuit with its stored angles put in, if it has free parameters."""
    names = {parameter.name for parameter in circuit.parameters}
    if not names:
        return circuit
    stored = (circuit.metadata or {}).get(STORED_ANGLES, {})
    values = {
        f"{vector}[{k}]": value
        for vector, angles in stored.items()
        for k, value in enumerate(angles)
    }
    if missing := sorted(names - values.keys(), key=_natural):
        listed = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise ValueError(
            f"`circuit` has {len(missing)} parameters without a value: {listed}. "
            "Give them numbers first: circuit.assign_parameters(values)."
        )
    return circuit.assign_parameters({name: values[name] for name in names})


def _flatten(
    circuit: "QuantumCircuit", wires: tuple[int, ...], inside: str, distant: bool
) -> Iterator[tuple[tuple[int, ...], NDArray[np.complex128]]]:
    """Gates and, as 1x1 matrices on no site, phases; `wires` are the sites of the qubits."""
    yield (), np.exp(1j * np.array([[float(circuit.global_phase)]]))
    for position, instruction in enumerate(circuit.data):
        operation = instruction.operation
        if operation.name == "barrier":
            continue
        sites = tuple(wires[circuit.find_bit(qubit).index] for qubit in instruction.qubits)
        where = inside or f"instruction {position} of `circuit`, "
        where += f"{operation.name!r} on qubits {sites}"
        _refuse_classical(operation, where)
        matrix = _matrix(operation) if len(sites) <= 2 else None
        if matrix is not None:
            yield _in_house_order(sites, matrix, where, distant)
        elif (definition := getattr(operation, "definition", None)) is not None:
            yield from _flatten(definition, sites, f"{where} contains ", distant)
        else:
            raise ValueError(
                f"{where}: not a unitary gate. Only circuits of gates can be read; they start "
                "from |0...0>, so a reset at the start can go."
            )


def _matrix(operation: "Operation") -> NDArray[np.complex128] | None:
    from qiskit.circuit.exceptions import CircuitError

    try:
        return np.asarray(operation.to_matrix(), np.complex128)
    except (AttributeError, CircuitError):  # known by its definition only
        return None


def _refuse_classical(operation: "Operation", where: str) -> None:
    from qiskit.circuit import ControlFlowOp

    if operation.name == "measure":
        raise ValueError(
            f"{where}: a measurement has no place in a state. Remove it first: "
            "circuit.remove_final_measurements(inplace=False)."
        )
    if isinstance(operation, ControlFlowOp):
        raise ValueError(
            f"{where}: classical control cannot be read as a unitary. Write the branch that is "
            "meant as plain gates."
        )


def _in_house_order(
    sites: tuple[int, ...], matrix: NDArray[np.complex128], where: str, distant: bool
) -> tuple[tuple[int, ...], NDArray[np.complex128]]:
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"{where}: its matrix holds NaN or inf.")
    if len(sites) < 2:
        return sites, matrix
    first, second = sites
    if abs(first - second) != 1 and not distant:
        raise ValueError(
            f"{where}: these are not neighbours on the chain. Route the circuit first, with SWAP "
            "gates set by hand or by qiskit.transpile(circuit, basis_gates=['u', 'cx'], "
            "coupling_map=CouplingMap.from_line(n), initial_layout=range(n)); the latter may leave "
            "the qubits permuted, as circuit.layout.final_index_layout() tells."
        )
    if first < second:  # the left site is Qiskit's low bit
        return sites, matrix[np.ix_(_SWAP, _SWAP)]
    return (second, first), matrix


def _natural(name: str) -> tuple[str, int]:
    """Sort key that puts ``theta[10]`` after ``theta[9]``."""
    number = re.search(r"\d+", name)
    return (name[: number.start()], int(number.group())) if number else (name, 0)
