"""The brickwork ansatz whose start angles are a Trotter circuit."""

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.aqc.ansatz import BLOCK_ANGLES, Ansatz
from rankloom.quantum.aqc.weyl import ansatz_from_blocks
from rankloom.tn.spinchain import SpinChain


def brickwork_ansatz(
    chain: SpinChain,
    time: float,
    steps: int,
    order: int = 2,
    initial: str | None = None,
) -> Ansatz:
    """Brickwork circuit, one block per bond and half layer, that starts as a Trotter circuit.

    At its start angles the circuit *is* the Trotter circuit of `chain`: the same state, global
    phase included. Neighbouring half layers of one parity are merged, so `steps` steps of order 2
    give ``2 steps + 1`` layers of blocks.

    Parameters
    ----------
    chain : SpinChain
        Couplings and fields; H is written in Pauli matrices.
    time : float
        Evolution time, not 0; negative evolves backwards.
    steps : int
        Trotter steps, at least 1.
    order : {1, 2, 4}
        Order of the product formula.
    initial : str, optional
        Product state in the Z basis, qubit 0 first, such as ``"0101"``; None is ``"00..0"``.

    Raises
    ------
    ValueError
        If `time` is 0 or not finite, `steps` or `order` is out of range, or `initial` is not a
        string of as many bits as the chain has sites.

    Notes
    -----
    The start angles of a bond without fields are ``kak(-Jx tau, -Jy tau, -Jz tau)`` (arXiv
    2301.08609 gives them for the XXZ chain); with fields, the gate ``exp(-i tau h)`` is
    decomposed, and its inner one-qubit gates join the blocks before it.

    Examples
    --------
    >>> chain = SpinChain.heisenberg(10, j=0.25, delta=1.0)
    >>> brickwork_ansatz(chain, time=2.0, steps=2, initial="0101010101")
    Ansatz(n_qubits=10, blocks=23, parameters=227, two_qubit_depth=15)
    """
    n = chain.n_sites
    bits = _bits(initial, n)
    layers = chain.trotter_layers(time, steps, order)
    bonds = [np.arange(layer.parity, n - 1, 2) for layer in layers]
    flips = np.array([bit == "1" for bit in bits])
    # Rx(pi)|0> = -i |1>: the phase is given back.
    phase = float(np.angle(1j ** int(flips.sum() % 4)))
    if chain.fields.any():
        gates = [chain.gates(layer) for layer in layers]
        fronts = np.where(flips[:, None], [0, -1j], [1, 0])
        return ansatz_from_blocks(
            np.concatenate(bonds), fronts, np.concatenate(gates), global_phase=phase
        )
    angles: list[NDArray[np.float64]] = [np.stack([np.pi * flips, np.zeros(n)], axis=1).ravel()]
    for layer, left in zip(layers, bonds, strict=True):
        block = np.zeros((left.size, BLOCK_ANGLES))
        block[:, :3] = -layer.duration * chain.couplings[left]
        angles.append(block.ravel())
    return Ansatz(n, np.concatenate(bonds), np.concatenate(angles), phase)


def _bits(initial: str | None, n: int) -> str:
    if initial is None:
        return "0" * n
    if not isinstance(initial, str) or len(initial) != n or set(initial) - {"0", "1"}:
        raise ValueError(
            f"`initial` must be a string of {n} bits, qubit 0 first (such as "
            f"{'01' * (n // 2) + '0' * (n % 2)!r}), or None for all 0, got {initial!r}."
        )
    return initial
