"""Configurations, runs, reports, and the ``rankloom`` command."""

if __name__ != "rankloom.experiments":  # a second name would give a second copy of every class
    raise ImportError(
        f"This folder was imported as {__name__!r}: import `rankloom.experiments` instead."
    )
