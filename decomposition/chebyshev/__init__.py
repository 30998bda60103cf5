"""Functions on boxes as Chebyshev-Tucker tensors: `ChebyshevTucker` and the nodes it uses.

The format is that of arXiv:2503.01696.
"""

from rankloom.decomposition.chebyshev.basis import nodes
from rankloom.decomposition.chebyshev.builders import ApproximationWarning
from rankloom.decomposition.chebyshev.function import ChebyshevTucker

__all__ = ["ApproximationWarning", "ChebyshevTucker", "nodes"]
