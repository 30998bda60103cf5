"""The report's section on functional models: curves with error bars from scattered values."""

from pathlib import Path

from rankloom.experiments import functional_plots
from rankloom.experiments.bars import Bars
from rankloom.experiments.blocks import Code, Draw, Figures, Prose, draw_all
from rankloom.experiments.functional_study import NAMES, NOISE, FunctionalStudy
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table

USE = """from rankloom.decomposition import FunctionalCP

model = FunctionalCP.load("{path}")
mean, std = model.predict([[0.2, 0.5, 0.9]], return_std=True)
"""
"""How to use a saved model; the report shows it, a test runs it."""

FILES = {
    "model.h5": "the model (HDF5)",
    "predictions.csv": "new noisy values, predicted means and deviations",
    "sweeps.csv": "evidence bound after every sweep",
}
"""Files of a study, and what each is."""


def functional_section(study: FunctionalStudy, root: Path, folder: str, bars: Bars) -> Section:
    """Draw the pictures and tell the story.

    Parameters
    ----------
    study : FunctionalStudy
        Written to ``root / folder``.
    root : Path
        Folder of the report.
    folder : str
        Folder of the files below it.
    bars : Bars
    """
    pictures, track = root / folder / "pictures", bars.track("functional models: pictures")
    drawn = draw_all(_pictures(study), pictures, track)
    model, count = study.model, len(study.model.nodes_[0])
    without, with_factor = (100 * c for c in study.coverage)
    return Section(
        key="functional",
        title="Curves with error bars from scattered values",
        lead=(
            f"{count:,} noisy values at random points in a box, no two of which share a "
            "coordinate: no tensor can be written down. A functional CP model needs none. Its "
            "factors are Gaussian processes, so it predicts anywhere and says how sure it is."
        ),
        numbers=[
            KeyNumber("Error at new points", f"{study.error:.3f}", f"noise was {NOISE}"),
            KeyNumber("CP on 12 bins", f"{study.binned_error:.3f}", "the same, after binning"),
            KeyNumber("Noise", f"{model.noise_std_:.4f}", f"found; {NOISE} was put in"),
            KeyNumber("95 % intervals", f"{100 * study.scores.coverage:.1f} %", "of new values"),
        ],
        blocks=[
            Prose(
                [
                    "The two functions of every coordinate, with bands of two standard deviations, "
                    "on the planted ones (grey, scaled alike: only products have a scale). "
                    f"Lengthscales, noise and offset were learnt in {len(model.elbo_trace_)} "
                    "sweeps."
                ],
                "What is found",
            ),
            Figures([drawn[f"mode-{k}"] for k in range(3)] + [drawn["trace"]]),
            Prose(
                [
                    "With one term too few the model is wrong, and its errors are no longer noise. "
                    f"Its 95 % intervals hold {without:.1f} % of new values; after calibration on "
                    f"a tenth of the data, {with_factor:.1f} %."
                ],
                "How sure it is",
            ),
            Figures([drawn["calibration"]]),
            Prose(
                [
                    "With one mode and one function the model is an ordinary Gaussian process, "
                    "and must agree with the dense formulas, outside the data too."
                ],
                "Proof",
            ),
            check_table(study.checks),
            Prose(["From the folder of this report:"], "Use it"),
            Code(USE.format(path=f"{folder}/model.h5")),
            file_table(root, {"file": folder}, FILES),
        ],
        checks=study.checks,
        summary=[
            f"functional CP of {count} scattered values: off by {study.error:.3f} at new points "
            f"(noise {NOISE}), 95 % intervals hold {100 * study.scores.coverage:.1f} %"
        ],
    )


def _pictures(study: FunctionalStudy) -> dict[str, tuple[Draw, str, str]]:
    def mode(k: int) -> Draw:
        return lambda theme: functional_plots.plot_functions(
            study.model, k, NAMES[k], theme, exact=study.exact[k]
        )

    curves = [("two terms", *study.right), ("one term", *study.narrow)]
    curves.append(("one term, calibrated", *study.calibrated))
    found = {
        f"mode-{k}": (
            mode(k),
            f"Two functions of {name} with narrow bands, on the planted curves.",
            f"<b>{name.capitalize()}.</b> Functions found, and planted ones (grey).",
        )
        for k, name in enumerate(NAMES)
    }
    return found | {
        "trace": (
            lambda theme: functional_plots.plot_trace(study.model.elbo_trace_, theme),
            "Evidence bound rising with every sweep until it is flat.",
            "<b>The search.</b> The evidence bound never falls.",
        ),
        "calibration": (
            lambda theme: functional_plots.plot_calibration(curves, theme),
            "Fraction of new values inside intervals of every level, beside the diagonal.",
            "<b>Calibration.</b> On the diagonal, intervals hold as often as they say. One factor "
            "puts 95 % right; it cannot mend the shape of errors that are not normal.",
        ),
    }
