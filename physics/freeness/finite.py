"""Moments and free cumulants of local-unitarily invariant random tensors at finite dimensions.

==========================  =======================================================================
definition of K             ``E[prod_x A[i_x; j_x]] = sum_t K_t prod_{c,x}
                            delta(j^c_x, i^c_{t_c(x)})``
cumulants to moments        ``m_s = E Tr_s(A) = sum_t K_t prod_c N_c^#(s_c t_c^-1)``
moments to cumulants        ``K_s = sum_t m_t prod_c Wg_{N_c}(s_c t_c^-1)``
product of independent A B  ``K_s[AB] = sum_{t u = s} K_t[A] K_u[B]``, when A or B is invariant
==========================  =======================================================================

Sums run over all D-tuples of S_n. For n above some N_c the Weingarten function is a pseudo-inverse:
K is then one choice among many, and moments still come back exactly. Arithmetic follows the values:
floats, exact rationals (integers and Fractions), or SymPy.
"""

import warnings
from collections.abc import Sequence
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.classes import (
    Invariants,
    check_memory,
    count_classes,
    enumerate_invariants,
    table_bytes,
)
from rankloom.physics.freeness.group_product import group_product
from rankloom.physics.freeness.invariant import Kind, check_kind
from rankloom.physics.freeness.permutations import Partition, partitions
from rankloom.physics.freeness.transform import BLOCK, KEPT, convolve, convolve_pure
from rankloom.physics.freeness.values import (
    arithmetic,
    common_denominator,
    is_expression,
    like,
    over,
    to_array,
)
from rankloom.physics.freeness.weingarten_table import (
    TruncatedWeingartenWarning,
    exact_values,
    weingarten,
)
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from rankloom.physics.freeness.orders import FiniteOrders


class FiniteN:
    """Moments and free cumulants of one order n at finite dimensions.

    Parameters
    ----------
    D : int
        Colours.
    n : int
        Order: up to 8 (16 for one colour), as long as the tables fit.
    dims : sequence of D integers or SymPy expressions
        Dimension N_c of each colour.
    kind : {"mixed", "pure"}, default "mixed"
        Matrices on the product space, or tensors (`TraceInvariant`).

    Attributes
    ----------
    invariants : Invariants
        All classes, products of smaller ones too: their moments are of their own. Arrays of
        values run over them along the last axis; leading axes are a batch.
    memory_bytes : int
        What the tables and one transform of floats take.

    Raises
    ------
    ValueError
        Wrong D, n, or dims.
    MemoryError
        The tables would not fit into half of the machine's memory; the message says their size.

    Warns
    -----
    TruncatedWeingartenWarning
        n is above some dimension.

    Examples
    --------
    >>> from rankloom.physics import TraceInvariant
    >>> F = FiniteN(D=2, n=2, dims=(3, 3))
    >>> moments = dict.fromkeys(F.invariants, 0)
    >>> moments[TraceInvariant([(1, 0), (1, 0)])] = 9  # E Tr A^2 and nothing else
    >>> K = F.cumulants(moments)
    >>> K[TraceInvariant([(1, 0), (1, 0)])]
    Fraction(9, 64)
    >>> F.moments(K) == moments
    True
    """

    def __init__(self, D: int, n: int, dims: Sequence[Any], kind: Kind = "mixed") -> None:
        self.D, self.n = integer("D", D, 1), integer("n", n, 1)
        self.kind = check_kind(kind)
        self.dims = check_dims(dims, self.D)
        self._colours = self.D if kind == "mixed" else self.D - 1
        self.memory_bytes = transform_bytes(self._colours, self.n)
        check_memory(
            f"FiniteN(D={D}, n={n}) with {count_classes(D, n, kind):,} classes",
            self.memory_bytes,
            "Lower `n` or `D`.",
        )
        if self.truncated:
            warnings.warn(
                f"n = {n} is above the smallest of dims = {self.dims}: free cumulants come from a "
                "pseudo-inverse. Moments come back exactly, but cumulants are one choice of many "
                "and are not additive.",
                TruncatedWeingartenWarning,
                stacklevel=2,
            )
        self.invariants: Invariants = enumerate_invariants(D, n, kind, connected=False)

    @classmethod
    def up_to(cls, D: int, n: int, dims: Sequence[Any], kind: Kind = "mixed") -> "FiniteOrders":
        """Orders 1 to n in one object, for sums and higher-order cumulants.

        Parameters
        ----------
        D, n, dims, kind
            As for `FiniteN`.
        """
        from rankloom.physics.freeness.orders import FiniteOrders

        return FiniteOrders(D, n, dims, kind)

    @property
    def truncated(self) -> bool:
        """Whether n is above some dimension."""
        return any(isinstance(N, int) and self.n > N for N in self.dims)

    def cumulants(self, moments: Any) -> Any:
        """Free cumulants K from moments ``E Tr_s``.

        Parameters
        ----------
        moments : dict keyed by TraceInvariant, or (.., C) array over `invariants`
            All classes of order n. Integers and Fractions are taken exactly; integer arrays too.

        Returns
        -------
        dict or array, as given

        Raises
        ------
        ValueError
            Classes are missing or do not belong here.

        Notes
        -----
        2 D (n!)^2 operations for each class of D - 1 colours. In floats the result loses about as
        many digits as ``prod (N - k)`` does, when n is near N.
        """
        return self._transform("moments", moments, [self._weingarten(N) for N in self.dims])

    def moments(self, cumulants: Any) -> Any:
        """Moments ``E Tr_s`` from free cumulants K; the inverse of `cumulants`."""
        powers = [{mu: N ** len(mu) for mu in partitions(self.n)} for N in self.dims]
        return self._transform("cumulants", cumulants, powers)

    def product(self, a: Any, b: Any) -> Any:
        """Free cumulants of the matrix product A B of independent A and B, one of them invariant.

        Exact for every n and N. The cost is (n!)^D for each class.

        Parameters
        ----------
        a, b : dict or (C,) array
            Free cumulants of A and B.
        """
        if self.kind == "pure":
            raise ValueError("`product` multiplies matrices; tensors (kind 'pure') have none.")
        x, y = (to_array(name, v, self.invariants) for name, v in (("a", a), ("b", b)))
        return like(a, group_product(self.D, self.n, x, y), self.invariants)

    def _weingarten(self, N: Any) -> dict[Partition, Any]:
        if isinstance(N, int):
            return exact_values(self.n, N)
        return dict(weingarten(self.n).values)

    def _transform(self, name: str, values: Any, functions: list[Any]) -> Any:
        x = to_array(name, values, self.invariants)
        symbolic = any(is_expression(N) for N in self.dims)
        kind = "symbolic" if symbolic else arithmetic(x)
        if kind == "symbolic":
            from rankloom.physics.freeness.symbolic import symbolic_transform

            y = symbolic_transform(self._convolve, x, self.dims, functions)
        elif kind == "exact":
            y, below = common_denominator(x)
            scaled = []
            for function in functions:
                tops, scale = common_denominator(np.array([*function.values()], dtype=object))
                scaled.append(dict(zip(function, tops, strict=True)))
                below *= scale
            y = over(self._convolve(y, scaled), below)
        else:
            y = self._convolve(x, functions)
        return like(values, y, self.invariants)

    def _convolve(self, x: NDArray[Any], functions: Sequence[Any]) -> NDArray[Any]:
        if self.kind == "pure":
            return convolve_pure(x, functions)
        return convolve(self.D, x, functions)

    def __repr__(self) -> str:
        return f"FiniteN(D={self.D}, n={self.n}, dims={self.dims}, kind={self.kind!r})"


def check_dims(dims: Any, D: int) -> tuple[Any, ...]:
    """`dims` as D positive int or SymPy expressions.

    Raises
    ------
    TypeError, ValueError
        Not a sequence, not D of them, or not positive integers.
    """
    if isinstance(dims, (str, bytes)) or not hasattr(dims, "__len__"):
        raise TypeError(f"`dims` must list the dimension of each of {D} colours, got {dims!r}.")
    if len(dims) != D:
        raise ValueError(
            f"`dims` needs one dimension per colour: D = {D}, got {len(dims)} of them, {dims!r}."
        )
    found = []
    for c, N in enumerate(dims):
        symbol = is_expression(N) and not N.is_Integer
        if symbol and N.is_number:
            raise ValueError(f"`dims[{c}]` must be a positive integer or a symbol, got {N}.")
        found.append(N if symbol else integer(f"dims[{c}]", N, 1))
    return tuple(found)


def transform_bytes(colours: int, n: int) -> int:
    """Estimated peak memory of the tables and one transform of floats."""
    if colours < 2:
        return 16 * len(partitions(n)) ** 2
    rows = count_classes(colours - 1, n)
    places = rows * factorial(n)
    quotients = min(factorial(n) ** 2, KEPT)
    matrix = 8 * min(factorial(n) ** 2, BLOCK)
    # numbers of insertions per colour, one place a class and colour; two arrays of floats; matrix
    return (
        table_bytes(colours, n)
        + (colours - 1) * places * 4
        + colours * count_classes(colours, n) * 8
        + places * 16
        + quotients
        + matrix
    )
