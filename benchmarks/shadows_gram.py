"""All k-local Pauli strings from randomised snapshots: the Gram kernel, enumeration, PennyLane.

1. `gram` from packed snapshots, per pair of snapshots, on one core and on two threads.
2. `signals`, our own enumeration at k = 3: raw (what the kernel equals), and standardised with the
   Ljung-Box filter of 10 lags; statsmodels' test for comparison.
3. PennyLane's ``ClassicalShadow.expval`` on the snapshots of one time, on equal strings. It needs
   an environment of its own: name its interpreter in ``RANKLOOM_PENNYLANE_PYTHON``.

Run: ``python benchmarks/shadows_gram.py [--rows kernel enumerated pennylane]``
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    Contender,
    duration,
    header,
    one_core,
    peer_version,
    table,
    take_turns,
)

from rankloom.quantum import Snapshots, all_estimates, estimate_pauli, gram, signals
from rankloom.quantum.shadows.gram import pack

N, TIMES = 100, 100
CHILD = Path(__file__).with_name("shadows_pennylane_child.py")


def coins(n: int, shots: int, count: int = TIMES) -> Snapshots:
    """Random bases, random outcomes: speed does not depend on what they say."""
    rng = np.random.default_rng(0)
    shape = (count, shots, n)
    return Snapshots(rng.integers(0, 3, shape), rng.choice([-1, 1], shape), np.arange(count))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one call on one core, and what it returned."""
    with one_core():
        start = time.perf_counter()
        found = call()
        return time.perf_counter() - start, found


def kernel() -> None:
    """Rows of the Gram kernel."""
    rows = []
    for n, shots, k in ((100, 10, 4), (100, 50, 4), (128, 50, 4), (40, 50, 3), (100, 200, 4)):
        data = coins(n, shots)
        packed = pack(data)
        first = timed(lambda d=data, p=packed, k=k: gram(d, k, packed=p))[0]
        contenders = [
            Contender("packed", lambda d=data, p=packed, k=k: gram(d, k, packed=p, threads=1)),
            Contender("all", lambda d=data, k=k: gram(d, k, threads=1)),
            Contender("two", lambda d=data, p=packed, k=k: gram(d, k, packed=p, threads=2), False),
        ]
        timings = take_turns(contenders, rounds=20 if shots < 200 else 3)
        pairs = (TIMES * shots) ** 2 / 2
        rows.append(
            [
                f"n = {n}, {shots} shots, k = {k}",
                duration(timings["packed"].median),
                f"{1e9 * timings['packed'].median / pairs:.2f} ns",
                f"{1e9 * timings['two'].median / pairs:.2f} ns",
                duration(timings["all"].median),
                duration(first),
            ]
        )
    print(f"## Gram kernel, {TIMES} times, leave-out blocks included\n")
    columns = ["case", "packed, one core", "per pair", "two threads", "with packing", "first call"]
    table(columns, rows)


def enumerated() -> None:
    """Our own enumeration beside the kernel, and the filter beside statsmodels."""
    data = coins(N, 10)
    packed = pack(data, debias=False)
    signals(coins(6, 2), 3, standardise=False)  # compiles
    signals(coins(6, 2), 3)
    gram(data, 3, debias=False, packed=packed)
    raw, by_string = timed(lambda: signals(data, 3, standardise=False))
    runs = [timed(lambda: gram(data, 3, None, False, packed=packed)) for _ in range(20)]
    seconds = float(np.median([run[0] for run in runs]))
    ours, theirs = by_string.gram.per_locality, runs[0][1].per_locality
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    filtered = timed(lambda: signals(data, 3))[0]
    unfiltered = timed(lambda: signals(data, 3, significance=None))[0]
    count = int(by_string.examined.sum())
    rows = [
        ["raw, all kept (float64)", duration(raw), f"{count / raw:.3g}"],
        ["standardised, all kept", duration(unfiltered), f"{count / unfiltered:.3g}"],
        ["standardised, Ljung-Box of 10 lags", duration(filtered), f"{count / filtered:.3g}"],
    ]
    print(f"## Enumeration, n = {N}, {TIMES} times, 10 shots, k = 3: {count:,} signals\n")
    table(["pass", "time", "signals per second"], rows)
    print(
        f"Gram kernel on the same: {duration(seconds)}, {raw / seconds:,.0f}x faster than the raw "
        f"pass, relative difference {error:.1e}\n"
    )
    if peer_version("statsmodels") is not None:
        from statsmodels.stats.diagnostic import acorr_ljungbox

        x = np.random.default_rng(0).standard_normal(TIMES)
        acorr_ljungbox(x, lags=10)
        each = timed(lambda: [acorr_ljungbox(x, lags=10) for _ in range(50)])[0] / 50
        print(
            f"statsmodels, Ljung-Box of one signal: {duration(each)}; our whole filtered pass "
            f"takes {1e6 * filtered / count:.2f} us a signal, "
            f"{each * count / filtered:,.0f}x less\n"
        )


def pennylane(words: int = 400, rounds: int = 5) -> None:
    """Estimates of one time: PennyLane's, ours one by one, ours all at once."""
    interpreter = os.environ.get("RANKLOOM_PENNYLANE_PYTHON")
    if not interpreter:
        print("skipped: pennylane; name the interpreter in RANKLOOM_PENNYLANE_PYTHON.")
        return
    rng = np.random.default_rng(1)
    rows = []
    for shots in (10, 100):
        data = coins(N, shots, 2)
        sites = np.array([np.sort(rng.choice(N, 3, replace=False)) for _ in range(words)])
        letters = rng.integers(0, 3, (words, 3))
        theirs = _child(interpreter, data, letters, sites, rounds)
        all_estimates(data, 2)
        batch, (supports, estimates) = timed(lambda d=data: all_estimates(d, 3))
        names = ["".join("XYZ"[b] for b in word) for word in letters]
        pairs = list(zip(names, sites.tolist(), strict=True))
        single, values = timed(lambda d=data, p=pairs: [estimate_pauli(d, *pair) for pair in p])
        place = {tuple(where): k for k, where in enumerate(supports.tolist())}
        rank = [place[tuple(where)] for where in sites.tolist()]
        batched = estimates[rank, letters @ [9, 3, 1]]
        both = np.array([[v.value for v in values], batched])
        each, ours = float(np.median(theirs["seconds"])) / words, batch / estimates.size
        rows.append(
            [
                f"{shots} shots",
                duration(each),
                duration(theirs["building"] / words),
                duration(single / words),
                f"{1e9 * ours:.3g} ns",
                f"{each / ours:,.0f}x",
                f"{np.abs(both - theirs['values']).max():.1e}",
            ]
        )
    print(f"## One estimate at one time, n = {N}, three letters, PennyLane {theirs['version']}\n")
    columns = [
        "case",
        "PennyLane expval",
        "its operator",
        "our estimate_pauli (with error)",
        "our all_estimates",
        "faster by",
        "largest difference",
    ]
    table(columns, rows)


def _child(
    interpreter: str, data: Snapshots, letters: Any, sites: Any, rounds: int
) -> dict[str, Any]:
    """What PennyLane finds, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "snapshots.npz")
        np.savez(file, bases=data.bases[0], outcomes=data.outcomes[0], words=letters, sites=sites)
        bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        done = subprocess.run(
            [interpreter, str(CHILD), str(file), str(rounds)],
            capture_output=True,
            text=True,
            env=bare | limits,
            check=False,
        )
    if done.returncode:
        sys.exit(f"PennyLane failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


ROWS = {"kernel": kernel, "enumerated": enumerated, "pennylane": pennylane}


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=tuple(ROWS))
    options = parser.parse_args()
    header("Shadow spectroscopy", ["numpy", "scipy", "numba", "statsmodels"])
    for name in options.rows:
        ROWS[name]()


if __name__ == "__main__":
    main()
