"""One start of a CP fit by alternating updates of its factors, for the sweep loop of `als`.

The present tensor is kept as weights (R,) and rows (R, n_k) of unit length. A mode's update gets
``Y``, its rows times the weights; ``M``, the product of the data with all other factors (`tree`);
and ``G``, the entrywise product of the other modes' Gram matrices. With these the squared error is
``|x|^2 - 2 Re sum(conj(Y) M) + sum_rs conj(w_r) w_s (G * Gram_k)_rs``, at no further cost.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import numpy as np

from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.data import Dense, residual
from rankloom.decomposition.degeneracy import Growth
from rankloom.decomposition.tree import Space, walk
from rankloom.tn.arrays import Array, namespace
from rankloom.tn.outcome import Outcome

Rule = Callable[[Array, Array, Array], Array]
"""``rule(Y, M, G)``: the new Y of a mode, in double precision."""


def least_squares(ridge: float = 0.0, eps: float = 2.0**-52) -> Rule:
    """The minimiser Y of ``|x - model|^2 + ridge sum_r w_r^2``, from ``(G + ridge) Y = M``.

    The equations are solved for the change of Y, next to a proximal term of `eps`^(7/8): it is far
    below what moves the iterates of well-conditioned problems, makes G invertible in all others,
    and lets no step raise the error (H. Attouch et al., doi:10.1287/moor.1100.0449).
    """
    shift = eps**0.875

    def rule(y: Array, m: Array, g: Array) -> Array:
        one = _identity(g)
        return y + namespace(g).linalg.solve(g + (shift + ridge) * one, m - (g + ridge * one) @ y)

    return rule


class CPSweeps:
    """CP by alternating updates with exact errors.

    Memory beside the tensor: one product with it, the fraction R / n of its size.

    Parameters
    ----------
    data : Dense
        The tensor to fit, or its core.
    start : CPTensor
    rule : callable, or sequence of callable or None
        How a mode is updated, for all modes or one for each; None leaves the factor as it is. See
        `least_squares` and `constraints`.
    line_search : bool, default False
        Try to go on in the direction of the last sweep, and keep what lowers the error (R. Bro's
        rule for the length). A trial costs one product with the tensor, and if kept, nothing.
    nonnegative : bool, default False
        Cut longer steps off at zero.
    bases : sequence of array, optional
        Orthonormal (n_k, r_k) when `data` holds the core of a larger tensor.
    total : float, optional
        Squared norm of that larger tensor.
    growth : Growth, optional
        Weights of earlier sweeps, when a run is continued.
    """

    def __init__(
        self,
        data: Dense,
        start: CPTensor,
        rule: Rule | Sequence[Rule | None],
        *,
        line_search: bool = False,
        nonnegative: bool = False,
        bases: Sequence[Array] | None = None,
        total: float | None = None,
        growth: Growth | None = None,
    ) -> None:
        xp = namespace(data.x)
        self._data, self._bases = data, bases
        self._rules = [rule] * start.n_modes if callable(rule) else list(rule)
        self._total = data.norm**2 if total is None else total
        self._outside = max(self._total - data.norm**2, 0.0)
        if self._outside < 64 * data.eps * self._total:
            self._outside = 0.0
        unit = start._unit_columns()
        self._weights = _double(unit.weights)
        self._rows = [_contiguous(xp, f.T) for f in unit.factors]
        self._grams = [_gram(rows) for rows in self._rows]
        self._space = Space()
        self._walk = self._start_walk()
        self._pending: tuple[int, Array] | None = None
        self._square = np.inf
        self._extrapolation = Extrapolation() if line_search else None
        self._nonnegative = nonnegative
        self._before: list[Array] = []
        self.growth = Growth() if growth is None else growth

    def _let_go(self) -> None:
        """Forget all products with the tensor."""
        self._pending, self._walk = None, iter(())
        self._walk = self._start_walk()

    def _start_walk(self) -> Iterator[tuple[int, Array]]:
        return walk(self._data.x, lambda k: self._rows[k], self._space)

    def sweep(self) -> float:
        """Update every mode once; the exact relative error afterwards."""
        if self._extrapolation is not None:
            self._look_ahead()
            self._before = self._scaled()
        for _ in self._rows:
            k, m = self._pending or next(self._walk)
            self._pending = None
            self._update(k, _double(m))
        self._square = self._error_square(k, _double(m))
        self.growth.record(self._weights, self._gram_of_all())
        return float(((self._square + self._outside) / self._total) ** 0.5)

    def model(self) -> CPTensor:
        """The present tensor."""
        xp = namespace(self._weights)
        factors = [rows.T for rows in self._rows]
        if self._bases is not None:
            factors = [u @ f for u, f in zip(self._bases, factors, strict=True)]
        return CPTensor._adopt(xp.astype(self._weights, factors[0].dtype), factors)

    def finish(self) -> Growth:
        """What the sweeps told of degeneracy; intermediates are let go."""
        self._space = Space()  # first: a walk holds the space it was started with
        self._let_go()
        return self.growth

    def verdict(self) -> Outcome | None:
        """Degeneracy is judged when a run has ended, since many runs pass through it."""
        return None

    # One update -----------------------------------------------------------------------------------

    def _update(self, k: int, m: Array) -> None:
        rule, old = self._rules[k], self._rows[k]
        if rule is None:
            return
        xp = namespace(m)
        y = rule(self._weights[:, None] * _double(old), m, self._gram_of_others(k))
        lengths = xp.linalg.vector_norm(y, axis=1)
        empty = lengths == 0  # a component of weight zero keeps its direction, and may come back
        unit = y / xp.where(empty, xp.ones_like(lengths), lengths)[:, None]
        unit = xp.where(empty[:, None], _double(old), unit)
        self._weights = xp.astype(lengths, m.dtype)
        self._rows[k] = xp.astype(unit, old.dtype)
        self._grams[k] = _gram(self._rows[k])

    def _gram_of_others(self, mode: int) -> Array:
        return reduce(lambda a, b: a * b, [g for k, g in enumerate(self._grams) if k != mode])

    def _gram_of_all(self) -> Array:
        return reduce(lambda a, b: a * b, self._grams)

    # Error ----------------------------------------------------------------------------------------

    def _error_square(self, k: int, m: Array) -> float:
        """Squared error of the data; the residual itself where the difference would be noise."""
        xp = namespace(m)
        gram = self._gram_of_all()
        w, eps = self._weights, self._data.eps
        cross = xp.conj(w[:, None] * _double(self._rows[k])) * m
        own = w[:, None] * gram * w
        square = self._data.norm**2
        size = square + float(xp.linalg.vector_norm(cross))  # what the rounding of M goes by
        square += float(_real(xp.sum(own))) - 2 * float(_real(xp.sum(cross)))
        noise = eps * size + 2.0**-52 * float(xp.linalg.vector_norm(own))
        if np.isfinite(noise) and noise > eps**0.5 * square:
            return self._residual_square(square)
        return square

    def _residual_square(self, square: float) -> float:  # noqa: ARG002 - subclasses need it
        """Squared error from the residual itself; `square` is the difference, full of noise."""
        dtype = self._rows[0].dtype
        weights = namespace(self._weights).astype(self._weights, dtype)
        model = CPTensor._adopt(weights, [rows.T for rows in self._rows])
        return residual(self._data.x, model) ** 2

    # Line search ----------------------------------------------------------------------------------

    def _scaled(self) -> list[Array]:
        """Rows with the sizes of the weights shared evenly between the modes."""
        share = namespace(self._weights).abs(self._weights) ** (1 / len(self._rows))
        return [share[:, None] * _double(rows) for rows in self._rows]

    def _look_ahead(self) -> None:
        """Move on along the last sweep if that lowers the error."""
        length = self._extrapolation.length() if self._extrapolation and self._before else None
        if length is None or not np.isfinite(self._square):
            return
        xp = namespace(self._weights)
        kept = self._weights, list(self._rows), list(self._grams), self._square
        one = xp.ones_like(self._weights)
        weights = xp.where(_real(self._weights) < 0, -one, one)
        for k, (a, b) in enumerate(zip(self._before, self._scaled(), strict=True)):
            y = b + length * (b - a)
            y = xp.where(y > 0, y, xp.zeros_like(y)) if self._nonnegative else y
            lengths = xp.linalg.vector_norm(y, axis=1)
            lengths = xp.where(lengths == 0, xp.ones_like(lengths), lengths)
            weights = weights * xp.astype(lengths, weights.dtype)
            self._rows[k] = xp.astype(y / lengths[:, None], self._rows[k].dtype)
            self._grams[k] = _gram(self._rows[k])
        self._weights = weights
        self._let_go()  # one intermediate at a time
        self._pending = next(self._walk)  # the next sweep needs it too
        self._square = self._error_square(self._pending[0], _double(self._pending[1]))
        better = self._square < kept[-1]
        self._extrapolation.heard(better)  # type: ignore[union-attr]
        if not better:
            self._weights, self._rows, self._grams, self._square = kept
            self._let_go()


class Extrapolation:
    """When to try a longer step, and how long: sweep number^(1/p), p one larger after 4 failures.

    Trials come every other sweep, and more seldom while they fail.
    """

    def __init__(self) -> None:
        self._sweep, self._next, self._wait, self._power, self._failures = 0, 5, 2, 2, 0

    def length(self) -> float | None:
        """Length of a step beyond the present point in units of the last sweep, None for none."""
        self._sweep += 1
        if self._sweep < self._next:
            return None
        return float(self._sweep ** (1 / self._power)) - 1

    def heard(self, better: bool) -> None:
        """Note how the trial went."""
        self._wait = 2 if better else min(2 * self._wait, 16)
        self._next = self._sweep + self._wait
        if not better:
            self._failures += 1
            if self._failures % 4 == 0:
                self._power += 1


def _double(x: Array) -> Array:
    if type(x) is np.ndarray:
        return x.astype(np.result_type(x.dtype, np.float64), copy=False)
    xp = namespace(x)
    return xp.astype(x, xp.result_type(x.dtype, xp.float64), copy=False)


def _gram(rows: Array) -> Array:
    """``conj(a_r) . a_s``, (R, R) in double precision."""
    wide = _double(rows)
    return namespace(wide).conj(wide) @ wide.T


def _real(x: Array) -> Array:
    xp = namespace(x)
    if xp is np:
        return x.real
    return xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x


def _identity(g: Array) -> Array:
    xp = namespace(g)
    if xp is np:
        return np.eye(len(g), dtype=g.dtype)
    return xp.eye(g.shape[0], dtype=g.dtype, device=g.device)


def _contiguous(xp: object, x: Array) -> Array:
    return np.array(x, order="C") if xp is np else x
