"""Exact tables of free cumulants: Weingarten functions, classes, transforms, series, densities.

Run: ``python benchmarks/freeness_exact.py [--rows weingarten large crossing classes transforms
series density] [--symbolic 8]``. haarpy is timed with its caches cleared, as a user's first call
finds them; its symbolic path takes about 10 s a round at n = 8. freealg has densities in common
with us, and no public function for the tables, transforms and series.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.physics import (
    FiniteN,
    density_from_moments,
    free_cumulants,
    moments_from_free_cumulants,
    weingarten,
)
from rankloom.physics.freeness import characters, classes, permutations, weingarten_table
from rankloom.physics.freeness.classes import class_table, count_classes

DIMENSION = 30  # of haarpy's integer path


def fresh_table(n: int) -> dict:
    """The whole table, symbolic in N, nothing remembered."""
    characters._by_cycle_type.cache_clear()
    characters._beads.cache_clear()
    return weingarten_table._compute(n)


def haarpy_table(n: int, dimension: object) -> list:
    """All classes by haarpy, its caches cleared first."""
    import haarpy

    for function in vars(haarpy).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()
    return [haarpy.weingarten_unitary(mu, dimension) for mu in permutations.partitions(n)]


def against_haarpy(symbolic: int) -> None:
    """Turns with haarpy; its symbolic path up to n = `symbolic`."""
    if peer_version("haarpy") is None:
        return
    import sympy

    rows = []
    for n in (4, 6, 8):
        calls: dict[str, Callable[[], object]] = {"ours": lambda n=n: fresh_table(n)}
        calls["integer"] = lambda n=n: haarpy_table(n, DIMENSION)
        if n <= symbolic:
            calls["symbolic"] = lambda n=n: haarpy_table(n, sympy.Symbol("d"))
        timings = take_turns([Contender(k, c) for k, c in calls.items()], 3 if n < 8 else 1)
        ours = timings["ours"]
        exact = weingarten(n).at(DIMENSION)
        equal = haarpy_table(n, DIMENSION) == list(exact.values())
        row = [str(n), duration(ours.median)]
        for name in ("integer", "symbolic"):
            if name in timings:
                row += [duration(timings[name].median), times(ours.speedup(timings[name]))]
            else:
                row += ["not run", ""]
        rows.append([*row, "yes" if equal else "NO"])
    print("## Weingarten functions of all classes, symbolic in N (ours), against haarpy\n")
    integer = f"haarpy, N = {DIMENSION}"
    table(["n", "ours", integer, "ratio", "haarpy, symbolic", "ratio", "equal"], rows)


def large_tables() -> None:
    """Tables that no peer reaches, with the sum rule that they keep."""
    rows = []
    for n in (10, 12, 14, 16, 20):
        timing = take_turns([Contender("ours", lambda n=n: fresh_table(n))], 3)["ours"]
        found = weingarten_table.WeingartenTable(n, fresh_table(n))
        holds = weingarten_table._sum_rule_holds(found)
        rows.append([str(n), str(len(found)), duration(timing.median), "yes" if holds else "NO"])
    print("## Larger Weingarten tables\n")
    table(["n", "classes", "ours", "sum rule holds"], rows)


def non_crossing() -> None:
    """Non-crossing permutations against haarpy's generator of non-crossing partitions."""
    rows = []
    for n in (8, 10, 12):

        def ours(n: int = n) -> int:
            permutations.non_crossing_permutations.cache_clear()
            return len(permutations.non_crossing_permutations(n))

        calls: dict[str, Callable[[], int]] = {"ours": ours}
        if peer_version("haarpy"):
            import haarpy

            calls["haarpy"] = lambda n=n: sum(1 for _ in haarpy.non_crossing_partitions(n))
        timings = take_turns([Contender(k, c) for k, c in calls.items()], 1 if n > 10 else 3)
        row = [str(n), str(ours()), duration(timings["ours"].median)]
        if "haarpy" in timings:
            row += [
                duration(timings["haarpy"].median),
                times(timings["ours"].speedup(timings["haarpy"])),
            ]
        rows.append(row)
    print("## Non-crossing permutations\n")
    columns = ["n", "count", "ours", "haarpy", "ratio"]
    table(columns[: len(rows[0])], rows)


def class_tables() -> None:
    """All classes of D-tuples, kernels compiled, nothing remembered."""
    class_table(2, 3)
    rows = []
    for D, n in ((2, 7), (2, 8), (3, 4), (3, 5), (3, 6), (4, 4)):
        classes.class_table.cache_clear()
        begin = time.perf_counter()
        found = class_table(D, n)
        seconds = time.perf_counter() - begin
        right = len(found) == count_classes(D, n)
        rows.append([str(D), str(n), f"{len(found):,}", duration(seconds), str(right)])
    print("## Classes of trace invariants, mixed\n")
    table(["D", "n", "classes", "time", "count = Burnside"], rows)


CHILD = """
import time
import numpy as np
from rankloom.physics import FiniteN

def peak():
    status = open("/proc/self/status").read().splitlines()
    return next(int(row.split()[1]) / 1024 for row in status if row.startswith("VmHWM"))

small = FiniteN(3, 3, (4, 4, 4))
small.moments(small.cumulants(np.ones(len(small.invariants))))
before = peak()
begin = time.perf_counter()
F = FiniteN({D}, {n}, (9,) * {D})
x = np.random.default_rng(0).standard_normal(len(F.invariants))
K = F.cumulants(x)
first = time.perf_counter() - begin
begin = time.perf_counter()
K = F.cumulants(x)
again = time.perf_counter() - begin
back = F.moments(K)
print(first, again, abs(back - x).max(), before, peak() - before, F.memory_bytes / 2**20)
"""


def transforms() -> None:
    """Moments to cumulants and back, each size in a process of its own for its peak memory."""
    rows = []
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for D, n in ((3, 4), (3, 5), (2, 6), (2, 7), (3, 6)):
        command = [sys.executable, "-c", CHILD.format(D=D, n=n)]
        answer = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        )
        first, again, error, before, peak, estimate = map(float, answer.stdout.split())
        rows.append(
            [
                str(D),
                str(n),
                f"{len(FiniteN(D, n, (9,) * D).invariants):,}",
                duration(first),
                duration(again),
                f"{error:.1e}",
                f"{peak:.0f} MB",
                f"{estimate:.0f} MB",
                f"{before:.0f} MB",
            ]
        )
    print("## Moments to free cumulants at N = 9, float64, one BLAS thread\n")
    columns = ["D", "n", "classes", "with tables", "again", "round trip error"]
    table([*columns, "memory on top", "its estimate", "interpreter"], rows)


def series() -> None:
    """One variable: integers and rationals."""
    rows = []
    for order in (10, 20, 40):
        moments = list(range(1, order + 1))
        fractions = [Fraction(k, 3) for k in moments]
        calls = {
            "integers": lambda m=moments: free_cumulants(m),
            "fractions": lambda m=fractions: free_cumulants(m),
        }
        timings = take_turns([Contender(k, c) for k, c in calls.items()], 3)
        right = moments_from_free_cumulants(free_cumulants(fractions)) == fractions
        row = [duration(timings[k].median) for k in calls]
        rows.append([str(order), *row, "yes" if right else "NO"])
    print("## One variable, moments to free cumulants\n")
    table(["order", "integers", "fractions", "round trip exact"], rows)


def density(rate: Fraction = Fraction(1), sigma: Fraction = Fraction(7, 10)) -> None:
    """Free Poisson plus semicircle: a cubic, against freealg and ours from moments."""
    x = np.linspace(-0.9, 4.9, 201)
    # z = 1/g + sigma^2 g + rate / (1 - g): the root in the lower half plane is the Cauchy transform
    s = float(sigma) ** 2
    roots = [np.roots([-s, s + z, float(rate) - 1 - z, 1]) for z in x]
    truth = np.array([max(0.0, -min(r.imag)) / np.pi for r in roots])
    found = {}

    def ours(order: int) -> None:
        kappa = [rate] * order
        kappa[1] += sigma**2
        made = density_from_moments(moments_from_free_cumulants(kappa))
        found[f"ours, {order} moments"] = made.pdf(x)

    calls = {f"ours, {order} moments": lambda order=order: ours(order) for order in (10, 20)}
    if peer_version("freealg"):
        import freealg

        law = freealg.distributions.FreeLevy([1.0], [1.0], lam=float(rate), sigma=float(sigma))
        for eta in (2e-4, 1e-8):

            def peer(eta: float = eta) -> None:
                found[f"freealg, eta {eta:g}"] = law.density(x, eta=eta)

            calls[f"freealg, eta {eta:g}"] = peer
    timings = take_turns([Contender(k, c) for k, c in calls.items()], 3)
    rows = [
        [name, duration(timings[name].median), f"{abs(found[name] - truth).max():.1e}"]
        for name in calls
    ]
    print("## Density of free Poisson plus semicircle on 201 points\n")
    table(["", "time", "largest error"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    known = ("weingarten", "large", "crossing", "classes", "transforms", "series", "density")
    parser.add_argument("--rows", nargs="+", choices=known, default=known)
    parser.add_argument(
        "--symbolic", type=int, default=8, help="largest n of haarpy's symbolic path"
    )
    chosen = parser.parse_args()
    header("Exact free cumulants", ["rankloom", "numpy", "numba", "sympy", "haarpy", "freealg"])
    actions = {
        "weingarten": lambda: against_haarpy(chosen.symbolic),
        "large": large_tables,
        "crossing": non_crossing,
        "classes": class_tables,
        "transforms": transforms,
        "series": series,
        "density": density,
    }
    for row in chosen.rows:
        actions[row]()


if __name__ == "__main__":
    main()
