"""A tensor larger than memory: 20 GB that Dask workers of 2 GB each generate, and a file on disk.

Run: ``python benchmarks/decomposition_outofcore.py [--gigabytes 20] [--solvers tucker cp]``

The tensor is planted, 10 % of its norm is noise, and every chunk is made anew from its own seed in
every pass; what that alone costs is told. The file is compared with the same data read whole.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from common import duration, header

from rankloom.decomposition import TuckerTensor, cp, match_components, tucker
from rankloom.decomposition.cp_tensor import CPTensor

NOISE = 0.1
RANK = 5


def chunk(place: tuple[slice, ...], truth: CPTensor, level: float) -> np.ndarray:
    """One chunk of the planted tensor; the noise depends on where it lies alone."""
    x = truth[place].to_dense()
    rng = np.random.Generator(np.random.SFC64([s.start for s in place]))
    noise = rng.standard_normal(x.shape)
    noise *= level
    noise += x
    return noise


def lazy(shape: tuple[int, ...], sizes: tuple[int, ...], truth: CPTensor):
    """The tensor as a Dask array whose chunks are tasks."""
    import dask
    import dask.array as da
    from dask.array.core import slices_from_chunks

    level = NOISE * truth.norm() / np.prod(shape) ** 0.5
    chunks = da.core.normalize_chunks(sizes, shape, dtype=float)
    counts, make, shared = tuple(map(len, chunks)), dask.delayed(chunk), dask.delayed(truth)
    blocks = np.empty(counts, object)
    for index, place in zip(np.ndindex(counts), slices_from_chunks(chunks), strict=True):
        size = tuple(s.stop - s.start for s in place)
        blocks[index] = da.from_delayed(make(place, shared, level), size, float)
    return da.block(blocks.tolist())


def peak_memory() -> float:
    """Largest resident memory of this process so far, in GB (Linux)."""
    # not `ru_maxrss`, which a process inherits from the one that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def generated(gigabytes: float, limit: str, solvers: list[str]) -> None:
    """Tucker and CP of chunks that Dask workers generate."""
    from distributed import Client, LocalCluster

    side = round((gigabytes * 1e9 / 8 / 320) ** 0.5)
    shape = (320, side, side)
    truth = CPTensor.random(shape, RANK, rng=0).normalize()
    x = lazy(shape, (320, 280, 280), truth)
    print(f"## {x.nbytes / 1e9:.1f} GB, shape {shape}, {x.npartitions} chunks of {x.chunksize}\n")
    begin = time.perf_counter()
    x.blocks[0, 0, 0].compute(scheduler="synchronous")
    spent = (time.perf_counter() - begin) * x.size / x.blocks[0, 0, 0].size
    print(f"generating all chunks once, from the time of one: {duration(spent)} of one core")
    calls = {
        "tucker": lambda: tucker(x, ranks=RANK, method="st-hosvd"),
        "cp": lambda: cp(x, RANK, rng=0, restarts=3),
    }
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=limit, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        for name in solvers:
            begin = time.perf_counter()
            fit = calls[name]()
            spent = duration(time.perf_counter() - begin)
            expected = NOISE / (1 + NOISE**2) ** 0.5
            print(f"{name}: {spent}, error {fit.error:.7f} (noise alone: {expected:.7f})")
            level = NOISE * truth.norm() / x.size**0.5
            print(
                f"  residual of one chunk over the noise: {on_one_chunk(x, fit.tensor, level):.5f}"
            )
            if isinstance(fit.tensor, CPTensor):
                score = match_components(truth, fit.tensor).score
                print(f"  factor match score {score:.6f}")
        peaks = client.run(peak_memory)
        print(f"peak memory of the workers: {', '.join(f'{p:.2f} GB' for p in peaks.values())}")
    print(f"peak memory of this process: {peak_memory():.2f} GB\n", flush=True)


def on_one_chunk(x, tensor: TuckerTensor | CPTensor, level: float) -> float:
    """Root mean square of the residual on one chunk of the data, over that of the noise."""
    block = x.blocks[0, 0, 1].compute(scheduler="synchronous")
    model = tensor[:, : block.shape[1], 280 : 280 + block.shape[2]].to_dense()
    return float(np.linalg.norm(block - model) / block.size**0.5 / level)


def stored(gigabytes: float) -> None:
    """Tucker of an HDF5 file, beside the same data in memory."""
    import h5py

    side = round((gigabytes * 1e9 / 8) ** (1 / 3))
    shape = (side,) * 3
    truth = CPTensor.random(shape, RANK, rng=0).normalize()
    level = NOISE * truth.norm() / np.prod(shape) ** 0.5
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.h5")
        with h5py.File(path, "w") as file:
            data = file.create_dataset("x", shape, float, chunks=(16, side, side // 4))
            for start in range(0, side, 16):
                place = (slice(start, min(start + 16, side)), slice(0, side), slice(0, side))
                data[place] = chunk(place, truth, level)
        print(f"## HDF5 file of {path.stat().st_size / 1e9:.1f} GB, shape {shape}\n")
        with h5py.File(path) as file:
            begin = time.perf_counter()
            found = tucker(file["x"], ranks=RANK, method="st-hosvd")
            print(
                f"from the file: {duration(time.perf_counter() - begin)}, error {found.error:.10f}"
            )
            print(f"peak memory of this process: {peak_memory():.2f} GB")
            begin = time.perf_counter()
            whole = file["x"][...]
            read = time.perf_counter() - begin
        begin = time.perf_counter()
        dense = tucker(whole, ranks=RANK, method="st-hosvd")
        print(
            f"read whole ({duration(read)}), then in memory: "
            f"{duration(time.perf_counter() - begin)}, error {dense.error:.10f}"
        )
        print(f"peak memory then: {peak_memory():.2f} GB\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--file-gigabytes", type=float, default=2)
    parser.add_argument("--limit", default="2GB", help="memory of each Dask worker")
    parser.add_argument("--solvers", nargs="+", choices=("tucker", "cp"), default=["tucker"])
    arguments = parser.parse_args()
    header("Decompositions out of core", ["rankloom", "numpy", "dask", "distributed", "h5py"])
    if arguments.gigabytes:
        generated(arguments.gigabytes, arguments.limit, arguments.solvers)
    if arguments.file_gigabytes:
        stored(arguments.file_gigabytes)


if __name__ == "__main__":
    main()
