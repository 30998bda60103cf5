"""The pictures of shadow spectroscopy beside exact gaps."""

from typing import TYPE_CHECKING

import numpy as np

from rankloom.experiments.plots import Theme
from rankloom.experiments.spectroscopy_job import SpectroscopyRun
from rankloom.experiments.spectroscopy_study import SpectroscopyStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_lines(run: SpectroscopyRun, ax: "Axes") -> "Axes":
    """The low part of the spectrum, its lines, and the exact gaps."""
    run.result.plot(ax, run.exact)
    ax.set(xlim=(0, 2.2 * max(run.exact)))
    return ax


def plot_lengths(study: SpectroscopyStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Gap and error bar against the number of times, on the exact gap."""
    exact = study.long.exact[0]
    ax.axhline(exact, color=theme.soft, lw=5, alpha=0.45, label="exact")
    times, gaps, errors = study.lengths.T
    ax.errorbar(times, gaps, errors, fmt="o", color=theme.ours, ms=4, capsize=2, label="found")
    ax.set(xlabel="number of times", ylabel="gap")
    ax.legend(loc="upper right")
    return ax


def plot_carriers(run: SpectroscopyRun, theme: Theme, ax: "Axes") -> "Axes":
    """The strings that carry the strongest line, and how far above shot noise."""
    names = [
        " ".join(f"{letter}$_{{{site}}}$" for letter, site in zip(c.letters, c.sites, strict=True))
        for c in run.carriers
    ]
    places = np.arange(len(names))[::-1]
    ax.barh(places, [c.score for c in run.carriers], color=theme.ours, height=0.6)
    ax.set_yticks(places, names)
    ax.set(xlabel="power over that of shot noise")
    ax.grid(visible=False, axis="y")
    return ax
