"""Operators from sums of terms: building time and bond dimension, against quimb and TeNPy.

Every pair of n spins is coupled by ZZ, with couplings that fall off as 1/r^3 or are random. All
three build the operator from the list of its terms; the energies of random bit strings show that
it is the right one.

Run: ``python benchmarks/tn_operators.py [--sites 20 60]``
"""

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.tn import MPO, MPS

Pairs = list[tuple[int, int, float]]


def ours(n: int, pairs: Pairs) -> MPO:
    return MPO.from_terms(n, [(c, "ZZ", (i, j)) for i, j, c in pairs])


def quimb_builder() -> Callable[[int, Pairs], Any]:
    from quimb.operator import SparseOperatorBuilder

    def build(_: int, pairs: Pairs) -> Any:
        builder = SparseOperatorBuilder([(c, ("z", i), ("z", j)) for i, j, c in pairs])
        return builder.build_mpo()

    return build


def tenpy_builder() -> Callable[[int, Pairs], Any]:
    from tenpy.networks.mpo import MPOGraph
    from tenpy.networks.site import SpinHalfSite
    from tenpy.networks.terms import TermList

    site = SpinHalfSite(conserve=None)

    def build(n: int, pairs: Pairs) -> Any:
        operators = [[("Sigmaz", i), ("Sigmaz", j)] for i, j, _ in pairs]
        terms = TermList(operators, [c for *_, c in pairs])
        return MPOGraph.from_term_list(terms, [site] * n, "finite").build_MPO()

    return build


def couplings(n: int, kind: str) -> Pairs:
    rng = np.random.default_rng(0)
    pairs = [(i, j) for j in range(n) for i in range(j)]
    return [
        (i, j, rng.standard_normal() if kind == "random" else (j - i) ** -3.0) for i, j in pairs
    ]


def error(n: int, pairs: Pairs) -> float:
    """Largest error of our energies over ten random bit strings, relative to the largest energy."""
    operator = ours(n, pairs)
    bits = np.random.default_rng(1).integers(0, 2, (10, n))
    z = 1.0 - 2.0 * bits
    exact = np.array([sum(c * s[i] * s[j] for i, j, c in pairs) for s in z])
    found = [MPS.product("".join(map(str, row))).expectation(operator) for row in bits]
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, nargs="+", default=[20, 60])
    arguments = parser.parse_args()
    header("Operators from sums of terms", ["rankloom", "quimb", "physics-tenpy", "numpy"])
    warnings.filterwarnings("ignore", message="unit_cell_width is a new argument")
    peers = {}
    if peer_version("quimb"):
        peers["quimb"] = (quimb_builder(), lambda mpo: mpo.max_bond())
    if peer_version("physics-tenpy"):
        peers["TeNPy"] = (tenpy_builder(), lambda mpo: max(mpo.chi))
    rows = []
    for kind in ("1/r^3", "random"):
        for n in arguments.sites:
            pairs = couplings(n, kind)
            contenders = [Contender("ours", lambda n=n, pairs=pairs: ours(n, pairs))]
            for name, (build, _) in peers.items():
                call = lambda build=build, n=n, pairs=pairs: build(n, pairs)  # noqa: E731
                contenders.append(Contender(name, call))
            timing = take_turns(contenders, rounds=3)
            bond = max(ours(n, pairs).bond_dimensions)
            for name, (build, width) in peers.items():
                rows.append(
                    [
                        f"{kind}, n = {n}, {len(pairs)} terms",
                        f"{duration(timing['ours'].median)}, bond {bond}",
                        f"{name}: {duration(timing[name].median)}, bond {width(build(n, pairs))}",
                        times(timing["ours"].speedup(timing[name])),
                        f"{error(n, pairs):.0e}",
                    ]
                )
    table(["terms", "ours", "peer", "ours is faster by", "our error"], rows)


if __name__ == "__main__":
    main()
