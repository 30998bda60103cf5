"""Canonical polyadic (CP) tensors: weighted sums of rank-one terms.

``T[i, j, ..] = sum_r weights[r] U0[i, r] U1[j, r] ..``  with factors ``U_k`` of shape (n_k, R).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from rankloom.decomposition.checks import numeric, sequence
from rankloom.decomposition.tensor import FactoredTensor
from rankloom.tn.arrays import Array, namespace, qr, read_only, same_dtype
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from tensorly.cp_tensor import CPTensor as TensorlyCP

    from rankloom.decomposition.tucker_tensor import TuckerTensor


@dataclass(frozen=True, eq=False)
class CPTensor(FactoredTensor):
    """Sum of R rank-one terms.

    Parameters
    ----------
    weights : (R,) array
    factors : sequence of (n_k, R) array
        One for each mode k. Solvers return unit columns and weights descending; `normalize` gives
        this form to any other.

    Raises
    ------
    TypeError, ValueError
        Arrays that are not numeric, of several libraries, of shapes that do not fit, or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> t = CPTensor([2.0], [[[1.0], [0.0]], [[1.0], [1.0], [1.0]]])
    >>> t.to_dense()
    array([[2., 2., 2.],
           [0., 0., 0.]])
    >>> t.at(np.array([[0, 2]])), round(t.norm() ** 2, 12)
    (array([2.]), 12.0)
    """

    weights: Array
    factors: tuple[Array, ...]
    _kind: ClassVar[str] = "CPTensor"

    def __post_init__(self) -> None:
        given = sequence("factors", self.factors, "factor matrices (n_k, R)")
        names = ["weights", *(f"factors[{k}]" for k in range(len(given)))]
        weights, *factors = numeric(names, [self.weights, *given])
        if weights.ndim != 1 or weights.shape[0] == 0:
            raise ValueError(
                f"`weights` must have shape (R,) with R >= 1, got {tuple(weights.shape)}."
            )
        rank = weights.shape[0]
        for k, f in enumerate(factors):
            if f.ndim != 2 or f.shape[1] != rank or f.shape[0] == 0:
                raise ValueError(
                    f"`factors[{k}]` must have shape (n_{k}, {rank}) to match {rank} weights, "
                    f"got {tuple(f.shape)}."
                )
        object.__setattr__(self, "weights", read_only([weights])[0])
        object.__setattr__(self, "factors", read_only(factors))

    # Ways to make one -----------------------------------------------------------------------------

    @classmethod
    def random(
        cls, shape: Sequence[int], rank: int, *, rng: Any = None, nonnegative: bool = False
    ) -> Self:
        """Gaussian factors, or their absolute values, and weights 1.

        Parameters
        ----------
        shape : sequence of int
        rank : int
        rng : Generator, seed or None
        nonnegative : bool, default False
        """
        rng, rank = np.random.default_rng(rng), integer("rank", rank, 1)
        factors = [
            rng.standard_normal((integer(f"shape[{k}]", n, 1), rank)) for k, n in enumerate(shape)
        ]
        return cls._adopt(np.ones(rank), [np.abs(f) for f in factors] if nonnegative else factors)

    @classmethod
    def from_tensorly(cls, tensor: "TensorlyCP") -> Self:
        """The same tensor from tensorly's `CPTensor`, or any pair (weights or None, factors)."""
        weights, factors = tensor
        if weights is None:
            weights = namespace(*factors).ones_like(factors[0][0, :])
        return cls(weights, tuple(factors))

    # Sums and products ----------------------------------------------------------------------------

    @property
    def rank(self) -> int:
        """Number R of rank-one terms."""
        return int(self.weights.shape[0])

    def __add__(self, other: Self) -> Self:
        self._check_same(other)
        (a, b) = same_dtype([self.weights, *self.factors], [other.weights, *other.factors])
        xp = namespace(*a)
        return self._adopt(
            xp.concat([a[0], b[0]]),
            [xp.concat([f, g], axis=1) for f, g in zip(a[1:], b[1:], strict=True)],
        )

    def _check_same(self, other: Any) -> None:
        self._check_partner(other)
        if not isinstance(other, CPTensor):
            raise TypeError("`other` must be a CPTensor; `to_tucker` makes both Tucker tensors.")

    def norm(self) -> float:
        """Frobenius norm from R x R Gram matrices; O(R^2 sum n_k).

        Where terms cancel, digits are lost below 1e-8 of the largest term.
        """
        return float(max(self.overlap(self).real, 0.0) ** 0.5)

    def normalize(self) -> Self:
        """Unit columns, weights >= 0 and descending; signs and phases go into the first factor."""
        unit = self._unit_columns()
        xp = namespace(unit.weights)
        size = xp.abs(unit.weights)
        order = (
            xp.argsort(size, descending=True, stable=True)
            if xp is not np
            else np.argsort(-size, kind="stable")
        )
        columns = [xp.take(f, order, axis=1) for f in unit.factors]
        return self._adopt(xp.take(unit.weights, order), columns)

    def _unit_columns(self) -> Self:
        """Unit columns and weights >= 0, in the present order."""
        xp = namespace(self.weights)
        weights, factors = self.weights, []
        for f in self.factors:
            lengths = xp.linalg.vector_norm(f, axis=0)
            weights = weights * lengths
            flat = xp.ones_like(f) / f.shape[0] ** 0.5  # a term of zero keeps a direction
            empty = lengths == 0
            factors.append(
                xp.where(empty, flat, f / xp.where(empty, xp.ones_like(lengths), lengths))
            )
        size = xp.abs(weights)
        none = size == 0
        phase = xp.where(none, xp.ones_like(weights), weights / xp.where(none, 1 + size, size))
        factors[0] = factors[0] * phase
        return self._adopt(xp.astype(size, weights.dtype), factors)

    def round(self, tol: float | None = None, rank: int | None = None, *, rng: Any = None) -> Self:
        """A CP tensor of smaller rank close to this one, fitted to its Tucker core.

        Parameters
        ----------
        tol : float, optional
            Bound on the relative Frobenius distance; the rank is searched by bisection.
        rank : int, optional
            Rank to fit instead of a tolerance, at most that of this tensor.
        rng : Generator, seed or None
            For the random starts of `cp`.

        Returns
        -------
        CPTensor
            In normal form; this tensor itself where no smaller one keeps the tolerance.

        Raises
        ------
        TypeError, ValueError
            Both or neither given, `tol` outside 0 <= tol < 1, or `rank` out of range.

        Notes
        -----
        The core has ``prod min(n_k, R)`` entries. Smaller ranks are found by alternating least
        squares: good ones, not proven to be the best.
        """
        from rankloom.decomposition.cp_rounding import rounded

        return self._adopt(*rounded(self, tol, rank, rng))

    def transpose(self, axes: Sequence[int]) -> Self:
        """The same tensor with mode ``axes[k]`` in place k."""
        return self._adopt(self.weights, [self.factors[k] for k in self._axes(axes)])

    # Other forms ----------------------------------------------------------------------------------

    def to_dense(self) -> Array:
        """The dense tensor; one product (n_0, R) (R, n_1 n_2 ..)."""
        xp = namespace(self.weights)
        first, *others = self.factors
        if not others:
            return first @ self.weights
        flat = (first * self.weights) @ reduce(khatri_rao, others).T
        return xp.reshape(flat, self.shape)

    def to_tucker(self) -> "TuckerTensor":
        """The same tensor in Tucker form with orthonormal factors, ranks min(n_k, R)."""
        from rankloom.decomposition.tucker_tensor import TuckerTensor

        pairs = [qr(f) for f in self.factors]
        core = self._adopt(self.weights, [r for _, r in pairs]).to_dense()
        return TuckerTensor._adopt(core, [q for q, _ in pairs])

    def to_tensorly(self) -> "TensorlyCP":
        """The tensor as tensorly's `CPTensor`, with arrays of its own."""
        from tensorly.cp_tensor import CPTensor as TensorlyCP

        xp = namespace(self.weights)
        weights, *factors = (xp.asarray(a, copy=True) for a in (self.weights, *self.factors))
        return TensorlyCP((weights, factors))

    # Entries --------------------------------------------------------------------------------------

    def _rows(self, rows: Sequence[Array]) -> Array:
        return reduce(lambda a, b: a * b, rows) @ self.weights

    def _per_point(self) -> int:
        return self.rank

    def _drop(self, factors: list[Array], modes: list[int]) -> Self:
        weights = reduce(lambda w, k: w * factors[k][0, :], modes, self.weights)
        return self._adopt(weights, [f for k, f in enumerate(factors) if k not in modes])

    # Pictures -------------------------------------------------------------------------------------

    def plot_components(
        self, mode: int, components: Sequence[int] | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Columns of one factor against the index of the mode, times their weights."""
        from rankloom.decomposition.plots import plot_components

        return plot_components(self, mode, components, ax)

    def plot_scree(self, ax: "Axes | None" = None) -> "Axes":
        """Weights, descending, on a logarithmic axis."""
        from rankloom.decomposition.plots import plot_weights

        return plot_weights(self, ax)

    def _repr_html_(self) -> str:
        from rankloom.decomposition.plots import html

        return html(self, {"rank": str(self.rank)})

    def __repr__(self) -> str:
        return f"CPTensor(shape={self.shape}, rank={self.rank}, dtype={self.dtype})"


def khatri_rao(a: Array, b: Array) -> Array:
    """Column-wise Kronecker product: row ``i * n + j`` of the (m n, R) result is ``a[i] * b[j]``.

    Examples
    --------
    >>> import numpy as np
    >>> khatri_rao(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]))
    array([[ 3.,  8.],
           [ 5., 12.]])
    """
    xp = namespace(a, b)
    return xp.reshape(a[:, None, :] * b[None, :, :], (-1, a.shape[1]))
