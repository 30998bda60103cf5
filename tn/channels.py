"""The channels of an operator, sorted by what they carry.

An MPO is a sum over channels: at every cut each channel b carries a product of an operator on the
sites to the left and one on the sites to the right. In the bases of a canonical state most of them
are trivial, and which ones are is known from the operator alone, before any contraction:

======  ===================================================================
kind    what the channel carries on its side of the cut
======  ===================================================================
one     a multiple of the identity
site    an operator on the nearest site only
full    anything else; only these need an environment matrix
======  ===================================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, to_host

Host: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Channels:
    """The channels of one cut as seen from one side.

    Attributes
    ----------
    order : list of int
        Numbers of the channels other than zero: first the full ones, then site, then one.
    full : int
        How many are full.
    ops : dict
        The (d, d) matrices of kind site.
    ones : dict
        The factors of kind one.
    """

    order: list[int]
    full: int
    ops: dict[int, Host]
    ones: dict[int, complex]

    def matrix(self, b: int, d: int) -> Host:
        """What channel b, of kind site or one, does to the nearest site."""
        return self.ops[b] if b in self.ops else self.ones[b] * np.eye(d)


def classify(tensors: Sequence[Host]) -> list[Channels]:
    """Channels of the cuts 0..n, seen from the left.

    Parameters
    ----------
    tensors : sequence of (w[k], d[k], d[k], w[k+1]) array
        On the host. Transposed as (right, out, in, left) and in reverse, they give the channels
        seen from the right.
    """
    out = [Channels([0], 0, {}, {0: 1.0})]
    for w in tensors:
        before, d = out[-1], w.shape[1]
        rounding = 4 * float(np.finfo(w.dtype).eps)
        full, ops, ones = [], {}, {}
        for b in range(w.shape[3]):
            sources = [a for a in before.order if w[a, :, :, b].any()]
            if any(a not in before.ones for a in sources):
                full.append(b)
                continue
            matrix = sum((before.ones[a] * w[a, :, :, b] for a in sources), np.zeros((d, d)))
            factor = np.trace(matrix) / d
            size = np.abs(matrix).max()
            if size == 0.0:
                continue
            apart = np.abs(matrix - factor * np.eye(d)).max()
            if apart <= rounding * size:
                ones[b] = factor.item()
            else:
                ops[b] = matrix
        out.append(Channels([*full, *ops, *ones], len(full), ops, ones))
    return out


def real_form(tensors: Sequence[Array]) -> list[Host]:
    """The tensors on the host, real if phases on the bonds make them so.

    ``Y Y`` has imaginary site matrices but a real product: each channel is turned by the phase of
    its largest entry, and the next site turns it back.
    """
    out, phases = [], np.ones(1)
    hosts = [to_host(w) for w in tensors]
    if not any(np.iscomplexobj(w) for w in hosts):
        return hosts
    for k, w in enumerate(hosts):
        w = w * phases[:, None, None, None]
        columns = w.reshape(-1, w.shape[3])
        largest = columns[np.abs(columns).argmax(axis=0), np.arange(w.shape[3])]
        size = np.abs(largest)
        phases = np.where(size > 0, largest / np.where(size > 0, size, 1.0), 1.0)
        if k == len(hosts) - 1:
            phases = np.ones(1)
        w = w / phases
        rounding = 16 * float(np.finfo(w.dtype).eps)
        if np.abs(w.imag).max() > rounding * np.abs(w).max():
            return hosts
        out.append(np.ascontiguousarray(w.real))
    return out
