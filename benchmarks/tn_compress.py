"""Rounding a random matrix product state to half its bonds: ours against quimb.

Gaussian tensors, 50 sites, complex128, no canonical form to start from. quimb's ``compress`` with
``cutoff=0.0`` cuts every bond to the same dimension in canonical form, as ours does; the column
``1 - F`` is the infidelity with the state that came in.

The other rows are ours by method: ``svd`` (QR sweep, SVD sweep), ``random`` and ``variational``.

Run: ``python benchmarks/tn_compress.py [--bonds 16 32 128]``
"""

import argparse
import itertools
from typing import Any

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.tn import MPS

N = 50
OURS = {True: "ours, one core", False: "ours, default"}


def compare(bond: int, rounds: int) -> None:
    """All contenders on one state."""
    rng = np.random.default_rng(0)
    bonds = [min(bond, 2 ** min(k, N - k)) for k in range(N + 1)]
    shapes = [(left, 2, right) for left, right in itertools.pairwise(bonds)]
    raw = MPS(tuple(rng.standard_normal((*s, 2)).view(complex)[..., 0] for s in shapes))
    state = raw * (1 / raw.norm())
    results: dict[str, Any] = {}
    contenders = []

    def enter(name: str, run: Any, one_core: bool = True) -> None:
        def call() -> None:
            results[name] = run()

        contenders.append(Contender(name, call, one_core))

    for policy, name in OURS.items():
        enter(name, lambda: state.compress(bond // 2).state, policy)
    if peer_version("quimb") is not None:
        peer = state.to_quimb()

        def quimb() -> Any:
            copy = peer.copy()
            copy.compress(form="left", max_bond=bond // 2, cutoff=0.0)
            return copy

        enter("quimb, one core", quimb)
        enter("quimb, default", quimb, one_core=False)
    for method in ("svd", "random", "variational"):
        enter(
            f"ours by {method}, one core",
            lambda method=method: state.compress(bond // 2, method=method, rng=1).state,
        )
    timings = take_turns(contenders, rounds)
    rows = []
    for contender in contenders:
        timing = timings[contender.name]
        ratio = times(timings[OURS[contender.one_core]].speedup(timing))
        found = results[contender.name]
        found = found if isinstance(found, MPS) else MPS.from_quimb(found)
        loss = 1 - abs(state.overlap(found)) ** 2 / found.norm() ** 2
        rows.append([contender.name, duration(timing.median), ratio, f"{loss:.9f}"])
    print(f"## {N} sites, bond {bond} to {bond // 2}\n")
    table(["contender", "time", "ours is faster by", "1 - F"], rows)


def main() -> None:
    """Run the bonds asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bonds", nargs="+", type=int, default=(16, 32, 128))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    header("Compression of matrix product states", ["quimb", "numpy", "scipy", "numba"])
    for bond in options.bonds:
        # quimb takes seconds a call with default threads at the largest bond
        compare(bond, options.rounds if bond < 100 else min(3, options.rounds))


if __name__ == "__main__":
    main()
