"""The report's section on potentials of many charges, beside direct sums."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rankloom.decomposition import ChebyshevTucker
from rankloom.experiments import plots, potential_plots, potential_study
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
from rankloom.experiments.potential_study import CRYSTAL, PotentialStudy
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

USE = """import numpy as np
from rankloom.decomposition import ChebyshevTucker

f = ChebyshevTucker.load("{path}")
x = np.linspace(-1, 1, 101)
print(f.ranks, f.grid(x, x, x).shape, f.gradient(np.zeros((1, 3))), f.integrate())
"""
"""How to use a saved function; the report shows it, a test runs it."""

FILES = {
    "long_range.h5": "the long-range part as a Chebyshev-Tucker function (HDF5)",
    "potential.dx": "the whole potential on a grid of 65<sup>3</sup>, for VMD, PyMOL and the like",
    "crystal.h5": "the potential of the crystal with its vacancy (HDF5)",
    "ranks.csv": "ranks, errors, bytes and seconds against the tolerance",
}
"""Files of a study, and what each is."""


def potentials(
    root: Path,
    bars: Bars,
    n: int = 1000,
    tols: Sequence[float] = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9),
) -> Section:
    """A thousand charges, and a crystal with a vacancy, as small functions.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``potentials/`` below it.
    bars : Bars
    n : int
        Number of charges.
    tols : sequence of float
        Tolerances to show ranks for.
    """
    found = potential_study.study(root / "potentials", bars, n=n, tols=tols)
    return potentials_section(found, root, "potentials", bars)


def potentials_section(study: PotentialStudy, root: Path, folder: str, bars: Bars) -> Section:
    """Draw the pictures and tell the story.

    Parameters
    ----------
    study : PotentialStudy
        Written to ``root / folder``.
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it.
    bars : Bars
    """
    pictures, track = root / folder / "pictures", bars.track(f"{study.n} charges: pictures")
    drawn = draw_all(_pictures(study), pictures, track)
    phi = study.phi
    grid = 8 * 257**3
    return Section(
        key="potentials",
        title=f"{study.n:,} charges in {phi.function.nbytes / 1e3:.0f} kilobytes",
        lead=(
            "Every charge acts on every place, so the potential of many is dear to evaluate and "
            "bulky to store. Apart from what each charge does to its neighbours, it is a smooth "
            "function, and a Chebyshev-Tucker tensor holds that: a small core and three matrices "
            "that can be put on any grid, differentiated and integrated."
        ),
        numbers=[
            KeyNumber("Ranks", _ranks(phi.function), f"for a tolerance of {power(phi.tol)}"),
            KeyNumber(
                "Size",
                f"{phi.function.nbytes / 1e3:.0f} kB",
                f"values on a 257<sup>3</sup> grid: {grid / 1e6:.0f} MB",
            ),
            KeyNumber("Error found", power(phi.error_estimate), "relative, on fresh points"),
            KeyNumber("Time taken", f"{study.seconds:.2f} s", "from charges to function"),
        ],
        blocks=[
            *_charges(study, drawn),
            *_crystal(study, drawn),
            *_proof(study),
            *_use(root, folder),
        ],
        checks=study.checks,
        summary=[
            f"{study.n} charges: potential of ranks {' x '.join(map(str, phi.function.ranks))}, "
            f"relative error {phi.error_estimate:.0e}",
        ],
    )


def _ranks(function: ChebyshevTucker) -> str:
    return " &times; ".join(map(str, function.ranks))


def _charges(study: PotentialStudy, drawn: dict[str, Figure]) -> list[Block]:
    phi = study.phi
    first = (
        f"Charges of +1 and &minus;1, {study.n // 2} each, in a ball. The kernel 1/r is a sum of "
        f"Gaussians, good to {power(phi.tol)} at all distances; the {len(phi.short.long_range)} "
        "wide ones make the smooth part, and what is left of 1/r ends "
        f"{phi.cutoff_radius:.2f} away from each charge and is summed over neighbours. All "
        "Gaussians of all charges live in one small basis, which knows nothing of where the "
        "charges are; only their moments in it are needed."
    )
    rows = [
        (
            power(r.tol, 0),
            str(r.rank),
            power(r.error),
            f"{r.nbytes / 1e3:.0f} kB",
            f"{r.seconds:.2f}",
        )
        for r in study.ranks
    ]
    return [
        Prose([first], "The potential, and its smooth part"),
        Figures([drawn["full"], drawn["smooth"], drawn["ranks"]]),
        Table((">tolerance", ">rank", ">error found", ">size", ">seconds"), rows),
    ]


def _crystal(study: PotentialStudy, drawn: dict[str, Figure]) -> list[Block]:
    text = (
        f"On a lattice a sum of Gaussians factorises: {CRYSTAL}<sup>3</sup> = {CRYSTAL**3} ions of "
        "alternating sign need no more terms than one of them, and an empty site adds one more "
        f"kernel. Ranks {_ranks(study.crystal)}, down to distances of an "
        "eighth of the spacing."
    )
    return [Prose([text], "A crystal with a hole"), Figures([drawn["crystal"]])]


def _proof(study: PotentialStudy) -> list[Block]:
    text = (
        "Potential, energy and forces are summed again over all pairs, without any approximation. "
        "The Madelung constant is that of a finite crystal of 129<sup>3</sup> ions, summed with "
        'Evjen\'s weights. The format is that of <a href="https://arxiv.org/abs/2503.01696">'
        "arXiv:2503.01696</a>."
    )
    return [Prose([text], "Proof"), check_table(study.checks)]


def _use(root: Path, folder: str) -> list[Block]:
    return [
        Prose(["From the folder of this report:"], "Use it"),
        Code(USE.format(path=f"{folder}/long_range.h5")),
        file_table(root, {"": folder}, FILES),
    ]


def _pictures(study: PotentialStudy) -> dict[str, tuple[Draw, str, str]]:
    limit = float(np.quantile(np.abs(study.full), 0.97))
    crystal_limit = float(np.quantile(np.abs(study.crystal_slice), 0.98))

    def full(_: plots.Theme) -> "Axes":
        return potential_plots.plot_slice((study.axis,) * 2, study.full, limit, plots.new_axes())

    def smooth(_: plots.Theme) -> "Axes":
        label = "long-range potential"
        return potential_plots.plot_slice(
            (study.axis,) * 2, study.smooth, limit, plots.new_axes(), label
        )

    def crystal(_: plots.Theme) -> "Axes":
        return potential_plots.plot_slice(
            (study.crystal_axis,) * 2, study.crystal_slice, crystal_limit, plots.new_axes()
        )

    return {
        "full": (
            full,
            "Map of the potential in the middle plane of the ball, spots of both signs.",
            "<b>The whole potential</b> in the plane z = 0, clipped where a charge is near.",
        ),
        "smooth": (
            smooth,
            "Map of the long-range part in the same plane, the same landscape without spikes.",
            "<b>Its long-range part</b>, the Chebyshev-Tucker function, on the same scale.",
        ),
        "ranks": (
            lambda theme: potential_plots.plot_ranks(study, theme, plots.new_axes()),
            "Rank growing slowly as the tolerance falls, errors staying below the tolerance.",
            "<b>What a digit costs.</b> Ranks grow with the logarithm of the tolerance, hardly "
            "with the number of charges.",
        ),
        "crystal": (
            crystal,
            "Map of the potential above a lattice plane, a checkerboard with one site missing.",
            f"<b>The vacancy.</b> Potential of {CRYSTAL}<sup>3</sup> ions, 0.3 spacings above "
            "the plane of the missing one.",
        ),
    }
