"""The report's section on tensor decompositions: a measurement, and a tensor of known rank."""

from pathlib import Path

import numpy as np

from rankloom.experiments import decomposition_plots, plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.blocks import Block, Code, Draw, Figure, Figures, Prose, draw_all, power
from rankloom.experiments.decomposition_study import NAMES, RANK, DecompositionStudy
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table

USE = """from rankloom.decomposition import CPTensor

terms = CPTensor.load("{path}")
print(terms.shape, terms.rank, terms.at([[0, 0, 0, 0], [63, 11, 9, 59]]))
"""
"""How to use a saved tensor; the report shows it, a test runs it."""

FILES = {
    "tensor.h5": "the terms (HDF5)",
    **{f"factor-{k}.csv": f"the terms along the mode {name}" for k, name in enumerate(NAMES)},
    "errors.csv": "error after every sweep",
    "ladder.csv": "errors with 1, 2, .. terms",
    "result.json": "all figures of the fit",
    "config.toml": "the settings; <code>rankloom decompose config.toml</code> does it again",
    "data.npy": "the measurement",
    "components.png": "all modes in one picture",
}
"""Files of a study, and what each is."""

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven"]


def decompositions_section(
    study: DecompositionStudy, root: Path, folder: str, bars: Bars
) -> Section:
    """Draw the pictures and tell the story.

    Parameters
    ----------
    study : DecompositionStudy
        Written to ``root / folder``.
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it.
    bars : Bars
    """
    pictures, track = root / folder / "pictures", bars.track("decompositions: pictures")
    drawn = draw_all(_pictures(study), pictures, track)
    terms, count = study.terms, _NUMBERS[RANK - 1]
    return Section(
        key="decomposition",
        title=f"A measurement in {count} terms",
        lead=(
            f"A fluorescence experiment with {study.x.size:,} measured values: {study.x.shape[0]} "
            f"samples, {study.x.shape[1]} emission by {study.x.shape[2]} excitation wavelengths, "
            f"{study.x.shape[3]} times. A sum of {count} products of nonnegative curves "
            f"describes {100 * (1 - terms.error**2):.1f} % of its squares, and each of the "
            "curves means something."
        ),
        numbers=_numbers(study),
        blocks=[*_look(study, drawn), *_terms(study, drawn), *_product(drawn),
                *_proof(study), *_use(root, folder)],
        checks=study.checks,
        summary=[
            f"Fluorescence, {study.x.size} values: {RANK} nonnegative terms, relative error "
            f"{terms.error:.4f}",
            f"2 x 2 matrix product: residual {study.products[7].error:.0e} with 7 "
            f"multiplications, {study.products[6].error:.4f} with 6",
        ],
    )  # fmt: skip


def _numbers(study: DecompositionStudy) -> list[KeyNumber]:
    tensor = study.terms.tensor
    kept = sum(f.size for f in tensor.factors) + tensor.rank
    small = study.compressed.tensor
    core = small.core.size + sum(f.size for f in small.factors)
    return [
        KeyNumber(
            "Relative error",
            f"{study.terms.error:.3f}",
            f"with {_NUMBERS[RANK - 1]} nonnegative terms",
        ),
        KeyNumber("Numbers kept", str(kept), f"of {study.x.size:,}"),
        KeyNumber(
            "Two starts agree",
            f"{study.agreement:.3f}",
            "factor match score; 1 is the same terms",
        ),
        KeyNumber(
            "Tucker, 5 %",
            " &times; ".join(map(str, small.ranks)),
            f"core; {core:,} numbers, error {study.compressed.error:.3f}",
        ),
    ]


def _look(study: DecompositionStudy, drawn: dict[str, Figure]) -> list[Block]:
    errors = ", ".join(f"{fit.error:.3f}" for fit in study.ladder)
    text = (
        "How much structure is there? The singular values of the data, unfolded along each mode "
        "in turn, fall by two orders of magnitude within a handful and then run flat: that is the "
        "noise. A Tucker tensor keeps as many of each as a tolerance asks for, and its error is "
        "within the tolerance by construction."
    )
    more = (
        f"Terms that can be named are a stricter wish. With 1 to {len(study.ladder)} of them the "
        f"error is {errors}: each further one explains less."
    )
    return [
        Prose([text, more], "How much structure"),
        Figures([drawn["scree"], drawn["ladder"]]),
    ]


def _terms(study: DecompositionStudy, drawn: dict[str, Figure]) -> list[Block]:
    jump = _jump(study)
    first = (
        "Each term is a product of one curve per mode: how much of it is in every sample, what "
        "colour it emits, what colour excites it, how it comes and goes. Nothing but "
        "nonnegativity was asked for, and the curves come out smooth along both wavelengths."
    )
    second = (
        f"Nobody told the fit that something happened {jump:.1f} minutes into the "
        "experiment: the times know no order for it. Yet there one term disappears between two "
        "readings and another takes its place, with a nearly equal spectrum. In a single spectrum "
        "these two could not be told apart."
    )
    return [
        Prose([first, second], "What the terms say"),
        Figures([drawn["components"], drawn["trace"]]),
    ]


def _jump(study: DecompositionStudy) -> float:
    """Time of the largest step in the terms, between two readings."""
    steps = np.abs(np.diff(study.terms.tensor.factors[3], axis=0)).sum(axis=1)
    k = int(np.argmax(steps))
    return float(study.ticks[3][k : k + 2].mean())


def _product(drawn: dict[str, Figure]) -> list[Block]:
    text = (
        "A tensor of known rank to test the solver by: the product of two matrices of size 2, "
        "written as 64 zeros and ones. Its terms are the multiplications of an algorithm. School "
        "takes eight; Strassen found in 1969 that seven suffice, and six do not. From random "
        "starts the solver arrives at both: the residual vanishes with seven, and with six it "
        "stays at 1/&radic;8, the whole of one entry."
    )
    return [Prose([text], "A tensor of known rank"), Figures([drawn["product"]])]


def _proof(study: DecompositionStudy) -> list[Block]:
    text = (
        "Every error stated is that of the tensor at hand. tensorly reads the factors, forms the "
        "dense tensors and finds the errors again; numpy finds the singular values from the data."
    )
    return [Prose([text], "Proof"), check_table(study.checks)]


def _use(root: Path, folder: str) -> list[Block]:
    source = (
        "The data: R. P. Nikolajsen, K. S. Booksh, Å. M. Hansen, R. Bro, "
        '<a href="https://doi.org/10.1016/S0003-2670(02)01302-2">Quantifying catecholamines using '
        "multi-way kinetic modelling</a>, as tensorly ships them."
    )
    return [
        Prose(["From the folder of this report:"], "Use it"),
        Code(USE.format(path=f"{folder}/tensor.h5")),
        Prose([source]),
        file_table(root, {"": folder}, FILES),
    ]


def _pictures(study: DecompositionStudy) -> dict[str, tuple[Draw, str, str]]:
    axes, terms = plots.new_axes, study.terms.tensor
    plain = [name.partition(" (")[0] for name in NAMES]
    worst, (emission, excitation) = decomposition_plots.strongest(terms)
    return {
        "scree": (
            lambda theme: decomposition_plots.plot_scree(
                study.whole.tensor.singular_values(), plain, theme, axes()
            ),
            "Singular values along all four modes, falling fast and then flat.",
            "<b>Scree plot.</b> Singular values of the data unfolded along each mode. The flat end "
            "is noise.",
        ),
        "ladder": (
            lambda theme: decomposition_plots.plot_ladder(study.ladder, RANK, theme, axes()),
            "Relative error against the number of terms, falling ever less.",
            "<b>How many terms.</b> Relative error against their number. The ring is the fit of "
            "this report.",
        ),
        "components": (
            lambda theme: decomposition_plots.plot_factors(terms, NAMES, theme, study.ticks),
            "The curves of three terms along samples, emission, excitation and time.",
            f"<b>The {_NUMBERS[RANK - 1]} terms</b> along all modes, each curve of unit length.",
        ),
        "trace": (
            lambda theme: decomposition_plots.plot_trace(
                study.x, terms, worst, (emission, excitation), study.ticks[3], theme, axes()
            ),
            "Measured intensity of one sample against time, with the fitted sum and its parts.",
            f"<b>One of {np.prod(study.x.shape[:3]):,} curves.</b> Sample {worst + 1}, "
            f"{study.ticks[2][excitation]:g} nm in, {study.ticks[1][emission]:g} nm out: measured, "
            "the sum of the terms, and its parts.",
        ),
        "product": (
            lambda theme: decomposition_plots.plot_products(study.products, theme, axes()),
            "Residual of the 2 by 2 matrix product against sweeps: with 7 terms to zero, with 6 to "
            "0.354.",
            "<b>Multiplying two matrices of size 2.</b> Residual after every sweep of the best "
            f"start. With seven terms it ends at {power(study.products[7].error, 0)}.",
        ),
    }
