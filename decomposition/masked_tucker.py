"""Tucker tensors of given ranks for data with missing entries.

Expectation maximisation: what is missing is filled in from the present tensor, one sweep of HOOI
improves the tensor on the filled data, and so on. No step raises the error of the observed entries.
"""

import numpy as np

from rankloom.decomposition.data import Dense, sum_of_squares
from rankloom.decomposition.hooi import Hooi
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, namespace
from rankloom.tn.outcome import Outcome


class MaskedHooi:
    """One start, for the sweep loop of `als`; the error is that of the observed entries.

    Two dense tensors of the size of the data are held beside it.

    Parameters
    ----------
    data : Dense
        Zero where entries are missing.
    observed : bool array
    start : TuckerTensor
        With orthonormal factors.
    """

    def __init__(self, data: Dense, observed: Array, start: TuckerTensor) -> None:
        self._data, self._observed, self._model = data, observed, start
        self._filled = self._fill(start.to_dense())

    def sweep(self) -> float:
        """Improve every factor once and fill in; the exact relative error afterwards."""
        norm = float(np.sqrt(sum_of_squares(self._filled)))
        solver = Hooi(Dense(self._filled, norm), self._model)
        solver.sweep()
        self._model = solver.model()
        dense = self._model.to_dense()
        self._filled = self._fill(dense)
        return float(np.sqrt(sum_of_squares(self._filled - dense))) / self._data.norm

    def _fill(self, dense: Array) -> Array:
        x = self._data.x
        return namespace(x).where(self._observed, x, dense)

    def model(self) -> TuckerTensor:
        """The present tensor."""
        return self._model

    def verdict(self) -> Outcome | None:
        """No way to end of its own."""
        return None
