"""The report's section on random tensors: sampled spectra beside exact predictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rankloom.experiments import freeness_plots, freeness_study, plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.blocks import (
    Code,
    Draw,
    Figures,
    Prose,
    Table,
    draw_all,
    power,
)
from rankloom.experiments.freeness_study import FreenessStudy
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

USE = """from rankloom.physics import TraceInvariant, laws

law = laws.gaussian(2, {{(0,): 1, (1,): 1, (0, 1): 0.5}}, dims=({N}, {N}))
t = TraceInvariant([(1, 2, 3, 0), (1, 2, 3, 0)])  # Tr X^4
print(law.asymptotic_moment(t), law.normalised_moment(t))
"""
"""How to ask for the numbers of the section; the report shows it, a test runs it."""

FILES = {
    "spectrum.csv": "the predicted density, and that of free matrices",
    "eigenvalues.csv": "the sampled eigenvalues, one column a sample",
    "moments.csv": "moments: sampled, exact, in the limit",
}
"""Files of a study, and what each is."""


def freeness(
    root: Path,
    bars: Bars,
    N: int = 16,
    samples: int = 120,
    party: int = 20,
    ratios: Sequence[int] = (1, 4, 9),
) -> Section:
    """Spectra of random matrices on two parties, sampled and predicted: a section of the demo.

    Parameters
    ----------
    root : Path
        Folder of the report; files go to ``freeness/`` below it.
    bars : Bars
    N : int
        Dimension of either party.
    samples : int
    party : int
        Dimension of either party of random states.
    ratios : sequence of int
        Dimensions of their environment, over ``party**2``.
    """
    found = freeness_study.study(
        root / "freeness", bars, N=N, samples=samples, party=party, ratios=ratios
    )
    return freeness_section(found, root, "freeness", bars)


def freeness_section(study: FreenessStudy, root: Path, folder: str, bars: Bars) -> Section:
    """Draw the pictures and tell the story.

    Parameters
    ----------
    study : FreenessStudy
        Written to ``root / folder``.
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it.
    bars : Bars
    """
    pictures, track = root / folder / "pictures", bars.track("random matrices: pictures")
    drawn = draw_all(_pictures(study), pictures, track)
    fourth = study.moments[1]
    return Section(
        key="freeness",
        title=f"{len(study.eigenvalues)} random matrices, predicted",
        lead=(
            "Large independent random matrices are free: the spectrum of their sum follows from "
            "those of the terms. Matrices that act on parts of a shared space are not free in "
            "this sense, and their sum has another spectrum. Tensorial free cumulants say which."
        ),
        numbers=_numbers(study),
        blocks=[
            Prose(_sum_text(study), "A sum that is not free"),
            Figures([drawn["spectrum"], drawn["moments"]]),
            _moment_table(study),
            Prose(_state_text(study), "Random states"),
            Figures([drawn["transposed"], drawn["convergence"]]),
            Prose([_proof_text()], "Proof"),
            check_table(study.checks),
            Prose(["Without any sampling:"], "Use it"),
            Code(USE.format(N=study.party)),
            file_table(root, {"size": folder}, FILES),
        ],
        checks=study.checks,
        summary=[
            f"random matrices of {study.size} rows: fourth moment {fourth.sampled:.3f} sampled, "
            f"{float(fourth.exact):.3f} exact ({float(fourth.if_free):.3f} if they were free)"
        ],
    )


def _numbers(study: FreenessStudy) -> list[KeyNumber]:
    fourth, cube = study.moments[1], study.checks[4]
    return [
        KeyNumber(
            "Fourth moment",
            f"{fourth.sampled:.3f}",
            f"sampled; {float(fourth.exact):.3f} exact at this size",
        ),
        KeyNumber("If they were free", f"{float(fourth.if_free):.3f}", "the wrong prediction"),
        KeyNumber("Third negativity moment", "4/17", f"two qubits; sampled {cube.found:.4f}"),
        KeyNumber(
            "Negative eigenvalues",
            f"{100 * study.transposed[0].negative:.0f} %",
            f"of a partial transpose, environment {study.transposed[0].ratio:g} d²",
        ),
    ]


def _sum_text(study: FreenessStudy) -> list[str]:
    return [
        '<p class="formula"><i>X</i> = <i>A</i> ⊗ 1 + 1 ⊗ <i>B</i> + <i>C</i>/√2</p>',
        f"A and B are random Hermitian matrices of {study.party} rows, C one of {study.size}. A ⊗ "
        "1 and 1 ⊗ B commute, so they add like independent numbers, not like free matrices; C is "
        f"free from both. {len(study.eigenvalues)} samples lie on the curve which that predicts. A "
        "semicircle of the same variance, the answer for free matrices, misses them.",
    ]


def _moment_table(study: FreenessStudy) -> Table:
    columns = ("order", ">sampled", ">exact at this size", ">limit", ">if they were free")
    rows = [
        (
            f"{row.order}",
            f"{row.sampled:.4f} ± {row.error:.4f}",
            f"{float(row.exact):.4f}",
            f"{float(row.limit):.4f}",
            f"{float(row.if_free):.4f}",
        )
        for row in study.moments
    ]
    return Table(columns, rows, "Tr Xⁿ over the number of rows.")


def _state_text(study: FreenessStudy) -> list[str]:
    shares = ", ".join(
        f"{100 * found.negative:.1f} % at {found.ratio:g} d²" for found in study.transposed
    )
    return [
        "A random state of two parties of dimension d with an environment is entangled if its "
        "partial transpose has a negative eigenvalue. For large d the spectrum is a semicircle "
        "around the ratio of environment to d², and it leaves the negative half where that ratio "
        'is 4 (<a href="https://arxiv.org/abs/1011.0275">arXiv:1011.0275</a>). Negative '
        f"eigenvalues of one sample each: {shares}.",
        "How far a finite dimension is from the limit is known exactly: every moment is a "
        "rational function of N.",
    ]


def _proof_text() -> str:
    return (
        "Exact moments come from sums over permutations, samples from random numbers, the curve "
        "from an equation for its Cauchy transform: three ways that share nothing. The invariant "
        "of three parties is that of the complete bipartite graph of six vertices, of a matrix "
        "product state whose vector is never formed."
    )


def _pictures(study: FreenessStudy) -> dict[str, tuple[Draw, str, str]]:
    def themed(plot: "freeness_plots.Plot") -> Draw:
        def drawn(theme: plots.Theme) -> "Axes":
            return plot(study, theme, plots.new_axes())

        return drawn

    gap = abs(study.moments[1].exact / study.moments[1].limit - 1)
    return {
        "spectrum": (
            themed(freeness_plots.plot_spectrum),
            "Histogram of eigenvalues on the predicted curve; a semicircle misses it.",
            f"<b>The spectrum.</b> Eigenvalues of {len(study.eigenvalues)} matrices of "
            f"{study.size} rows.",
        ),
        "moments": (
            themed(freeness_plots.plot_moments),
            "Moments relative to those of free matrices, growing with the order.",
            "<b>The moments.</b> High moments tell the two predictions apart: the tails are "
            "heavier.",
        ),
        "transposed": (
            themed(freeness_plots.plot_transposed),
            "Three semicircles; the one for the largest environment is positive.",
            "<b>Partial transposes of random states.</b> Semicircles; the vertical line is zero.",
        ),
        "convergence": (
            themed(freeness_plots.plot_convergence),
            "Distance of moments from their limits falling like the inverse square of N.",
            "<b>How large is large.</b> The fourth moment of the samples is "
            f"{power(float(gap))} from its limit.",
        ),
    }
