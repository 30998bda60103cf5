"""Pictures and tables of matrix product states and of the runs that make them."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.tn.ground import GroundState
    from rankloom.tn.mps import MPS

_PER_ROW = 20
_BLUE, _ORANGE, _GREY = "#2b6cb0", "#dd6b20", "#8a94a3"


def plot_entropy(state: "MPS", ax: "Axes | None" = None) -> "Axes":
    """Entanglement entropy against the cut, with the largest value that each cut allows.

    Parameters
    ----------
    state : MPS
        At least two sites.
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax)
    cuts = np.arange(1, state.n_sites)
    ax.plot(cuts, state.entropies(), "o-", ms=3, color=_BLUE, label="entropy")
    allowed = np.log(np.array(state.bond_dimensions[1:-1], dtype=float))
    ax.plot(cuts, allowed, "--", lw=1, color=_GREY, label="ln(bond dimension)")
    ax.set_xlabel("cut k (between sites k-1 and k)")
    ax.set_ylabel("entanglement entropy (nats)")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


def draw(state: "MPS", ax: "Axes | None" = None) -> "Axes":
    """The chain: triangles point to the centre, bond lines widen with the bond dimension.

    A triangle is an orthonormal tensor, the diamond the orthogonality centre; circles are tensors
    of a state without known centre. Long chains continue in further rows.

    Parameters
    ----------
    state : MPS
    ax : matplotlib Axes, optional
        Where to draw; new Axes of fitting size by default.

    Returns
    -------
    matplotlib Axes
    """
    n, bonds = state.n_sites, state.bond_dimensions
    rows, columns = -(-n // _PER_ROW), min(n, _PER_ROW)
    ax = _axes(ax, (max(3.0, 0.6 * columns + 0.8), 1.1 * rows + 0.4))
    at = [(float(k % _PER_ROW), -float(k // _PER_ROW)) for k in range(n)]
    for k in range(1, n):
        (x0, y0), (x1, y1) = at[k - 1], at[k]
        width = 1 + 0.9 * np.log2(bonds[k])
        if y0 == y1:
            pieces = [((x0, x1), y0)]
        else:  # the bond between two rows leaves on the right and comes back on the left
            pieces = [((x0, x0 + 0.6), y0), ((x1 - 0.6, x1), y1)]
        for xs, y in pieces:
            ax.plot(xs, (y, y), color=_GREY, lw=width, solid_capstyle="butt", zorder=1)
        ax.text(x1 - 0.5, y1 + 0.13, str(bonds[k]), ha="center", va="bottom", fontsize=7)
    for k, (x, y) in enumerate(at):
        ax.plot((x, x), (y, y - 0.32), color=_BLUE, lw=1.2, zorder=1)
        marker, color = _marker(k, state.center)
        ax.plot(x, y, marker, ms=11, color=color, zorder=2)
        ax.text(x, y - 0.36, str(k), ha="center", va="top", fontsize=6, color=_GREY)
    ax.set_xlim(-0.9, columns - 0.1)
    ax.set_ylim(-rows + 0.35, 0.5)
    ax.set_axis_off()
    return ax


def plot_convergence(run: "GroundState", ax: "Axes | None" = None) -> "Axes":
    """Energy above the final one, variance estimate and discarded weight of each pass.

    Parameters
    ----------
    run : GroundState
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax)
    passes = np.arange(1, len(run.energies) + 1)
    above = run.energies - run.energy
    for values, label, color in (
        (above, "energy - final energy", _BLUE),
        (run.variances, "variance (estimate)", _ORANGE),
        (run.discarded, "discarded weight", _GREY),
    ):
        shown = np.where(values > 0.0, values, np.nan)  # zero has no place on a logarithmic axis
        ax.semilogy(passes, shown, "o-", ms=3, color=color, label=label)
    ax.set_xlabel("pass over the chain")
    ax.legend(frameon=False)
    return ax


def html(state: "MPS") -> str:
    """Small table for notebooks: sites, bonds, memory. Contracts nothing."""
    rows = {
        "sites": str(state.n_sites),
        "physical dimensions": _runs(state.physical_dimensions),
        "bond dimensions": _runs(state.bond_dimensions),
        "largest bond": str(max(state.bond_dimensions)),
        "centre": "unknown" if state.center is None else str(state.center),
        "data type": str(state.dtype),
        "memory": _size(state.nbytes),
    }
    cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return f"<table><caption>MPS</caption>{cells}</table>"


def _runs(values: tuple[int, ...]) -> str:
    """``(2, 2, 2, 4)`` as ``2 x3, 4``; the middle of long lists is left out."""
    starts = [k for k, v in enumerate(values) if k == 0 or v != values[k - 1]]
    lengths = np.diff([*starts, len(values)])
    runs = [
        f"{values[k]} x{length}" if length > 1 else str(values[k])
        for k, length in zip(starts, lengths, strict=True)
    ]
    if len(runs) > 12:
        runs = [*runs[:6], "..", *runs[-6:]]
    return ", ".join(runs)


def _size(nbytes: float) -> str:
    """``2688`` as ``2.69 kB``."""
    for unit in ("B", "kB", "MB"):
        if nbytes < 1000:
            return f"{nbytes:.3g} {unit}"
        nbytes /= 1000
    return f"{nbytes:.3g} GB"


def _marker(k: int, center: int | None) -> tuple[str, str]:
    if center is None:
        return "o", _GREY
    if k == center:
        return "D", _ORANGE
    return (">" if k < center else "<"), _BLUE


def _axes(ax: "Axes | None", size: tuple[float, float] | None = None) -> "Axes":
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]
