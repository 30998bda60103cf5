"""Gaps from randomised measurements of two Ising chains, held against exact ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments import spectroscopy_job
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import write_table
from rankloom.experiments.config import ChainConfig
from rankloom.experiments.spectroscopy_config import (
    AnalysisConfig,
    ExperimentConfig,
    SpectroscopyConfig,
)
from rankloom.experiments.spectroscopy_job import SpectroscopyRun
from rankloom.experiments.verify import Check
from rankloom.quantum import gram, spectrum

_SHORT, _SHORT_FIELD = 8, 1.2
_LEVELS = (0, 1, 3)  # their three differences are further apart than the resolution
_LONG_FIELD = 1.5
_LENGTHS = (20, 35, 50, 65, 80)


@dataclass(frozen=True, eq=False)
class SpectroscopyStudy:
    """Two experiments and their exact gaps.

    Parameters
    ----------
    short : SpectroscopyRun
        Eight spins in three levels: three lines.
    long : SpectroscopyRun
        A longer chain in two levels, as matrix product state.
    lengths : (m, 3) array
        Number of times used of the long chain, its gap from them, the error bar.
    checks : sequence of Check
    """

    short: SpectroscopyRun
    long: SpectroscopyRun
    lengths: NDArray[np.float64]
    checks: Sequence[Check]


def study(folder: Path, bars: Bars, *, n: int, shots: int, times: int) -> SpectroscopyStudy:
    """Measure, analyse, compare, check, and write the files into a folder.

    Parameters
    ----------
    folder : Path
        Made here; gets the folders ``short`` and ``long`` and the table ``lengths.csv``.
    bars : Bars
    n : int
        Spins of the long chain.
    shots : int
        Snapshots at each time of the long chain.
    times : int
        Of both experiments, at least 20.
    """
    short = _run(_SHORT, _SHORT_FIELD, _LEVELS, 0.25, 5 * shots, times, bars)
    long = _run(n, _LONG_FIELD, (0, 1), 0.5, shots, times, bars)
    rows = []
    snapshots = long.result.snapshots
    for count in bars.track(f"{n} spins: shorter records")([m for m in _LENGTHS if m <= times]):
        found = spectrum(gram(snapshots.select(times=slice(count)), 2), max_peaks=1)
        if found.peaks:
            rows.append((count, found.peaks[0].gap, found.peaks[0].error))
    checks = [
        *(_named(f"{_SHORT} spins, line {i + 1}", c) for i, c in enumerate(_all(short))),
        *(_named(f"{n} spins", check) for check in spectroscopy_job.checks(long)),
    ]
    for name, run in (("short", short), ("long", long)):
        (folder / name).mkdir(parents=True)
        spectroscopy_job.write(run, folder / name)
    lengths = np.array(rows, dtype=float).reshape(-1, 3)
    write_table(("times", "gap", "error"), lengths.tolist(), folder / "lengths.csv")
    return SpectroscopyStudy(short, long, lengths, checks)


def _run(
    n: int, field: float, levels: tuple[int, ...], dt: float, shots: int, times: int, bars: Bars
) -> SpectroscopyRun:
    config = SpectroscopyConfig(
        Path("results/spectroscopy"),
        ChainConfig("ising", n, j=1.0, g=field),
        ExperimentConfig(
            levels=levels, times=times, dt=dt, shots=shots, trotter_step=0.1, max_bond=32
        ),
        AnalysisConfig(max_locality=2, observables=6),
    )
    return spectroscopy_job.run(config, *spectroscopy_job.prepare(config), bars)


def _all(run: SpectroscopyRun) -> list[Check]:
    """Every exact gap against the nearest line found; NaN where there is none."""
    found = []
    for gap in run.exact:
        peaks = run.result.gaps
        peak = min(peaks, key=lambda p: abs(p.gap - gap), default=None)
        value, error = (float("nan"), 0.0) if peak is None else (peak.gap, peak.error)
        means = "diagonalisation, within five standard errors"
        found.append(Check("", means, value, gap, 5 * error))
    return found


def _named(name: str, check: Check) -> Check:
    return Check(name, check.means, check.stated, check.found, check.tolerance)
