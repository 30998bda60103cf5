"""Array libraries through which the core of `tn` is sent."""

import numpy as np
import pytest

from rankloom.tn.arrays import to_host


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


@pytest.fixture(params=["numpy", "array_api_strict", "torch"])
def library(request):
    return Library(pytest.importorskip(request.param))
