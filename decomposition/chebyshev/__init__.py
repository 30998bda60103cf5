"""Functions on boxes as Chebyshev-Tucker tensors: `ChebyshevTucker` and the nodes it uses.

The format is that of arXiv:2503.01696.
"""

from rankloom.decomposition.chebyshev.basis import nodes
from rankloom.decomposition.chebyshev.function import ChebyshevTucker
from rankloom.decomposition.checks import ApproximationWarning

__all__ = ["ApproximationWarning", "ChebyshevTucker", "nodes"]
