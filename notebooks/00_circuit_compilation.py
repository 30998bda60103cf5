# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a quench to a short circuit
#
# A chain of 20 spins is kicked out of equilibrium. We follow it as a matrix product state,
# compile the state it reaches into a circuit less than half as deep as a Trotter circuit of the
# same quality, and let Qiskit and quimb confirm every number.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rankloom.experiments.depth import Point
from rankloom.experiments.plots import (
    LIGHT,
    plot_brickwork,
    plot_convergence,
    plot_depth,
    plot_entanglement,
)
from rankloom.quantum import brickwork_ansatz, compile_state, load_circuit, to_qiskit
from rankloom.tn import MPS, SpinChain, evolve

# %% [markdown]
# ## The quench
#
# $H = \frac14 \sum_i \left( X_i X_{i+1} + Y_i Y_{i+1} + Z_i Z_{i+1} \right)$ with open ends, from
# the Néel state $|0101\ldots\rangle$, up to $t = 2$. The evolution is a Trotter circuit of 40
# fine steps in which every bond is cut at a relative weight of $10^{-10}$.

# %%
n, time = 20, 2.0
neel = "01" * (n // 2)
chain = SpinChain.heisenberg(n, j=0.25, delta=1.0)
entropies = []
run = evolve(
    MPS.product(neel),
    chain,
    time=time,
    steps=40,
    max_bond=100,
    cutoff=1e-10,
    callback=lambda _, state: entropies.append(state.entropies()),
)
run

# %% [markdown]
# Nothing is truncated silently: `truncation_error` is the sum of all discarded weights, and
# `error_bound` bounds the distance from the uncut evolution.

# %%
print(f"discarded weight {run.truncation_error:.1e}, error bound {run.error_bound:.1e}")
run.state

# %% [markdown]
# Entanglement starts at zero and grows at every cut, but for the ends, where a single spin can
# hold no more than $\ln 2$. This growth is what makes a deep circuit necessary.

# %%
with LIGHT.context():
    plot_entanglement(run.times, np.array(entropies), plt.subplots(figsize=(6, 3.6))[1])

# %% [markdown]
# ## The ansatz
#
# Two Trotter steps of second order are five layers of two-qubit blocks. A block has nine angles,
# enough for every gate in SU(4) together with the blocks before it, and three CX gates.

# %%
ansatz = brickwork_ansatz(chain, time=time, steps=2, order=2, initial=neel)
with LIGHT.context():
    plot_brickwork(ansatz, LIGHT, plt.subplots(figsize=(4, 4.6))[1])
ansatz

# %% [markdown]
# At its start angles the ansatz *is* the Trotter circuit. Its fidelity with the target and the
# gradient with respect to all angles come from one exact contraction:

# %%
start, gradient = ansatz.fidelity_and_gradient(run.state)
print(f"F = {start:.6f}, |gradient| = {np.linalg.norm(gradient):.3f}, {gradient.size} angles")

# %% [markdown]
# ## Compile
#
# Two polar sweeps set each block to its best while the others rest; L-BFGS-B then moves all
# angles at once. A second start with a little noise guards against symmetric stationary points.

# %%
result = compile_state(run.state, ansatz, rng=0)
result

# %%
with LIGHT.context():
    plot_convergence(result.history, LIGHT, plt.subplots(figsize=(6, 3.6))[1])

# %% [markdown]
# ## What it is worth
#
# How deep would a Trotter circuit have to be? We compile for one, two and three steps, and
# compare with Trotter circuits of up to ten.

# %%
points = []
for k in range(1, 11):
    circuit = brickwork_ansatz(chain, time, k, initial=neel)
    trotter = evolve(MPS.product(neel), chain, time=time, steps=k, cutoff=1e-10).state
    fidelity = abs(run.state.overlap(trotter)) ** 2
    points.append(Point("Trotter", k, circuit.two_qubit_depth, circuit.two_qubit_count, fidelity))
for k in (1, 2, 3):
    again = result
    if k != 2:
        again = compile_state(
            run.state, brickwork_ansatz(chain, time, k, initial=neel), max_iterations=200, rng=0
        )
    points.append(
        Point("compiled", k, again.two_qubit_depth, again.two_qubit_count, again.fidelity)
    )
chosen = points[-2]
with LIGHT.context():
    plot_depth(points, chosen, LIGHT, plt.subplots(figsize=(6, 3.6))[1])

# %% [markdown]
# ## Out to Qiskit
#
# `result.circuit` is the bound circuit on $|0\ldots0\rangle$, the initial state included. QPY
# keeps it to the bit; OpenQASM 2 is for every other program.

# %%
folder = Path(tempfile.mkdtemp())
result.save(folder / "quench.qpy")
result.save(folder / "quench.qasm")
result.circuit.count_ops()

# %% [markdown]
# With `parameters=True` the angles stay free, as a `ParameterVector`, ready for a variational
# algorithm that starts from here:

# %%
free = to_qiskit(result.ansatz, parameters=True)
free.num_parameters, free.depth(lambda gate: len(gate.qubits) == 2)

# %% [markdown]
# ## Proof
#
# Twenty qubits fit into a dense vector. Qiskit reads the QPY file and multiplies it out; quimb
# parses the OpenQASM file and simulates it as a matrix product state. Neither knows how the
# circuit was found.

# %%
from qiskit.quantum_info import Statevector
from quimb.tensor import CircuitMPS

squared_norm = run.state.norm() ** 2
vector = Statevector(load_circuit(folder / "quench.qpy"))
by_qiskit = abs(run.state.to_qiskit().inner(vector)) ** 2 / squared_norm
network = CircuitMPS.from_openqasm2_file(str(folder / "quench.qasm"), cutoff=1e-14).psi
by_quimb = abs(run.state.to_quimb().H @ network) ** 2 / squared_norm
print(f"rankloom {result.fidelity:.12f}\nQiskit   {by_qiskit:.12f}\nquimb    {by_quimb:.12f}")
assert abs(by_qiskit - result.fidelity) < 1e-10
assert abs(by_quimb - result.fidelity) < 1e-6

# %% [markdown]
# The same from a shell, with a report: `rankloom compile examples/compile.toml`. For fifty spins:
# `rankloom demo`.
