"""Shots from a matrix product state in random Pauli bases: ours against quimb.

quimb measures in the computational basis, one shot at a time, so a shot in given bases is: turn a
copy of the state by one gate a site (``gate_``), then ``sample(1)``. Its time per shot does not
depend on the number of shots; ours falls with it, because shots travel together. The column
``deviation`` is the largest distance of an estimated ``<P_i>`` from its exact value, in standard
errors, over all sites and letters (300 estimates: about 3 is expected).

Run: ``python benchmarks/tn_sample.py [--bonds 32] [--shots 10 1000]``
"""

import argparse

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.tn import MPS, sample

N = 100
OURS, SINGLE = "ours, one core", "ours in single precision, one core"
ROTATIONS = (  # from the eigenbases of X, Y, Z to the computational basis
    np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
    np.eye(2, dtype=complex),
)


def compare(bond: int, shots: int, rounds: int = 3) -> None:
    """One row of the table for each contender."""
    state = MPS.random(N, bond, rng=0)
    contenders = [
        Contender(OURS, lambda: sample(state, shots, "random-pauli", 1)),
        Contender("ours, default", lambda: sample(state, shots, "random-pauli", 1), False),
        Contender(SINGLE, lambda: sample(state, shots, "random-pauli", 1, single=True)),
    ]
    per_call = {contender.name: shots for contender in contenders}
    if peer_version("quimb") is not None:
        peer = state.to_quimb()
        rng = np.random.default_rng(2)

        def rotate_and_sample() -> None:
            turned = peer.copy()
            for k, basis in enumerate(rng.integers(0, 3, N)):
                turned.gate_(ROTATIONS[basis], k, contract=True)
            list(turned.sample(1, seed=rng))

        for name, policy in (("quimb, one core", True), ("quimb, default", False)):
            contenders.append(Contender(name, rotate_and_sample, policy))
            per_call[name] = 1
    timings = take_turns(contenders, rounds)
    scale = {name: 1.0 / count for name, count in per_call.items()}
    rows = []
    for contender in contenders:
        timing = timings[contender.name]
        ratio = tuple(
            r * scale[contender.name] / scale[OURS] for r in timings[OURS].speedup(timing)
        )
        error = (
            deviation(state, shots, contender.name == SINGLE) if "ours" in contender.name else ""
        )
        rows.append(
            [contender.name, duration(timing.median * scale[contender.name]), times(ratio), error]
        )
    print(f"## {N} sites, bond {bond}, {shots} shots\n")
    table(["contender", "time per shot", "ours is faster by", "deviation"], rows)


def deviation(state: MPS, shots: int, single: bool) -> str:
    """Largest |estimate - exact| in standard errors; needs some hundred shots to say anything."""
    if shots < 300:
        return ""
    drawn = sample(state, shots, "random-pauli", 1, single=single)
    worst = 0.0
    for letter in "XYZ":
        exact = state.expectation(letter)
        for k in range(N):
            value, _, count = drawn.expectation(letter, k)
            worst = max(worst, abs(value - exact[k]) / np.sqrt((1 - exact[k] ** 2) / count))
    return f"{worst:.1f}"


def main() -> None:
    """Run the bonds and numbers of shots asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bonds", nargs="+", type=int, default=(16, 32, 64))
    parser.add_argument("--shots", nargs="+", type=int, default=(10, 1000))
    options = parser.parse_args()
    header("Sampling", ["quimb", "numpy", "scipy", "numba"])
    for bond in options.bonds:
        for shots in options.shots:
            compare(bond, shots)


if __name__ == "__main__":
    main()
