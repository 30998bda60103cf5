"""Spectra of a Gram matrix on a grid of frequencies.

The grid is ``w_k = 2 pi k / (L dt)``, k = 0 .. L/2, for transforms of length L.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]


def grid(count: int, dt: float, padding: int) -> Floats:
    """The frequencies that `quadratic` and `cross_spectrum` return values for."""
    return np.asarray(2 * np.pi * np.fft.rfftfreq(length(count, padding), dt))


def length(count: int, padding: int) -> int:
    """Length of the transforms, at least 2 T so that no lag wraps around."""
    return max(2, padding) * count


def quadratic(matrix: Floats, padding: int) -> Floats:
    """``sum_mn G[m, n] cos(w (t_m - t_n))``: the periodograms of all signals, summed.

    Sums over the diagonals of G first, so one transform serves the whole matrix.
    """
    count, size = len(matrix), length(len(matrix), padding)
    lags = np.zeros(size)
    lag = (np.arange(count)[None, :] - np.arange(count)[:, None]) % size
    lags += np.bincount(lag.reshape(-1), weights=matrix.reshape(-1), minlength=size)
    return np.asarray(np.fft.rfft(lags).real)


def cross_spectrum(matrix: Floats, padding: int, cutoff: int = 4) -> Floats:
    """Largest singular value of the cross-spectra of the dominant eigenvectors of G.

    ``c_ab(l)``, the mean over m of ``v_a(m) v_b(m + l)``, for lags l = 1 .. T - 1 and the `cutoff`
    eigenvectors of largest eigenvalue; the lag 0, where noise sits, is left out.
    """
    count, size = len(matrix), length(len(matrix), padding)
    vectors = np.linalg.eigh(matrix)[1][:, ::-1][:, :cutoff]
    ahead = np.fft.rfft(vectors, 2 * count, axis=0)
    table = np.fft.irfft(ahead.conj()[:, :, None] * ahead[:, None, :], 2 * count, axis=0)
    table = table[1:count] / (count - np.arange(1, count))[:, None, None]
    spectra = np.fft.rfft(table, size, axis=0)
    return np.asarray(np.linalg.svd(spectra, compute_uv=False)[:, 0])


def taper_window(taper: Any, count: int) -> Floats:
    """Factors on the signals, (T,): None for 1, "hann", or alpha T for ``exp(-alpha t)``."""
    if taper is None:
        return np.ones(count)
    if isinstance(taper, str):
        if taper != "hann":
            raise ValueError(f"`taper` = {taper!r} must be None, 'hann' or a number alpha T.")
        return np.asarray(np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2)
    alpha = float(taper)
    if not 0 <= alpha < 50:
        raise ValueError(
            f"`taper` = {taper} must lie in 0 <= alpha T < 50: exp(-alpha t) is stated per length "
            "of the record, not per unit of time."
        )
    return np.asarray(np.exp(-alpha * np.arange(count) / count))


def permuted_maxima(
    matrix: Floats, statistic: Statistic, draws: int, rng: np.random.Generator
) -> Floats:
    """Largest values of a statistic when the times are shuffled, ascending, (draws,).

    Without time dependence all orders of the times are equally likely, so that the statistic of the
    matrix itself ranks among these values like one of them.
    """
    found = np.empty(draws)
    for i in range(draws):
        order = rng.permutation(len(matrix))
        found[i] = statistic(matrix[np.ix_(order, order)]).max()
    found.sort()
    return found
