"""Circuits of one- and two-site gates on a matrix product state."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rankloom.tn.arrays import Array, like, namespace, one_blas_thread, same_dtype
from rankloom.tn.checks import site_index
from rankloom.tn.compress import split
from rankloom.tn.gauge import canonicalize
from rankloom.tn.mps import MPS
from rankloom.tn.truncation import Truncation


def apply_gates(
    state: MPS,
    gates: Iterable[tuple[Sequence[int], Any]],
    truncation: Truncation | None = None,
) -> tuple[MPS, float]:
    """Apply gates in time order, each cut made at the orthogonality centre.

    Parameters
    ----------
    state : MPS
    gates : iterable of (sites, matrix)
        ``((k,), (d, d) matrix)`` or ``((j, k), (d_j d_k, d_j d_k) matrix)``, the row index of the
        latter is ``d_k * s_j + s_k``: the site named first is the more significant one. Sites may
        lie apart: the gate is then carried there and back by exchanging neighbours.
    truncation : Truncation, optional
        Rule for every cut; without it only what rounding cannot tell from zero goes.

    Returns
    -------
    state : MPS
        Canonical, not renormalised.
    truncation_error : float
        Sum of the relative discarded weights of all cuts.

    Raises
    ------
    ValueError
        A gate names a site twice or outside the chain, or its matrix has the wrong shape or is not
        finite.

    Notes
    -----
    A two-site gate costs one SVD of a ``(d D, d D)`` matrix, O(d^3 D^3), and one QR for each site
    between it and the gate before.

    Examples
    --------
    >>> import numpy as np
    >>> h = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    >>> cx = np.eye(4)[[0, 1, 3, 2]]
    >>> bell, error = apply_gates(MPS.product("00"), [((0,), h), ((0, 1), cx)])
    >>> bell.to_dense().real.round(6)
    array([0.707107, 0.      , 0.      , 0.707107])
    """
    rule = truncation or Truncation()
    center = 0 if state.center is None else state.center
    tensors = list(state.canonicalize(center).tensors)
    error = 0.0
    with one_blas_thread():
        for position, (named, matrix) in enumerate(gates):
            sites, gate = _check(position, named, matrix, tensors)
            if gate.dtype != tensors[0].dtype:  # a complex gate on a real state
                tensors, [gate] = same_dtype(tensors, [gate])
            if len(sites) == 1:
                if not _is_unitary(gate):  # a unitary leaves the tensor orthonormal
                    tensors = canonicalize(tensors, sites[0], center)
                    center = sites[0]
                tensors[sites[0]] = gate @ tensors[sites[0]]
                continue
            path = _path(tensors, sites, gate)
            for k, two_site in path:
                near = k if center <= k else k + 1
                tensors = canonicalize(tensors, near, center)
                center, weight = _apply(tensors, k, two_site, rule)
                error += weight
    return MPS._adopt(tensors, center), error


def _apply(tensors: list[Array], k: int, gate: Array | None, rule: Truncation) -> tuple[int, float]:
    """Gate on sites k, k+1 (None: exchange them), the centre being one of them.

    Returns the new centre, which is k + 1, and the discarded weight.
    """
    left, right = tensors[k], tensors[k + 1]
    xp = namespace(left, right)
    dl, d, _ = left.shape
    _, e, dr = right.shape
    theta = xp.reshape(left, (dl * d, -1)) @ xp.reshape(right, (right.shape[0], -1))
    if gate is None:
        theta = xp.permute_dims(xp.reshape(theta, (dl, d, e, dr)), (0, 2, 1, 3))
        d, e = e, d
    else:
        theta = gate @ xp.reshape(theta, (dl, d * e, dr))
    u, s, vh, weight = split(xp.reshape(theta, (dl * d, e * dr)), rule)
    tensors[k] = xp.reshape(u, (dl, d, -1))
    tensors[k + 1] = xp.reshape(s[:, None] * vh, (-1, e, dr))
    return k + 1, weight


def _path(
    tensors: list[Array], sites: tuple[int, ...], gate: Array
) -> list[tuple[int, Array | None]]:
    """Two-site steps on neighbours (k, k+1) that amount to `gate` on two distant sites."""
    xp = namespace(gate)
    first, second = sites
    if first > second:
        d, e = tensors[first].shape[1], tensors[second].shape[1]
        legs = xp.permute_dims(xp.reshape(gate, (d, e, d, e)), (1, 0, 3, 2))
        gate = xp.reshape(legs, (d * e, d * e))
        first, second = second, first
    there: list[tuple[int, Array | None]] = [(k, None) for k in range(first, second - 1)]
    return [*there, (second - 1, gate), *reversed(there)]


def _is_unitary(gate: Array) -> bool:
    xp = namespace(gate)
    gap = xp.conj(gate.mT) @ gate - like(gate, np.eye(gate.shape[0]), gate.dtype)
    return float(xp.max(xp.abs(gap))) < 16 * float(xp.finfo(gate.dtype).eps)


def _check(
    position: int, named: Sequence[int], matrix: Any, tensors: list[Array]
) -> tuple[tuple[int, ...], Array]:
    """Sites and matrix of one gate, checked; the matrix in the library of the state."""
    what = f"gates[{position}]"
    sites = tuple(site_index(what, k, len(tensors)) for k in named)
    if len(sites) not in (1, 2) or len(set(sites)) != len(sites):
        raise ValueError(f"`{what}` must name one or two different sites, got {sites}.")
    gate = like(tensors[0], matrix)
    size = 1
    for k in sites:
        size *= tensors[k].shape[1]
    if tuple(gate.shape) != (size, size):
        raise ValueError(
            f"`{what}` on sites {sites} needs a matrix of shape {(size, size)}, got "
            f"{tuple(gate.shape)}."
        )
    xp = namespace(gate)
    if not bool(xp.all(xp.isfinite(gate))):
        raise ValueError(f"the matrix of `{what}` holds NaN or infinity.")
    dtype = tensors[0].dtype  # the precision of the state is kept
    if xp.isdtype(gate.dtype, "complex floating"):
        dtype = xp.result_type(dtype, xp.complex64)
    return sites, xp.astype(gate, dtype)
