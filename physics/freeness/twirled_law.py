"""A fixed tensor behind random local unitaries."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.finite import FiniteN
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.law import Law, haar_unitaries


@dataclass(frozen=True, eq=False)
class Twirled(Law):
    """``U A U*`` or ``U T`` with fixed A or T and ``U = U_1 x .. x U_D`` Haar random.

    Parameters
    ----------
    tensor : (N_1, .., N_D, N_1, .., N_D) or (N_1, .., N_D) array
        Integers, Fractions (dtype object) or floating numbers.
    kind : {"mixed", "pure"}

    Notes
    -----
    The moments are the invariants of the tensor; they do not fluctuate. The cumulants are
    ``K_s = sum_t Tr_t prod_c Wg(s_c t_c^-1)``, for all classes of an order at once.
    """

    tensor: NDArray[Any]
    kind: Literal["mixed", "pure"]

    @property
    def D(self) -> int:
        """Number of colours."""
        return self.tensor.ndim // 2 if self.kind == "mixed" else self.tensor.ndim

    @property
    def dims(self) -> tuple[int, ...]:
        """Dimension of every colour."""
        return self.tensor.shape[: self.D]

    @cached_property
    def _cumulants(self) -> dict[int, dict[TraceInvariant, Any]]:
        """Cumulants of all classes, by order, as they were asked for."""
        return {}

    def _moment(self, t: TraceInvariant) -> Any:
        value = t.evaluate(self.tensor)
        return Fraction(value) if self.tensor.dtype == object else value

    def _cumulant(self, t: TraceInvariant) -> Any:
        if t.n not in self._cumulants:
            transform = FiniteN(self.D, t.n, self.dims, self.kind)
            moments = {u: self._moment(u) for u in transform.invariants}
            self._cumulants[t.n] = transform.cumulants(moments)
        return self._cumulants[t.n][t]

    def _sample(self, size: int, rng: np.random.Generator) -> NDArray[Any]:
        out = np.broadcast_to(self.tensor.astype(complex), (size, *self.tensor.shape))
        for c, dim in enumerate(self.dims):
            unitary = haar_unitaries(rng, size, dim)
            out = _apply(unitary, out, 1 + c)
            if self.kind == "mixed":
                out = _apply(unitary.conj(), out, 1 + self.D + c)
        return out


def _apply(matrix: NDArray[Any], tensor: NDArray[Any], axis: int) -> NDArray[Any]:
    """``sum_j matrix[s, i, j] tensor[s, .., j, ..]`` along an axis."""
    moved = np.moveaxis(tensor, axis, 1)
    product = matrix @ moved.reshape(*moved.shape[:2], -1)
    return np.moveaxis(product.reshape(moved.shape), 1, axis)
