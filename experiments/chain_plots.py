"""The pictures of chains beside their exact answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments.chain_study import ChainStudy, Compared
from rankloom.experiments.plots import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FLOOR = 1e-9


def plot_growth(study: ChainStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Entropy in the middle against time, for every bond dimension, on the exact curve."""
    ax.plot(study.times, study.exact.entropies[:, study.middle], **_exact(theme))
    for quench, look in zip(study.quenches, _looks(study.quenches, theme), strict=True):
        ax.plot(study.times, quench.run.entropies[:, study.middle], label=quench.name, **look)
    low = np.log(study.quenches[0].bond)
    if low < 1.5 * ax.get_ylim()[1]:
        ax.axhline(low, color=theme.soft, lw=0.9, ls=":")
        ax.annotate(
            f"ln {study.quenches[0].bond}",
            (0.0, low),
            (2, 3),
            textcoords="offset points",
            color=theme.soft,
        )
    ax.set(xlabel="time", ylabel="entropy in the middle (nats)", ylim=(0, None))
    ax.legend(loc="lower right")
    return ax


def plot_errors(study: ChainStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Largest error of the magnetisation against time, for every bond dimension."""
    for quench, look in zip(study.quenches, _looks(study.quenches, theme), strict=True):
        errors = np.maximum(quench.magnetization[1:], _FLOOR)
        ax.semilogy(study.times[1:], errors, label=quench.name, **look)
    ax.set(xlabel="time", ylabel=r"largest error of $\langle X_i\rangle$")
    ax.legend(loc="upper left")
    return ax


def plot_relaxation(study: ChainStudy, theme: Theme, ax: "Axes") -> "Axes":
    """``<X>`` of the first spin and of one in the middle against time, on the exact curves."""
    sites = {"first spin": (0, theme.theirs), "in the middle": (study.middle, theme.ours)}
    for name, (site, colour) in sites.items():
        look = _exact(theme) | {"label": "exact" if site == 0 else None}
        ax.plot(study.times, study.exact.magnetization[:, site], **look)
        values = study.best.run.evolution.observed["X"][:, site]
        ax.plot(study.times, values, "-" if site else "--", color=colour, label=name)
    ax.set(xlabel="time", ylabel=r"$\langle X_i\rangle$")
    ax.legend(loc="upper right")
    return ax


def plot_search(study: ChainStudy, theme: Theme, ax: "Axes") -> "Axes":
    """Energy above the exact one after every pass, and the discarded weight."""
    from matplotlib.ticker import MaxNLocator

    found, exact = study.ground.found[0], study.ground.exact[0]
    passes = np.arange(1, len(found.energies) + 1)
    floor = 1e-16 * abs(exact)
    above = np.maximum(found.energies - exact, floor)
    ax.semilogy(passes, above, "o-", color=theme.ours, label="energy above the exact one")
    cut = np.where(found.discarded > 0, found.discarded, np.nan)
    ax.semilogy(passes, cut, "s--", color=theme.theirs, label="discarded weight", ms=4)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="pass over the chain", ylabel="energy, weight")
    ax.legend()
    return ax


def plot_profile(
    entropies: NDArray[np.float64], exact: NDArray[np.float64], theme: Theme, ax: "Axes"
) -> "Axes":
    """Entropy at every cut of a ground state, on the exact values."""
    from matplotlib.ticker import MaxNLocator

    cuts = np.arange(1, len(exact) + 1)
    ax.plot(cuts, exact, **_exact(theme))
    ax.plot(cuts, entropies, "o", color=theme.ours, ms=4, label="DMRG")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="cut between sites k-1 and k", ylabel="entropy (nats)")
    ax.legend(loc="lower center")
    return ax


def _exact(theme: Theme) -> dict[str, Any]:
    return {"color": theme.soft, "lw": 5, "alpha": 0.45, "label": "exact"}


def _looks(quenches: Sequence[Compared], theme: Theme) -> list[dict[str, Any]]:
    """The smallest D in the colour of what fails first, the largest in that of the result."""
    tebd: list[dict[str, Any]] = [
        {"color": theme.theirs, "ls": "--"},
        {"color": theme.third, "ls": "-."},
        {"color": theme.ours, "ls": "-"},
    ]
    tdvp = {"color": theme.ink, "ls": "none", "marker": "o", "ms": 3, "markevery": 2}
    return [*tebd[4 - len(quenches) :], tdvp]
