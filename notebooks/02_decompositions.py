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
# # From a scree plot to components that mean something
#
# Thirteen ligands, IL-2, IL-15 and variants of IL-2, were given to eight kinds of immune cells, in
# twelve doses, and the response of the cells was read after 0.5, 1, 2 and 4 hours: a tensor with
# four modes, ligand × time × dose × cell. The data ship with tensorly (B. Orcutt-Jahns et al.,
# "Multivalency enhances the specificity of Fc-cytokine fusions", 2021).
#
# We ask how much structure there is, how many components the data support, and what they say.

# %%
import matplotlib.pyplot as plt
import numpy as np
from tensorly.datasets.data_imports import load_IL2data

from rankloom.decomposition import cp, match_components, nonnegative_cp, tucker
from rankloom.experiments.decomposition_plots import plot_scree
from rankloom.experiments.plots import LIGHT

data = load_IL2data()
x = np.asarray(data.tensor)
ligands, times, doses, cells = data.ticks
missing = np.isnan(x)
print(
    f"shape {x.shape}, between {np.nanmin(x):g} and {np.nanmax(x):g}, {missing.mean():.1%} missing"
)

# %% [markdown]
# ## The scree plot
#
# Some entries were never measured. NaN marks them, and the solvers fit the others alone. A Tucker
# tensor of generous ranks fills the holes in, and the singular values of its unfoldings are the
# scree plot: one series for each mode.

# %%
fit = tucker(x, ranks=(6, 4, 6, 6), max_sweeps=1000)
print(f"ranks (6, 4, 6, 6): error {fit.error:.3f} on the observed entries, {fit.outcome.name}")
filled = np.where(missing, fit.tensor.to_dense(), x)

with LIGHT.context():
    figure, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    values = tucker(filled, tol=0).tensor.singular_values()
    plot_scree(values, ["ligand", "time", "dose", "cell"], LIGHT, ax)

# %% [markdown]
# One direction dominates every mode, a few more are clearly above the rest, and nowhere does the
# series break off: a handful of components will tell most of the story, and no number of them is
# exact.

# %% [markdown]
# ## How many components
#
# Responses are never negative, and neither should components be: `nonnegative_cp`. For each number
# of components we fit with a tenth of the entries kept back, at random, from two seeds; what a
# component adds is real if it lowers the error on the entries that the fit has not seen. The second
# question is whether another start ends at the same components (factor match score 1) or at others.

# %%
counts = np.arange(1, 6)
held_out, agreement = [], []
for rank in counts:
    trials = [nonnegative_cp(x, rank, rng=seed, restarts=2, holdout=0.1) for seed in (0, 1)]
    held_out.append([trial.held_out_error for trial in trials])
    again = [nonnegative_cp(x, rank, rng=seed) for seed in (2, 3)]
    agreement.append(match_components(*(fit.tensor for fit in again)).score)
    print(f"{rank} components: held-out error {np.mean(held_out[-1]):.3f}, "
          f"two starts agree to {agreement[-1]:.3f}")  # fmt: skip

# %%
with LIGHT.context():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2), layout="constrained")
    left.plot(counts, np.mean(held_out, axis=1), "o-")
    left.set(xlabel="components", ylabel="error on entries kept back", ylim=(0, None))
    right.plot(counts, agreement, "s--", color=LIGHT.theirs)
    right.set(xlabel="components", ylabel="match of two starts", ylim=(0, 1.05))

# %% [markdown]
# The third component lowers the error on unseen entries by a fifth. The fourth hardly does, and two
# starts disagree on what it is. Five are reproducible again and explain more: the data hold more
# than three components, and three of them are what can be told apart at a glance. We take three;
# five are a fair choice too.

# %%
fit = nonnegative_cp(x, rank=3, rng=0, restarts=5)
print(fit)
print("starts:", np.round(fit.starts, 6))
terms = fit.tensor

# %% [markdown]
# ## What they say

# %%
looks = [("-", "o", LIGHT.ours), ("--", "s", LIGHT.theirs), ("-.", "^", LIGHT.third)]
with LIGHT.context():
    figure, axes = plt.subplots(2, 2, figsize=(9.5, 7.2), layout="constrained")
    for r, (dashes, marker, colour) in enumerate(looks):
        style = {"color": colour, "ls": dashes, "marker": marker, "label": f"component {r + 1}"}
        axes[0, 0].semilogx(doses, terms.factors[2][:, r], **style)
        axes[0, 1].plot(times, terms.factors[1][:, r], **style)
        style["ls"] = ""  # cells and ligands have no order
        axes[1, 0].plot(terms.factors[3][:, r], np.arange(len(cells)), **style)
        axes[1, 1].plot(terms.factors[0][:, r], np.arange(len(ligands)), **style)
    axes[0, 0].set(xlabel="dose (as given)")
    axes[0, 1].set(xlabel="time (hours)", ylim=(0, None))
    axes[1, 0].set_yticks(np.arange(len(cells)), cells)
    axes[1, 1].set_yticks(np.arange(len(ligands)), ligands)
    for ax in axes[1]:
        ax.invert_yaxis()
    axes[0, 0].legend()

# %%
for r in range(3):
    dose = doses[np.argmax(terms.factors[2][:, r])]
    cell = [cells[k] for k in np.argsort(-terms.factors[3][:, r])[:3]]
    ligand = [ligands[k] for k in np.argsort(-terms.factors[0][:, r])[:3]]
    spread = terms.factors[3][:, r].min() / terms.factors[3][:, r].max()
    print(f"component {r + 1}: weight {terms.weights[r]:.2f}, strongest at dose {dose:.2g}, "
          f"weakest cell / strongest {spread:.2f}\n   cells {', '.join(cell)}\n   "
          f"ligands {', '.join(ligand)}")  # fmt: skip

# %% [markdown]
# One component is **indifferent to the cell**: the weakest cell gets 0.8 of the strongest. IL-15
# and plain IL-2 drive it, from a dose of about 1 on, the variants hardly, and it fades with time.
#
# A second one needs the **highest doses**; the variants drive it and IL-2 and IL-15 do not. It
# prefers regulatory cells without being exclusive.
#
# A third acts at **low doses and on regulatory cells alone**, most on those with many IL-2
# receptors (IL2Ra high), and not at all on CD8+ cells. IL-2 and its bivalent variants drive it. At
# high doses it is gone: there the other two take over, and all cells respond. Selectivity for
# regulatory cells is a matter of dose, of receptors and of valency, and one picture shows all
# three.
#
# ## Could it be chance?
#
# Leave one ligand out at a time: if the components were an accident of one column, they would
# change.

# %%
scores = []
for k in range(len(ligands)):
    rest = np.delete(x, k, axis=0)
    other = nonnegative_cp(rest, rank=3, rng=0)
    kept = type(terms)(terms.weights, (np.delete(terms.factors[0], k, axis=0), *terms.factors[1:]))
    scores.append(match_components(kept, other.tensor).score)
print(f"match with one ligand left out: {min(scores):.3f} to {max(scores):.3f}")

# %% [markdown]
# ## With signs
#
# Without the condition on signs a sum of three terms comes a little closer, and its terms are
# others: they cancel each other in part. `core_consistency`, of the filled data, says how far the
# model is from being the mechanism: 100 where the data between the factors are diagonal. Components
# that overlap as these do (one is the same for all cells) are far from that. They are a summary of
# the data, a good one, and not a law.

# %%
free = cp(x, rank=3, rng=0, restarts=5)
print(f"error {free.error:.4f} with signs, {fit.error:.4f} without")
print(f"match of the two: {match_components(free.tensor, terms).score:.3f}")
for rank in (1, 2, 3):
    complete = nonnegative_cp(np.clip(filled, 0, None), rank, rng=0)
    print(f"core consistency with {rank} on the filled data: {complete.core_consistency:.0f}")
