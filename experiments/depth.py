"""What depth buys: compiled circuits against Trotter circuits of one state."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import CompileRun
from rankloom.quantum import brickwork_ansatz, compile_state
from rankloom.tn import evolve

TROTTER_STEPS = 10
_SIDE_ITERATIONS = 300  # enough to within a tenth of the last infidelity


class Point(NamedTuple):
    """One circuit."""

    kind: str
    """"compiled" or "Trotter"."""
    steps: int
    """Trotter steps of the circuit, or of the start of its search."""
    depth: int
    """CX depth."""
    gates: int
    """CX gates."""
    fidelity: float
    """With the target."""


def trotter_points(
    run: CompileRun, progress: Callable[[Iterable[Any]], Iterable[Any]]
) -> list[Point]:
    """Trotter circuits of 1, 2, .. steps, by their evolved states."""
    problem, settings = run.problem, run.problem.config
    points = []
    for k in progress(range(1, TROTTER_STEPS + 1)):
        circuit = brickwork_ansatz(
            problem.chain, settings.quench.time, k, settings.ansatz.order, problem.bits
        )
        state = evolve(
            problem.start,
            problem.chain,
            time=settings.quench.time,
            steps=k,
            order=settings.ansatz.order,
            max_bond=settings.target.max_bond,
            cutoff=settings.target.cutoff,
        ).state
        fidelity = abs(run.target.overlap(state)) ** 2 / run.result.squared_norm
        points.append(
            Point("Trotter", k, circuit.two_qubit_depth, circuit.two_qubit_count, fidelity)
        )
    return points


def compiled_points(run: CompileRun, steps: Sequence[int], bars: Bars) -> list[Point]:
    """Compiled circuits of other depths for the same target, the run's own among them."""
    problem, settings = run.problem, run.problem.config
    results = {settings.ansatz.steps: run.result}
    for k in steps:
        if k not in results:
            ansatz = brickwork_ansatz(
                problem.chain, settings.quench.time, k, settings.ansatz.order, problem.bits
            )
            with bars.iterations(f"{run.n} qubits: {k}-step ansatz") as callback:
                results[k] = compile_state(
                    run.target,
                    ansatz,
                    max_iterations=min(_SIDE_ITERATIONS, settings.optimise.max_iterations),
                    rng=settings.optimise.seed,
                    callback=callback,
                )
    return [
        Point("compiled", k, r.two_qubit_depth, r.two_qubit_count, r.fidelity)
        for k, r in sorted(results.items())
    ]


def equal_trotter(fidelity: float, points: Sequence[Point]) -> Point | None:
    """The shortest Trotter circuit that is no worse, if there is one among the points."""
    return next((p for p in points if p.fidelity >= fidelity), None)
