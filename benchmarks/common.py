"""What every benchmark shares: turns in one process, thread limits, peers, and a plain table.

Contenders take turns (A B C A B C ...), so a busy or throttled machine slows all of them alike, and
a ratio is taken inside one round before the median over the rounds. Times of two different runs are
not comparable; ratios of one run are.

Two thread policies are told apart, and a contender is run under one of them:

============  ===================================================================================
``one core``  one BLAS thread, and every thread of the process held on one core (Linux)
``default``   whatever the installed packages do by themselves
============  ===================================================================================
"""

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits


@dataclass(frozen=True, eq=False)
class Contender:
    """Something to time: ``call`` is run under the thread policy; what it returns is dropped."""

    name: str
    call: Callable[[], object]
    one_core: bool = True

    @property
    def policy(self) -> AbstractContextManager[None]:
        """Context to run the call in."""
        return one_core() if self.one_core else nullcontext()


@dataclass(frozen=True, eq=False)
class Timing:
    """Seconds per call, one entry per round."""

    seconds: np.ndarray

    @property
    def median(self) -> float:
        """Median over the rounds."""
        return float(np.median(self.seconds))

    def speedup(self, other: "Timing") -> tuple[float, float, float]:
        """How many times faster than `other`: median, least and greatest over the rounds."""
        ratios = other.seconds / self.seconds
        return float(np.median(ratios)), float(ratios.min()), float(ratios.max())


def take_turns(
    contenders: Sequence[Contender], rounds: int = 5, sample_seconds: float = 0.05
) -> dict[str, Timing]:
    """Time the contenders in turns; the first, untimed call of each warms caches and compilers.

    A sample repeats a short call until it lasts about `sample_seconds`.
    """
    repeats = {c.name: max(1, round(sample_seconds / _warm_seconds(c))) for c in contenders}
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            count = repeats[contender.name]
            with contender.policy:
                start = time.perf_counter()
                for _ in range(count):
                    contender.call()
                seconds[contender.name].append((time.perf_counter() - start) / count)
    return {name: Timing(np.array(samples)) for name, samples in seconds.items()}


def _warm_seconds(contender: Contender) -> float:
    with contender.policy:
        for _ in range(2):
            start = time.perf_counter()
            contender.call()
            once = time.perf_counter() - start
            if once > 5:  # a second call would cost more than it tells
                break
    return once


@contextmanager
def one_core() -> Iterator[None]:
    """One BLAS thread, and all threads of this process on one core.

    The second half also holds thread pools that no library lets a caller resize, such as XLA's.
    """
    if not hasattr(os, "sched_setaffinity"):
        with threadpool_limits(1):
            yield
        return
    cores = os.sched_getaffinity(0)
    with threadpool_limits(1):
        _hold_threads({max(cores)})
        try:
            yield
        finally:
            _hold_threads(cores)


def _hold_threads(cores: set[int]) -> None:
    for task in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:  # the thread ended since the folder was read
            continue


def peer_version(distribution: str) -> str | None:
    """Version of an installed peer; None, and a line that says so, when it is missing."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        print(f"skipped: {distribution} is not installed (pip install '.[bench]').")
        return None


def header(title: str, distributions: Sequence[str]) -> None:
    """Print what was run on what: machine, versions, thread pools."""
    cpuinfo = Path("/proc/cpuinfo")
    models = [
        line.split(":")[1].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else [])
        if line.startswith("model name")
    ]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pools = sorted({(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()})
    limits = {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ}
    print(f"# {title}\n")
    print(f"machine: {models[0] if models else platform.processor()}, {cores} cores, ", end="")
    print(f"{platform.system()}, Python {platform.python_version()}")
    print("versions: " + ", ".join(f"{name} {_version(name)}" for name in distributions))
    print("default threads: " + ", ".join(f"{api} {count}" for api, count in pools), end="")
    print(f"; environment {limits or 'sets no limit'}")
    if hasattr(os, "getloadavg"):
        print(f"load when started: {os.getloadavg()[0]:.2f} (a quiet machine shows less than 0.3)")
    print(flush=True)


_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(not installed)"


def duration(seconds: float) -> str:
    """Three digits and a unit: ``0.731 ms``, ``4.20 s``."""
    if seconds < 1:
        return f"{1e3 * seconds:.3g} ms"
    return f"{seconds:.3g} s"


def times(ratio: tuple[float, float, float]) -> str:
    """A speed-up with its range over the rounds: ``44.1x (41.0-47.3)``."""
    median, least, greatest = (f"{r:,.0f}" if r >= 100 else f"{r:.3g}" for r in ratio)
    return f"{median}x ({least}-{greatest})"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table that is also readable as plain text."""
    widths = [max(len(line[i]) for line in (columns, *rows)) for i in range(len(columns))]
    for line in (columns, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |")
    print(flush=True)
