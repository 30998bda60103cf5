"""Chebyshev-Tucker functions of a user's function, adaptive in every degree and rank.

Every axis k needs a basis of its fibres ``x_k -> f(.., x_k, ..)``, the other variables held. It is
grown from fibres at random places and at products of places that mattered before: what the basis so
far does not explain of new fibres is cut by a pivoted QR, and axes whose Chebyshev coefficients do
not decay get twice as many nodes (nested, so that only the new ones cost). In each basis the
rows that determine the others best are picked by a pivoted QR, and f at their products gives the
core, as in Chebfun3F.

The result is checked on fresh points. Where it misses the tolerance, fibres through the worst
points join in and the search goes on. With m nodes and rank r about ``2 d m r + r^d`` values
are needed.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.chebyshev import basis
from rankloom.decomposition.chebyshev.algebra import compress
from rankloom.decomposition.chebyshev.evaluation import values as evaluated
from rankloom.decomposition.chebyshev.sampling import Points, Samples
from rankloom.decomposition.data import sum_of_squares
from rankloom.decomposition.modes import mode_products
from rankloom.decomposition.tucker_tensor import TuckerTensor

_FIRST = 17  # nodes of an axis at the start
_CHECKS = 1000  # fresh points of a check
_ROUNDS = 8  # checks until the search gives up
_LARGEST_CORE = 2**26  # values of the core: half a gigabyte
_AT_ONCE = 2**20  # of these values
_COARSE_CORE = 2**21  # the same while the degrees are too low: more would not be accurate
_NOISE = 5e-15  # relative rounding of the function that is not followed
_STALLS = 2  # checks without progress until the search gives up


class Fibres:
    """The fibres of one axis: nodes, places, and an orthonormal basis of their values.

    Parameters
    ----------
    samples : Samples
    axis : int
    max_nodes, max_rank : int
    """

    def __init__(self, samples: Samples, axis: int, max_nodes: int, max_rank: int) -> None:
        self._samples, self._axis = samples, axis
        self._max_nodes, self._max_rank = max_nodes, max_rank
        self.nodes = basis.nodes(min(_FIRST, max_nodes), *samples.domain[axis])
        self._places: Points = np.empty((len(samples.domain), 0))  # its own row does not matter
        self._values: NDArray[Any] = np.empty((len(self.nodes), 0))
        self.basis: NDArray[Any] = np.empty((len(self.nodes), 0))
        self.tail = math.inf  # of the fibres, relative to the function

    @property
    def rank(self) -> int:
        """Number of basis functions."""
        return int(self.basis.shape[1])

    @property
    def resolvable(self) -> bool:
        """Whether there may be more nodes."""
        return len(self.nodes) < self._max_nodes

    def resolved(self, tol: float) -> bool:
        """Whether the last coefficients are small enough."""
        return self.tail <= tol / 5

    @property
    def extendable(self) -> bool:
        """Whether there may be more basis functions."""
        return self.rank < min(self._max_rank, len(self.nodes))

    def _at(self, x: Points, places: Points) -> NDArray[Any]:
        """Values (len(x), c) of the fibres through places (d, c)."""
        points = np.repeat(places[:, None, :], len(x), axis=1)
        points[self._axis] = x[:, None]
        return self._samples(points.reshape(len(points), -1)).reshape(points.shape[1:])

    def grow(self, places: Points, threshold: float) -> bool:
        """Take what is new in the fibres through `places` into the basis; whether there was any.

        `threshold` is relative to the largest modulus of the function.
        """
        from scipy.linalg import qr

        level = threshold * self._samples.scale
        n = len(self.nodes)
        # some of the nodes tell whether a fibre is new; only if it is, the others are asked for
        step = max(1, n // (3 * self.rank + _FIRST)) if self.extendable else n
        seen = np.arange(0, n, step)
        partial, part = self._at(self.nodes[seen], places), self.basis[seen]
        rest = partial - part @ np.linalg.lstsq(part, partial)[0] if self.rank else partial
        q, r, order = qr(rest, mode="economic", pivoting=True)
        news = np.abs(np.diag(r)) * np.abs(q).max(axis=0) > level
        room = min(self._max_rank, n) - self.rank
        taken = min(int(np.count_nonzero(news)), room)
        if self.rank == 0:
            taken = max(taken, 1)
        if taken == 0:
            return False
        chosen = order[:taken]
        values = np.empty((n, taken), partial.dtype)
        others = np.setdiff1d(np.arange(n), seen)
        values[seen] = partial[:, chosen]
        values[others] = self._at(self.nodes[others], places[:, chosen])
        self._places = np.concatenate([self._places, places[:, chosen]], axis=1)
        self._values = np.concatenate([self._values, values], axis=1)
        self._orthonormalise()
        return True

    def refine(self) -> None:
        """Nearly twice as many nodes."""
        n = len(self.nodes)
        count = min(2 * n - 1, self._max_nodes)
        x = basis.nodes(count, *self._samples.domain[self._axis])
        if count == 2 * n - 1:
            values = np.empty((count, self._values.shape[1]), self._values.dtype)
            values[::2], values[1::2] = self._values, self._at(x[1::2], self._places)
        else:
            values = self._at(x, self._places)
        self.nodes, self._values = x, values
        self._orthonormalise()

    def _orthonormalise(self) -> None:
        self.basis = np.linalg.qr(self._values)[0]
        self.tail = tail(self._values) / (self._samples.scale or 1.0)

    def rows(self) -> NDArray[np.intp]:
        """Nodes at which the values of a fibre determine it best, as many as the rank."""
        from scipy.linalg import qr

        order: NDArray[np.intp] = qr(self.basis.conj().T, mode="r", pivoting=True)[1]
        return order[: self.rank]


def tail(values: NDArray[Any]) -> float:
    """Largest sum over the last eighth (at least three) of the Chebyshev coefficients of columns.

    Of what a series that is cut lacks, this is a fair guess.
    """
    n = len(values)
    last = np.abs(basis.to_coefficients(values)[-max(3, n // 8) :])
    return float(last.sum(axis=0).max())


def approximate(
    samples: Samples, tol: float, max_degree: int, max_rank: int, rng: np.random.Generator
) -> tuple[TuckerTensor, float, str]:
    """Coefficients, their error on fresh points, and what limits them, as advice.

    The error is relative to the largest modulus that was seen.
    """
    d = len(samples.domain)
    axes = [Fibres(samples, k, max_degree + 1, max_rank) for k in range(d)]
    points = samples.random(_CHECKS // 2, rng)
    samples(points)
    worst = samples.best[:, None]
    best, error, stalls = None, math.inf, 0
    for turn in range(_ROUNDS):
        threshold = max(tol / (10 * 4**turn), _NOISE)
        before = [(a.rank, len(a.nodes)) for a in axes]
        search(axes, samples, worst, threshold, tol, rng)
        if turn and before == [(a.rank, len(a.nodes)) for a in axes]:
            for a in axes:  # what the nodes do not see may lie between them
                if a.resolvable:
                    a.refine()
        if math.prod(a.rank for a in axes) > _LARGEST_CORE:
            break
        tensor = assembled(axes, samples, threshold)
        points = samples.random(_CHECKS, rng)
        exact = samples(points)
        apart = np.abs(evaluated(tensor.core, tensor.factors, to_unit(points, samples)) - exact)
        found = float(apart.max()) / (samples.scale or 1.0)
        stalls = stalls + 1 if found > error / 2 else 0
        if found < error:
            best, error = tensor, found
        hopeless = any(not a.resolvable and not a.resolved(tol) for a in axes)
        if error <= tol or stalls == _STALLS or hopeless:
            break
        worst = points[:, np.argsort(apart)[-4 * d :]]
    if best is None:
        raise ValueError(
            f"the core of ranks {tuple(a.rank for a in axes)} is too large to be formed "
            f"({_LARGEST_CORE} numbers at most). Loosen `tol` or lower `max_rank`."
        )
    return best, error, advice(axes, tol)


def advice(axes: list[Fibres], tol: float) -> str:
    """Why a tolerance was missed, and what may help."""
    degrees = [k for k, a in enumerate(axes) if not a.resolved(tol) and not a.resolvable]
    if degrees:
        return (
            f"Axes {degrees} are not resolved at the limit: raise `max_degree`, split the domain "
            "where the function is not smooth, or loosen `tol`."
        )
    if any(not a.extendable for a in axes):
        return "The ranks are at their limit: raise `max_rank`, or loosen `tol`."
    return "No further fibre improves it, perhaps because of rounding in `function`: loosen `tol`."


def to_unit(points: Points, samples: Samples) -> list[Points]:
    """Coordinates in [-1, 1]."""
    low, high = np.array(samples.domain).T
    t = np.clip(((2 * points.T - (low + high)) / (high - low)).T, -1, 1)
    return list(t)


def search(
    axes: list[Fibres],
    samples: Samples,
    worst: Points,
    threshold: float,
    tol: float,
    rng: np.random.Generator,
) -> None:
    """Grow bases and nodes of all axes until fresh fibres bring nothing new."""
    d, first = len(axes), True
    unresolved = max(_FIRST, int(_COARSE_CORE ** (1 / d)))
    # after a check, a few functions more are wanted; many would be the rounding of the function
    limits = [2 * a.rank + _FIRST if a.rank else math.inf for a in axes]
    while True:
        settled = True
        rows = [a.nodes[a.rows()] if a.rank else a.nodes for a in axes]
        for k, a in enumerate(axes):
            count = 1 if d == 1 else 6 + a.rank // 3
            places = samples.random(count, rng)
            half = count // 2
            for j in range(d):
                places[j, half:] = rng.choice(rows[j], count - half)
            if first and d > 1:
                places = np.concatenate([worst, places], axis=1)
            # nothing below the cut tail is worth a basis function, while there is such a tail
            level = max(threshold, a.tail) if a.rank and not a.resolved(tol) else threshold
            limit = limits[k] if a.resolved(tol) else min(limits[k], unresolved)
            if a.rank < limit and a.grow(places, level) and d > 1:
                settled = False
            if not a.resolved(tol) and a.resolvable:
                a.refine()
                settled = False
        first = False
        if settled:
            return


def assembled(axes: list[Fibres], samples: Samples, threshold: float) -> TuckerTensor:
    """The function through its values at the products of the rows of all axes, compressed."""
    rows = [a.rows() for a in axes]
    shape = tuple(map(len, rows))
    places = [a.nodes[i] for a, i in zip(axes, rows, strict=True)]
    parts, total = [], math.prod(shape)
    for start in range(0, total, _AT_ONCE):
        index = np.unravel_index(np.arange(start, min(start + _AT_ONCE, total)), shape)
        parts.append(samples(np.stack([x[i] for x, i in zip(places, index, strict=True)])))
    core = np.concatenate(parts).reshape(shape)
    inverses = [np.linalg.inv(a.basis[i]) for a, i in zip(axes, rows, strict=True)]
    factors = [basis.to_coefficients(a.basis) for a in axes]
    tensor = TuckerTensor._adopt(mode_products(core, inverses), factors).orthonormalize()
    norm = math.sqrt(sum_of_squares(tensor.core))
    share = min(threshold * samples.scale / (2 * norm), 0.5) if norm > 0 else 0.0
    return compress(tensor, share)[0]
