"""The pictures of functional models: mode functions with bands, and calibration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.functional.scores import calibration_curve
from rankloom.experiments.plots import Theme, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
_POINTS = 300


def _looks(theme: Theme) -> list[dict[str, Any]]:
    return [
        {"color": theme.ours, "ls": "-"},
        {"color": theme.theirs, "ls": "--"},
        {"color": theme.third, "ls": "-."},
        {"color": theme.soft, "ls": ":"},
    ]


def plot_functions(
    model: Any,
    mode: int,
    name: str,
    theme: Theme,
    exact: Floats | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Functions of one mode with bands of two standard deviations.

    Parameters
    ----------
    model : FunctionalCP or FunctionalTucker
    mode : int
    name : str
        Of the coordinate.
    theme : Theme
    exact : (300, R) array, optional
        Exact functions on as many equal steps over the range, drawn under ours.
    ax : Axes, optional
    """
    ax = new_axes() if ax is None else ax
    nodes = model.nodes_[mode]
    t = np.linspace(nodes[0], nodes[-1], _POINTS)
    mean, std = model.mode_function(mode, t)
    looks = _looks(theme)
    for r in range(min(mean.shape[1], len(looks))):
        look = looks[r]
        if exact is not None:
            ax.plot(t, exact[:, r], color=theme.ink, lw=3.2, alpha=0.25)
        ax.plot(t, mean[:, r], lw=1.4, label=f"function {r}", **look)
        low, high = mean[:, r] - 2 * std[:, r], mean[:, r] + 2 * std[:, r]
        ax.fill_between(t, low, high, color=look["color"], alpha=0.2, lw=0)
    ax.margins(x=0)
    ax.set(xlabel=name, ylabel="mode function")
    if mean.shape[1] > 1:
        ax.legend()
    return ax


def plot_calibration(
    predictions: Sequence[tuple[str, Floats, Floats, Floats]],
    theme: Theme,
    ax: "Axes | None" = None,
) -> "Axes":
    """Fraction of values inside central intervals of every level.

    Parameters
    ----------
    predictions : sequence of (name, y, mean, std)
    theme : Theme
    ax : Axes, optional
    """
    ax = new_axes() if ax is None else ax
    ax.plot([0, 1], [0, 1], color=theme.soft, lw=1)
    for look, (name, y, mean, std) in zip(_looks(theme), predictions, strict=False):
        levels, inside, _ = calibration_curve(y, mean, std)
        ax.plot(levels, inside, lw=1.5, label=name, **look)
    ax.set(xlabel="level of the interval", ylabel="fraction of values inside")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.legend(loc="upper left")
    return ax


def plot_trace(trace: Sequence[float], theme: Theme, ax: "Axes | None" = None) -> "Axes":
    """How far every sweep's evidence bound lies below the last."""
    ax = new_axes() if ax is None else ax
    below = trace[-1] - np.asarray(trace[:-1])
    ax.semilogy(np.arange(1, len(trace)), np.maximum(below, 1e-6), color=theme.ours, lw=1.5)
    ax.set(xlabel="sweep", ylabel="evidence bound below the last (nats)")
    return ax
