"""Ten shots at each time show the gap of an eight-spin chain, and say how well.

Run with ``python examples/05_gap_from_shots.py``; it takes a few seconds. The measurements are
simulated here; on a device `measurement_circuits` makes the circuits, `snapshots_from_qiskit`
reads the bits, and the rest is the same.
"""

import numpy as np

from rankloom.quantum import carriers, level_superposition, shadow_spectroscopy
from rankloom.tn import SpinChain, reference

SPINS, FIELD = 8, 1.2

# An experiment: 90 times, ten snapshots at each, every qubit in a random basis.
chain = SpinChain.ising(SPINS, 1.0, FIELD)  # H = -sum ZZ - 1.2 sum X
state = level_superposition(chain)  # (|E0> + |E1>) / sqrt 2
times = np.arange(90) * 0.25
result = shadow_spectroscopy(chain, state, times, shots=10, max_locality=3, rng=0)
print(f"{result.gram.observables} Pauli strings, 900 shots in all")

# The answer, and the exact one: a chain of free fermions.
gap = result.gaps[0]
exact = reference.ising_energies(SPINS, g=FIELD)[1][0]
print(f"gap {gap.gap:.4f} +- {gap.error:.4f}, exactly {exact:.4f}")
print(f"signal to noise {gap.snr:.0f}, resolution 2 pi / T = {result.spectrum.resolution:.3f}")

# Which measurements saw it?
for c in carriers(result.snapshots, gap.gap, max_locality=2, count=3):
    print(f"{c.letters} on {c.sites}: amplitude {c.amplitude:.2f}, score {c.score:.0f}")
assert abs(gap.gap - exact) < 5 * gap.error
