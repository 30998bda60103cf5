"""CP decompositions: dense, from several starts, nonnegative and masked; tensorly and pyttb beside.

Run: ``python benchmarks/decomposition_cp.py [--rows sweep starts hals masked four complex memory]``
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.decomposition import CPTensor, cp, datasets, match_components, nonnegative_cp
from rankloom.decomposition.cp_als import CPSweeps, least_squares
from rankloom.decomposition.data import check_dense

N = 200


def copies(init: CPTensor) -> tuple[None, list[np.ndarray]]:
    """A start as tensorly takes it; it works in place."""
    return None, [f.copy() for f in init.factors]


def sweep(
    title: str, x: np.ndarray, rank: int, rounds: int, count: int = 10, dtypes: tuple[str, ...] = ()
) -> None:
    """The same number of plain sweeps from one start; all iterates are the same."""
    rng = np.random.default_rng(1)
    drawn = tuple(rng.random((n, rank)).astype(x.dtype) for n in x.shape)
    init = CPTensor(np.ones(rank), drawn)

    def ours(data: np.ndarray) -> float:  # `cp` would end once the error stands still
        solver = CPSweeps(check_dense(data), init, least_squares())
        return [solver.sweep() for _ in range(count)][-1]

    calls: dict[str, Callable[[], float]] = {"ours": lambda: ours(x)}
    for dtype in dtypes:
        low = x.astype(dtype)
        calls[f"ours, {dtype}"] = lambda low=low: ours(low)
    if peer_version("tensorly"):
        from tensorly.decomposition import parafac

        def tensorly() -> float:
            options = {"n_iter_max": count, "tol": 0, "return_errors": True}
            return float(abs(parafac(x, rank, init=copies(init), **options)[1][-1]))

        calls["tensorly"] = tensorly
    if peer_version("pyttb") and x.dtype == float:
        import pyttb

        theirs = pyttb.tensor(x)

        def peer() -> float:
            start = pyttb.ktensor(copies(init)[1])
            options = {"init": start, "stoptol": 0.0, "maxiters": count, "printitn": 0}
            with contextlib.redirect_stdout(io.StringIO()):
                return 1 - float(pyttb.cp_als(theirs, rank, **options)[2]["fit"])

        calls["pyttb"] = peer
    errors = {name: f"{call():.12f}" for name, call in calls.items()}
    show(f"{title}, rank {rank}, {count} sweeps", calls, errors, rounds)


def starts(rank: int) -> None:
    """Ten random starts with default settings; the best counts."""
    x, _ = datasets.planted_cp((N, N, N), rank, noise=0.1, rng=0)
    found: dict[str, float] = {}

    def ours() -> None:
        found["ours"] = cp(x, rank, restarts=10, rng=0).error

    calls = {"ours": ours}
    if peer_version("tensorly"):
        from tensorly.decomposition import parafac

        def tensorly() -> None:
            options = {"init": "random", "return_errors": True}
            found["tensorly"] = min(
                float(parafac(x, rank, random_state=k, **options)[1][-1]) for k in range(10)
            )

        calls["tensorly"] = tensorly
    timings = timed(calls, 1)
    errors = {name: f"{error:.10f}" for name, error in found.items()}
    report(f"ten starts, {N}^3, rank {rank}", calls, errors, timings)


def hals(rounds: int, count: int = 50) -> None:
    """The planted motifs of 60 neurons (1770 pairs x 400 x 8)."""
    x, truth = datasets.planted_nonnegative(rng=0)
    init = CPTensor.random(x.shape, 7, rng=0, nonnegative=True)
    found: dict[str, tuple[float, CPTensor]] = {}

    def ours() -> None:
        fit = nonnegative_cp(x, 7, init=init, max_sweeps=count, tol=0)
        found["ours"] = fit.error, fit.tensor

    calls = {"ours": ours}
    if peer_version("tensorly"):
        from tensorly.decomposition import non_negative_parafac, non_negative_parafac_hals

        peers = {"HALS": non_negative_parafac_hals, "multiplicative": non_negative_parafac}
        for name, solver in peers.items():

            def tensorly(name: str = name, solver: Callable = solver) -> None:
                options = {"n_iter_max": count, "tol": 1e-16, "return_errors": True}
                tensor, errors = solver(x, 7, init=copies(init), **options)
                found[f"tensorly {name}"] = float(errors[-1]), CPTensor.from_tensorly(tensor)

            calls[f"tensorly {name}"] = tensorly
    timings = timed(calls, rounds)
    errors = {
        name: f"{error:.8f}, match score {match_components(truth, tensor).score:.5f}"
        for name, (error, tensor) in found.items()
    }
    report(f"nonnegative, {x.shape}, rank 7, {count} sweeps", calls, errors, timings)


def masked(missing: float, restarts: int, seeds: int, sweeps: int) -> None:
    """Planted 100^3 tensors of rank 5 with 1 % noise; the error is that of the missing entries."""
    bound = 2e-3 if missing < 0.95 else 5e-3
    lines = []
    for seed in range(seeds):
        x, truth = datasets.planted_cp((100, 100, 100), 5, noise=0.01, rng=seed)
        mask = np.random.default_rng(seed + 50).random(x.shape) >= missing
        clean = truth.to_dense()
        found: dict[str, float] = {}

        def judge(name: str, tensor: CPTensor) -> None:
            miss = (tensor.to_dense() - clean)[~mask]  # noqa: B023
            found[name] = float(np.linalg.norm(miss) / np.linalg.norm(clean[~mask]))  # noqa: B023

        def ours() -> None:
            judge("ours", cp(x, 5, mask=mask, restarts=restarts, rng=seed).tensor)  # noqa: B023

        calls = {"ours": ours}
        if peer_version("tensorly"):
            from tensorly.decomposition import parafac

            def tensorly() -> None:
                options = {"n_iter_max": sweeps, "tol": 1e-8, "init": "random"}
                zeroed = np.where(mask, x, 0)  # noqa: B023
                tensor = parafac(zeroed, 5, mask=mask, random_state=seed, **options)  # noqa: B023
                judge("tensorly", CPTensor.from_tensorly(tensor))

            calls["tensorly"] = tensorly
        timings = timed(calls, 1)
        line = [str(seed)]
        for name in calls:
            reached = "" if found[name] < bound else " (missed)"
            line += [duration(timings[name].median), f"{found[name]:.1e}{reached}"]
        if len(calls) > 1:
            line.append(times(timings["ours"].speedup(timings["tensorly"])))
        lines.append(line)
    print(f"## masked, {missing:.0%} missing, {restarts} starts of ours\n")
    columns = ["seed", "ours", "error", "tensorly", "error", "ours is faster by"]
    table(columns[: len(lines[0])], lines)


def memory() -> None:
    """Peak memory of a process that fits a 400^3 tensor of rank 10, above its libraries."""
    code = """
import json, resource, sys
import numpy as np
from rankloom.decomposition import cp
cp(np.random.default_rng(0).standard_normal((9, 9, 9)), 2, max_sweeps=2, rng=0)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
x = np.random.default_rng(0).standard_normal((400, 400, 400))
alone = peak()
cp(x, 10, max_sweeps=2, tol=0, compress=sys.argv[1] == "1", rng=0)
print(json.dumps([x.nbytes, alone - before, peak() - before]))
"""
    lines = []
    for compress in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-c", code, compress], check=True, capture_output=True, text=True
        )
        size, alone, whole = json.loads(out.stdout)
        lines.append([compress, *(f"{v / 1e6:.0f} MB" for v in (size, alone, whole))])
        lines[-1].append(f"{whole / size:.3f}")
    print("## memory, 400^3, rank 10\n")
    table(["compress", "input", "process with input", "with the fit", "fit / input"], lines)


def timed(calls: dict[str, Callable[[], object]], rounds: int) -> dict:
    """Turns on one core."""
    return take_turns([Contender(name, call) for name, call in calls.items()], rounds)


def show(
    title: str, calls: dict[str, Callable[[], object]], errors: dict[str, str], rounds: int
) -> None:
    """Time and print."""
    report(title, calls, errors, timed(calls, rounds))


def report(title: str, calls: dict, errors: dict[str, str], timings: dict) -> None:
    """One table."""
    rows = []
    for name in calls:
        ratio = times(timings["ours"].speedup(timings[name]))
        rows.append([name, duration(timings[name].median), ratio, errors[name]])
    print(f"## {title}, one core\n")
    table(["contender", "time", "ours is faster by", "relative error"], rows)


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    rows = ("sweep", "starts", "hals", "masked", "four", "complex", "memory")
    parser.add_argument("--rows", nargs="+", choices=rows, default=rows)
    parser.add_argument("--ranks", nargs="+", type=int, default=(10, 50))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    wanted = set(options.rows)
    header("CP decompositions", ["tensorly", "pyttb", "numpy", "scipy", "numba"])
    for rank in options.ranks:
        if "sweep" in wanted:
            x, _ = datasets.planted_cp((N, N, N), rank, noise=0.1, rng=0)
            sweep(f"{N}^3", x, rank, options.rounds, dtypes=("float32",))
        if "starts" in wanted:
            starts(rank)
    if "four" in wanted:
        x, _ = datasets.planted_cp((54,) * 4, 10, noise=0.1, rng=0)
        sweep("54^4", x, 10, options.rounds)
    if "complex" in wanted:
        x, _ = datasets.planted_cp((150,) * 3, 10, noise=0.1, rng=0)
        y, _ = datasets.planted_cp((150,) * 3, 10, noise=0.1, rng=1)
        sweep("150^3 complex", x + 1j * y, 10, options.rounds)
    if "hals" in wanted:
        hals(1)
    if "masked" in wanted:
        masked(0.9, restarts=1, seeds=10, sweeps=200)
        masked(0.97, restarts=3, seeds=10, sweeps=200)
    if "memory" in wanted:
        memory()


if __name__ == "__main__":
    main()
