"""Trace invariants of samples: all classes at once, beside one contraction after the other.

The peers are opt_einsum-style paths of cotengra, kept per class and run by its own executor, and
`numpy.einsum` with a greedy path: what a user without this library would write.
"""

import argparse

import numpy as np
from common import Contender, duration, header, table, take_turns, times

from rankloom.physics import enumerate_invariants, laws, trace_invariants

CASES = {
    "D=2 n=4 N=8": (2, 4, 8),
    "D=3 n=3 N=4": (3, 3, 4),
    "D=3 n=4 N=4": (3, 4, 4),
}


def main(names, samples, rounds):
    """Time the cases and print a table."""
    header("Trace invariants of samples", ["rankloom", "numpy", "cotengra"])
    rows = []
    for name in names:
        D, n, N = CASES[name]
        invariants = enumerate_invariants(D=D, n=n, kind="mixed", connected=True)
        batch = laws.gue((N,) * D).sample(samples, rng=0)
        one = batch[0]
        compiled = [_expression(t, one.shape) for t in invariants]

        def peer(one=one, compiled=compiled):
            return [f(*[one] * n) for n, f in compiled]

        def single(one=one, invariants=invariants):
            return trace_invariants(one[None], invariants)

        def ours(batch=batch, invariants=invariants):
            return trace_invariants(batch, invariants)

        found = take_turns(
            [
                Contender("cotengra", peer),
                Contender("single", single),
                Contender("batch", ours),
            ],
            rounds,
        )
        error = float(np.max(abs(ours()[0] / np.array(peer()) - 1)))
        per_sample = found["batch"].median / samples
        low, mid, high = sorted(samples * r for r in found["batch"].speedup(found["cotengra"]))
        rows.append(
            (
                f"{name}, {len(invariants)} connected",
                duration(per_sample),
                duration(found["single"].median),
                duration(found["cotengra"].median),
                times((mid, low, high)),
                times(found["single"].speedup(found["cotengra"])),
                f"{error:.0e}",
            )
        )
    table(
        (
            "case",
            f"ours, per sample of {samples}",
            "ours, one sample",
            "cotengra, one sample",
            "ratio",
            "ratio, one sample",
            "difference",
        ),
        rows,
    )


def _expression(t, shape):
    import cotengra

    terms, _ = t.einsum.split("->")
    inputs = [tuple(term) for term in terms.split(",")]
    return t.n, cotengra.array_contract_expression(
        inputs, (), shapes=[shape] * t.n, optimize="greedy", cache=False
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    main(given.rows, given.samples, given.rounds)
