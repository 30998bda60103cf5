"""One small compilation, made once for all tests that look at its files."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from rankloom.experiments.bars import Bars
from rankloom.experiments.cli import main
from rankloom.experiments.compile_job import CompileRun, run
from rankloom.experiments.config import ChainConfig, CompileConfig, OptimiseConfig, QuenchConfig
from rankloom.experiments.demo import circuits, run_demo
from rankloom.experiments.problem import prepare
from rankloom.experiments.report import Written

SMALL = CompileConfig(
    chain=ChainConfig(n=6),
    quench=QuenchConfig(time=1.0),
    optimise=OptimiseConfig(max_iterations=20),
)
FLAGS = ["--chain.n", "6", "--quench.time", "1", "--optimise.max-iterations", "20"]


class Compiled(NamedTuple):
    code: int
    folder: Path


@pytest.fixture(scope="session")
def small() -> CompileRun:
    """A run on six sites, in memory."""
    return run(prepare(SMALL), Bars(False))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Compiled:
    """The folder that `rankloom compile` made for six sites."""
    folder = tmp_path_factory.mktemp("compile") / "new" / "six"
    return Compiled(main(["compile", *FLAGS, "--output", str(folder)]), folder)


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Written:
    """The demo on 15 and 4 spins: one for each of the two independent checks."""
    small = partial(circuits, sizes=(15, 4), steps=(1, 2))
    return run_demo(tmp_path_factory.mktemp("demo") / "demo", sections=(small,))
