"""The pictures of random matrices beside their predictions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from rankloom.experiments.freeness_study import SIZES, FreenessStudy
from rankloom.experiments.plots import Theme
from rankloom.physics.freeness.densities import semicircle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Plot = Callable[[FreenessStudy, Theme, "Axes"], "Axes"]


def plot_spectrum(study: FreenessStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Histogram of the eigenvalues, the prediction, and what freeness would give."""
    values = study.eigenvalues.ravel()
    ax.hist(values, bins=70, density=True, color=theme.soft, alpha=0.4, label="sampled")
    ax.plot(study.grid, study.density, color=theme.ours, label="predicted")
    ax.plot(study.grid, study.if_free, "--", color=theme.theirs, label="if they were free")
    ax.set(xlabel="eigenvalue", ylabel="density", ylim=(0, 1.35 * study.density.max()))
    ax.legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.4)
    return ax


def plot_transposed(study: FreenessStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Eigenvalues of partial transposes, for several environments, on their semicircles."""
    colours = (theme.theirs, theme.third, theme.ours)
    for found, colour in zip(study.transposed, colours, strict=False):
        label = f"environment {found.ratio:g} d²"
        ax.hist(found.values, bins=30, density=True, color=colour, alpha=0.35, label=label)
        width = 2.1 * np.sqrt(found.ratio)
        x = np.linspace(found.ratio - width, found.ratio + width, 300)
        ax.plot(x, semicircle(x, found.ratio, found.ratio), color=colour)
    ax.axvline(0, color=theme.ink, lw=0.8)
    ax.set(xlabel="eigenvalue of the partial transpose of W/d²", ylabel="density")
    ax.legend(loc="upper right")
    return ax


def plot_convergence(study: FreenessStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Distance of exact moments from their limits against 1/N."""
    sizes = np.array(SIZES, dtype=float)
    looks = ((theme.ours, "o-"), (theme.theirs, "s--"))
    for (n, gaps), (colour, style) in zip(study.gaps.items(), looks, strict=True):
        ax.loglog(1 / sizes, gaps, style, color=colour, label=f"order {n}")
    ax.loglog(1 / sizes, 1.0 / sizes**2, ":", color=theme.soft, label="1/N²")
    ax.set(xlabel="1/N", ylabel="relative distance from the limit")
    ax.legend(loc="lower right")
    return ax


def plot_moments(study: FreenessStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Moments over those that free matrices would have."""
    orders = np.array([row.order for row in study.moments])
    free = np.array([float(row.if_free) for row in study.moments])
    limit = np.array([float(row.limit) for row in study.moments])
    sampled = np.array([row.sampled for row in study.moments])
    errors = np.array([row.error for row in study.moments])
    ax.axhline(1, color=theme.theirs, ls="--", label="if they were free")
    ax.plot(orders, limit / free, color=theme.ours, label="tensor free cumulants")
    ax.errorbar(
        orders,
        sampled / free,
        4 * errors / free,
        fmt="o",
        color=theme.ink,
        capsize=3,
        ms=4,
        label="sampled, 4 errors",
    )
    ax.set(xlabel="order n", ylabel="moment / free moment", xticks=orders)
    ax.legend(loc="upper left")
    return ax
