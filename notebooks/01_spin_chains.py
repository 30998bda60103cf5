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
# # A spin chain, told with exact answers beside it
#
# The transverse-field Ising chain
#
# $$H = -\sum_i Z_i Z_{i+1} - g \sum_i X_i$$
#
# is solved exactly for any length, as free fermions. So everything that a matrix product state
# says about it can be checked: its ground state, what happens after a quench, how entanglement
# grows, and what a quantum computer would measure. No calculation takes more than a few seconds.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rankloom.experiments.plots import LIGHT
from rankloom.tn import MPO, MPS, SpinChain, evolve, ground_state, reference, sample

n = 60

# %% [markdown]
# ## Ground states
#
# Two-site DMRG with at most 32 states per bond, across the transition at $g = 1$. The variance
# $\langle H^2\rangle - \langle H\rangle^2$ certifies each energy by itself: $H$ has an eigenvalue
# within its square root. The exact energies confirm it.

# %%
fields = np.array([0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6])
found = [ground_state(SpinChain.ising(n, g=g), max_bond=32) for g in fields]
exact = [reference.ising_ground_state(n, g=g) for g in fields]
for g, result in zip(fields, found, strict=True):
    energy, gaps = reference.ising_energies(n, g=g)
    print(
        f"g = {g:.1f}   E = {result.energy:.10f}   error {abs(result.energy - energy):.0e}   "
        f"variance {result.variance:.0e}   first gap {gaps[0]:.1e}   "
        f"{'degenerate' if result.degenerate else ''}"
    )

# %% [markdown]
# For $g < 1$ two states, magnetised up and down along $z$, share the lowest energy up to a
# splitting that shrinks exponentially with $n$: where it is below the accuracy reached, the solver
# says so. It may return either of them or a mixture, which differ by up to $\ln 2$ in entropy but
# not in energy or $\langle X\rangle$.

# %%
with LIGHT.context():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.3), layout="constrained")
    middle = n // 2
    left.plot(fields, [e.magnetization[middle] for e in exact], label="exact")
    left.plot(fields, [r.state.expectation("X", middle) for r in found], "o", label="DMRG")
    left.set(xlabel="field g", ylabel=r"$\langle X \rangle$ in the middle")
    left.legend()
    cuts = np.arange(1, n)
    for g, style in ((1.0, "-"), (1.4, "--")):
        k = int(np.argmin(abs(fields - g)))
        right.plot(cuts, exact[k].entropies, style, color=LIGHT.ours, label=f"exact, g = {g}")
        right.plot(cuts[::4], found[k].state.entropies()[::4], "o", color=LIGHT.theirs)
    right.set(xlabel="cut", ylabel="entropy (nats)")
    right.legend()

# %% [markdown]
# At the critical point the entropy of one half grows as $\frac{1}{12} \ln n$, as conformal field
# theory says (central charge $\frac12$, one cut, open ends); away from it the entropy stops growing
# with the block.

# %% [markdown]
# ## A quench
#
# All spins point along $x$; at $t = 0$ the field is set to $g = 0.5$. Order-4 Trotter steps follow
# the state, with every bond cut at a relative weight of $10^{-10}$.

# %%
chain = SpinChain.ising(n, j=1.0, g=0.5)
start = MPS.product([[1, 1]] * n)
run = evolve(
    start,
    chain,
    time=4.0,
    steps=40,
    order=4,
    max_bond=128,
    cutoff=1e-10,
    observe={"x": "X", "entropy": MPS.entropies},
)
truth = reference.ising_quench(n, j=1.0, g=0.5, times=run.times)
x, entropies = run.observed["x"], run.observed["entropy"]
print(run)
print(f"largest error of <X>:      {abs(x - truth.magnetization).max():.1e}")
print(f"largest error of entropy:  {abs(entropies - truth.entropies).max():.1e}")
print(f"energy drift:              {abs(run.state.expectation(chain.mpo()) + 0.5 * n):.1e}")

# %%
with LIGHT.context():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.3), layout="constrained")
    left.plot(run.times, truth.magnetization[:, middle], label="exact")
    left.plot(run.times[::4], x[::4, middle], "o", label="TEBD")
    left.set(xlabel="time", ylabel=r"$\langle X \rangle$ in the middle")
    left.legend()
    right.plot(run.times, truth.entropies[:, middle - 1], label="exact")
    right.plot(run.times[::4], entropies[::4, middle - 1], "o", label="TEBD")
    right.set(xlabel="time", ylabel="entropy of one half (nats)")
    right.legend()

# %% [markdown]
# Entanglement grows linearly, carried by pairs of particles that fly apart, and the bond dimension
# needed grows exponentially with it. That is the wall which every matrix product state meets.
#
# A cut close to a boundary saturates once the particles reflected there have passed: the edges of
# the picture show their speed.

# %%
with LIGHT.context():
    figure, axes = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    picture = axes.pcolormesh(cuts, run.times, entropies, shading="nearest", cmap="viridis")
    axes.set(xlabel="cut", ylabel="time")
    axes.grid(visible=False)
    figure.colorbar(picture, label="entropy (nats)")

# %% [markdown]
# ## Shots
#
# A quantum computer would not show expectation values but shots. `sample` draws them, independent
# and exactly distributed, each site in a basis of its own.

# %%
critical = int(np.argmin(abs(fields - 1.0)))
state = found[critical].state
shots = sample(state, 20_000, basis="X", rng=0)
total = shots.outcomes.sum(axis=1)
mean = exact[critical].magnetization.sum()
variance = state.correlation("X", "X").sum() - mean**2
print(f"sum of all X: {total.mean():.3f} from shots, {mean:.3f} exact")
print(f"its variance: {total.var():.2f} from shots, {variance:.2f} from correlations")

with LIGHT.context():
    figure, axes = plt.subplots(figsize=(5.2, 3.3), layout="constrained")
    values, counts = np.unique(total, return_counts=True)
    axes.bar(values, counts / len(total), width=3.2, label="20,000 shots")
    axes.axvline(mean, color=LIGHT.theirs, label="exact mean")
    axes.set(xlabel=r"$\sum_i X_i$", ylabel="frequency")
    axes.legend()

# %% [markdown]
# Of the values $60, 58, 56, \ldots$ only every second occurs: the ground state is even under the
# flip of all spins, $\prod_i X_i = 1$, and each single shot obeys that.
#
# With random bases, as in classical shadows, every Pauli string is measured by the shots whose
# bases happen to match it.

# %%
random = sample(state, 50_000, basis="random-pauli", rng=0)
estimate = random.expectation("ZZ", (middle - 1, middle))
exact_zz = state.expectation("ZZ", (middle - 1, middle))
print(f"<ZZ> = {estimate.value:.4f} +- {estimate.error:.4f} from {estimate.shots} matching shots")
print(f"<ZZ> = {exact_zz:.4f} from the state")

# %% [markdown]
# ## Beyond neighbours
#
# An operator is written as its terms. Couplings that fall off as $1/r^3$ on 60 sites are 1770 terms
# and compress, to rounding, to a few channels per bond.

# %%
terms = [(-1 / (b - a) ** 3, "ZZ", (a, b)) for b in range(n) for a in range(b)]
terms += [(-1.5, "X", (k,)) for k in range(n)]
dipoles = MPO.from_terms(n, terms)
result = ground_state(dipoles, max_bond=32)
print(dipoles, result, sep="\n")

# %% [markdown]
# There is no closed form for this chain, but the certificate needs none, and ten spins can be
# diagonalised:

# %%
few = MPO.from_terms(10, [term for term in terms if max(term[2]) < 10])
energies, vectors = reference.spectrum(few, k=2)
small = ground_state(few, max_bond=32)
print(f"energy above the exact one: {small.energy - energies[0]:.1e}")
fidelity = abs(np.vdot(vectors[:, 0], small.state.to_dense())) ** 2
print(f"1 - |overlap|^2:            {1 - fidelity:.1e}")
