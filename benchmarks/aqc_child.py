"""One run of aqc_gradient.py in a process of its own; prints a JSON object.

A first solution is timed from nothing, so imports, compilation and caches must not leak from one
contender to the other; peak memory belongs to a whole process as well.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from aqc_problem import (
    addon_ansatz,
    addon_objective,
    our_ansatz,
    our_target,
    quimb_settings,
    trotter_circuit,
)


class Clock:
    """Seconds of named stages, each from the end of the one before."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End the stage `name`."""
        now = time.perf_counter()
        self.stages[name] = now - self._last
        self._last = now


def ours(n: int, layers: int, fidelity: float, circuit_path: Path) -> dict[str, Any]:
    """Target, ansatz, and `compile_state` to the first fidelity above `fidelity`."""
    clock = Clock()
    from rankloom.quantum import compile_state

    clock.lap("import")
    target = our_target(n)
    clock.lap("target")
    ansatz = our_ansatz(n, layers)
    clock.lap("set up")
    result = compile_state(target, ansatz, target_fidelity=fidelity, rng=0)
    clock.lap("optimise")
    result.save(circuit_path)
    return {"stages": clock.stages, "fidelity": result.fidelity, "bond": bond_of(target)}


def addon(n: int, layers: int, fidelity: float, circuit_path: Path) -> dict[str, Any]:
    """The same with the addon on quimb and jax, and SciPy's L-BFGS-B as its tutorial has it."""
    clock = Clock()
    import qiskit_addon_aqc_tensor.simulation.quimb  # noqa: F401
    from qiskit import qpy
    from qiskit_addon_aqc_tensor.simulation import tensornetwork_from_circuit
    from scipy.optimize import OptimizeResult, minimize

    settings = quimb_settings()
    clock.lap("import")
    target = tensornetwork_from_circuit(trotter_circuit(n, 40), settings)
    clock.lap("target")
    circuit, start = addon_ansatz(n, layers)
    evaluate = addon_objective(target, circuit, settings)
    clock.lap("set up")
    evaluate(start)
    clock.lap("compile (first call)")

    def infidelity(angles: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluate(angles)
        return 1 - value, -gradient

    def stop(intermediate_result: OptimizeResult) -> None:
        if 1 - intermediate_result.fun >= fidelity:
            raise StopIteration

    options = {"maxiter": 1000}
    best = minimize(infidelity, start, jac=True, method="L-BFGS-B", callback=stop, options=options)
    clock.lap("optimise")
    with circuit_path.open("wb") as file:
        qpy.dump(circuit.assign_parameters(best.x).decompose(), file)
    return {"stages": clock.stages, "fidelity": 1 - float(best.fun), "bond": target.psi.max_bond()}


def deep(n: int, layers: int, fidelity: float, rounds: int) -> dict[str, Any]:
    """`compile_state` to `fidelity`, repeated in a warm process."""
    from rankloom.quantum import compile_state

    compile_state(our_target(8), our_ansatz(8, 3), max_iterations=2, rng=0)
    target, ansatz = our_target(n), our_ansatz(n, layers)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = compile_state(target, ansatz, target_fidelity=fidelity, rng=0)
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": seconds,
        "fidelity": result.fidelity,
        "iterations": len(result.history),
        "bond": bond_of(target),
    }


def memory(n: int, layers: int, bond: int) -> dict[str, Any]:
    """Peak resident memory of one value and gradient, in bytes, stage by stage."""
    from rankloom.tn import MPS

    our_ansatz(8, 3).fidelity_and_gradient(our_target(8))  # loads all libraries and kernels
    baseline = peak_bytes()
    target = MPS.random(n, bond, rng=0)
    ansatz = our_ansatz(n, layers)
    before = peak_bytes()
    start = time.perf_counter()
    ansatz.fidelity_and_gradient(target)
    seconds = time.perf_counter() - start
    return {"baseline": baseline, "target": before, "peak": peak_bytes(), "seconds": seconds}


def bond_of(state: Any) -> int:
    """Largest bond dimension."""
    return int(max(state.bond_dimensions))


def peak_bytes() -> int:
    """Peak resident set of this process.

    Linux hands the peak of the parent on to `getrusage` of a child, hence its own file first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Read the run's name and sizes, print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", choices=("ours", "addon", "deep", "memory"))
    parser.add_argument("n", type=int)
    parser.add_argument("layers", type=int)
    parser.add_argument("--fidelity", type=float)
    parser.add_argument("--circuit", type=Path)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--bond", type=int)
    a = parser.parse_args()
    if a.run == "memory":
        figures = memory(a.n, a.layers, a.bond)
    elif a.run == "deep":
        figures = deep(a.n, a.layers, a.fidelity, a.rounds)
    else:
        figures = {"ours": ours, "addon": addon}[a.run](a.n, a.layers, a.fidelity, a.circuit)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
