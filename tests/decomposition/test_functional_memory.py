"""Memory of a large fit: that of its sorted copies of the table, whatever the rank."""

import subprocess
import sys

import pytest

FIT = """
import resource
import numpy as np
from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern

rng = np.random.default_rng(0)
axes = [np.sort(rng.uniform(0, 1, 300)) for _ in range(3)]

def table(count):
    x = np.stack([axis[rng.integers(300, size=count)] for axis in axes], axis=1)
    return x, np.prod(np.sin(5 * x), axis=1) + 0.1 * rng.standard_normal(count)

def models():
    options = {"kernels": [Matern(1.5, 0.3)] * 3, "rng": 0, "max_sweeps": 2}
    return FunctionalCP(3, **options), FunctionalTucker((4, 4, 4), **options)

for model in models():
    model.fit(*table(1000))  # compiles
x, y = table(1_000_000)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = size + 250 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for model in models():
    print(model.fit(x, y).noise_std_)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
def test_a_million_rows_take_a_quarter_of_a_gigabyte():
    # 2 K^2 indices of four and 3 K numbers of eight bytes per row are 150 MB; sorting takes more
    done = subprocess.run([sys.executable, "-c", FIT], check=True, capture_output=True, text=True)
    cp, tucker = map(float, done.stdout.split())
    assert cp < 0.5
    assert tucker < 0.5
