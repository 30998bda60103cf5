"""Time evolution by TDVP: ours against TeNPy, two sites and one site at a time.

The chain is ``H = sum_i S_i . S_(i+1)``, 50 sites, steps of 0.05 from a random state with full
bonds. Both follow the same sweeps, so the results differ by the tolerance of the exponentials;
ours also computes the projection error of the one-site steps, which TeNPy does not offer.
quimb has no TDVP.

Run: ``python benchmarks/tn_tdvp.py [--rows two16 two64 one64 ...]``
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times
from tebd_peers import quimb_sz, tenpy_tensors, to_quimb

from rankloom.tn import MPS, SpinChain, evolve

N, DT = 50, 0.05
OURS_ONE, OURS_ALL = "ours, one core", "ours, default"


def tenpy_tdvp(start: MPS, steps: int, bond: int, sites: int) -> Callable[[], Any]:
    """A call that evolves a fresh copy with TeNPy and returns its MPS."""
    from tenpy.algorithms.tdvp import SingleSiteTDVPEngine, TwoSiteTDVPEngine
    from tenpy.models.xxz_chain import XXZChain
    from tenpy.networks.mps import MPS as TenpyMPS

    model = XXZChain({"L": N, "Jxx": 1.0, "Jz": 1.0, "bc_MPS": "finite", "conserve": None})
    engine_class = SingleSiteTDVPEngine if sites == 1 else TwoSiteTDVPEngine
    flipped = [tensor.transpose(1, 0, 2) for tensor in start.tensors]
    cut = {"chi_max": bond, "svd_min": None, "trunc_cut": None}

    def run() -> Any:
        psi = TenpyMPS.from_Bflat(
            model.lat.mps_sites(), flipped, dtype=complex, form=None, unit_cell_width=N
        )
        psi.canonical_form()
        options: dict[str, Any] = {"dt": DT, "N_steps": steps}
        if sites == 2:
            options["trunc_params"] = dict(cut)
        engine_class(psi, model, options).run()
        return psi

    return run


def compare(bond: int, sites: int, steps: int = 2, rounds: int = 3) -> None:
    """Time both in turns and print the ratio and how far apart the magnetisations are."""
    start, chain = MPS.random(N, bond, rng=0), SpinChain.heisenberg(N, j=0.25)
    method = "tdvp1" if sites == 1 else "tdvp"
    states: dict[str, Any] = {}

    def ours(name: str) -> Callable[[], None]:
        def call() -> None:
            states[name] = evolve(
                start, chain, time=steps * DT, steps=steps, method=method, max_bond=bond, cutoff=0.0
            ).state

        return call

    contenders = [
        Contender(OURS_ONE, ours(OURS_ONE)),
        Contender(OURS_ALL, ours(OURS_ALL), one_core=False),
    ]
    if peer_version("physics-tenpy") is not None:
        run = tenpy_tdvp(start, steps, bond, sites)
        contenders.append(Contender("TeNPy, one core", keep(states, "TeNPy, one core", run)))
    print(f"## {N} sites, full bonds of {bond}, {steps} steps, {sites} site(s) at a time\n")
    timings = take_turns(contenders, rounds)
    reference = sz_of(states[OURS_ONE])
    rows = []
    for name, timing in timings.items():
        ratios = [times(timings[mine].speedup(timing)) for mine in (OURS_ONE, OURS_ALL)]
        apart = f"{abs(sz_of(states[name]) - reference).max():.1e}"
        rows.append([name, duration(timing.median), *ratios, apart])
    table(["contender", "time", "over ours, one core", "over ours, default", "<Sz> apart"], rows)


def keep(states: dict[str, Any], name: str, run: Callable[[], Any]) -> Callable[[], None]:
    """The call that stores its result by name."""

    def call() -> None:
        states[name] = run()

    return call


def sz_of(state: Any) -> np.ndarray:
    """<Sz> of every site of either contender's state."""
    if isinstance(state, MPS):
        return np.asarray(state.expectation("Z")).real / (2 * state.norm() ** 2)
    return quimb_sz(to_quimb(tenpy_tensors(state)))[0]


ROWS = {
    "two16": lambda: compare(16, 2),
    "two64": lambda: compare(64, 2),
    "one16": lambda: compare(16, 1),
    "one64": lambda: compare(64, 1),
}


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    rows = parser.parse_args().rows
    header("Time evolution by TDVP", ["physics-tenpy", "numpy", "scipy"])
    for row in rows:
        ROWS[row]()


if __name__ == "__main__":
    main()
