"""Functional models: time per sweep, memory, and accuracy on the PM2.5 table, beside peers.

Run: ``python benchmarks/functional_pm25.py [--rows sweep memory accuracy exact scaling]
[--ranks 3 5]``

The table is read from ``RANKLOOM_DATA`` or ``../shared/data``.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern
from rankloom.decomposition.functional import fitting
from rankloom.decomposition.functional.chains import Messages, smooth
from rankloom.decomposition.functional.observations import observe

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("RANKLOOM_DATA", ROOT / ".." / "shared" / "data"))
KERNELS = [Matern(0.5, 2.0), Matern(0.5, 2.0), Matern(0.5, 0.01)]


def pm25(fold: int = 0) -> tuple[np.ndarray, ...]:
    """Training coordinates and values, test coordinates and values."""
    data = np.load(DATA / "funbat" / "beijing_PM25.npz")
    points = [10 * (data[f"{part}_ind_{fold}"] + 0.5) / data["ndims"] for part in ("tr", "te")]
    return points[0], data[f"tr_y_{fold}"], points[1], data[f"te_y_{fold}"]


def model_of(kind: str, rank: int, **options) -> FunctionalCP | FunctionalTucker:
    options = {"kernels": KERNELS, "rng": 0, "threads": 1} | options
    if kind == "cp":
        return FunctionalCP(rank, **options)
    return FunctionalTucker((rank,) * 3, **options)


def prepared(kind: str, rank: int, x: np.ndarray, y: np.ndarray, threads: int = 1):
    """An inference that has begun: its `sweep` is what is timed."""
    data = observe(x, y, None, 3)
    model = model_of(kind, rank, threads=threads)
    settings = model._settings(model._algebra(3), tuple(KERNELS), data.scale)
    rng = np.random.default_rng(0)
    found = fitting._prepare(data, settings, "random", rng, None)
    for _ in range(6):
        found.sweep()
    return found


def sweep(ranks: list[int], rounds: int) -> None:
    """Milliseconds per sweep, learning of kernels counted."""
    x, y, _, _ = pm25()
    rows = []
    for kind in ("cp", "tucker"):
        for rank in ranks:
            found = {t: prepared(kind, rank, x, y, t) for t in (1, 2)}
            calls = [
                Contender(f"{t} thread{'s'[: t - 1]}", f.sweep, t == 1) for t, f in found.items()
            ]
            timing = take_turns(calls, rounds, sample_seconds=0.3)
            rows.append([f"{kind} R = {rank}", *(duration(v.median) for v in timing.values())])
    print(f"## a sweep over {len(y):,} rows\n")
    table(["model", "one core", "two threads"], rows)
    nodes, rank = np.linspace(0, 10, 2390), 3
    low = np.random.default_rng(0).standard_normal((2390, rank, rank))
    messages = Messages.of(low @ low.mT, low[:, :, 0].copy())
    call = Contender("filter", lambda: smooth(KERNELS[0], nodes, messages))
    seconds = take_turns([call], rounds)["filter"].median
    print(f"filter and smoother, R = 3, Matern 1/2: {1e6 * seconds / 2390:.2f} us per node\n")


def memory(ranks: list[int], _rounds: int) -> None:
    """Peak memory of a fit in a process of its own, above that after import and compilation."""
    rows = []
    for kind in ("cp", "tucker"):
        for rank in ranks:
            child = [sys.executable, str(Path(__file__)), "--child", kind, "--ranks", str(rank)]
            done = subprocess.run(child, check=True, capture_output=True)
            answer = json.loads(done.stdout)
            rows.append([f"{kind} R = {rank}", f"{answer['extra'] / 1e6:.0f} MB"])
    print("## peak memory of a fit above the process before it\n")
    table(["model", "memory"], rows)


def child(kind: str, rank: int) -> None:
    x, y, points, _ = pm25()
    model_of(kind, 2, max_sweeps=4).fit(x[:500], y[:500]).predict(points, return_std=True)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory_kb("VmRSS")
    model_of(kind, rank, max_sweeps=8).fit(x, y).predict(points, return_std=True)
    print(json.dumps({"extra": 1024 * (memory_kb("VmHWM") - before)}))


def memory_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def accuracy(ranks: list[int], _rounds: int, folds: int = 5) -> None:
    """Test scores of default settings: nothing is chosen, least of all by the test part."""
    rows = []
    for kind in ("cp", "tucker"):
        for rank in ranks:
            found = []
            for fold in range(folds):
                x, y, points, values = pm25(fold)
                start = time.perf_counter()
                model = model_of(kind, rank, calibrate=True).fit(x, y)
                seconds = time.perf_counter() - start
                mean, std = model.predict(points, return_std=True)
                plain = std / model.variance_factor_**0.5
                inside = np.mean(np.abs(values - mean) <= 1.96 * plain)
                scores = model.scores(points, values)
                found.append([scores.rmse, scores.mae, inside, scores.coverage, scores.nlpd,
                              scores.crps, seconds])  # fmt: skip
            mean = np.mean(found, axis=0)
            rows.append([
                f"{kind} R = {rank}", f"{found[0][0]:.4f}",
                f"{mean[0]:.4f} +- {np.std([f[0] for f in found]):.4f}", f"{mean[1]:.4f}",
                f"{mean[2]:.3f}", f"{mean[3]:.3f}", f"{mean[4]:.3f}", f"{mean[5]:.4f}",
                f"{mean[6]:.1f} s",
            ])  # fmt: skip
            print(rows[-1], flush=True)
    print(f"## PM2.5, {folds} folds, kernels learnt, one start\n")
    table(
        ["model", "RMSE, fold 0", f"RMSE, {folds} folds", "MAE", "95 % coverage, plain",
         "calibrated", "NLPD", "CRPS", "fit"],
        rows,
    )  # fmt: skip
    print("exact ARD Gaussian process, fold 0, measured before: RMSE 0.2481, MAE 0.1460\n")


def exact(_ranks: list[int], _rounds: int, rows_used: int = 4000) -> None:
    """An exact Gaussian process of GPyTorch on part of the rows, and ours on the same."""
    if not (peer_version("gpytorch") and peer_version("torch")):
        return
    import gpytorch
    import torch

    x, y, points, values = pm25()
    part = np.random.default_rng(0).choice(len(y), rows_used, replace=False)
    x, y = x[part], y[part]
    start = time.perf_counter()
    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()

    class Exact(gpytorch.models.ExactGP):
        def __init__(self) -> None:
            super().__init__(torch.from_numpy(x), torch.from_numpy(y), likelihood)
            self.mean_module = gpytorch.means.ConstantMean()
            self.covar_module = gpytorch.kernels.ScaleKernel(
                gpytorch.kernels.MaternKernel(nu=0.5, ard_num_dims=3)
            )

        def forward(self, at):
            return gpytorch.distributions.MultivariateNormal(
                self.mean_module(at), self.covar_module(at)
            )

    model = Exact().double()
    model.covar_module.base_kernel.lengthscale = torch.tensor([[4.0, 5.0, 0.01]])
    likelihood.noise = 0.03
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    with gpytorch.settings.fast_computations(False, False, False):
        for _ in range(5):
            optimiser.zero_grad()
            loss = -evidence(model(torch.from_numpy(x)), torch.from_numpy(y))
            loss.backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            mean = model(torch.from_numpy(points)).mean.numpy()
    theirs = time.perf_counter() - start
    start = time.perf_counter()
    ours = model_of("tucker", 3).fit(x, y).predict(points)
    seconds = time.perf_counter() - start
    print(f"## {rows_used:,} rows of PM2.5, 5 steps of the exact process\n")
    errors = [np.sqrt(np.mean((m - values) ** 2)) for m in (ours, mean)]
    table(
        ["model", "test RMSE", "time"],
        [
            ["functional Tucker R = 3", f"{errors[0]:.4f}", duration(seconds)],
            ["GPyTorch ExactGP, ARD", f"{errors[1]:.4f}", duration(theirs)],
        ],
    )


def scaling(_ranks: list[int], rounds: int) -> None:
    """Time per sweep against the number of rows, 300 distinct coordinates per mode."""
    rng = np.random.default_rng(0)
    axes = [np.sort(rng.uniform(0, 1, 300)) for _ in range(3)]
    rows = []
    for count in (100_000, 200_000, 400_000, 4_000_000):
        x = np.stack([axis[rng.integers(300, size=count)] for axis in axes], axis=1)
        y = np.prod(np.sin(5 * x), axis=1) + 0.1 * rng.standard_normal(count)
        row = [f"{count:,}"]
        for kind in ("cp", "tucker"):
            if count > 10**6 and kind == "tucker":
                row.append("not run")
                continue
            found = prepared(kind, 3, x, y)
            call = Contender(kind, found.sweep)
            row.append(duration(take_turns([call], min(rounds, 3))[kind].median))
        rows.append([*row, f"{memory_kb('VmHWM') / 1e6:.2f} GB"])
    print("## R = 3, 300 distinct coordinates per mode: time per sweep\n")
    table(["rows", "CP", "Tucker", "peak memory of the process so far"], rows)


ROWS = {
    "sweep": sweep,
    "memory": memory,
    "accuracy": accuracy,
    "exact": exact,
    "scaling": scaling,
}

DEFAULT = ["sweep", "memory", "exact", "scaling"]  # accuracy takes many minutes


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=DEFAULT)
    parser.add_argument("--ranks", nargs="+", type=int, default=(3, 5))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.ranks[0])
        return
    header("Functional models", ["numpy", "numba", "scipy", "gpytorch", "torch"])
    if not (DATA / "funbat").is_dir() and set(arguments.rows) - {"scaling"}:
        print("skipped: the PM2.5 table is not at hand (RANKLOOM_DATA).")
        arguments.rows = [row for row in arguments.rows if row == "scaling"]
    for name in arguments.rows:
        ROWS[name](arguments.ranks, arguments.rounds)


if __name__ == "__main__":
    main()
