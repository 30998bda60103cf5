"""Time evolution by second-order Trotter steps: ours against quimb and TeNPy.

The chain is ``H = sum_i S_i . S_(i+1)``, 50 sites, steps of 0.05.

========================  =======================================================================
row                       start
========================  =======================================================================
chi16, 32, 64, 128        random state whose bonds are full, so every cut is at the largest bond
neel                      0101..., bonds grow as the discarded weight of 1e-14 a cut asks for
========================  =======================================================================

quimb runs under the same rule (``cutoff_mode="rsum2"``: relative discarded weight), on one core
with its sweeps in the order that keeps the centre in place (quimb_tebd_gauge.py), and as a user
gets it: ``update_to`` with default threads. TeNPy has no such rule and runs on full bonds only.

Run: ``python benchmarks/tn_tebd.py [--rows chi16 neel ...]``
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times
from tebd_peers import quimb_runs, quimb_sz, tenpy_run, tenpy_tensors, to_quimb

from rankloom.tn import MPS, SpinChain, evolve

N, DT = 50, 0.05
OURS_ONE, OURS_ALL, EXACT = "ours, one core", "ours, default", "quimb sweeps, one core"


def saturated(bond: int, steps: int = 20, rounds: int = 5, reference: bool = True) -> None:
    """Full bonds from the start; errors also against twice the bond."""
    start = MPS.random(N, bond, rng=0)
    print(f"## {N} sites, full bonds of {bond}, {steps} steps\n")
    wide = our_sz(run_ours(start, steps, 2 * bond)) if reference else None
    compare(start, steps, bond, 0.0, rounds, wide, f"bond {2 * bond}")


def neel(steps: int = 20, rounds: int = 9) -> None:
    """Quench from 0101...; errors also against a cut-off of 1e-20."""
    start = MPS.product("01" * (N // 2))
    print(f"## {N} sites, Neel start, {steps} steps, discarded weight 1e-14\n")
    wide = our_sz(run_ours(start, steps, None, 1e-20))
    compare(start, steps, None, 1e-14, rounds, wide, "cut-off 1e-20")


def run_ours(start: MPS, steps: int, bond: int | None, cutoff: float = 0.0) -> MPS:
    """Our evolution of `start`."""
    chain = SpinChain.heisenberg(N, j=0.25)
    return evolve(start, chain, time=steps * DT, steps=steps, max_bond=bond, cutoff=cutoff).state


def our_sz(state: MPS) -> np.ndarray:
    """<Sz> of every site, norm divided out."""
    return np.asarray(state.expectation("Z")).real / (2 * state.norm() ** 2)


def compare(
    start: MPS,
    steps: int,
    bond: int | None,
    cutoff: float,
    rounds: int,
    reference: np.ndarray | None,
    reference_name: str,
) -> None:
    """Time all contenders in turns and print their ratios and errors."""
    states: dict[str, Any] = {}
    contenders: list[Contender] = []

    def enter(name: str, run: Callable[[], Any], one_core: bool = True) -> None:
        def call() -> None:
            states[name] = run()

        contenders.append(Contender(name, call, one_core))

    enter(OURS_ONE, lambda: run_ours(start, steps, bond, cutoff))
    enter(OURS_ALL, lambda: run_ours(start, steps, bond, cutoff), one_core=False)
    if peer_version("quimb") is not None:
        state = to_quimb(start.tensors)
        runs = quimb_runs(N, steps, DT, bond, cutoff)
        enter(EXACT, lambda: runs["alternating"](state))
        enter("quimb update_to, default", lambda: runs["update_to"](state), one_core=False)
    if bond is not None and bond < 128 and peer_version("physics-tenpy") is not None:
        enter("TeNPy, one core", tenpy_run(start.tensors, steps, DT, bond))
    timings = take_turns(contenders, rounds)
    sz = {name: sz_of(state) for name, state in states.items()}
    rows = []
    for name, timing in timings.items():
        error = "" if reference is None else f"{abs(sz[name] - reference).max():.1e}"
        apart = f"{abs(sz[name] - sz[EXACT]).max():.1e}" if EXACT in sz else ""
        ratios = [times(timings[ours].speedup(timing)) for ours in (OURS_ONE, OURS_ALL)]
        rows.append([name, duration(timing.median), *ratios, str(bond_of(states[name]))])
        rows[-1] += [error, apart]
    columns = ["contender", "time", "over ours, one core", "over ours, default", "bond"]
    table([*columns, f"<Sz> error to {reference_name}", "<Sz> from quimb sweeps"], rows)


def sz_of(state: Any) -> np.ndarray:
    """<Sz> of every site of any contender's state, contracted in full."""
    if isinstance(state, MPS):
        return our_sz(state)
    if hasattr(state, "max_bond"):
        return quimb_sz(state)[0]
    return quimb_sz(to_quimb(tenpy_tensors(state)))[0]


def bond_of(state: Any) -> int:
    """Largest bond dimension of any contender's state."""
    if isinstance(state, MPS):
        return max(state.bond_dimensions)
    return state.max_bond() if hasattr(state, "max_bond") else max(state.chi)


ROWS = {
    "chi16": lambda: saturated(16),
    "chi32": lambda: saturated(32),
    "chi64": lambda: saturated(64),
    "chi128": lambda: saturated(128, steps=4, reference=False),
    "neel": neel,
}


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    rows = parser.parse_args().rows
    header("Time evolution", ["quimb", "physics-tenpy", "numpy", "scipy", "numba"])
    for row in rows:
        ROWS[row]()


if __name__ == "__main__":
    main()
