"""Shadow spectroscopy from end to end: states, snapshots, Gram matrix, gaps."""

import time as clock
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.quantum.shadows.checks import uniform_times
from rankloom.quantum.shadows.evolution import Evolved
from rankloom.quantum.shadows.gram import Gram, gram
from rankloom.quantum.shadows.lines import LineFit
from rankloom.quantum.shadows.operators import as_operator
from rankloom.quantum.shadows.snapshots import Rng, Snapshots
from rankloom.quantum.shadows.spectrum import Peak, Spectrum, spectrum
from rankloom.tn import SpinChain
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress, track

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SPREADS = 6.0  # energies of a state lie within so many of its standard deviations
_FEWEST_SHOTS = 8


@dataclass(frozen=True, eq=False)
class ShadowSpectroscopy:
    """Gaps, and everything they came from.

    Attributes
    ----------
    snapshots : Snapshots
    gram : Gram
    spectrum : Spectrum
    seconds : dict
        Wall time of each stage: "evolution", "sampling", "gram", "spectrum", "bootstrap".
    truncation_error : float
        Discarded weight of the evolution; 0 for dense states and device data.
    bootstrap : (draws, lines) array
        Frequencies of the lines from resampled snapshots, in the order of `gaps`.
    """

    snapshots: Snapshots
    gram: Gram
    spectrum: Spectrum
    seconds: dict[str, float] = field(default_factory=dict)
    truncation_error: float = 0.0
    bootstrap: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def gaps(self) -> list[Peak]:
        """The lines found, strongest first; empty when nothing stands out of the noise."""
        return self.spectrum.peaks

    @property
    def bootstrap_errors(self) -> NDArray[np.float64]:
        """Standard deviation of each gap over the resampled snapshots; NaN without any."""
        if len(self.bootstrap) < 2:
            return np.full(len(self.gaps), np.nan)
        return np.asarray(self.bootstrap.std(axis=0, ddof=1))

    def plot(self, ax: "Axes | None" = None, exact: Sequence[float] = ()) -> "Axes":
        """The spectrum with its lines, and exact gaps if given."""
        return self.spectrum.plot(ax, exact)

    def __repr__(self) -> str:
        return f"ShadowSpectroscopy({self.snapshots!r}, {self.spectrum.verdict})"

    def _repr_html_(self) -> str:
        return self.spectrum._repr_html_()


def shadow_spectroscopy(
    chain: Any,
    state: Any,
    times: ArrayLike,
    shots: int,
    max_locality: int = 3,
    *,
    weights: Any = None,
    rng: Rng = None,
    evolution: str = "auto",
    trotter_step: float = 0.05,
    order: int = 2,
    max_bond: int = 64,
    cutoff: float = 1e-10,
    shots_per_basis: int = 1,
    bootstrap: int = 0,
    progress: Progress = False,
    **options: Any,
) -> ShadowSpectroscopy:
    """Simulate an experiment of shadow spectroscopy and find the gaps.

    Parameters
    ----------
    chain : SpinChain, MPO, SparsePauliOp, QubitOperator or list of terms
        The Hamiltonian.
    state : MPS, (2^n,) array or callable
        State at time 0 with weight on two levels at least (`level_superposition`), or a function of
        time that returns the state then, of any evolution.
    times : (T,) array_like
        Equally spaced, 8 or more. ``pi / dt`` must exceed all gaps, ``2 pi / (T dt)`` is the
        resolution.
    shots : int
        Snapshots at each time, two or more.
    max_locality : int, default 3
    weights : (k,) array_like, optional
        See `gram`.
    rng : Generator, seed or None
    evolution : {"auto", "dense", "tebd", "tdvp"}, default "auto"
        Dense up to 10 sites (14 for vectors), else TEBD for a `SpinChain` and TDVP for other
        operators.
    trotter_step : float, default 0.05
        Longest step of TEBD or TDVP. Its error shifts the gaps; `extrapolate_gaps` removes
        the shift from runs with several steps.
    order : {1, 2, 4}, default 2
        Of TEBD.
    max_bond, cutoff
        Truncation of TEBD and TDVP.
    shots_per_basis : int, default 1
        Consecutive shots that share one draw of the bases.
    bootstrap : int, default 0
        Resamplings of the snapshots for a second error bar.
    progress : bool or callable, default False
        Bar over the times.
    **options
        Further arguments of `spectrum`.

    Returns
    -------
    ShadowSpectroscopy

    Raises
    ------
    TypeError, ValueError
        As `Snapshots`, `gram` and `spectrum` say; states that do not fit the chain.

    Warns
    -----
    UserWarning
        Gaps up to six standard deviations of the energy of the state (at most the width of the
        spectrum) exceed ``pi / dt``: they would be aliased. A time step is suggested.

    Notes
    -----
    Time evolution dominates; one state is in memory at a time. Method: arXiv:2212.11036.

    Examples
    --------
    >>> from rankloom.quantum import level_superposition
    >>> chain = SpinChain.ising(6, 1.0, 1.2)
    >>> psi = level_superposition(chain)
    >>> result = shadow_spectroscopy(chain, psi, times=np.arange(60) * 0.25, shots=50, rng=0)
    >>> energies = np.linalg.eigvalsh(chain.dense())
    >>> gap = result.gaps[0]
    >>> bool(abs(gap.gap - (energies[1] - energies[0])) < 4 * gap.error)
    True
    """
    operator = as_operator(chain)
    grid = np.array(times, dtype=float)
    grid = uniform_times(grid, grid.size)
    shots = integer("shots", shots, 1)
    rng = np.random.default_rng(rng)
    states = Evolved(operator, state, grid, evolution, trotter_step, order, max_bond, cutoff)
    if grid.size > 1:
        _warn_of_aliasing(states, float(grid[1] - grid[0]))
    seconds: dict[str, float] = {"evolution": 0.0}
    start = clock.perf_counter()
    measured = Snapshots.measure(
        _timed(track(range(grid.size), progress), states, seconds),
        grid,
        shots,
        rng,
        shots_per_basis,
    )
    seconds["sampling"] = clock.perf_counter() - start - seconds["evolution"]
    return _analysed(
        measured, max_locality, weights, bootstrap, rng, options, seconds, states.truncation_error
    )


def snapshot_spectroscopy(
    snapshots: Snapshots,
    max_locality: int = 3,
    *,
    weights: Any = None,
    debias: bool = True,
    bootstrap: int = 0,
    rng: Rng = None,
    **options: Any,
) -> ShadowSpectroscopy:
    """The gaps in snapshots at hand, from a device or another program.

    Parameters
    ----------
    snapshots : Snapshots
        With `draws` where shots share bases, and `readout_error` where it is known.
    max_locality, weights, debias
        See `gram`.
    bootstrap : int, default 0
        Resamplings of the snapshots for a second error bar.
    rng : Generator, seed or None
        Of the resamplings.
    **options
        Further arguments of `spectrum`.

    Returns
    -------
    ShadowSpectroscopy

    Examples
    --------
    >>> times = np.arange(40) * 0.2
    >>> states = [np.array([1, np.exp(-2j * t)]) / np.sqrt(2) for t in times]  # a gap of 2
    >>> snapshots = Snapshots.measure(states, times, 60, rng=0)
    >>> result = snapshot_spectroscopy(snapshots, max_locality=1)
    >>> bool(abs(result.gaps[0].gap - 2) < 0.03)
    True
    """
    rng = np.random.default_rng(rng)
    return _analysed(snapshots, max_locality, weights, bootstrap, rng, options, {}, 0.0, debias)


def _analysed(
    snapshots: Snapshots,
    max_locality: int,
    weights: Any,
    bootstrap: int,
    rng: np.random.Generator,
    options: dict[str, Any],
    seconds: dict[str, float],
    truncation_error: float,
    debias: bool = True,
) -> ShadowSpectroscopy:
    draws = integer("bootstrap", bootstrap, 0)
    if draws and snapshots.shots < _FEWEST_SHOTS:
        raise ValueError(
            f"`bootstrap` resamples the shots of each time, and {snapshots.shots} are too few: "
            f"{_FEWEST_SHOTS} are needed. The jackknife error of each gap is there anyway."
        )
    with _stage(seconds, "gram"):
        matrix = gram(snapshots, max_locality, weights, debias)
    with _stage(seconds, "spectrum"):
        found = spectrum(matrix, **options)
    resampled = np.empty((0, 0))
    if draws and found.peaks:
        with _stage(seconds, "bootstrap"):
            resampled = _resampled(snapshots, matrix, found, draws, rng)
    return ShadowSpectroscopy(snapshots, matrix, found, seconds, truncation_error, resampled)


def _resampled(
    snapshots: Snapshots, matrix: Gram, found: Spectrum, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Frequencies of the lines in snapshots drawn with replacement at each time.

    Copies of one snapshot share its draw of the bases, so debiasing leaves their pairs out.
    """
    times, shots = snapshots.bases.shape[:2]
    labels = np.arange(times * shots).reshape(times, shots)
    labelled = Snapshots(
        snapshots.bases,
        snapshots.outcomes,
        snapshots.times,
        snapshots.weights,
        labels if snapshots.draws is None else snapshots.draws,
        None if snapshots.readout_error is None else snapshots.readout_error,
    )
    gaps = [peak.gap for peak in found.peaks]
    low, high = 0.5 * found.resolution, float(found.frequencies[-1])
    out = np.empty((draws, len(gaps)))
    for i in range(draws):
        again = labelled.select(shots=rng.integers(0, shots, (times, shots)))
        drawn = gram(again, len(matrix.weights), matrix.weights, matrix.debiased).matrix
        for j, gap in enumerate(gaps):
            fit = LineFit(drawn, matrix.times, gaps[:j] + gaps[j + 1 :])
            out[i, j] = fit.peak(gap, 0.5 * found.resolution, low, high)
    return out


def _warn_of_aliasing(states: Evolved, dt: float) -> None:
    spread = states.energy_spread()
    bounds = [] if spread is None else [_SPREADS * spread]
    if isinstance(states.chain, SpinChain):
        bounds.append(2.0 * states.chain.norm_bound)
    if bounds and min(bounds) > np.pi / dt:
        warnings.warn(
            f"gaps up to {min(bounds):.3g} may be in this state, but times {dt:g} apart show gaps "
            f"up to pi / dt = {np.pi / dt:.3g} only and fold larger ones back. Take dt <= "
            f"{np.pi / min(bounds):.2g}, unless no such gaps matter.",
            UserWarning,
            stacklevel=3,
        )


def _timed(indices: Any, states: Evolved, seconds: dict[str, float]) -> Iterator[Any]:
    """The states one by one, with the time that making them takes."""
    source = iter(states)
    for _ in indices:
        start = clock.perf_counter()
        state = next(source)
        seconds["evolution"] += clock.perf_counter() - start
        yield state


@contextmanager
def _stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = clock.perf_counter()
    yield
    seconds[name] = clock.perf_counter() - start
