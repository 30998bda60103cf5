"""Canonical forms of matrix product states, and the Schmidt values that they show.

Functions take site tensors ``(left, physical, right)`` of any array library and return new ones.
A tensor is *left-orthonormal* when its ``(left*physical, right)`` matrix has orthonormal columns,
*right-orthonormal* when its ``(left, physical*right)`` matrix has orthonormal rows. In canonical
form with centre c the sites before c are left- and those after c right-orthonormal, so the norm of
the state is the norm of tensor c [1]_.

References
----------
.. [1] U. Schollwoeck, arXiv:1008.3477, section 4.4.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, namespace, qr, svd, to_host
from rankloom.tn.truncation import Truncation

_EXACT = Truncation()


def push_right(left: Array, right: Array) -> tuple[Array, Array]:
    """Make `left` left-orthonormal by QR and hand the rest to its right neighbour."""
    xp = namespace(left, right)
    dl, d, dr = left.shape
    q, carry = qr(xp.reshape(left, (dl * d, dr)))
    carried = carry @ xp.reshape(right, (dr, -1))
    return xp.reshape(q, (dl, d, -1)), xp.reshape(carried, (-1, *right.shape[1:]))


def push_left(left: Array, right: Array) -> tuple[Array, Array]:
    """Make `right` right-orthonormal by QR and hand the rest to its left neighbour."""
    xp = namespace(left, right)
    dl, d, dr = right.shape
    q, carry = qr(xp.reshape(right, (dl, d * dr)).mT)  # x = (q r)^T: rows of q^T are orthonormal
    carried = xp.reshape(left, (-1, dl)) @ carry.mT
    return xp.reshape(carried, (*left.shape[:2], -1)), xp.reshape(q.mT, (-1, d, dr))


def canonicalize(tensors: Sequence[Array], center: int, known: int | None = None) -> list[Array]:
    """Canonical form with the orthogonality centre at `center`.

    Parameters
    ----------
    tensors : sequence of (D[k], d[k], D[k+1]) array
    center : int
        Wanted centre, 0 <= center < n.
    known : int, optional
        Centre of the form that `tensors` already have; only the sites between are touched then.

    Notes
    -----
    One QR factorisation a site, O(n d^2 D^3). Bonds never grow.
    """
    out = list(tensors)
    for k in range(0 if known is None else known, center):
        out[k], out[k + 1] = push_right(out[k], out[k + 1])
    for k in range(len(out) - 1 if known is None else known, center, -1):
        out[k - 1], out[k] = push_left(out[k - 1], out[k])
    return out


def orthonormality_error(tensors: Sequence[Array], center: int) -> float:
    """Largest entry of ``q^H q - 1`` over all sites that should be orthonormal about `center`."""
    xp = namespace(*tensors)
    worst = 0.0
    for k, t in enumerate(tensors):
        if k == center:
            continue
        dl, d, dr = t.shape
        q = xp.reshape(t, (dl * d, dr)) if k < center else xp.reshape(t, (dl, d * dr)).mT
        gram = xp.conj(q.mT) @ q
        worst = max(worst, float(np.abs(to_host(gram) - np.eye(gram.shape[0])).max()))
    return worst


def schmidt_form(
    tensors: Sequence[Array], known: int | None = None
) -> tuple[list[Array], list[Array], float]:
    """Right-orthonormal tensors in the Schmidt bases of all cuts, and the Schmidt values.

    Returns
    -------
    tensors : list of (D[k], d[k], D[k+1]) array
        Right-orthonormal for every k > 0, tensor 0 of norm one. ``schmidt[k] * tensors[k] ...``
        is the normalised state seen from cut k.
    schmidt : list of (D[k],) array
        n + 1 entries, each of Euclidean norm one; the first and last are ``[1]``.
    norm : float
        Norm of the state that was taken out.

    Notes
    -----
    A QR sweep to the right, an SVD sweep to the left. Schmidt values that rounding cannot tell from
    zero are dropped. Raises ZeroDivisionError for the zero state.
    """
    out = canonicalize(tensors, len(tensors) - 1, known)
    xp = namespace(*out)
    norm = float(xp.linalg.vector_norm(out[-1]))
    out[-1] = out[-1] * (1.0 / norm)
    real = xp.real(out[0]).dtype if xp.isdtype(out[0].dtype, "complex floating") else out[0].dtype
    ones = xp.ones_like(xp.reshape(out[0], (-1,))[:1], dtype=real)
    schmidt = [ones] * (len(out) + 1)
    for k in range(len(out) - 1, 0, -1):
        dl, d, dr = out[k].shape
        u, s, vh = svd(xp.reshape(out[k], (dl, d * dr)))
        kept, _ = _EXACT.keep(to_host(s) ** 2)
        schmidt[k] = s[:kept] / xp.linalg.vector_norm(s[:kept])
        out[k] = xp.reshape(vh[:kept, :], (kept, d, dr))
        carried = xp.reshape(out[k - 1], (-1, dl)) @ (u[:, :kept] * s[:kept])
        out[k - 1] = xp.reshape(carried, (*out[k - 1].shape[:2], kept))
    return out, schmidt, norm


def schmidt_values(tensors: Sequence[Array], cut: int, known: int | None = None) -> Array:
    """Schmidt values of the normalised state at one cut, descending, shape (<= D[cut],).

    Cut k lies between sites k-1 and k, 0 < k < n.
    """
    site = canonicalize(tensors, cut, known)[cut]
    xp = namespace(site)
    s = svd(xp.reshape(site, (site.shape[0], -1)))[1]
    return s / xp.linalg.vector_norm(s)


def entropy(schmidt: Array) -> float:
    """Von Neumann entropy in nats, ``-sum p log p`` with ``p = schmidt**2``.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(entropy(np.array([1.0, 1.0]) / np.sqrt(2)) / np.log(2)), 12)
    1.0
    """
    p: NDArray[np.floating] = np.asarray(to_host(schmidt), dtype=np.float64) ** 2
    p = p[p > 0.0]
    return max(0.0, float(-(p @ np.log(p))))
