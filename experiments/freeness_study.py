"""Random matrices shared by two parties, sampled and predicted."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import write_table
from rankloom.experiments.verify import Check
from rankloom.physics import TraceInvariant, laws
from rankloom.physics.freeness.contraction import trace_invariants
from rankloom.physics.freeness.densities import gaussian_density, semicircle
from rankloom.physics.freeness.permutations import catalan
from rankloom.physics.freeness.states import state_invariants
from rankloom.tn import reference

VARIANCES = {(0,): Fraction(1), (1,): Fraction(1), (0, 1): Fraction(1, 2)}
"""Variances of the matrices on the first party, on the second, and on both."""

SIZES = (4, 8, 16, 32, 64, 128)
"""Dimensions of either party at which exact moments are compared with their limits."""

_SIGMAS = 4
_SPINS = 30
_SEED = 7


@dataclass(frozen=True)
class MomentRow:
    """One moment ``Tr X^n / d``, found in several ways.

    Parameters
    ----------
    order : int
    sampled, error : float
    exact : Fraction
        At the dimension of the samples.
    limit : Fraction
        From tensor free cumulants, at infinite dimension.
    if_free : Fraction
        At infinite dimension, were the three matrices free from each other.
    """

    order: int
    sampled: float
    error: float
    exact: Fraction
    limit: Fraction
    if_free: Fraction


@dataclass(frozen=True, eq=False)
class Transposed:
    """Partial transposes of random states with one size of environment.

    Parameters
    ----------
    ratio : float
        Dimension of the environment over that of the two parties together.
    values : (m,) array
        Eigenvalues of the partial transpose of ``W / d^2``.
    """

    ratio: float
    values: NDArray[np.float64]

    @property
    def negative(self) -> float:
        """Share of negative eigenvalues."""
        return float(np.mean(self.values < 0))


@dataclass(frozen=True, eq=False)
class FreenessStudy:
    """Samples beside their predictions.

    Parameters
    ----------
    law : Gaussian
    eigenvalues : (samples, d) array
    grid, density, if_free : (m,) array
        Positions, the predicted density there, and that of free matrices of the same variances.
    moments : sequence of MomentRow
    transposed : sequence of Transposed
    gaps : dict of int to (m,) array
        Order n: relative distance of the exact moment from its limit, at the dimensions `SIZES`.
    checks : sequence of Check
    """

    law: laws.Gaussian
    eigenvalues: NDArray[np.float64]
    grid: NDArray[np.float64]
    density: NDArray[np.float64]
    if_free: NDArray[np.float64]
    moments: Sequence[MomentRow]
    transposed: Sequence[Transposed]
    gaps: dict[int, NDArray[np.float64]]
    checks: Sequence[Check]

    @property
    def size(self) -> int:
        """Dimension of the matrices."""
        return int(self.eigenvalues.shape[1])

    @property
    def party(self) -> int:
        """Dimension of either party."""
        return int(np.sqrt(self.size))


def power(n: int) -> TraceInvariant:
    """The invariant ``Tr X^n`` for two parties."""
    gamma = (*range(1, n), 0)
    return TraceInvariant([gamma, gamma])


def study(
    folder: Path, bars: Bars, *, N: int, samples: int, party: int, ratios: Sequence[int]
) -> FreenessStudy:
    """Sample, predict, compare, check, and write the files into a folder.

    Parameters
    ----------
    folder : Path
        Made here; gets ``spectrum.csv``, ``moments.csv`` and ``eigenvalues.csv``.
    bars : Bars
    N : int
        Dimension of either party of the Gaussian matrix.
    samples : int
        How many are drawn.
    party : int
        Dimension of either party of the random states.
    ratios : sequence of int
        Dimension of their environment over ``party**2``.
    """
    law = laws.gaussian(2, VARIANCES, (N, N))
    rng = np.random.default_rng(_SEED)
    rows = [
        np.linalg.eigvalsh(law.sample(1, rng).reshape(N * N, N * N))
        for _ in bars.track("random matrices: spectra")(range(samples))
    ]
    eigenvalues = np.stack(rows)
    edge = 1.05 * float(abs(eigenvalues).max())
    grid = np.linspace(-edge, edge, 301)
    with bars.waiting("random matrices: prediction"):
        density = gaussian_density(law, grid)
        if_free = semicircle(grid, float(sum(VARIANCES.values())))
        moments = [_moment(law, eigenvalues, n) for n in (2, 4, 6, 8)]
        gaps = {n: np.array([_gap(size, n) for size in SIZES]) for n in (4, 6)}
    transposed = [_transposed(party, ratio, rng) for ratio in ratios]
    checks = [
        *_moment_checks(moments, grid, density),
        *_state_checks(rng),
    ]
    found = FreenessStudy(
        law, eigenvalues, grid, density, if_free, moments, transposed, gaps, checks
    )
    folder.mkdir(parents=True)
    _write(found, folder)
    return found


def _moment(law: laws.Gaussian, eigenvalues: NDArray[np.float64], n: int) -> MomentRow:
    values = np.mean(eigenvalues**n, axis=1)
    return MomentRow(
        n,
        float(values.mean()),
        float(np.std(values, ddof=1) / np.sqrt(len(values))),
        law.normalised_moment(power(n)),
        law.asymptotic_moment(power(n)),
        catalan(n // 2) * sum(VARIANCES.values(), Fraction(0)) ** (n // 2),
    )


def _gap(size: int, n: int) -> float:
    law = laws.gaussian(2, VARIANCES, (size, size))
    return float(abs(law.normalised_moment(power(n)) / law.asymptotic_moment(power(n)) - 1))


def _moment_checks(
    moments: Sequence[MomentRow], grid: NDArray[np.float64], density: NDArray[np.float64]
) -> list[Check]:
    """Samples against exact moments, and the curve against tensor free cumulants."""
    checks = [
        Check(
            f"moment of order {row.order}",
            f"samples, to {_SIGMAS} standard errors of their mean",
            float(row.exact),
            row.sampled,
            _SIGMAS * row.error,
        )
        for row in moments[1:3]
    ]
    step = grid[1] - grid[0]
    for row in moments[1:3]:
        area = float(np.sum(density * grid**row.order) * step)
        checks.append(
            Check(
                f"order {row.order} of the curve",
                "sum over the predicted density; stated: tensor free cumulants",
                float(row.limit),
                area,
                1e-3 * float(row.limit),
            )
        )
    return checks


def _state_checks(rng: np.random.Generator) -> list[Check]:
    """A negativity moment of two qubits by sampling, and an invariant of a long GHZ state."""
    law = laws.haar_state((2, 2), environment=4)
    cube = power(3).partial_transpose(1)
    values = trace_invariants(law.sample(4000, rng), [cube])[:, 0].real
    error = float(np.std(values) / np.sqrt(len(values)))
    gamma = (1, 2, 0)
    k33 = TraceInvariant([(0, 1, 2), gamma, (2, 0, 1)], kind="pure")
    third = _SPINS // 3
    parties = [range(k * third, (k + 1) * third) for k in range(3)]
    found = state_invariants(reference.ghz(_SPINS), [k33], parties)[0]
    return [
        Check(
            "third negativity moment",
            f"4000 random states of two qubits, to {_SIGMAS} standard errors",
            float(law.moment(cube)),
            float(values.mean()),
            _SIGMAS * error,
        ),
        Check(
            f"three parties, {_SPINS} spins",
            "its matrix product state, contracted; stated: the GHZ state has 2^(1 - 3)",
            0.25,
            float(found.real),
            1e-10,
        ),
    ]


def _transposed(party: int, ratio: int, rng: np.random.Generator) -> Transposed:
    d = party**2
    sample = laws.wishart((party, party), ratio * d).sample(1, rng)[0] / d
    turned = sample.transpose(0, 3, 2, 1).reshape(d, d)
    return Transposed(float(ratio), np.linalg.eigvalsh(turned))


def _write(found: FreenessStudy, folder: Path) -> None:
    columns = np.column_stack([found.grid, found.density, found.if_free])
    write_table(["x", "predicted", "if free"], columns, folder / "spectrum.csv")
    numbers = [f"sample {k}" for k in range(len(found.eigenvalues))]
    write_table(numbers, found.eigenvalues.T, folder / "eigenvalues.csv")
    rows = [
        (r.order, r.sampled, r.error, float(r.exact), float(r.limit), float(r.if_free))
        for r in found.moments
    ]
    head = ["order", "sampled", "error", "exact", "limit", "if free"]
    write_table(head, rows, folder / "moments.csv")
