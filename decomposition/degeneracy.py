"""Signs that a CP fit does not exist, or has the wrong rank.

The best tensor of rank R may not exist: two components then grow without limit while they cancel
each other (V. de Silva, L.-H. Lim, doi:10.1137/06066518X).
"""

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.modes import mode_product
from rankloom.tn.arrays import Array, namespace, to_host

CONGRUENCE = -0.95
"""Cosine of two components below which they count as cancelling each other."""

CANCELLATION = 20.0
"""Sum of the squared terms over the square of their sum from which groups of terms count likewise.

Two equal terms of cosine -0.95 have this ratio.
"""

GROWTH = 1.01
"""Growth of their weights over the second half of a run from which they count as growing."""


class Growth:
    """Weights and congruences of the components over the sweeps of a run."""

    def __init__(self) -> None:
        self._weights: list[NDArray[np.float64]] = []
        self._gram: Array = None

    def record(self, weights: Array, gram: Array) -> None:
        """Note the weights (R,) and the Gram matrix (R, R) of unit components after a sweep."""
        self._weights.append(np.abs(to_host(weights)))
        self._gram = gram

    @property
    def congruence(self) -> float:
        """Least cosine of two components, 1 for a single one."""
        if self._gram is None or self._gram.shape[0] < 2:
            return 1.0
        return float(self._cosines().min())

    def _cosines(self) -> NDArray[np.float64]:
        cosines = np.real(to_host(self._gram)).copy()
        np.fill_diagonal(cosines, 1.0)
        return cosines

    @property
    def degenerate(self) -> bool:
        """Components that cancel, two with a cosine below -0.95 or several, and still grow.

        Several cancel when the sum of all squared terms is above 20 times the square of their sum.
        Growth is 1 % or more in the summed weights from the middle of the run to its end.
        """
        if not self._weights:
            return False
        now, middle = self._weights[-1], self._weights[(len(self._weights) - 1) // 2]
        pairs = np.argwhere(np.triu(self._cosines() < CONGRUENCE))
        if any(now[[r, s]].sum() > GROWTH * middle[[r, s]].sum() for r, s in pairs):
            return True
        together = float(now @ np.real(to_host(self._gram)) @ now)
        return bool(now @ now > CANCELLATION * together and now.sum() > GROWTH * middle.sum())


def core_consistency(x: Array, tensor: CPTensor) -> float:
    """How far the best core between the factors is from the diagonal one, 100 for none.

    ``100 (1 - sum((G - I)^2) / R)`` with the least-squares core ``G = x x_k pinv(A_k)``, the
    weights multiplied into ``A_0`` (R. Bro, H. Kiers, doi:10.1002/cem.801). Values near 100 speak
    for the rank, values near or below 0 for too many components. NaN where a factor has fewer rows
    than columns or parallel columns, since G is then not unique.
    """
    xp = namespace(x)
    rank = tensor.rank
    first, *others = tensor.factors
    factors = [first * tensor.weights, *others]
    for f in factors:
        values = to_host(xp.linalg.svdvals(f))
        if f.shape[0] < rank or values[-1] <= 1e3 * np.finfo(values.dtype).eps * values[0]:
            return float("nan")
    core = x
    for k in sorted(range(x.ndim), key=lambda k: -x.shape[k]):
        core = mode_product(core, xp.linalg.pinv(factors[k]), k)
    diagonal = np.zeros((rank,) * x.ndim)
    np.fill_diagonal(diagonal, 1.0)
    return float(100 * (1 - (np.abs(to_host(core) - diagonal) ** 2).sum() / rank))
