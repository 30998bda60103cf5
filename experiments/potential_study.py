"""A thousand charges and a damaged crystal as small functions, held against direct sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import ChebyshevTucker
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import write_table
from rankloom.experiments.potential_job import check_potential
from rankloom.experiments.verify import Check
from rankloom.physics import (
    LongRangePotential,
    Particles,
    lattice_potential,
    long_range_potential,
    madelung,
)
from rankloom.physics.potentials.direct import direct_energy, direct_forces

MADELUNG = -1.7475645946331822
"""Of NaCl, by Ewald summation (OEIS A085469)."""

CRYSTAL, VACANCY = 8, (3, 4, 4)
_TOL = 1e-7
_PIXELS = 161
_BOX = ((-1.2, 1.2),) * 3


@dataclass(frozen=True, eq=False)
class Rank:
    """What a tolerance costs: the function of the same charges and cutoff radius."""

    tol: float
    rank: int
    error: float
    nbytes: int
    seconds: float


@dataclass(frozen=True, eq=False)
class PotentialStudy:
    """Charges, their potential, and a crystal with a hole.

    Parameters
    ----------
    phi : LongRangePotential
    ranks : sequence of Rank
    axis : (n,) array
        Of the slices, along x and y.
    full, smooth : (n, n) array
        Potential of the charges in the plane z = 0, and its long-range part.
    crystal : ChebyshevTucker
        Potential of alternating charges on CRYSTAL^3 sites, one of them empty.
    crystal_axis : (n,) array
    crystal_slice : (n, n) array
        0.3 spacings above the plane of the vacancy.
    checks : sequence of Check
    seconds : float
        Of the potential with the tolerance 1e-7.
    """

    phi: LongRangePotential
    ranks: Sequence[Rank]
    axis: NDArray[np.float64]
    full: NDArray[np.float64]
    smooth: NDArray[np.float64]
    crystal: ChebyshevTucker
    crystal_axis: NDArray[np.float64]
    crystal_slice: NDArray[np.float64]
    checks: Sequence[Check]
    seconds: float

    @property
    def n(self) -> int:
        """Number of charges."""
        return len(self.phi.particles)


def study(folder: Path, bars: Bars, *, n: int, tols: Sequence[float]) -> PotentialStudy:
    """Compute, check, and write the files into a folder.

    Parameters
    ----------
    folder : Path
        Made here.
    bars : Bars
    n : int
        Number of charges in a ball.
    tols : sequence of float
        Tolerances whose ranks are shown.
    """
    particles = ball(n)
    start = perf_counter()
    with bars.waiting(f"{n} charges: potential"):
        phi = long_range_potential(particles, _TOL, domain=_BOX)
    seconds = perf_counter() - start
    ranks = [
        _rank(particles, tol, phi.cutoff_radius) for tol in bars.track(f"{n} charges: ranks")(tols)
    ]
    axis = np.linspace(*phi.domain[0], _PIXELS)
    plane = np.zeros(1)
    with bars.waiting("crystal with a vacancy"):
        crystal = lattice_potential(1.0, (CRYSTAL,) * 3, "alternating", 8 * CRYSTAL, {VACANCY: 0.0})
    crystal_axis = np.linspace(*crystal.domain[0], _PIXELS)
    height = np.array([VACANCY[2] - (CRYSTAL - 1) / 2 + 0.3])
    with bars.waiting(f"{n} charges: direct sums"):
        checks = [check_potential(phi), *_sums(phi), _vacancy(crystal), _madelung()]
    found = PotentialStudy(
        phi,
        ranks,
        axis,
        phi.grid(axis, axis, plane)[:, :, 0],
        np.asarray(phi.function.grid(axis, axis, plane))[:, :, 0],
        crystal,
        crystal_axis,
        np.asarray(crystal.grid(crystal_axis, crystal_axis, height))[:, :, 0],
        checks,
        seconds,
    )
    _write(found, folder)
    return found


def ball(n: int) -> Particles:
    """Charges +1 and -1 in a ball of radius 1, no two of them close to each other."""
    rng = np.random.default_rng(2503)
    apart = 1.1 / n ** (1 / 3)
    kept = np.empty((0, 3))
    while len(kept) < n:
        x = rng.uniform(-1, 1, 3)
        if x @ x < 1 and ((kept - x) ** 2).sum(axis=1).min(initial=np.inf) > apart**2:
            kept = np.vstack([kept, x])
    return Particles(kept, np.where(np.arange(n) % 2, -1.0, 1.0))


def _rank(particles: Particles, tol: float, radius: float) -> Rank:
    start = perf_counter()
    phi = long_range_potential(particles, tol, radius, _BOX)
    seconds = perf_counter() - start
    return Rank(tol, max(phi.function.ranks), phi.error_estimate, phi.function.nbytes, seconds)


def _sums(phi: LongRangePotential) -> list[Check]:
    """Energy and the largest error of a force, against sums over all pairs."""
    forces = direct_forces(phi.particles)
    largest = float(np.linalg.norm(forces, axis=1).max())
    off = np.linalg.norm(phi.forces() - forces, axis=1)
    worst = int(off.argmax())
    k = int(np.abs(phi.forces()[worst] - forces[worst]).argmax())
    energy = direct_energy(phi.particles)
    return [
        Check("energy", "the sum over all pairs", phi.energy(), energy, 1e-5 * abs(energy)),
        Check(
            "force",
            "the sum over all charges, at the worst of them",
            float(phi.forces()[worst, k]),
            float(forces[worst, k]),
            1e-6 * largest,
        ),
    ]


def _vacancy(crystal: ChebyshevTucker) -> Check:
    """A vacancy adds minus the potential of the ion that is gone."""
    perfect = lattice_potential(1.0, (CRYSTAL,) * 3, "alternating", 8 * CRYSTAL)
    hole = np.array(VACANCY) - (CRYSTAL - 1) / 2
    point = hole + 0.5
    charge = (-1.0) ** sum(VACANCY)
    change = float(crystal(point)) - float(perfect(point))
    return Check("vacancy", "&minus;q/r of the missing ion", change, -charge / 0.75**0.5, 1e-5)


def _madelung() -> Check:
    return Check(
        "Madelung constant of NaCl",
        "Ewald summation (OEIS A085469)",
        madelung("NaCl", half_width=64),
        MADELUNG,
        1e-8,
    )


def _write(study: PotentialStudy, folder: Path) -> None:
    folder.mkdir(parents=True)
    study.phi.function.save(folder / "long_range.h5")
    study.crystal.save(folder / "crystal.h5")
    study.phi.on_grid(65).write_opendx(folder / "potential.dx")
    rows = [(r.tol, r.rank, r.error, r.nbytes, r.seconds) for r in study.ranks]
    head = ("tol", "rank", "relative_error", "bytes", "seconds")
    write_table(head, rows, folder / "ranks.csv")
