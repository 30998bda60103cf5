"""`rankloom potential`: the potential of the charges in one file, one folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import stage, write_table
from rankloom.experiments.folders import atomic_folder, check_free, write_json
from rankloom.experiments.potential_config import PotentialConfig
from rankloom.experiments.problem import section
from rankloom.experiments.report import Written
from rankloom.experiments.toml import ConfigError, dump_toml
from rankloom.experiments.verify import Check
from rankloom.physics import LongRangePotential, Particles, RegularGrid, long_range_potential
from rankloom.physics.potentials.direct import direct_potential

_CHECKED = 100
_MOST_VALUES = 2**27


@dataclass(frozen=True, eq=False)
class PotentialRun:
    """A potential, and what was asked of it.

    Parameters
    ----------
    config : PotentialConfig
    potential : LongRangePotential
    grid : RegularGrid
    at_particles : (N,) array
        Potential at every particle of all the others.
    forces : (N, 3) array
    checks : sequence of Check
    seconds : dict
    """

    config: PotentialConfig
    potential: LongRangePotential
    grid: RegularGrid
    at_particles: NDArray[np.float64]
    forces: NDArray[np.float64]
    checks: list[Check]
    seconds: dict[str, float]

    @property
    def energy(self) -> float:
        """Energy of all pairs, in charges^2 over length."""
        return float(self.potential.particles.charges @ self.at_particles) / 2


def run_potential(
    config: PotentialConfig, *, overwrite: bool = False, progress: bool = False
) -> Written:
    """Compute what a configuration says and write the files to ``config.output``.

    Parameters
    ----------
    config : PotentialConfig
    overwrite : bool
        Replace an older result folder.
    progress : bool
        Show what is going on.

    Raises
    ------
    ConfigError
        A setting or an input file cannot be used; nothing is written.
    FileExistsError
        The folder exists, and `overwrite` is False or it is no result folder.
    """
    particles = prepare(config)
    check_free(config.output, overwrite)
    with atomic_folder(config.output, overwrite=overwrite) as folder:
        done = run(config, particles, Bars(progress))
        write(done, folder)
    return Written(config.output, done.checks, _told(done), label="Results")


def prepare(config: PotentialConfig) -> Particles:
    """The particles, after checking every setting.

    Raises
    ------
    ConfigError
        A setting or an input file cannot be used; the message names its section.
    """
    with section("particles"):
        try:
            particles = config.particles.read()
        except FileNotFoundError as err:
            raise ValueError(str(err)) from err
    with section("potential"):
        if not 1e-13 <= config.potential.tol <= 0.1:
            raise ValueError(f"`tol` must lie in 1e-13 <= tol <= 0.1, got {config.potential.tol}.")
        radius = config.potential.cutoff_radius
        if radius != "auto" and not 0 < radius < np.inf:
            raise ValueError(f"`cutoff_radius` must be positive or 'auto', got {radius}.")
        if not 0 <= config.potential.screening < np.inf:
            raise ValueError(f"`screening` must not be negative, got {config.potential.screening}.")
    with section("grid"):
        if not config.grid.n >= 2 or config.grid.n**3 > _MOST_VALUES:
            raise ValueError(f"`n` must lie in 2..512, got {config.grid.n}.")
    return particles


def run(config: PotentialConfig, particles: Particles, bars: Bars) -> PotentialRun:
    """Compute; nothing is written."""
    seconds, label = dict[str, float](), f"{len(particles)} particles"
    settings = config.potential
    with stage(seconds, "potential"), bars.waiting(f"{label}: potential"):
        try:
            phi = long_range_potential(
                particles, settings.tol, settings.cutoff_radius, screening=settings.screening
            )
        except ValueError as err:  # a radius that asks for too high a degree
            raise ConfigError(f"[potential] {err}") from err
    with stage(seconds, "particles"), bars.waiting(f"{label}: energy and forces"):
        at_particles, forces = phi.at_particles(), phi.forces()
    with stage(seconds, "grid"), bars.waiting(f"{label}: grid"):
        grid = phi.on_grid(config.grid.n)
    with stage(seconds, "check"), bars.waiting(f"{label}: direct sums"):
        check = check_potential(phi)
    return PotentialRun(config, phi, grid, at_particles, forces, [check], seconds)


def check_potential(phi: LongRangePotential) -> Check:
    """The potential at fresh points against the sum over all particles, where they differ most."""
    low, high = np.array(phi.domain).T
    points = np.random.default_rng(1).uniform(low, high, (_CHECKED, 3))
    found, exact = phi.potential(points), direct_potential(phi.particles, points, phi.screening)
    worst = int(np.abs(found - exact).argmax())
    largest = float(np.abs(np.asarray(phi.function(points))).max())
    return Check(
        "potential",
        f"the sum over all charges, at the worst of {_CHECKED} fresh points",
        float(found[worst]),
        float(exact[worst]),
        2 * phi.tol * largest,  # the library promises tol on points of its own
    )


def write(run: PotentialRun, folder: Path) -> None:
    """Write functions, grids, tables, figures and settings into an existing folder."""
    particles = run.potential.particles
    run.potential.function.save(folder / "long_range.h5")
    run.grid.save(folder / "potential.h5")
    if np.isfinite(run.grid.values).all():
        run.grid.write_opendx(folder / "potential.dx")
    rows = np.column_stack(
        [particles.positions, particles.charges, run.at_particles, run.forces]
    ).tolist()
    head = ("x", "y", "z", "charge", "potential", "force_x", "force_y", "force_z")
    write_table(head, rows, folder / "particles.csv")
    (folder / "config.toml").write_text(dump_toml(run.config), encoding="utf-8")
    write_json(summary(run), folder / "result.json")


def summary(run: PotentialRun) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    phi = run.potential
    return {
        "particles": len(phi.particles),
        "total_charge": phi.particles.total_charge,
        "energy": run.energy,
        "energy_kcal_per_mol": run.energy * phi.particles.factor("kcal/mol"),
        "largest_force": float(np.linalg.norm(run.forces, axis=1).max()),
        "ranks": list(phi.function.ranks),
        "degrees": list(phi.function.degrees),
        "long_range_bytes": phi.function.nbytes,
        "cutoff_radius": phi.cutoff_radius,
        "domain": [list(interval) for interval in phi.domain],
        "error_estimate": phi.error_estimate,
        "seconds": run.seconds,
    }


def _told(run: PotentialRun) -> list[str]:
    phi = run.potential
    energy = run.energy * phi.particles.factor("kcal/mol")
    return [
        f"{len(phi.particles)} particles: long-range potential of ranks "
        f"{' x '.join(map(str, phi.function.ranks))} ({phi.function.nbytes / 1e3:.0f} kB), "
        f"relative error {phi.error_estimate:.0e}",
        f"energy {run.energy:.10g} e^2/angstrom = {energy:.10g} kcal/mol",
    ]
