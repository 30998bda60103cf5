"""Pictures of shadow spectroscopy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rankloom.quantum.shadows.lines import constant_and_lines, without

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.quantum.shadows.gram import Gram
    from rankloom.quantum.shadows.spectrum import Spectrum


def plot_spectrum(
    spectrum: "Spectrum", ax: "Axes | None" = None, exact: Sequence[float] = ()
) -> "Axes":
    """The spectrum with its lines and error bars, and exact gaps as dashed lines."""
    ax = _axes(ax)
    ax.plot(spectrum.frequencies, spectrum.power, lw=1.2)
    for i, gap in enumerate(exact):
        label = "exact gap" if i == 0 else None
        ax.axvline(gap, color="0.5", ls="--", lw=1.0, zorder=0, label=label)
    if np.isfinite(spectrum.level):
        ax.axhline(spectrum.level, color="0.5", ls=":", lw=1.0, label="false alarms, first search")
    if spectrum.peaks:
        gaps = [peak.gap for peak in spectrum.peaks]
        heights = np.interp(gaps, spectrum.frequencies, spectrum.power)
        ax.errorbar(
            gaps,
            heights,
            xerr=[peak.error for peak in spectrum.peaks],
            fmt="o",
            ms=4,
            capsize=2,
            color="C1",
            label="found",
        )
    ax.set(xlabel="angular frequency", ylabel="power", xlim=(0, spectrum.frequencies[-1]))
    ax.legend(loc="upper right")
    return ax


def plot_gram(gram: "Gram", ax: "Axes | None" = None) -> "Axes":
    """The centred matrix over both times; the scale of colours leaves its diagonal out."""
    ax = _axes(ax)
    matrix = without(gram.matrix, constant_and_lines(gram.times, []))
    rest = matrix[~np.eye(len(matrix), dtype=bool)]
    scale = float(np.quantile(abs(rest), 0.999)) or 1.0
    image = ax.pcolormesh(
        gram.times, gram.times, matrix, cmap="RdBu_r", vmin=-scale, vmax=scale, rasterized=True
    )
    ax.set(xlabel="time", ylabel="time", aspect="equal")
    ax.grid(visible=False)
    figure = ax.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=ax, label="Gram matrix, centred")
    return ax


def _axes(ax: "Axes | None") -> "Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]
