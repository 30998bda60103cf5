"""Shadow spectroscopy of 100 spins from end to end, and what each stage costs.

Transverse-field Ising chain, g = 1.2, from (|E0> + |E1>) / sqrt 2 (ground state by DMRG, the first
particle by its exact operator), evolved by TEBD with bonds of 32; the gap is known from free
fermions. `tn_sample.py` holds the sampling against quimb.

Run: ``python benchmarks/shadows_end_to_end.py [--n 100] [--times 100] [--shots 10]``
"""

import argparse
import time

import numpy as np
from common import duration, header, table

from rankloom.quantum import shadow_spectroscopy, snapshot_spectroscopy
from rankloom.tn import MPO, SpinChain, ground_state, reference
from rankloom.tn.pauli import PAULI

G, DT = 1.2, 1.0


def first_particle(n: int) -> MPO:
    """Makes the first excited state of the Ising chain from its ground state; bond dimension 2."""
    matrix = G * np.eye(n) - np.diag(np.ones(n - 1), -1)
    amplitudes = np.linalg.svd(matrix)[0][:, -1]
    tensors = []
    for j in range(n):
        w = np.zeros((2, 2, 2, 2))
        w[0, :, :, 0], w[1, :, :, 1] = PAULI["X"].real, PAULI["I"].real
        w[0, :, :, 1] = amplitudes[j] * PAULI["Z"].real
        tensors.append(w)
    tensors[0], tensors[-1] = tensors[0][:1], tensors[-1][..., 1:]
    return MPO(tuple(tensors))


def main() -> None:
    """One run, its stages, and the gap for k = 1..4 from the same snapshots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--trotter-step", type=float, default=0.1)
    options = parser.parse_args()
    header("Shadow spectroscopy from end to end", ["numpy", "scipy", "numba"])
    n = options.n
    chain = SpinChain.ising(n, 1.0, G)
    gap = reference.ising_energies(n, g=G)[1][0]
    start = time.perf_counter()
    ground = ground_state(chain, 24, cutoff=1e-12).state
    first = first_particle(n).apply(ground, max_bond=48, cutoff=1e-12).state.normalize()
    state = (ground + first).normalize().compress(max_bond=32).state.normalize()
    preparing = time.perf_counter() - start
    result = shadow_spectroscopy(
        chain,
        state,
        DT * np.arange(options.times),
        options.shots,
        4,
        rng=0,
        trotter_step=options.trotter_step,
        max_bond=32,
        cutoff=1e-12,
    )
    seconds = {"initial state": preparing, **result.seconds}
    total = sum(seconds.values())
    print(f"## {n} spins, {options.times} times, {options.shots} shots, bonds up to 32\n")
    rows = [[name, duration(s), f"{100 * s / total:.1f} %"] for name, s in seconds.items()]
    table(["stage", "time", "share"], [*rows, ["all", duration(total), ""]])
    rows = []
    for k in (1, 2, 3, 4):
        found = snapshot_spectroscopy(result.snapshots, k)
        line = str(found.gaps[0]) if found.gaps else "none"
        error = f"{found.gaps[0].gap - gap:+.5f}" if found.gaps else ""
        rows.append([str(k), f"{found.gram.observables:,}", line, error])
    table(["k", "strings", f"gap (exactly {gap:.6f})", "off by"], rows)


if __name__ == "__main__":
    main()
