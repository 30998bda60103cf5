"""Settings of the whole suite, before numpy is imported, and the array libraries it runs on."""

import os

import pytest
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

import numpy as np  # noqa: E402 - after the settings

from rankloom.tn.arrays import to_host  # noqa: E402


class Library:
    """One array library: makes its arrays from NumPy ones and knows them again."""

    def __init__(self, module):
        self.module = module

    def __call__(self, values):
        values = np.asarray(values)
        # a copy: torch warns about read-only NumPy arrays
        return self.module.asarray(values.copy())

    def host(self, x):
        """To NumPy, after checking that x stayed in its library."""
        assert isinstance(x, type(self(np.ones(1))))
        return to_host(x)


@pytest.fixture(
    params=["numpy", "array_api_strict", "torch", pytest.param("cupy", marks=pytest.mark.gpu)]
)
def library(request):
    module = pytest.importorskip(request.param)
    if request.param == "cupy" and not module.cuda.is_available():
        pytest.skip("CuPy finds no device")
    return Library(module)
