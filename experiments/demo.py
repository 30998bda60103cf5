"""`rankloom demo`: the main job on real input, with a report.

Every module of the house adds a section: a function that works below a folder and returns a
`Section`, imported here and named in `SECTIONS`, whose order is that of the report.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from rankloom.experiments import (
    chain_study,
    decomposition_study,
    functional_study,
    spectroscopy_study,
)
from rankloom.experiments.bars import Bars
from rankloom.experiments.chains import chains_section
from rankloom.experiments.circuits import circuits_section
from rankloom.experiments.compile_job import run
from rankloom.experiments.config import ChainConfig, CompileConfig
from rankloom.experiments.decompositions import decompositions_section
from rankloom.experiments.folders import atomic_folder
from rankloom.experiments.freeness import freeness
from rankloom.experiments.functionals import functional_section
from rankloom.experiments.potentials import potentials
from rankloom.experiments.problem import prepare
from rankloom.experiments.report import Section, Written, write_report
from rankloom.experiments.spectroscopy import spectroscopy_section
from rankloom.experiments.study import study

MakeSection = Callable[[Path, Bars], Section]


def circuits(
    root: Path, bars: Bars, sizes: Sequence[int] = (50, 10), steps: Sequence[int] = (1, 2, 3)
) -> Section:
    """Heisenberg quench from the Néel state, t = 2, compiled from two Trotter steps.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``circuits/`` below it.
    bars : Bars
    sizes : sequence of int
        Numbers of spins; the first gets the headline.
    steps : sequence of int
        Ansatz sizes that the comparison with Trotter circuits shows.
    """
    studies = []
    for n in sizes:
        folder = f"circuits/n{n}"
        chain = ChainConfig("heisenberg", n, j=0.25, delta=1.0)
        config = CompileConfig(Path("results", f"quench-{n}"), chain)
        studies.append(study(run(prepare(config), bars), root, folder, bars, steps))
    return circuits_section(studies, root, bars)


def chains(
    root: Path,
    bars: Bars,
    n: int = 40,
    time: float = 3.0,
    steps: int = 30,
    bonds: Sequence[int] = (8, 16, 32),
) -> Section:
    """Critical Ising chain: ground state, and quench from all spins along x.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``chains/`` below it.
    bars : Bars
    n : int
        Number of spins.
    time : float
    steps : int
    bonds : sequence of int
        Two or three bond dimensions, ascending.
    """
    found = chain_study.study(root / "chains", bars, n=n, time=time, steps=steps, bonds=bonds)
    return chains_section(found, root, "chains", bars)


def decompositions(root: Path, bars: Bars) -> Section:
    """A measured tensor in a few terms, and the rank of the 2 x 2 matrix product.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``decomposition/`` below it.
    bars : Bars
    """
    found = decomposition_study.study(root / "decomposition", bars)
    return decompositions_section(found, root, "decomposition", bars)


def functional(root: Path, bars: Bars) -> Section:
    """Curves with error bars from scattered values, beside the planted ones.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``functional/`` below it.
    bars : Bars
    """
    found = functional_study.study(root / "functional", bars)
    return functional_section(found, root, "functional", bars)


def spectroscopy(root: Path, bars: Bars, n: int = 20, shots: int = 10, times: int = 80) -> Section:
    """Gaps of two Ising chains from randomised measurements.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``spectroscopy/`` below it.
    bars : Bars
    n : int
        Spins of the longer chain.
    shots : int
        Snapshots of it at each time.
    times : int
    """
    found = spectroscopy_study.study(root / "spectroscopy", bars, n=n, shots=shots, times=times)
    return spectroscopy_section(found, root, "spectroscopy", bars)


SECTIONS: tuple[MakeSection, ...] = (
    circuits,
    chains,
    spectroscopy,
    decompositions,
    functional,
    freeness,
    potentials,
)


def run_demo(
    output: str | os.PathLike[str],
    *,
    sections: Sequence[MakeSection] = SECTIONS,
    progress: bool = False,
) -> Written:
    """Make all sections and write the folder with files and `report.html`.

    Parameters
    ----------
    output : path-like
        Folder of the results; an older result folder there is replaced at the end.
    sections : sequence of callable
    progress : bool
        Show progress bars.

    Raises
    ------
    FileExistsError
        Something that is no result folder stands at `output`.
    """
    with atomic_folder(output, overwrite=True) as root:
        made = [section(root, Bars(progress)) for section in sections]
        return write_report("rankloom demo", made, root, Path(output))
