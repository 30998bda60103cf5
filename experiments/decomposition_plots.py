"""The pictures of Tucker and CP tensors: scree plots, and all factors side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.decomposition import CPFit, CPTensor, TuckerTensor
from rankloom.experiments.plots import SIZE, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 4  # components of a picture: more cannot be told apart
_FEW = 16  # modes with fewer indices get markers


def looks(theme: Theme) -> list[dict[str, Any]]:
    """Colour, dashes and marker of the first components."""
    return [
        {"color": theme.ours, "ls": "-", "marker": "o"},
        {"color": theme.theirs, "ls": "--", "marker": "s"},
        {"color": theme.third, "ls": "-.", "marker": "^"},
        {"color": theme.soft, "ls": ":", "marker": "D"},
    ]


def plot_scree(
    values: Sequence[NDArray[np.float64]],
    names: Sequence[str],
    theme: Theme,
    ax: "Axes",
    shown: int = 24,
) -> "Axes":
    """Singular values of the unfolding of every mode, relative to the norm."""
    for k, (found, name) in enumerate(zip(values, names, strict=True)):
        look = looks(theme)[k % _SHOWN]
        relative = np.asarray(found) / np.linalg.norm(found)
        relative = relative[:shown][relative[:shown] > 1e-15]
        ax.semilogy(np.arange(1, len(relative) + 1), relative, label=name, ms=3.5, **_thin(look))
    ax.set(xlabel="number of the singular value", ylabel="singular value / norm")
    ax.legend(loc="upper right")
    return ax


def plot_factors(
    tensor: TuckerTensor | CPTensor,
    names: Sequence[str],
    theme: Theme,
    ticks: Sequence[ArrayLike | None] | None = None,
    modes: Sequence[int] | None = None,
) -> "Axes":
    """The first components of every mode, one panel a mode; the real parts of complex ones.

    Parameters
    ----------
    tensor : TuckerTensor or CPTensor
    names : sequence of str
        Of all modes.
    theme : Theme
    ticks : sequence of array, optional
        What the indices of each mode stand for; None for the index itself.
    modes : sequence of int, optional
        The modes to show, in this order; all by default.
    """
    from matplotlib.figure import Figure

    wanted = range(tensor.n_modes) if modes is None else modes
    columns = min(2, len(wanted))
    rows = -(-len(wanted) // columns)
    size = (SIZE[0] * columns / 2 * 1.35, 2.35 * rows)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, k in zip(panels, wanted, strict=False):
        at = None if ticks is None else ticks[k]
        _panel(np.real(tensor.factors[k]), names[k], theme, ax, at)
    for ax in panels[len(wanted) :]:
        ax.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    first: Axes = panels[0]
    return first


def _panel(
    factor: NDArray[np.float64], name: str, theme: Theme, ax: "Axes", at: ArrayLike | None
) -> None:
    where = np.arange(len(factor)) if at is None else np.asarray(at)
    for r, look in zip(range(factor.shape[1]), looks(theme), strict=False):
        marker = look["marker"] if len(factor) <= _FEW else ""
        ax.plot(where, factor[:, r], label=f"{r + 1}", ms=3.5, **_thin(look | {"marker": marker}))
    if factor.min() >= 0:
        ax.set_ylim(0, None)
    ax.set(xlabel=name)


def _thin(look: dict[str, Any]) -> dict[str, Any]:
    return look | {"lw": 1.4}


def strongest(terms: CPTensor) -> tuple[int, tuple[int, int]]:
    """The sample, emission and excitation at which the terms of a measurement are largest."""
    first, second, third = (f @ np.diag(terms.weights ** (1 / 3)) for f in terms.factors[:3])
    sums = np.einsum("ar,br,cr->abc", first, second, third)
    sample, emission, excitation = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(sample), (int(emission), int(excitation))


def plot_trace(
    x: NDArray[np.float64],
    terms: CPTensor,
    sample: int,
    wavelengths: tuple[int, int],
    times: NDArray[np.float64],
    theme: Theme,
    ax: "Axes",
) -> "Axes":
    """One measured curve in time, the sum of the terms, and each of them."""
    place = (sample, *wavelengths)
    ax.plot(times, x[place], "o", color=theme.ink, ms=2.5, label="measured")
    ax.plot(times, terms[place].to_dense(), "-", color=theme.soft, lw=1.4, label="sum")
    for r, look in zip(range(terms.rank), looks(theme), strict=False):
        head = terms.weights[r] * np.prod([terms.factors[k][i, r] for k, i in enumerate(place)])
        part = look | {"marker": ""}
        ax.plot(times, head * terms.factors[3][:, r], label=f"term {r + 1}", **_thin(part))
    ax.set(xlabel="time (min)", ylabel="intensity", ylim=(0, None))
    ax.legend(loc="center", bbox_to_anchor=(0.45, 0.47))
    return ax


def plot_ladder(fits: Sequence[CPFit], chosen: int, theme: Theme, ax: "Axes") -> "Axes":
    """Relative error against the number of terms; a ring at the one that was chosen."""
    errors = [fit.error for fit in fits]
    ax.plot(range(1, len(fits) + 1), errors, "o-", color=theme.ours)
    ax.plot(
        chosen, errors[chosen - 1], "o", ms=12, mfc="none", mec=theme.theirs, mew=1.5, ls="none"
    )
    ax.set(xlabel="number of terms", ylabel="relative error", ylim=(0, None))
    ax.set_xticks(range(1, len(fits) + 1))
    return ax


def plot_products(products: dict[int, CPFit], theme: Theme, ax: "Axes") -> "Axes":
    """Residual of the matrix product after every sweep, for both numbers of terms."""
    for (rank, fit), look in zip(sorted(products.items()), looks(theme), strict=False):
        sweeps = np.arange(1, len(fit.errors) + 1)
        part = look | {"marker": ""}
        ax.semilogy(sweeps, np.maximum(fit.errors, 1e-16), label=f"{rank} terms", **_thin(part))
    ax.axhline(8**-0.5, color=theme.soft, lw=0.9, ls=":")
    ax.set(xlabel="sweep", ylabel="relative error")
    ax.legend(loc="lower left")
    return ax
