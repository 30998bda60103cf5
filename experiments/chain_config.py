"""What `rankloom evolve` and `rankloom ground` can be told. Each class is a section of the file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import tyro

from rankloom.experiments.config import ChainConfig, QuenchConfig

if TYPE_CHECKING:
    from rankloom.tn import MPS

Letter: TypeAlias = Literal["X", "Y", "Z"]


@dataclass(frozen=True)
class EvolutionConfig:
    """The start, the way, and what is recorded on it."""

    initial: str = "neel"
    """Product state at time 0: bits with site 0 first, or "neel" (0101..), "zeros" (0000..), or
    "plus" (all spins along x)."""
    file: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """HDF5 file of an MPS (`MPS.save`) to start from instead; it is normalised first."""
    time: float = 2.0
    """Evolution time, not 0."""
    steps: int = 40
    """Time steps."""
    method: Literal["tebd", "tdvp", "tdvp1"] = "tebd"
    """Trotter circuit, or TDVP with two sites or one."""
    order: Literal[1, 2, 4] = 2
    """Order of the Trotter formula; TDVP has order 2."""
    max_bond: int = 100
    """Largest bond dimension kept."""
    cutoff: float = 1e-10
    """Largest relative weight discarded at one cut."""
    imaginary: bool = False
    """Cool by exp(-time H) instead, and normalise."""
    observe: tuple[Letter, ...] = ("Z",)
    """Pauli letters to measure on every site after every step."""
    checkpoint_every: int = 10
    """Steps between checkpoints, from which the same command goes on if it was killed. 0: none."""

    def start(self, n: int | None) -> "MPS":
        """The state at time 0, on n sites or as many as the file has.

        Raises
        ------
        ValueError
            n is missing or does not fit, or `initial` is no state.
        FileNotFoundError
            There is no such file.
        """
        from rankloom.tn import MPS  # imported here, so that `rankloom --help` is quick

        if self.file is not None:
            state = MPS.load(self.file)
            if n not in (None, state.n_sites):
                raise ValueError(
                    f"`file` holds a state of {state.n_sites} sites, but [chain] n = {n}. "
                    "Leave `n` out: the file tells it."
                )
            return state.normalize()
        if n is None:
            raise ValueError("without a `file` to start from, [chain] `n` is needed.")
        if self.initial == "plus":
            return MPS.product([[1.0, 1.0]] * n).normalize()
        try:
            return MPS.product(QuenchConfig(self.initial).bits(n))
        except ValueError as err:
            raise ValueError(str(err).replace("zeros;", "zeros, plus;")) from err


@dataclass(frozen=True)
class EvolveConfig:
    """One time evolution. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/evolve")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    chain: ChainConfig = field(default_factory=ChainConfig)
    evolution: EvolutionConfig = field(default_factory=EvolutionConfig)


@dataclass(frozen=True)
class SearchConfig:
    """The search for the lowest states."""

    states: int = 1
    """How many of them: the ground state, then the next ones up."""
    max_bond: int = 64
    """Largest bond dimension kept."""
    cutoff: float = 1e-14
    """Largest relative weight discarded at one cut."""
    sweeps: int = 60
    """Passes over the chain at most."""
    tol: float = 1e-11
    """Relative change of the energy at which a search ends."""
    seed: int = 0
    """Seed of the random start."""

    def check(self) -> None:
        """Raise ValueError where a value is out of range."""
        for name in ("states", "max_bond", "sweeps"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        for name in ("cutoff", "tol"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must lie in 0 <= {name} < 1.")
        if self.seed < 0:
            raise ValueError(f"`seed` must not be negative, got {self.seed}.")


@dataclass(frozen=True)
class GroundConfig:
    """One search. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/ground")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    chain: ChainConfig = field(default_factory=ChainConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
