"""What `rankloom functional` can be told. Each class is a section of the TOML file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

_GIVEN = tyro.conf.arg(help_behavior_hint="")
_FILE = tyro.conf.arg(metavar="PATH", help_behavior_hint="")


@dataclass(frozen=True)
class TableConfig:
    """The table of observations, and points to predict at."""

    file: Annotated[Path | None, _FILE] = None
    """CSV file with one head line. An empty cell or NaN in the value column is a missing value."""
    coordinates: tuple[str, ...] = ()
    """Names of the columns that are coordinates; each is a mode of the model."""
    value: str = ""
    """Name of the column to model."""
    points: Annotated[Path | None, _FILE] = None
    """CSV file with coordinate columns to predict at; without it, the rows of the table."""
    holdout: float = 0.1
    """Fraction of the rows kept out of the fit to score predictions; 0 for none."""


@dataclass(frozen=True)
class ModelConfig:
    """The model."""

    kind: Literal["cp", "tucker"] = "cp"
    """A sum of products of functions, or one joined by a core."""
    rank: int = 3
    """Number of functions of every mode."""
    nu: tuple[float, ...] = (1.5,)
    """Order of the Matern kernel (0.5, 1.5, 2.5) of every mode; a single number serves all."""
    lengthscales: Annotated[tuple[float, ...] | None, _GIVEN] = None
    """Where lengthscales start, one per mode; a fifth of the range without."""
    periods: Annotated[tuple[float, ...] | None, _GIVEN] = None
    """Period of a season along every coordinate, 0 for none: adds a quasi-periodic kernel."""
    learn: bool = True
    """Learn lengthscales."""
    calibrate: bool = True
    """Find a factor on variances for which 95 % intervals hold on rows kept out."""
    ard: bool = False
    """Switch needless functions off, so that `rank` is an upper limit."""
    dof: Annotated[float | None, _GIVEN] = None
    """Degrees of freedom of Student-t noise, for tables with outliers; normal noise without."""
    batch_size: Annotated[int | None, _GIVEN] = None
    """Rows of a mini-batch, for millions of rows: one pass in batches comes before the sweeps."""
    restarts: int = 1
    """Number of starts; the largest evidence bound wins."""
    max_sweeps: int = 100
    """Sweeps of a start at most."""
    seed: int = 0
    """Seed of starts and of what is kept out."""


@dataclass(frozen=True)
class FunctionalConfig:
    """One model of one table. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/functional")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    data: TableConfig = field(default_factory=TableConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
