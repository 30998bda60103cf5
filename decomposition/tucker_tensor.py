"""Tucker tensors: a small core with one matrix applied to each of its modes.

``T = core x_0 U0 x_1 U1 ..``, that is ``T[i, j, ..] = sum core[a, b, ..] U0[i, a] U1[j, b] ..``
over a, b, .., with factors ``U_k`` of shape (n_k, r_k).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from rankloom.decomposition.checks import mode_ranks, numeric, sequence
from rankloom.decomposition.modes import mode_product, mode_products, unfold
from rankloom.decomposition.tensor import FactoredTensor
from rankloom.tn.arrays import Array, namespace, qr, read_only, same_dtype, triangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from tensorly.tucker_tensor import TuckerTensor as TensorlyTucker


@dataclass(frozen=True, eq=False)
class TuckerTensor(FactoredTensor):
    """A core and one factor matrix per mode.

    Parameters
    ----------
    core : (r_0, r_1, ..) array
    factors : sequence of (n_k, r_k) array
        Solvers return orthonormal columns; `orthonormalize` gives this form to any other.

    Raises
    ------
    TypeError, ValueError
        Arrays that are not numeric, of several libraries, of shapes that do not fit, or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> t = TuckerTensor(np.ones((1, 2)), [np.ones((3, 1)), np.eye(2)])
    >>> t.shape, t.ranks, round(t.norm() ** 2, 12)
    ((3, 2), (1, 2), 6.0)
    """

    core: Array
    factors: tuple[Array, ...]
    _kind: ClassVar[str] = "TuckerTensor"

    def __post_init__(self) -> None:
        given = sequence("factors", self.factors, "factor matrices (n_k, r_k)")
        names = ["core", *(f"factors[{k}]" for k in range(len(given)))]
        core, *factors = numeric(names, [self.core, *given])
        if core.ndim != len(factors) or 0 in core.shape:
            raise ValueError(
                f"`core` must have one mode for each of {len(factors)} factors, "
                f"got shape {tuple(core.shape)}."
            )
        for k, f in enumerate(factors):
            if f.ndim != 2 or f.shape[1] != core.shape[k] or f.shape[0] == 0:
                raise ValueError(
                    f"`factors[{k}]` must have shape (n_{k}, {core.shape[k]}) to match `core` of "
                    f"shape {tuple(core.shape)}, got {tuple(f.shape)}."
                )
        object.__setattr__(self, "core", read_only([core])[0])
        object.__setattr__(self, "factors", read_only(factors))

    # Ways to make one -----------------------------------------------------------------------------

    @classmethod
    def random(cls, shape: Sequence[int], ranks: Any, *, rng: Any = None) -> Self:
        """Gaussian core and orthonormal factors.

        Parameters
        ----------
        shape : sequence of int
        ranks : int or sequence of int
        rng : Generator, seed or None
        """
        rng, ranks = np.random.default_rng(rng), mode_ranks(ranks, shape)
        core = rng.standard_normal(ranks)
        factors = [qr(rng.standard_normal((n, r)))[0] for n, r in zip(shape, ranks, strict=True)]
        return cls._adopt(core, factors)

    @classmethod
    def from_tensorly(cls, tensor: "TensorlyTucker") -> Self:
        """The same tensor from tensorly's `TuckerTensor`, or any pair (core, factors)."""
        core, factors = tensor
        return cls(core, tuple(factors))

    # Sums and products ----------------------------------------------------------------------------

    @property
    def ranks(self) -> tuple[int, ...]:
        """Sizes of the core."""
        return tuple(self.core.shape)

    def __add__(self, other: Self) -> Self:
        self._check_partner(other)
        if not isinstance(other, TuckerTensor):
            raise TypeError("`other` must be a TuckerTensor; `to_tucker` makes one of a CPTensor.")
        a, b = same_dtype([self.core, *self.factors], [other.core, *other.factors])
        xp = namespace(*a)
        total = [r + s for r, s in zip(self.ranks, other.ranks, strict=True)]
        core = _embed(a[0], [0] * self.n_modes, total) + _embed(b[0], self.ranks, total)
        return self._adopt(
            core, [xp.concat([f, g], axis=1) for f, g in zip(a[1:], b[1:], strict=True)]
        )

    def norm(self) -> float:
        """Frobenius norm, by QR of the factors: accurate also where a sum of tensors cancels."""
        core = mode_products(self.core, [triangle(f) for f in self.factors])
        return float(namespace(core).linalg.vector_norm(core))

    def orthonormalize(self) -> Self:
        """The same tensor with orthonormal columns in every factor, ranks at most the sizes."""
        pairs = [qr(f) for f in self.factors]
        return self._adopt(mode_products(self.core, [r for _, r in pairs]), [q for q, _ in pairs])

    def singular_values(self) -> list[Array]:
        """Singular values of the unfolding of each mode, descending, from the core alone."""
        core = self.orthonormalize().core
        svdvals = namespace(core).linalg.svdvals
        return [svdvals(unfold(core, k)) for k in range(self.n_modes)]

    def round(self, tol: float | None = None, ranks: Any = None) -> Self:
        """A Tucker tensor of smaller ranks close to this one; cost of the core, not of the shape.

        Parameters
        ----------
        tol : float, optional
            Bound on the relative Frobenius distance.
        ranks : int or sequence of int, optional
            Ranks to cut to, instead of a tolerance; those already below are kept.

        Returns
        -------
        TuckerTensor
            With orthonormal factors.

        Raises
        ------
        TypeError, ValueError
            Both or neither given, `tol` outside 0 <= tol < 1, or `ranks` below 1.
        """
        from rankloom.decomposition.hosvd import rounded_core

        whole = self.orthonormalize()
        core, small = rounded_core(whole.core, tol, ranks)
        return self._adopt(core, [f @ u for f, u in zip(whole.factors, small, strict=True)])

    def transpose(self, axes: Sequence[int]) -> Self:
        """The same tensor with mode ``axes[k]`` in place k."""
        wanted = self._axes(axes)
        xp = namespace(self.core)
        core = xp.permute_dims(self.core, tuple(wanted))
        return self._adopt(xp.asarray(core, copy=True), [self.factors[k] for k in wanted])

    # Other forms ----------------------------------------------------------------------------------

    def to_dense(self) -> Array:
        """The dense tensor; the mode that grows least is expanded first."""
        return mode_products(self.core, self.factors)

    def to_tensorly(self) -> "TensorlyTucker":
        """The tensor as tensorly's `TuckerTensor`, with arrays of its own."""
        from tensorly.tucker_tensor import TuckerTensor as TensorlyTucker

        xp = namespace(self.core)
        core, *factors = (xp.asarray(a, copy=True) for a in (self.core, *self.factors))
        return TensorlyTucker((core, factors))

    # Entries --------------------------------------------------------------------------------------

    def _rows(self, rows: Sequence[Array]) -> Array:
        xp = namespace(self.core)
        points = rows[0].shape[0]
        v = rows[0] @ xp.reshape(self.core, (self.ranks[0], -1))
        for k, row in enumerate(rows[1:], 1):
            rest = math.prod(self.ranks[k + 1 :])
            v = xp.matmul(row[:, None, :], xp.reshape(v, (points, self.ranks[k], rest)))
        return xp.reshape(v, (points,))

    def _per_point(self) -> int:
        return math.prod(self.ranks[1:])

    def _drop(self, factors: list[Array], modes: list[int]) -> Self:
        core = self.core
        for k in modes:
            core = mode_product(core, factors[k], k)
        kept = [k for k in range(self.n_modes) if k not in modes]
        core = namespace(core).reshape(core, tuple(self.ranks[k] for k in kept))
        return self._adopt(core, [factors[k] for k in kept])

    # Pictures -------------------------------------------------------------------------------------

    def plot_core(self, mode: int = -1, index: int = 0, ax: "Axes | None" = None) -> "Axes":
        """A slice of the core as a picture: the other two modes of a core of three."""
        from rankloom.decomposition.plots import plot_core

        return plot_core(self, mode, index, ax)

    def plot_components(
        self, mode: int, components: Sequence[int] | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Columns of one factor against the index of the mode."""
        from rankloom.decomposition.plots import plot_components

        return plot_components(self, mode, components, ax)

    def plot_scree(self, ax: "Axes | None" = None) -> "Axes":
        """Singular values of all unfoldings, relative to the norm, on a logarithmic axis."""
        from rankloom.decomposition.plots import plot_scree

        return plot_scree(self, ax)

    def _repr_html_(self) -> str:
        from rankloom.decomposition.plots import html

        return html(self, {"ranks": " x ".join(map(str, self.ranks))})

    def __repr__(self) -> str:
        return f"TuckerTensor(shape={self.shape}, ranks={self.ranks}, dtype={self.dtype})"


def _embed(core: Array, starts: Sequence[int], total: Sequence[int]) -> Array:
    """`core` as a block of a tensor of zeros."""
    xp = namespace(core)
    for k, (start, size) in enumerate(zip(starts, total, strict=True)):
        shape = list(core.shape)

        def zeros(n: int, shape: list[int] = shape, k: int = k, like: Array = core) -> Array:
            shape[k] = n
            return xp.zeros(tuple(shape), dtype=like.dtype, device=like.device)

        core = xp.concat([zeros(start), core, zeros(size - start - core.shape[k])], axis=k)
    return core
