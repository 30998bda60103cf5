"""CP with one factor for several modes, as for tensors that do not change when these are swapped.

The squared error of such a tensor is that of the data averaged over all orders of the modes that
share a factor, plus a constant, so the average is what is fitted. The shared factor takes damped
Gauss-Newton steps, halved until the error falls; above 1500 entries it goes in the direction in
which one of its modes alone would move, at first by the g-th part for g modes, where a Newton step
for the g-th root would end.
"""

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import cycle, permutations

from rankloom.decomposition.cp_als import CPSweeps, Rule, _double, _gram, _identity
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense, sum_of_squares
from rankloom.decomposition.levenberg import LARGEST
from rankloom.decomposition.tree import mttkrp
from rankloom.tn.arrays import Array, namespace

_HALVINGS = 20
_SHIFT = 1e-14  # of the proximal term beside Gram matrices of unit columns


def averaged(data: Dense, groups: Sequence[Sequence[int]]) -> Dense:
    """The data averaged over all orders of the modes in each group."""
    xp = namespace(data.x)
    x = data.x
    for group in groups:
        total = xp.zeros_like(x)
        for order in permutations(group):
            axes = list(range(x.ndim))
            for place, k in zip(group, order, strict=True):
                axes[place] = k
            total = total + xp.permute_dims(x, tuple(axes))
        x = total / math.factorial(len(group))
    return Dense(x, sum_of_squares(x) ** 0.5, data.scale)


class SymmetricSweeps(CPSweeps):
    """One start, for the sweep loop of `als`.

    A sweep costs one product with the tensor for each mode outside the groups and two or more for
    each group.

    Parameters
    ----------
    data : Dense
        From `averaged`.
    start : CPTensor
        With equal factors in each group.
    rules : sequence of callable or None
        As in `CPSweeps`; those of modes in groups are not used.
    groups : sequence of tuple of int
    total : float
        Squared norm of the data before they were averaged.
    line_search : bool, default False
        As in `CPSweeps`; for data without other constraints.
    """

    def __init__(
        self,
        data: Dense,
        start: CPTensor,
        rules: Sequence[Rule | None],
        groups: Sequence[tuple[int, ...]],
        *,
        total: float,
        line_search: bool = False,
    ) -> None:
        self._groups = groups
        super().__init__(data, start, rules, total=total, line_search=line_search)
        inside = {k for group in groups for k in group}
        self._single = [k for k in range(start.n_modes) if k not in inside]
        # signs and lengths go into a mode that is free to take them, or stay in the weights
        self._signed = all(self._rules[k] is None for k in self._single)

    def _start_walk(self) -> Iterator[tuple[int, Array]]:
        for k in cycle(range(self._data.x.ndim)):  # a tree would miss that factors move together
            yield k, mttkrp(self._data.x, self._rows, k)

    def sweep(self) -> float:
        """Update every factor once; the exact relative error afterwards."""
        if self._extrapolation is not None:
            self._look_ahead()
            self._before = self._scaled()
        for k in self._single:
            m = _double(mttkrp(self._data.x, self._rows, k))
            self._update(k, m)
        for group in self._groups:
            k = group[0]
            m = _double(mttkrp(self._data.x, self._rows, k))
            if self._signed:  # also tells the signs of a random start
                m = self._weigh(group, m)
            self._square = self._error_square(k, m)
            self._step(group, m)
        self.growth.record(self._weights, self._gram_of_all())
        return float(((self._square + self._outside) / self._total) ** 0.5)

    def model(self) -> CPTensor:
        """The present tensor, weights of descending size; negative where no factor takes a sign."""
        found = super().model()
        xp = namespace(found.weights)
        order = xp.argsort(-xp.abs(found.weights), stable=True)
        columns = [xp.take(f, order, axis=1) for f in found.factors]
        return CPTensor._adopt(xp.take(found.weights, order), columns)

    def _step(self, group: tuple[int, ...], m: Array) -> None:
        """Move the factor of a group as far as the error falls."""
        k = group[0]
        old, w = _double(self._rows[k]), self._weights
        small = old.shape[0] * old.shape[1] <= LARGEST
        change = self._newton(group, m) if small else self._plain(k, m)
        length = 1.0 if small else 1 / len(group)
        kept = w, self._rows[k], self._grams[k], self._square
        for _ in range(_HALVINGS):
            self._place(group, old + length * change, w)
            m = _double(mttkrp(self._data.x, self._rows, k))
            if self._signed:
                m = self._weigh(group, m)
            self._square = self._error_square(k, m)
            if self._square < kept[-1]:
                return
            length /= 2
        self._weights, rows, gram, self._square = kept
        for j in group:
            self._rows[j], self._grams[j] = rows, gram

    def _plain(self, k: int, m: Array) -> Array:
        """Where mode k alone would move."""
        xp = namespace(m)
        g, w = self._gram_of_others(k), self._weights
        y = w[:, None] * _double(self._rows[k])
        change = xp.linalg.solve(g + _SHIFT * _identity(g), m - g @ y)
        return change / xp.where(w == 0, xp.ones_like(w), w)[:, None]

    def _newton(self, group: tuple[int, ...], m: Array) -> Array:
        """Gauss-Newton step of all modes of a group together, damped in proportion to the error.

        The equations are those of `levenberg`, summed over the places of the factor.
        """
        xp = namespace(m)
        k, second = group[:2]
        a, w = _double(self._rows[k]), self._weights
        rank, n = a.shape
        others = self._gram_of_others(k)
        rest = [g for j, g in enumerate(self._grams) if j not in (k, second)]
        between = reduce(lambda a, b: a * b, rest, xp.ones_like(others))
        pairs = xp.conj(w)[:, None] * w
        one = xp.eye(n, dtype=a.dtype, device=a.device)
        matrix = (pairs * others)[:, None, :, None] * one[None, :, None, :]
        crossed = (pairs * between)[:, None, :, None] * a.T[None, :, :, None]
        matrix = matrix + (len(group) - 1) * crossed * xp.conj(a)[:, None, None, :]
        matrix = xp.reshape(matrix, (rank * n, rank * n))
        size = xp.abs(xp.linalg.diagonal(matrix))
        damping = (self._square / self._total + _SHIFT) * size + _SHIFT * xp.max(size)
        gradient = xp.conj(w)[:, None] * (others @ (w[:, None] * a) - m)
        matrix = matrix + _identity(matrix) * damping
        step = xp.linalg.solve(matrix, -xp.reshape(gradient, (-1, 1)))
        return xp.reshape(step, (rank, n))

    def _place(self, group: tuple[int, ...], rows: Array, weights: Array) -> None:
        """Take rows over as the factor of a group, their lengths into the weights."""
        xp = namespace(rows)
        lengths = xp.linalg.vector_norm(rows, axis=1)
        safe = xp.where(lengths == 0, xp.ones_like(lengths), lengths)
        self._weights = weights * xp.astype(lengths, weights.dtype) ** len(group)
        unit = xp.astype(rows / safe[:, None], self._rows[group[0]].dtype)
        gram = _gram(unit)
        for j in group:
            self._rows[j], self._grams[j] = unit, gram

    def _weigh(self, group: tuple[int, ...], m: Array) -> Array:
        """Take the best weights for the present directions; the product `m` that goes with them.

        Phases, and signs unless an even power loses them, go into the factor.
        """
        xp = namespace(m)
        k, power = group[0], len(group)
        rows, gram = _double(self._rows[k]), self._gram_of_all()
        # solved for the change, next to a proximal term: never worse where terms are parallel
        rest = xp.sum(xp.conj(rows) * m, axis=1) - gram @ self._weights
        change = xp.linalg.solve(gram + _SHIFT * _identity(gram), rest[:, None])[:, 0]
        weights = self._weights + change
        complex_valued = xp.isdtype(weights.dtype, "complex floating")
        if complex_valued or power % 2:
            size = xp.abs(weights)
            none = size == 0
            turn = xp.where(none, xp.ones_like(weights), weights / xp.where(none, 1 + size, size))
            root = turn ** (1 / power) if complex_valued else turn
            turned = xp.astype(root[:, None] * rows, self._rows[k].dtype)
            for j in group:
                self._rows[j], self._grams[j] = turned, _gram(turned)
            m = m * (xp.conj(root) ** (power - 1))[:, None]
            weights = xp.astype(size, weights.dtype)
        self._weights = weights
        return m
