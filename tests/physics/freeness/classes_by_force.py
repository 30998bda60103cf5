"""Trace invariants by listing all tuples: slow, obvious, independent of the class tables."""

from itertools import permutations, product

from rankloom.physics import TraceInvariant


def classes(D, n, kind="mixed", connected=False):
    tuples = product(permutations(range(n)), repeat=D)
    found = dict.fromkeys(TraceInvariant(s, kind) for s in tuples)
    return [t for t in found if t.is_connected or not connected]
