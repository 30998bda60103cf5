"""Boxes: one interval per axis, and the places of points in them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from rankloom.decomposition.checks import sequence
from rankloom.tn.arrays import Array, like, namespace, to_host

Interval: TypeAlias = tuple[float, float]
Domain: TypeAlias = tuple[Interval, ...]

_SLACK = 1e-12  # points may lie outside by this part of the interval: their own rounding


def check_domain(domain: Any, dimension: int | None = None) -> Domain:
    """`domain` as pairs of floats.

    Raises
    ------
    TypeError, ValueError
        Not a sequence of pairs, not `dimension` of them, not finite, or not increasing.
    """
    pairs = sequence("domain", domain, "pairs (start, stop)")
    if dimension is not None and len(pairs) != dimension:
        raise ValueError(f"`domain` needs {dimension} pairs (start, stop), got {len(pairs)}.")
    out = []
    for k, pair in enumerate(pairs):
        try:
            start, stop = (float(x) for x in pair)
        except (TypeError, ValueError):
            raise TypeError(f"`domain[{k}]` must be a pair (start, stop), got {pair!r}.") from None
        if not (np.isfinite([start, stop]).all() and start < stop):
            raise ValueError(f"`domain[{k}]` needs finite start < stop, got ({start}, {stop}).")
        out.append((start, stop))
    return tuple(out)


def same_domain(a: Domain, b: Domain) -> None:
    """Raise a ValueError unless two functions live on the same box."""
    if a != b:
        raise ValueError(f"the two functions live on different domains: {a} and {b}.")


def to_unit(x: Array, interval: Interval) -> Array:
    """Places in [-1, 1], rounding cut off; places outside stay outside."""
    start, stop = interval
    t = (2 * x - (start + stop)) / (stop - start)
    xp = namespace(x)
    outside = xp.abs(t) > 1 + _SLACK
    return xp.where(outside, t, xp.clip(t, -1.0, 1.0))


def from_unit(t: Any, interval: Interval) -> Any:
    """Places in the interval of places in [-1, 1]; its ends are met exactly."""
    start, stop = interval
    return np.clip((start + stop) / 2 + (stop - start) / 2 * t, start, stop)


def check_places(name: str, x: Array, t: Array, interval: Interval) -> None:
    """Raise a ValueError that names the first place outside the interval, or NaN.

    `t` are the places `x` as `to_unit` maps them.
    """
    xp = namespace(t)
    wrong = ~(xp.abs(t) <= 1)  # NaN too
    if bool(xp.any(wrong)):
        first = int(np.flatnonzero(to_host(wrong))[0])
        raise ValueError(
            f"`{name}[{first}]` = {float(x[first])} is outside [{interval[0]}, {interval[1]}]. "
            "The function is only known inside its domain."
        )


def inside(
    name: str, points: Array, domain: Sequence[Interval], like_array: Array
) -> tuple[list[Array], bool]:
    """Columns of points (m, d) or (d,) as places in [-1, 1], and whether it is a single point.

    Raises
    ------
    ValueError
        A wrong number of columns, NaN, or a point outside.
    """
    d = len(domain)
    xp = namespace(like_array)
    real = xp.real(like_array).dtype if xp.isdtype(like_array.dtype, "complex floating") else None
    x = like(like_array, points, real or like_array.dtype)
    if x.ndim not in (1, 2) or x.shape[-1] != d:
        raise ValueError(
            f"`{name}` must have shape (m, {d}), or ({d},) for one point, got {tuple(x.shape)}."
        )
    single = x.ndim == 1
    rows = x[None, :] if single else x
    columns = []
    for k, interval in enumerate(domain):
        t = to_unit(rows[:, k], interval)
        wrong = ~(xp.abs(t) <= 1)
        if bool(xp.any(wrong)):
            first = int(np.flatnonzero(to_host(wrong))[0])
            where = to_host(rows[first, :]).tolist()
            raise ValueError(
                f"`{name}[{first}]` = {where} is outside the domain: axis {k} runs from "
                f"{interval[0]} to {interval[1]}."
            )
        columns.append(t)
    return columns, single
