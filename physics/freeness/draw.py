"""Pictures of the coloured graphs of trace invariants."""

from typing import TYPE_CHECKING

import numpy as np

from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.tn.draw import _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of the edges, after Okabe and Ito; further colours start again."""


def plot_graph(invariant: TraceInvariant, ax: "Axes | None" = None) -> "Axes":
    """The coloured graph of a trace invariant.

    A mixed invariant has a box for each copy of A and an arrow of colour c from box x to box
    ``s_c(x)``. A pure one has white vertices for the copies of T, black ones for those of its
    conjugate, and an edge of colour c between black x and white ``s_c(x)``.

    Parameters
    ----------
    invariant : TraceInvariant
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.

    Returns
    -------
    matplotlib Axes
    """
    from matplotlib.patches import Circle, FancyArrowPatch

    ax = _axes(ax, (2.4, 2.4))
    n, mixed = invariant.n, invariant.kind == "mixed"
    places = n if mixed else 2 * n
    angles = np.pi / 2 - 2 * np.pi * np.arange(places) / places
    ring = np.column_stack([np.cos(angles), np.sin(angles)]) if places > 1 else np.zeros((1, 2))
    white, black = (ring, ring) if mixed else (ring[::2], ring[1::2])
    spread = np.linspace(-0.35, 0.35, invariant.D) if invariant.D > 1 else [0.12]
    for c, s in enumerate(invariant.perms):
        colour = COLOURS[c % len(COLOURS)]
        for x, y in enumerate(s):
            if mixed and x == y:
                away = ring[x] / max(np.linalg.norm(ring[x]), 1e-9) if n > 1 else np.array([0, 1])
                radius = 0.16 + 0.07 * c
                loop = Circle(ring[x] + radius * away, radius, fill=False, ec=colour, lw=1.4)
                ax.add_patch(loop)
                continue
            # both ways between two boxes an arrow bends to its own left, so they do not cover
            bend = 0.15 + 0.13 * c if mixed else spread[c]
            arrow = FancyArrowPatch(
                tuple(black[x]),
                tuple(white[y]),
                connectionstyle=f"arc3,rad={bend}",
                arrowstyle="-|>" if mixed else "-",
                mutation_scale=9,
                shrinkA=5,
                shrinkB=5,
                color=colour,
                lw=1.4,
            )
            ax.add_patch(arrow)
    marker = "s" if mixed else "o"
    ax.plot(*white.T, marker, ms=8, mfc="white", mec="#333333", zorder=3)
    if not mixed:
        ax.plot(*black.T, marker, ms=8, color="#333333", zorder=3)
    ax.set_xlim(-1.75, 1.75)
    ax.set_ylim(-1.75, 1.75)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
