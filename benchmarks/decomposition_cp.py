"""CP decompositions: dense, from several starts, nonnegative and masked; tensorly and pyttb beside.

Run: ``python benchmarks/decomposition_cp.py [--rows sweep starts hals masked four complex ..]``
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.decomposition import CPTensor, cp, datasets, match_components, nonnegative_cp
from rankloom.decomposition.cp_als import CPSweeps, least_squares
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.masked_rows import by_mode
from rankloom.decomposition.sparse import SparseSweeps, check_sparse, listed_mttkrp
from rankloom.decomposition.starts import start
from rankloom.decomposition.workers import Workers

N = 200


def copies(init: CPTensor) -> tuple[None, list[np.ndarray]]:
    """A start as tensorly takes it; it works in place."""
    return None, [f.copy() for f in init.factors]


def sweep(
    title: str, x: np.ndarray, rank: int, rounds: int, count: int = 25, dtypes: tuple[str, ...] = ()
) -> None:
    """The same number of plain sweeps from one start; all iterates are the same."""
    rng = np.random.default_rng(1)
    drawn = tuple(rng.random((n, rank)).astype(x.dtype) for n in x.shape)
    init = CPTensor(np.ones(rank), drawn)

    def ours(data: np.ndarray) -> float:  # `cp` would end once the error stands still
        begin = start(data, rank, init, rng)  # in the data type of the data
        solver = CPSweeps(check_dense(data), begin, least_squares(0.0, np.finfo(data.dtype).eps))
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
            begin = pyttb.ktensor(copies(init)[1])
            options = {"init": begin, "stoptol": 0.0, "maxiters": count, "printitn": 0}
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
            tensorly()
    goal = found["tensorly HALS"][0] if "tensorly HALS" in found else 0.0

    def until() -> None:
        options = {"max_sweeps": count, "tol": 0, "callback": lambda _k, e, _t: e <= goal}
        fit = nonnegative_cp(x, 7, init=init, **options)
        found["ours, to HALS' error"] = fit.error, fit.tensor

    calls["ours, to HALS' error"] = until
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


def sparse(rounds: int, rank: int = 10, count: int = 5) -> None:
    """A 1000^3 tensor with 1e6 nonzeros at random places: one product, and whole sweeps."""
    rng = np.random.default_rng(0)
    shape = (1000,) * 3
    coords = np.unique(rng.integers(0, 1000, (1_000_000, 3)), axis=0)
    values = rng.standard_normal(len(coords))
    init = CPTensor.random(shape, rank, rng=1)
    began = time.perf_counter()
    rows, data, _ = check_sparse((coords, values, shape))
    lists = by_mode(tuple(rows.T), data.x[0], shape)
    print(f"set-up of ours (checks, sorting): {duration(time.perf_counter() - began)}\n")
    factors = list(init.factors)

    def products(workers: Workers) -> None:
        for k in range(3):
            listed_mttkrp(factors, lists, k, workers)

    def sweeps() -> float:
        solver = SparseSweeps(data, lists, init, least_squares(), line_search=False)
        return [solver.sweep() for _ in range(count)][-1]

    two = Workers(2)
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: products(Workers()),
        "ours, two threads": lambda: products(two),
    }
    fits: dict[str, Callable[[], float]] = {"ours": sweeps}
    if peer_version("pyttb"):
        import pyttb

        theirs = pyttb.sptensor(coords, values[:, None], shape)
        calls["pyttb"] = lambda: [theirs.mttkrp(copies(init)[1], k) for k in range(3)]

        def peer() -> float:
            options = {"stoptol": 0.0, "maxiters": count, "printitn": 0}
            begin = pyttb.ktensor(copies(init)[1])
            with contextlib.redirect_stdout(io.StringIO()):
                return 1 - float(pyttb.cp_als(theirs, rank, init=begin, **options)[2]["fit"])

        fits["pyttb"] = peer
    show("three products, 1000^3, 1e6 nonzeros, rank 10", calls, dict.fromkeys(calls, ""), rounds)
    errors = {name: f"{call():.12f}" for name, call in fits.items()}
    show(f"{count} sweeps of the same, without set-up", fits, errors, rounds)


def memory() -> None:
    """Peak memory of a fit of a 200^3 tensor over the size of the input, in a new process."""
    code = """
import sys
from pathlib import Path
import numpy as np
from rankloom.decomposition import cp

def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

x = np.random.default_rng(0).standard_normal((200, 200, 200))
rank, compress = int(sys.argv[1]), sys.argv[2] == "True"
fit = lambda: cp(x, rank, max_sweeps=3, tol=0, compress=compress, rng=0)
fit()  # libraries, and the buffers that BLAS keeps
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
before = kilobytes("VmRSS")
fit()
print(1 + 1024 * (kilobytes("VmHWM") - before) / x.nbytes)
"""
    # memory that was freed goes back to the system at once, so that a peak shows as a peak
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "100000"}
    lines = []
    for rank in (10, 50):
        for compress in (False, True):
            child = [sys.executable, "-c", code, str(rank), str(compress)]
            done = subprocess.run(child, check=True, capture_output=True, env=environment)
            lines.append([str(rank), str(compress), f"{float(done.stdout):.3f}", f"{rank / N:.2f}"])
    print(f"## peak memory, {N}^3\n")
    table(["rank", "compress", "peak / input", "rank / size"], lines)


def timed(calls: dict[str, Callable[[], object]], rounds: int) -> dict:
    """Turns on one core, but for what is called threads."""
    contenders = [
        Contender(name, call, one_core="threads" not in name) for name, call in calls.items()
    ]
    return take_turns(contenders, rounds)


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
    rows = ("sweep", "starts", "hals", "masked", "four", "complex", "sparse", "memory")
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
    if "sparse" in wanted:
        sparse(options.rounds)
    if "memory" in wanted:
        memory()


if __name__ == "__main__":
    main()
