"""Pictures and tables of functional models."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.decomposition.checks import mode_index
from rankloom.decomposition.functional.processes import Floats
from rankloom.decomposition.functional.scores import calibration_curve
from rankloom.tn.draw import _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.decomposition.functional.answers import Fitted

_POINTS = 400
_SHOWN = 4


def plot_mode(
    model: "Fitted",
    mode: int,
    ax: "Axes | None" = None,
    components: Sequence[int] | None = None,
) -> "Axes":
    """Functions of one mode with bands of two standard deviations.

    Parameters
    ----------
    model : FunctionalTucker or FunctionalCP
        Fitted.
    mode : int
    ax : Axes, optional
    components : sequence of int, optional
        Functions to draw; the first four by default.
    """
    k = mode_index("mode", mode, model.n_features_in_)
    nodes = model.nodes_[k]
    t = np.linspace(nodes[0], nodes[-1], _POINTS)
    mean, std = model.mode_function(k, t)
    chosen = range(min(_SHOWN, mean.shape[1])) if components is None else components
    ax = _axes(ax)
    for c in chosen:
        r = mode_index("components", c, mean.shape[1])
        (line,) = ax.plot(t, mean[:, r], lw=1.4, label=str(r))
        low, high = mean[:, r] - 2 * std[:, r], mean[:, r] + 2 * std[:, r]
        ax.fill_between(t, low, high, color=line.get_color(), alpha=0.2, lw=0)
    ax.set_xlabel(f"coordinate of mode {k}")
    ax.set_ylabel("mode function")
    ax.margins(x=0)
    if len(chosen) > 1:
        ax.legend(title="component", frameon=False, fontsize="small")
    return ax


def plot_trace(trace: Sequence[float], ax: "Axes | None" = None) -> "Axes":
    """Evidence bound after every sweep, the first few outside the picture when far below."""
    ax = _axes(ax)
    values = np.asarray(trace)
    ax.plot(np.arange(1, len(values) + 1), values, "o-", ms=3, lw=1.2)
    if len(values) > 10:
        low = values[min(3, len(values) - 1)]
        ax.set_ylim(low, values[-1] + 0.05 * (values[-1] - low) + 1e-9)
    ax.set_xlabel("sweep")
    ax.set_ylabel("evidence lower bound (nats)")
    return ax


def plot_lengthscales(model: "Fitted", ax: "Axes | None" = None) -> "Axes":
    """Lengthscales of all kernels after every sweep, relative to the range of their mode."""
    ax = _axes(ax)
    trace = np.asarray(model.lengthscale_trace_)
    owners = [k for k, kernel in enumerate(model.kernels_) for _ in kernel.parts]
    for column, k in enumerate(owners):
        name = f"mode {k}" if owners.count(k) == 1 else f"mode {k}, term {column - owners.index(k)}"
        span = np.ptp(model.nodes_[k])
        ax.semilogy(np.arange(1, len(trace) + 1), trace[:, column] / span, lw=1.4, label=name)
    ax.set_xlabel("sweep")
    ax.set_ylabel("lengthscale / range")
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_calibration(y: Any, mean: Floats, std: Floats, ax: "Axes | None" = None) -> "Axes":
    """Fraction of values inside central intervals of every level; the diagonal is right."""
    ax = _axes(ax)
    seen = ~np.isnan(y)
    levels, inside, _ = calibration_curve(y[seen], mean[seen], std[seen])
    ax.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--", label="right")
    ax.plot(levels, inside, lw=1.6, label="found")
    ax.set_xlabel("level of the interval")
    ax.set_ylabel("fraction of values inside")
    ax.set_aspect("equal")
    ax.legend(frameon=False, loc="upper left")
    return ax


def plot_pit(y: Any, mean: Floats, std: Floats, ax: "Axes | None" = None) -> "Axes":
    """Histogram of the probability integral transform: flat for right predictions."""
    ax = _axes(ax)
    seen = ~np.isnan(y)
    _, _, pit = calibration_curve(y[seen], mean[seen], std[seen])
    ax.hist(pit, bins=20, range=(0, 1), density=True, alpha=0.7)
    ax.axhline(1.0, color="0.4", lw=1, ls="--")
    ax.set_xlabel("probability integral transform")
    ax.set_ylabel("density")
    return ax


def html(model: "Fitted") -> str:
    """Small table for notebooks."""
    rows = {"model": repr(model)}
    if hasattr(model, "_posterior"):
        scales = [" + ".join(p.label for p in kernel.parts) for kernel in model.kernels_]
        rows |= {
            "distinct coordinates": ", ".join(str(len(n)) for n in model.nodes_),
            "kernels, lengthscales": "; ".join(scales),
            "noise": f"{model.noise_std_:.4g}",
            "evidence bound": f"{model.elbo_:.2f} nats after {len(model.elbo_trace_)} sweeps",
            "outcome": f"{model.outcome_.name}: {model.outcome_.value}",
        }
        kept = model.validation_
        if kept is not None:
            rows["kept out"] = f"{kept.count} values: RMSE {kept.rmse:.4g}, NLPD {kept.nlpd:.4g}"
    cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return f"<table><caption>{type(model).__name__}</caption>{cells}</table>"
