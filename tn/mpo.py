"""Matrix product operators with open ends.

Site tensors have legs ``(left, out, in, right)``; the operator maps in to out::

      out      out      out
       |        |        |
     --W0--   --W1--   --W2--       W[k].shape == (w[k], d[k], d[k], w[k+1])
       |        |        |
      in       in       in
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, overload

import array_api_compat
import numpy as np
from numpy.typing import ArrayLike

from rankloom.tn import compress, contract
from rankloom.tn import mpo_algebra as algebra
from rankloom.tn.arrays import Array, like, namespace, one_blas_thread, to_host
from rankloom.tn.chain import Chain
from rankloom.tn.checks import check_tensors, integer
from rankloom.tn.truncation import Truncation

if TYPE_CHECKING:
    from rankloom.tn.compress import Compressed
    from rankloom.tn.mps import MPS


class CompressedOperator(NamedTuple):
    """A compressed operator and what the cuts took away."""

    operator: "MPO"
    truncation_error: float
    """Sum of the relative discarded weights of all cuts, in the Frobenius norm."""


@dataclass(frozen=True, eq=False)
class MPO(Chain):
    """Operator on a chain of sites as a product of site tensors.

    Parameters
    ----------
    tensors : sequence of (w[k], d[k], d[k], w[k+1]) array
        ``w[0] = w[n] = 1``. Copied, and read-only from then on.

    Raises
    ------
    TypeError, ValueError
        Tensors that are not numeric, not finite, do not fit together or are not square.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.diag([1.0, -1.0]).reshape(1, 2, 2, 1)
    >>> np.diag(MPO((z, z)).to_dense())
    array([ 1., -1., -1.,  1.])

    ``A + B``, ``A - B``, ``2 * A`` and ``A @ B`` are exact, and so is ``A @ psi``: bonds add up or
    multiply. `compress` brings them back down, and `apply` is a product with compression.

    >>> h = MPO.from_terms(8, [(1.0, "ZZ", (k, k + 1)) for k in range(7)])
    >>> square = h @ h
    >>> max(square.bond_dimensions), max(square.compress().operator.bond_dimensions)
    (9, 5)
    """

    _kind: ClassVar[str] = "MPO"

    def __post_init__(self) -> None:
        tensors = check_tensors("tensors", self.tensors, "(left, out, in, right)")
        for k, w in enumerate(tensors):
            if w.shape[1] != w.shape[2]:
                raise ValueError(
                    f"`tensors[{k}]` must have out and in legs of one size, got {tuple(w.shape)}."
                )
        object.__setattr__(self, "tensors", tensors)

    # Ways to make one -----------------------------------------------------------------------------

    @classmethod
    def from_terms(cls, n: int, terms: Iterable[tuple[complex, str, Sequence[int]]]) -> Self:
        """Sum of Pauli strings on n sites, with the smallest bond dimension there is.

        Parameters
        ----------
        n : int
            Number of sites of dimension 2.
        terms : iterable of (coefficient, letters, sites)
            As ``(0.5, "XYX", (1, 2, 5))``: different sites in any order, one letter for each, near
            or far. Terms on the same string add up.

        Returns
        -------
        MPO
            Exact to rounding; float64 when coefficients are real and every term has an even number
            of Y, else complex128.

        Raises
        ------
        TypeError, ValueError
            A term of another form, an unknown letter, a site twice or outside the chain.

        Notes
        -----
        One SVD a site of the terms that straddle it (`rankloom.tn.mpo_terms`): the 4950 terms of
        100 spins that all couple take a fraction of a second.

        Examples
        --------
        >>> h = MPO.from_terms(6, [(1.0, "ZZ", (0, 3)), (0.5, "XYX", (1, 2, 5))])
        >>> h.bond_dimensions
        (1, 2, 2, 2, 2, 2, 1)
        """
        from rankloom.tn.mpo_form import triangular
        from rankloom.tn.mpo_terms import assemble, pauli_terms

        with one_blas_thread():
            return cls._adopt(triangular(assemble(*pauli_terms(n, terms))))

    @classmethod
    def from_products(
        cls,
        dimensions: Sequence[int],
        terms: Iterable[tuple[complex, Sequence[ArrayLike], Sequence[int]]],
    ) -> Self:
        """Sum of products of given matrices on sites of any dimension, with the smallest bonds.

        Parameters
        ----------
        dimensions : sequence of int
            Dimension d[k] of each site, as ``[3] * n`` for spins 1.
        terms : iterable of (coefficient, matrices, sites)
            One (d[k], d[k]) matrix for each of the named sites, which differ.

        Raises
        ------
        TypeError, ValueError
            As `from_terms`; a matrix of the wrong shape or with NaN or infinity.

        Examples
        --------
        The spin-1 Heisenberg chain:

        >>> import numpy as np
        >>> up = np.diag([2**0.5, 2**0.5], 1)
        >>> sx, sy, sz = (up + up.T) / 2, (up - up.T) / 2j, np.diag([1, 0, -1])
        >>> bonds = [(k, k + 1) for k in range(5)]
        >>> h = MPO.from_products([3] * 6, [(1.0, (s, s), b) for b in bonds for s in (sx, sy, sz)])
        >>> max(h.bond_dimensions), h.is_hermitian
        (5, True)
        """
        from rankloom.tn.mpo_form import triangular
        from rankloom.tn.mpo_terms import assemble, product_terms

        if not np.iterable(dimensions) or len(dimensions) == 0:
            raise ValueError(
                "`dimensions` must hold the dimension of every site, as [3] * n, got "
                f"{dimensions!r}."
            )
        sizes = [integer("dimensions", d, 1) for d in dimensions]
        with one_blas_thread():
            tensors = assemble(*product_terms(sizes, terms))
            # The matrices of a site may depend on each other; a second sweep finds the true rank.
            flat, _ = compress.compress(algebra.flatten(tensors), Truncation())
            return cls._adopt(triangular(algebra.unflatten(flat)))

    @classmethod
    def product(cls, matrices: Sequence[ArrayLike]) -> Self:
        """Product of one (d[k], d[k]) matrix on every site; bonds 1.

        Examples
        --------
        >>> parity = MPO.product([[[1, 0], [0, -1]]] * 3)
        >>> parity.trace(), np.diag(parity.to_dense())[:3]
        (0j, array([ 1., -1., -1.]))
        """
        return cls(tuple(np.asarray(m)[None, ..., None] for m in matrices))

    @classmethod
    def identity(cls, dimensions: int | Sequence[int], d: int = 2) -> Self:
        """The operator 1 on n sites of dimension `d`, or on sites of the given dimensions."""
        if not np.iterable(dimensions):
            dimensions = [d] * integer("dimensions", dimensions, 1)
        return cls.product([np.eye(integer("dimensions", size, 1)) for size in dimensions])

    @classmethod
    def from_dense(
        cls, matrix: ArrayLike | Array, max_bond: int | None = None, cutoff: float = 0.0, d: int = 2
    ) -> Self:
        """Operator from a dense matrix, site 0 slowest; exact by default.

        Parameters
        ----------
        matrix : (d**n, d**n) array
        max_bond, cutoff
            As in `compress`.
        d : int, default 2
            Physical dimension of every site.
        """
        d, truncation = integer("d", d, 2), Truncation(max_bond, cutoff)
        given: Array = matrix
        if not array_api_compat.is_array_api_obj(given):
            given = np.asarray(given)
        size = given.shape[0] if len(given.shape) else 0
        n = round(math.log(max(size, 1), d))
        if tuple(given.shape) != (size, size) or n < 1 or d**n != size:
            raise ValueError(
                f"`matrix` must have shape (d**n, d**n) with d = {d}, got {tuple(given.shape)}."
            )
        [checked] = check_tensors("matrix", [given[None, ..., None]], "(left, out, in, right)")
        xp = namespace(checked)
        legs = xp.permute_dims(
            xp.reshape(checked, (d,) * (2 * n)), [k + side for k in range(n) for side in (0, n)]
        )
        with one_blas_thread(size):
            flat, _ = compress.from_dense(xp.reshape(legs, (-1,)), [d * d] * n, truncation)
        return cls._adopt([xp.reshape(t, (t.shape[0], d, d, -1)) for t in flat])

    # Numbers --------------------------------------------------------------------------------------

    @cached_property
    def is_hermitian(self) -> bool:
        """Whether the operator equals its adjoint, to rounding.

        The Frobenius norm of the difference is compared with that of the operator; O(n d^2 w^3).
        """
        if all(np.array_equal(w, w.conj().swapaxes(1, 2)) for w in map(to_host, self.tensors)):
            return True
        flat = algebra.flatten((self - self.dagger()).tensors)
        eps = float(namespace(*flat).finfo(flat[0].dtype).eps)
        size = algebra.state_norm(algebra.flatten(self.tensors))
        return bool(algebra.state_norm(flat) <= eps**0.75 * size)

    def trace(self) -> complex:
        """Sum of the diagonal entries. O(n d w^2)."""
        return complex(algebra.trace(self.tensors))

    def norm(self) -> float:
        """Frobenius norm, ``sqrt(tr O^H O)``. O(n d^2 w^3)."""
        root = math.sqrt(math.prod(self.physical_dimensions))
        return root * algebra.state_norm(algebra.flatten(self.tensors))

    def overlap(self, other: "MPO") -> complex:
        """Frobenius inner product ``tr(self^H other)``. O(n d^2 w^3)."""
        self._check_partner(other)
        flat = [algebra.flatten(o.tensors) for o in (self, other)]
        return complex(contract.overlap(*flat)) * math.prod(self.physical_dimensions)

    def matrix_element(self, bra: "MPS", ket: "MPS") -> complex:
        """``<bra|O|ket>``, conjugating `bra`. O(n d w D^3)."""
        self._check_sites(bra)
        self._check_sites(ket)
        return complex(contract.operator_expectation(ket.tensors, self.tensors, bra.tensors))

    def variance(self, state: "MPS") -> float:
        """``<O^2> - <O>^2`` in the direction of `state`: zero for eigenstates only.

        An error certificate: a Hermitian operator has an eigenvalue within ``sqrt(variance)`` of
        the expectation value. For other operators it is ``<O^H O> - |<O>|^2``.

        Notes
        -----
        Evaluated as ``|(O - <O>) psi|^2`` by a QR sweep that carries a triangular matrix only, so
        that nothing cancels: values down to about ``(1e-14 <O>)^2`` are true. O(n d w^3 D^3) time,
        O(d w^2 D^2) memory.

        Raises
        ------
        ValueError
            The sites differ, or the state is zero.

        Examples
        --------
        >>> from rankloom.tn import MPS
        >>> field = MPO.from_terms(3, [(1.0, "Z", (k,)) for k in range(3)])
        >>> states = MPS.product("011"), MPS.product([[1, 1]] * 3)
        >>> [round(field.variance(psi), 12) for psi in states]
        [0.0, 3.0]
        """
        self._check_sites(state)
        norm = state.norm()
        if not norm > 0.0:
            raise ValueError("`state` is zero: it has no variance.")
        mean = self.matrix_element(state, state) / norm**2
        mean = mean.real if self.is_hermitian else mean
        one = [like(w, np.eye(w.shape[1])[None, ..., None], w.dtype) for w in self.tensors]
        shifted = (self - mean * self._adopt(one)).compress().operator
        with one_blas_thread(max(shifted.bond_dimensions) * max(state.bond_dimensions)):
            return (algebra.image_norm(shifted.tensors, state.tensors) / norm) ** 2

    # New operators and states ---------------------------------------------------------------------

    @overload
    def __matmul__(self, other: "MPO") -> "MPO": ...
    @overload
    def __matmul__(self, other: "MPS") -> "MPS": ...
    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Chain):
            return NotImplemented
        self._check_sites(other)
        multiply = algebra.product if isinstance(other, MPO) else algebra.on_state
        return other._adopt(multiply(self.tensors, other.tensors))

    @overload
    def apply(
        self, other: "MPO", max_bond: int | None = None, cutoff: float = 0.0, method: str = "auto"
    ) -> CompressedOperator: ...
    @overload
    def apply(
        self, other: "MPS", max_bond: int | None = None, cutoff: float = 0.0, method: str = "auto"
    ) -> "Compressed": ...
    def apply(
        self, other: Any, max_bond: int | None = None, cutoff: float = 0.0, method: str = "auto"
    ) -> Any:
        """The product with a state or operator, compressed.

        Parameters
        ----------
        other : MPS or MPO
        max_bond, cutoff, method
            As in `MPS.compress`; the product with a state need not be formed for that. A product
            with an operator is cut by singular values, whatever the method.

        Returns
        -------
        Compressed or CompressedOperator
            Unpacks as ``state, truncation_error`` or ``operator, truncation_error``.

        Notes
        -----
        On a state see `rankloom.tn.compress_product`, on an operator O(n d^4 w^6).

        Examples
        --------
        >>> from rankloom.tn import MPS
        >>> flip = MPO.product([[[0, 1], [1, 0]]] * 4)
        >>> state, error = flip.apply(MPS.product("0011"), max_bond=8)
        >>> round(abs(state.overlap(MPS.product("1100"))), 12)
        1.0
        """
        if isinstance(other, MPO):
            return (self @ other).compress(max_bond, cutoff)
        from rankloom.tn.rounding import compress_product

        return compress_product(self, other, max_bond, cutoff, method=method)

    def compress(self, max_bond: int | None = None, cutoff: float = 0.0) -> CompressedOperator:
        """Cut every bond by singular values in the Frobenius norm; exact by default.

        Parameters
        ----------
        max_bond : int, optional
            Largest bond dimension kept.
        cutoff : float, default 0
            Largest relative discarded weight of each cut; 0 brings the bonds down to the smallest
            that represent the operator to rounding.

        Returns
        -------
        operator : MPO
        truncation_error : float
            Sum of the discarded weights; bounds ``|O - O'|_F^2 / |O|_F^2``.

        Notes
        -----
        A QR and an SVD sweep, O(n d^4 w^3).
        """
        truncation = Truncation(max_bond, cutoff)
        with one_blas_thread(max(self.bond_dimensions)):
            flat, error = compress.compress(algebra.flatten(self.tensors), truncation)
        return CompressedOperator(self._adopt(algebra.unflatten(flat)), error)

    def dagger(self) -> Self:
        """The adjoint, ``O^H``."""
        return self._adopt(algebra.adjoint(self.tensors))

    def conj(self) -> Self:
        """Complex conjugate of all matrix entries."""
        xp = namespace(*self.tensors)
        return self._adopt([xp.conj(w) for w in self.tensors])

    def transpose(self) -> Self:
        """The transpose, ``O^T``."""
        return self.conj().dagger()

    def to_dense(self) -> Array:
        """Dense (N, N) matrix, site 0 slowest, N the product of the dimensions.

        Raises
        ------
        ValueError
            N exceeds 2**14, where the matrix alone takes 4 GiB.
        """
        size = math.prod(self.physical_dimensions)
        if size > 2**14:
            raise ValueError(
                f"a dense matrix of {self.n_sites} sites has {size}^2 entries and takes "
                f"{size**2 * self.tensors[0].dtype.itemsize / 2**30:.3g} GiB; the limit is 2^14 "
                "rows. Use `MPS.expectation` with the MPO instead."
            )
        xp = namespace(*self.tensors)
        out = xp.reshape(self.tensors[0], (-1, self.tensors[0].shape[3]))
        for w in self.tensors[1:]:
            out = xp.reshape(out @ xp.reshape(w, (w.shape[0], -1)), (-1, w.shape[3]))
        paired = xp.reshape(out, tuple(d for w in self.tensors for d in w.shape[1:3]))
        n = self.n_sites
        order = (*range(0, 2 * n, 2), *range(1, 2 * n, 2))
        return xp.reshape(xp.permute_dims(paired, order), (size, size))

    def __repr__(self) -> str:
        return f"MPO(n={self.n_sites}, bonds<={max(self.bond_dimensions)})"
