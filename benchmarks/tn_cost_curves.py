"""Cost curves of the ground floor: time against bond dimension and against length.

Run: ``python benchmarks/tn_cost_curves.py`` (one to two minutes); writes docs/pictures/tn_cost.svg.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from common import Contender, header, take_turns

from rankloom.tn import MPS, SpinChain, evolve, sample

matplotlib.use("svg")
from matplotlib import pyplot as plt

BONDS = (8, 16, 32, 64, 128)
LENGTHS = (25, 50, 100, 200)
FIXED_LENGTH, FIXED_BOND = 50, 32


def tools(n: int, bond: int) -> dict[str, Callable[[], object]]:
    """One call of each tool on random states of n sites."""
    a, b = MPS.random(n, bond, rng=0), MPS.random(n, bond, rng=1)
    chain = SpinChain.heisenberg(n)
    operator = chain.mpo()
    return {
        "overlap": lambda: a.overlap(b),
        "energy": lambda: a.expectation(operator),
        "compress to half": lambda: a.compress(max_bond=bond // 2),
        "Trotter step": lambda: evolve(a, chain, time=0.05, steps=1, max_bond=bond, threads=1),
        "100 shots": lambda: sample(a, 100, basis="random-pauli", rng=0),
    }


def curves(sizes: tuple[int, ...], call: Callable[[int], dict[str, Callable[[], object]]]) -> dict:
    """Median seconds of every tool at each size."""
    found: dict[str, list[float]] = {}
    for size in sizes:
        contenders = [Contender(name, run) for name, run in call(size).items()]
        for name, timing in take_turns(contenders, rounds=5, sample_seconds=0.02).items():
            found.setdefault(name, []).append(timing.median)
    return found


def main() -> None:
    """Measure, draw, and print the slopes between the two largest sizes."""
    header("Cost curves, one core", ["numpy"])
    panels = (
        ("bond dimension D", BONDS, curves(BONDS, lambda bond: tools(FIXED_LENGTH, bond))),
        ("sites n", LENGTHS, curves(LENGTHS, lambda n: tools(n, FIXED_BOND))),
    )
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), sharey=True, layout="constrained")
    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
    for ax, (label, sizes, found), fixed in zip(
        axes, panels, (f"{FIXED_LENGTH} sites", f"D = {FIXED_BOND}"), strict=True
    ):
        for (name, seconds), colour, marker in zip(found.items(), colours, "os^Dv", strict=True):
            slope = np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2])
            print(f"{label}: {name:16s} grows with power {slope:.2f} at the end")
            ax.loglog(sizes, seconds, color=colour, marker=marker, markersize=4, label=name)
        ax.set(xlabel=label, title=fixed, xticks=sizes, xticklabels=sizes)
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("seconds, one core")
    axes[0].legend(frameon=False, fontsize=8)
    path = Path(__file__).parent.parent / "docs" / "pictures" / "tn_cost.svg"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    print(f"\n{path.relative_to(path.parent.parent.parent)}")


if __name__ == "__main__":
    main()
