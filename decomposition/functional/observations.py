"""A table of observations at continuous coordinates, as the solver sees it: nodes, order, scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.functional.processes import Floats
from rankloom.tn.arrays import to_host


@dataclass(frozen=True, eq=False)
class Sorted:
    """Observations ordered by the node of one mode.

    Attributes
    ----------
    starts : (J + 1,) array
        Those of node j stand at ``starts[j]:starts[j + 1]``.
    others : (N, K - 1) int array
        Nodes of the other modes, in ascending order of modes, counted through all modes.
    order : (N,) int array
        Which observations these are.
    weights : (2, N) array
        Weight times value, and weight.
    """

    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    order: NDArray[np.intp]
    weights: Floats


@dataclass(frozen=True, eq=False)
class Observations:
    """Checked data.

    Attributes
    ----------
    nodes : K sorted arrays (J_k,)
        Unique coordinates of each mode.
    index : (N, K) int array
        Node of each observation in each mode.
    y, weights : (N,) arrays
        Centred and scaled values, and how often each counts.
    center, scale : float
        ``y_user = center + scale * y``.
    """

    nodes: tuple[Floats, ...]
    index: NDArray[np.int32]
    y: Floats
    weights: Floats
    center: float
    scale: float

    @property
    def count(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    def part(self, rows: NDArray[np.intp]) -> "Observations":
        """Some of the rows, with weights that make them stand for all."""
        weights = self.weights[rows]
        weights *= self.count / weights.sum()
        index, y = self.index[rows], self.y[rows]
        return Observations(self.nodes, index, y, weights, self.center, self.scale)

    def by_mode(self, k: int, offsets: NDArray[np.int64]) -> Sorted:
        """The observations in the order of mode k; nodes of mode m are counted from offsets[m].

        Values and weights are left to be filled in.
        """
        order = np.argsort(self.index[:, k], kind="stable")
        counts = np.bincount(self.index[:, k], minlength=len(self.nodes[k]))
        others = [m for m in range(len(self.nodes)) if m != k]
        return Sorted(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            self.index[:, others][order] + offsets[others].astype(np.int32),
            order,
            np.empty((2, len(self.y))),
        )


def check_points(x: Any, modes: int) -> Floats:
    """Coordinates (n, modes) as float64 on the host.

    Raises
    ------
    TypeError, ValueError
        Not numbers, not one column per mode, or not finite (the row is named).
    """
    points = np.asarray(to_host(x))
    if points.dtype.kind not in "fiub":
        raise TypeError(f"`X` must hold real numbers, got {points.dtype}.")
    if points.ndim != 2 or points.shape[1] != modes:
        raise ValueError(
            f"`X` must have shape (n, {modes}), one column of coordinates per mode, got "
            f"{points.shape}."
        )
    points = np.asarray(points, dtype=np.float64)
    if not np.isfinite(points).all():
        row, k = np.argwhere(~np.isfinite(points))[0]
        raise ValueError(
            f"`X[{row}, {k}]` is {points[row, k]}: coordinates must be finite. Leave the row out; "
            "a missing value is a NaN in `y`."
        )
    return points


def check_values(y: Any, rows: int) -> Floats:
    """Values (rows,) as float64 on the host; NaN stands for missing.

    Raises
    ------
    TypeError, ValueError
        Not numbers, of another length, infinite, or all missing.
    """
    values = np.asarray(to_host(y))
    if values.dtype.kind not in "fiub":
        raise TypeError(f"`y` must hold real numbers, got {values.dtype}.")
    if values.shape != (rows,):
        raise ValueError(
            f"`y` must have shape ({rows},), one value per row of `X`, got {values.shape}."
        )
    values = np.asarray(values, dtype=np.float64)
    if np.isinf(values).any():
        raise ValueError(
            f"`y[{int(np.flatnonzero(np.isinf(values))[0])}]` is infinite. Write NaN where a value "
            "is missing."
        )
    if np.isnan(values).all():
        raise ValueError("all of `y` is missing (NaN): there is nothing to fit.")
    return values


def check_weights(weights: Any, rows: int) -> Floats:
    """Sample weights (rows,), >= 0; ones for None.

    Raises
    ------
    ValueError
        Of another length, negative, not finite, or all zero.
    """
    if weights is None:
        return np.ones(rows)
    given = np.asarray(to_host(weights), dtype=np.float64)
    if given.shape != (rows,):
        raise ValueError(f"`sample_weight` must have shape ({rows},), got {given.shape}.")
    if not np.isfinite(given).all() or (given < 0).any() or not given.any():
        raise ValueError("`sample_weight` must be finite and >= 0, and not zero everywhere.")
    return given


def observe(
    x: Any,
    y: Any,
    weights: Any,
    modes: int,
    *,
    scaling: tuple[float, float] | None = None,
    known: tuple[Floats, ...] | None = None,
) -> Observations:
    """Check a table, drop missing values, centre and scale, and index the coordinates.

    Parameters
    ----------
    x : (N, K) array_like
    y : (N,) array_like
        NaN marks a missing value.
    weights : (N,) array_like or None
    modes : int
        K.
    scaling : (center, scale), optional
        Take these instead of the weighted mean and standard deviation of y.
    known : K arrays, optional
        Nodes that exist already.

    Raises
    ------
    TypeError, ValueError
        As the checks say; y is constant; a mode has a single coordinate.
    """
    points = check_points(x, modes)
    values, given = check_values(y, len(points)), check_weights(weights, len(points))
    seen = ~np.isnan(values) & (given > 0)
    if not seen.any():
        raise ValueError("every value of `y` with a positive weight is missing (NaN).")
    points, values, given = points[seen], values[seen], given[seen]
    if scaling is None:
        center = float(np.average(values, weights=given))
        scale = float(np.sqrt(np.average((values - center) ** 2, weights=given)))
        if scale <= 1e-13 * max(abs(center), float(np.abs(values).max())):
            raise ValueError(
                f"`y` is constant ({center:g}): there is nothing to fit. A model needs values "
                "that differ."
            )
        scaling = center, scale
    nodes, index = [], np.empty(points.shape, np.int32)
    for k in range(modes):
        found, index[:, k] = np.unique(points[:, k], return_inverse=True)
        if known is not None:
            union = np.union1d(known[k], found)
            index[:, k] = np.searchsorted(union, found)[index[:, k]]
            found = union
        elif len(found) == 1:
            raise ValueError(
                f"mode {k} has the single coordinate {found[0]:g}: nothing can be learnt along it. "
                f"Leave column {k} of `X` out."
            )
        nodes.append(found)
    center, scale = scaling
    return Observations(tuple(nodes), index, (values - center) / scale, given, center, scale)
