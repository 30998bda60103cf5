"""Overlap of two random matrix product states: ours against quimb.

Run: ``python benchmarks/tn_overlap.py [--bonds 16 32 128]``
"""

import argparse

from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.tn import MPS

OURS = {True: "ours, one core", False: "ours, default"}


def overlap(bond: int, real: bool, n: int = 50, rounds: int = 9) -> None:
    """<a|b> of two states of the same bond dimension."""
    a, b = MPS.random(n, bond, rng=0), MPS.random(n, bond, rng=1)
    if real:
        a, b = (MPS([t.real for t in state.tensors]).normalize() for state in (a, b))
    value = a.overlap(b)
    contenders = [Contender(name, lambda: a.overlap(b), policy) for policy, name in OURS.items()]
    errors = {}
    if peer_version("quimb") is not None:
        import quimb.tensor as qtn

        p, q = a.to_quimb(), b.to_quimb()
        calls = {"a.H @ b": lambda: p.H @ q, "expec_TN_1D": lambda: qtn.expec_TN_1D(p.H, q)}
        for call_name, call in calls.items():
            for policy, policy_name in ((True, "one core"), (False, "default")):
                name = f"quimb {call_name}, {policy_name}"
                contenders.append(Contender(name, call, policy))
                errors[name] = f"{abs(call() - value) / abs(value):.1e}"
    timings = take_turns(contenders, rounds)
    rows = []
    for c in contenders:
        timing = timings[c.name]
        ratio = times(timings[OURS[c.one_core]].speedup(timing))
        rows.append([c.name, duration(timing.median), ratio, errors.get(c.name, "")])
    print(f"## overlap, {n} sites, bond {bond}, {a.dtype}\n")
    table(["contender", "time", "ours is faster by", "relative difference"], rows)


def main() -> None:
    """Run the bond dimensions asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bonds", nargs="+", type=int, default=(16, 32, 128))
    bonds = parser.parse_args().bonds
    header("Overlap of matrix product states", ["quimb", "numpy", "scipy", "numba"])
    for bond in bonds:
        for real in (False, True):
            overlap(bond, real)


if __name__ == "__main__":
    main()
