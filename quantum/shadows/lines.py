"""Least-squares fit of lines to a Gram matrix: where frequencies are found to many digits.

For a Gram matrix G of signals and an orthonormal basis Q of the functions 1, cos w t, sin w t, the
number ``tr(Q^T G Q)`` is what a least-squares fit of these functions explains of all signals
together, weighted as in G. Its maximum over w has no leakage: the mean and the image at -w are part
of the model. With several lines all their columns are taken together, and w moves one line at a
time until none moves any more.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SWEEPS = 50
_SETTLED = 1e-7  # of the resolution


class LineFit:
    """One line beside others that are held fixed.

    Parameters
    ----------
    matrix : (T, T) array
        Gram matrix, neither centred nor tapered.
    times : (T,) array
    others : sequence of float
        Frequencies of the other lines.
    """

    def __init__(self, matrix: Floats, times: Floats, others: Sequence[float] = ()) -> None:
        self.t = times - times.mean()  # the columns span the same, and are better conditioned
        self.fixed = constant_and_lines(times, others)
        self.matrix = without(matrix, self.fixed)

    def power(self, omega: Floats) -> Floats:
        """What each frequency explains beside the other lines, (F,)."""
        basis = self._columns(omega)
        gram = basis.mT @ basis
        inside = basis.mT @ (self.matrix @ basis)
        return np.asarray(np.einsum("fij,fji->f", _inverse(gram), inside))

    def slope(self, omega: float) -> float:
        """Derivative of the power."""
        basis, turned = self._pair(omega)
        inverse = _inverse(basis.T @ basis)
        half = self.matrix @ (basis @ inverse)
        rest = half - basis @ (inverse @ (basis.T @ half))
        return float(2.0 * np.sum(turned * rest))

    def peak(self, start: float, reach: float, low: float, high: float) -> float:
        """The maximum within `reach` of `start` and within [low, high]."""
        from scipy.optimize import brentq

        near = np.linspace(max(start - reach, low), min(start + reach, high), 33)
        power = self.power(near)
        k = int(power.argmax())
        if k in (0, len(near) - 1):
            return float(near[k])
        left, right = float(near[k - 1]), float(near[k + 1])
        if self.slope(left) <= 0.0 or self.slope(right) >= 0.0:
            return float(near[k])  # two maxima within one step: as good as it gets
        return float(brentq(self.slope, left, right, xtol=1e-14 * high, rtol=1e-14))

    def error(self, omega: float) -> float:
        """Standard error of a maximum from the noise in what the fit leaves, white in time.

        The noise of the slope at the maximum is that of the rows of G that the fit does not
        explain; divided by the curvature it is the noise of the frequency.
        """
        basis, turned = self._pair(omega)
        half = self.matrix @ (basis @ _inverse(basis.T @ basis))
        rest = _outside(half, basis)
        turned = _outside(turned, basis)
        freedom = len(self.t) - basis.shape[1] - self.fixed.shape[1]
        noise = rest.T @ rest / max(freedom, 1)
        variance = 4.0 * float(np.sum(noise * (turned.T @ turned)))
        step = 0.05 / np.ptp(self.t)
        curvature = (self.slope(omega - step) - self.slope(omega + step)) / (2 * step)
        return variance**0.5 / curvature if curvature > 0 else float("inf")

    def _columns(self, omega: Floats) -> Floats:
        """cos and sin beside the fixed functions, (F, T, 2)."""
        phase = np.multiply.outer(np.asarray(omega), self.t)
        basis = np.stack([np.cos(phase), np.sin(phase)], axis=-1)
        return np.asarray(basis - self.fixed @ (self.fixed.T @ basis))

    def _pair(self, omega: float) -> tuple[Floats, Floats]:
        """The columns at one frequency and their derivatives, (T, 2) each."""
        cosine, sine = np.cos(omega * self.t), np.sin(omega * self.t)
        basis = np.stack([cosine, sine], axis=1)
        turned = np.stack([-self.t * sine, self.t * cosine], axis=1)
        return _outside(basis, self.fixed, True), _outside(turned, self.fixed, True)


def fit_lines(
    matrix: Floats, times: Floats, starts: Sequence[float], low: float, high: float
) -> list[float]:
    """Frequencies of several lines at the joint least-squares optimum next to `starts`."""
    resolution = 2 * np.pi / (times[-1] - times[0] + times[1] - times[0])
    found, reach = list(starts), 0.5 * resolution
    for _ in range(_SWEEPS if len(found) > 1 else 1):
        moved = 0.0
        for i, start in enumerate(found):
            fit = LineFit(matrix, times, found[:i] + found[i + 1 :])
            found[i] = fit.peak(start, reach, low, high)
            moved = max(moved, abs(found[i] - start))
        if moved <= _SETTLED * resolution:
            break
        reach = max(min(reach, 2 * moved), 1e-4 * resolution)
    return found


def constant_and_lines(times: Floats, omegas: Sequence[float]) -> Floats:
    """Orthonormal basis of 1 and the cosines and sines of the lines, (T, 1 + 2 lines)."""
    t = times - times.mean()
    columns = [np.ones_like(t)]
    for omega in omegas:
        columns += [np.cos(omega * t), np.sin(omega * t)]
    return np.linalg.qr(np.stack(columns, axis=1))[0]


def without(matrix: Floats, basis: Floats) -> Floats:
    """The matrix projected on what is orthogonal to an orthonormal basis, on both sides."""
    half = matrix - basis @ (basis.T @ matrix)
    return np.asarray(half - (half @ basis) @ basis.T)


def _outside(x: Floats, basis: Floats, orthonormal: bool = False) -> Floats:
    inside = basis.T @ x
    if not orthonormal:
        inside = _inverse(basis.T @ basis) @ inside
    return np.asarray(x - basis @ inside)


def _inverse(gram: Floats) -> Floats:
    """Pseudo-inverse: at the Nyquist frequency one of the two columns is zero."""
    return np.asarray(np.linalg.pinv(gram, rcond=1e-9, hermitian=True))
