"""Matrix product states and operators with open ends, and their evolution in time."""

if __name__ != "rankloom.tn":  # a second name would give a second copy of every class
    raise ImportError(f"This folder was imported as {__name__!r}: import `rankloom.tn` instead.")
