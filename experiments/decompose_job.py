"""`rankloom decompose`: one tensor taken apart, one folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rankloom.decomposition import CPFit, TuckerFit, cp, nonnegative_cp, tucker
from rankloom.experiments import decomposition_plots, plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import stage, write_table
from rankloom.experiments.decompose_config import DecomposeConfig
from rankloom.experiments.folders import atomic_folder, check_free, write_json
from rankloom.experiments.problem import section
from rankloom.experiments.report import Written
from rankloom.experiments.tensor_file import open_tensor
from rankloom.experiments.toml import ConfigError, dump_toml


@dataclass(frozen=True, eq=False)
class DecomposeRun:
    """A fit and what it was made from.

    Parameters
    ----------
    config : DecomposeConfig
    fit : TuckerFit or CPFit
    names : tuple of str
        Of the modes.
    seconds : float
    """

    config: DecomposeConfig
    fit: TuckerFit | CPFit
    names: tuple[str, ...]
    seconds: float


def run_decompose(
    config: DecomposeConfig, *, overwrite: bool = False, progress: bool = False
) -> Written:
    """Decompose what a configuration says and write the files to ``config.output``.

    Parameters
    ----------
    config : DecomposeConfig
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
    with section("fit"):
        config.fit.check()
    if config.data.file is None:
        raise ConfigError("[data] `file`, the file that holds the tensor, is missing.")
    check_free(config.output, overwrite)
    done = run(config, Bars(progress))
    with atomic_folder(config.output, overwrite=overwrite) as folder:
        write(done, folder)
    outcome = done.fit.outcome
    complaints = [] if outcome.ok else [f"{outcome.name.replace('_', ' ')}: {outcome.value}"]
    return Written(config.output, [], _told(done), label="Results", complaints=complaints)


def run(config: DecomposeConfig, bars: Bars) -> DecomposeRun:
    """Read and decompose; nothing is written.

    Raises
    ------
    ConfigError
        The file cannot be read, or its tensor not be decomposed so; the message names the section.
    """
    assert config.data.file is not None
    seconds: dict[str, float] = {}
    with section("data"), open_tensor(config.data.file, config.data.entry) as x:
        names = config.data.modes or tuple(f"mode {k}" for k in range(len(x.shape)))
        if len(names) != len(x.shape):
            raise ValueError(f"`modes` has {len(names)} names for a tensor of shape {x.shape}.")
        with section("fit"), stage(seconds, "fit"):
            fit = _fit(config, x, bars)
    return DecomposeRun(config, fit, names, seconds["fit"])


def write(run: DecomposeRun, folder: Path) -> None:
    """Write tensor, tables, pictures, figures and settings into an existing folder."""
    tensor = run.fit.tensor
    tensor.save(folder / "tensor.h5")
    errors = enumerate(run.fit.errors.tolist(), 1)
    write_table(("sweep", "error"), list(errors), folder / "errors.csv")
    for k, factor in enumerate(tensor.factors):
        head = ("index", *range(factor.shape[1]))
        rows = [(i, *row) for i, row in enumerate(factor.tolist())]
        write_table(head, rows, folder / f"factor-{k}.csv")
    with plots.LIGHT.context():
        pictures = {"components": decomposition_plots.plot_factors(tensor, run.names, plots.LIGHT)}
        if isinstance(run.fit, TuckerFit):
            pictures["scree"] = decomposition_plots.plot_scree(
                run.fit.tensor.singular_values(), run.names, plots.LIGHT, plots.new_axes()
            )
        for name, ax in pictures.items():
            plots.save_png(plots.figure_of(ax), folder / f"{name}.png")
    (folder / "config.toml").write_text(dump_toml(run.config), encoding="utf-8")
    write_json(summary(run), folder / "result.json")


def summary(run: DecomposeRun) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    fit, tensor = run.fit, run.fit.tensor
    found: dict[str, Any] = {
        "shape": tensor.shape,
        "modes": run.names,
        "kind": run.config.fit.kind,
        "error": fit.error,
        "outcome": fit.outcome.name,
        "advice": fit.outcome.value,
        "sweeps": fit.sweeps,
        "numbers": {"data": float(np.prod(tensor.shape, dtype=float)), "fit": _numbers(tensor)},
        "seconds": run.seconds,
    }
    if isinstance(fit, TuckerFit):
        return found | {"ranks": fit.tensor.ranks}
    consistency = fit.core_consistency
    return found | {
        "rank": fit.tensor.rank,
        "weights": fit.tensor.weights.tolist(),
        "starts": fit.starts.tolist(),
        "degenerate": fit.degenerate,
        "core_consistency": consistency if np.isfinite(consistency) else None,
        "held_out_error": fit.held_out_error,
    }


def _fit(config: DecomposeConfig, x: Any, bars: Bars) -> TuckerFit | CPFit:
    settings, bar = config.fit, bars.track(f"{config.fit.kind} {'x'.join(map(str, x.shape))}")
    if settings.kind == "tucker":
        given = settings.ranks
        ranks = given[0] if given is not None and len(given) == 1 else given
        return tucker(
            x,
            tol=settings.error,
            ranks=ranks,
            max_sweeps=settings.max_sweeps,
            rng=settings.seed,
            progress=bar,
        )
    assert settings.rank is not None
    solve = cp if settings.kind == "cp" else nonnegative_cp
    return solve(
        x if settings.kind == "cp" else x[...],
        settings.rank,
        restarts=settings.restarts,
        max_sweeps=settings.max_sweeps,
        tol=settings.tol,
        holdout=settings.holdout,
        rng=settings.seed,
        progress=bar,
    )


def _numbers(tensor: Any) -> int:
    """Numbers that a tensor is made of."""
    return sum(a.size for a in (tensor._head, *tensor._factors))


def _told(run: DecomposeRun) -> list[str]:
    found = summary(run)
    shape = " x ".join(map(str, found["shape"]))
    size = f"{found['numbers']['data']:.3g} entries by {found['numbers']['fit']} numbers"
    if isinstance(run.fit, TuckerFit):
        ranks = " x ".join(map(str, found["ranks"]))
        return [f"{shape}: Tucker ranks {ranks}, relative error {run.fit.error:.3g}, {size}"]
    lines = [f"{shape}: {found['rank']} terms, relative error {run.fit.error:.4g}, {size}"]
    if run.fit.held_out_error is not None:
        lines.append(f"On entries kept back: {run.fit.held_out_error:.4g}")
    if len(run.fit.starts) > 1:
        near = int(np.sum(run.fit.starts < 1.001 * run.fit.starts.min()))
        lines.append(f"{near} of {len(run.fit.starts)} starts ended within 0.1 % of the best")
    return lines
