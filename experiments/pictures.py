"""The pictures of a study, with their captions."""

from pathlib import Path
from typing import TYPE_CHECKING

from rankloom.experiments import plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.blocks import Draw, Figure, draw_all
from rankloom.experiments.compile_job import stage
from rankloom.experiments.plots import Theme
from rankloom.experiments.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figures(study: Study, root: Path, bars: Bars) -> dict[str, Figure]:
    """All pictures of a study, also as PNG files in its folder."""
    folder, track = root / study.folder / "pictures", bars.track(f"{study.run.n} qubits: pictures")
    with stage(study.run.seconds, "pictures"):
        return draw_all(_pictures(study), folder, track, tall=("circuit",))


def _pictures(study: Study) -> dict[str, tuple[Draw, str, str]]:
    run, axes = study.run, plots.new_axes
    found: dict[str, tuple[Draw, str, str]] = {}
    if run.quench:
        quench = run.quench

        def entanglement(_: Theme) -> "Axes":
            return plots.plot_entanglement(quench.evolution.times, quench.entropies, axes())

        found["entanglement"] = (
            entanglement,
            "Map of entanglement entropy over cuts and time, growing with time.",
            f"<b>Entanglement of {run.n} spins.</b> Entropy at every cut as time goes up. At the "
            f"end the middle cut holds {quench.entropies[-1][(run.n - 1) // 2]:.2f} nats.",
        )
    staggered = run.problem.config.quench.initial == "neel"

    found["magnetisation"] = (
        lambda theme: plots.plot_magnetisation(study.profiles, staggered, theme, axes()),
        "Magnetisation of every site for the target and the circuits.",
        f"<b>What a measurement would see, {run.n} spins.</b> Magnetisation of every site. "
        + _deviations(study),
    )
    if study.points:
        found["depth"] = (
            lambda theme: plots.plot_depth(study.points, study.chosen, theme, axes()),
            "Infidelity against CX depth for compiled and Trotter circuits.",
            f"<b>What depth buys, {run.n} qubits.</b> Lower is better. The ring is the circuit of "
            "this report"
            + (", the box the Trotter circuit as good as it." if study.partner else "."),
        )
    found["convergence"] = (
        lambda theme: plots.plot_convergence(run.result.history, theme, axes()),
        "Infidelity falling with the steps of the search.",
        f"<b>The search, {run.n} qubits.</b> Two starts; the better end is kept. At the rings the "
        "polar sweeps end and L-BFGS-B takes over.",
    )
    found["circuit"] = (
        lambda theme: plots.plot_brickwork(run.result.ansatz, theme, axes((3.4, 4.2))),
        "Brickwork of two-qubit blocks on wires.",
        f"<b>The circuit on {min(run.n, 10)}{' of ' + str(run.n) if run.n > 10 else ''} qubits."
        "</b> A dot is a rotation of one qubit, a block three CX gates with the rotations between "
        "them.",
    )
    return found


def _deviations(study: Study) -> str:
    """How far the circuits are from the target where they are farthest."""
    target, *others = study.profiles.values()
    ours, *trotter = (float(abs(profile - target).max()) for profile in others)
    text = f"At the worst site the compiled circuit is off by {ours:.2g}"
    return text + (f", the Trotter circuit of its depth by {trotter[0]:.2g}." if trotter else ".")
