"""What several gaps say together: level schemes, and Trotter steps extrapolated to zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.shadows.spectrum import Peak
from rankloom.tn.checks import integer

_MOST_PEAKS = 12


@dataclass(frozen=True, eq=False)
class LevelScheme:
    """Levels whose differences are the gaps found.

    Attributes
    ----------
    energies : (L,) array
        Ascending from 0. The same gaps follow from the scheme turned upside down.
    errors : (L,) array
        Standard errors; 0 for the first.
    pairs : list of (int, int)
        For each peak, in its order, the lower and the upper level.
    chi_square : float
        Sum of squared deviations of the gaps from the scheme, in standard errors, for
        ``peaks - (L - 1)`` degrees of freedom.
    """

    energies: NDArray[np.float64]
    errors: NDArray[np.float64]
    pairs: list[tuple[int, int]]
    chi_square: float

    def __repr__(self) -> str:
        listed = ", ".join(f"{e:.5g}" for e in self.energies)
        return f"LevelScheme([{listed}], chi_square={self.chi_square:.2g})"


def level_scheme(peaks: Sequence[Peak], levels: int) -> LevelScheme:
    """The scheme of `levels` levels that explains the peaks best as differences.

    Parameters
    ----------
    peaks : sequence of Peak
        levels - 1 of them or more, at most 12.
    levels : int
        2 or more.

    Returns
    -------
    LevelScheme

    Raises
    ------
    ValueError
        Too few or too many peaks.

    Notes
    -----
    Every choice of levels - 1 peaks as distances from one level, up or down, gives a scheme;
    the other peaks are assigned to its nearest differences, and all are fitted by weighted least
    squares. Of mirror images, the one whose lowest distance is smaller is kept.

    Examples
    --------
    >>> def peak(gap):
    ...     return Peak(gap, 0.01, 10.0, 1.0, 0.01, 0.005)
    >>> level_scheme([peak(1.0), peak(2.51), peak(1.5)], 3)
    LevelScheme([0, 1.0033, 2.5067], chi_square=0.33)
    """
    count = integer("levels", levels, 2)
    peaks = list(peaks)
    if not count - 1 <= len(peaks) <= _MOST_PEAKS:
        raise ValueError(
            f"{count} levels need {count - 1} to {_MOST_PEAKS} peaks, got {len(peaks)}."
        )
    gaps = np.array([p.gap for p in peaks])
    errors = np.array([p.error for p in peaks])
    best: LevelScheme | None = None
    for chosen in combinations(range(len(peaks)), count - 1):
        for signs in np.ndindex(*(2,) * (count - 1)):
            start = np.append(0.0, gaps[list(chosen)] * (1 - 2 * np.array(signs)))
            found = _fitted(np.sort(start), gaps, errors)
            if best is None or found.chi_square < best.chi_square - 1e-9:
                best = found
    assert best is not None
    turned = best.energies[-1] - best.energies[::-1]
    if turned[1] < best.energies[1] - 1e-12:
        pairs = [(count - 1 - b, count - 1 - a) for a, b in best.pairs]
        best = _solved(pairs, gaps, errors, count)
    return best


class Extrapolated(NamedTuple):
    """A gap at zero Trotter step, and its standard error."""

    gap: float
    error: float


def extrapolate_gaps(
    steps: ArrayLike, gaps: Sequence[Peak], order: int = 2, degree: int = 1
) -> Extrapolated:
    """A gap without Trotter error, from runs with several steps.

    The error of a Trotter formula shifts the position of a line and leaves it sharp, by a series in
    ``step^order``, then ``step^(order + 2)``, ... for symmetric formulas.

    Parameters
    ----------
    steps : (m,) array_like
        Trotter steps, different.
    gaps : sequence of Peak
        The same line from each run.
    order : int, default 2
        Of the formula.
    degree : int, default 1
        Terms of the series to fit, at most m - 1.

    Returns
    -------
    Extrapolated

    Raises
    ------
    ValueError
        Numbers that do not fit each other, or steps that repeat.

    Examples
    --------
    >>> def peak(gap):
    ...     return Peak(gap, 1e-3, 10.0, 1.0, 1e-3, 0.005)
    >>> gap, error = extrapolate_gaps([0.1, 0.2], [peak(1.01), peak(1.04)])
    >>> round(gap, 6), round(error, 6)
    (1.0, 0.001374)
    """
    h = np.array(steps, dtype=float)
    order, degree = integer("order", order, 1), integer("degree", degree, 1)
    if h.shape != (len(gaps),) or degree >= len(gaps) or not (h > 0).all():
        raise ValueError(
            f"`steps` and `gaps` need one entry for each run, and more than `degree` = {degree} "
            f"of them, got {h.size} and {len(gaps)}."
        )
    if len(np.unique(h)) != len(h):
        raise ValueError(f"`steps` must be different, got {h.tolist()}.")
    values = np.array([p.gap for p in gaps])
    errors = np.array([p.error for p in gaps])
    columns = [np.ones_like(h), *(h ** (order + 2 * k) for k in range(degree))]
    solve = np.linalg.pinv(np.stack(columns, axis=1) / errors[:, None])
    weights = solve[0] / errors
    return Extrapolated(float(weights @ values), float(np.linalg.norm(weights * errors)))


def _fitted(energies: Any, gaps: NDArray[np.float64], errors: NDArray[np.float64]) -> LevelScheme:
    count = len(energies)
    low, high = np.triu_indices(count, 1)
    nearest = abs((energies[high] - energies[low])[None, :] - gaps[:, None]).argmin(axis=1)
    pairs = [(int(low[k]), int(high[k])) for k in nearest]
    return _solved(pairs, gaps, errors, count)


def _solved(
    pairs: list[tuple[int, int]],
    gaps: NDArray[np.float64],
    errors: NDArray[np.float64],
    count: int,
) -> LevelScheme:
    """Weighted least squares of the levels above the first."""
    design = np.zeros((len(gaps), count))
    for row, (a, b) in enumerate(pairs):
        design[row, a], design[row, b] = -1.0, 1.0
    scaled = design[:, 1:] / errors[:, None]
    if np.linalg.matrix_rank(scaled) < count - 1:  # a level that no peak reaches
        return LevelScheme(np.zeros(count), np.zeros(count), pairs, float("inf"))
    solve = np.linalg.pinv(scaled)
    energies = np.append(0.0, solve @ (gaps / errors))
    left = (gaps - design @ energies) / errors
    spread = np.append(0.0, np.sqrt((solve**2).sum(axis=1)))
    return LevelScheme(energies, spread, pairs, float(left @ left))
