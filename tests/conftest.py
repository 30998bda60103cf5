"""Settings of the whole suite; they must stand before numpy is imported."""

import os

from hypothesis import settings

# Each of numpy and scipy brings an OpenBLAS; on the suite's small matrices their threads only cost.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# No deadline: the first call of a kernel compiles. In continuous integration the same examples are
# drawn every time, so that a change is judged by itself.
settings.register_profile("default", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
