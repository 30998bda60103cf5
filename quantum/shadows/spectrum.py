"""Spectra of Gram matrices, and the lines that stand out of their noise, with error bars.

Lines are found one after another. The largest value of the spectrum is held against the maxima of
spectra whose times are shuffled; if it exceeds the level that shuffling reaches with the
probability `false_alarm`, its frequency joins the list, the frequencies of all lines are fitted
together by least squares (`rankloom.quantum.shadows.lines`), and the search goes on in what they
leave. So weak lines are seen beside strong ones, and none is invented.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.shadows import periodogram
from rankloom.quantum.shadows.gram import Gram
from rankloom.quantum.shadows.lines import LineFit, constant_and_lines, fit_lines, without
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
METHODS = ("quadratic", "svd")
_FEWEST_TIMES = 8


@dataclass(frozen=True)
class Peak:
    """A line of the spectrum: the difference of two energies.

    Attributes
    ----------
    gap : float
        Frequency, ``|E_a - E_b|``.
    error : float
        Standard error: jackknife over blocks of shots where there are any, else that of the fit.
    snr : float
        Height above the median of the spectrum in (robust) standard deviations of its floor.
    power : float
        What the line explains of the signals, ``sum_P w_P |f_P|^2`` over the times.
    fit_error : float
        Standard error from the residuals of the fit alone, a check of `error`.
    false_alarm : float
        Share of shuffled spectra that reach as high, at least 1 / (draws + 1).
    """

    gap: float
    error: float
    snr: float
    power: float
    fit_error: float
    false_alarm: float

    def __str__(self) -> str:
        return f"{self.gap:.6g} +- {self.error:.2g}"


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A spectrum and its lines.

    Attributes
    ----------
    frequencies : (F,) array
        Angular frequencies ``2 pi k / (L dt)`` from 0 to ``pi / dt``.
    power : (F,) array
        Centred, and tapered where asked.
    peaks : list of Peak
        Strongest first. Empty when nothing exceeds the level of false alarms.
    level : float
        The level of false alarms in the first search.
    resolution : float
        ``2 pi / (T dt)``.
    method : str
    """

    frequencies: Floats
    power: Floats
    peaks: "list[Peak]"
    level: float
    resolution: float
    method: str

    @property
    def verdict(self) -> str:
        """What was found, in words."""
        if self.peaks:
            lines = ", ".join(str(peak) for peak in self.peaks)
            return f"{len(self.peaks)} line{'s' * (len(self.peaks) > 1)}: {lines}"
        return (
            "no peak above the level of false alarms: more shots or times, or a state with weight "
            "on two levels, are needed."
        )

    def plot(self, ax: "Axes | None" = None, exact: "Sequence[float]" = ()) -> "Axes":
        """The spectrum with its lines, the level of false alarms, and exact gaps if given."""
        from rankloom.quantum.shadows.draw import plot_spectrum

        return plot_spectrum(self, ax, exact)

    def __repr__(self) -> str:
        return f"Spectrum(method={self.method!r}, {self.verdict})"

    def _repr_html_(self) -> str:
        head = "<tr><th>gap</th><th>error</th><th>SNR</th><th>false alarm</th></tr>"
        rows = "".join(
            f"<tr><td>{p.gap:.6g}</td><td>{p.error:.2g}</td><td>{p.snr:.1f}</td>"
            f"<td>{p.false_alarm:.2g}</td></tr>"
            for p in self.peaks
        )
        if not rows:
            return f"<p>Spectrum: {self.verdict}</p>"
        return f"<table><caption>Spectrum</caption>{head}{rows}</table>"


def spectrum(
    gram: Gram,
    method: str = "quadratic",
    *,
    taper: Any = None,
    padding: int = 8,
    refine: bool = True,
    min_frequency: float | None = None,
    max_peaks: int = 8,
    false_alarm: float = 0.01,
    draws: int = 200,
    cutoff: int = 4,
    rng: np.random.Generator | int | None = 0,
) -> Spectrum:
    """Spectrum of a Gram matrix, and its lines.

    Parameters
    ----------
    gram : Gram
        Of at least 8 times.
    method : {"quadratic", "svd"}, default "quadratic"
        "quadratic" adds the periodograms of all signals. "svd" is the way of the paper: the
        largest singular value of the cross-spectra of the `cutoff` dominant eigenvectors.
    taper : None, "hann" or float, default None
        Window of the spectrum that lines are looked for in; a number is alpha T of ``exp(-alpha
        t)``. The fit of the frequencies is never tapered.
    padding : int, default 8
        Transforms are this many times longer than the record.
    refine : bool, default True
        Fit the frequencies by least squares. False takes the vertex of the parabola through the
        three points at the maximum, biased by leakage.
    min_frequency : float, optional
        Lines are looked for above it; default: the resolution ``2 pi / (T dt)``.
    max_peaks : int, default 8
    false_alarm : float, default 0.01
        Probability that a search in white noise reports a line.
    draws : int, default 200
        Shufflings of the times; at least ``1 / false_alarm``.
    cutoff : int, default 4
        Eigenvectors of "svd".
    rng : Generator, seed or None, default 0
        Of the shufflings.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        Too few times, an unknown method, or a number out of range.

    Notes
    -----
    ``O(draws T^2)`` for each line, and least squares of the lines, a few milliseconds each.
    Source: arXiv:2212.11036 for the method and the cross-spectra; the quadratic spectrum, the fit
    and the tests are ours.

    Examples
    --------
    >>> from rankloom.quantum import Snapshots, gram
    >>> times = np.arange(60) * 0.2
    >>> states = [np.array([1, np.exp(-2j * t)]) / np.sqrt(2) for t in times]  # a gap of 2
    >>> found = spectrum(gram(Snapshots.measure(states, times, 50, rng=0), 1))
    >>> len(found.peaks), bool(abs(found.peaks[0].gap - 2) < 0.02)
    (1, True)
    """
    if not isinstance(gram, Gram):
        raise TypeError(f"`gram` must be a Gram, got {type(gram).__name__}.")
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    count, dt = len(gram.times), gram.dt
    if count < _FEWEST_TIMES:
        raise ValueError(f"`gram` has {count} times; a spectrum needs {_FEWEST_TIMES} or more.")
    padding, draws = integer("padding", padding, 2), integer("draws", draws, 1)
    max_peaks, cutoff = integer("max_peaks", max_peaks, 0), integer("cutoff", cutoff, 1)
    if not 1.0 / (draws + 1) <= false_alarm < 1.0:
        raise ValueError(
            f"`false_alarm` = {false_alarm} needs at least {1 / false_alarm - 1:.0f} `draws`, got "
            f"{draws}."
        )
    frequencies = periodogram.grid(count, dt, padding)
    resolution = 2 * np.pi / (count * dt)
    low = resolution if min_frequency is None else float(min_frequency)
    high = np.pi / dt
    if not 0 <= low < high:
        raise ValueError(f"`min_frequency` = {low:g} must lie in 0 .. pi / dt = {high:g}.")
    window = periodogram.taper_window(taper, count)

    def power(matrix: Floats) -> Floats:
        tapered = window[:, None] * matrix * window
        if method == "svd":
            return periodogram.cross_spectrum(tapered, padding, cutoff)
        return periodogram.quadratic(tapered, padding)

    search = _Search(gram, power, frequencies, (low, high), resolution, refine)
    whole = power(without(gram.matrix, constant_and_lines(gram.times, [])))
    level, odds = search.run(max_peaks, false_alarm, draws, np.random.default_rng(rng))
    peaks = _measured(gram, search.found, odds, frequencies, whole, (low, high), resolution)
    return Spectrum(frequencies, whole, peaks, level, resolution, method)


class _Search:
    """One line after another, until what is left looks like noise."""

    def __init__(
        self,
        gram: Gram,
        power: periodogram.Statistic,
        frequencies: Floats,
        band: tuple[float, float],
        resolution: float,
        refine: bool,
    ) -> None:
        self.matrix, self.times = gram.matrix, gram.times
        self.power, self.frequencies = power, frequencies
        self.band, self.resolution, self.refine = band, resolution, refine
        self.found: list[float] = []

    def run(
        self, most: int, false_alarm: float, draws: int, rng: np.random.Generator
    ) -> tuple[float, list[float]]:
        """Fill `found`; the level of the first search, and the odds of every line."""
        odds: list[float] = []
        level = float("inf")
        rank = int(false_alarm * (draws + 1))
        band = (self.frequencies > self.band[0]) & (self.frequencies <= self.band[1])

        def in_band(matrix: Floats) -> Floats:
            return self.power(matrix)[band]

        while True:
            rest = without(self.matrix, constant_and_lines(self.times, self.found))
            noise = periodogram.permuted_maxima(rest, in_band, draws, rng)
            now = float(noise[-rank])
            level = level if odds else now
            values = np.where(band, self.power(rest), -np.inf)
            for omega in self.found:  # what a broadened line leaves is not another one
                values[abs(self.frequencies - omega) <= self.resolution] = -np.inf
            k = int(values.argmax())
            if len(self.found) == most or not values[k] > now:
                break
            odds.append((1 + int((noise >= values[k]).sum())) / (draws + 1))
            self.found.append(_vertex(self.frequencies, values, k))
            if self.refine:
                self.found = fit_lines(self.matrix, self.times, self.found, *self.band)
        return level, odds


def _measured(
    gram: Gram,
    found: list[float],
    odds: list[float],
    frequencies: Floats,
    power: Floats,
    band: tuple[float, float],
    resolution: float,
) -> list[Peak]:
    """Errors, heights and signal-to-noise of the lines, strongest first."""
    floor = frequencies > band[0]
    for omega in found:
        floor &= abs(frequencies - omega) > 2 * resolution
    middle, spread = 0.0, 0.0
    if floor.any():
        middle = float(np.median(power[floor]))
        spread = 1.4826 * float(np.median(abs(power[floor] - middle)))
    matrix, leave_out = gram.matrix, gram.without
    peaks = []
    for i, omega in enumerate(found):
        others = found[:i] + found[i + 1 :]
        fit = LineFit(matrix, gram.times, others)
        fit_error = fit.error(omega)
        error = fit_error
        if len(leave_out):
            moved = np.array(
                [
                    LineFit(part, gram.times, others).peak(omega, 0.5 * resolution, *band)
                    for part in leave_out
                ]
            )
            error = float(np.sqrt((len(moved) - 1) * moved.var()))
        height = float(np.interp(omega, frequencies, power))
        snr = (height - middle) / spread if spread > 0 else float("inf")
        explained = float(fit.power(np.array([omega]))[0])
        peaks.append(Peak(float(omega), error, snr, explained, fit_error, odds[i]))
    return sorted(peaks, key=lambda peak: -peak.power)


def _vertex(frequencies: Floats, values: Floats, k: int) -> float:
    """Vertex of the parabola through three points around a maximum."""
    if k in (0, len(values) - 1) or not np.isfinite(values[k - 1 : k + 2]).all():
        return float(frequencies[k])
    left, top, right = values[k - 1 : k + 2]
    bend = left - 2 * top + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(frequencies[k] + shift * (frequencies[1] - frequencies[0]))
