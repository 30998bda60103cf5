"""What `rankloom spectroscopy` can be told. Each class is a section of the file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from rankloom.experiments.config import ChainConfig


@dataclass(frozen=True)
class ExperimentConfig:
    """The state, the times and the shots; or a file with snapshots."""

    levels: tuple[int, ...] = (0, 1)
    """Energy levels whose equal superposition is the initial state, counted from 0."""
    times: int = 90
    """How many times, from 0 on."""
    dt: float = 0.25
    """Spacing of the times; pi / dt must exceed all gaps."""
    shots: int = 50
    """Snapshots at each time."""
    shots_per_basis: int = 1
    """Consecutive shots that share one draw of the bases."""
    trotter_step: float = 0.05
    """Longest Trotter step of chains of more than 10 sites."""
    max_bond: int = 64
    """Largest bond dimension kept there."""
    cutoff: float = 1e-10
    """Largest relative weight discarded at one cut."""
    seed: int = 0
    """Seed of the measurements."""
    file: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """HDF5 file of snapshots (`Snapshots.save`) to analyse instead. No chain is needed then; a
    chain that is given serves to compare."""

    def check(self) -> None:
        """Raise ValueError where a value is out of range."""
        levels = self.levels
        if len(levels) < 2 or len(set(levels)) < len(levels) or min(levels) < 0:
            raise ValueError(f"`levels` must name two or more different levels, got {levels}.")
        if self.times < 8:
            raise ValueError(f"`times` must be at least 8, got {self.times}.")
        if self.shots < 2:
            raise ValueError(f"`shots` must be at least 2, got {self.shots}.")
        for name in ("dt", "trotter_step"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}.")
        if self.shots_per_basis < 1 or self.shots % self.shots_per_basis:
            raise ValueError("`shots_per_basis` must divide `shots`.")
        if self.seed < 0:
            raise ValueError(f"`seed` must not be negative, got {self.seed}.")


@dataclass(frozen=True)
class AnalysisConfig:
    """From snapshots to gaps."""

    max_locality: int = 3
    """Pauli strings on 1 .. so many qubits."""
    method: Literal["quadratic", "svd"] = "quadratic"
    """Sum of all periodograms, or cross-spectra of dominant eigenvectors."""
    false_alarm: float = 0.01
    """Probability that a search in white noise reports a line."""
    bootstrap: int = 0
    """Resamplings of the snapshots for a second error bar."""
    observables: int = 10
    """Strings that carry the strongest line, to be listed; 0 lists none."""

    def check(self) -> None:
        """Raise ValueError where a value is out of range."""
        if self.max_locality < 1:
            raise ValueError(f"`max_locality` must be at least 1, got {self.max_locality}.")
        if not 0.005 <= self.false_alarm < 1:
            raise ValueError(f"`false_alarm` must lie in 0.005 .. 1, got {self.false_alarm}.")
        for name in ("bootstrap", "observables"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")


@dataclass(frozen=True)
class SpectroscopyConfig:
    """One spectroscopy. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/spectroscopy")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    chain: ChainConfig = field(default_factory=ChainConfig)
    experiment: ExperimentConfig = field(default_factory=ExperimentConfig)
    analysis: AnalysisConfig = field(default_factory=AnalysisConfig)
