"""Approximate quantum compiling: ours against qiskit-addon-aqc-tensor (quimb + jax, and Aer).

=====================  ==========================================================================
row                    what is timed
=====================  ==========================================================================
layers3, 5, 7          one value and gradient, 50 qubits, target bond 12; jax compiled before
aer                    the same at 3 layers against the Aer backend (half a minute)
first-solution         from nothing to F >= 0.99, 50 qubits, 5 layers; each run in a new process
deep                   100 qubits, 7 layers, `compile_state` to F >= 0.998; ours only
memory                 peak memory, 200 qubits, 9 layers, target bond 64; ours only
=====================  ==========================================================================

Run: ``python benchmarks/aqc_gradient.py [--rows layers3 first-solution ...]``
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from aqc_problem import (
    Objective,
    addon_ansatz,
    addon_objective,
    addon_order,
    aer_settings,
    jax_precision,
    our_ansatz,
    our_target,
    quimb_settings,
    trotter_circuit,
)
from common import Contender, duration, header, peer_version, table, take_turns, times

ADDON = "qiskit-addon-aqc-tensor"
OURS = "ours, one core"


def gradient(layers: int, n: int = 50, bond: int = 12, rounds: int = 7) -> None:
    """One value and gradient near the Trotter start."""
    from rankloom.quantum.aqc.overlap import Overlap

    target, ansatz = our_target(n, max_bond=bond), our_ansatz(n, layers)
    point = ansatz.angles + 1e-3 * np.random.default_rng(0).normal(size=ansatz.n_parameters)
    alone, both = Overlap(target, ansatz, threads=1), Overlap(target, ansatz)
    moved = ansatz.with_angles(point)
    value, slope = alone.fidelity_and_gradient(point)
    contenders = [
        Contender(OURS, lambda: alone.fidelity_and_gradient(point)),
        Contender("ours, default", lambda: both.fidelity_and_gradient(point), one_core=False),
        Contender("ours, nothing prepared", lambda: moved.fidelity_and_gradient(target)),
    ]
    errors = {}
    if peer_version(ADDON) is not None:
        circuit, _ = addon_ansatz(n, layers)
        order = addon_order(ansatz, circuit)
        for bits in (32, 64):
            with jax_precision(bits):  # the target's tensors become constants in this precision
                evaluate = addon_objective(target.to_quimb(), circuit, quimb_settings())

            def call(bits: int = bits, evaluate: Objective = evaluate) -> tuple[float, np.ndarray]:
                with jax_precision(bits):
                    return evaluate(point[order])

            peer_value, peer_slope = call()
            difference = abs(value - peer_value), abs(slope[order] - peer_slope).max()
            for policy in ("one core", "default"):
                name = f"addon, jax float{bits}, {policy}"
                contenders.append(Contender(name, call, one_core=policy == "one core"))
                errors[name] = difference
    print(f"## {layers} layers, {n} qubits, target bond {max(target.bond_dimensions)}, ", end="")
    print(f"{ansatz.n_parameters} angles, F = {value:.6g}\n")
    report(contenders, errors, rounds)


def aer(n: int = 50, layers: int = 3, rounds: int = 2) -> None:
    """The same against the addon's Aer backend, which needs seconds for one call."""
    from rankloom.quantum.aqc.overlap import Overlap

    if peer_version(ADDON) is None or peer_version("qiskit-aer") is None:
        return
    from qiskit_addon_aqc_tensor.simulation import tensornetwork_from_circuit

    from rankloom.tn import MPS

    settings = aer_settings()
    target = tensornetwork_from_circuit(trotter_circuit(n, 40), settings)
    ansatz = our_ansatz(n, layers)
    circuit, _ = addon_ansatz(n, layers)
    order = addon_order(ansatz, circuit)
    evaluate = addon_objective(target, circuit, settings)
    ours = Overlap(MPS(aer_tensors(target)), ansatz, threads=1)
    value, slope = ours.fidelity_and_gradient(ansatz.angles)
    peer_value, peer_slope = evaluate(ansatz.angles[order])
    name = "addon, Aer, one core"
    contenders = [
        Contender(OURS, lambda: ours.fidelity_and_gradient(ansatz.angles)),
        Contender(name, lambda: evaluate(ansatz.angles[order])),
    ]
    errors = {name: (abs(value - peer_value), abs(slope[order] - peer_slope).max())}
    print(f"## Aer, {layers} layers, {n} qubits, target as Aer made it, F = {value:.6g}\n")
    report(contenders, errors, rounds)


def aer_tensors(state: Any) -> list[np.ndarray]:
    """Site tensors of the addon's Aer state: Vidal's Gamma with the right Schmidt values."""
    right = [np.ravel(values) for values in state.lamb] + [np.ones(1)]
    pairs = zip(state.gamma, right, strict=True)
    return [np.stack(gamma, axis=1) * values for gamma, values in pairs]


def report(
    contenders: list[Contender], errors: dict[str, tuple[float, float]], rounds: int
) -> None:
    """Time in turns; how many times slower than ours under the same thread policy."""
    timings = take_turns(contenders, rounds)
    rows = []
    for contender in contenders:
        timing = timings[contender.name]
        base = timings[OURS if contender.one_core else "ours, default"]
        ratio = times(base.speedup(timing))
        dv, dg = errors.get(contender.name, (None, None))
        agreement = ["", ""] if dv is None else [f"{dv:.1e}", f"{dg:.1e}"]
        rows.append([contender.name, duration(timing.median), ratio, *agreement])
    columns = ["contender", "value and gradient", "ours is faster by", "|dF|", "max |d gradient|"]
    table(columns, rows)


def first_solution(n: int = 50, layers: int = 5, fidelity: float = 0.99, warm: int = 5) -> None:
    """From nothing to the first circuit of the wanted fidelity."""
    with tempfile.TemporaryDirectory() as folder:
        cache = {"NUMBA_CACHE_DIR": str(Path(folder) / "numba")}
        runs = {"ours, very first run": [child("ours", n, layers, fidelity, folder, cache)]}
        again = [child("ours", n, layers, fidelity, folder, cache) for _ in range(warm)]
        runs["ours, kernels cached"] = again
        if peer_version(ADDON) is not None:
            runs["addon, jax"] = [child("addon", n, layers, fidelity, folder, {})]
    medians = {name: sorted(group, key=total)[len(group) // 2] for name, group in runs.items()}
    rows = []
    for name, run in medians.items():
        spread = f" ({duration(min(map(total, again)))} to {duration(max(map(total, again)))})"
        ratio = f"{total(medians['addon, jax']) / total(run):.3g}x" if "addon, jax" in runs else ""
        row = [name, duration(total(run)) + (spread if len(runs[name]) > 1 else ""), ratio]
        row += [f"{run['fidelity']:.6f}", f"{run['judged']:.6f}"]
        rows.append([*row, ", ".join(f"{k} {duration(s)}" for k, s in run["stages"].items())])
    print(f"## first solution, {n} qubits, {layers} layers, F >= {fidelity}\n")
    table(
        ["run", "without imports", "faster than addon", "own F", "F to 100 steps", "stages"], rows
    )


def total(run: dict[str, Any]) -> float:
    """Seconds of a run after its imports."""
    return sum(seconds for stage, seconds in run["stages"].items() if stage != "import")


def child(
    run: str, n: int, layers: int, fidelity: float, folder: str, variables: dict[str, str]
) -> dict[str, Any]:
    """Run one contender in a process of its own, and judge its circuit by one finer target."""
    from qiskit import qpy

    from rankloom.quantum import ansatz_from_qiskit

    path = Path(folder) / "circuit.qpy"
    options = ["--fidelity", str(fidelity), "--circuit", str(path)]
    figures = start_child([run, str(n), str(layers), *options], variables)
    with path.open("rb") as file:
        circuit = qpy.load(file)[0]
    target = our_target(n, steps=100)
    overlap, _ = ansatz_from_qiskit(circuit).fidelity_and_gradient(target)
    return figures | {"judged": overlap / target.norm() ** 2}


def start_child(arguments: list[str], variables: dict[str, str]) -> dict[str, Any]:
    """The JSON object that aqc_child.py prints last."""
    script = Path(__file__).with_name("aqc_child.py")
    environment = os.environ | variables
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def deep(n: int = 100, layers: int = 7, fidelity: float = 0.998, rounds: int = 5) -> None:
    """A long optimisation."""
    options = ["--fidelity", str(fidelity), "--rounds", str(rounds)]
    figures = start_child(["deep", str(n), str(layers), *options], {})
    seconds = sorted(figures["seconds"])
    print(f"## {n} qubits, {layers} layers, F >= {fidelity}\n")
    median = duration(seconds[len(seconds) // 2])
    spread = f"{median} ({duration(seconds[0])} to {duration(seconds[-1])})"
    iterations, reached = str(figures["iterations"]), f"{figures['fidelity']:.6f}"
    table(["compile_state", "iterations", "F"], [[spread, iterations, reached]])


def memory(n: int = 200, layers: int = 9, bond: int = 64) -> None:
    """Peak memory of a whole process, and what one value and gradient adds."""
    figures = start_child(["memory", str(n), str(layers), "--bond", str(bond)], {})
    print(f"## memory, {n} qubits, {layers} layers, random target of bond {bond}\n")
    mega = {key: f"{figures[key] / 1e6:.0f} MB" for key in ("baseline", "target", "peak")}
    added = f"{(figures['peak'] - figures['baseline']) / 1e6:.0f} MB"
    columns = ["libraries loaded", "with target", "peak in total", "added", "seconds"]
    cells = [mega["baseline"], mega["target"], mega["peak"], added]
    table(columns, [[*cells, duration(figures["seconds"])]])


ROWS = {
    "layers3": lambda: gradient(3),
    "layers5": lambda: gradient(5),
    "layers7": lambda: gradient(7),
    "aer": aer,
    "first-solution": first_solution,
    "deep": deep,
    "memory": memory,
}


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    rows = parser.parse_args().rows
    peers = [ADDON, "quimb", "jax", "qiskit-aer", "qiskit", "numba", "numpy"]
    header("Approximate quantum compiling", peers)
    for row in rows:
        ROWS[row]()


if __name__ == "__main__":
    main()
