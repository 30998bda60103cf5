"""Potentials of many particles, and free cumulants of random tensors.

This room holds nothing yet. It will hold ``physics.potentials`` and ``physics.freeness``.
"""

if __name__ != "rankloom.physics":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.physics` instead."
    )
