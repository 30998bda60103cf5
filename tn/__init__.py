"""Matrix product states and operators with open ends, and their evolution in time.

>>> from rankloom.tn import MPS, SpinChain, evolve
>>> chain = SpinChain.heisenberg(8)
>>> run = evolve(MPS.product("01010101"), chain, time=1.0, steps=20)
>>> round(run.state.entropy(4), 3)
0.512
"""

if __name__ != "rankloom.tn":  # a second name would give a second copy of every class
    raise ImportError(f"This folder was imported as {__name__!r}: import `rankloom.tn` instead.")

from rankloom.tn import reference
from rankloom.tn.compress import Compressed
from rankloom.tn.cross import CrossResult, cross
from rankloom.tn.cross_search import CrossStep
from rankloom.tn.evolution import Evolution
from rankloom.tn.evolve import evolve
from rankloom.tn.gates import apply_gates
from rankloom.tn.ground import GroundState, ground_state
from rankloom.tn.mpo import MPO, CompressedOperator
from rankloom.tn.mps import MPS
from rankloom.tn.outcome import Outcome
from rankloom.tn.pauli import spin_matrices
from rankloom.tn.quantics import Quantics
from rankloom.tn.rounding import compress_product, compress_sum
from rankloom.tn.sample import sample
from rankloom.tn.samples import Estimate, Samples
from rankloom.tn.spinchain import SpinChain
from rankloom.tn.trotter import TrotterLayer
from rankloom.tn.truncation import Truncation

__all__ = [
    "MPO",
    "MPS",
    "Compressed",
    "CompressedOperator",
    "CrossResult",
    "CrossStep",
    "Estimate",
    "Evolution",
    "GroundState",
    "Outcome",
    "Quantics",
    "Samples",
    "SpinChain",
    "TrotterLayer",
    "Truncation",
    "apply_gates",
    "compress_product",
    "compress_sum",
    "cross",
    "evolve",
    "ground_state",
    "reference",
    "sample",
    "spin_matrices",
]
