import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from rankloom.tn import MPO, MPS, SpinChain, evolve

N = 6
CHAIN = SpinChain.xyz(N, 1.0, 0.6, 0.3, hx=0.4, hz=-0.3)
FAR = MPO.from_terms(N, [(1.0, "ZZ", (0, 3)), (0.5, "XYX", (1, 2, 5)), (0.7, "X", (4,))])
START = MPS.random(N, 4, rng=0)
OPTIONS = {"time": 1.0, "steps": 12, "max_bond": 6, "cutoff": 1e-9}
RUNS = pytest.mark.parametrize(
    ("chain", "extra"),
    [
        (CHAIN, {}),
        (CHAIN, {"observe": {"z": "Z"}}),
        (CHAIN, {"order": 4, "cutoff": 0.0}),
        (CHAIN, {"imaginary": True}),
        (CHAIN, {"method": "tdvp"}),
        (CHAIN, {"method": "tdvp1", "observe": {"s": lambda state: state.entropies()}}),
        (CHAIN, {"method": "tdvp1", "imaginary": True, "max_bond": 4}),
        (FAR, {"method": "tdvp"}),
        (FAR, {"method": "tdvp1", "cutoff": 1e-6}),
    ],
)


class StopError(Exception):
    pass


def stop_after(count):
    """A progress wrapper that breaks the run off in the middle of an item."""

    def wrap(items):
        for k, item in enumerate(items):
            if k == count:
                raise StopError
            yield item

    return wrap


def same_bits(a, b):
    for x, y in zip(a.state.tensors, b.state.tensors, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(a.discarded, b.discarded)
    assert (a.truncation_error, a.error_bound) == (b.truncation_error, b.error_bound)
    for name in ("times", "energies", "projection_errors"):
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None)
        if x is not None:
            np.testing.assert_array_equal(x, y)
    assert a.observed.keys() == b.observed.keys()
    for name, values in a.observed.items():
        np.testing.assert_array_equal(values, b.observed[name])


@RUNS
def test_a_resumed_run_equals_an_unbroken_one_bit_for_bit(tmp_path, chain, extra):
    options = {**OPTIONS, **extra}
    whole = evolve(START, chain, **options)
    for count in (1, 5, 11):
        path = tmp_path / f"after{count}.h5"
        for stop in (count, 1):  # broken twice
            with pytest.raises(StopError):
                evolve(
                    START,
                    chain,
                    checkpoint=path,
                    checkpoint_every=2,
                    progress=stop_after(stop),
                    **options,
                )
        same_bits(evolve(START, chain, checkpoint=path, checkpoint_every=3, **options), whole)


@pytest.mark.parametrize("method", ["tebd", "tdvp", "tdvp1"])
def test_ctrl_c_in_a_callback(tmp_path, method):
    options = {**OPTIONS, "method": method, "checkpoint_every": 3}
    heard = []

    def interrupted(t, _state):
        heard.append(t)
        if len(heard) == 9:  # at t = 0 and after 8 steps
            raise KeyboardInterrupt

    whole = evolve(START, CHAIN, callback=lambda *_: None, **options)
    path = tmp_path / "run.h5"
    with pytest.raises(KeyboardInterrupt):
        evolve(START, CHAIN, callback=interrupted, checkpoint=path, **options)
    times = []
    resumed = evolve(
        START, CHAIN, callback=lambda t, _: times.append(t), checkpoint=path, **options
    )
    same_bits(resumed, whole)
    np.testing.assert_array_equal(times, whole.times[7:])  # from the checkpoint after step 6 on


CHILD = """
import sys, time
from rankloom.tn import MPS, SpinChain, evolve
evolve(
    MPS.random(6, 4, rng=0), SpinChain.xyz(6, 1.0, 0.6, 0.3, hx=0.4, hz=-0.3), time=1.0, steps=12,
    max_bond=6, cutoff=1e-9, method=sys.argv[2], checkpoint=sys.argv[1], checkpoint_every=1,
    callback=lambda t, state: time.sleep(0.02),
)
"""


@pytest.mark.parametrize("method", ["tebd", "tdvp", "tdvp1"])
def test_killed_at_any_moment(tmp_path, method):
    path = tmp_path / "run.h5"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), method])
    while not path.exists():
        assert child.poll() is None
        time.sleep(0.001)
    time.sleep(np.random.default_rng().uniform(0.0, 0.2))
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    with h5py.File(path) as file:
        assert file.attrs["done"] > 0
    options = {**OPTIONS, "method": method, "callback": lambda *_: None}
    same_bits(evolve(START, CHAIN, checkpoint=path, **options), evolve(START, CHAIN, **options))


def test_a_finished_run_is_read_and_not_repeated(tmp_path):
    path = tmp_path / "run.h5"
    whole = evolve(START, CHAIN, checkpoint=path, method="tdvp", **OPTIONS)
    stamp = path.stat().st_mtime_ns
    again = evolve(START, CHAIN, checkpoint=path, method="tdvp", progress=stop_after(0), **OPTIONS)
    same_bits(again, whole)
    assert path.stat().st_mtime_ns == stamp


def test_a_checkpoint_is_written_every_so_many_steps(tmp_path):
    path, done = tmp_path / "run.h5", []

    def look(items):
        for item in items:
            if path.exists():
                with h5py.File(path) as file:
                    done.append(int(file.attrs["done"]))
            yield item

    evolve(
        START, CHAIN, checkpoint=path, checkpoint_every=5, progress=look, method="tdvp1", **OPTIONS
    )
    assert done == [5] * 5 + [10] * 2
    with h5py.File(path) as file:
        assert file.attrs["done"] == 12


def test_it_resumes_in_the_array_library_of_the_state(tmp_path, library):
    start = MPS(tuple(map(library, START.tensors)))
    for method in ("tebd", "tdvp1"):
        path, options = tmp_path / f"{method}.h5", {**OPTIONS, "method": method}
        with pytest.raises(StopError):
            evolve(
                start,
                CHAIN,
                checkpoint=path,
                checkpoint_every=1,
                progress=stop_after(7),
                **options,
            )
        resumed = evolve(start, CHAIN, checkpoint=path, **options)
        whole = evolve(start, CHAIN, **options)
        for x, y in zip(resumed.state.tensors, whole.state.tensors, strict=True):
            np.testing.assert_array_equal(library.host(x), library.host(y))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": 2.0}, "`time` was 1.0, now 2.0"),
        ({"steps": 13}, "`steps` was 12, now 13"),
        ({"max_bond": None}, "`max_bond` was 6, now None"),
        ({"cutoff": 1e-8}, "`cutoff` was 1e-09, now 1e-08"),
        ({"method": "tdvp1"}, "`method` was tdvp, now tdvp1"),
        ({"imaginary": True}, "`imaginary` was False, now True"),
        ({"krylov_tol": 1e-9}, "`krylov_tol` was 1e-12"),
        ({"observe": {"x": "X"}}, "`observe` was \\['z'\\], now \\['x'\\]"),
        ({"psi0": MPS.random(N, 4, rng=1)}, "`psi0` is another"),
        ({"chain": SpinChain.heisenberg(N)}, "`chain` is another"),
        ({"psi0": 2.0 * START, "time": -1.0}, "`time` was 1.0, now -1.0; `psi0` is another"),
    ],
)
def test_a_file_of_another_run_is_refused(tmp_path, change, message):
    path = tmp_path / "run.h5"
    call = {"psi0": START, "chain": CHAIN, "method": "tdvp", "observe": {"z": "Z"}, **OPTIONS}
    evolve(**call, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"run.h5' belongs to another run: .*{message}"):
        evolve(**{**call, **change}, checkpoint=path)
    assert path.read_bytes() == before


def test_other_files_are_refused(tmp_path):
    call = {"psi0": START, "chain": CHAIN, **OPTIONS}
    START.save(tmp_path / "state.h5")
    with pytest.raises(ValueError, match=r"'rankloom\.mps'.*wanted is 'rankloom\.evolution'"):
        evolve(**call, checkpoint=tmp_path / "state.h5")
    (tmp_path / "text.h5").write_text("a diary")
    with pytest.raises(ValueError, match="Half-done evolutions are read from files that `evolve`"):
        evolve(**call, checkpoint=tmp_path / "text.h5")
    path = tmp_path / "run.h5"
    evolve(**call, checkpoint=path)
    with h5py.File(path, "a") as file:
        del file["parts"]
    with pytest.raises(ValueError, match="damaged"):
        evolve(**call, checkpoint=path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        evolve(**call, checkpoint=tmp_path / "nowhere" / "run.h5", progress=pytest.fail)
