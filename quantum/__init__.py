"""Circuits compiled from matrix product states, and what is read from their measurements."""

if __name__ != "rankloom.quantum":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.quantum` instead."
    )
