"""The exponential of a Hermitian operator on a vector, by a short Lanczos recursion."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, like, namespace

_LIMIT = 32  # vectors; where more are wanted, two shorter steps are cheaper


def exponential(
    apply: Callable[[Array], Array], x: Array, factor: complex, tol: float = 1e-12
) -> Array:
    r"""``exp(factor H) x`` for Hermitian H, to a relative error of at most `tol`.

    Parameters
    ----------
    apply : callable
        Maps a matrix y of the shape of x to H y.
    x : (m, n) array
        Not 0. Complex, unless `factor` and H are real.
    factor : complex
        Imaginary (evolution in time, unitary) or real (imaginary time). For real factors the result
        is scaled to the norm of x, and only its direction means anything.
    tol : float, default 1e-12
        Bound of the error for an imaginary factor; for a real one the bound holds up to an estimate
        of the spectral range of H. Not below a few roundings of the data type.

    Notes
    -----
    With m Lanczos vectors ``V`` and the tridiagonal ``T = V^H H V`` with off-diagonals ``b_j`` the
    result is ``V exp(factor T) e_1`` [1]_. The residual [1]_ (section 4) has the size
    ``b_m |exp(s T)_{m,1}|``, and the last element is ``b_1 .. b_(m-1)`` times a divided difference
    of the exponential over the spectrum of T, hence for ``|factor| = t``

    .. math:: |error| \le b_1 b_2 \cdots b_m \, t^m / m!,

    which costs nothing to watch. If 32 vectors do not reach `tol`, the largest part of the way that
    does is taken, and the rest anew. Memory: at most 34 vectors.

    References
    ----------
    .. [1] M. Hochbruck and C. Lubich, SIAM J. Numer. Anal. 34, 1911 (1997),
       doi:10.1137/S0036142995280572.

    Examples
    --------
    >>> h = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> x = np.array([[1.0 + 0j], [0.0]])
    >>> exponential(lambda y: h @ y, x, -1j * np.pi / 2).round(12) + 0.0
    array([[0.+0.j],
           [0.-1.j]])
    """
    xp = namespace(x)
    tol = max(tol, 8 * float(xp.finfo(x.dtype).eps))
    left = 1.0
    while left > 0.0:
        x, done = _part(apply, x, left * factor, tol * left)
        left = 0.0 if done == 1.0 else left * (1.0 - done)
    return x


def _part(
    apply: Callable[[Array], Array], x: Array, factor: complex, tol: float
) -> tuple[Array, float]:
    """``exp(done * factor H) x`` for the largest part 0 < done <= 1 that reaches `tol`."""
    xp = namespace(x)
    shape, size = x.shape, math.prod(x.shape)
    vector = xp.reshape(x, (-1,))
    norm = _norm(vector)
    basis = xp.empty((8, size), dtype=x.dtype, device=x.device)
    basis[0, :] = vector * (1.0 / norm)
    diagonal: list[float] = []
    beside: list[float] = []
    goal, bound, spread, done = math.log(tol), 0.0, 0.0, 1.0
    while True:
        m = len(diagonal) + 1
        new = xp.reshape(apply(xp.reshape(basis[m - 1, :], shape)), (-1,))
        # Against all vectors at once: two matrix-vector products, and orthogonal to rounding.
        against = xp.conj(basis[:m, :] @ xp.conj(new))
        diagonal.append(float(xp.real(against[m - 1])))
        new = new - against @ basis[:m, :]
        length = _norm(new)
        reached = length * abs(factor) / m
        bound += math.log(reached) if reached > 0.0 else -math.inf
        if bound + spread <= goal or m in (size, _LIMIT):
            energies, modes = _eigh(diagonal, beside)
            spread = float(np.max(factor.real * (energies - diagonal[0])))
            if bound + spread <= goal or m == size:
                break
            if m == _LIMIT:
                done = _reach(bound, spread, m, goal)
                break
        beside.append(length)
        if m == basis.shape[0]:
            basis = xp.concat([basis, xp.empty_like(basis)])
        basis[m, :] = new * (1.0 / length)
    if factor.imag == 0.0:
        exponents = done * factor.real * energies
        weights = np.exp(exponents - exponents.max())
        coefficients: NDArray[Any] = modes @ (weights * modes[0])
        norm /= float(np.linalg.norm(coefficients))
    else:
        coefficients = modes @ (np.exp(done * factor * energies) * modes[0])
    scaled = like(x, norm * coefficients, x.dtype)
    return xp.reshape(scaled @ basis[: len(diagonal), :], shape), done


def _reach(bound: float, spread: float, m: int, goal: float) -> float:
    """The largest part f of the way with ``bound + m log f + f spread <= goal``."""
    low, high = 0.0, min(1.0, math.exp((goal - bound) / m))
    for _ in range(40):
        middle = (low + high) / 2
        if bound + m * math.log(middle) + middle * spread <= goal:
            low = middle
        else:
            high = middle
    return low


def _norm(vector: Array) -> float:
    xp = namespace(vector)
    return math.sqrt(float(xp.real(xp.vecdot(vector, vector))))


def _eigh(diagonal: list[float], beside: list[float]) -> tuple[NDArray[np.float64], ...]:
    """Eigenvalues and eigenvectors of a symmetric tridiagonal matrix."""
    energies, modes = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, -1))  # lower half is read
    return energies, modes
