"""`rankloom functional`: a model of one table, predictions with error bars, one folder."""

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern, QuasiPeriodic
from rankloom.decomposition.functional import Scores
from rankloom.decomposition.functional.processes import Kernel
from rankloom.experiments import functional_plots, plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import stage, write_table
from rankloom.experiments.folders import atomic_folder, check_free, write_json
from rankloom.experiments.functional_config import FunctionalConfig
from rankloom.experiments.problem import section
from rankloom.experiments.report import Written
from rankloom.experiments.toml import ConfigError, dump_toml

_CURVE = 300  # points of a mode function in its table
_FEW = 20  # fewer values do not score a model


@dataclass(frozen=True, eq=False)
class FunctionalRun:
    """A fitted model and what it was made from.

    Parameters
    ----------
    config : FunctionalConfig
    model : FunctionalCP or FunctionalTucker
    points : (n, K) array
        Where predictions are asked for.
    held : (m, K), (m,) arrays
        Rows kept out of the fit.
    scores : Scores or None
        On these.
    seconds : float
    """

    config: FunctionalConfig
    model: FunctionalCP | FunctionalTucker
    points: NDArray[np.float64]
    held: tuple[NDArray[np.float64], NDArray[np.float64]]
    scores: Scores | None
    seconds: float


def run_functional(
    config: FunctionalConfig, *, overwrite: bool = False, progress: bool = False
) -> Written:
    """Fit what a configuration says and write the files to ``config.output``.

    Parameters
    ----------
    config : FunctionalConfig
    overwrite : bool
        Replace an older result folder.
    progress : bool
        Show progress bars.

    Raises
    ------
    ConfigError
        A setting cannot be used; nothing is written.
    FileExistsError
        The folder exists, and `overwrite` is False or it is no result folder.
    """
    check_free(config.output, overwrite)
    done = run(config, Bars(progress))
    with atomic_folder(config.output, overwrite=overwrite) as folder:
        write(done, folder)
    return Written(config.output, [], _told(done), label="Results")


def run(config: FunctionalConfig, bars: Bars) -> FunctionalRun:
    """Read and fit; nothing is written.

    Raises
    ------
    ConfigError
        A file or setting cannot be used; the message names its section.
    """
    data = config.data
    if data.file is None:
        raise ConfigError("[data] `file`, the CSV file of the table, is missing.")
    if not data.coordinates or not data.value:
        raise ConfigError("[data] `coordinates` and `value`, names of columns, are needed.")
    seconds: dict[str, float] = {}
    with section("data"):
        if not 0 <= data.holdout < 1:
            raise ValueError(f"`holdout` is a fraction, 0 <= holdout < 1, got {data.holdout}.")
        table = read_columns(data.file, (*data.coordinates, data.value))
        x, y = table[:, :-1], table[:, -1]
        points = x if data.points is None else read_columns(data.points, data.coordinates)
        generator = np.random.default_rng(config.model.seed)
        out = generator.random(len(y)) < data.holdout
    with section("model"), stage(seconds, "fit"):
        model = _model(config, bars)
        model.fit(x[~out], y[~out])
    seen = out & ~np.isnan(y)
    scores = model.scores(x[seen], y[seen]) if seen.sum() >= _FEW else None
    return FunctionalRun(config, model, points, (x[seen], y[seen]), scores, seconds["fit"])


def read_columns(path: Path, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Columns of a CSV file with a head line, in the order of `names`; empty cells are NaN.

    Raises
    ------
    ValueError
        No such file or column, or a cell that is no number (line and column are named).
    """
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}.")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        head = [cell.strip() for cell in next(rows, [])]
        missing = [name for name in names if name not in head]
        if missing:
            raise ValueError(
                f"{str(path)!r} has no column {missing[0]!r}; its columns are {', '.join(head)}."
            )
        places = [head.index(name) for name in names]
        out = []
        for line in rows:
            if not line:
                continue
            if len(line) < len(head):
                raise ValueError(f"{str(path)!r}, line {rows.line_num}: too few cells.")
            out.append([_number(line[p], path, rows.line_num, head[p]) for p in places])
    if not out:
        raise ValueError(f"{str(path)!r} has a head line and no rows.")
    return np.array(out)


def _number(cell: str, path: Path, line: int, column: str) -> float:
    try:
        return float(cell) if cell.strip() else math.nan
    except ValueError:
        raise ValueError(
            f"{str(path)!r}, line {line}, column {column!r}: {cell!r} is not a number."
        ) from None


def _model(config: FunctionalConfig, bars: Bars) -> FunctionalCP | FunctionalTucker:
    model, modes = config.model, len(config.data.coordinates)
    orders = model.nu * modes if len(model.nu) == 1 else model.nu
    if len(orders) != modes:
        raise ValueError(f"`nu` needs one number, or one for each of {modes} coordinates.")
    kernels = None
    scales = model.lengthscales
    if scales is not None:
        if len(scales) != modes:
            raise ValueError(f"`lengthscales` needs one number for each of {modes} coordinates.")
        terms = [Matern(nu, scale) for nu, scale in zip(orders, scales, strict=True)]
        kernels = _with_seasons(terms, model.periods)
    elif model.periods is not None:
        raise ValueError("`lengthscales` must be given where `periods` are.")
    elif set(orders) != {1.5}:
        raise ValueError("`lengthscales` must be given where `nu` is not 1.5 throughout.")
    settings: dict[str, Any] = {
        "kernels": kernels,
        "learn_kernels": model.learn,
        "calibrate": model.calibrate,
        "ard": model.ard,
        "dof": model.dof,
        "batch_size": model.batch_size,
        "restarts": model.restarts,
        "max_sweeps": model.max_sweeps,
        "rng": model.seed,
        "progress": bars.track(f"{model.kind}, {modes} modes"),
    }
    if model.kind == "cp":
        return FunctionalCP(model.rank, **settings)
    return FunctionalTucker((model.rank,) * modes, **settings)


def _with_seasons(kernels: Sequence[Kernel], periods: tuple[float, ...] | None) -> list[Kernel]:
    """Seasons that may change in the course of ten periods are added."""
    if periods is None:
        return list(kernels)
    if len(periods) != len(kernels):
        raise ValueError(f"`periods` needs one number for each of {len(kernels)} coordinates.")
    return [
        kernel + QuasiPeriodic(period, 10 * period) if period else kernel
        for kernel, period in zip(kernels, periods, strict=True)
    ]


def write(run: FunctionalRun, folder: Path) -> None:
    """Write model, predictions, tables, pictures and settings into an existing folder."""
    model, names = run.model, run.config.data.coordinates
    model.save(folder / "model.h5")
    mean, std = model.predict(run.points, return_std=True)
    low, high = model.predict_interval(run.points)
    columns = (*run.points.T, mean, std, low, high)
    head = (*names, "mean", "std", "lower95", "upper95")
    rows = np.stack(columns, axis=1).tolist()
    write_table(head, rows, folder / "predictions.csv")
    for k, nodes in enumerate(model.nodes_):
        t = np.linspace(nodes[0], nodes[-1], _CURVE)
        values, errors = model.mode_function(k, t)
        ranks = range(values.shape[1])
        head = (names[k], *(f"mean{r}" for r in ranks), *(f"std{r}" for r in ranks))
        write_table(head, np.column_stack([t, values, errors]).tolist(), folder / f"mode-{k}.csv")
    trace = list(enumerate(model.elbo_trace_, 1))
    write_table(("sweep", "elbo"), trace, folder / "sweeps.csv")
    with plots.LIGHT.context():
        pictures = {
            f"mode-{k}": functional_plots.plot_functions(model, k, name, plots.LIGHT)
            for k, name in enumerate(names)
        }
        if run.scores is not None:
            x, y = run.held
            pictures["calibration"] = functional_plots.plot_calibration(
                [("model", y, *model.predict(x, return_std=True))], plots.LIGHT
            )
        for name, ax in pictures.items():
            plots.save_png(plots.figure_of(ax), folder / f"{name}.png")
    (folder / "config.toml").write_text(dump_toml(run.config), encoding="utf-8")
    write_json(summary(run), folder / "result.json")


def summary(run: FunctionalRun) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    model = run.model
    return {
        "modes": run.config.data.coordinates,
        "distinct_coordinates": [len(n) for n in model.nodes_],
        "lengthscales": [p.lengthscale for kernel in model.kernels_ for p in kernel.parts],
        "noise_std": model.noise_std_,
        "elbo": model.elbo_,
        "outcome": model.outcome_.name,
        "advice": model.outcome_.value,
        "sweeps": len(model.elbo_trace_),
        "starts": model.starts_,
        "variance_factor": model.variance_factor_,
        "validation": model.validation_ and asdict(model.validation_),
        "component_shares": [s.tolist() for s in model.component_shares()],
        "held_out": None if run.scores is None else asdict(run.scores),
        "seconds": run.seconds,
    }


def _told(run: FunctionalRun) -> list[str]:
    model, names = run.model, run.config.data.coordinates
    scales = ", ".join(
        f"{name} {kernel.parts[0].lengthscale:.4g}"
        for name, kernel in zip(names, model.kernels_, strict=True)
    )
    lines = [
        f"noise {model.noise_std_:.4g}; lengthscales: {scales}",
        f"evidence bound {model.elbo_:.2f} nats after {len(model.elbo_trace_)} sweeps "
        f"({model.outcome_.name.replace('_', ' ').lower()})",
    ]
    if model.validation_ is not None:
        lines.append(
            f"{model.validation_.count} rows kept out to calibrate: NLPD "
            f"{model.validation_.nlpd:.4g} before, variances times {model.variance_factor_:.3g}"
        )
    if run.scores is not None:
        s = run.scores
        lines.append(
            f"{s.count} rows kept out: RMSE {s.rmse:.4g}, 95 % intervals hold "
            f"{100 * s.coverage:.1f} %"
        )
    return lines
