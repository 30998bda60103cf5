"""Tucker tensors of given ranks for data with missing entries.

Expectation maximisation: what is missing is filled in from the present tensor, one sweep of HOOI
improves the tensor on the filled data, and so on. No step raises the error of the observed entries.
"""

from rankloom.decomposition.data import Dense, sum_of_squares
from rankloom.decomposition.hooi import Hooi
from rankloom.decomposition.observed import Observed
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import namespace
from rankloom.tn.outcome import Outcome


class MaskedHooi:
    """One start, for the sweep loop of `als`; the error is that of the observed entries.

    A dense tensor of the size of the data is held beside it.

    Parameters
    ----------
    found : Observed
    start : TuckerTensor
        With orthonormal factors.
    """

    def __init__(self, found: Observed, start: TuckerTensor) -> None:
        self._found, self._model = found, start
        self._filled = namespace(found.data.x).asarray(found.data.x, copy=True)
        found.fill(start, self._filled)

    def sweep(self) -> float:
        """Improve every factor once and fill in; the exact relative error afterwards."""
        norm = sum_of_squares(self._filled) ** 0.5
        solver = Hooi(Dense(self._filled, norm), self._model)
        solver.sweep()
        self._model = solver.model()
        return float(self._found.fill(self._model, self._filled) ** 0.5 / self._found.data.norm)

    def model(self) -> TuckerTensor:
        """The present tensor."""
        return self._model

    def verdict(self) -> Outcome | None:
        """No way to end of its own."""
        return None
