"""The ``rankloom`` command.

``rankloom demo`` compiles a 50-spin time evolution and writes a report; ``rankloom compile`` does
the same for a chain or a state of yours, from flags or from a TOML file whose sections and keys
are the flags' names (flags win).

=========  ==========================================================
exit code  meaning
=========  ==========================================================
0          done, every independent check passed
1          done and written, but an independent check failed
2          the input cannot be used; one line on stderr says why
130        interrupted; nothing was written
=========  ==========================================================
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rankloom.experiments.config import CompileConfig
from rankloom.experiments.toml import ConfigError, load_toml

if TYPE_CHECKING:
    from rankloom.experiments.report import Written


@dataclass(frozen=True)
class Demo:
    """Compile the time evolution of 50 spins into a short circuit, check it, write a report."""

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

    config: Annotated[
        tyro.conf.Positional[Path | None],
        tyro.conf.arg(metavar="CONFIG.toml", help_behavior_hint=""),
    ] = None
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
    except KeyboardInterrupt:
        print("rankloom: interrupted; nothing was written.", file=sys.stderr)
        return 130
    return _tell(outcome)


def _parse(arguments: Sequence[str]) -> Demo | Compile:
    given = _tyro(arguments, Compile())
    if isinstance(given, Demo) or given.config is None:
        return given
    # A second time, with the file's settings as the defaults that flags change.
    return _tyro(arguments, Compile(settings=load_toml(given.config, CompileConfig)))


def _tyro(arguments: Sequence[str], default: Compile) -> Demo | Compile:
    commands = (
        Annotated[Demo, tyro.conf.subcommand("demo")]
        | Annotated[Compile, tyro.conf.subcommand("compile", default=default)]
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
    if not failed:
        largest = max(check.difference for check in outcome.checks)
        plural = "check agrees" if len(outcome.checks) == 1 else "checks agree"
        print(f"{len(outcome.checks)} independent {plural}, within {largest:.0e}.")
    print(f"Report: {outcome.report}")
    return 1 if failed else 0
