"""The look of all pictures, and the pictures of the circuit compiler.

Nothing global is touched: a `Theme` is in force inside ``with theme.context():`` only, and figures
are built without pyplot, so no window system is needed. Colours are of Okabe and Ito (distinct for
all forms of colour vision); markers and dashes differ as well.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.experiments.depth import Point, equal_trotter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rankloom.quantum import Ansatz

SIZE = (4.6, 3.1)
"""Inches. So narrow that 9 point letters can be read on a telephone."""


@dataclass(frozen=True)
class Theme:
    """Colours and lines of a picture.

    Parameters
    ----------
    ink, soft, grid, paper : str
        Text, secondary text, grid lines, background.
    ours, theirs, third : str
        Colours of the series: the result, what it is compared with, a further one.
    """

    ink: str
    soft: str
    grid: str
    paper: str
    ours: str
    theirs: str
    third: str

    @contextmanager
    def context(self) -> Iterator[None]:
        """Matplotlib settings for pictures made and saved inside the block."""
        import matplotlib as mpl
        from cycler import cycler

        settings: dict[Any, Any] = {
            "font.size": 9.5,
            "axes.labelsize": 9.5,
            "axes.titlesize": 9.5,
            "legend.fontsize": 9,
            "text.color": self.ink,
            "axes.labelcolor": self.ink,
            "axes.edgecolor": self.soft,
            "xtick.color": self.soft,
            "ytick.color": self.soft,
            "xtick.labelcolor": self.ink,
            "ytick.labelcolor": self.ink,
            "axes.facecolor": self.paper,
            "figure.facecolor": self.paper,
            "axes.grid": True,
            "grid.color": self.grid,
            "grid.linewidth": 0.7,
            "axes.axisbelow": True,
            "axes.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=[self.ours, self.theirs, self.third]),
            "lines.linewidth": 1.7,
            "lines.markersize": 5.5,
            "legend.frameon": False,
            "savefig.facecolor": self.paper,
            "svg.hashsalt": "rankloom",  # the same picture gives the same file
        }
        # Not rc_context: it also undoes what a backend sets when it is first loaded inside the
        # block, and notebooks then show no picture.
        before = {name: mpl.rcParams[name] for name in settings}
        mpl.rcParams.update(settings)
        try:
            yield
        finally:
            mpl.rcParams.update(before)


LIGHT = Theme("#1b2330", "#5c6675", "#e6e8ec", "#ffffff", "#0072b2", "#d55e00", "#009e73")
DARK = Theme("#e8eaee", "#9aa4b2", "#333b47", "#171c24", "#56b4e9", "#f0904c", "#3fc79a")


def new_axes(size: tuple[float, float] = SIZE) -> "Axes":
    """Axes on a figure of its own that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained").subplots()


def figure_of(ax: "Axes") -> "Figure":
    """The figure that holds `ax`."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def svg(figure: "Figure") -> str:
    """The figure as SVG text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().decode()


def save_png(figure: "Figure", path: Path) -> None:
    """Write a PNG file for slides and papers."""
    figure.savefig(path, format="png", dpi=220)


def plot_convergence(history: NDArray[np.void], theme: Theme, ax: "Axes") -> "Axes":
    """Infidelity against iterations, both starts; a ring marks the end of the polar sweeps."""
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    looks = [
        (theme.ours, "-", "from the Trotter angles"),
        (theme.third, "--", "the same with noise"),
    ]
    for start in np.unique(history["start"]):
        steps = history[history["start"] == start]
        colour, dashes, label = looks[start]
        infidelity = _infidelity(steps["fidelity"])
        at = np.arange(1, len(steps) + 1)
        ax.loglog(at, infidelity, dashes, color=colour, label=label)
        polar = int((steps["stage"] == "polar").sum())
        if polar:
            ring: dict[str, Any] = {
                "mfc": theme.paper,
                "color": colour,
                "ms": 7,
                "mew": 1.6,
                "zorder": 3,
            }
            ax.plot(at[polar], infidelity[polar], "o", **ring)
    ax.plot(
        1,
        _infidelity(history["fidelity"][0]),
        "s",
        color=theme.theirs,
        ms=7,
        zorder=4,
        label="Trotter circuit",
    )
    ax.set(xlabel="step of the search", ylabel=r"infidelity $1 - F$")
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend()
    return ax


def plot_depth(points: Sequence[Point], chosen: Point, theme: Theme, ax: "Axes") -> "Axes":
    """Infidelity against CX depth; an arrow joins `chosen` with the Trotter circuit as good."""
    looks = {"Trotter": ("s-", theme.theirs), "compiled": ("o-", theme.ours)}
    for kind, (marks, colour) in looks.items():
        own = [p for p in points if p.kind == kind]
        infidelity = _infidelity([p.fidelity for p in own])
        ax.semilogy([p.depth for p in own], infidelity, marks, color=colour, label=kind)
    y = _infidelity(chosen.fidelity)
    ring: dict[str, Any] = {"ms": 12, "mfc": "none", "mec": theme.ink, "mew": 1.2, "zorder": 4}
    ax.plot(chosen.depth, y, "o", **ring)
    partner = equal_trotter(chosen.fidelity, [p for p in points if p.kind == "Trotter"])
    if partner is not None and partner.depth > chosen.depth:
        there = (partner.depth, _infidelity(partner.fidelity))
        ax.plot(*there, "s", **ring)
        arrow = {"arrowstyle": "->", "color": theme.ink, "shrinkA": 8, "shrinkB": 8, "lw": 1.1}
        ax.annotate("", there, (chosen.depth, y), arrowprops=arrow)
        text = f"{partner.depth / chosen.depth:.1f}\u00d7 the depth"
        # Right above the box nothing else is drawn: both curves fall, the legend is higher up.
        ax.annotate(text, there, (6, 7), textcoords="offset points", va="bottom")
    ax.set(xlabel="CX depth", ylabel=r"infidelity $1 - F$", xlim=(0, None))
    ax.legend(loc="upper right")
    return ax


def plot_entanglement(
    times: NDArray[np.float64], entropies: NDArray[np.float64], ax: "Axes"
) -> "Axes":
    """Entanglement entropy of every cut at every time, as a map with its scale."""
    from matplotlib.ticker import MaxNLocator

    cuts = entropies.shape[1]
    step = times[1] - times[0]
    image = ax.imshow(
        entropies,
        origin="lower",
        aspect="auto",
        cmap="viridis",
        interpolation="nearest",
        extent=(0.5, cuts + 0.5, times[0] - step / 2, times[-1] + step / 2),
    )
    ax.grid(False)
    ax.set(xlabel="cut between sites k-1 and k", ylabel="time")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label("entropy (nats)")
    bar.outline.set_visible(False)
    return ax


def plot_magnetisation(
    profiles: dict[str, NDArray[np.float64]], staggered: bool, theme: Theme, ax: "Axes"
) -> "Axes":
    """``<Z_i>`` of up to three states, the target first; staggered: times ``(-1)^i``."""
    from matplotlib.ticker import MaxNLocator

    looks: list[dict[str, Any]] = [
        {"color": theme.soft, "ls": "-", "lw": 5, "alpha": 0.45},
        {"color": theme.ours, "marker": "o", "ls": "none", "ms": 4},
        {"color": theme.theirs, "marker": "s", "ls": "--", "ms": 3.5, "lw": 1},
    ]
    for (label, profile), look in zip(profiles.items(), looks, strict=False):
        sites = np.arange(len(profile))
        ax.plot(sites, profile * (-1.0) ** (sites * staggered), label=label, **look)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    sign = r"(-1)^i\," if staggered else ""
    ax.set(xlabel="site i", ylabel=rf"${sign}\langle Z_i\rangle$")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    ax.legend(ncols=3, loc="upper center", columnspacing=1.0, handlelength=1.3)
    return ax


def plot_brickwork(ansatz: "Ansatz", theme: Theme, ax: "Axes", qubits: int = 10) -> "Axes":
    """The circuit on its first qubits, as wires and blocks of three CX gates each."""
    from matplotlib.patches import Circle, FancyBboxPatch

    shown, layers = min(qubits, ansatz.n_qubits), ansatz.block_layers
    end = float(layers.max(initial=0)) + 1.1
    for qubit in range(shown):
        ax.plot((-0.55, end), (qubit, qubit), color=theme.soft, lw=0.9, zorder=1)
        ax.text(-0.75, qubit, rf"$|0\rangle_{{{qubit}}}$", ha="right", va="center")
        ax.add_patch(Circle((-0.3, qubit), 0.15, fc=theme.third, ec="none", zorder=2))
    for bond, layer in zip(ansatz.bonds.tolist(), layers.tolist(), strict=True):
        if bond < shown:  # the last ones hang over the edge and are clipped: the circuit goes on
            style = "round,pad=0,rounding_size=0.14"
            box = FancyBboxPatch((layer + 0.22, bond - 0.14), 0.56, 1.28, boxstyle=style, zorder=2)
            box.set(fc=theme.ours, ec=theme.paper, lw=0.8)
            ax.add_patch(box)
    ax.set(xlim=(-1.5, end + 0.1), ylim=(shown - 0.5, -0.6), aspect="equal")
    ax.set_axis_off()
    return ax


def _infidelity(fidelity: ArrayLike) -> NDArray[np.float64]:
    """``1 - F``, with what rounding takes below zero lifted onto a logarithmic scale."""
    return np.maximum(1.0 - np.asarray(fidelity, np.float64), 1e-16)
