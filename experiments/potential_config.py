"""What `rankloom potential` can be told. Each class is a section of the TOML file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import tyro

if TYPE_CHECKING:
    from rankloom.physics import Particles

Given: TypeAlias = Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")]


@dataclass(frozen=True)
class ParticlesConfig:
    """Where the charges are and what they carry."""

    file: Given = None
    """PQR, PDB, mmCIF or XYZ file. Needed."""
    charges: Given = None
    """For all but PQR: a text file with one charge a line, in the order of the atoms; or with lines
    `residue atom charge`, where * stands for any residue or atom. # begins a comment."""

    def read(self) -> "Particles":
        """The particles.

        Raises
        ------
        FileNotFoundError, ValueError
            A file is missing or does not parse; the message says which line.
        """
        from rankloom.physics import Particles  # imported here, so that `rankloom --help` is quick

        if self.file is None:
            raise ValueError("`file`, the file with the particles, is missing.")
        return Particles.read(self.file, None if self.charges is None else _table(self.charges))


@dataclass(frozen=True)
class SplitConfig:
    """How the potential is approximated. Lengths are those of the file: Angstrom for molecules."""

    tol: float = 1e-6
    """Largest error, relative to the largest modulus of the long-range part."""
    cutoff_radius: float | Literal["auto"] = "auto"
    """Where the short-range part of a charge ends."""
    screening: float = 0.0
    """kappa of a Yukawa kernel exp(-kappa r)/r; 0 for 1/r."""


@dataclass(frozen=True)
class GridConfig:
    """The grid on which the potential is written."""

    n: int = 65
    """Places along each axis, from face to face of the domain."""


@dataclass(frozen=True)
class PotentialConfig:
    """One potential. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/potential")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    particles: ParticlesConfig = field(default_factory=ParticlesConfig)
    potential: SplitConfig = field(default_factory=SplitConfig)
    grid: GridConfig = field(default_factory=GridConfig)


def _table(path: Path) -> Any:
    """Charges of a text file: a list of numbers, or a table by residue and atom."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    numbers: list[float] = []
    table: dict[tuple[str, str], float] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.partition("#")[0].split()
        try:
            if len(fields) == 1:
                numbers.append(float(fields[0]))
            elif len(fields) == 3:
                table[fields[0], fields[1]] = float(fields[2])
            elif fields:
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{path.name}, line {number}: `charge` or `residue atom charge` is wanted, "
                f"got {line!r}."
            ) from None
    if numbers and table:
        raise ValueError(f"{path.name} mixes single charges with a table of residues and atoms.")
    return numbers or table
