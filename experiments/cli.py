"""The ``rankloom`` command.

``rankloom demo`` shows the house at work and writes a report. Every other command does one job of
yours, from flags or from a TOML file whose sections and keys are the flags' names (flags win). A
new one is a subclass of `Job` and a line in `COMMANDS`.

=========  ==========================================================
exit code  meaning
=========  ==========================================================
0          done, every independent check passed
1          done and written, but an independent check failed, or a solver
           did not reach what it was asked for
2          the input cannot be used; one line on stderr says why
130        interrupted; nothing was written but the checkpoint of `evolve`
=========  ==========================================================
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, Union, cast

import tyro

from rankloom.experiments.chain_config import EvolveConfig, GroundConfig
from rankloom.experiments.config import CompileConfig
from rankloom.experiments.decompose_config import DecomposeConfig
from rankloom.experiments.functional_config import FunctionalConfig
from rankloom.experiments.potential_config import PotentialConfig
from rankloom.experiments.spectroscopy_config import SpectroscopyConfig
from rankloom.experiments.toml import ConfigError, load_toml

if TYPE_CHECKING:
    from rankloom.experiments.report import Written

ConfigFile: TypeAlias = Annotated[
    tyro.conf.Positional[Path | None],
    tyro.conf.arg(metavar="CONFIG.toml", help_behavior_hint=""),
]


@dataclass(frozen=True)
class Demo:
    """Quench spin chains, compile a circuit, check everything, and write a report."""

    output: Path = Path("results/demo")
    """Folder for the results; an older demo there is replaced."""

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.demo import run_demo

        return run_demo(self.output, progress=True)


@dataclass(frozen=True)
class Job(ABC):
    """What every command but the demo has: a file of settings, or flags, and a result folder."""

    config: ConfigFile = None
    """TOML file with settings."""
    overwrite: bool = False
    """Replace an older result folder."""
    settings: Any = None

    @abstractmethod
    def run(self) -> "Written":
        """Carry the command out."""


@dataclass(frozen=True)
class Compile(Job):
    """Compile a spin chain's time evolution, or a matrix product state, into a short circuit.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins. The defaults are the quench of `rankloom demo`; only the number of
    sites has none.
    """

    settings: Annotated[CompileConfig, tyro.conf.arg(name="")] = field(
        default_factory=CompileConfig
    )

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.single import run_compile

        return run_compile(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Evolve(Job):
    """Evolve a spin chain in time and write its final state, observables and entropies.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins. A run that was killed goes on when the same command is given again.
    """

    settings: Annotated[EvolveConfig, tyro.conf.arg(name="")] = field(default_factory=EvolveConfig)

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.evolve_job import run_evolve

        return run_evolve(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Spectroscopy(Job):
    """Find energy gaps of a spin chain from simulated randomised measurements, or from saved ones.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins.
    """

    settings: Annotated[SpectroscopyConfig, tyro.conf.arg(name="")] = field(
        default_factory=SpectroscopyConfig
    )

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.spectroscopy_job import run_spectroscopy

        return run_spectroscopy(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Ground(Job):
    """Find the states of lowest energy of a spin chain and write them with energy and variance.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins.
    """

    settings: Annotated[GroundConfig, tyro.conf.arg(name="")] = field(default_factory=GroundConfig)

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.ground_job import run_ground

        return run_ground(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Decompose(Job):
    """Take a tensor from a file apart into a Tucker or CP tensor, and write its components.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins.
    """

    settings: Annotated[DecomposeConfig, tyro.conf.arg(name="")] = field(
        default_factory=DecomposeConfig
    )

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.decompose_job import run_decompose

        return run_decompose(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Functional(Job):
    """Model a table of values at continuous coordinates and predict with error bars.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins.
    """

    settings: Annotated[FunctionalConfig, tyro.conf.arg(name="")] = field(
        default_factory=FunctionalConfig
    )

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.functional_job import run_functional

        return run_functional(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Potential(Job):
    """Compute the potential of the charges in a file, their energy and the forces on them.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins. The potential is written for VMD, PyMOL and APBS (OpenDX).
    """

    settings: Annotated[PotentialConfig, tyro.conf.arg(name="")] = field(
        default_factory=PotentialConfig
    )

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.potential_job import run_potential

        return run_potential(self.settings, overwrite=self.overwrite, progress=True)


COMMANDS: Mapping[str, type[Demo] | type[Job]] = {
    "demo": Demo,
    "compile": Compile,
    "evolve": Evolve,
    "spectroscopy": Spectroscopy,
    "ground": Ground,
    "decompose": Decompose,
    "functional": Functional,
    "potential": Potential,
}
"""In the order of `rankloom --help`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; `arguments` default to those of the shell."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command = _parse(arguments)
        outcome = command.run()
    except (ConfigError, FileExistsError) as err:
        print(f"rankloom: {err}", file=sys.stderr)
        return 2
    except OSError as err:
        print(f"rankloom: {err.filename}: {err.strerror}; nothing was written.", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        kept = str(stop) or "nothing was written"
        print(f"rankloom: interrupted; {kept}.", file=sys.stderr)
        return 130
    return _tell(outcome)


def _parse(arguments: Sequence[str]) -> Demo | Job:
    given = _tyro(arguments)
    if isinstance(given, Demo) or given.config is None:
        return given
    # A second time, with the file's settings as the defaults that flags change.
    settings = load_toml(given.config, type(given.settings))
    return _tyro(arguments, type(given)(settings=settings))


def _tyro(arguments: Sequence[str], filled: Job | None = None) -> Demo | Job:
    """The command as given, `filled` taking the place of the defaults of its kind."""
    kinds = [
        Annotated[
            kind,
            tyro.conf.subcommand(name, default=filled if type(filled) is kind else kind()),
        ]
        for name, kind in COMMANDS.items()
    ]
    any_of = cast("type[Demo | Job]", Union[tuple(kinds)])  # noqa: UP007 - made from a table
    return tyro.cli(
        any_of,
        prog="rankloom",
        description="Low-rank structure for scientists.",
        args=arguments,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def _tell(outcome: "Written") -> int:
    failed = [check for check in outcome.checks if not check.passed]
    for line in outcome.summary:
        print(line)
    for check in failed:
        print(
            f"CHECK FAILED, {check.name}: stated {check.stated:.12f}, but {check.means} gives "
            f"{check.found:.12f} (allowed difference {check.tolerance:.0e})."
        )
    for line in outcome.complaints:
        print(line)
    if outcome.checks and not failed:
        plural = "check agrees" if len(outcome.checks) == 1 else "checks agree"
        print(f"{len(outcome.checks)} independent {plural}.")
    print(f"{outcome.label}: {outcome.report}")
    return 1 if failed or outcome.complaints else 0
