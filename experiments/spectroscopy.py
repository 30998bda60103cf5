"""The report's section on shadow spectroscopy: spectra with the exact gaps marked."""

from pathlib import Path
from typing import TYPE_CHECKING

from rankloom.experiments import plots, spectroscopy_plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.blocks import (
    Block,
    Code,
    Draw,
    Figure,
    Figures,
    Prose,
    Table,
    draw_all,
    power,
)
from rankloom.experiments.formula import hamiltonian
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table
from rankloom.experiments.spectroscopy_job import SpectroscopyRun
from rankloom.experiments.spectroscopy_study import SpectroscopyStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

USE = """from rankloom.quantum import Snapshots, snapshot_spectroscopy

result = snapshot_spectroscopy(Snapshots.load("{path}"), max_locality=2)
print(result.gaps[0].gap, result.gaps[0].error)
"""
"""How to use saved snapshots; the report shows it, a test runs it."""

FILES = {
    "snapshots.h5": "bases and outcomes of all shots (HDF5)",
    "spectrum.csv": "the spectrum",
    "peaks.csv": "its lines, with errors",
    "observables.csv": "the strings that carry the strongest line",
    "result.json": "all figures of the run",
    "config.toml": "the settings, for <code>rankloom spectroscopy</code>",
}
"""Files of a run, and what each is."""


def spectroscopy_section(study: SpectroscopyStudy, root: Path, folder: str, bars: Bars) -> Section:
    """Draw the pictures and tell the story.

    Parameters
    ----------
    study : SpectroscopyStudy
        Written to ``root / folder``.
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it.
    bars : Bars
    """
    pictures, track = root / folder / "pictures", bars.track("spectroscopy: pictures")
    drawn = draw_all(_pictures(study), pictures, track)
    short, long = study.short.result, study.long.result
    n, shots = long.snapshots.n_qubits, long.snapshots.shots
    found = "nothing" if not long.gaps else str(long.gaps[0]).replace("+-", "±")
    return Section(
        key="spectroscopy",
        title=f"An energy gap from {shots} shots at a time",
        lead=_lead(study),
        numbers=_numbers(study),
        blocks=[*_story(study, drawn), *_proof(study), *_use(root, folder)],
        checks=study.checks,
        summary=[
            f"{n} spins, {shots} shots at each of {len(long.snapshots.times)} times: gap {found}, "
            f"exactly {study.long.exact[0]:.5f}",
            f"{short.snapshots.n_qubits} spins in three levels: {len(short.gaps)} lines found",
        ],
    )


def _lead(study: SpectroscopyStudy) -> str:
    result = study.long.result
    return (
        "A quantum computer that evolves a state and measures every qubit in a random basis sees "
        "the differences of its energies: every expectation value oscillates with them. "
        f"{result.snapshots.shots} shots at a time tell next to nothing about any one Pauli "
        f"string, but all {result.gram.observables:,} of them on one or two qubits together show "
        "the gap, and the sum over all of them costs no more than comparing pairs of shots."
    )


def _numbers(study: SpectroscopyStudy) -> list[KeyNumber]:
    result, exact = study.long.result, study.long.exact[0]
    gap = result.gaps[0] if result.gaps else None
    seconds = sum(study.long.result.seconds.values()) + sum(study.short.result.seconds.values())
    shots = result.snapshots.shots * len(result.snapshots.times)
    return [
        KeyNumber(
            "Gap found",
            "none" if gap is None else f"{gap.gap:.4f}",
            "" if gap is None else f"± {gap.error:.4f}; exactly {exact:.4f}",
        ),
        KeyNumber("Shots in all", f"{shots:,}", f"of {result.snapshots.n_qubits} spins"),
        KeyNumber("Resolution", f"{result.spectrum.resolution:.3f}", "2π over the record"),
        KeyNumber("Time taken", f"{seconds:.1f} s", "simulation and analysis of both chains"),
    ]


def _story(study: SpectroscopyStudy, drawn: dict[str, Figure]) -> list[Block]:
    short, long = study.short, study.long
    first = (
        f"{short.result.snapshots.n_qubits} spins are in an equal superposition of three of their "
        "lowest levels, so three differences can be seen. The dotted line is the height that "
        "shuffled times reach in one search of a hundred. Once the strong lines are taken out the "
        "height falls, so that weak ones are seen beside them, and none is invented. A line is "
        "fitted by least squares to all signals at once, with its mirror image at negative "
        "frequency, so it is not pulled aside by leakage."
    )
    second = (
        f"The longer chain has {long.result.snapshots.n_qubits} spins and is evolved as matrix "
        "product state; its gap is known from free fermions. The error bar comes from leaving "
        "out tenths of the shots, and shrinks with the length of the record."
    )
    rows = [
        (
            str(run.result.snapshots.n_qubits),
            f"{peak.gap:.5f} ± {peak.error:.5f}",
            f"{min(run.exact, key=lambda g: abs(g - peak.gap)):.5f}",
            f"{peak.snr:.0f}",
            power(peak.false_alarm, 0),
        )
        for run in (short, long)
        for peak in run.result.gaps
    ]
    columns = ("spins", ">gap", ">nearest exact", ">signal to noise", ">false alarm, at most")
    formula = f'<p class="formula">{hamiltonian(long.config.chain)}</p>'
    return [
        Prose([first], "Three levels, three lines"),
        Figures([drawn["short"], drawn["carriers"]]),
        Prose([formula, second], "A longer chain"),
        Figures([drawn["long"], drawn["lengths"]]),
        Table(columns, rows),
    ]


def _proof(study: SpectroscopyStudy) -> list[Block]:
    text = (
        "The exact gaps come from diagonalisation and from free fermions. A line must lie within "
        "five of its own error bars of them: an error bar that is too small fails as well."
    )
    return [Prose([text], "Proof"), check_table(study.checks)]


def _use(root: Path, folder: str) -> list[Block]:
    folders = {"short chain": f"{folder}/short", "long chain": f"{folder}/long"}
    return [
        Prose(["From the folder of this report:"], "Use it"),
        Code(USE.format(path=f"{folder}/long/snapshots.h5")),
        file_table(root, folders, FILES),
    ]


def _pictures(study: SpectroscopyStudy) -> dict[str, tuple[Draw, str, str]]:
    axes = plots.new_axes
    short, long = study.short, study.long

    def lines(run: SpectroscopyRun) -> Draw:
        def plot(_: plots.Theme) -> "Axes":
            return spectroscopy_plots.plot_lines(run, axes())

        return plot

    return {
        "short": (
            lines(short),
            "Spectrum of eight spins with three lines on the exact gaps.",
            f"<b>Three lines.</b> {short.result.snapshots.shots} shots at each of "
            f"{len(short.result.snapshots.times)} times. Dashed: exact gaps.",
        ),
        "carriers": (
            lambda theme: spectroscopy_plots.plot_carriers(short, theme, axes()),
            "Bars of the Pauli strings that carry the strongest line.",
            "<b>Who carries it.</b> The strings that oscillate most clearly at the strongest line.",
        ),
        "long": (
            lines(long),
            "Spectrum of the long chain with one line on the exact gap.",
            f"<b>{long.result.snapshots.n_qubits} spins.</b> {long.result.snapshots.shots} shots "
            "at each time. Dashed: the exact gap.",
        ),
        "lengths": (
            lambda theme: spectroscopy_plots.plot_lengths(study, theme, axes()),
            "The gap with error bars against the number of times, closing in on the exact one.",
            "<b>Patience pays.</b> The gap from the first times alone, with its error bar.",
        ),
    }
