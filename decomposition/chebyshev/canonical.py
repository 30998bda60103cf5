"""Chebyshev-Tucker functions of sums of separable terms, by a reduced HOSVD.

A sum ``sum_l w_l u_l(x) v_l(y) ..`` has side matrices A_k (m_k, R), the Chebyshev coefficients of
its terms. Their left singular vectors span the factors, so that no tensor of m^3 numbers is
formed: the reduced HOSVD, with Chebyshev coefficients (arXiv:2503.01696).

Here weights count, and tolerances are relative. Before the side matrices are cut, the norm of each
term is shared evenly among its modes, so that the ranks do not depend on how columns were scaled.
The core is then compressed by its own singular values, which know of cancellation between terms.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rankloom.decomposition.chebyshev import basis
from rankloom.decomposition.chebyshev.algebra import compress
from rankloom.decomposition.chebyshev.domain import Domain
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import sum_of_squares
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, like, namespace, svd, to_host
from rankloom.tn.checks import integer

_CHUNK = 2**22  # numbers of a Khatri-Rao product formed at once
_PAIRS = 2048  # terms up to which all inner products of terms are taken
_SAFETY = 0.1  # share of `tol` for the side matrices where the core is compressed afterwards


def on_nodes(values: Array, m: int) -> Array:
    """Chebyshev coefficients (m, R) of columns of values on a cell-centred grid of [-1, 1].

    By the cubic not-a-knot spline through them, extrapolated by half a cell at the ends.
    """
    from scipy.interpolate import CubicSpline

    n = values.shape[0]
    centres = (2 * np.arange(n) + 1) / n - 1
    spline = CubicSpline(centres, to_host(values), extrapolate=True)
    return basis.to_coefficients(like(values, spline(basis.nodes(m)), values.dtype))


def gaussians(
    exponents: Array, centers: Array, domain: Domain, degrees: Sequence[int]
) -> list[Array]:
    """Chebyshev coefficients of ``exp(-a (x - c)^2)``, one matrix (m_k, R) per axis."""
    out = []
    for k, (interval, degree) in enumerate(zip(domain, degrees, strict=True)):
        x = like(centers, basis.nodes(degree + 1, *interval), centers.dtype)
        apart = x[:, None] - centers[:, k][None, :]
        xp = namespace(centers)
        out.append(basis.to_coefficients(xp.exp(-exponents[:, k][None, :] * apart * apart)))
    return out


def gaussian_degree(exponent: float, width: float, tol: float) -> int:
    """Degree for ``exp(-a x^2)`` on an interval of some width, to `tol` and a little below.

    On [-1, 1] the coefficients fall under tol beyond ``2 t sqrt(ln(1 / tol))``, t^2 the exponent.
    """
    t = math.sqrt(exponent) * width / 2
    return 16 + math.ceil(2 * t * math.sqrt(math.log(1 / max(tol, 1e-16))))


def check_degrees(degree: Any, dimension: int) -> list[int]:
    """`degree` as one integer >= 0 per axis."""
    given = [degree] * dimension if np.ndim(degree) == 0 else list(degree)
    if len(given) != dimension:
        raise ValueError(f"`degree` needs one entry per axis: {dimension}, got {given}.")
    return [integer("degree", n, 0) for n in given]


def reduced(
    weights: Array, columns: Sequence[Array], tol: float, recompress: bool
) -> tuple[TuckerTensor, float]:
    """Tucker form of a sum of terms, and a bound on its relative Frobenius error.

    Parameters
    ----------
    weights : (R,) array
    columns : sequence of (m_k, R) array
        Coefficients of the terms.
    tol : float
    recompress : bool
        Compress the core; without, the ranks are those of the side matrices.

    Notes
    -----
    Memory ``sum_k m_k R + r^3`` numbers, time about ``R (m^2 + r^3)``. The bound is exact up to
    2048 terms. Above, it grows with the norms of the terms one by one, so that cancellation
    between them makes it, and the first ranks, larger than need be.
    """
    terms = _balanced(weights, columns)
    share = tol / len(terms)
    parts = [svd(a) for a in terms]
    if recompress:
        share *= _SAFETY
    while True:
        kept = [_rank(s, share) for _, s, _ in parts]
        factors = [u[:, :r] for (u, _, _), r in zip(parts, kept, strict=True)]
        small = [s[:r, None] * vh[:r, :] for (_, s, vh), r in zip(parts, kept, strict=True)]
        core = _core(small)
        norm = math.sqrt(sum_of_squares(core))
        error = _missed(terms, factors) / norm if norm > 0 else 0.0
        allowed = tol / 2 if recompress else tol
        whole = all(r == s.shape[0] for r, (_, s, _) in zip(kept, parts, strict=True))
        if error <= allowed or whole:
            break
        # rounding may keep the bound above a tolerance near zero: every turn keeps more
        share *= max(min(0.5, allowed / error), 1e-3)
    tensor = TuckerTensor._adopt(core, factors)
    if not recompress:
        return tensor, error
    rest = math.sqrt(max(tol**2 - error**2, 0.0))
    tensor, lost = compress(tensor, min(rest, 1 - 2.0**-53))
    return tensor, math.hypot(error, lost)  # orthogonal to each other


def _balanced(weights: Array, columns: Sequence[Array]) -> list[Array]:
    """Columns with the weights in them and the same norm in every mode."""
    xp = namespace(weights, *columns)
    norms = [xp.linalg.vector_norm(a, axis=0) for a in columns]
    total = xp.abs(weights)
    for n in norms:
        total = total * n
    each = total ** (1 / len(columns))
    safe = [xp.where(n > 0, n, xp.ones_like(n)) for n in norms]
    out = [a * (each / n) for a, n in zip(columns, safe, strict=True)]
    signs = weights / xp.where(total > 0, xp.abs(weights), xp.ones_like(total))
    return [out[0] * signs, *out[1:]]


def _rank(s: Array, share: float) -> int:
    """Singular values to keep so that the others are within `share` of the norm, at least one."""
    squares = to_host(s) ** 2
    tails = np.cumsum(squares[::-1])[::-1]
    return max(1, int(np.count_nonzero(tails > share**2 * tails[0])))


def _core(small: Sequence[Array]) -> Array:
    """Sum of the terms of coordinates (r_k, R), in pieces of terms."""
    xp, count = namespace(*small), small[0].shape[1]
    others = math.prod(a.shape[0] for a in small[1:])
    step = max(1, _CHUNK // others)
    total = None
    for start in range(0, count, step):
        part = [a[:, start : min(start + step, count)] for a in small]
        ones = xp.ones_like(part[0][0, :])
        dense = CPTensor._adopt(ones, part).to_dense()
        total = dense if total is None else total + dense
    return total


def _missed(terms: Sequence[Array], factors: Sequence[Array]) -> float:
    """Bound on the Frobenius norm of what the projections onto the factors lose.

    The projections are orthogonal, so that the squares of what each of them loses add up.
    """
    xp, total = namespace(*terms), 0.0
    residuals = [a - u @ (xp.conj(u).T @ a) for a, u in zip(terms, factors, strict=True)]
    if terms[0].shape[1] <= _PAIRS:
        grams = [xp.conj(a).T @ a for a in terms]
        for k, e in enumerate(residuals):
            product = xp.conj(e).T @ e
            for j, g in enumerate(grams):
                product = product if j == k else product * g
            total += max(float(xp.real(xp.sum(product))), 0.0)
        return math.sqrt(total)
    norms = [np.linalg.norm(to_host(a), axis=0) for a in terms]
    for k, e in enumerate(residuals):
        apart = np.linalg.norm(to_host(e), axis=0)
        others = math.prod(norms[:k] + norms[k + 1 :])
        total += float(np.sum(apart * others)) ** 2
    return math.sqrt(total)
