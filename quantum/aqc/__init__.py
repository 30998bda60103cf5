"""Approximate quantum compiling: a matrix product state becomes a short circuit.

The method is that of arXiv:2301.08609: all angles of a brickwork circuit are optimised at once,
from a Trotter circuit as start, against a target given as a matrix product state. Overlap and
gradient are contracted exactly behind a slanted light-cone boundary (`overlap.py`).
"""

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.brickwork import brickwork_ansatz
from rankloom.quantum.aqc.compile import compile_state
from rankloom.quantum.aqc.overlap import Overlap
from rankloom.quantum.aqc.polar import PolarSweeps, polar_sweeps
from rankloom.quantum.aqc.result import CompiledState, Step
from rankloom.quantum.aqc.weyl import ansatz_from_blocks, ansatz_from_gates

__all__ = [
    "Ansatz",
    "CompiledState",
    "Overlap",
    "PolarSweeps",
    "Step",
    "ansatz_from_blocks",
    "ansatz_from_gates",
    "brickwork_ansatz",
    "compile_state",
    "polar_sweeps",
]
