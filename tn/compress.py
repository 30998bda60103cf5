"""Rounding a matrix product state, or a sum of operators on states, to smaller bonds.

=============  ==================================================  ==============================
method         what is done                                        resolves weights down to
=============  ==================================================  ==============================
svd            QR sweep unless canonical already, SVD sweep        rounding, squared
gram           density matrices (`rankloom.tn.gram`)               about 1e-13; refuses the rest
random         sketch, QR sweep, SVD sweep (`rankloom.tn.sketch`)  near the best, error measured
variational    the same, then ALS (`rankloom.tn.variational`)      the best nearby, error measured
=============  ==================================================  ==============================
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rankloom.tn import gram, sketch, variational
from rankloom.tn.arrays import Array, namespace, svd, to_host
from rankloom.tn.combination import Combination
from rankloom.tn.gauge import canonicalize
from rankloom.tn.outcome import Outcome
from rankloom.tn.truncation import Truncation

if TYPE_CHECKING:
    from rankloom.tn.mps import MPS

METHODS = ("auto", "svd", "gram", "random", "variational")
Rng = np.random.Generator | int | None
_WIDE = 4  # a target with bonds this many times wider is fitted rather than formed


@dataclass(frozen=True, eq=False)
class Compressed:
    """A compressed state and how it was found; unpacks as ``state, truncation_error``.

    Attributes
    ----------
    state : MPS
        Centre at the last site.
    truncation_error : float
        By cuts ("svd", "qr+svd", "gram"): the sum of their relative discarded weights. By a fit
        ("random", "variational"): the squared relative distance itself, right to about 1e-14.
    method : str
        What was done: one of these five words.
    outcome : Outcome
        How the sweeps of a variational fit ended; CONVERGED for all others.
    errors : tuple of float
        Squared relative distance before the first and after each sweep of a variational fit.
    """

    state: "MPS"
    truncation_error: float
    method: str
    outcome: Outcome = Outcome.CONVERGED
    errors: tuple[float, ...] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter((self.state, self.truncation_error))


class Rounded(NamedTuple):
    """Site tensors with the centre at the last site, and how they were found."""

    tensors: list[Array]
    error: float
    method: str
    outcome: Outcome = Outcome.CONVERGED
    errors: tuple[float, ...] = ()


def reduce(
    source: Combination,
    truncation: Truncation,
    method: str = "auto",
    known: int | None = None,
    *,
    rng: Rng = None,
    tol: float = 0.01,
    max_sweeps: int = 20,
) -> Rounded:
    """Round `source` by one of `METHODS`.

    Parameters
    ----------
    source : Combination
    truncation : Truncation
    method : str
        With "auto" density matrices where they are safe and something is to be cut, else singular
        values. A sum or product whose bonds are four times as wide as `max_bond` is not formed for
        that, but fitted.
    known : int, optional
        Orthogonality centre, when `source` is one state in canonical form.
    rng : Generator, seed or None
        For the sketch.
    tol, max_sweeps
        Of `rankloom.tn.variational.fit`.

    Raises
    ------
    ValueError
        Unknown method; no `max_bond` where a sketch needs one; weights that "gram" cannot resolve.
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    width = source.width()
    bond = truncation.max_bond
    if method in ("random", "variational"):
        if bond is None:
            raise ValueError(f"`method` = {method!r} needs `max_bond`; or pass method='auto'.")
        return _fitted(source, truncation, bond, method, known, rng, tol, max_sweeps)
    resolved = gram.FLOOR * float(source.xp.finfo(source.first.dtype).eps)
    something_to_cut = truncation.cutoff >= resolved or (bond is not None and width > bond)
    if method == "gram" or (method == "auto" and something_to_cut):
        try:
            tensors, error, exact = gram.cut(source, truncation, known)
            return Rounded(tensors, error, "svd" if exact else "gram")
        except gram.Unsafe:
            if method == "gram":
                raise ValueError(
                    "`method` = 'gram' does not resolve the weights that decide here: they are "
                    f"below about {resolved:.0e}, or parts of the state cancel. Pass "
                    "method='auto', or a `cutoff` above that."
                ) from None
        if source.plain is None and bond is not None and width >= _WIDE * bond:
            return _fitted(source, truncation, bond, "variational", known, rng, tol, max_sweeps)
    tensors, error = compress(source.tensors(), truncation, known)
    return Rounded(tensors, error, "svd" if known == 0 else "qr+svd")


def _fitted(
    source: Combination,
    truncation: Truncation,
    bond: int,
    method: str,
    known: int | None,
    rng: Rng,
    tol: float,
    max_sweeps: int,
) -> Rounded:
    """Sketch, cut, and for "variational" improve by sweeps."""
    xp = source.xp
    if source.plain is not None and known is not None:
        square = float(xp.linalg.vector_norm(source.plain[known])) ** 2
    else:
        square = source.square()
    wide = sketch.project(source, bond + 8 + bond // 4, np.random.default_rng(rng))
    tensors, _ = compress(wide, truncation, 0)
    if method == "random":
        return Rounded(tensors, variational.distance(tensors[-1], square), method)
    tensors, errors, outcome = variational.fit(source, tensors, square, tol, max_sweeps)
    return Rounded(tensors, errors[-1], method, outcome, tuple(errors))


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
