"""All orders 1 .. n together: sums of independent tensors, and cumulants of component traces.

For independent A and B, one of them invariant under local unitaries,

    K_s[A + B] = sum over sets S of components of s of K_{s|S}[A] K_{s|rest}[B],

and the higher-order free cumulants take products of components off K as classical cumulants do,

    K^c_s = sum over partitions P of the components of mu(P, 1) prod_{B in P} K_{s|B},

so that K^c of a sum is the sum of K^c, at every N >= n.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness import components
from rankloom.physics.freeness.finite import FiniteN
from rankloom.physics.freeness.invariant import Kind, TraceInvariant
from rankloom.physics.freeness.values import complete, numbers, to_array
from rankloom.physics.freeness.weingarten_table import TruncatedWeingartenWarning
from rankloom.tn.checks import integer


class FiniteOrders:
    """Moments and free cumulants of orders 1 to n at finite dimensions; made by `FiniteN.up_to`.

    Values are dictionaries keyed by `TraceInvariant` of all orders, or lists of one array per order
    (over ``orders[k].invariants``). Each method answers in the form that its first argument had.

    Attributes
    ----------
    orders : tuple of FiniteN
        Order k + 1 at place k.
    """

    def __init__(self, D: int, n: int, dims: Sequence[Any], kind: Kind = "mixed") -> None:
        n = integer("n", n, 1)
        with warnings.catch_warnings():  # said once, by the largest order
            warnings.simplefilter("ignore", TruncatedWeingartenWarning)
            smaller = [FiniteN(D, k, dims, kind) for k in range(1, n)]
        self.orders = (*smaller, FiniteN(D, n, dims, kind))
        self.D, self.n, self.kind, self.dims = D, n, kind, self.orders[-1].dims
        self._colours = D if kind == "mixed" else D - 1

    @property
    def invariants(self) -> list[TraceInvariant]:
        """All classes of all orders."""
        return [t for F in self.orders for t in F.invariants]

    def cumulants(self, moments: Any) -> Any:
        """Free cumulants K of every order from moments."""
        lists = self._read("moments", moments)
        return self._write(
            moments, [F.cumulants(m) for F, m in zip(self.orders, lists, strict=True)]
        )

    def moments(self, cumulants: Any) -> Any:
        """Moments of every order from free cumulants K."""
        lists = self._read("cumulants", cumulants)
        return self._write(
            cumulants, [F.moments(K) for F, K in zip(self.orders, lists, strict=True)]
        )

    def sum(self, a: Any, b: Any) -> Any:
        """Free cumulants K of A + B, for independent A and B, one of them invariant.

        Raises
        ------
        ValueError
            n is above some dimension: there the K of the sum is not determined by this formula. Its
            moments are, see `sum_of_moments`.
        """
        self._refuse_truncated("sum")
        return self._union("a", a, b)

    def sum_of_moments(self, a: Any, b: Any) -> Any:
        """Moments of A + B from moments of independent A and B, one invariant; exact at every N."""
        return self.moments(self._union("a", self.cumulants(a), self.cumulants(b)))

    def product(self, a: Any, b: Any) -> Any:
        """Free cumulants K of the matrix product A B of independent A and B, one invariant."""
        left, right = self._read("a", a), self._read("b", b)
        found = [F.product(x, y) for F, x, y in zip(self.orders, left, right, strict=True)]
        return self._write(a, found)

    def product_of_moments(self, a: Any, b: Any) -> Any:
        """Moments of A B from moments of independent A and B, one invariant; exact at every N."""
        return self.moments(self.product(self.cumulants(a), self.cumulants(b)))

    def higher_order(self, cumulants: Any) -> Any:
        """Higher-order free cumulants K^c: K of connected invariants, and fluctuations of products.

        Additive for sums of independent tensors, one of them invariant.

        Raises
        ------
        ValueError
            n is above some dimension, where additivity fails.
        """
        self._refuse_truncated("higher_order")
        values = self._with_unit(self._read("cumulants", cumulants))
        return self._write(cumulants, components.connected_part(self._colours, values)[1:])

    def from_higher_order(self, higher: Any) -> Any:
        """Free cumulants K from K^c; the inverse of `higher_order`."""
        self._refuse_truncated("from_higher_order")
        values = self._with_unit(self._read("higher", higher))
        return self._write(higher, components.from_connected_part(self._colours, values)[1:])

    def traces(self, tensor: Any) -> dict[TraceInvariant, Any]:
        """All invariants of a deterministic tensor, as moments of its law.

        Parameters
        ----------
        tensor : array
            ``(N_1, .., N_D, N_1, .., N_D)`` for "mixed", ``(N_1, .., N_D)`` for "pure".
        """
        tensor = np.asarray(tensor)
        shape = self.dims if self.kind == "pure" else (*self.dims, *self.dims)
        if tensor.shape != shape:
            raise ValueError(f"`tensor` must have shape {shape}, got {tensor.shape}.")
        found: dict[TraceInvariant, Any] = {}
        for t in self.invariants:
            if t.is_connected:
                found[t] = t.evaluate(tensor)
            else:
                value = 1
                for part in t.components:
                    value = value * found[part]
                found[t] = value
        return found

    def twirl(self, tensor: Any) -> dict[TraceInvariant, Any]:
        """Free cumulants K of ``U A U*`` (or ``U T``) with U a product of Haar unitaries.

        Parameters
        ----------
        tensor : array
            As in `traces`; of Python integers or Fractions (dtype object) for exact results.
        """
        found: dict[TraceInvariant, Any] = self.cumulants(self.traces(tensor))
        return found

    def _union(self, name: str, a: Any, b: Any) -> Any:
        left, right = self._with_unit(self._read(name, a)), self._with_unit(self._read("b", b))
        return self._write(a, components.union(self._colours, left, right)[1:])

    def _refuse_truncated(self, verb: str) -> None:
        if self.orders[-1].truncated:
            raise ValueError(
                f"`{verb}` needs n <= min(dims): n = {self.n}, dims = {self.dims}. Above, free "
                "cumulants come from a pseudo-inverse and are not additive. `sum_of_moments` "
                "and `product_of_moments` hold for every n."
            )

    def _read(self, name: str, values: Any) -> list[NDArray[Any]]:
        if isinstance(values, Mapping):
            whole = numbers(name, [values[t] for t in complete(name, values, self.invariants)])
            ends = np.cumsum([len(F.invariants) for F in self.orders])
            return np.split(whole, ends[:-1])
        if not isinstance(values, Sequence) or len(values) != self.n:
            raise TypeError(
                f"`{name}` must be a dictionary keyed by TraceInvariant, or a list of {self.n} "
                "arrays, one per order."
            )
        return [
            to_array(f"{name}[{k}]", v, F.invariants)
            for k, (F, v) in enumerate(zip(self.orders, values, strict=True))
        ]

    def _write(self, values: Any, found: list[NDArray[Any]]) -> Any:
        if isinstance(values, Mapping):
            flat = [v for array in found for v in array.tolist()]
            return dict(zip(self.invariants, flat, strict=True))
        return found

    @staticmethod
    def _with_unit(values: list[NDArray[Any]]) -> list[NDArray[Any]]:
        unit = np.ones((*values[0].shape[:-1], 1), values[0].dtype)
        return [unit, *values]

    def __repr__(self) -> str:
        return f"FiniteOrders(D={self.D}, n={self.n}, dims={self.dims}, kind={self.kind!r})"
