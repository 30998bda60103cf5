"""A quench of ten spins becomes a short Qiskit circuit, and Qiskit confirms it.

Run with ``python examples/01_compile_quench.py``; it takes a few seconds and writes
``quench.qpy`` and ``quench.qasm`` into the current folder.
"""

from qiskit.quantum_info import Statevector

from rankloom.quantum import brickwork_ansatz, compile_state, load_circuit
from rankloom.tn import MPS, SpinChain, evolve

NEEL = "0101010101"
TIME = 2.0

# The target: a Heisenberg chain evolves from the Neel state, in fine Trotter steps.
chain = SpinChain.heisenberg(10, j=0.25, delta=1.0)  # H = sum j (XX + YY + delta ZZ)
run = evolve(MPS.product(NEEL), chain, time=TIME, steps=40, order=2, max_bond=100, cutoff=1e-10)
print(f"target: bond dimension {max(run.state.bond_dimensions)}, entropy in the middle", end=" ")
print(f"{run.state.entropy(5):.3f} nats, discarded weight {run.truncation_error:.1e}")

# The circuit: two Trotter steps at first, then all angles are optimised together.
ansatz = brickwork_ansatz(chain, time=TIME, steps=2, order=2, initial=NEEL)
start, _ = ansatz.fidelity_and_gradient(run.state)
result = compile_state(run.state, ansatz, rng=0)
print(f"fidelity: {start:.5f} before, {result.fidelity:.5f} after ({result.outcome.name})")
print(f"circuit: CX depth {result.two_qubit_depth}, {result.two_qubit_count} CX gates")

# The proof: Qiskit reads the file and finds the same fidelity.
result.save("quench.qpy")
result.save("quench.qasm")
amplitude = run.state.to_qiskit().inner(Statevector(load_circuit("quench.qpy")))
found = abs(amplitude) ** 2 / run.state.norm() ** 2
print(f"Qiskit finds {found:.5f}, a difference of {abs(found - result.fidelity):.0e}")
assert abs(found - result.fidelity) < 1e-10
