"""Pictures: spectra and their limits, estimates and exact values, the approach to the limit."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.physics.freeness.draw import plot_graph
from rankloom.physics.freeness.gaussian_law import Gaussian
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.law import Law
from rankloom.physics.freeness.product_law import ProductGaussian
from rankloom.tn.arrays import Array, to_host
from rankloom.tn.draw import _BLUE, _GREY, _ORANGE, _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.physics.freeness.estimate import Estimate

_GRAPHS = 12  # bars up to which each has its graph drawn below


def plot_spectrum(
    samples: Array,
    densities: Mapping[str, Callable[[Any], Any]] | Callable[[Any], Any] | None = None,
    *,
    bins: int = 60,
    ax: "Axes | None" = None,
) -> "Axes":
    """Histogram of the eigenvalues of Hermitian samples, with predicted densities.

    Parameters
    ----------
    samples : (S, N_1, .., N_D, N_1, .., N_D), (S, d, d) or (values,) array
        Hermitian matrices, or eigenvalues.
    densities : callable or dict of str to callable, optional
        From an array of positions to densities; the keys are the legend.
    bins : int, default 60
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.

    Raises
    ------
    ValueError
        Samples that are neither matrices nor one axis of eigenvalues.
    """
    values = eigenvalues(samples)
    ax = _axes(ax)
    ax.hist(values, bins=bins, density=True, color=_GREY, alpha=0.45, label="sampled")
    low, high = ax.get_xlim()
    x = np.linspace(low, high, 400)
    named = densities if isinstance(densities, Mapping) else {"predicted": densities}
    looks = ((_BLUE, "-"), (_ORANGE, "--"), (_GREY, "-."))
    for (name, density), (colour, style) in zip(named.items(), looks, strict=False):
        if density is not None:
            ax.plot(x, density(x), style, color=colour, lw=1.7, label=name)
    ax.set_xlim(low, high)
    ax.set_xlabel("eigenvalue")
    ax.set_ylabel("density")
    ax.legend(frameon=False)
    return ax


def eigenvalues(samples: Array) -> Any:
    """Eigenvalues of Hermitian samples as one axis; one axis is handed back as it is.

    Raises
    ------
    ValueError
        The samples are no square matrices.
    """
    host = to_host(samples)
    if host.ndim == 1:
        return host
    half = (host.ndim - 1) // 2
    d = int(np.prod(host.shape[1 : 1 + half]))
    if host.ndim % 2 == 0 or host.shape[1 : 1 + half] != host.shape[1 + half :]:
        raise ValueError(
            f"`samples` must be (S, rows.., columns..) matrices or eigenvalues, got {host.shape}."
        )
    return np.linalg.eigvalsh(host.reshape(-1, d, d)).ravel()


def plot_estimate(
    estimate: "Estimate",
    exact: Law | Mapping[TraceInvariant, Any] | None = None,
    *,
    ax: "Axes | None" = None,
) -> "Axes":
    """Estimated moments or cumulants as bars with standard errors, and exact values as marks.

    Parameters
    ----------
    estimate : Estimate
        Real parts are drawn. Up to 12 invariants have their coloured graphs below the bars.
    exact : Law or dict of TraceInvariant to number, optional
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.
    """
    invariants = estimate.invariants
    k = len(invariants)
    ax = _axes(ax, (min(10.0, 1.4 + 0.75 * k), 3.6))
    at = np.arange(k)
    ax.bar(at, estimate.mean.real, width=0.6, color=_BLUE, alpha=0.55, label="estimate")
    ax.errorbar(at, estimate.mean.real, estimate.error, fmt="none", ecolor=_BLUE, capsize=3)
    if exact is not None:
        ask: Callable[[TraceInvariant], Any]
        if isinstance(exact, Law):
            ask = exact.moment if estimate.of == "moments" else exact.cumulant
        else:
            ask = exact.__getitem__
        values = [complex(ask(t)).real for t in invariants]
        ax.plot(at, values, "_", ms=16, mew=2, color=_ORANGE, label="exact")
    ax.margins(y=0.18)
    ax.axhline(0, color=_GREY, lw=0.8)
    ax.set_xlim(-0.6, k - 0.4)
    ax.set_ylabel("E Tr" if estimate.of == "moments" else "free cumulant K")
    ax.legend(frameon=False)
    if k > _GRAPHS:
        ax.set_xlabel("invariant")
        return ax
    ax.set_xticks([])
    for x, t in zip(at, invariants, strict=True):
        inset = ax.inset_axes((x - 0.45, -0.34, 0.9, 0.32), transform=ax.get_xaxis_transform())
        plot_graph(t, inset)
    return ax


def plot_convergence(
    make: Callable[[int], Gaussian | ProductGaussian],
    invariants: Sequence[TraceInvariant],
    sizes: Sequence[int],
    *,
    ax: "Axes | None" = None,
) -> "Axes":
    """Distance of exact normalised moments from their limits against 1/N.

    Parameters
    ----------
    make : callable
        From a dimension N to the law whose colours all have it.
    invariants : sequence of TraceInvariant
    sizes : sequence of int
        The N to show.
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.
    """
    ax = _axes(ax)
    laws = [make(size) for size in sizes]
    inverse = 1 / np.array(sizes, dtype=float)
    for t, marker in zip(invariants, "osD^v<>ph" * len(invariants), strict=False):
        gaps = [float(abs(law.normalised_moment(t) - law.asymptotic_moment(t))) for law in laws]
        shown = np.where(np.array(gaps) > 0, gaps, np.nan)  # exact at every N: no place on the axis
        name = f"{[*t.perms]}" + ("" if any(gaps) else ", none")
        ax.loglog(inverse, shown, marker + "-", ms=4, label=name)
    for power, style in ((1, ":"), (2, "--")):
        ax.loglog(inverse, inverse**power, style, color=_GREY, lw=1, label=f"$N^{{-{power}}}$")
    ax.set_xticks(inverse, [f"1/{size}" for size in sizes])
    ax.minorticks_off()
    ax.set_xlabel("1/N")
    ax.set_ylabel("|moment - limit|")
    ax.legend(frameon=False, fontsize="small")
    return ax
