"""Evaluating collective potentials: grids, scattered points and forces against direct sums and FMM.

Run: ``python benchmarks/potentials_evaluate.py [--rows grid scattered forces]``. The direct sum is
the house's own, vectorised and on one thread; the plain double loop that one would write down first
is timed beside it. fmm3dpy is asked for nine digits less one, 1e-8, and its answers are brought to
1/r.
"""

import argparse
import math

import numpy as np
from common import Contender, Timing, duration, header, peer_version, table, take_turns, times
from numba import njit

from rankloom.physics import Particles, long_range_potential
from rankloom.physics.potentials.direct import direct_forces, direct_potential

TOL = 1e-7


def box(n: int) -> Particles:
    """n charges in [-0.9, 0.9]^3, uniform between -1 and 1."""
    rng = np.random.default_rng(0)
    return Particles(rng.uniform(-0.9, 0.9, (n, 3)), rng.uniform(-1, 1, n))


@njit
def plain(points, positions, charges):
    out = np.zeros(len(points))
    for i in range(len(points)):
        for j in range(len(positions)):
            square = 0.0
            for k in range(3):
                square += (points[i, k] - positions[j, k]) ** 2
            out[i] += charges[j] / math.sqrt(square)
    return out


def grid() -> None:
    particles = box(1000)
    phi = long_range_potential(particles, TOL, 0.3)
    x = np.linspace(-0.9, 0.9, 257)
    points = np.random.default_rng(1).uniform(-0.9, 0.9, (20_000, 3))
    contenders = [
        Contender("long range", lambda: phi.function.grid(x, x, x)),
        Contender("both parts", lambda: phi.grid(x, x, x)),
        Contender("direct", lambda: direct_potential(particles, points)),
        Contender("plain", lambda: plain(points, particles.positions, particles.charges)),
    ]
    timings = take_turns(contenders, rounds=3)
    rows = []
    for name, count in (("long range", 257**3), ("both parts", 257**3)):
        here = timings[name].median / count
        rows.append(
            [
                name,
                f"{1e9 * here:.1f} ns",
                *(
                    f"{timings[other].median / len(points) / here:,.0f}x"
                    for other in ("direct", "plain")
                ),
            ]
        )
    print(
        f"grid of 257^3, N = 1000, ranks {phi.function.ranks}, cutoff {phi.cutoff_radius:.2f}; a "
        f"point of the direct sum {1e6 * timings['direct'].median / len(points):.2f} us, of a "
        f"plain double loop {1e6 * timings['plain'].median / len(points):.2f} us"
    )
    table(["what", "per point", "faster than our direct sum", "than a plain loop"], rows)


def scattered() -> None:
    fmm = None
    if peer_version("fmm3dpy"):
        import fmm3dpy as fmm
    rows = []
    for n in (500, 1000, 10_000, 100_000):
        particles = box(n)
        phi = long_range_potential(particles, TOL)
        points = np.random.default_rng(1).uniform(-0.9, 0.9, (max(n, 20_000), 3))
        few = points[: max(200, min(20_000, 20_000_000 // n))]  # for the direct sum
        contenders = [
            Contender("ours", lambda p=points, f=phi: f.potential(p)),
            Contender("smooth", lambda p=points, f=phi: f.function(p)),
            Contender("direct", lambda p=few, q=particles: direct_potential(q, p)),
        ]
        if fmm:
            contenders.append(Contender("fmm", lambda p=points, q=particles: _fmm(fmm, q, p)))
        timings = {
            name: Timing(t.seconds / len(few if name == "direct" else points))
            for name, t in take_turns(contenders, rounds=3).items()
        }
        exact = direct_potential(particles, few)
        scale = np.abs(phi.function(few)).max()
        errors = [np.abs(phi.potential(few) - exact).max() / scale]
        if fmm:
            errors.append(np.abs(_fmm(fmm, particles, few) - exact).max() / scale)
        rows.append(
            [
                f"{n:,}",
                *(
                    f"{1e6 * timings[k].median:.2f} us" if k in timings else "-"
                    for k in ("smooth", "ours", "direct", "fmm")
                ),
                times(timings["ours"].speedup(timings["direct"])),
                times(timings["ours"].speedup(timings["fmm"])) if fmm else "-",
                " / ".join(f"{e:.0e}" for e in errors),
            ]
        )
    print("scattered points, per point; FMM sums over sources and targets in one call")
    table(
        ["N", "long range", "both", "direct", "fmm3dpy", "against direct", "against FMM", "errors"],
        rows,
    )  # fmt: skip


def _fmm(fmm, particles: Particles, points: np.ndarray) -> np.ndarray:
    found = fmm.lfmm3d(
        eps=1e-8,
        sources=np.asfortranarray(particles.positions.T),
        charges=particles.charges,
        targets=np.asfortranarray(points.T),
        pgt=1,
    ).pottarg
    # versions differ by 4 pi; the first point tells which one this is
    ratio = direct_potential(particles, points[:1])[0] / found[0]
    return found * (4 * math.pi if ratio > 6 else 1.0)


def forces() -> None:
    rows = []
    for n in (1000, 10_000):
        particles = box(n)
        phi = long_range_potential(particles, TOL)
        timings = take_turns(
            [
                Contender("ours", phi.forces),
                Contender("direct", lambda q=particles: direct_forces(q)),
            ],
            rounds=3,
        )
        exact = direct_forces(particles)
        off = np.linalg.norm(phi.forces() - exact, axis=1)
        size = np.linalg.norm(exact, axis=1)
        rows.append(
            [
                f"{n:,}",
                duration(timings["ours"].median),
                duration(timings["direct"].median),
                times(timings["ours"].speedup(timings["direct"])),
                f"{off.max() / size.max():.1e}",
                f"{np.median(off / size):.1e}",
            ]
        )
    print(f"forces on all particles, tol {TOL:g}")
    table(["N", "ours", "direct", "ours is faster by", "largest error / largest force",
           "median relative error"], rows)  # fmt: skip


ROWS = {"grid": grid, "scattered": scattered, "forces": forces}


def main() -> None:
    """Print the tables of the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    rows = parser.parse_args().rows
    header("Collective potentials: evaluating", ("numpy", "numba", "fmm3dpy"))
    for row in rows:
        ROWS[row]()


if __name__ == "__main__":
    main()
