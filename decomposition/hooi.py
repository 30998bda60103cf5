"""Best Tucker approximations of given ranks by higher-order orthogonal iteration.

Mode after mode the factor is replaced by the leading singular vectors of the tensor with all other
factors applied (L. De Lathauwer, B. De Moor, J. Vandewalle, doi:10.1137/S0895479898346995). The
updates are cyclic; a dimension tree that runs on from one sweep into the next multiplies the whole
tensor only once every N - 1 updates instead of once or more in each (L. Ma, E. Solomonik,
arXiv:2010.12056): with three modes three products with the tensor serve six updates.
"""

from collections.abc import Callable, Iterator, Sequence

from rankloom.decomposition.data import Dense, sum_of_squares
from rankloom.decomposition.hosvd import Cut, exact_basis
from rankloom.decomposition.modes import mode_product
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, namespace
from rankloom.tn.outcome import Outcome

Contract = Callable[[Array, Sequence[int]], Array]


def updates(x: Array, contract: Contract) -> Iterator[tuple[int, Array]]:
    """Modes 0, 1, .., N-1, 0, 1, .. without end, each with the tensor contracted in all others.

    Parameters
    ----------
    x : array
    contract : callable
        ``contract(t, modes)`` applies the present factors of `modes` to t; it is called for a mode
        only after the caller replaced the factor of every mode that was yielded before.
    """
    n = x.ndim
    root = n - 1
    while True:
        rest = [(root + 1 + k) % n for k in range(n - 1)]
        yield from _halves(contract(x, [root]), rest, contract)
        root = (root - 1) % n


def _halves(t: Array, modes: list[int], contract: Contract) -> Iterator[tuple[int, Array]]:
    """The leaves below a node of the tree, left to right; `t` is open in `modes`."""
    if len(modes) == 1:
        yield modes[0], t
        return
    half = len(modes) // 2
    left, right = modes[:half], modes[half:]
    yield from _halves(contract(t, right), left, contract)
    yield from _halves(contract(t, left), right, contract)


class Hooi:
    """One start of HOOI, for the sweep loop of `als`.

    Memory beside the tensor: one product with it, the fraction max(r_k / n_k) of its size.

    Parameters
    ----------
    data : Dense
    start : TuckerTensor
        With orthonormal factors.
    """

    def __init__(self, data: Dense, start: TuckerTensor) -> None:
        self._data, self._core, self._factors = data, start.core, list(start.factors)
        self._cuts = [Cut(r) for r in start.ranks]
        self._updates = updates(data.x, self._contract)

    def _contract(self, t: Array, modes: Sequence[int]) -> Array:
        for k in sorted(modes, reverse=True):
            t = mode_product(t, namespace(t).conj(self._factors[k]).T, k)
        return t

    def sweep(self) -> float:
        """Replace every factor once; the exact relative error afterwards."""
        for _ in self._factors:
            k, t = next(self._updates)
            self._factors[k] = exact_basis(t, k, self._cuts[k])
        self._core = mode_product(t, namespace(t).conj(self._factors[k]).T, k)
        return self._data.relative(self._data.norm**2 - sum_of_squares(self._core), self.model())

    def model(self) -> TuckerTensor:
        """The present tensor."""
        return TuckerTensor._adopt(self._core, self._factors)

    def verdict(self) -> Outcome | None:
        """HOOI has no way to end of its own."""
        return None
