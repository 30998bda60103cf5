"""CP by damped Gauss-Newton steps on all factors at once, for ranks at which ALS crawls.

A step solves ``(J^H J + damping) d = -J^H residual`` for the unknowns of all factors together
(Levenberg-Marquardt; for CP: G. Tomasi, R. Bro, doi:10.1016/j.csda.2004.11.013).
With the factors scaled to equal lengths the blocks of ``J^H J`` are products of Gram matrices, so
the data are only needed for the gradient: N products as in a sweep of ALS.
"""

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense, residual
from rankloom.decomposition.degeneracy import Growth
from rankloom.decomposition.tree import mttkrp
from rankloom.tn.arrays import Array, like, namespace, to_host
from rankloom.tn.outcome import Outcome

LARGEST = 1500
"""Number of unknowns up to which the dense equations are solved: 0.1 s a step."""

_DAMPING = 1e-15, 1e6


class LevenbergSweeps:
    """One start of damped Gauss-Newton, for the sweep loop of `als`; a sweep is an accepted step.

    A step costs ``(R sum n_k)^3 / 3`` operations for the equations, and N products with the tensor.

    Parameters
    ----------
    data : Dense
    start : CPTensor
    growth : Growth, optional
        Weights of earlier sweeps, when a run is continued.
    """

    def __init__(self, data: Dense, start: CPTensor, *, growth: Growth | None = None) -> None:
        self._data = data
        self.growth = Growth() if growth is None else growth
        self._damping = 1e-3
        self._take(start)
        self._square = residual(data.x, self.model()) ** 2

    def _take(self, tensor: CPTensor) -> None:
        """Factors of equal lengths in every mode, as rows (R, n_k) on the host."""
        unit = tensor.normalize()
        share = to_host(unit.weights).real ** (1 / unit.n_modes)
        self._rows = [share[:, None] * to_host(f).T for f in unit.factors]

    def model(self) -> CPTensor:
        """The present tensor."""
        return self._tensor(self._rows).normalize()

    def _tensor(self, rows: list[NDArray[Any]]) -> CPTensor:
        x = self._data.x
        factors = [like(x, np.ascontiguousarray(r.T), x.dtype) for r in rows]
        return CPTensor._adopt(namespace(x).ones_like(factors[0][0, :]), factors)

    def sweep(self) -> float:
        """Take one step that lowers the error; the exact relative error afterwards."""
        gradient, matrix = self._equations()
        # components of any size are damped alike: by their own part of the diagonal
        size = np.real(np.diag(matrix))
        size = size + 1e-3 * size.max()
        least, most = _DAMPING
        while self._damping < most:  # in vain only where the gradient is rounding
            step = np.linalg.solve(matrix + np.diag(self._damping * size), -gradient)
            trial, at = [], 0
            for rows in self._rows:
                trial.append(rows + step[at : at + rows.size].reshape(rows.shape))
                at += rows.size
            square = residual(self._data.x, self._tensor(trial)) ** 2
            if square < self._square:
                self._square = square
                self._take(self._tensor(trial))
                self._damping = max(self._damping / 4, least)
                break
            self._damping *= 4
        else:
            self._damping = 1e-3
        model = self.model()
        factors = [to_host(f) for f in model.factors]
        grams = [f.conj().T @ f for f in factors]
        self.growth.record(model.weights, reduce(lambda a, b: a * b, grams))
        return float(self._square**0.5 / self._data.norm)

    def finish(self) -> Growth:
        """What the steps told of degeneracy."""
        return self.growth

    def verdict(self) -> Outcome | None:
        """Where no step lowers the error it stands still, which ends the run as converged."""
        return None

    def _equations(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradient and Gauss-Newton matrix of ``|x - model|^2 / 2``, rows after rows.

        Between unknowns ``[r, i]`` of mode j and ``[s, l]`` of mode k the matrix holds
        ``conj(a_l^k[r]) a_i^j[s]`` times the Gram matrices of all other modes, and for j = k the
        Gram matrices of the others times the identity.
        """
        rows = self._rows
        grams = [r.conj() @ r.T for r in rows]
        device_rows = [like(self._data.x, r, self._data.x.dtype) for r in rows]
        blocks: list[list[NDArray[Any]]] = []
        gradient = []
        for j, a in enumerate(rows):
            others = reduce(np.multiply, [g for m, g in enumerate(grams) if m != j])
            m: Array = to_host(mttkrp(self._data.x, device_rows, j))
            gradient.append((others @ a - m).ravel())
            line = []
            for k, b in enumerate(rows):
                if j == k:
                    block = np.einsum("rs,il->risl", others, np.eye(a.shape[1]))
                else:
                    rest = [g for m, g in enumerate(grams) if m not in (j, k)]
                    product = reduce(np.multiply, rest, np.ones_like(others))
                    block = np.einsum("rs,rl,si->risl", product, b.conj(), a)
                line.append(block.reshape(a.size, b.size))
            blocks.append(line)
        return np.concatenate(gradient), np.block(blocks)
