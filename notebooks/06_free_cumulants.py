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
# # Free cumulants of random tensors
#
# Large random matrices are predictable: if $U$ is a random unitary, the spectrum of $A + U B U^*$
# depends on those of $A$ and $B$ alone. Matrices that act on a *shared* space, and states of
# several parties, come with random *local* unitaries $U_1 \otimes \dots \otimes U_D$ instead. Their
# moments are trace invariants, labelled by one permutation per party, and their cumulants add up
# where those of matrices do not. This notebook samples everything that it predicts.

# %%
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np

from rankloom.experiments.plots import LIGHT
from rankloom.physics import (
    TraceInvariant,
    enumerate_invariants,
    estimate_invariants,
    free_cumulants,
    gaussian_density,
    laws,
    moments_from_free_cumulants,
    page_entropy,
    plot_estimate,
    plot_spectrum,
    renyi_moments,
    semicircle,
    state_invariants,
)
from rankloom.tn import SpinChain, ground_state


def gamma(n):
    """The full cycle: one colour of it is Tr A^n."""
    return (*range(1, n), 0)


# %% [markdown]
# ## $A + U B U^*$
#
# Free cumulants of one matrix, from its moments: those of the semicircle are $0, 1, 0, 0, \dots$

# %%
print(free_cumulants([0, 1, 0, 2, 0, 5]))

# %% [markdown]
# Take $A$ with eigenvalues $\pm 1$ and $B$ a projector of half rank times two. Free cumulants of
# independent matrices add, so those of $A + U B U^*$ follow, and with them its moments.

# %%
order = 8
a = [Fraction(1 if n % 2 == 0 else 0) for n in range(1, order + 1)]
b = [Fraction(2**n, 2) for n in range(1, order + 1)]
kappa = [x + y for x, y in zip(free_cumulants(a), free_cumulants(b), strict=True)]
predicted = moments_from_free_cumulants(kappa)

N = 400
fixed = np.diag(np.tile([1.0, -1.0], N // 2))
turned = laws.twirled(np.diag(np.tile([2.0, 0.0], N // 2))).sample(1, rng=0)[0]
values = np.linalg.eigvalsh(fixed + turned)
for n, wanted in enumerate(predicted, start=1):
    print(f"moment {n}:  predicted {float(wanted):9.4f}   one sample {np.mean(values**n):9.4f}")

# %% [markdown]
# The limit is an arcsine law around 1: $A$ and $B - 1$ are both symmetries, in free position.

# %%
with LIGHT.context():
    figure, axes = plt.subplots(figsize=(5.2, 3.3), layout="constrained")

    def arcsine(x):
        inside = np.maximum(4 - (x - 1) ** 2, 1e-9)
        return np.where(abs(x - 1) < 1.99, 1 / (np.pi * np.sqrt(inside)), np.nan)

    plot_spectrum(values, {"arcsine law": arcsine}, bins=40, ax=axes)

# %% [markdown]
# ## A random matrix that is not free in the matrix sense
#
# Two parties, and Hermitian Gaussian matrices on the first, on the second, and on both:
# $X = A \otimes 1 + 1 \otimes B + C / \sqrt{2}$. All three are independent, but $A \otimes 1$ and
# $1 \otimes B$ commute, and commuting matrices are never free. Their tensor free cumulants still
# add: each matrix contributes one, that of two copies which exchange the colours it acts on.

# %%
size = 18
law = laws.gaussian(2, {(0,): 1, (1,): 1, (0, 1): Fraction(1, 2)}, dims=(size, size))
samples = law.sample(30, rng=1)
d = size**2
values = np.linalg.eigvalsh(samples.reshape(-1, d, d))
for n, free in ((2, Fraction(5, 2)), (4, 2 * Fraction(5, 2) ** 2), (6, 5 * Fraction(5, 2) ** 3)):
    t = TraceInvariant([gamma(n), gamma(n)])
    found = np.mean(values**n, axis=1)
    print(
        f"moment {n}:  sampled {found.mean():8.3f} +- {found.std() / np.sqrt(30):.3f}"
        f"   exact {float(law.normalised_moment(t)):8.3f}"
        f"   limit {float(law.asymptotic_moment(t)):8.3f}   if free {float(free):8.3f}"
    )

# %%
with LIGHT.context():
    figure, axes = plt.subplots(figsize=(5.2, 3.3), layout="constrained")
    densities = {
        "predicted": lambda x: gaussian_density(law, x),
        "if free": lambda x: semicircle(x, 2.5),
    }
    plot_spectrum(values.ravel(), densities, ax=axes)

# %% [markdown]
# The cumulants themselves can be estimated. All four classes of order 2 are contracted for every
# sample; the transform to cumulants is exact at the dimension of the samples,
# so the estimates are unbiased and their errors are those of a mean.

# %%
small = laws.gaussian(2, {(0,): 1, (1,): 1, (0, 1): Fraction(1, 2)}, dims=(4, 4))
classes = enumerate_invariants(D=2, n=2, kind="mixed", connected=False)
estimate = estimate_invariants(small.sample(4000, rng=2), classes).cumulants()
for t in classes:
    value, error = estimate[t]
    print(f"{t}:  {value.real:8.4f} +- {error:.4f}   exact {float(small.cumulant(t)):.4f}")
with LIGHT.context():
    plot_estimate(estimate, small)

# %% [markdown]
# ## Partial transposes of random states
#
# A random state of two parties with an environment is entangled when its partial transpose has a
# negative eigenvalue. Moments of the partial transpose are trace invariants with one permutation
# turned around, exact at every dimension. Two qubits with an environment of four levels:

# %%
state = laws.haar_state((2, 2), environment=4)
cube = TraceInvariant([gamma(3), gamma(3)])
print("E Tr rho^3        =", state.moment(cube))
print("E Tr (rho^T_B)^3  =", state.moment(cube.partial_transpose(1)))
sampled = estimate_invariants(state.sample(5000, rng=3), [cube.partial_transpose(1)])
value, error = sampled.mean[0].real, sampled.error[0]
print(f"           sampled  {value:.4f} +- {error:.4f}  (4/17 = {4 / 17:.4f})")
print(f"mean entropy of 4 x 4 levels: {float(page_entropy(4, 4)):.5f} nats")

# %% [markdown]
# For large parties the spectrum becomes a semicircle around $\alpha$, the dimension of the
# environment over that of the two parties. It leaves the negative half at $\alpha = 4$.

# %%
party = 16
with LIGHT.context():
    figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.9), layout="constrained")
    for axes, alpha in zip(panels, (1, 4, 9), strict=True):
        w = laws.wishart((party, party), alpha * party**2).sample(1, rng=alpha)[0] / party**2
        flat = w.transpose(0, 3, 2, 1).reshape(party**2, party**2)
        plot_spectrum(
            np.linalg.eigvalsh(flat),
            lambda x, alpha=alpha: semicircle(x, variance=alpha, mean=alpha),
            bins=25,
            ax=axes,
        )
        axes.axvline(0, color="black", lw=0.8)
        axes.set_title(f"environment {alpha} d²")

# %% [markdown]
# ## States that are not random
#
# The same invariants characterise a given state. Of a matrix product state they are computed
# without its vector: a block of sites needs no more levels than its bonds can tell apart. Here is
# the critical Ising chain of 60 spins, cut into three parts. The first number is the invariant of
# the complete bipartite graph of six vertices, which no entropy contains; it equals the third
# moment of the partial transpose of any two of the parts.

# %%
chain = ground_state(SpinChain.ising(60, g=1.0), max_bond=8).state
parts = [range(20), range(20, 40), range(40, 60)]
k33 = TraceInvariant([(0, 1, 2), gamma(3), (2, 0, 1)], kind="pure")
print("K33 of three thirds:     ", state_invariants(chain, [k33], parts).real[0])
print("Renyi moments of a third:", renyi_moments(chain, parts[1], 4))
negativity = cube.partial_transpose(1)
print("Tr (rho^T)^3 of two:     ", state_invariants(chain, [negativity], parts[:2]).real[0])
