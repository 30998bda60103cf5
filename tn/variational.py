"""Variational rounding: the best state of given bonds, by alternating least squares.

With all other sites orthonormal the site tensor that minimises ``|target - phi|`` is the target
contracted with the rest of phi [1]_. So each step solves its problem exactly, the squared distance
``|target|^2 - |phi|^2`` never grows, and no Schmidt value is squared on the way. Targets are sums
of operators on states that are never formed.

References
----------
.. [1] U. Schollwoeck, arXiv:1008.3477, section 4.5.2.
"""

from collections.abc import Sequence

from rankloom.tn.arrays import Array, qr, square_norm
from rankloom.tn.combination import Combination
from rankloom.tn.outcome import Outcome


def fit(
    target: Combination, start: Sequence[Array], square: float, tol: float, max_sweeps: int
) -> tuple[list[Array], list[float], Outcome]:
    """Sweep from the last site to the first and back until the distance settles.

    Parameters
    ----------
    target : Combination
    start : sequence of (D[k], d[k], D[k+1]) array
        Canonical about the last site; its bonds are kept.
    square : float
        Squared norm of the target.
    tol : float
        Relative change of the squared distance at which to stop.
    max_sweeps : int
        Largest number of sweeps, there and back.

    Returns
    -------
    tensors : list of array
        Canonical about the last site.
    errors : list of float
        Squared distance over squared norm, at the start and after each sweep.
    outcome : Outcome
        CONVERGED or MAX_SWEEPS.

    Notes
    -----
    A sweep costs ``6 n d b D chi`` multiplications for bonds b of the target made of states of bond
    D, and 2n QR factorisations. Memory: ``32 n b chi`` bytes in complex128.
    """
    xp = target.xp
    phi, n = list(start), target.n_sites
    lefts, rights = [target.first] * n, [target.last] * (n + 1)
    for k in range(n - 1):
        lefts[k + 1] = _from_left(target, k, lefts[k], phi[k])
    # the part of the distance that rounding hides
    hidden = 16 * n * float(xp.finfo(target.first.dtype).eps)
    errors = [distance(phi[-1], square)]
    for _ in range(max_sweeps):
        for k in range(n - 1, 0, -1):
            site = _best(target, k, lefts[k], rights[k + 1])
            q, _r = qr(xp.reshape(site, (site.shape[0], -1)).mT)
            phi[k] = xp.reshape(q.mT, (-1, *site.shape[1:]))
            rights[k] = target.pull(k, rights[k + 1]) @ xp.conj(q)
        for k in range(n - 1):
            site = _best(target, k, lefts[k], rights[k + 1])
            q, _r = qr(xp.reshape(site, (-1, site.shape[2])))
            phi[k] = xp.reshape(q, (*site.shape[:2], -1))
            lefts[k + 1] = _from_left(target, k, lefts[k], phi[k])
        phi[-1] = _best(target, n - 1, lefts[-1], target.last)
        errors.append(distance(phi[-1], square))
        if errors[-2] - errors[-1] <= max(tol * errors[-1], hidden):
            return phi, errors, Outcome.CONVERGED
    return phi, errors, Outcome.MAX_SWEEPS


def _best(target: Combination, k: int, left: Array, right: Array) -> Array:
    """The target between left and right environments: the best tensor of site k."""
    xp = target.xp
    theta = target.push(k, left) @ right
    return xp.reshape(theta, (left.shape[0], -1, right.shape[1]))


def _from_left(target: Combination, k: int, left: Array, site: Array) -> Array:
    """Overlap of the left part of phi, site k taken in, with that of the target."""
    xp = target.xp
    return xp.conj(xp.reshape(site, (-1, site.shape[2]))).mT @ target.push(k, left)


def distance(last: Array, square: float) -> float:
    """Squared relative distance of a projection with centre tensor `last` from its target."""
    return max(0.0, 1.0 - square_norm(last) / square) if square > 0.0 else 0.0
