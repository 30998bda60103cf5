"""A run, its files, and everything that its report shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import CompileRun, stage, write, write_table
from rankloom.experiments.depth import Point, compiled_points, equal_trotter, trotter_points
from rankloom.experiments.verify import Check
from rankloom.tn import evolve


@dataclass(frozen=True, eq=False)
class Study:
    """A checked run with its comparison.

    Parameters
    ----------
    run : CompileRun
    check : Check
    points : sequence of Point
        Compiled and Trotter circuits; only the run's own where the target came from a file.
    finer : float or None
        Fidelity of the target with one of twice as many Trotter steps: how good the target is.
    profiles : dict
        ``<Z_i>`` of the target, the compiled circuit and the Trotter circuit of its depth.
    folder : str
        Where the files lie, as seen from the report; "" beside it.
    """

    run: CompileRun
    check: Check
    points: Sequence[Point]
    finer: float | None
    profiles: dict[str, NDArray[np.float64]]
    folder: str

    @property
    def chosen(self) -> Point:
        """The run's own circuit."""
        result = self.run.result
        steps = self.run.problem.config.ansatz.steps
        return Point(
            "compiled", steps, result.two_qubit_depth, result.two_qubit_count, result.fidelity
        )

    @property
    def trotter(self) -> list[Point]:
        """The Trotter circuits."""
        return [p for p in self.points if p.kind == "Trotter"]

    @property
    def partner(self) -> Point | None:
        """The shortest Trotter circuit that is as good, if it is among the points."""
        return equal_trotter(self.run.result.fidelity, self.trotter)

    def path(self, name: str) -> str:
        """Name of a file as seen from the report."""
        return f"{self.folder}/{name}" if self.folder else name


def study(run: CompileRun, root: Path, folder: str, bars: Bars, steps: Sequence[int] = ()) -> Study:
    """Write a run's files below `root`, check them, and compare with Trotter circuits.

    Parameters
    ----------
    run : CompileRun
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it; "" for `root` itself.
    bars : Bars
    steps : sequence of int
        Compile ansatz circuits of these Trotter steps as well.
    """
    place = root / folder
    place.mkdir(parents=True, exist_ok=True)
    name = f"{run.n} qubits"
    points: list[Point] = []
    finer = None
    with stage(run.seconds, "compare"):
        if run.quench:
            points = trotter_points(run, bars.track(f"{name}: Trotter circuits"))
            points += compiled_points(run, steps, bars)
            write_table(Point._fields, points, place / "depth.csv")
            finer = _finer(run, bars)
        profiles = {
            "target": run.target.expectation("Z") / run.result.squared_norm,
            "compiled": run.result.ansatz.to_mps().expectation("Z"),
        }
        if run.quench:
            profiles["Trotter, same depth"] = run.problem.ansatz.to_mps().expectation("Z")
    check = write(run, place, bars)
    return Study(run, check, points, finer, profiles, folder)


def _finer(run: CompileRun, bars: Bars) -> float:
    config = run.problem.config
    state = evolve(
        run.problem.start,
        run.problem.chain,
        time=config.quench.time,
        steps=2 * config.target.steps,
        order=config.target.order,
        max_bond=config.target.max_bond,
        cutoff=config.target.cutoff,
        progress=bars.track(f"{run.n} qubits: finer target"),
    ).state
    return float(abs(run.target.overlap(state)) ** 2 / run.result.squared_norm)
