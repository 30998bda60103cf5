"""Building collective potentials: universal basis and moments against straight RHOSVD in NumPy.

Run: ``python benchmarks/potentials_build.py [--rows n1000 n100000]``. The peer is written out here,
since no package has it: all N R rank-one terms as side matrices of Chebyshev coefficients, singular
vectors of each, the core as a sum over the terms, and the same recompression of the core. Both
sides get the same Gaussians, domain and degree; errors are relative to the largest modulus, on 2000
points, and against the sum of the same Gaussians.
"""

import argparse
import resource
import time

import numpy as np
from common import Contender, duration, header, one_core, table, take_turns, times

from rankloom.decomposition import ChebyshevTucker, TuckerTensor
from rankloom.decomposition.chebyshev.basis import nodes, to_coefficients
from rankloom.physics import Particles, long_range_potential
from rankloom.physics.potentials.direct import direct_potential
from rankloom.physics.potentials.long_range import long_range_function, split_kernel
from rankloom.physics.potentials.universal_basis import degree

TOL = 1e-7
DOMAIN = ((-1.0, 1.0),) * 3


def box(n: int) -> Particles:
    """n charges in [-0.9, 0.9]^3, uniform between -1 and 1."""
    rng = np.random.default_rng(0)
    return Particles(rng.uniform(-0.9, 0.9, (n, 3)), rng.uniform(-1, 1, n))


def straight(particles: Particles, rule, m: int) -> ChebyshevTucker:
    """RHOSVD of all rank-one terms, and the core cut to the tolerance."""
    x, side = nodes(m), []
    for k in range(3):
        square = np.subtract.outer(x, particles.positions[:, k]) ** 2
        terms = np.exp(-np.multiply.outer(rule.nodes**2, square))
        side.append(to_coefficients(terms.transpose(1, 0, 2).reshape(m, -1)))
    weights = np.outer(rule.weights, particles.charges).ravel()
    factors, small = [], []
    for a in side:
        # left singular vectors through QR of the transpose: several times quicker than svd(a)
        u, s, _ = np.linalg.svd(np.linalg.qr(a.T, mode="r").T)
        factors.append(u[:, s > TOL / 10 * s[0]])
        small.append(factors[-1].T @ a)
    core = np.zeros(tuple(len(a) for a in small))
    flat = core.reshape(len(core), -1)
    for start in range(0, len(weights), 512):
        part = slice(start, start + 512)
        pairs = (small[1][:, None, part] * small[2][None, :, part]).reshape(-1, len(weights[part]))
        flat += (weights[part] * small[0][:, part]) @ pairs.T
    rounded = TuckerTensor(core, tuple(factors)).round(TOL)
    return ChebyshevTucker(rounded.core, rounded.factors, DOMAIN)


def error(function: ChebyshevTucker, particles: Particles, rule) -> float:
    points = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    exact = np.zeros(len(points))
    for start in range(0, len(points), 200):
        apart = points[start : start + 200, None] - particles.positions
        exact[start : start + 200] = rule.of_square((apart**2).sum(axis=2)) @ particles.charges
    return float(np.abs(np.asarray(function(points)) - exact).max() / np.abs(exact).max())


def n1000() -> None:
    particles, rows = box(1000), []
    for radius in (0.33, "auto"):
        split = split_kernel(particles, DOMAIN, TOL / 2, radius, 0.0)
        m = degree(split.rule, DOMAIN[0], TOL / 10) + 1
        ours = Contender("ours", lambda s=split: long_range_function(particles, DOMAIN, s, TOL))
        peer = Contender("RHOSVD", lambda s=split, m=m: straight(particles, s.rule, m))
        timings = take_turns([ours, peer])
        functions = [contender.call() for contender in (ours, peer)]
        rows.append(
            [
                f"cutoff {split.cutoff:.2f}, {len(split.rule)} terms, m = {m}",
                duration(timings["ours"].median),
                duration(timings["RHOSVD"].median),
                times(timings["ours"].speedup(timings["RHOSVD"])),
                " / ".join(f"{error(f, particles, split.rule):.1e}" for f in functions),
                " / ".join(str(max(f.ranks)) for f in functions),
            ]
        )
    print(f"N = 1000, tol {TOL:g}, one core, ours with the basis made anew each time")
    table(["split", "ours", "RHOSVD in NumPy", "ours is faster by", "errors", "ranks"], rows)


def n100000() -> None:
    particles = box(100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with one_core():
        start = time.perf_counter()
        phi = long_range_potential(particles, TOL)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    points = np.random.default_rng(1).uniform(-1, 1, (200, 3))
    exact = direct_potential(particles, points)
    found = np.abs(phi.potential(points) - exact).max() / np.abs(phi.function(points)).max()
    print(
        f"N = 100,000, tol {TOL:g}, one core, potential only: {seconds:.2f} s (error estimate and "
        f"first call of the kernels included), ranks {phi.function.ranks}, "
        f"cutoff {phi.cutoff_radius:.3f};\nrelative error on 200 points {found:.1e}; peak memory "
        f"{peak / 1e6:.2f} GB, {before / 1e6:.2f} GB of it before the call\n"
    )


ROWS = {"n1000": n1000, "n100000": n100000}


def main() -> None:
    """Print the tables of the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    rows = parser.parse_args().rows
    header("Collective potentials: building", ("numpy", "scipy", "numba"))
    for row in rows:
        ROWS[row]()


if __name__ == "__main__":
    main()
