"""Chebyshev-Tucker functions: evaluations of the adaptive cross, compression, grids, points.

=============  ====================================================================================
row            what
=============  ====================================================================================
cross          values of the function that were asked for, beside those published for Chebfun3 and
               Chebfun3F (MATLAB, hence not run) and a published Python code on JAX
compression    129^3 Chebyshev coefficients of 500 random charges to given ranks, against tensorly
grid           a 257^3 grid, against the direct sum of the 1/r of 1000 charges compiled by numba
points         the same at 200,000 scattered points; the rest of 1/r is not added, and the split
               into sub-boxes is timed alone
=============  ====================================================================================

Run: ``python benchmarks/chebyshev_functions.py [--rows cross compression grid points]``
"""

import argparse
import time
import warnings

import numpy as np
from common import Contender, duration, header, one_core, peer_version, table, take_turns, times
from numba import njit
from scipy.special import airy

from rankloom.decomposition import ChebyshevTucker
from rankloom.decomposition.chebyshev.boxes import best_count, split

CUBE = [(-1.0, 1.0)] * 3


def runge(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 1 / (1 + 25 * (x**2 + y**2 + z**2))


def ridge(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 1 / np.cosh(3 * (x + y + z)) ** 2


def waves(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    return airy(-8 * (a * d + b * c))[0]


PUBLISHED = {
    "1 / (1 + 25 r^2)": (runge, 3, 1e-12, "Chebfun3F 222,546; Chebfun3 903,364"),
    "sech^2(3 (x + y + z))": (ridge, 3, 1e-11, "Chebfun3F 3,842,596; Chebfun3 9,354,836"),
    "Ai(-8 (x1 x4 + x2 x3))": (waves, 4, 1e-6, "JAX code: 1,094 s at 3.6e-7"),
}


def cross(_rounds: int) -> None:
    """Largest figures over three seeds; the error is taken at 20,000 points."""
    lines = []
    for name, (function, d, tol, published) in PUBLISHED.items():
        p = np.random.default_rng(99).uniform(-1, 1, (20_000, d))
        exact = function(*p.T)
        seconds, evaluations, errors = [], [], []
        for seed in range(3):
            with one_core():
                start = time.perf_counter()
                f = ChebyshevTucker.from_function(function, [(-1, 1)] * d, tol, rng=seed)
                seconds.append(time.perf_counter() - start)
            evaluations.append(f.evaluations)
            errors.append(np.abs(f(p) - exact).max() / np.abs(exact).max())
        ranks = "x".join(map(str, f.ranks))
        cells = [f"{tol:.0e}", f"{max(errors):.1e}", ranks, f"{max(evaluations):,}"]
        lines.append([name, *cells, duration(max(seconds)), published])
    print("## adaptive cross, the worst of three seeds\n")
    table(["function", "tol", "error", "ranks", "evaluations", "time", "published"], lines)


def charges(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in [-0.9, 0.9]^3, no two closer than 0.6 of the mean spacing, and charges."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    places = np.empty((0, 3))
    while len(places) < count:
        places = np.concatenate([places, rng.uniform(-0.9, 0.9, (count, 3))])
        near = cKDTree(places).query_pairs(0.6 * 1.8 / count ** (1 / 3), output_type="ndarray")
        places = np.delete(places, np.unique(near[:, 1]), axis=0)[:count]
    return places, rng.uniform(-1, 1, count)


def long_range(count: int, tol: float, terms: int = 13, step: float = 0.266) -> ChebyshevTucker:
    """Long-range part of the potential of random charges: 13 Gaussians each, by their values."""
    places, q = charges(count)
    t = np.sinh(step * np.arange(terms))
    w = 2 / np.sqrt(np.pi) * step * np.cosh(step * np.arange(terms))
    w[0] /= 2
    return ChebyshevTucker.from_gaussians(
        np.outer(w, q).ravel(), np.repeat(t**2, count), np.tile(places, (terms, 1)), CUBE, tol, 128
    )


def compression(rounds: int) -> None:
    """From all coefficients to given ranks: sequential HOSVD by tolerance, and HOOI of tensorly."""
    whole = long_range(500, 1e-9)
    rows = [np.pad(u, ((0, 129 - len(u)), (0, 0))) for u in whole.factors]
    dense = np.einsum("abc,ia,jb,kc->ijk", whole.core, *rows, optimize=True)
    lines = []
    for tol in (1e-3, 1e-5, 1e-7):
        f = ChebyshevTucker.from_coefficients(dense, tol=tol)
        contenders = [
            Contender("ours", lambda tol=tol: ChebyshevTucker.from_coefficients(dense, tol=tol))
        ]
        error = "-"
        if peer_version("tensorly"):
            from tensorly.decomposition import tucker

            def peer(ranks: tuple[int, ...] = f.ranks) -> object:
                return tucker(dense, list(ranks), init="svd", n_iter_max=100, tol=1e-8)

            core, factors = peer()
            theirs = np.einsum("abc,ia,jb,kc->ijk", core, *factors, optimize=True)
            error = f"{np.linalg.norm(theirs - dense) / np.linalg.norm(dense):.1e}"
            contenders.append(Contender("tensorly", peer))
        found = take_turns(contenders, rounds)
        ours = found["ours"]
        cells = ["x".join(map(str, f.ranks)), f"{f.error_estimate:.1e}", duration(ours.median)]
        other = found.get("tensorly")
        peer_cells = ["-", "-", "-"]
        if other is not None:
            peer_cells = [error, duration(other.median), times(ours.speedup(other))]
        lines.append([f"{tol:.0e}", *cells, *peer_cells])
    print("## 129^3 coefficients, 500 charges, to the same ranks, one core\n")
    table(["tol", "ranks", "error", "ours", "tensorly error", "tensorly", "faster by"], lines)


@njit(fastmath=True)
def direct(points: np.ndarray, places: np.ndarray, q: np.ndarray, out: np.ndarray) -> None:
    for i in range(len(points)):
        total = 0.0
        for j in range(len(places)):
            dx = points[i, 0] - places[j, 0]
            dy = points[i, 1] - places[j, 1]
            dz = points[i, 2] - places[j, 2]
            total += q[j] / np.sqrt(dx * dx + dy * dy + dz * dz)
        out[i] = total


def grid(rounds: int) -> None:
    """Nanoseconds per value."""
    f = long_range(1000, 1e-7)
    places, q = charges(1000)
    axis = np.linspace(-1, 1, 257)
    points = np.random.default_rng(1).uniform(-1, 1, (20_000, 3))
    out = np.empty(len(points))
    found = take_turns(
        [
            Contender("ours", lambda: f.grid(axis, axis, axis)),
            Contender("direct", lambda: direct(points, places, q, out)),
        ],
        rounds,
    )
    ours = found["ours"].seconds / 257**3
    theirs = found["direct"].seconds / len(points)
    ratios = theirs / ours
    print(f"## 257^3 grid, 1000 charges, ranks {f.ranks}, one core\n")
    table(
        ["ours, per value", "direct sum, per value", "faster by"],
        [
            [
                f"{1e9 * np.median(ours):.1f} ns",
                f"{1e6 * np.median(theirs):.2f} us",
                times((float(np.median(ratios)), ratios.min(), ratios.max())),
            ]
        ],
    )


def scattered(rounds: int) -> None:
    """Microseconds per point, for several numbers of charges."""
    lines = []
    count = 200_000
    points = np.random.default_rng(1).uniform(-1, 1, (count, 3))
    out = np.empty(count)
    for n in (500, 1000, 2000):
        f, (places, q) = long_range(n, 1e-7), charges(n)
        intervals = best_count(f.ranks, count, ())
        with one_core():
            start = time.perf_counter()
            boxes = split(f.coefficients, intervals, f.error_estimate)
            seconds = time.perf_counter() - start
        f._splits[intervals] = boxes
        found = take_turns(
            [
                Contender("ours", lambda f=f: f(points)),
                Contender("direct", lambda p=places, q=q: direct(points, p, q, out)),
            ],
            rounds,
            sample_seconds=0,
        )
        ours, other = found["ours"], found["direct"]
        lines.append(
            [
                str(n),
                f"{f.ranks[0]}, {intervals}^3 boxes: {max(max(b.ranks) for b in boxes.parts)}",
                duration(seconds),
                f"{1e6 * ours.median / count:.2f} us",
                f"{1e6 * other.median / count:.2f} us",
                times(ours.speedup(other)),
            ]
        )
    print(f"## {count:,} scattered points, one core; ours: the long-range part alone\n")
    table(["charges", "rank", "split", "ours, per point", "direct sum", "faster by"], lines)


ROWS = {"cross": cross, "compression": compression, "grid": grid, "points": scattered}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    header("Chebyshev-Tucker functions", ["rankloom", "numpy", "scipy", "numba", "tensorly"])
    for row in arguments.rows:
        ROWS[row](arguments.rounds)


if __name__ == "__main__":
    main()
