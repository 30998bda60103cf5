"""What `rankloom decompose` can be told. Each class is a section of the TOML file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

_GIVEN = tyro.conf.arg(help_behavior_hint="")


@dataclass(frozen=True)
class DataConfig:
    """The tensor."""

    file: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """NumPy file (.npy, .npz) or HDF5 file. HDF5 data sets may be larger than memory. NaN marks a
    missing entry."""
    entry: str = ""
    """Name of the array in an .npz or HDF5 file; needed where there are several."""
    modes: tuple[str, ...] = ()
    """Names of the modes, for tables and pictures; "mode 0", "mode 1", .. without."""


@dataclass(frozen=True)
class FitConfig:
    """What to find in it."""

    kind: Literal["tucker", "cp", "nonnegative"] = "tucker"
    """A Tucker tensor, a sum of rank-one terms, or one of terms without negative entries."""
    error: Annotated[float | None, _GIVEN] = None
    """Tucker: the largest relative error allowed. Or give ranks."""
    ranks: Annotated[tuple[int, ...] | None, _GIVEN] = None
    """Tucker: rank of every mode; a single number serves all."""
    rank: Annotated[int | None, _GIVEN] = None
    """CP: number of terms."""
    restarts: int = 5
    """CP: number of all starts; the best is kept."""
    max_sweeps: int = 500
    """Sweeps of a start at most."""
    tol: float = 1e-8
    """CP: relative change of the error per sweep that ends a start."""
    holdout: float = 0.0
    """CP: fraction of the entries kept back, to judge the rank by."""
    seed: int = 0
    """Seed of the random starts."""

    def check(self) -> None:
        """Raise ValueError where a value is missing or out of range.

        What depends on the shape of the data is checked by the solver, before it starts.
        """
        if self.kind == "tucker":
            if (self.error is None) == (self.ranks is None):
                raise ValueError("a Tucker tensor needs either `error` or `ranks`.")
            if self.rank is not None or self.holdout:
                raise ValueError("`rank` and `holdout` are settings of CP; leave them out.")
            return
        if self.rank is None:
            raise ValueError(f"`rank`, the number of terms, is missing: {self.kind!r} needs it.")
        if self.error is not None or self.ranks is not None:
            raise ValueError("`error` and `ranks` are settings of Tucker tensors; leave them out.")
        for name in ("rank", "restarts", "max_sweeps"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        if not 0 <= self.holdout < 1:
            raise ValueError(f"`holdout` must lie in 0 <= holdout < 1, got {self.holdout}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must not be negative, got {self.seed}.")


@dataclass(frozen=True)
class DecomposeConfig:
    """One decomposition. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/decompose")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    data: DataConfig = field(default_factory=DataConfig)
    fit: FitConfig = field(default_factory=FitConfig)
