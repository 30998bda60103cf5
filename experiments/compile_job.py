"""One compilation from a prepared problem to checked files."""

import csv
import dataclasses
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments.bars import Bars
from rankloom.experiments.folders import write_json
from rankloom.experiments.problem import Problem, section
from rankloom.experiments.toml import dump_toml
from rankloom.experiments.verify import DENSE_LIMIT, Check, check_circuit
from rankloom.quantum import CompiledState, compile_state
from rankloom.tn import MPS, Evolution, evolve


@dataclass(frozen=True, eq=False)
class Quench:
    """The evolution behind a target.

    Parameters
    ----------
    evolution : Evolution
    entropies : (steps + 1, n - 1) array
        Entanglement entropy in nats at every time and cut.
    """

    evolution: Evolution
    entropies: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CompileRun:
    """A problem, its solution, and the proof.

    Parameters
    ----------
    problem : Problem
    target : MPS
    quench : Quench, optional
        None where the target came from a file.
    result : CompiledState
    seconds : dict
        Wall time of each stage.
    notes : tuple of str
        Warnings of the library on the way.
    """

    problem: Problem
    target: MPS
    quench: Quench | None
    result: CompiledState
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of qubits."""
        return self.problem.n

    @property
    def start_fidelity(self) -> float:
        """Fidelity of the ansatz before the search: that of its Trotter circuit."""
        return float(self.result.history["fidelity"][0])


def run(problem: Problem, bars: Bars) -> CompileRun:
    """Evolve and compile; nothing is written.

    Raises
    ------
    ConfigError
        The circuit is too deep for this target.
    """
    seconds: dict[str, float] = {}
    settings, name = problem.config.optimise, f"{problem.n} qubits"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with stage(seconds, "evolve"):
            quench = None if problem.given else _quench(problem, bars.track(f"{name}: evolve"))
        target = quench.evolution.state if quench else problem.given
        assert target is not None
        with (
            stage(seconds, "compile"),
            section("ansatz"),
            bars.iterations(f"{name}: compile") as callback,
        ):
            result = compile_state(
                target,
                problem.ansatz,
                target_fidelity=settings.target_fidelity,
                max_iterations=settings.max_iterations,
                rng=settings.seed,
                callback=callback,
            )
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    return CompileRun(problem, target, quench, result, seconds, notes)


def write(run: CompileRun, folder: Path, bars: Bars) -> Check:
    """Write the files of `FILES` into an existing folder, and check them independently."""
    for suffix in (".qpy", ".qasm", ".qasm3"):
        run.result.save(folder / f"circuit{suffix}")
    run.target.save(folder / "target.h5")
    write_table(run.result.history.dtype.names or (), run.result.history, folder / "history.csv")
    (folder / "config.toml").write_text(dump_toml(run.problem.config), encoding="utf-8")
    hint = "the very first time, quimb compiles: 30 s" if run.n > DENSE_LIMIT else ""
    with stage(run.seconds, "check"), bars.waiting(f"{run.n} qubits: independent check", hint):
        check = check_circuit(folder, run.result.fidelity)
    write_json(summary(run, check), folder / "result.json")
    return check


def summary(run: CompileRun, check: Check) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    result, evolution = run.result, run.quench.evolution if run.quench else None
    return {
        "qubits": run.n,
        "fidelity": result.fidelity,
        "start_fidelity": run.start_fidelity,
        "two_qubit_depth": result.two_qubit_depth,
        "two_qubit_count": result.two_qubit_count,
        "parameters": result.ansatz.n_parameters,
        "iterations": int((result.history["stage"] == "lbfgs").sum()),
        "outcome": result.outcome.name,
        "advice": result.outcome.value,
        "target": {
            "bond_dimension": max(run.target.bond_dimensions),
            "squared_norm": result.squared_norm,
            "truncation_error": evolution.truncation_error if evolution else None,
            "error_bound": evolution.error_bound if evolution else None,
        },
        "check": dataclasses.asdict(check)
        | {"difference": check.difference, "passed": check.passed},
        "seconds": run.seconds,
        "notes": run.notes,
    }


def write_table(columns: Any, rows: Any, path: Path) -> None:
    """Write a CSV file; floats in full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(np.asarray(rows).tolist() if isinstance(rows, np.ndarray) else rows)


@contextmanager
def stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the wall time of a block to ``seconds[name]``."""
    begin = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begin


def _quench(problem: Problem, progress: Any) -> Quench:
    settings, entropies = problem.config.target, []

    def record(_: float, state: MPS) -> None:
        entropies.append(state.entropies())

    evolution = evolve(
        problem.start,
        problem.chain,
        time=problem.config.quench.time,
        steps=settings.steps,
        order=settings.order,
        max_bond=settings.max_bond,
        cutoff=settings.cutoff,
        callback=record,
        progress=progress,
    )
    return Quench(evolution, np.array(entropies))
