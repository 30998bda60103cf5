"""Pictures of Chebyshev-Tucker functions."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from rankloom.decomposition.chebyshev.basis import is_complex
from rankloom.decomposition.modes import unfold
from rankloom.tn.arrays import to_host
from rankloom.tn.draw import _axes, _size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from mpl_toolkits.mplot3d import Axes3D

    from rankloom.decomposition.chebyshev.function import ChebyshevTucker

_BLUE, _ORANGE = "#2b6cb0", "#dd6b20"
_MARKERS = "osv^Dx"


def plot_slice(
    f: "ChebyshevTucker",
    places: Mapping[int, float] | None = None,
    resolution: int = 201,
    ax: "Axes | None" = None,
) -> "Axes":
    """Heat map over two variables, the others held.

    Raises
    ------
    ValueError
        `places` does not leave two variables, or the function is complex.
    """
    places = {} if places is None else places
    _real(f)
    part = f.to_host().slice(places) if places else f.to_host()
    kept = [k for k in range(f.dimension) if k not in {a % f.dimension for a in places}]
    if len(kept) != 2:
        raise ValueError(
            f"`places` must leave two of {f.dimension} variables free, it leaves {len(kept)}."
        )
    axes = [np.linspace(start, stop, resolution) for start, stop in part.domain]
    values = part.grid(*axes)
    ax = _axes(ax)
    low, high = float(values.min()), float(values.max())
    top = max(abs(low), abs(high)) or 1.0
    # two colours where there are two signs
    scale = {"cmap": "RdBu_r", "vmin": -top, "vmax": top} if low < 0 < high else {"cmap": "viridis"}
    extent = (*part.domain[0], *part.domain[1])
    image = ax.imshow(values.T, origin="lower", extent=extent, aspect="auto", **scale)
    ax.set_xlabel(f"variable {kept[0]}")
    ax.set_ylabel(f"variable {kept[1]}")
    if places:
        ax.set_title(", ".join(f"variable {k} at {v:.4g}" for k, v in places.items()))
    ax.figure.colorbar(image, ax=ax)
    return ax


def plot_isosurface(
    f: "ChebyshevTucker", level: float, resolution: int = 64, ax: "Axes3D | None" = None
) -> "Axes3D":
    """The surface on which a function of three variables takes a value.

    Raises
    ------
    ImportError
        scikit-image is missing (extra ``surface``).
    ValueError
        Not three variables, a complex function, or a level that is not reached.
    """
    from matplotlib import pyplot as plt
    from matplotlib.colors import LightSource

    try:
        from skimage.measure import marching_cubes
    except ImportError as err:
        raise ImportError(
            "`plot_isosurface` needs scikit-image: pip install 'rankloom[surface]'."
        ) from err
    _real(f)
    if f.dimension != 3:
        raise ValueError(f"an isosurface needs three variables, the function has {f.dimension}.")
    axes = [np.linspace(start, stop, resolution) for start, stop in f.domain]
    values = f.to_host().grid(*axes)
    low, high = float(values.min()), float(values.max())
    if not low < level < high:
        raise ValueError(f"`level` = {level} is outside the values {low:.4g} to {high:.4g}.")
    spacing = tuple(float(x[1] - x[0]) for x in axes)
    found = marching_cubes(values, level, spacing=spacing)  # type: ignore[no-untyped-call]
    corners, triangles = found[:2]
    corners = corners + np.array([start for start, _ in f.domain])
    if ax is None:
        ax = plt.figure(layout="constrained").add_subplot(projection="3d")
    ax.plot_trisurf(
        *corners.T[:2],
        triangles,
        corners[:, 2],
        color=_BLUE if level >= 0 else _ORANGE,
        lightsource=LightSource(azdeg=315, altdeg=45),
        lw=0,
        antialiased=False,
    )
    for name, interval, k in zip("xyz", f.domain, range(3), strict=True):
        getattr(ax, f"set_{name}lim")(*interval)
        getattr(ax, f"set_{name}label")(f"variable {k}")
    ax.set_box_aspect([stop - start for start, stop in f.domain], zoom=0.85)
    ax.set_title(f"value {level:.4g}")
    return ax


def plot_coefficients(f: "ChebyshevTucker", ax: "Axes | None" = None) -> "Axes":
    """Norm of all coefficients of a degree, relative to the whole, for each variable."""
    ax, f = _axes(ax), f.to_host()
    for k, factor in enumerate(f.factors):
        sizes = np.linalg.norm(factor @ unfold(f.core, k), axis=1)
        shown = np.flatnonzero(sizes)
        ax.semilogy(
            shown,
            sizes[shown] / (np.linalg.norm(f.core) or 1.0),
            _MARKERS[k % len(_MARKERS)],
            ms=3,
            label=f"variable {k}",
        )
    ax.set_xlabel("degree")
    ax.set_ylabel("norm of the coefficients / norm of all")
    ax.legend(frameon=False)
    return ax


def plot_ranks(f: "ChebyshevTucker", ax: "Axes | None" = None) -> "Axes":
    """Rank of each variable against the relative tolerance of `compress`."""
    ax, curves = _axes(ax), []
    for values in f.coefficients.singular_values():
        squares = to_host(values)[::-1] ** 2
        tails = np.cumsum(squares)[::-1] / (squares.sum() or 1.0)
        curves.append(np.minimum(np.sqrt(f.dimension * tails), 1.0))  # of ranks 0, 1, 2, ..
    lowest = max(min(float(errors[-1]) for errors in curves) / 3, 1e-16)
    for k, errors in enumerate(curves):
        steps = np.append(np.maximum(errors, lowest), lowest)
        ax.step(steps, np.arange(len(steps)), where="pre", label=f"variable {k}")
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set_xlabel("tolerance")
    ax.set_ylabel("rank")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


def html(f: "ChebyshevTucker") -> str:
    """Small table for notebooks."""
    rows = {
        "domain": " x ".join(f"[{a:.4g}, {b:.4g}]" for a, b in f.domain),
        "degrees": " x ".join(map(str, f.degrees)),
        "ranks": " x ".join(map(str, f.ranks)),
        "memory": _size(f.nbytes),
    }
    if f.error_estimate is not None:
        rows["error estimate"] = f"{f.error_estimate:.1e}"
    if f.evaluations:
        rows["evaluations"] = f"{f.evaluations:,}"
    cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return f"<table><caption>ChebyshevTucker</caption>{cells}</table>"


def _real(f: "ChebyshevTucker") -> None:
    if is_complex(f.core):
        raise ValueError("a picture needs a real function; this one is complex.")
