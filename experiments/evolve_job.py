"""`rankloom evolve`: one time evolution, one folder; a killed run goes on where it stood."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments import plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.chain_config import EvolveConfig
from rankloom.experiments.compile_job import stage, write_table
from rankloom.experiments.folders import atomic_folder, check_free, write_json
from rankloom.experiments.problem import section
from rankloom.experiments.report import Written
from rankloom.experiments.toml import ConfigError, dump_toml
from rankloom.tn import MPS, Evolution, SpinChain, Truncation, evolve


@dataclass(frozen=True, eq=False)
class EvolveRun:
    """An evolution and what it was made from.

    Parameters
    ----------
    config : EvolveConfig
    evolution : Evolution
        With "energy", "bond" and "entropies" among its observables.
    seconds : float
        Wall time of this process; less than that of the whole run if it was resumed.
    """

    config: EvolveConfig
    evolution: Evolution
    seconds: float

    @property
    def entropies(self) -> NDArray[np.float64]:
        """Entanglement entropy in nats at every time and cut, (steps + 1, n - 1)."""
        return self.evolution.observed["entropies"]


def run_evolve(config: EvolveConfig, *, overwrite: bool = False, progress: bool = False) -> Written:
    """Evolve what a configuration says and write the files to ``config.output``.

    Parameters
    ----------
    config : EvolveConfig
    overwrite : bool
        Replace an older result folder.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ConfigError
        A setting cannot be used, or the checkpoint beside the folder is that of another run.
    FileExistsError
        The folder exists, and `overwrite` is False or it is no result folder.
    KeyboardInterrupt
        Says where the run will go on, if there is a checkpoint.
    """
    start, chain = prepare(config)
    check_free(config.output, overwrite)
    config.output.parent.mkdir(parents=True, exist_ok=True)
    kept = checkpoint_of(config)
    resumed = kept is not None and kept.exists()
    try:
        done = run(config, start, chain, Bars(progress))
    except KeyboardInterrupt:
        if kept is not None and kept.exists():
            raise KeyboardInterrupt(f"the same command goes on from {kept}") from None
        raise
    except ValueError as err:
        if not resumed:
            raise
        raise ConfigError(f"[evolution] {err} Or delete the file to start anew.") from err
    with atomic_folder(config.output, overwrite=overwrite) as folder:
        write(done, folder)
    if kept is not None:
        kept.unlink(missing_ok=True)
    return Written(config.output, [], _told(done, resumed), label="Results")


def prepare(config: EvolveConfig) -> tuple[MPS, SpinChain]:
    """Start and chain, after checking every setting.

    Raises
    ------
    ConfigError
        A setting cannot be used; the message names its section.
    """
    settings = config.evolution
    if config.chain.n is None and settings.file is None:
        raise ConfigError("[chain] `n`, the number of sites, is missing.")
    with section("chain"):
        if config.chain.n is not None:
            config.chain.build(config.chain.n)
    with section("evolution"):
        start = settings.start(config.chain.n)
        Truncation(settings.max_bond, settings.cutoff)
        if settings.checkpoint_every < 0:
            raise ValueError("`checkpoint_every` must not be negative; 0 keeps no checkpoint.")
        if set(start.physical_dimensions) != {2}:
            raise ValueError(f"`file` has sites of dimensions {set(start.physical_dimensions)}.")
        if settings.method != "tebd" and settings.order != 2:
            raise ValueError(f"`order` belongs to tebd; {settings.method} has order 2.")
    with section("chain"):
        chain = config.chain.build(start.n_sites)
    with section("evolution"):
        chain.trotter_layers(settings.time, settings.steps, settings.order)
    return start, chain


def checkpoint_of(config: EvolveConfig) -> Path | None:
    """The file beside the result folder that a killed run leaves behind; None if not wanted."""
    if config.evolution.checkpoint_every == 0:
        return None
    return config.output.with_name(f"{config.output.name}.checkpoint.h5")


def run(
    config: EvolveConfig, start: MPS, chain: SpinChain, bars: Bars, *, keep: bool = True
) -> EvolveRun:
    """Evolve; nothing is written but the checkpoint, and with ``keep=False`` not even that."""
    settings, seconds = config.evolution, dict[str, float]()
    observe: dict[str, Any] = {letter: letter for letter in settings.observe}
    observe["energy"] = chain.mpo()
    observe["bond"] = _widest
    observe["entropies"] = MPS.entropies
    kept = checkpoint_of(config) if keep else None
    with stage(seconds, "evolve"):
        evolution = evolve(
            start,
            chain,
            time=settings.time,
            steps=settings.steps,
            method=settings.method,
            order=settings.order,
            max_bond=settings.max_bond,
            cutoff=settings.cutoff,
            imaginary=settings.imaginary,
            observe=observe,
            checkpoint=kept,
            checkpoint_every=max(settings.checkpoint_every, 1),
            progress=bars.track(f"{chain.n_sites} spins: {settings.method} D={settings.max_bond}"),
        )
    return EvolveRun(config, evolution, seconds["evolve"])


def write(run: EvolveRun, folder: Path) -> None:
    """Write state, tables, picture, figures and settings into an existing folder."""
    evolution, settings = run.evolution, run.config.evolution
    times, n = evolution.times, evolution.state.n_sites
    evolution.state.save(folder / "state.h5")
    steps = ("energy", "bond")
    rows = zip(times.tolist(), *(evolution.observed[name].tolist() for name in steps), strict=True)
    write_table(("time", *steps), list(rows), folder / "steps.csv")
    tables = {letter: (n, evolution.observed[letter]) for letter in settings.observe}
    for name, (count, values) in (tables | {"entropies": (n - 1, run.entropies)}).items():
        first = 1 if name == "entropies" else 0  # cut k lies before site k
        head = ("time", *range(first, first + count))
        write_table(head, np.column_stack([times, values]), folder / f"{name}.csv")
    with plots.LIGHT.context():
        ax = plots.plot_entanglement(times, run.entropies, plots.new_axes())
        plots.save_png(plots.figure_of(ax), folder / "entanglement.png")
    (folder / "config.toml").write_text(dump_toml(run.config), encoding="utf-8")
    write_json(summary(run), folder / "result.json")


def summary(run: EvolveRun) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    evolution, energies = run.evolution, run.evolution.observed["energy"]
    return {
        "sites": evolution.state.n_sites,
        "time": float(evolution.times[-1]),
        "steps": len(evolution.times) - 1,
        "bond_dimension": max(evolution.state.bond_dimensions),
        "truncation_error": evolution.truncation_error,
        "error_bound": evolution.error_bound,
        "energy": {"start": float(energies[0]), "end": float(energies[-1])},
        "largest_entropy": float(run.entropies[-1].max()),
        "seconds": run.seconds,
    }


def _told(run: EvolveRun, resumed: bool) -> list[str]:
    found = summary(run)
    start, end = found["energy"]["start"], found["energy"]["end"]
    lines = [
        f"{found['sites']} spins, t = {found['time']:g}: bond dimension {found['bond_dimension']}, "
        f"discarded weight {found['truncation_error']:.1e}, entropy up to "
        f"{found['largest_entropy']:.3f} nats",
        f"Energy {start:.9f} at the start, {end:.9f} at the end"
        + ("" if run.config.evolution.imaginary else f": a drift of {abs(end - start):.0e}"),
    ]
    return ["Went on from the checkpoint of an earlier run.", *lines] if resumed else lines


def _widest(state: MPS) -> int:
    return max(state.bond_dimensions)
