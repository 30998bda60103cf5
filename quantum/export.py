"""Ansätze as Qiskit circuits, circuits as ansätze, both as files, and measured bits.

Qubit i is site i. A block ``exp(i (a XX + b YY + c ZZ))`` on (left, right) takes three CX gates
(arXiv:quant-ph/0308006), with the phase ``exp(i pi / 4)`` in front::

    left:  -------X--Rz(pi/2 - 2c)--o--------------------X--S--
                  |                 |                    |
    right: --Sdg--o--Ry(2a - pi/2)--X--Ry(pi/2 - 2b)-----o-----

=========== ============= =================== ============ ==================================
suffix      format        free parameters     global phase reading it back
=========== ============= =================== ============ ==================================
``.qpy``    Qiskit's QPY  kept, with values   kept         the same circuit, bit for bit
``.qasm``   OpenQASM 2    refused             lost         the same gates
``.qasm3``  OpenQASM 3    renamed, no values  kept         the same gates; needs extra `qasm3`
=========== ============= =================== ============ ==================================
"""

import io
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.aqc.ansatz import BLOCK_ANGLES, FRONT_ANGLES, Ansatz
from rankloom.quantum.aqc.weyl import ansatz_from_gates
from rankloom.tn.circuit import STORED_ANGLES, circuit_gates
from rankloom.tn.files import atomic_path

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Writer = Callable[["QuantumCircuit"], bytes]
Reader = Callable[[bytes], "QuantumCircuit"]

_KAK_PHASE = math.pi / 4  # what the three-CX circuit lacks


def to_qiskit(ansatz: Ansatz, parameters: bool = False) -> "QuantumCircuit":
    """The ansatz as a Qiskit circuit on ``|0...0>``, of rx, ry, rz, s, sdg and cx gates.

    The circuit's `Statevector` equals the prepared state with its phase; qubit i is site i. The
    CX depth is three times the number of block layers, `Ansatz.two_qubit_depth`.

    Parameters
    ----------
    ansatz : Ansatz
    parameters : bool
        False binds the angles. True leaves them free, as the `ParameterVector` ``theta`` in the
        order of ``ansatz.angles``: ``circuit.assign_parameters(angles)`` binds them. The values at
        hand travel in ``circuit.metadata``, where `ansatz_from_qiskit` and `MPS.from_qiskit` find
        them.

    Examples
    --------
    >>> import numpy as np
    >>> from rankloom.quantum.aqc.ansatz import Ansatz
    >>> circuit = to_qiskit(Ansatz(2, [0], np.zeros(13)), parameters=True)
    >>> circuit.num_parameters, circuit.count_ops()["cx"]
    (13, 3)
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector

    circuit = QuantumCircuit(ansatz.n_qubits, name="ansatz")
    angles: Sequence[Any] = ansatz.angles.tolist()
    if parameters:
        circuit.metadata = {STORED_ANGLES: {"theta": angles}}
        angles = ParameterVector("theta", ansatz.n_parameters)
    for qubit in range(ansatz.n_qubits):
        x, z = angles[FRONT_ANGLES * qubit : FRONT_ANGLES * (qubit + 1)]
        circuit.rx(x, qubit)
        circuit.rz(z, qubit)
    for k, left in enumerate(ansatz.bonds.tolist()):
        start = FRONT_ANGLES * ansatz.n_qubits + BLOCK_ANGLES * k
        _append_block(circuit, angles[start : start + BLOCK_ANGLES], left)
    circuit.global_phase = ansatz.global_phase + _KAK_PHASE * ansatz.n_blocks
    return circuit


def ansatz_from_qiskit(circuit: "QuantumCircuit") -> Ansatz:
    """The ansatz that prepares what a circuit makes of ``|0...0>``, its global phase included.

    Consecutive gates on one pair of neighbours become one block, so the circuit that comes back
    may be shorter and is never deeper than three CX a block.

    Parameters
    ----------
    circuit : QuantumCircuit
        One- and two-qubit gates between neighbouring qubits, at least two qubits; composite
        instructions are taken apart, barriers dropped. Free parameters are read at the values the
        circuit was exported with (`to_qiskit`).

    Raises
    ------
    TypeError
        If `circuit` is not a `QuantumCircuit`.
    ValueError
        If an instruction is not such a gate (measurements, resets, classical control, gates on
        three qubits or on distant ones; the message names it), or a parameter has no value.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> circuit = QuantumCircuit(3)
    >>> _ = circuit.h(0)
    >>> _ = circuit.cx(0, 1)
    >>> _ = circuit.cx(1, 2)
    >>> ansatz_from_qiskit(circuit)
    Ansatz(n_qubits=3, blocks=2, parameters=24, two_qubit_depth=6)
    """
    gates, global_phase = circuit_gates(circuit)
    return ansatz_from_gates(circuit.num_qubits, gates, global_phase=global_phase)


def save_circuit(circuit: "QuantumCircuit", path: str | os.PathLike[str]) -> None:
    """Write a circuit in the format its suffix names; the file appears whole or not at all.

    Parameters
    ----------
    circuit : QuantumCircuit
    path : path-like
        Ends in ``.qpy``, ``.qasm`` (OpenQASM 2, which has no global phase) or ``.qasm3``.

    Raises
    ------
    TypeError
        If `circuit` is not a `QuantumCircuit`.
    ValueError
        If the suffix is unknown, or the format cannot hold the circuit.
    FileNotFoundError
        If the folder does not exist.
    """
    from qiskit import QuantumCircuit

    if not isinstance(circuit, QuantumCircuit):
        raise TypeError(f"`circuit` must be a qiskit QuantumCircuit, got {type(circuit).__name__}.")
    _, write, _ = _format_of(Path(path))
    content = write(circuit)
    with atomic_path(path) as draft:
        draft.write_bytes(content)


def load_circuit(path: str | os.PathLike[str]) -> "QuantumCircuit":
    """Read a circuit from a ``.qpy``, ``.qasm`` (OpenQASM 2) or ``.qasm3`` file.

    Raises
    ------
    ValueError
        If the suffix is unknown, or the content is not of that format.
    ImportError
        For ``.qasm3`` where the extra `qasm3` is not installed.
    """
    path = Path(path)
    name, _, read = _format_of(path)
    content = path.read_bytes()
    try:
        circuit = read(content)
    except ImportError as err:
        raise ImportError(
            "Reading OpenQASM 3 needs qiskit-qasm3-import: install rankloom with the extra `qasm3`."
        ) from err
    except Exception as err:  # a foreign file makes the parsers fail in many ways
        raise ValueError(
            f"{str(path)!r} cannot be read as {name}: {str(err) or repr(err)}"
        ) from err
    if circuit.num_qubits == 0:
        raise ValueError(f"{str(path)!r} holds no qubits: is it empty?")
    return circuit


def outcomes_from_qiskit(data: Any, n: int) -> NDArray[np.int8]:
    """Measured bits as outcomes +1 (bit 0) and -1, site 0 first: the bit order turns here only.

    Parameters
    ----------
    data : BitArray, or sequence of dict
        As a sampler returns it for one PUB (``result[i].data.meas``), of shape (settings,); or one
        dictionary of counts for each setting, bit strings with qubit 0 at the right.
    n : int
        Number of qubits.

    Returns
    -------
    (settings, shots, n) array of int8
        Shots of a dictionary come sorted by their bits.

    Raises
    ------
    ValueError
        Another number of bits, or different numbers of shots.

    Examples
    --------
    >>> outcomes_from_qiskit([{"01": 2}], 2)[0].tolist()
    [[-1, 1], [-1, 1]]
    """
    if hasattr(data, "num_bits"):
        found, bits = int(data.num_bits), np.unpackbits(data.array, axis=-1)
        if found != n:
            raise ValueError(
                f"the measured register has {found} bits, but there are {n} qubits: pass the "
                "register that `measurement_circuits` added, `meas`."
            )
        bits = bits[..., -n:].reshape(-1, data.num_shots, n)
    else:
        rows = []
        for k, counts in enumerate(data):
            for string in counts:
                if len(string) != n or set(string) - {"0", "1"}:
                    raise ValueError(
                        f"the counts of setting {k} hold the key {string!r}, wanted are strings "
                        f"of {n} bits, one for each qubit."
                    )
            strings = [string for string in sorted(counts) for _ in range(counts[string])]
            rows.append(np.array([list(string) for string in strings]) == "1")
        if len({row.shape for row in rows}) != 1:
            raise ValueError(
                f"all settings need one number of shots, got {sorted({len(r) for r in rows})}."
            )
        bits = np.stack(rows)
    return np.where(bits[..., ::-1], -1, 1).astype(np.int8)


def _append_block(circuit: "QuantumCircuit", angles: Sequence[Any], left: int) -> None:
    a, b, c, *euler = angles
    right = left + 1
    circuit.sdg(right)
    circuit.cx(right, left)
    circuit.rz(math.pi / 2 - 2 * c, left)
    circuit.ry(2 * a - math.pi / 2, right)
    circuit.cx(left, right)
    circuit.ry(math.pi / 2 - 2 * b, right)
    circuit.cx(right, left)
    circuit.s(left)
    for qubit, (p0, p1, p2) in ((left, euler[:3]), (right, euler[3:])):
        circuit.rz(p0, qubit)
        circuit.rx(p1, qubit)
        circuit.rz(p2, qubit)


def _format_of(path: Path) -> tuple[str, Writer, Reader]:
    try:
        return _FORMATS[path.suffix]
    except KeyError:
        raise ValueError(
            f"`path` = {str(path)!r} ends in {path.suffix!r}: wanted .qpy, .qasm (OpenQASM 2) or "
            ".qasm3 (OpenQASM 3)."
        ) from None


def _write_qpy(circuit: "QuantumCircuit") -> bytes:
    from qiskit import qpy

    buffer = io.BytesIO()
    qpy.dump(circuit, buffer)
    return buffer.getvalue()


def _read_qpy(content: bytes) -> "QuantumCircuit":
    from qiskit import qpy

    if not content.startswith(b"QISKIT"):
        raise ValueError("it does not begin with the mark of that format.")
    circuits = qpy.load(io.BytesIO(content))
    if len(circuits) != 1:
        raise ValueError(f"it holds {len(circuits)} circuits, wanted one; see qiskit.qpy.load.")
    return circuits[0]


def _write_qasm2(circuit: "QuantumCircuit") -> bytes:
    from qiskit import qasm2

    if circuit.parameters:
        raise ValueError(
            f"OpenQASM 2 cannot hold the {len(circuit.parameters)} free parameters of `circuit`: "
            "bind them (circuit.assign_parameters), or save as .qpy or .qasm3."
        )
    try:
        text: str = qasm2.dumps(circuit)
    except qasm2.QASM2ExportError as err:
        raise ValueError(f"OpenQASM 2 cannot hold `circuit`: {err} Save it as .qpy.") from err
    return text.encode()


def _read_qasm2(content: bytes) -> "QuantumCircuit":
    from qiskit import qasm2

    customs = qasm2.LEGACY_CUSTOM_INSTRUCTIONS  # what Qiskit itself has written into such files
    return qasm2.loads(content.decode(), custom_instructions=customs)


def _write_qasm3(circuit: "QuantumCircuit") -> bytes:
    from qiskit import qasm3

    # Qiskit leaves the global phase of a circuit out of its OpenQASM 3.
    bare = circuit.copy()
    bare.global_phase = 0
    try:
        phase = float(circuit.global_phase)
        text: str = qasm3.dumps(bare)
    except (TypeError, qasm3.QASM3ExporterError) as err:
        raise ValueError(f"OpenQASM 3 cannot hold `circuit`: {err} Save it as .qpy.") from err
    return (text + (f"gphase({phase!r});\n" if phase else "")).encode()


def _read_qasm3(content: bytes) -> "QuantumCircuit":
    from qiskit import qasm3

    return qasm3.loads(content.decode())


_FORMATS: dict[str, tuple[str, Writer, Reader]] = {
    ".qpy": ("a QPY file", _write_qpy, _read_qpy),
    ".qasm": ("OpenQASM 2", _write_qasm2, _read_qasm2),
    ".qasm3": ("OpenQASM 3", _write_qasm3, _read_qasm3),
}
