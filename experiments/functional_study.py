"""Functional models on planted functions: what they recover, and exact answers to check them by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern, cp
from rankloom.decomposition.functional import Scores
from rankloom.decomposition.functional.observations import observe
from rankloom.decomposition.functional.starts import binned
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import write_table
from rankloom.experiments.verify import Check

Floats = NDArray[np.float64]

NAMES = ("position", "depth", "time")
NOISE = 0.1
_ROWS, _TEST = 3000, 3000
_BINS = 12
_STEPS = 300


@dataclass(frozen=True, eq=False)
class FunctionalStudy:
    """A model of planted functions, a misspecified one, and what was checked.

    Parameters
    ----------
    model : FunctionalCP
        Two terms, as many as were planted.
    exact : K arrays (300, 2)
        Planted functions over the range of each mode, scaled and signed as the model's.
    scores : Scores
        On noisy values at new points.
    error : float
        Root mean square distance from the planted function at these points.
    binned_error : float
        That of a CP tensor of the binned table.
    right, narrow, calibrated : (y, mean, std)
        Predictions of two terms, and of one without and with calibration.
    coverage : (float, float)
        Of 95 % intervals, without and with.
    checks : sequence of Check
    """

    model: FunctionalCP
    exact: list[Floats]
    scores: Scores
    error: float
    binned_error: float
    right: tuple[Floats, Floats, Floats]
    narrow: tuple[Floats, Floats, Floats]
    calibrated: tuple[Floats, Floats, Floats]
    coverage: tuple[float, float]
    checks: list[Check]


def functions(x: Floats) -> list[Floats]:
    """The planted functions at points (n, 3): K arrays (n, 2)."""
    return [
        np.stack([np.sin(2 * np.pi * x[:, 0]), np.cos(3 * x[:, 0])], 1),
        np.stack([np.exp(-2 * x[:, 1]), np.sin(5 * x[:, 1] + 0.5)], 1),
        np.stack([1 + x[:, 2] ** 2, np.cos(6 * x[:, 2])], 1),
    ]


def planted(x: Floats) -> Floats:
    """Sum of the two products."""
    return np.asarray(np.prod(functions(x), axis=0).sum(axis=1))


def study(folder: Path, bars: Bars, seed: int = 0) -> FunctionalStudy:
    """Fit, compare and check; tables and the model go into `folder`, which is made."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    x, points = rng.uniform(0, 1, (_ROWS, 3)), rng.uniform(0, 1, (_TEST, 3))
    y = planted(x) + NOISE * rng.standard_normal(_ROWS)
    noisy = planted(points) + NOISE * rng.standard_normal(_TEST)
    kernels = [Matern(1.5, 0.5)] * 3
    with bars.waiting("functional models"):
        model = FunctionalCP(2, kernels, rng=seed).fit(x, y)
        one = FunctionalCP(1, kernels, rng=seed, calibrate=True).fit(x, y)
        error = float(np.sqrt(np.mean((model.predict(points) - planted(points)) ** 2)))
        mean, std = one.predict(points, return_std=True)
        plain = std / one.variance_factor_**0.5
        coverage = _inside(noisy, mean, plain), _inside(noisy, mean, std)
        scores = model.scores(points, noisy)
        checks = [*_exact_checks(x, y), _core_check(x, y), _coverage_check(scores)]
    model.save(folder / "model.h5")
    rows = np.column_stack([points, noisy, *model.predict(points, return_std=True)])
    write_table((*NAMES, "value", "mean", "std"), rows.tolist(), folder / "predictions.csv")
    trace = list(enumerate(model.elbo_trace_, 1))
    write_table(("sweep", "elbo"), trace, folder / "sweeps.csv")
    return FunctionalStudy(
        model,
        _matched(model),
        scores,
        error,
        _binned_error(x, y, points),
        (noisy, *model.predict(points, return_std=True)),
        (noisy, mean, plain),
        (noisy, mean, std),
        coverage,
        checks,
    )


def _inside(y: Floats, mean: Floats, std: Floats) -> float:
    return float(np.mean(np.abs(y - mean) <= 1.959964 * std))


def _exact_checks(x: Floats, y: Floats) -> list[Check]:
    """One mode with one function is a Gaussian process: the dense formulas find it again."""
    t, values = x[:400, 0], y[:400]
    kernel, noise = Matern(1.5, 0.3), 0.5
    model = FunctionalTucker(
        (1,), [kernel], core=np.ones(1), noise_std=noise, learn_kernels=False, max_sweeps=2
    ).fit(t[:, None], values)
    scaled = (values - values.mean()) / values.std()
    joint = kernel.covariance(t, t) + (noise / values.std()) ** 2 * np.eye(len(t))
    root = np.linalg.cholesky(joint)
    half = np.linalg.solve(root, scaled)
    evidence = -0.5 * half @ half - np.log(np.diag(root)).sum()
    evidence -= 0.5 * len(t) * np.log(2 * np.pi) + len(t) * np.log(values.std())
    new = np.array([-0.3, 0.4321, 1.2])
    cross = np.linalg.solve(root, kernel.covariance(t, new))
    mean = values.mean() + values.std() * cross.T @ half
    spread = values.std() * np.sqrt(kernel.variance - (cross**2).sum(axis=0))
    found, std = model.predict(new[:, None], return_std=True, include_noise=False)
    means = "dense Gaussian process, by Cholesky"
    return [
        Check("log evidence, 400 values", means, model.elbo_, float(evidence), 1e-6),
        Check("mean left of the data", means, float(found[0]), float(mean[0]), 1e-9),
        Check("mean between the data", means, float(found[1]), float(mean[1]), 1e-9),
        Check("deviation right of the data", means, float(std[2]), float(spread[2]), 1e-9),
    ]


def _core_check(x: Floats, y: Floats) -> Check:
    """A Tucker model with a superdiagonal core of ones is a CP model."""
    core = np.zeros((2, 2, 2))
    core[range(2), range(2), range(2)] = 1.0
    rng = np.random.default_rng(1)
    means = [rng.standard_normal((300, 2)) for _ in range(3)]
    options: dict[str, Any] = {
        "kernels": [Matern(1.5, 0.5)] * 3,
        "learn_kernels": False,
        "init": means,
    }
    one = FunctionalCP(2, max_sweeps=5, **options).fit(x[:300], y[:300])
    two = FunctionalTucker((2, 2, 2), core=core, max_sweeps=5, **options).fit(x[:300], y[:300])
    return Check("evidence bound of a CP model", "Tucker with ones", one.elbo_, two.elbo_, 1e-7)


def _coverage_check(scores: Scores) -> Check:
    name, means = "95 % intervals", f"{scores.count} new noisy values"
    return Check(name, means, 0.95, scores.coverage, 0.02)


def _binned_error(x: Floats, y: Floats, points: Floats) -> float:
    """The house's CP solver on means of bins, asked at the bins of the points."""
    data = observe(x, y, None, 3)
    tensor, centers, _ = binned(data, _BINS)
    fit = cp(tensor, 2, rng=0, restarts=3)
    edges = [(c[1:] + c[:-1]) / 2 for c in centers]
    cells = np.stack([np.searchsorted(e, p) for e, p in zip(edges, points.T, strict=True)], 1)
    found = data.center + data.scale * np.asarray(fit.tensor.at(cells))
    return float(np.sqrt(np.mean((found - planted(points)) ** 2)))


def _matched(model: FunctionalCP) -> list[Floats]:
    """Planted functions in the order, scale and sign of the model's."""
    grids = [np.linspace(n[0], n[-1], _STEPS) for n in model.nodes_]
    truth = functions(np.stack(grids, axis=1))
    found = [model.mode_function(k, t)[0] for k, t in enumerate(grids)]
    likeness = np.ones((2, 2))
    for f, u in zip(found, truth, strict=True):
        likeness *= np.abs(f.T @ u) / np.outer(np.linalg.norm(f, axis=0), np.linalg.norm(u, axis=0))
    order = [0, 1] if likeness[0, 0] + likeness[1, 1] >= likeness[0, 1] + likeness[1, 0] else [1, 0]
    out = []
    for f, u in zip(found, truth, strict=True):
        u = u[:, order]
        out.append(u * ((f * u).sum(axis=0) / (u * u).sum(axis=0)))
    return out
