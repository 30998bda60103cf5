"""Tucker and CP tensors and the solvers that find them.

This room holds nothing yet. It will hold ``TuckerTensor`` and ``CPTensor`` with one sweep loop for
their alternating least-squares solvers (dense, masked, nonnegative, sparse), and on top of them
``decomposition.chebyshev`` and ``decomposition.functional``.
"""

if __name__ != "rankloom.decomposition":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.decomposition` instead."
    )
