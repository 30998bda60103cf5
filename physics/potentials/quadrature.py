"""The Newton and the Yukawa kernel as sums of Gaussians, from a tolerance.

Both kernels are integrals over Gaussians, ``1/r = 2/sqrt(pi) int_0^inf exp(-t^2 r^2) dt`` and
``exp(-kappa r)/r = 2/sqrt(pi) int_0^inf exp(-t^2 r^2 - kappa^2 / (4 t^2)) dt``, and a trapezoidal
rule in a stretched variable makes sums of them:

======  =======================  ======================================================
kernel  nodes                    weights
======  =======================  ======================================================
Newton  ``t_k = sinh(k s) / S``  ``2/sqrt(pi) (s/S) cosh(k s)``, the first one halved
Yukawa  ``t_k = exp(k s)``       ``2/sqrt(pi) s t_k exp(-kappa^2 / (4 t_k^2))``
======  =======================  ======================================================

S is the largest distance. The error of the rule is ``4 exp(-pi^2 / (2 s))`` to 15 %, so the step
is ``s = pi^2 / (2 ln(5 / tol))``. The sinh rule would fail for the Yukawa kernel: the integrand
has an essential singularity at t = 0, where that rule puts its densest nodes.

A Gaussian is a product over the three coordinates, which is what tensor formats of potentials stand
on (arXiv:2503.01696). The constants 4 and 5 were fitted to the error of the rule.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, namespace

_GUARD = 2.0  # nodes go on until a Gaussian has fallen to exp(-guard) of the tolerance


@dataclass(frozen=True, eq=False)
class GaussianSum:
    """A radial kernel ``K(r) = sum_k weights[k] exp(-nodes[k]^2 r^2)``.

    Parameters
    ----------
    nodes, weights : (R,) array
        Nodes ascending (one over length), so that the first terms reach farthest.
    nearest, farthest : float
        Distances between which the sum holds.
    tol : float
        Largest error there, relative to 1/r.
    screening : float
        kappa of the Yukawa kernel (one over length); 0 for Newton's.
    """

    nodes: NDArray[np.float64]
    weights: NDArray[np.float64]
    nearest: float
    farthest: float
    tol: float
    screening: float = 0.0

    def __len__(self) -> int:
        return len(self.nodes)

    def __call__(self, r: Array) -> Array:
        """The sum at distances r, of any shape."""
        return self.of_square(namespace(r).asarray(r) ** 2)

    def of_square(self, square: Array) -> Array:
        """The sum at squared distances, one term after the other."""
        xp = namespace(square)
        total = xp.zeros_like(square)
        for t, w in zip(self.nodes.tolist(), self.weights.tolist(), strict=True):
            total = total + w * xp.exp(-(t**2) * square)
        return total

    def kernel(self, r: Array) -> Array:
        """What the sum stands for, 1/r or exp(-kappa r)/r."""
        return namespace(r).exp(-self.screening * r) / r

    def leading(self, terms: int) -> "GaussianSum":
        """The first terms, which reach farthest: the long range."""
        return GaussianSum(
            self.nodes[:terms],
            self.weights[:terms],
            self.nearest,
            self.farthest,
            self.tol,
            self.screening,
        )

    def reach(self, terms: int, tol: float) -> float:
        """Distance beyond which the kernel less its first terms is below `tol` / r.

        ``1.02 sqrt(ln(3/tol)) / t`` with t the first node dropped, a law that holds for tolerances
        of 1e-3 to 1e-12 with the error of the quadrature counted in; 0 when all terms are taken.
        """
        if terms >= len(self):
            return 0.0
        return 1.02 * math.sqrt(math.log(3 / tol)) / float(self.nodes[terms])


def newton_quadrature(tol: float, nearest: float, farthest: float) -> GaussianSum:
    """1/r as a sum of Gaussians.

    Parameters
    ----------
    tol : float
        Largest error between the two distances, relative to 1/r.
    nearest, farthest : float
        0 < nearest < farthest.

    Returns
    -------
    GaussianSum

    Raises
    ------
    ValueError
        `tol` outside 1e-15 <= tol <= 0.1, or distances that are not 0 < nearest < farthest.

    Examples
    --------
    >>> rule = newton_quadrature(1e-8, 0.01, 2.0)
    >>> r = np.geomspace(0.01, 2.0, 500)
    >>> len(rule), bool(np.max(np.abs(r * rule(r) - 1)) < 1e-8)
    (32, True)
    """
    _check(tol, nearest, farthest, 0.0)
    s = math.pi**2 / (2 * math.log(5 / tol))
    last = math.sqrt(math.log(1 / tol) + _GUARD) * farthest / nearest
    k = np.arange(1 + math.ceil(math.asinh(last) / s))
    weights = 2 / math.sqrt(math.pi) * s / farthest * np.cosh(k * s)
    weights[0] /= 2
    return GaussianSum(np.sinh(k * s) / farthest, weights, nearest, farthest, tol)


def yukawa_quadrature(tol: float, nearest: float, farthest: float, screening: float) -> GaussianSum:
    """exp(-kappa r)/r as a sum of Gaussians.

    Parameters
    ----------
    tol : float
        Largest error between the two distances, relative to 1/r (relative to the kernel itself,
        which falls faster, there is no bound).
    nearest, farthest : float
        0 < nearest < farthest.
    screening : float
        kappa > 0, one over the screening length.

    Returns
    -------
    GaussianSum

    Raises
    ------
    ValueError
        As `newton_quadrature`, or kappa that is not positive and finite.

    Examples
    --------
    >>> rule = yukawa_quadrature(1e-8, 0.02, 3.5, screening=0.5)
    >>> r = np.geomspace(0.02, 3.5, 500)
    >>> bool(np.max(np.abs(r * (rule(r) - rule.kernel(r)))) < 1e-8)
    True
    """
    _check(tol, nearest, farthest, screening)
    if screening == 0:
        raise ValueError("`screening` must be positive; without screening use `newton_quadrature`.")
    s = math.pi**2 / (2 * math.log(5 / tol))
    digits = math.log(1 / tol) + _GUARD
    first = math.floor(math.log(screening / (2 * math.sqrt(digits + screening * farthest))) / s)
    last = math.ceil(math.log(math.sqrt(digits) / nearest) / s)
    nodes = np.exp(s * np.arange(first, last + 1))
    weights = 2 / math.sqrt(math.pi) * s * nodes * np.exp(-(screening**2) / (4 * nodes**2))
    return GaussianSum(nodes, weights, nearest, farthest, tol, screening)


def quadrature(tol: float, nearest: float, farthest: float, screening: float = 0.0) -> GaussianSum:
    """`newton_quadrature` without screening, `yukawa_quadrature` with it."""
    if screening == 0:
        return newton_quadrature(tol, nearest, farthest)
    return yukawa_quadrature(tol, nearest, farthest, screening)


def _check(tol: float, nearest: float, farthest: float, screening: float) -> None:
    if not 1e-15 <= tol <= 0.1:  # NaN fails too
        raise ValueError(f"`tol` is a relative error, 1e-15 <= tol <= 0.1, got {tol}.")
    if not 0 < nearest < farthest < math.inf:
        raise ValueError(
            f"the distances must satisfy 0 < nearest < farthest, got nearest = {nearest}, "
            f"farthest = {farthest}."
        )
    if not 0 <= screening < math.inf:
        raise ValueError(f"`screening` must be finite and not negative, got {screening}.")
