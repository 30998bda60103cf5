"""Ising chains in their ground state and after a quench, held against free fermions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments import evolve_job, ground_job
from rankloom.experiments.bars import Bars
from rankloom.experiments.chain_config import (
    EvolutionConfig,
    EvolveConfig,
    GroundConfig,
    SearchConfig,
)
from rankloom.experiments.compile_job import write_table
from rankloom.experiments.config import ChainConfig
from rankloom.experiments.evolve_job import EvolveRun
from rankloom.experiments.ground_job import GroundRun
from rankloom.experiments.verify import Check
from rankloom.tn import reference
from rankloom.tn.reference import FreeFermions

FIELD = 1.0
"""The transverse field g, at the critical point."""

_GROUND_BOND = 48


@dataclass(frozen=True, eq=False)
class Compared:
    """A quench and its distance from the exact one.

    Parameters
    ----------
    run : EvolveRun
    magnetization, entropy : (steps + 1,) array
        Largest error of ``<X_i>`` over the sites, and of the entropy over the cuts, at every time.
    """

    run: EvolveRun
    magnetization: NDArray[np.float64]
    entropy: NDArray[np.float64]

    @property
    def bond(self) -> int:
        """The largest bond dimension that was allowed."""
        return self.run.config.evolution.max_bond

    @property
    def name(self) -> str:
        """Method and bond dimension."""
        method = "TEBD" if self.run.config.evolution.method == "tebd" else "TDVP"
        return f"{method}, D = {self.bond}"

    def good_until(self, error: float) -> float:
        """The last time up to which ``<X_i>`` was never off by more than `error`."""
        bad = np.flatnonzero(self.magnetization > error)
        times = self.run.evolution.times
        return float(times[bad[0] - 1] if len(bad) else times[-1])


@dataclass(frozen=True, eq=False)
class ChainStudy:
    """Ground state and quenches of one chain, with the exact answers.

    Parameters
    ----------
    ground : GroundRun
    ground_exact : FreeFermions
    quenches : sequence of Compared
        TEBD with growing bond dimension, then TDVP with the smallest.
    exact : FreeFermions
        At the times of the quenches.
    checks : sequence of Check
    """

    ground: GroundRun
    ground_exact: FreeFermions
    quenches: Sequence[Compared]
    exact: FreeFermions
    checks: Sequence[Check]

    @property
    def n(self) -> int:
        """Number of spins."""
        return int(self.exact.magnetization.shape[1])

    @property
    def times(self) -> NDArray[np.float64]:
        """The times of the quenches."""
        return self.best.run.evolution.times

    @property
    def middle(self) -> int:
        """Index of the cut in the middle."""
        return (self.n - 1) // 2

    @property
    def best(self) -> Compared:
        """TEBD with the largest bond dimension."""
        return self.quenches[-2]


def study(
    folder: Path, bars: Bars, *, n: int, time: float, steps: int, bonds: Sequence[int]
) -> ChainStudy:
    """Search, evolve, compare, check, and write the files into a folder.

    Parameters
    ----------
    folder : Path
        Made here; gets the folders ``ground`` and ``quench`` and the table ``comparison.csv``.
    bars : Bars
    n : int
        Number of spins.
    time : float
    steps : int
    bonds : sequence of int
        Bond dimensions of TEBD, ascending.
    """
    chain = ChainConfig("ising", n, j=1.0, g=FIELD)
    search = GroundConfig(Path("results/ground"), chain, SearchConfig(max_bond=_GROUND_BOND))
    ground = ground_job.run(search, ground_job.prepare(search), bars)
    runs = [_quench(chain, time, steps, "tebd", bond, bars) for bond in bonds]
    runs.append(_quench(chain, time, steps, "tdvp1", bonds[0], bars))
    with bars.waiting(f"{n} spins: free fermions"):
        exact = reference.ising_quench(n, 1.0, FIELD, times=runs[0].evolution.times)
        ground_exact = reference.ising_ground_state(n, 1.0, FIELD)
    quenches = [_compare(run, exact) for run in runs]
    checks = [
        *_ground_checks(ground, ground_exact),
        *_quench_checks(quenches[-2], exact),
        _energy_check(quenches[-1]),
    ]
    for name in ("ground", "quench"):
        (folder / name).mkdir(parents=True)
    ground_job.write(ground, folder / "ground")
    evolve_job.write(quenches[-2].run, folder / "quench")
    found = ChainStudy(ground, ground_exact, quenches, exact, checks)
    _write_comparison(found, folder / "comparison.csv")
    return found


def _quench(
    chain: ChainConfig, time: float, steps: int, method: str, bond: int, bars: Bars
) -> EvolveRun:
    evolution = EvolutionConfig(
        initial="plus",
        time=time,
        steps=steps,
        method="tebd" if method == "tebd" else "tdvp1",
        order=4 if method == "tebd" else 2,
        max_bond=bond,
        observe=("X",),
    )
    config = EvolveConfig(Path("results/quench"), chain, evolution)
    return evolve_job.run(config, *evolve_job.prepare(config), bars, keep=False)


def _compare(run: EvolveRun, exact: FreeFermions) -> Compared:
    magnetization = run.evolution.observed["X"] - exact.magnetization
    entropy = run.entropies - exact.entropies
    return Compared(run, abs(magnetization).max(axis=1), abs(entropy).max(axis=1))


def _ground_checks(ground: GroundRun, exact: FreeFermions) -> list[Check]:
    found, middle = ground.found[0], len(exact.entropies) // 2
    return [
        Check(
            "ground energy",
            "free fermions: half the sum of their energies",
            found.energy,
            ground.exact[0],
            1e-9,
        ),
        Check(
            "ground entropy",
            "free fermions: from their correlations",
            float(found.state.entropies()[middle]),
            float(exact.entropies[middle]),
            1e-7,
        ),
    ]


def _quench_checks(compared: Compared, exact: FreeFermions) -> list[Check]:
    pairs = {
        "⟨X⟩": (compared.run.evolution.observed["X"], exact.magnetization),
        "entropy": (compared.run.entropies, exact.entropies),
    }
    checks = []
    for name, (ours, theirs) in pairs.items():
        worst = np.unravel_index(abs(ours - theirs).argmax(), ours.shape)
        checks.append(
            Check(
                f"quench {name}",
                "free fermions, at the worst site and time",
                float(ours[worst]),
                float(theirs[worst]),
                2e-4,
            )
        )
    return checks


def _energy_check(compared: Compared) -> Check:
    energies = compared.run.evolution.observed["energy"]
    n = compared.run.evolution.state.n_sites
    return Check(
        "TDVP energy",
        "conservation: it began at &minus;n g",
        float(energies[-1]),
        -FIELD * n,
        1e-5,
    )


def _write_comparison(study: ChainStudy, path: Path) -> None:
    head, columns = ["time", "exact middle entropy"], [study.times, study.exact.entropies]
    columns[1] = columns[1][:, study.middle]
    for quench in study.quenches:
        head += [f"{quench.name}: {what}" for what in ("middle entropy", "X error", "S error")]
        columns += [
            quench.run.entropies[:, study.middle],
            quench.magnetization,
            quench.entropy,
        ]
    write_table(head, np.column_stack(columns), path)
