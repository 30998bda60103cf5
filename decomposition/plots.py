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
