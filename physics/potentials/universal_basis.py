"""One basis for the Gaussians of all particles, and the moments of the charges in it.

The functions ``exp(-t^2 (x - a)^2)`` of x, for all nodes t of a long-range kernel and all places a
of particles, lie in one space of modest dimension, which knows nothing of where the particles are.
On every axis, with orthonormal Chebyshev coefficients Phi of targets x and Psi of sources a,

    exp(-t_k^2 (x - a)^2) = Phi(x)^T B_k Psi(a),        k = 0 .. R-1,

so N charges enter through their moments ``M = sum_p q_p Psi(x_p) o Psi(y_p) o Psi(z_p)`` alone, and
the potential has the core ``sum_k w_k B_k x B_k x B_k M``. Neither N R rank-one terms nor their
side matrices are ever formed: N r^3 operations for the moments, and ``4 r^3 sum_k rank(B_k)`` for
the core.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chebyshev.basis import nodes, polynomials, to_coefficients
from rankloom.decomposition.chebyshev.canonical import gaussian_degree
from rankloom.decomposition.modes import mode_products
from rankloom.physics.potentials.quadrature import GaussianSum
from rankloom.tn.arrays import Array, like, namespace, one_blas_thread, svd, triangle

Interval = tuple[float, float]

_CHUNK = 2**21  # numbers of a Khatri-Rao product held at once


@dataclass(frozen=True, eq=False)
class AxisBasis:
    """The basis on one axis.

    Parameters
    ----------
    target, source : (start, stop)
        Where potentials are asked for, and where charges are.
    phi, psi : (m, r) array
        Chebyshev coefficients of both bases, orthonormal columns.
    left, right : tuple of (r_target, rho_k) and (rho_k, r_source) arrays
        ``B_k = left[k] @ right[k]``, rho_k the rank of the k-th Gaussian.
    """

    target: Interval
    source: Interval
    phi: NDArray[np.float64]
    psi: NDArray[np.float64]
    left: tuple[NDArray[np.float64], ...]
    right: tuple[NDArray[np.float64], ...]

    def at_sources(self, places: Array) -> Array:
        """Psi at places (N,) within the source interval: (N, r)."""
        middle, half = _middle(self.source)
        t = namespace(places).clip((places - middle) / half, -1.0, 1.0)
        return polynomials(t, self.psi.shape[0]).T @ like(places, self.psi, places.dtype)


def axis_basis(rule: GaussianSum, target: Interval, source: Interval, tol: float) -> AxisBasis:
    """Bases for all Gaussians of a kernel between two intervals.

    Parameters
    ----------
    rule : GaussianSum
        The long-range terms.
    target, source : (start, stop)
    tol : float
        Singular values below `tol` times the largest are dropped.

    Notes
    -----
    About ``2 R m^3`` operations and R m^2 numbers, m the number of Chebyshev coefficients
    (`degree`).
    """
    m, n = (degree(rule, interval, tol) + 1 for interval in (target, source))
    difference = np.subtract.outer(nodes(m, *target), nodes(n, *source)) ** 2
    values = np.exp(-np.multiply.outer(rule.nodes**2, difference))
    c = to_coefficients(np.ascontiguousarray(values.transpose(1, 0, 2)))  # (m, R, n)
    c = to_coefficients(np.ascontiguousarray(c.transpose(2, 1, 0)))  # (n, R, m)
    with one_blas_thread(m):
        phi = _range(c.reshape(-1, m), tol)
        b = np.ascontiguousarray((c @ phi).transpose(2, 1, 0))  # (r_target, R, n)
        psi = phi if source == target else _range(b.reshape(-1, n), tol)
        left, right = [], []
        for mixer in (b @ psi).transpose(1, 0, 2):
            u, s, vh = svd(mixer)
            keep = max(1, int(np.count_nonzero(s > tol * s[0])))
            left.append(u[:, :keep] * s[:keep])
            right.append(vh[:keep])
    return AxisBasis(target, source, phi, psi, tuple(left), tuple(right))


def degree(rule: GaussianSum, interval: Interval, tol: float) -> int:
    """Degree that resolves the steepest Gaussian of a kernel on an interval."""
    return gaussian_degree(float(rule.nodes[-1]) ** 2, interval[1] - interval[0], tol)


def basis_size(steepest: float, half_width: float, tol: float) -> float:
    """About how many functions the basis will have: lengths times bandwidths over 2 pi."""
    return 4 + 4 * half_width * steepest * math.sqrt(math.log(1 / tol)) / math.pi


def charge_moments(axes: tuple[Array, Array, Array], charges: Array) -> Array:
    """``sum_p q_p u_p o v_p o w_p`` of rows (N, r_k) for the three axes: an array (r_0, r_1, r_2).

    Any array library. Cost ``2 N r_0 r_1 r_2``; beside the result, 2**21 numbers.

    Examples
    --------
    >>> rows = np.array([[1.0, 2.0], [0.0, 1.0]])
    >>> charge_moments((rows, rows, rows), np.array([1.0, -1.0]))[1, 1]
    array([4., 7.])
    """
    u, v, w = axes
    xp = namespace(u)
    r, n = (v.shape[1], w.shape[1]), v.shape[1] * w.shape[1]
    total = xp.zeros((u.shape[1], n), dtype=u.dtype, device=u.device)
    size = max(1, _CHUNK // n)
    for start in range(0, u.shape[0], size):
        part = slice(start, min(start + size, u.shape[0]))
        pairs = xp.reshape(v[part, :, None] * w[part, None, :], (-1, n))
        total = total + (u[part, :] * charges[part, None]).T @ pairs
    return xp.reshape(total, (u.shape[1], *r))


def mixed_core(
    moments: Array, weights: NDArray[np.float64], axes: tuple[AxisBasis, AxisBasis, AxisBasis]
) -> Array:
    """``sum_k w_k M x_0 B_k x_1 B_k x_2 B_k``, each B_k through its rank; any array library."""
    xp = namespace(moments)
    shape = tuple(axis.phi.shape[1] for axis in axes)
    # the first and the last product are the dear ones: all terms at once
    right = like(moments, np.concatenate(axes[0].right), moments.dtype)
    flat = xp.reshape(moments, (moments.shape[0], -1))
    first = right @ flat
    parts, start = [], 0
    for k, w in enumerate(weights.tolist()):
        rank = axes[0].right[k].shape[0]
        block = xp.reshape(first[start : start + rank, :], (rank, *moments.shape[1:]))
        start += rank
        right_1, right_2, left_1, left_2 = (
            like(moments, matrix, moments.dtype)
            for matrix in (axes[1].right[k], axes[2].right[k], axes[1].left[k], axes[2].left[k])
        )
        small = mode_products(block, [None, right_1, right_2])
        parts.append(w * xp.reshape(mode_products(small, [None, left_1, left_2]), (rank, -1)))
    left = like(moments, np.concatenate(axes[0].left, axis=1), moments.dtype)
    total = left @ xp.concat(parts)
    return xp.reshape(total, shape)


def _range(transposed: NDArray[np.float64], tol: float) -> NDArray[np.float64]:
    """Orthonormal basis of the rows of a tall matrix, singular values below `tol` dropped."""
    _, s, vh = svd(triangle(transposed))
    return np.ascontiguousarray(vh[s > tol * s[0]].T)


def _middle(interval: Interval) -> tuple[float, float]:
    return (interval[0] + interval[1]) / 2, (interval[1] - interval[0]) / 2
