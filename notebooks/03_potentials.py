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
# # The potential of a giant haemoglobin
#
# Earthworms carry oxygen with one of the largest proteins known, erythrocruorin. A twelfth of it,
# PDB entry 2GTL, has nearly twenty thousand atoms. Here its electrostatic potential becomes a
# function of a few megabytes, is drawn, and is checked against sums over all atoms.

# %%
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import tmtools  # ships the PDB file

from rankloom.experiments.plots import LIGHT
from rankloom.experiments.potential_plots import plot_slice
from rankloom.physics import Particles, long_range_potential
from rankloom.physics.potentials.direct import direct_forces, direct_potential

# %% [markdown]
# ## Charges
#
# PDB files hold no charges, so they come from a table by residue and atom. This one is as simple as
# can be: titrating side chains at neutral pH, metal ions, the propionates of haem, and the dipoles
# of the backbone's C=O groups. A force field (through PDB2PQR, say) has better ones: a PQR file is
# read in the same way and needs no table.

# %%
table = {
    ("LYS", "NZ"): 1.0,
    ("ARG", "NH1"): 0.5,
    ("ARG", "NH2"): 0.5,
    ("ASP", "OD1"): -0.5,
    ("ASP", "OD2"): -0.5,
    ("GLU", "OE1"): -0.5,
    ("GLU", "OE2"): -0.5,
    ("CA", "CA"): 2.0,
    ("ZN", "ZN"): 2.0,
    **{("HEM", f"O{k}{ring}"): -0.5 for k in (1, 2) for ring in "AD"},
    ("*", "C"): 0.42,
    ("*", "O"): -0.42,
    ("CMO", "C"): 0.0,  # carbon monoxide on the haem
    ("CMO", "O"): 0.0,
    ("*", "*"): 0.0,
}
path = Path(tmtools.__file__).parent / "data" / "2gtl.pdb"
molecule = Particles.read(path, charges=table)
molecule

# %% [markdown]
# An entry `("*", "*")` says that all other atoms are neutral. Without it, a missing atom is an
# error: a charge that is zero by accident spoils everything after it.
#
# ## The function
#
# Salt in the water screens charges: at 0.15 mol per litre the kernel $e^{-\kappa r}/r$ has
# $1/\kappa$ = 7.9 Å. What atoms do to their neighbours within 10 Å is exact and summed directly.
# The rest is smooth, and its ranks do not know how many atoms there are.

# %%
start = perf_counter()
phi = long_range_potential(molecule, tol=1e-4, cutoff_radius=10.0, screening=1 / 7.9)
print(f"{perf_counter() - start:.2f} s")
print(phi)
edges = [stop - start for start, stop in phi.domain]
print(f"{phi.function.nbytes / 1e6:.1f} MB, {8 * np.prod(edges) / 1e6:.0f} MB on a grid of one Å")

# %%
points = np.random.default_rng(0).uniform(*np.array(phi.domain).T, (2000, 3))
difference = phi.potential(points) - direct_potential(molecule, points, phi.screening)
scale = np.abs(phi.function(points)).max()
print(f"largest error at 2000 places, relative: {np.abs(difference).max() / scale:.1e}")
assert np.abs(difference).max() < 2e-4 * scale

# %% [markdown]
# ## A slice
#
# The whole potential through the middle, and its smooth part, in units of e/Angstrom (times
# 332.06371 it is kcal/(mol e)). The domain is a cube around the molecule.

# %%
x, y, z = (np.linspace(*interval, 221) for interval in phi.domain)
middle = z[110:111]
full = phi.grid(x, y, middle)[:, :, 0]
smooth = phi.function.grid(x, y, middle)[:, :, 0]
with LIGHT.context():
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    limit = np.quantile(np.abs(full), 0.97)
    for ax, values, label in (
        (axes[0], full, "potential (e/Å)"),
        (axes[1], smooth, "long-range part (e/Å)"),
    ):
        plot_slice((x, y), values, limit, ax, label, "Å")
    plt.show()

# %% [markdown]
# ## Isosurfaces
#
# A function can be looked at from outside. Along every line of sight, the first place where the
# smooth potential reaches a level is found on a grid, and the normal there comes from the gradient
# of the function. Red is positive, blue is negative.


# %%
def first_crossing(values, level):
    """Depth index of the first crossing of a level along the last axis; NaN where there is none."""
    above = values > level
    hit = above.any(axis=2)
    k = np.clip(above.argmax(axis=2), 1, None)
    rows = np.indices(hit.shape)
    before, after = values[(*rows, k - 1)], values[(*rows, k)]
    return np.where(hit, k - 1 + (level - before) / np.where(hit, after - before, 1), np.nan)


n = 201
x, y, z = (np.linspace(*interval, n) for interval in phi.domain)
values = phi.function.grid(x, y, z[::-1])  # seen from large z
level = 0.2 * np.abs(values).max()
image, nearest = np.ones((n, n, 3)), np.full((n, n), np.inf)
light = np.array([0.4, 0.5, 0.77])
for sign, colour in ((1, (0.80, 0.25, 0.16)), (-1, (0.13, 0.40, 0.67))):
    depth = first_crossing(sign * values, level)
    seen = np.nan_to_num(depth, nan=np.inf) < nearest
    nearest[seen] = depth[seen]
    i, j = np.nonzero(seen)
    height = np.interp(depth[seen], np.arange(n), z[::-1])
    normal = -sign * phi.function.gradient(np.column_stack([x[i], y[j], height]))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    shade = 0.35 + 0.65 * np.clip(normal @ light, 0, None)
    image[seen] = shade[:, None] * colour + 0.25 * shade[:, None] ** 8

with LIGHT.context():
    figure, ax = plt.subplots(figsize=(5.4, 5), layout="constrained")
    ax.imshow(
        np.clip(image, 0, 1).transpose(1, 0, 2), origin="lower", extent=(x[0], x[-1], y[0], y[-1])
    )
    ax.grid(False)
    ax.set(xlabel="x (Å)", ylabel="y (Å)", title=f"smooth potential at ±{level:.2f} e/Å")
    plt.show()

# %% [markdown]
# ## Energy and forces
#
# On all atoms at once, against the sum over all pairs: nearly four hundred million of them.

# %%
start = perf_counter()
forces = phi.forces()
ours = perf_counter() - start
start = perf_counter()
exact = direct_forces(molecule, phi.screening)
print(f"forces: {ours:.2f} s, over all pairs {perf_counter() - start:.2f} s")
errors = np.linalg.norm(forces - exact, axis=1)
largest = np.linalg.norm(exact, axis=1).max()
print(f"largest error {errors.max():.1e}, largest force {largest:.2f} e^2/Å^2")
assert errors.max() < 1e-3 * largest
print(f"energy {phi.energy('kcal/mol'):.3f} kcal/mol")

# %% [markdown]
# ## Calculus
#
# The smooth part is a function like any other: here its mean over planes, as z goes through the
# molecule, by integrating two of the three variables away.

# %%
area = (phi.domain[0][1] - phi.domain[0][0]) * (phi.domain[1][1] - phi.domain[1][0])
profile = phi.function.integrate(axis=0).integrate(axis=0)
with LIGHT.context():
    figure, ax = plt.subplots(figsize=(5.4, 3), layout="constrained")
    ax.plot(z, profile.grid(z) / area)
    ax.set(xlabel="z (Å)", ylabel="mean smooth potential (e/Å)")
    plt.show()

# %% [markdown]
# ## For other programs
#
# `phi.on_grid(129).write_opendx("potential.dx")` writes what VMD, PyMOL and APBS read,
# `phi.function.save("long_range.h5")` keeps the function itself. From a shell, `rankloom potential`
# does all of it.
#
# The molecule has no inside of its own here: one screening everywhere, and units of vacuum. For a
# Poisson-Boltzmann solution, with a low dielectric constant in the protein, use APBS.
