"""Ground states by two-site DMRG to one energy: ours against quimb and TeNPy.

==============  =========================================================  ========
row             chain                                                      bond
==============  =========================================================  ========
ising50, 100    critical transverse-field Ising chain, free-fermion energy  32
heisenberg50    spin-1/2 Heisenberg chain                                  100
==============  =========================================================  ========

Ours is one call with its defaults: it finds its own schedule, stops by itself, and its time
includes the exact variance and the search for a second state. The peers stop as soon as their
energy is within 1e-9 of the reference (`dmrg_peers.py`). All work in float64, except where TeNPy
uses charges; that row shows what symmetry sectors gain, which this library does not have.

Run: ``python benchmarks/tn_dmrg.py [--rows ising50 ...]``
"""

import argparse
from collections.abc import Callable

from common import Contender, duration, header, peer_version, table, take_turns, times
from dmrg_peers import quimb_run, tenpy_run

from rankloom.tn import SpinChain, ground_state, reference

GOAL = 1e-9
OURS_ONE, OURS_ALL = "ours, one core", "ours, default"


def ising(n: int, rounds: int) -> None:
    """Critical Ising chain."""
    chain = SpinChain.ising(n, 1.0, 1.0)
    exact, _ = reference.ising_energies(n, 1.0, 1.0)
    print(f"## Ising, g = 1, {n} sites, bond 32\n")
    compare(chain, 32, exact, [8, 8, 8, 16, 16, 32], [16, 32], "parity", rounds)


def heisenberg(rounds: int = 3) -> None:
    """Heisenberg chain; the reference is our own energy at twice the bond."""
    chain = SpinChain.heisenberg(50)
    best = ground_state(chain, max_bond=200).energy
    print("## Heisenberg, 50 sites, bond 100\n")
    schedule = [8, 16, 32, 32, 64, 64, 100]
    compare(chain, 100, best, schedule, [32, 100], "Sz", rounds)


def compare(
    chain: SpinChain,
    bond: int,
    exact: float,
    quimb_schedule: list[int],
    tenpy_schedule: list[int],
    charge: str,
    rounds: int,
) -> None:
    """Time all contenders in turns; print ratios and energies above the reference."""
    energies: dict[str, float] = {}
    contenders: list[Contender] = []

    def enter(name: str, run: Callable[[], float], one_core: bool = True) -> None:
        def call() -> None:
            energies[name] = run()

        contenders.append(Contender(name, call, one_core))

    def ours() -> float:
        return ground_state(chain, max_bond=bond).energy

    enter(OURS_ONE, ours)
    enter(OURS_ALL, ours, one_core=False)
    if peer_version("quimb") is not None:
        run = quimb_run(chain, quimb_schedule, None)
        enter("quimb, one core", run)
        enter("quimb, default", run, one_core=False)
        enter("quimb told, one core", quimb_run(chain, quimb_schedule, exact + GOAL))
    if peer_version("physics-tenpy") is not None:
        for conserve in (None, charge):
            run = tenpy_run(chain, tenpy_schedule, exact + GOAL, conserve)
            name = "no charges" if conserve is None else f"{conserve} conserved"
            enter(f"TeNPy told, {name}, one core", run)
    timings = take_turns(contenders, rounds)
    rows = []
    for name, timing in timings.items():
        ratios = [times(timings[ours].speedup(timing)) for ours in (OURS_ONE, OURS_ALL)]
        rows.append([name, duration(timing.median), *ratios, f"{energies[name] - exact:.1e}"])
    columns = ["contender", "time", "over ours, one core", "over ours, default", "energy error"]
    table(columns, rows)


ROWS = {
    "ising50": lambda: ising(50, 3),
    "ising100": lambda: ising(100, 3),
    "heisenberg50": heisenberg,
}


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    rows = parser.parse_args().rows
    header("Ground states", ["quimb", "physics-tenpy", "numpy", "scipy"])
    for row in rows:
        ROWS[row]()


if __name__ == "__main__":
    main()
