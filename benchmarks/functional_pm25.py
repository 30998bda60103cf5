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
KINDS = ("cp", "tucker")


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
    for kind in KINDS:
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
    for kind in KINDS:
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
    """Test scores; CP or Tucker is chosen by a validation part of the training rows."""
    rows = []
    for rank in ranks:
        found = {kind: [judged(kind, rank, fold) for fold in range(folds)] for kind in KINDS}
        better = [min(KINDS, key=lambda kind, f=f: found[kind][f][-1]) for f in range(folds)]
        names = ", ".join(f"{kind} {better.count(kind)}" for kind in KINDS)
        found[f"better of both ({names})"] = [found[kind][f] for f, kind in enumerate(better)]
        for name, values in found.items():
            mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
            rows.append([
                f"{name}, R = {rank}", f"{values[0][0]:.4f}", f"{mean[0]:.4f} +- {spread[0]:.4f}",
                f"{mean[1]:.4f}", f"{mean[2]:.3f}", f"{mean[3]:.3f}",
                f"{min(v[3] for v in values):.3f} to {max(v[3] for v in values):.3f}",
                f"{mean[4]:.3f}", f"{mean[5]:.4f}", duration(mean[6]),
            ])  # fmt: skip
            print(rows[-1], flush=True)
    print(f"## PM2.5, {folds} folds, kernels learnt, one start\n")
    table(
        ["model", "RMSE, fold 0", f"RMSE, {folds} folds", "MAE", "95 % coverage, plain",
         "calibrated", "of the folds", "NLPD", "CRPS", "fit"],
        rows,
    )  # fmt: skip
    print("chosen: by the NLPD of a tenth of the training rows, kept out of a first fit")
    print("beside it stands the exact process of `--rows exact`, on fold 0\n")


def judged(kind: str, rank: int, fold: int) -> list[float]:
    """Test scores of one calibrated fit, its seconds, and its validation NLPD."""
    x, y, points, values = pm25(fold)
    start = time.perf_counter()
    model = model_of(kind, rank, calibrate=True).fit(x, y)
    seconds = time.perf_counter() - start
    mean, std = model.predict(points, return_std=True)
    inside = np.mean(np.abs(values - mean) <= 1.96 * std / model.variance_factor_**0.5)
    s = model.scores(points, values)
    return [s.rmse, s.mae, inside, s.coverage, s.nlpd, s.crps, seconds, model.validation_.nlpd]


def exact(ranks: list[int], _rounds: int, part: int = 4000) -> None:
    """An exact Gaussian process of GPyTorch, learnt on part of the rows, then given all of them."""
    if not (peer_version("gpytorch") and peer_version("torch")):
        return
    x, y, points, values = pm25()
    some = np.random.default_rng(0).choice(len(y), part, replace=False)
    answers = exact_process(x[some], y[some], x, y, points)
    rows = [
        [f"GPyTorch ExactGP, ARD, {name}", *errors(mean, values), duration(seconds)]
        for name, (mean, seconds) in answers.items()
    ]
    for name, chosen in ((f"{part:,} rows", some), ("all rows", slice(None))):
        for rank in ranks:
            start = time.perf_counter()
            mean = model_of("tucker", rank).fit(x[chosen], y[chosen]).predict(points)
            spent = duration(time.perf_counter() - start)
            rows.append([f"functional Tucker R = {rank}, {name}", *errors(mean, values), spent])
    print(f"## exact process, 5 steps of Adam on {part:,} of {len(y):,} rows\n")
    table(["model", "test RMSE", "MAE", "time"], rows)


def errors(mean: np.ndarray, values: np.ndarray) -> tuple[str, str]:
    """RMSE and MAE, as text."""
    miss = mean - values
    return f"{np.sqrt(np.mean(miss**2)):.4f}", f"{np.mean(np.abs(miss)):.4f}"


def exact_process(
    x: np.ndarray, y: np.ndarray, more_x: np.ndarray, more_y: np.ndarray, points: np.ndarray
) -> dict[str, tuple[np.ndarray, float]]:
    """Means at `points` and seconds, given x and y; and with the same kernel given more rows."""
    import gpytorch
    import torch

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

    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
    model = Exact().double()
    model.covar_module.base_kernel.lengthscale = torch.tensor([[4.0, 5.0, 0.01]])
    likelihood.noise = 0.03
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    found, start = {}, time.perf_counter()
    with gpytorch.settings.fast_computations(False, False, False):
        for _ in range(5):
            optimiser.zero_grad()
            loss = -evidence(model(torch.from_numpy(x)), torch.from_numpy(y))
            loss.backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            for name, (at, of) in {
                f"{len(y):,} rows": (x, y),
                f"all rows with the kernel of {len(y):,}": (more_x, more_y),
            }.items():
                model.set_train_data(torch.from_numpy(at), torch.from_numpy(of), strict=False)
                mean = model(torch.from_numpy(points)).mean.numpy()
                found[name] = mean, time.perf_counter() - start
                start = time.perf_counter()
    return found


def scaling(_ranks: list[int], rounds: int) -> None:
    """Time per sweep against the number of rows, 300 distinct coordinates per mode."""
    rng = np.random.default_rng(0)
    axes = [np.sort(rng.uniform(0, 1, 300)) for _ in range(3)]
    rows = []
    for count in (100_000, 200_000, 400_000, 4_000_000):
        x = np.stack([axis[rng.integers(300, size=count)] for axis in axes], axis=1)
        y = np.prod(np.sin(5 * x), axis=1) + 0.1 * rng.standard_normal(count)
        row = [f"{count:,}"]
        for kind in KINDS:
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
