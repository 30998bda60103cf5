"""The ``rankloom`` command.

``rankloom demo`` shows the house at work and writes a report. ``rankloom evolve``, ``ground`` and
``compile`` do one job each for a chain of yours, from flags or from a TOML file whose sections and
keys are the flags' names (flags win).

=========  ==========================================================
exit code  meaning
=========  ==========================================================
0          done, every independent check passed
1          done and written, but an independent check failed, or a search
           for ground states did not converge
2          the input cannot be used; one line on stderr says why
130        interrupted; nothing was written but the checkpoint of `evolve`
=========  ==========================================================
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import tyro

from rankloom.experiments.chain_config import EvolveConfig, GroundConfig
from rankloom.experiments.config import CompileConfig
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
class Compile:
    """Compile a spin chain's time evolution, or a matrix product state, into a short circuit.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins. The defaults are the quench of `rankloom demo`; only the number of
    sites has none.
    """

    config: ConfigFile = None
    """TOML file with settings."""
    overwrite: bool = False
    """Replace an older result folder."""
    settings: Annotated[CompileConfig, tyro.conf.arg(name="")] = field(
        default_factory=CompileConfig
    )

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.single import run_compile

        return run_compile(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Evolve:
    """Evolve a spin chain in time and write its final state, observables and entropies.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins. A run that was killed goes on when the same command is given again.
    """

    config: ConfigFile = None
    """TOML file with settings."""
    overwrite: bool = False
    """Replace an older result folder."""
    settings: Annotated[EvolveConfig, tyro.conf.arg(name="")] = field(default_factory=EvolveConfig)

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.evolve_job import run_evolve

        return run_evolve(self.settings, overwrite=self.overwrite, progress=True)


@dataclass(frozen=True)
class Ground:
    """Find the states of lowest energy of a spin chain and write them with energy and variance.

    Settings come from a TOML file, from flags, or from both: a flag is the key of the file with its
    section in front, and wins.
    """

    config: ConfigFile = None
    """TOML file with settings."""
    overwrite: bool = False
    """Replace an older result folder."""
    settings: Annotated[GroundConfig, tyro.conf.arg(name="")] = field(default_factory=GroundConfig)

    def run(self) -> "Written":
        """Carry the command out."""
        from rankloom.experiments.ground_job import run_ground

        return run_ground(self.settings, overwrite=self.overwrite, progress=True)


Command: TypeAlias = Demo | Compile | Evolve | Ground
Settings: TypeAlias = CompileConfig | EvolveConfig | GroundConfig


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


def _parse(arguments: Sequence[str]) -> Command:
    given = _tyro(arguments)
    if isinstance(given, Demo) or given.config is None:
        return given
    # A second time, with the file's settings as the defaults that flags change.
    settings = load_toml(given.config, type(given.settings))
    return _tyro(arguments, settings)


def _tyro(arguments: Sequence[str], settings: Settings | None = None) -> Command:
    own = {
        "compile": Compile(settings=settings) if isinstance(settings, CompileConfig) else Compile(),
        "evolve": Evolve(settings=settings) if isinstance(settings, EvolveConfig) else Evolve(),
        "ground": Ground(settings=settings) if isinstance(settings, GroundConfig) else Ground(),
    }
    commands = (
        Annotated[Demo, tyro.conf.subcommand("demo")]
        | Annotated[Compile, tyro.conf.subcommand("compile", default=own["compile"])]
        | Annotated[Evolve, tyro.conf.subcommand("evolve", default=own["evolve"])]
        | Annotated[Ground, tyro.conf.subcommand("ground", default=own["ground"])]
    )
    return tyro.cli(
        commands,
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
        largest = max(check.difference for check in outcome.checks)
        plural = "check agrees" if len(outcome.checks) == 1 else "checks agree"
        print(f"{len(outcome.checks)} independent {plural}, within {largest:.0e}.")
    print(f"{outcome.label}: {outcome.report}")
    return 1 if failed or outcome.complaints else 0
