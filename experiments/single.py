"""`rankloom compile`: one configuration, one folder."""

from rankloom.experiments.bars import Bars
from rankloom.experiments.circuits import circuits_section
from rankloom.experiments.compile_job import run
from rankloom.experiments.config import CompileConfig
from rankloom.experiments.folders import atomic_folder
from rankloom.experiments.problem import prepare
from rankloom.experiments.report import Written, write_report
from rankloom.experiments.study import study


def run_compile(
    config: CompileConfig, *, overwrite: bool = False, progress: bool = False
) -> Written:
    """Compile what a configuration says and write files and report to ``config.output``.

    Parameters
    ----------
    config : CompileConfig
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
    problem = prepare(config)
    bars = Bars(progress)
    with atomic_folder(config.output, overwrite=overwrite) as root:
        section = circuits_section([study(run(problem, bars), root, "", bars)], root, bars)
        return write_report("rankloom compile", [section], root, config.output)
