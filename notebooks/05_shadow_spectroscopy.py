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
# # Energy gaps from randomised measurements
#
# A state with weight on several energy levels,
# $|\psi(t)\rangle = \sum_a c_a e^{-i E_a t} |a\rangle$, makes every expectation value oscillate
# with the differences $E_a - E_b$. Shadow spectroscopy (arXiv:2212.11036) measures each qubit in a
# random basis, a few shots at each time, and reads the gaps from all few-qubit Pauli strings
# together. Here every step is held against exact answers.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rankloom.experiments.plots import LIGHT
from rankloom.quantum import (
    Snapshots,
    carriers,
    estimate_pauli,
    gram,
    level_superposition,
    shadow_spectroscopy,
    signals,
    spectrum,
)
from rankloom.tn import SpinChain, reference

chain = SpinChain.ising(8, 1.0, 1.2)  # H = -sum ZZ - 1.2 sum X
energies, _ = reference.spectrum(chain, k=4)
gap = energies[1] - energies[0]
state = level_superposition(chain)  # (|E0> + |E1>) / sqrt 2
times = np.arange(90) * 0.25

# %% [markdown]
# ## Ten shots at a time
#
# 900 shots in all. The list of lines is empty when nothing stands out of the noise.

# %%
result = shadow_spectroscopy(chain, state, times, shots=10, max_locality=3, rng=0)
print(result)
print(f"exact gap {gap:.6f}, resolution {result.spectrum.resolution:.3f}")

# %% [markdown]
# A single string tells next to nothing at ten shots: the estimate of $\langle Z_3 Z_4\rangle$ at
# $t=0$ has the error

# %%
value, error = estimate_pauli(result.snapshots, "ZZ", (3, 4), time_index=0)
print(f"<ZZ> = {value:.2f} +- {error:.2f}, exactly {state.expectation('ZZ', (3, 4)):.3f}")

# %% [markdown]
# All 1788 strings of at most three letters together show the line. Their Gram matrix over the times
# is computed from pairs of snapshots, without any single signal. The picture shows its stripes.

# %%
with LIGHT.context():
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    result.gram.plot(left)
    result.plot(right, exact=[gap])
    right.set_xlim(0, 4)

# %% [markdown]
# ## Exactly the sum over all strings
#
# The enumerated way, string by string, gives the same matrix to rounding.

# %%
raw = signals(result.snapshots, 3, standardise=False)
kernel = gram(result.snapshots, 3, debias=False)
difference = abs(raw.gram.per_locality - kernel.per_locality).max()
print(f"{raw.gram.observables} strings, largest difference {difference:.1e}")

# %% [markdown]
# It also knows which strings carry the line.

# %%
for c in carriers(result.snapshots, result.gaps[0].gap, max_locality=2, count=5):
    print(f"{c.letters:3} on {c.sites!s:8} amplitude {c.amplitude:.2f}  score {c.score:.0f}")

# %% [markdown]
# ## Error bars
#
# Each gap comes with a jackknife error over blocks of shots. Over repeated experiments the scatter
# should agree with it, and fall with the number of shots.

# %%
rows = []
for shots in (5, 10, 20, 40):
    found = [
        shadow_spectroscopy(chain, state, times, shots, 2, rng=seed, max_peaks=1).gaps[0]
        for seed in range(8)
    ]
    off = np.array([peak.gap - gap for peak in found])
    rows.append((shots, np.sqrt(np.mean(off**2)), np.median([peak.error for peak in found])))
    print(f"{shots:3} shots: error {rows[-1][1]:.4f}, stated {rows[-1][2]:.4f}")

with LIGHT.context():
    figure, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
    shots, real, stated = np.array(rows).T
    axes.loglog(shots, real, "o-", label="scatter of 8 runs")
    axes.loglog(shots, stated, "s--", label="stated error")
    axes.set(xlabel="shots at each time", ylabel="error of the gap")
    axes.set_xticks(shots, shots.astype(int))
    axes.minorticks_off()
    axes.legend()

# %% [markdown]
# ## Several levels, and noise
#
# Three levels give three differences; these are further apart than the resolution. White noise
# gives none.

# %%
three = level_superposition(chain, levels=(0, 1, 3))
result = shadow_spectroscopy(chain, three, times, shots=60, max_locality=2, rng=3)
exact = [energies[1] - energies[0], energies[3] - energies[1], energies[3] - energies[0]]
print(result.spectrum.verdict)
print("exact:", np.round(exact, 5))

measured, rng = result.snapshots, np.random.default_rng(0)
coins = Snapshots(measured.bases, rng.choice([-1, 1], measured.outcomes.shape), measured.times)
print(spectrum(gram(coins, 2)).verdict)

with LIGHT.context():
    figure, axes = plt.subplots(figsize=(5.2, 3.3), layout="constrained")
    result.plot(axes, exact=exact)
    axes.set_xlim(0, 4)

# %% [markdown]
# ## A conical intersection of two levels
#
# Two fermionic sites with a hop that closes at one point of a scan, written as strings of Jordan
# and Wigner. The gap of the lowest two levels of one particle is $2\sqrt{\delta^2 + t^2}$.

# %%
scan = np.linspace(-1.0, 1.0, 7)
found, exact = [], []
for delta in scan:
    hop = 0.15
    terms = [
        (-hop / 2, "XX", (0, 1)),
        (-hop / 2, "YY", (0, 1)),
        (-delta / 2, "Z", (0,)),
        (delta / 2, "Z", (1,)),
    ]
    exact.append(2 * np.hypot(delta, hop))
    psi = np.zeros(4)
    psi[[1, 2]] = np.cos(np.pi / 8), np.sin(np.pi / 8)  # one particle, on both sites
    run = shadow_spectroscopy(terms, psi, np.arange(60) * 0.6, shots=100, max_locality=2, rng=5)
    found.append(run.gaps[0] if run.gaps else None)

with LIGHT.context():
    figure, axes = plt.subplots(figsize=(5.2, 3.3), layout="constrained")
    axes.plot(scan, exact, color="0.6", lw=5, alpha=0.5, label="exact")
    seen = [(d, p.gap, p.error) for d, p in zip(scan, found, strict=True) if p is not None]
    axes.errorbar(*np.array(seen).T, fmt="o", capsize=2, label="found")
    axes.set(xlabel="detuning", ylabel="gap", ylim=(0, None))
    axes.legend()
