"""Data read in chunks give what the same data in memory give, and stay out of it."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from rankloom.decomposition import (
    CPTensor,
    cp,
    datasets,
    match_components,
    nonnegative_cp,
    outofcore,
    tucker,
)
from rankloom.decomposition import chunks as reading
from rankloom.decomposition.outofcore import compress

da = pytest.importorskip("dask.array")
h5py = pytest.importorskip("h5py")


class Counting:
    """What zarr arrays look like, counting the entries that are read."""

    def __init__(self, x, chunks):
        self._x, self.chunks = x, chunks
        self.shape, self.dtype, self.read, self.most = x.shape, x.dtype, 0, 0

    def __getitem__(self, place):
        block = self._x[place].copy()
        self.read += block.size
        self.most = max(self.most, block.size)
        return block


@pytest.fixture(params=["dask", "dask slabs", "file", "file in chunks", "zarr", "alike"])
def chunked(request, tmp_path):
    """Makes an array that is read in chunks from a NumPy array."""
    if request.param == "dask":
        yield lambda x: da.from_array(x, chunks=(7, 11, 13, 5)[: x.ndim])
    elif request.param == "dask slabs":
        yield lambda x: da.from_array(x, chunks=(*x.shape[:-1], 6))
    elif request.param == "zarr":
        zarr = pytest.importorskip("zarr")
        store = zarr.storage.MemoryStore()
        yield lambda x: zarr.create_array(
            store, data=x, chunks=(8, 9, 10, 4)[: x.ndim], overwrite=True
        )
    elif request.param == "alike":
        yield lambda x: Counting(x, (8, 9, 10, 4)[: x.ndim])
    else:
        with h5py.File(tmp_path / "x.h5", "w") as file:
            chunks = (4, 8, 16, 3) if request.param == "file in chunks" else None
            yield lambda x: file.create_dataset(
                "x",
                data=x,
                chunks=chunks and tuple(min(p) for p in zip(chunks, x.shape, strict=False)),
            )


@pytest.fixture(autouse=True)
def small_memory(monkeypatch):
    """As if little fitted into memory, so that small tensors go the way of large ones."""
    monkeypatch.setattr(outofcore, "_HELD", 4000)
    monkeypatch.setattr(outofcore, "_MOST", 20000)
    monkeypatch.setattr(reading, "_BLOCK", 3000)


def true_error(fit, x):
    return np.linalg.norm(fit.tensor.to_dense() - x) / np.linalg.norm(x)


def assert_orthonormal(tensor, atol):
    for f in tensor.factors:
        np.testing.assert_allclose(f.conj().T @ f, np.eye(f.shape[1]), atol=atol)


@pytest.mark.parametrize("method", ["st-hosvd", "hooi", "auto"])
@pytest.mark.parametrize("kind", ["real", "complex", "float32"])
def test_tucker_by_ranks_is_that_of_the_data_in_memory(chunked, method, kind):
    x, _ = datasets.planted_tucker((20, 30, 40), (3, 4, 5), noise=0.1, rng=0)
    if kind == "complex":
        x = x + 1j * datasets.planted_tucker((20, 30, 40), (3, 4, 5), noise=0.1, rng=1)[0]
    x = x.astype(np.float32) if kind == "float32" else x
    found, dense = (tucker(y, ranks=(3, 4, 5), method=method) for y in (chunked(x), x))
    assert found.tensor.dtype == x.dtype
    digits = 1e-5 if kind == "float32" else 1e-11
    assert found.error == pytest.approx(true_error(found, x), rel=digits)
    # the sweeps of "hooi" see all but 0.1 % of what they would see of x
    assert found.error == pytest.approx(dense.error, rel=digits if method == "st-hosvd" else 1e-3)
    assert_orthonormal(found.tensor, 1e-5 if kind == "float32" else 1e-12)
    assert found.starts[-1] == pytest.approx(found.error, rel=1e-9)
    assert found.ok


@pytest.mark.parametrize("tol", [0.3, 1e-3, 1e-6, 1e-9, 1e-12])
def test_the_tolerance_bounds_the_error_to_the_last_digits(chunked, tol):
    x = datasets.hilbert((18, 20, 22))  # tolerances below 1e-8 need more than Gram matrices
    found, dense = (tucker(y, tol=tol) for y in (chunked(x), x))
    assert found.error <= tol
    assert found.error == pytest.approx(true_error(found, x), rel=1e-4, abs=1e-15)
    assert all(r <= s + 1 for r, s in zip(found.tensor.ranks, dense.tensor.ranks, strict=True))


def test_four_modes_and_modes_kept_whole(chunked):
    x, truth = datasets.planted_tucker((12, 3, 14, 9), (2, 3, 4, 3), rng=0)
    assert tucker(chunked(x), ranks=(2, 3, 4, 3)).error < 1e-13
    assert tucker(da.from_array(x, chunks=5), tol=0).tensor.ranks == truth.ranks


def test_integers_and_norms_beyond_the_squares_of_doubles(chunked):
    whole = np.arange(18 * 20 * 22).reshape(18, 20, 22)
    found = tucker(chunked(whole), tol=1e-10)
    assert found.tensor.ranks == (2, 2, 2)
    assert found.error <= 1e-10


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_scales(scale):
    x, _ = datasets.planted_tucker((18, 20, 22), 2, noise=0.1, rng=0)
    found = tucker(da.from_array(x * scale, chunks=9), ranks=2)
    assert found.error == pytest.approx(tucker(x, ranks=2).error, rel=1e-3)
    model = found.tensor.to_dense() / scale
    assert np.linalg.norm(model - x) / np.linalg.norm(x) == pytest.approx(found.error, rel=1e-9)


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_cp_finds_the_planted_terms(chunked, kind):
    x, truth = datasets.planted_cp((20, 24, 28), 3, noise=0.01, rng=0)
    if kind == "complex":
        x = x * np.exp(1j * np.arange(28))
    fit = cp(chunked(x), rank=3, rng=0, restarts=3)
    assert fit.error == pytest.approx(true_error(fit, x), rel=1e-10)
    assert fit.error == pytest.approx(cp(x, rank=3, rng=0, restarts=3).error, rel=1e-3)
    assert len(fit.starts) == 3
    assert fit.core_consistency > 99
    if kind == "real":
        assert match_components(truth, fit.tensor).score > 0.999


def test_cp_of_exact_data_says_so_to_the_last_digits(chunked):
    x, _ = datasets.planted_cp((18, 20, 22), 2, rng=1)
    fit = cp(chunked(x), rank=2, rng=0, restarts=3, tol=0, max_sweeps=500)
    assert fit.error < 1e-13
    assert not fit.degenerate


def test_starts_and_callbacks_are_those_of_the_whole_data():
    x, truth = datasets.planted_cp((18, 20, 22), 2, noise=0.1, rng=1)
    lazy = da.from_array(x, chunks=9)
    heard = []
    fit = cp(lazy, 2, init=truth, callback=lambda k, error, model: heard.append((error, model)))
    assert heard[-1][0] == pytest.approx(fit.error, rel=1e-9)
    assert heard[-1][1].shape == x.shape
    assert fit.sweeps < 20
    assert fit.settings["init"] is truth
    heard.clear()
    first = tucker(lazy, ranks=2)
    again = tucker(lazy, init=first.tensor, callback=lambda *a: heard.append(a[1:]))
    assert again.sweeps <= 2
    assert heard[-1][0] == pytest.approx(true_error(again, x), rel=1e-9)
    assert heard[-1][1].shape == x.shape


def test_the_data_are_read_once_for_each_mode_that_must_go_and_once_more():
    x, _ = datasets.planted_tucker((20, 30, 40), 3, noise=0.1, rng=0)
    alike = Counting(x, (5, 5, 5))
    tucker(alike, ranks=3)  # 8 of 20 indices are left: one mode is not enough, two are
    assert alike.read == 3 * x.size
    assert alike.most <= reading._BLOCK


def test_what_fits_into_memory_is_read_once_and_takes_all_arguments(monkeypatch):
    monkeypatch.setattr(outofcore, "_HELD", 10**6)
    x, _ = datasets.planted_tucker((20, 30, 40), 3, noise=0.1, rng=0)
    alike = Counting(x, (5, 5, 5))
    assert tucker(alike, ranks=3).error == tucker(x, ranks=3).error
    assert alike.read == x.size
    holes = np.where(np.random.default_rng(0).random(x.shape) < 0.3, np.nan, x)
    assert cp(da.from_array(holes, chunks=9), 2, rng=0).error == cp(holes, 2, rng=0).error


def test_a_basis_is_that_of_the_unfolding(chunked):
    x, _ = datasets.planted_tucker((20, 30, 40), 3, noise=0.3, rng=0)
    small = compress(reading.source_of(chunked(x)), ranks=(3, 4, 5))
    u = np.linalg.svd(x.reshape(20, -1), full_matrices=False)[0][:, :3]
    np.testing.assert_allclose(np.abs(np.sum(u * small.factors[0], axis=0)), 1, rtol=1e-10)
    kept = np.linalg.norm(small.left) ** 2
    assert small.square == pytest.approx(np.linalg.norm(x) ** 2, rel=1e-12)
    assert small.dropped == pytest.approx(small.square - kept, rel=1e-9)


@pytest.mark.parametrize("solve", [lambda y: tucker(y, ranks=2), lambda y: cp(y, 2)])
@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
def test_entries_that_are_not_finite_are_refused(solve, entry):
    x = np.ones((18, 20, 22))
    x[3, 4, 5] = entry
    with pytest.raises(ValueError, match="NaN or infinite"):
        solve(da.from_array(x, chunks=9))


def test_bad_input():
    zeros, ones = da.zeros((18, 20, 22), chunks=9), da.ones((18, 20, 22), chunks=9)
    noise = da.from_array(np.random.default_rng(0).standard_normal((40, 40, 40)), chunks=9)
    with pytest.raises(ValueError, match="zero everywhere"):
        tucker(zeros, ranks=2)
    with pytest.raises(ValueError, match=r"shape \(40, 40, 40\).*raise `tol`, or lower"):
        tucker(noise, tol=0)
    with pytest.raises(ValueError, match="'hosvd' is for arrays in memory"):
        tucker(ones, ranks=2, method="hosvd")
    with pytest.raises(ValueError, match="`mask` is for arrays in memory"):
        tucker(ones, ranks=2, mask=np.ones((18, 20, 22), bool))
    with pytest.raises(ValueError, match="below what float64 can hold"):
        tucker(ones, tol=1e-17)
    with pytest.raises(ValueError, match="`holdout`"):
        cp(ones, 2, holdout=0.1)
    with pytest.raises(TypeError, match="must be in memory"):
        nonnegative_cp(ones, 2)
    with pytest.raises(ValueError, match="`constraints` is for arrays in memory"):
        cp(ones, 2, constraints={0: "nonnegative"})
    with pytest.raises(ValueError, match="`weights` is for arrays in memory"):
        tucker(ones, ranks=2, weights=np.ones((18, 20, 22)))
    with pytest.raises(ValueError, match="`compress` = False"):
        cp(ones, 2, compress=False)
    with pytest.raises(ValueError, match="`rank` = 1000"):
        cp(ones, 1000)
    with pytest.raises(ValueError, match="`init` must have shape"):
        cp(ones, 2, init=CPTensor.random((3, 4, 5), 2, rng=0))
    with pytest.raises(ValueError, match="the product of the other ranks"):
        tucker(ones, ranks=(9, 2, 2))
    with pytest.raises(TypeError, match="must hold float32"):
        tucker(ones.astype("float16"), ranks=2)
    with pytest.raises(ValueError, match="at least 2 modes"):
        tucker(da.ones(20000, chunks=9), ranks=2)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        tucker(ones[ones[:, 0, 0] > 0], ranks=2)


LARGE = """
import resource, sys
import h5py, numpy as np
from rankloom.decomposition import tucker, cp
tucker(np.random.default_rng(0).standard_normal((5, 6, 7)), ranks=2)  # everything is loaded
cp(np.random.default_rng(0).standard_normal((50, 60, 70)), 2, max_sweeps=2)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {headroom}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
with h5py.File(sys.argv[1]) as file:
    fit = tucker(file["x"], ranks=(3, 3, 3))
    terms = cp(file["x"], 3, rng=0, restarts=3)
print(fit.error, terms.error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
def test_a_file_larger_than_the_memory_allowed(tmp_path):
    """1.2 GB in a process that may take 0.5 GB: three blocks of 128 MB and what is left."""
    shape, rng = (400, 620, 600), np.random.default_rng(0)
    truth = CPTensor.random(shape, 3, rng=rng)
    noise, path = 0.1 * truth.norm() / np.prod(shape) ** 0.5, tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", shape, float, chunks=(20, 62, 60))
        for start in range(0, 400, 20):
            block = truth[start : start + 20].to_dense()
            x[start : start + 20] = block + noise * rng.standard_normal(block.shape)
    code = textwrap.dedent(LARGE).format(headroom=500 * 10**6)
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    for error in map(float, answer.stdout.split()):
        assert error == pytest.approx(0.1 / 1.01**0.5, rel=1e-3)  # noise over data and noise


@pytest.mark.slow
def test_dask_workers_of_their_own():
    """Tasks go to other processes, and give the same bits as in this one."""
    distributed = pytest.importorskip("distributed")
    x, _ = datasets.planted_tucker((20, 30, 40), 3, noise=0.1, rng=0)
    lazy = da.from_array(x, chunks=9)
    here = tucker(lazy, ranks=3)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        there = tucker(lazy, ranks=3)
    assert there.error == pytest.approx(here.error, rel=1e-12)
    np.testing.assert_allclose(there.tensor.to_dense(), here.tensor.to_dense(), atol=1e-12)
