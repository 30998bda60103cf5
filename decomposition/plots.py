"""Pictures and tables of Tucker and CP tensors and of fits."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.decomposition.checks import mode_index
from rankloom.tn.arrays import to_host
from rankloom.tn.draw import _axes, _size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.decomposition.cp_tensor import CPTensor
    from rankloom.decomposition.selection import RankSuggestion
    from rankloom.decomposition.tensor import FactoredTensor
    from rankloom.decomposition.tucker_tensor import TuckerTensor


def plot_components(
    tensor: "FactoredTensor",
    mode: int,
    components: Sequence[int] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Columns of one factor against the index of the mode; the real parts of complex ones.

    Parameters
    ----------
    tensor : TuckerTensor or CPTensor
    mode : int
    components : sequence of int, optional
        Columns to draw; the first six by default.
    ax : matplotlib Axes, optional
        Where to draw; new Axes by default.
    """
    k = mode_index("mode", mode, tensor.n_modes)
    factor = np.real(to_host(tensor._factors[k]))
    chosen = range(min(6, factor.shape[1])) if components is None else components
    ax = _axes(ax)
    for r in chosen:
        ax.plot(factor[:, mode_index("components", r, factor.shape[1])], label=str(r), lw=1.2)
    ax.axhline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_xlabel(f"index of mode {k}")
    ax.set_ylabel("entry of the factor")
    ax.legend(title="component", frameon=False, fontsize="small")
    return ax


def plot_weights(tensor: "CPTensor", ax: "Axes | None" = None) -> "Axes":
    """Weights of the rank-one terms, descending."""
    weights = np.abs(to_host(tensor.normalize().weights))
    ax = _axes(ax)
    ax.semilogy(np.arange(len(weights)), weights, "o-", ms=4)
    ax.set_xlabel("component")
    ax.set_ylabel("weight")
    return ax


def plot_scree(tensor: "TuckerTensor", ax: "Axes | None" = None) -> "Axes":
    """Singular values of the unfolding of every mode, relative to the norm."""
    ax = _axes(ax)
    for k, values in enumerate(tensor.singular_values()):
        host = to_host(values)
        shown = host[host > 0]
        relative = shown / np.linalg.norm(host)
        ax.semilogy(np.arange(len(shown)), relative, "o-", ms=3, label=f"mode {k}")
    ax.set_xlabel("index of the singular value")
    ax.set_ylabel("singular value / norm")
    ax.legend(frameon=False)
    return ax


def plot_core(
    tensor: "TuckerTensor", mode: int = -1, index: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """Slice `index` of the core along `mode`, as a picture; further modes are laid side by side."""
    k = mode_index("mode", mode, tensor.n_modes)
    core = np.moveaxis(np.real(to_host(tensor.core)), k, 0)
    picture = core[mode_index("index", index, core.shape[0])]
    picture = picture.reshape(picture.shape[0] if picture.ndim else 1, -1)
    ax = _axes(ax)
    top = float(np.abs(picture).max()) or 1.0
    image = ax.imshow(picture, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
    others = [j for j in range(tensor.n_modes) if j != k]
    ax.set_ylabel(f"component of mode {others[0]}")
    ax.set_xlabel("component of mode " + ", ".join(map(str, others[1:])))
    ax.set_title(f"core, component {index} of mode {k}")
    ax.figure.colorbar(image, ax=ax)
    return ax


def plot_errors(errors: Any, ax: "Axes | None" = None) -> "Axes":
    """Relative error after every sweep."""
    ax = _axes(ax)
    ax.semilogy(np.arange(1, len(errors) + 1), errors, "o-", ms=3)
    ax.set_xlabel("sweep")
    ax.set_ylabel("relative error")
    return ax


def plot_stability(scores: Any, means: Any, ax: "Axes | None" = None) -> "Axes":
    """Scores (starts, R) as points over bars of their means (R,)."""
    ax = _axes(ax)
    where = np.arange(len(means))
    ax.bar(where, means, color="0.85", width=0.7, label="mean of the other starts")
    for k, row in enumerate(scores):
        ax.plot(where, row, "o", ms=4, color="C0", alpha=0.6, label="one start" if k == 0 else None)
    ax.set_xticks(where)
    ax.set_xlabel("component of the best fit")
    ax.set_ylabel("match score")
    ax.set_ylim(0, 1.05)
    ax.legend(
        frameon=False, fontsize="small", ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0)
    )
    return ax


def plot_rank_curves(found: "RankSuggestion", ax: "Axes | None" = None) -> "Axes":
    """Errors by rank, and on a second axis core consistency and agreement."""
    ax = _axes(ax)
    other = ax.twinx()
    lines = ax.plot(found.ranks, found.errors, "o-", ms=4, color="C0", label="error")
    if np.isfinite(found.held_out_errors).any():
        held_out = found.held_out_errors
        lines += ax.plot(found.ranks, held_out, "s-", ms=4, color="C1", label="held-out error")
    if np.isfinite(found.core_consistency).any():
        share = np.clip(found.core_consistency / 100, 0, 1)
        name = "core consistency / 100"
        lines += other.plot(found.ranks, share, "^:", ms=4, color="C2", label=name)
    lines += other.plot(found.ranks, found.agreement, "v:", ms=4, color="C3", label="agreement")
    ax.axvline(found.rank, color="0.8", lw=6, zorder=0)
    ax.set_yscale("log")
    ax.set_xticks(found.ranks)
    ax.set_xlabel("rank")
    ax.set_ylabel("relative error")
    other.set_ylim(-0.05, 1.05)
    other.set_ylabel("core consistency, agreement")
    ax.legend(
        handles=lines, fontsize="small", frameon=False, ncols=2, loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
    )  # fmt: skip
    return ax


def html(tensor: "FactoredTensor", extra: dict[str, str]) -> str:
    """Small table for notebooks: shape, ranks, memory beside that of the dense tensor."""
    itemsize = np.dtype(str(tensor.dtype).rpartition(".")[2]).itemsize
    dense = float(np.prod(np.array(tensor.shape, dtype=float))) * itemsize
    rows = {
        "shape": " x ".join(map(str, tensor.shape)),
        **extra,
        "data type": str(tensor.dtype),
        "memory": f"{_size(tensor.nbytes)} (dense: {_size(dense)})",
    }
    cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return f"<table><caption>{tensor._kind}</caption>{cells}</table>"
