"""Follow a simulation in compressed form while it runs, and read any frame back later.

A spot of heat wanders over a plate. Frames come in batches, are taken into a Tucker tensor and
thrown away; the tensor never differs from all frames so far by more than the tolerance.
"""

import numpy as np

from rankloom.decomposition import TuckerStream, TuckerTensor

N, BATCH, BATCHES, TOL = 96, 20, 12, 1e-3


def frames(start: int) -> np.ndarray:
    """One batch of the simulation, (BATCH, N, N)."""
    t = np.arange(start, start + BATCH)[:, None] / (BATCH * BATCHES)
    axis = np.linspace(-1, 1, N)
    x = np.exp(-((axis - 0.6 * np.cos(5 * t)) ** 2) / 0.1)
    y = np.exp(-((axis - 0.6 * np.sin(5 * t)) ** 2) / 0.1)
    return x[:, :, None] * y[:, None, :]


def main() -> None:
    stream = TuckerStream(mode=0, tol=TOL)
    for k in range(BATCHES):
        update = stream.update(frames(k * BATCH))
        print(f"{update.slices:4d} frames: ranks {update.ranks}, error <= {update.error_bound:.1e}")
    tensor = stream.tensor
    dense = 8 * np.prod(tensor.shape)
    print(f"{dense / 1e6:.1f} MB in {tensor.nbytes / 1e6:.2f} MB")

    tensor.save("plate.h5")
    again = TuckerTensor.load("plate.h5")
    last = frames((BATCHES - 1) * BATCH)[-1]
    frame = again[-1].to_dense()
    print(f"last frame, read back: error {np.linalg.norm(frame - last) / np.linalg.norm(last):.1e}")
    everything = np.concatenate([frames(k * BATCH) for k in range(BATCHES)])
    true = np.linalg.norm(again.to_dense() - everything) / np.linalg.norm(everything)
    print(f"all frames: error {true:.1e}")
    assert true <= stream.error_bound <= TOL


if __name__ == "__main__":
    main()
