"""Tucker decompositions of a dense 200^3 tensor: ours against tensorly and pyttb.

Run: ``python benchmarks/decomposition_tucker.py [--rows init hooi ..] [--ranks 10 20]``
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
from common import Contender, duration, header, peer_version, table, take_turns, times

from rankloom.decomposition import TuckerTensor, datasets, nonnegative_tucker, tucker
from rankloom.decomposition.data import check_dense
from rankloom.decomposition.hooi import Hooi

N = 200
POLICIES = ["one core", "default"]


def data(rank: int) -> np.ndarray:
    """An exact Tucker tensor with 10 % Gaussian noise."""
    return datasets.planted_tucker((N, N, N), rank, noise=0.1, rng=0)[0]


def initial(rank: int, rounds: int) -> None:
    """A first Tucker tensor of given ranks: ours by sequential truncation, theirs by full SVDs."""
    x = data(rank)
    calls = {"ours": lambda: tucker(x, ranks=rank, method="st-hosvd")}
    errors = {"ours": calls["ours"]().error}
    if peer_version("tensorly"):
        from tensorly.decomposition._tucker import initialize_tucker

        ranks, modes = [rank] * 3, [0, 1, 2]
        calls["tensorly init"] = lambda: initialize_tucker(x, ranks, modes, None)
        errors["tensorly init"] = error_of(x, calls["tensorly init"]()[0])
    if peer_version("pyttb"):
        import pyttb

        theirs = pyttb.tensor(x)
        call = lambda: pyttb.hosvd(theirs, 0.0, 0, ranks=np.array([rank] * 3))  # noqa: E731
        calls["pyttb hosvd"] = call
        errors["pyttb hosvd"] = error_of(x, call().core.data)
    show(f"initial decomposition, {N}^3, rank {rank}", calls, errors, rounds)


def sweeps(rank: int, rounds: int, count: int = 10) -> None:
    """The same number of HOOI iterations from the same random orthonormal factors."""
    x = data(rank)
    rng = np.random.default_rng(1)
    factors = [np.linalg.qr(rng.standard_normal((N, rank)))[0] for _ in range(3)]
    start = TuckerTensor(np.ones((rank,) * 3), factors)

    def ours() -> float:  # `tucker` would end once the error stands still
        solver = Hooi(check_dense(x), start)
        return [solver.sweep() for _ in range(count)][-1]

    calls = {"ours": ours}
    errors = {"ours": ours()}
    if peer_version("tensorly"):
        from tensorly.decomposition import partial_tucker

        def tensorly() -> float:
            init = (np.ones((rank,) * 3), [f.copy() for f in factors])
            found, _ = partial_tucker(x, [rank] * 3, n_iter_max=count, init=init, tol=0)
            return error_of(x, found[0])

        calls["tensorly"] = tensorly
        errors["tensorly"] = tensorly()
    if peer_version("pyttb"):
        import pyttb

        theirs = pyttb.tensor(x)

        def peer() -> float:
            found = pyttb.tucker_als(
                theirs, np.array([rank] * 3), stoptol=0.0, maxiters=count, init=factors, printitn=0
            )[0]
            return error_of(x, found.core.data)

        calls["pyttb"] = peer
        errors["pyttb"] = peer()
    show(f"{count} HOOI iterations, {N}^3, rank {rank}", calls, errors, rounds, count)


def whole(rank: int, rounds: int) -> None:
    """The call a user makes, with defaults, to the same error."""
    x = data(rank)
    calls = {"ours": lambda: tucker(x, ranks=rank)}
    errors = {"ours": calls["ours"]().error}
    if peer_version("tensorly"):
        from tensorly.decomposition import tucker as theirs

        calls["tensorly"] = lambda: theirs(x, [rank] * 3)
        errors["tensorly"] = error_of(x, calls["tensorly"]()[0])
    show(f"whole call, {N}^3, rank {rank}", calls, errors, rounds)


def nonnegative(rank: int, rounds: int, count: int = 50) -> None:
    """The same number of sweeps of nonnegative Tucker on 100^3, and the error reached."""
    rng = np.random.default_rng(0)
    factors = [rng.random((100, rank)) * (rng.random((100, rank)) < 0.5) for _ in range(3)]
    clean = TuckerTensor(rng.random((rank,) * 3), factors).to_dense()
    x = np.abs(clean + 0.1 * clean.std() * rng.standard_normal(clean.shape))
    options = {"max_sweeps": count, "tol": 0, "rng": 0}
    calls = {"ours": lambda: nonnegative_tucker(x, rank, **options).error}
    if peer_version("tensorly"):
        from tensorly.decomposition import non_negative_tucker_hals as theirs

        settings = {"n_iter_max": count, "tol": 0, "random_state": 0, "return_errors": True}
        calls["tensorly HALS"] = lambda: float(theirs(x, [rank] * 3, **settings)[1][-1])
    errors = {name: call() for name, call in calls.items()}
    show(f"nonnegative Tucker, 100^3, rank {rank}, {count} sweeps", calls, errors, min(rounds, 2))


def memory(rank: int, _rounds: int) -> None:
    """Peak memory of the whole call over the size of the input, in a process of its own."""
    rows = []
    for method in ("st-hosvd", "hooi"):
        child = [sys.executable, str(Path(__file__)), "--child", method, "--ranks", str(rank)]
        # memory that was freed goes back to the system at once, so that a peak shows as a peak
        environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "100000"}
        done = subprocess.run(child, check=True, capture_output=True, env=environment)
        answer = json.loads(done.stdout)
        rows.append([method, f"{answer['input'] / 1e6:.0f} MB", f"{answer['ratio']:.3f}"])
    print(f"## peak memory, {N}^3, rank {rank}\n")
    table(["method", "input", "peak / input"], rows)


def child(method: str, rank: int) -> None:
    """Peak resident memory while `tucker` runs, the input counted, libraries not."""
    x = data(rank)
    # libraries, and the buffers that BLAS keeps for its threads (tens of megabytes, whatever x)
    tucker(x, ranks=rank, method=method)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory_kb("VmRSS")
    tucker(x, ranks=rank, method=method)
    extra = 1024 * (memory_kb("VmHWM") - before)
    print(json.dumps({"input": x.nbytes, "ratio": 1 + extra / x.nbytes}))


def memory_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def error_of(x: np.ndarray, core: np.ndarray) -> float:
    """Relative error of a Tucker tensor with orthonormal factors, from its core."""
    return float(np.sqrt(1 - np.linalg.norm(core) ** 2 / np.linalg.norm(x) ** 2))


def show(title: str, calls: dict, errors: dict, rounds: int, count: int = 1) -> None:
    contenders = [
        Contender(f"{name}, {policy}", call, policy == "one core")
        for name, call in calls.items()
        for policy in POLICIES
    ]
    timings = take_turns(contenders, rounds)
    rows = []
    for c in contenders:
        name, _, policy = c.name.rpartition(", ")
        ratio = times(timings[f"ours, {policy}"].speedup(timings[c.name]))
        seconds = duration(timings[c.name].median / count)
        rows.append([c.name, seconds, ratio, f"{errors[name]:.12f}"])
    print(f"## {title}\n")
    each = "time" if count == 1 else "time per iteration"
    table(["contender", each, "ours is faster by", "relative error"], rows)


ROWS = {
    "init": initial,
    "hooi": sweeps,
    "whole": whole,
    "nonnegative": nonnegative,
    "memory": memory,
}


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--ranks", nargs="+", type=int, default=(10, 20))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--policies", nargs="+", choices=list(POLICIES), default=list(POLICIES))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.ranks[0])
        return
    POLICIES[:] = arguments.policies
    warnings.simplefilter("ignore")  # peers warn of their own defaults
    header("Tucker decompositions", ["tensorly", "pyttb", "numpy", "scipy"])
    for name in arguments.rows:
        for rank in arguments.ranks:
            ROWS[name](rank, arguments.rounds)


if __name__ == "__main__":
    main()
