"""The report's section on spin chains: a ground state and a quench beside exact answers."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rankloom.experiments import chain_plots, plots
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
from rankloom.experiments.chain_study import ChainStudy, Compared
from rankloom.experiments.formula import hamiltonian
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

USE = """from rankloom.tn import MPS

state = MPS.load("{path}")
print(state.entropy({cut}), state.expectation("XX", ({left}, {cut})))
"""
"""How to use a saved state; the report shows it, a test runs it."""

FILES = {
    "state.h5": "the state as matrix product state (HDF5)",
    "X.csv": "magnetisation of every site at all times",
    "sites.csv": "magnetisation of every site",
    "entropies.csv": "entropy at every cut",
    "steps.csv": "energy and bond dimension at all times",
    "passes.csv": "what every pass of the search reached",
    "result.json": "all figures of the run",
    "config.toml": "the settings, for <code>rankloom evolve</code> or <code>ground</code>",
    "entanglement.png": "the map of entanglement",
}
"""Files of a study, and what each is."""

_GOOD = 1e-3


def chains_section(study: ChainStudy, root: Path, folder: str, bars: Bars) -> Section:
    """Draw the pictures and tell the story.

    Parameters
    ----------
    study : ChainStudy
        Written to ``root / folder``.
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it.
    bars : Bars
    """
    pictures, track = root / folder / "pictures", bars.track(f"{study.n} spins: pictures")
    drawn = draw_all(_pictures(study), pictures, track)
    best, ground = study.best, study.ground.found[0]
    energy = study.checks[0]
    return Section(
        key="chains",
        title=f"{study.n} spins against the exact answer",
        lead=_lead(study),
        numbers=_numbers(study),
        blocks=[
            *_ground(study, drawn),
            *_quench(study, drawn),
            *_proof(study),
            *_use(study, root, folder),
        ],
        checks=study.checks,
        summary=[
            f"{study.n} spins: ground state energy {ground.energy:.10f}, off by "
            f"{energy.difference:.0e}",
            f"{study.n} spins after a quench to t = {study.times[-1]:g}: entropy "
            f"{best.run.entropies[-1].max():.3f} nats, never off by more than "
            f"{best.entropy.max():.0e}",
        ],
    )


def _lead(study: ChainStudy) -> str:
    return (
        "The transverse-field Ising chain is one of the few quantum many-body problems with an "
        f"exact answer at any size: it is a gas of free fermions. So {study.n} spins, whose vector "
        f"would have {power(2.0**study.n)} entries, can be followed as a matrix product state and "
        "marked like homework, site by site and cut by cut."
    )


def _numbers(study: ChainStudy) -> list[KeyNumber]:
    best, ground = study.best, study.ground.found[0]
    seconds = sum(quench.run.seconds for quench in study.quenches) + study.ground.seconds
    return [
        KeyNumber(
            "Ground state energy",
            f"{ground.energy:.4f}".replace("-", "&minus;"),
            f"off by {power(study.checks[0].difference, 0)}, variance {power(ground.variance, 0)}",
        ),
        KeyNumber(
            "Entropy after the quench",
            f"{best.run.entropies[-1].max():.3f}",
            f"nats; off by {power(best.entropy[-1])}",
        ),
        KeyNumber("Worst ⟨X⟩", power(best.magnetization.max()), "error, of all sites and times"),
        KeyNumber("Time taken", f"{seconds:.1f} s", f"one search, {len(study.quenches)} quenches"),
    ]


def _ground(study: ChainStudy, drawn: dict[str, Figure]) -> list[Block]:
    ground = study.ground.found[0]
    text = (
        "At this field the chain is critical: correlations reach from end to end, but entropy "
        "grows with the logarithm of the block only. That is little, so a matrix product state "
        f"holds it almost perfectly: {len(ground.energies)} passes of two-site DMRG with at most "
        f"{max(ground.state.bond_dimensions)} Schmidt values a cut reach the energy to "
        f"{power(study.checks[0].difference, 0)}. The variance ⟨H²⟩ &minus; ⟨H⟩² = "
        f"{power(ground.variance)} certifies it without knowing the answer."
    )
    formula = f'<p class="formula">{hamiltonian(study.ground.config.chain)}</p>'
    return [
        Prose([formula, text], "The ground state"),
        Figures([drawn["profile"], drawn["search"]]),
    ]


def _quench(study: ChainStudy, drawn: dict[str, Figure]) -> list[Block]:
    smallest, best = study.quenches[0], study.best
    first = (
        "Now all spins point along x, and the chain is let go. Pairs of particles fly apart from "
        "every bond and entangle what they pass, so the entropy of every cut grows in step with "
        "time, and the bond dimension that holds it grows exponentially. Near the ends there "
        "are fewer of them: the dark edges of the map."
    )
    cap = (
        f"D Schmidt values hold an entropy of ln D at most, and begin to fail well below it: "
        f"D = {smallest.bond} is good to {power(_GOOD, 0)} until t = "
        f"{smallest.good_until(_GOOD):.1f}, D = {best.bond} until t = {best.good_until(_GOOD):.1f}"
        f"{', the end' if best.good_until(_GOOD) == study.times[-1] else ''}. "
        "TDVP, a different method with errors of a different kind, gives up at the same moment "
        "with the same D: what limits both is entanglement. Nobody has to know the exact answer to "
        "notice: the discarded weight says it, and so does the energy where it drifts."
    )
    columns = (
        "",
        ">largest error of ⟨X⟩",
        ">of the entropy",
        f">good to {power(_GOOD, 0)} until",
        ">discarded weight",
        ">energy drift",
        ">seconds",
    )
    rows = [_row(quench) for quench in study.quenches]
    return [
        Prose([first], "A quench"),
        Figures([drawn[k] for k in ("entanglement", "relaxation", "growth", "errors")]),
        Prose([cap]),
        Table(columns, rows),
    ]


def _row(quench: Compared) -> tuple[str, ...]:
    evolution = quench.run.evolution
    energies = evolution.observed["energy"]
    cuts = quench.run.config.evolution.method == "tebd"
    return (
        quench.name,
        power(quench.magnetization.max()),
        power(quench.entropy.max()),
        f"t = {quench.good_until(_GOOD):.1f}",
        power(evolution.truncation_error) if cuts else "cuts nothing",
        power(float(abs(energies - energies[0]).max())),
        f"{quench.run.seconds:.1f}",
    )


def _proof(study: ChainStudy) -> list[Block]:
    text = (
        "The exact answers come from matrices of "
        f"{2 * study.n} rows and know nothing of matrix product states: "
        "the fermions' two-point correlations, evolved in time, give every magnetisation and every "
        'entropy (<a href="https://arxiv.org/abs/quant-ph/0211074">arXiv:quant-ph/0211074</a>). '
        "In Python: <code>rankloom.tn.reference</code>."
    )
    return [Prose([text], "Proof"), check_table(study.checks)]


def _use(study: ChainStudy, root: Path, folder: str) -> list[Block]:
    cut = study.n // 2
    folders = {"quench": f"{folder}/quench", "ground state": f"{folder}/ground"}
    code = USE.format(path=f"{folder}/quench/state.h5", cut=cut, left=cut - 1)
    table = f'<a href="{folder}/comparison.csv">comparison.csv</a>'
    return [
        Prose(["From the folder of this report:"], "Use it"),
        Code(code),
        Prose([f"All curves of this section, with the exact ones, are in {table}."]),
        file_table(root, folders, FILES),
    ]


def _pictures(study: ChainStudy) -> dict[str, tuple[Draw, str, str]]:
    best, axes = study.best, plots.new_axes
    ground = np.asarray(study.ground.found[0].state.entropies())

    def entanglement(_: plots.Theme) -> "Axes":
        return plots.plot_entanglement(study.times, best.run.entropies, axes())

    return {
        "profile": (
            lambda theme: chain_plots.plot_profile(
                ground, study.ground_exact.entropies, theme, axes()
            ),
            "Entropy of the ground state at every cut, an arch, with the exact values under it.",
            "<b>The ground state.</b> Entropy at every cut, on the exact values. Largest "
            f"difference {power(float(abs(ground - study.ground_exact.entropies).max()))}.",
        ),
        "search": (
            lambda theme: chain_plots.plot_search(study, theme, axes()),
            "Energy above the exact one falling with every pass of the search.",
            "<b>The search.</b> Energy above the exact one after every pass. Bonds start "
            "narrow and double when a pass gains no more.",
        ),
        "relaxation": (
            lambda theme: chain_plots.plot_relaxation(study, theme, axes()),
            "Magnetisation of two spins relaxing after the quench, on the exact curves.",
            "<b>The spins forget.</b> Magnetisation along x of the first spin and of one in the "
            f"middle, by {best.name}, on the exact curves.",
        ),
        "entanglement": (
            entanglement,
            "Map of entanglement entropy over cuts and time, growing with time, less at the ends.",
            f"<b>Entanglement after the quench.</b> Entropy at every cut of {study.n} spins as "
            f"time goes up, by {best.name}.",
        ),
        "growth": (
            lambda theme: chain_plots.plot_growth(study, theme, axes()),
            "Entropy in the middle against time; small bond dimensions leave the exact line.",
            "<b>Where the bonds end.</b> Entropy in the middle. A small bond dimension leaves the "
            "exact line when it is full.",
        ),
        "errors": (
            lambda theme: chain_plots.plot_errors(study, theme, axes()),
            "Largest error of the magnetisation against time, for every bond dimension.",
            "<b>How wrong, and when.</b> Error of ⟨X⟩ at the worst site. The floor is the time "
            "step, the rise is truncation.",
        ),
    }
