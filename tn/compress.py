"""Rounding a matrix product state to smaller bonds."""

from collections.abc import Sequence

from rankloom.tn.arrays import Array, namespace, svd, to_host
from rankloom.tn.gauge import canonicalize
from rankloom.tn.truncation import Truncation


def split(matrix: Array, truncation: Truncation) -> tuple[Array, Array, Array, float]:
    """Truncated SVD ``matrix ~ (u * s) @ vh`` and the relative discarded weight."""
    u, s, vh = svd(matrix)
    kept, weight = truncation.keep(to_host(s) ** 2)
    return u[:, :kept], s[:kept], vh[:kept, :], weight


def compress(
    tensors: Sequence[Array], truncation: Truncation, known: int | None = None
) -> tuple[list[Array], float]:
    """Cut every bond by `truncation`; the result is canonical with its centre at the last site.

    Parameters
    ----------
    tensors : sequence of (D[k], d[k], D[k+1]) array
    truncation : Truncation
    known : int, optional
        Orthogonality centre of `tensors` when they are canonical.

    Returns
    -------
    tensors : list of array
        Not renormalised.
    truncation_error : float
        Sum of the discarded weights of all cuts, each relative to the squared norm before the cut.
        It bounds the squared relative distance between the old and the new state.

    Notes
    -----
    A QR sweep to the left brings the centre to site 0, an SVD sweep to the right cuts, so that each
    cut is the best one for the state at hand. O(n d^2 D^3). Memory: two copies of the state.
    """
    out = canonicalize(tensors, 0, known)
    xp = namespace(*out)
    error = 0.0
    for k in range(len(out) - 1):
        dl, d, dr = out[k].shape
        u, s, vh, weight = split(xp.reshape(out[k], (dl * d, dr)), truncation)
        error += weight
        out[k] = xp.reshape(u, (dl, d, -1))
        carried = (s[:, None] * vh) @ xp.reshape(out[k + 1], (dr, -1))
        out[k + 1] = xp.reshape(carried, (-1, *out[k + 1].shape[1:]))
    return out, error


def from_dense(
    vector: Array, dimensions: Sequence[int], truncation: Truncation
) -> tuple[list[Array], float]:
    """Split a dense vector site by site; centre at the last site.

    Parameters
    ----------
    vector : (prod(dimensions),) array
        Big-endian: site 0 varies slowest.

    Returns
    -------
    tensors, truncation_error
        As in `compress`.
    """
    xp = namespace(vector)
    out, error, rest, bond = [], 0.0, vector, 1
    for d in dimensions[:-1]:
        u, s, vh, weight = split(xp.reshape(rest, (bond * d, -1)), truncation)
        error += weight
        out.append(xp.reshape(u, (bond, d, -1)))
        rest, bond = s[:, None] * vh, s.shape[0]
    out.append(xp.reshape(rest, (bond, dimensions[-1], 1)))
    return out, error
