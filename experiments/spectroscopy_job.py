"""`rankloom spectroscopy`: gaps of one chain, or of snapshots in a file, one folder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rankloom.experiments import plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import write_table
from rankloom.experiments.folders import atomic_folder, check_free, write_json
from rankloom.experiments.problem import section
from rankloom.experiments.report import Written
from rankloom.experiments.spectroscopy_config import SpectroscopyConfig
from rankloom.experiments.toml import ConfigError, dump_toml
from rankloom.experiments.verify import Check
from rankloom.quantum import (
    Carrier,
    ShadowSpectroscopy,
    Snapshots,
    carriers,
    level_superposition,
    shadow_spectroscopy,
    snapshot_spectroscopy,
)
from rankloom.tn import SpinChain, reference

_DENSE_SITES = 12
_ERRORS = 5.0  # standard errors between a gap and the exact one
_ENUMERATED = 2e6  # strings: more are not searched for carriers


@dataclass(frozen=True, eq=False)
class SpectroscopyRun:
    """The gaps found, and the exact ones where they are known.

    Parameters
    ----------
    config : SpectroscopyConfig
    result : ShadowSpectroscopy
    exact : sequence of float
        Differences of the chosen levels, ascending, where they are known; else empty.
    carriers : sequence of Carrier
        Strings that carry the strongest line.
    """

    config: SpectroscopyConfig
    result: ShadowSpectroscopy
    exact: Sequence[float]
    carriers: Sequence[Carrier]


def run_spectroscopy(
    config: SpectroscopyConfig, *, overwrite: bool = False, progress: bool = False
) -> Written:
    """Measure and analyse what a configuration says; write the files to ``config.output``.

    Parameters
    ----------
    config : SpectroscopyConfig
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
    chain, snapshots = prepare(config)
    check_free(config.output, overwrite)
    with atomic_folder(config.output, overwrite=overwrite) as folder:
        done = run(config, chain, snapshots, Bars(progress))
        write(done, folder)
    complaints = [] if done.result.gaps else [f"NOTHING FOUND: {done.result.spectrum.verdict}"]
    return Written(config.output, checks(done), _told(done), label="Results", complaints=complaints)


def prepare(config: SpectroscopyConfig) -> tuple[SpinChain | None, Snapshots | None]:
    """The chain and the snapshots of a file, after checking every setting.

    Raises
    ------
    ConfigError
        A setting cannot be used; the message names its section.
    """
    with section("experiment"):
        config.experiment.check()
        given = config.experiment.file
        snapshots = None if given is None else Snapshots.load(given)
    with section("analysis"):
        config.analysis.check()
    n = config.chain.n
    if n is None and snapshots is None:
        raise ConfigError("[chain] `n`, the number of sites, is missing.")
    with section("chain"):
        chain = None if n is None else config.chain.build(n)
        if chain is not None and snapshots is not None and n != snapshots.n_qubits:
            raise ValueError(f"`n` = {n}, but `file` holds {snapshots.n_qubits} qubits.")
    with section("experiment"):
        if n is not None and max(config.experiment.levels) >= 2**n:
            raise ValueError(f"`levels` exceed the {2**n} that there are.")
    with section("analysis"):
        qubits = n if snapshots is None else snapshots.n_qubits
        if qubits is not None and config.analysis.max_locality > qubits:
            raise ValueError(f"`max_locality` exceeds the {qubits} qubits.")
    return chain, snapshots


def run(
    config: SpectroscopyConfig, chain: SpinChain | None, snapshots: Snapshots | None, bars: Bars
) -> SpectroscopyRun:
    """Measure and analyse; nothing is written."""
    experiment, analysis = config.experiment, config.analysis
    options: dict[str, Any] = {
        "method": analysis.method,
        "false_alarm": analysis.false_alarm,
        "bootstrap": analysis.bootstrap,
        "rng": experiment.seed,
    }
    if snapshots is not None:
        with bars.waiting("spectrum of the snapshots"):
            result = snapshot_spectroscopy(snapshots, analysis.max_locality, **options)
    else:
        assert chain is not None
        with bars.waiting(f"{chain.n_sites} spins: levels {experiment.levels}"):
            state = level_superposition(chain, experiment.levels, max_bond=experiment.max_bond)
        result = shadow_spectroscopy(
            chain,
            state,
            experiment.dt * np.arange(experiment.times),
            experiment.shots,
            analysis.max_locality,
            trotter_step=experiment.trotter_step,
            max_bond=experiment.max_bond,
            cutoff=experiment.cutoff,
            shots_per_basis=experiment.shots_per_basis,
            progress=bars.track(f"{chain.n_sites} spins: snapshots"),
            **options,
        )
    found: list[Carrier] = []
    if analysis.observables and result.gaps:
        found = _carriers(result, analysis.max_locality, analysis.observables, bars)
    return SpectroscopyRun(config, result, exact_gaps(config, chain), found)


def checks(run: SpectroscopyRun) -> list[Check]:
    """The strongest gap against the nearest exact one, within five standard errors."""
    if not run.exact or not run.result.gaps:
        return []
    peak = run.result.gaps[0]
    nearest = min(run.exact, key=lambda gap: abs(gap - peak.gap))
    means = "exact solution, within five standard errors"
    return [Check("strongest gap", means, peak.gap, nearest, _ERRORS * peak.error)]


def exact_gaps(config: SpectroscopyConfig, chain: SpinChain | None) -> list[float]:
    """Differences of the chosen levels, ascending, of a chain that can be diagonalised.

    Of long Ising chains the first gap is known too; for anything else the list is empty.
    """
    levels = config.experiment.levels
    if chain is None or config.experiment.file is not None:
        return []
    if chain.n_sites > _DENSE_SITES:
        if config.chain.kind != "ising" or sorted(levels) != [0, 1]:
            return []
        given = {name: getattr(config.chain, name) for name in ("j", "g")}
        known = {name: value for name, value in given.items() if value is not None}
        return [float(reference.ising_energies(chain.n_sites, **known)[1][0])]
    energies, _ = reference.spectrum(chain, min(max(levels) + 8, 2**chain.n_sites))
    chosen = energies[list(levels)]
    gaps = abs(chosen[:, None] - chosen)[np.triu_indices(len(levels), 1)]
    return [float(gap) for gap in np.sort(gaps)]


def write(run: SpectroscopyRun, folder: Path) -> None:
    """Write snapshots, tables, pictures, figures and settings into an existing folder."""
    result = run.result
    result.snapshots.save(folder / "snapshots.h5")
    curve = np.column_stack([result.spectrum.frequencies, result.spectrum.power])
    write_table(("frequency", "power"), curve.tolist(), folder / "spectrum.csv")
    head: tuple[str, ...] = (
        "gap",
        "error",
        "bootstrap_error",
        "fit_error",
        "snr",
        "power",
        "false_alarm",
    )
    rows = [
        (p.gap, p.error, float(e), p.fit_error, p.snr, p.power, p.false_alarm)
        for p, e in zip(result.gaps, result.bootstrap_errors, strict=True)
    ]
    write_table(head, rows, folder / "peaks.csv")
    if run.carriers:
        listed = [
            (c.letters, " ".join(map(str, c.sites)), c.amplitude, c.phase, c.score)
            for c in run.carriers
        ]
        head = ("letters", "sites", "amplitude", "phase", "score")
        write_table(head, listed, folder / "observables.csv")
    with plots.LIGHT.context():
        ax = result.plot(plots.new_axes(), run.exact)
        plots.save_png(plots.figure_of(ax), folder / "spectrum.png")
        ax = result.gram.plot(plots.new_axes())
        plots.save_png(plots.figure_of(ax), folder / "gram.png")
    (folder / "config.toml").write_text(dump_toml(run.config), encoding="utf-8")
    write_json(summary(run), folder / "result.json")


def summary(run: SpectroscopyRun) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    result = run.result
    return {
        "qubits": result.snapshots.n_qubits,
        "times": len(result.snapshots.times),
        "shots": result.snapshots.shots,
        "strings": result.gram.observables,
        "resolution": result.spectrum.resolution,
        "gaps": [
            {"gap": p.gap, "error": p.error, "snr": p.snr, "false_alarm": p.false_alarm}
            for p in result.gaps
        ],
        "exact_gaps": list(run.exact),
        "verdict": result.spectrum.verdict,
        "truncation_error": result.truncation_error,
        "seconds": result.seconds,
    }


def _carriers(result: ShadowSpectroscopy, k: int, count: int, bars: Bars) -> list[Carrier]:
    """Of the largest locality whose strings are few enough to be enumerated."""
    n = result.snapshots.n_qubits
    sizes = np.cumsum([3.0**j * math.comb(n, j) for j in range(1, k + 1)])
    fits = int(np.count_nonzero(sizes <= _ENUMERATED))
    if fits == 0:
        return []
    with bars.waiting("strings that carry the line"):
        return carriers(result.snapshots, result.gaps[0].gap, fits, count)


def _told(run: SpectroscopyRun) -> list[str]:
    result = run.result
    lines = [
        f"{result.snapshots.n_qubits} qubits, {len(result.snapshots.times)} times, "
        f"{result.snapshots.shots} shots at each, {result.gram.observables:,} Pauli strings"
    ]
    for peak in result.gaps:
        line = f"gap {peak}, signal to noise {peak.snr:.0f}"
        if run.exact:
            nearest = min(run.exact, key=lambda gap: abs(gap - peak.gap))
            line += f"; nearest exact one {nearest:.6g}"
        lines.append(line)
    if run.carriers:
        best = run.carriers[0]
        where = ", ".join(map(str, best.sites))
        lines.append(f"carried best by {best.letters} on {where}, amplitude {best.amplitude:.2g}")
    return lines
