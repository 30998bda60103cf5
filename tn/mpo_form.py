"""The triangular form of an operator: identity in front, identity behind.

A Hamiltonian is best read as ``1 x H_right + H_left x 1 + couplings`` at every cut [1]_, and
solvers gain from seeing it: the outer channels need no contraction. Where the left parts of an
operator span the identity, and its right parts do, a change of basis on the bonds brings it to::

    W[0, :, :, 0] = 1     W[1:, :, :, 0] = 0     W[-1, :, :, -1] = 1     W[-1, :, :, :-1] = 0

The change is orthogonal but for the scale of the last channel, so no digits are lost.

References
----------
.. [1] D. E. Parker, X. Cao, M. P. Zaletel, arXiv:1909.06341, section II.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.mpo_algebra import flatten, unflatten

Matrix = NDArray[Any]

_EXACT = 1e-12  # an identity met to this is one
_ROUNDING = 1e-14  # entries below this part of the largest of their channel are zero


class _Gauge(NamedTuple):
    """New channels of a bond: left parts times `turn`, right parts times its inverse."""

    turn: Matrix
    inverse: Matrix
    parts: Matrix  # the new right parts, in an orthonormal basis
    front: bool = False
    back: bool = False


def triangular(tensors: list[Matrix]) -> list[Matrix]:
    """The same operator with the identity as first and as last channel wherever it has them.

    Parameters
    ----------
    tensors : list of (w[k], d[k], d[k], w[k+1]) array
        Left-orthonormal when flattened (`rankloom.tn.mpo_algebra`), apart from the last.

    Notes
    -----
    O(n d^2 w^3).
    """
    flat = flatten(tensors)
    total = float(np.linalg.norm(flat[-1]))
    units = [np.eye(w.shape[1]).reshape(-1) / np.sqrt(w.shape[1]) for w in tensors]
    one = np.eye(1)
    gauges = [_Gauge(one, one, one), *map(_gauge, _fronts(flat, units), *_backs(flat, units))]
    gauges.append(gauges[0])
    for k, (w, unit) in enumerate(zip(flat, units, strict=True)):
        left, right = gauges[k], gauges[k + 1]
        new = np.tensordot(left.inverse, w @ right.turn, 1)
        norms = np.linalg.norm(left.turn, axis=0)  # of the left parts
        size = np.abs(new) * norms[:, None, None]
        new[size < _ROUNDING * size.max(axis=(0, 1))] = 0.0
        # What differs from the identity by rounding is set to it, so that solvers recognise it.
        if right.front:
            column = np.zeros_like(new[:, :, 0])
            column[0] = unit
            if np.linalg.norm(norms @ (new[:, :, 0] - column)) < _EXACT:
                new[:, :, 0] = column
        if left.back:
            row = np.zeros_like(new[-1])
            row[:, -1] = unit
            if norms[-1] * np.linalg.norm((new[-1] - row) @ right.parts) < _EXACT * total:
                new[-1] = row
        flat[k] = new
    return unflatten(flat)


def _fronts(flat: list[Matrix], units: list[Matrix]) -> list[Matrix | None]:
    """At the cuts 1 .. n-1: the combination of the left parts that is the identity."""
    out: list[Matrix | None] = []
    front = np.ones(1)
    for w, unit in zip(flat[:-1], units, strict=False):
        front = np.tensordot(front, np.tensordot(unit, w.conj(), (0, 1)), 1)
        out.append(front if abs(1 - np.linalg.norm(front)) < _EXACT else None)
    return out


def _backs(flat: list[Matrix], units: list[Matrix]) -> tuple[list[Matrix | None], list[Matrix]]:
    """At the cuts 1 .. n-1: the combination of the right parts that is the identity.

    Also the right parts themselves, as rows in an orthonormal basis.
    """
    out: list[Matrix | None] = []
    carries: list[Matrix] = []
    carry, inside = np.ones((1, 1)), np.ones(1)
    for w, unit in zip(flat[:0:-1], units[:0:-1], strict=True):
        q, r = np.linalg.qr((w @ carry).reshape(w.shape[0], -1).T)
        carry = r.T
        basis = q.T.reshape(-1, w.shape[1], inside.size)
        inside = np.tensordot(unit, basis.conj(), (0, 1)) @ inside  # the identity in this basis
        back = inside @ np.linalg.pinv(carry, rcond=1e-13)
        met = np.linalg.norm(back @ carry - inside) + abs(1 - np.linalg.norm(inside))
        out.append(back if met < _EXACT else None)
        carries.append(carry)
    return out[::-1], carries[::-1]


def _gauge(front: Matrix | None, back: Matrix | None, carry: Matrix) -> _Gauge:
    """Channels of one bond with these combinations first and last."""
    if front is not None and back is not None and abs(front @ back) > _EXACT * np.linalg.norm(back):
        back = None  # one channel serves both: there the operator is a multiple of the identity
    none = np.zeros((len(carry), 0))
    first = none if front is None else front[:, None]
    last = none if back is None else back.conj()[:, None]
    square = np.linalg.norm(last) ** 2
    fixed = np.hstack([first, last])
    middle = np.linalg.qr(fixed, mode="complete")[0][:, fixed.shape[1] :]
    inverse = np.hstack([first, middle, last]).conj().T
    turn = np.hstack([first, middle, last / (square or 1.0)])
    return _Gauge(turn, inverse, inverse @ carry, front is not None, back is not None)
