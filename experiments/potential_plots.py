"""The pictures of potentials."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments.plots import Theme
from rankloom.experiments.potential_study import PotentialStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_slice(
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
    values: NDArray[np.float64],
    limit: float,
    ax: "Axes",
    label: str = "potential",
    unit: str = "",
) -> "Axes":
    """A potential in a plane, blue below and red above zero, clipped at plus and minus `limit`."""
    image = ax.imshow(
        values.T,
        origin="lower",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(axes[0][0], axes[0][-1], axes[1][0], axes[1][-1]),
        interpolation="bilinear",
    )
    ax.grid(False)
    suffix = f" ({unit})" if unit else ""
    ax.set(xlabel=f"x{suffix}", ylabel=f"y{suffix}")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02, extend="both")
    bar.set_label(label)
    bar.outline.set_visible(False)
    return ax


def plot_ranks(study: PotentialStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Largest Tucker rank, and the error reached, against the tolerance."""
    tols = [r.tol for r in study.ranks]
    ax.semilogx(tols, [r.rank for r in study.ranks], "o-", color=theme.ours, label="rank")
    ax.set(xlabel="tolerance", ylabel="largest Tucker rank", ylim=(0, None))
    ax.invert_xaxis()
    other = ax.twinx()
    other.loglog(
        tols, [r.error for r in study.ranks], "s--", color=theme.theirs, label="error", ms=4.5
    )
    other.loglog(tols, tols, ":", color=theme.soft, lw=1, label="tolerance")
    other.set_ylabel("relative error found")
    other.grid(False)
    lines = [*ax.get_lines(), *other.get_lines()]
    ax.legend(
        lines, [str(line.get_label()) for line in lines], loc="lower center", ncols=3,
        bbox_to_anchor=(0.5, 1.0),
    )  # fmt: skip
    return ax
