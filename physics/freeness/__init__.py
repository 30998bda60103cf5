"""Tensorial free cumulants: exact Weingarten calculus and sums and products of random tensors.

See `rankloom.physics` for the public names.
"""

from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.weingarten_table import (
    FactoredFraction,
    TruncatedWeingartenWarning,
    WeingartenTable,
    weingarten,
)

__all__ = [
    "FactoredFraction",
    "TraceInvariant",
    "TruncatedWeingartenWarning",
    "WeingartenTable",
    "weingarten",
]
