"""Trotter circuits of nearest-neighbour chains as lists of half layers.

Order 1 is ``even(dt) odd(dt)``, order 2 ``even(dt/2) odd(dt) even(dt/2)``, order 4 Suzuki's product
of five order-2 steps [1]_, eq. (22) there. Neighbouring half layers of one parity are merged, also
across steps. The errors at fixed time fall as dt, dt^2 and dt^4.

References
----------
.. [1] M. Suzuki, Phys. Lett. A 146, 319 (1990), doi:10.1016/0375-9601(90)90962-N.
"""

import math
import numbers
from typing import NamedTuple

from rankloom.tn.checks import integer


class TrotterLayer(NamedTuple):
    """One half layer: ``exp(-i duration h_k)`` on all bonds k of one parity."""

    parity: int
    """0: bonds (0,1), (2,3), ..; 1: bonds (1,2), (3,4), .."""
    duration: float
    """Time that the layer advances its bonds."""


def trotter_layers(n: int, time: float, steps: int, order: int = 2) -> list[TrotterLayer]:
    """Half layers of the Trotter circuit for ``exp(-i time H)`` on n sites, first applied first.

    Parameters
    ----------
    n : int
        Number of sites, at least 2. With 2 there are no odd bonds and one layer remains.
    time : float
        Any finite number but 0; negative runs backwards.
    steps : int
        Number of Trotter steps, dt = time/steps.
    order : {1, 2, 4}

    Raises
    ------
    TypeError, ValueError
        An argument is outside its range.

    Examples
    --------
    >>> for layer in trotter_layers(4, time=1.0, steps=2):
    ...     print(layer.parity, layer.duration)
    0 0.25
    1 0.5
    0 0.5
    1 0.5
    0 0.25
    """
    n, steps = integer("n", n, 2), integer("steps", steps, 1)
    if not isinstance(time, numbers.Real):
        raise TypeError(f"`time` must be a real number other than 0, got {time!r}.")
    if not math.isfinite(time) or time == 0:
        raise ValueError(f"`time` must be a finite number other than 0, got {time}.")
    dt = time / steps
    if order == 1:
        step = [TrotterLayer(0, dt), TrotterLayer(1, dt)]
    elif order == 2:
        step = _second_order(dt)
    elif order == 4:
        p = 1 / (4 - 4 ** (1 / 3))
        step = [layer for part in (p, p, 1 - 4 * p, p, p) for layer in _second_order(part * dt)]
    else:
        raise ValueError(f"`order` must be 1, 2 or 4, got {order!r}.")
    merged: list[TrotterLayer] = []
    for layer in step * steps:
        if layer.parity == 1 and n == 2:
            continue
        if merged and merged[-1].parity == layer.parity:
            layer = TrotterLayer(layer.parity, merged.pop().duration + layer.duration)
        merged.append(layer)
    return merged


def _second_order(dt: float) -> list[TrotterLayer]:
    return [TrotterLayer(0, dt / 2), TrotterLayer(1, dt), TrotterLayer(0, dt / 2)]
