"""Checks of what shadow spectroscopy is given."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn.checks import integer

_UNIFORM = 1e-6


def uniform_times(times: ArrayLike, count: int) -> NDArray[np.float64]:
    """`times` as `count` equally spaced, ascending numbers.

    Raises
    ------
    ValueError
        Another number of them, NaN or infinity, or spacings that differ by more than 1e-6.
    """
    out = np.array(times, dtype=float)
    if out.shape != (count,) or not np.isfinite(out).all():
        raise ValueError(f"`times` must hold {count} finite numbers, got shape {out.shape}.")
    if count > 1:
        steps = np.diff(out)
        dt = (out[-1] - out[0]) / (count - 1)
        if not dt > 0 or np.abs(steps - dt).max() > _UNIFORM * dt:
            raise ValueError(
                f"`times` must be equally spaced and ascending, got spacings from {steps.min():g} "
                f"to {steps.max():g}. Interpolating snapshots is not possible: measure on a grid, "
                "or keep the times that form one (`Snapshots.select`)."
            )
    return out


def shot_table(name: str, values: Any, shape: tuple[int, ...], kind: Any) -> NDArray[Any] | None:
    """`values` as an own (T, S) array of a kind, or None.

    Raises
    ------
    TypeError, ValueError
        Another shape or kind, NaN or infinity.
    """
    if values is None:
        return None
    found = np.asarray(values)
    if found.dtype.kind not in ("iu" if kind is np.int64 else "iuf"):
        raise TypeError(f"`{name}` must hold {np.dtype(kind).name} numbers, got {found.dtype}.")
    if found.shape != shape:
        raise ValueError(f"`{name}` must have shape (times, shots) = {shape}, got {found.shape}.")
    if not np.isfinite(found).all():
        raise ValueError(f"`{name}` holds NaN or infinity.")
    return np.array(found, dtype=kind)


def locality(max_locality: Any, n: int) -> int:
    """`max_locality` within 1..n."""
    k = integer("max_locality", max_locality, 1)
    if k > n:
        raise ValueError(f"`max_locality` = {k} exceeds the {n} qubits.")
    return k


def locality_weights(weights: Any, k: int) -> NDArray[np.float64]:
    """The weight of each locality 1..k; None means ``9^-j``.

    Raises
    ------
    ValueError
        Not k finite numbers >= 0 of which one at least is positive.
    """
    if weights is None:
        return np.asarray(9.0 ** -np.arange(1, k + 1), dtype=np.float64)
    out = np.array(weights, dtype=float)
    if out.shape != (k,) or not np.isfinite(out).all() or (out < 0).any() or not out.any():
        raise ValueError(
            f"`weights` must hold {k} numbers >= 0, one for each locality 1..{k} and not all 0, "
            f"got {weights!r}. None means 9^-j."
        )
    return out


def qubit_mask(qubits: Any, n: int) -> NDArray[np.bool_]:
    """True for the qubits to use, (n,); None means all."""
    mask = np.zeros(n, dtype=bool)
    if qubits is None:
        mask[:] = True
        return mask
    found = np.asarray(qubits)
    if found.ndim != 1 or found.size == 0 or found.dtype.kind not in "iu":
        raise TypeError(f"`qubits` must be a sequence of qubit numbers, got {qubits!r}.")
    if found.min() < 0 or found.max() >= n:
        raise ValueError(f"`qubits` must lie within 0..{n - 1}, got {found.min()}..{found.max()}.")
    mask[found] = True
    return mask
