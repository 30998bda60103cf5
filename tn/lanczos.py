"""The lowest eigenvector of a Hermitian operator by a few Lanczos steps."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rankloom.tn.arrays import Array, inner, namespace, square_norm


class Ritz(NamedTuple):
    """What a short Lanczos run found.

    ``energies`` are the Ritz values, ascending; ``vector`` belongs to the first and has norm one.
    ``residual`` is ``|H v - <H> v|`` of the start v, which the first step gives for nothing.
    """

    energies: np.ndarray[tuple[int], np.dtype[np.float64]]
    vector: Array
    residual: float


def lowest(apply: Callable[[Array], Array], start: Array, steps: int, tol: float) -> Ritz:
    """Lowest Ritz pair of a Krylov space.

    Parameters
    ----------
    apply : callable
        ``v -> H v``, H Hermitian; it may not keep or change v.
    start : (m, n) array
        Any direction other than 0.
    steps : int
        Largest dimension of the space, and number of applications.
    tol : float
        Stop when a step lowers the energy by less than this, absolute.

    Notes
    -----
    The three-term recurrence, and each new vector once more made orthogonal to the first: the start
    is nearly an eigenvector in most uses, and rounding grows along it. Memory: `steps` + 2 vectors.

    Examples
    --------
    >>> h = np.diag([1.0, 2.0, 4.0])
    >>> found = lowest(lambda v: h @ v, np.ones((3, 1)), 3, 0.0)
    >>> round(float(found.energies[0]), 12), round(float(abs(found.vector[0, 0])), 12)
    (1.0, 1.0)
    """
    xp = namespace(start)
    basis = [start * (1.0 / math.sqrt(square_norm(start)))]
    matrix = np.zeros((steps + 1, steps + 1))
    eps = float(xp.finfo(start.dtype).eps)
    residual, energies, weights = 0.0, np.zeros(1), np.ones((1, 1))
    for j in range(steps):
        new = apply(basis[j])
        matrix[j, j] = complex(inner(basis[j], new)).real
        before = energies[0]
        if j == 0:
            energies = matrix[0, :1].copy()
        else:
            energies, weights = np.linalg.eigh(matrix[: j + 1, : j + 1])
        if not np.isfinite(energies).all():
            break
        new = new - float(matrix[j, j]) * basis[j]
        if j:
            new -= float(matrix[j, j - 1]) * basis[j - 1]
            new -= inner(basis[0], new) * basis[0]
        length = math.sqrt(square_norm(new))
        if j == 0:
            residual = length
        scale = max(abs(energies[0]), abs(energies[-1]))
        if j + 1 == steps or (j and before - energies[0] < tol) or length <= 8 * eps * scale:
            break
        matrix[j, j + 1] = matrix[j + 1, j] = length
        basis.append(new * (1.0 / length))
    vector = float(weights[0, 0]) * basis[0]
    for v, weight in zip(basis[1:], weights[1:, 0], strict=False):
        vector += float(weight) * v
    return Ritz(energies, vector * (1.0 / math.sqrt(square_norm(vector))), residual)
