"""Planted tables with known truth, shared by the tests of functional models."""

import os
from pathlib import Path

import numpy as np
import pytest

from rankloom.decomposition.functional.chains import Messages

DATA = Path(os.environ.get("RANKLOOM_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))

TUCKER_CORE = np.array([[[1, 0.5], [-0.3, 0.8]], [[0.2, -1], [0.6, 0.4]]])


def funbat(name):
    path = DATA / "funbat" / name
    if not path.is_file():
        pytest.skip(f"{name} of the paper's repository is not at hand (RANKLOOM_DATA)")
    return np.load(path)


def truth(x, core=None):
    """Rank-2 functions of three coordinates, joined by a core or as a CP sum."""
    u = [
        np.stack([np.sin(2 * np.pi * x[:, 0]), np.cos(3 * x[:, 0])], 1),
        np.stack([np.exp(-2 * x[:, 1]), np.sin(5 * x[:, 1] + 0.5)], 1),
        np.stack([1 + x[:, 2] ** 2, np.cos(6 * x[:, 2])], 1),
    ]
    if core is None:
        return np.prod(u, axis=0).sum(axis=1)
    return np.einsum("abc,na,nb,nc->n", core, *u)


def planted(seed, count=5000, core=None, noise=0.1, sizes=(60, 70, 80)):
    """Coordinates and noisy values on a grid of random coordinates."""
    rng = np.random.default_rng(seed)
    axes = [np.sort(rng.uniform(0, 1, n)) for n in sizes]
    x = np.stack([axis[rng.integers(len(axis), size=count)] for axis in axes], 1)
    return x, truth(x, core) + noise * rng.standard_normal(count)


def gaussian_process(kernel, x, y, variance, points):
    """Dense posterior mean and covariance at points, and the log marginal likelihood."""
    joint = kernel.covariance(x, x) + variance * np.eye(len(x))
    cross = kernel.covariance(points, x)
    mean = cross @ np.linalg.solve(joint, y)
    cov = kernel.covariance(points, points) - cross @ np.linalg.solve(joint, cross.T)
    fit = y @ np.linalg.solve(joint, y)
    log_likelihood = -0.5 * (fit + np.linalg.slogdet(joint)[1] + len(x) * np.log(2 * np.pi))
    return mean, cov, log_likelihood


def regression(x, y, variance):
    """Messages of ordinary regression with one function."""
    return Messages.of(np.full((len(x), 1, 1), 1 / variance), (y / variance)[:, None])
