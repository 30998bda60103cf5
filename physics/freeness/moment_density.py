"""A density from finitely many moments, with a bound on what they leave open.

The moments m_0 = 1, m_1, .., m_2K fix the first K coefficients of the continued fraction

    G(z) = 1 / (z - a_0 - b_1 / (z - a_1 - b_2 / (z - a_2 - ..)))

of the Cauchy transform. Spectra of free probability have coefficients that settle quickly (those
of the semicircle and of Marchenko-Pastur are constant from the first or second on), so the fraction
is closed by its last coefficients repeated for ever, which is a square root. The result is a
positive measure with exactly these moments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.physics.freeness.values import numbers
from rankloom.tn.draw import _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class MomentDensity:
    """A measure with given moments; made by `density_from_moments`.

    Parameters
    ----------
    a : (K,) array
        Coefficients a_0, a_1, .. The last one is repeated for ever.
    b : (K,) array
        Coefficients b_1, b_2, .. The last one is repeated for ever.
    known : int
        How many of b come from the moments: K, or K - 1 where the last repeats the one before.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    known: int

    @property
    def support(self) -> tuple[float, float]:
        """Ends of the interval that carries the density; atoms may lie outside."""
        middle, half = float(self.a[-1]), 2 * float(self.b[-1]) ** 0.5
        return middle - half, middle + half

    def cauchy(self, z: ArrayLike) -> NDArray[np.complex128]:
        """Cauchy transform ``G(z) = int dmu(x) / (z - x)`` in the upper half plane."""
        z = np.asarray(z, np.complex128)
        if (z.imag < 0).any():
            raise ValueError("`z` must not lie in the lower half plane.")
        low, high = self.support
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite at an atom
            # The branch that decays at infinity: two square roots with cuts to the left.
            g = 2 / (z - self.a[-1] + np.sqrt(z - low) * np.sqrt(z - high))
            for diagonal, square in zip(self.a[::-1], self.b[::-1], strict=True):
                g = 1 / (z - diagonal - square * g)
        found: NDArray[np.complex128] = g
        return found

    def pdf(self, x: ArrayLike) -> NDArray[np.float64]:
        """Density on the real line; atoms, if any, are left out."""
        x = np.asarray(x, np.float64)
        low, high = self.support
        density = -self.cauchy(x + 0j).imag / np.pi
        return np.where((x > low) & (x < high), density, 0.0)

    def error(self, x: ArrayLike) -> NDArray[np.float64]:
        """Bound on the distribution function: the true one differs by at most this at x.

        By the Chebyshev-Markov-Stieltjes inequalities two measures with the same moments up to m_2K
        differ in ``F(x)`` by at most ``1 / sum_{k<=K} p_k(x)^2``, with p_k their orthonormal
        polynomials. It holds for every measure with these moments, whatever its shape.
        """
        x = np.asarray(x, np.float64)
        before, p, total, last = np.zeros_like(x), np.ones_like(x), np.ones_like(x), 0.0
        for diagonal, root in zip(self.a, np.sqrt(self.b[: self.known]), strict=False):
            before, p = p, ((x - diagonal) * p - last * before) / root
            total, last = total + p**2, root
        return 1 / total

    def plot_density(self, ax: "Axes | None" = None, points: int = 400) -> "Axes":
        """Draw the density on its support."""
        ax = _axes(ax)
        x = np.linspace(*self.support, points)[1:-1]
        ax.plot(x, self.pdf(x))
        ax.set(xlabel="eigenvalue", ylabel="density", ylim=(0, None))
        return ax


def density_from_moments(moments: Sequence[Any]) -> MomentDensity:
    """A density on the real line with the given moments.

    Parameters
    ----------
    moments : sequence of int, Fraction or float
        m_1, m_2, .. of a probability measure, at least two. Exact numbers are worth their cost:
        floats lose about a digit per order.

    Returns
    -------
    MomentDensity
        With `pdf`, `cauchy` and `error`. An odd last moment is used for one more diagonal
        coefficient.

    Raises
    ------
    ValueError
        These are no moments of a measure on the line (some Hankel determinant is not positive), or
        they are of finitely many atoms.

    Examples
    --------
    >>> semicircle = density_from_moments([0, 1, 0, 2, 0, 5])
    >>> semicircle.support
    (-2.0, 2.0)
    >>> round(float(semicircle.pdf(0.0)) * 3.141592653589793, 12)
    1.0
    """
    m = numbers("moments", [1, *moments])
    if m.ndim != 1 or len(m) < 3:
        raise ValueError(f"`moments` needs at least m_1 and m_2, got {len(m) - 1} of them.")
    if m.dtype.kind == "c":
        raise TypeError("`moments` of a measure on the line are real, got complex numbers.")
    if m.dtype == object and not all(isinstance(v, Rational) for v in m):
        raise TypeError("`moments` must be numbers; insert values for the symbols first.")
    a, b = _jacobi(m.tolist())
    squares = b[1:] + b[-1:] * (len(a) - len(b) + 1)
    return MomentDensity(np.array(a, np.float64), np.array(squares, np.float64), len(b) - 1)


def _jacobi(m: list[Any]) -> tuple[list[Any], list[Any]]:
    """Coefficients of the continued fraction by Chebyshev's algorithm, exact for exact moments."""
    before = [Fraction(0)] * len(m) if isinstance(m[0], Rational) else [0.0] * len(m)
    row = list(m)  # row[l] = integral of the monic orthogonal polynomial times x^l, from l = k on
    a, b = [], []
    k = 0
    while k < len(row):
        norm = row[k]
        if not norm > 0:
            raise ValueError(
                f"`moments` up to m_{2 * k} are not those of a measure with a density: a Hankel "
                f"determinant is {'zero (finitely many atoms)' if norm == 0 else 'negative'}."
            )
        b.append(norm / before[k - 1] if k else norm)
        if k + 1 >= len(row):
            break
        a.append(row[k + 1] / norm - (before[k] / before[k - 1] if k else 0))
        after = [
            row[i + 1] - a[-1] * row[i] - (b[-1] * before[i] if k else 0)
            for i in range(len(row) - 1)
        ]
        before, row, k = row, after, k + 1
    return a, b
