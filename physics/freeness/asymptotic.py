"""Moments and free cumulants at leading order in N, in two scalings.

============  ==============================  =====================================================
scaling       first-order invariants          normalisation
============  ==============================  =====================================================
``matrix``    all (kind mixed)                ``phi_s = lim N^-#(s) m_s``, with #(s) the number of
                                              cycles of all s_c; ``kappa_s = lim N^|s| K_s``
``melonic``   melonic ones                    ``phi_s = lim N^-p m_s``, p components; kappa_s is the
                                              limit of ``N^(D n - #eta + sum |s_c eta^-1|) K_s``
                                              (mixed) or ``N^((D-1) n + sum |s_c eta^-1|) K_s``
                                              (pure), with eta the pairing of s
============  ==============================  =====================================================

In both, ``phi_s = sum kappa_t`` over tuples t whose permutations lie below those of s, one
colour at a time; melonic s are seen from their pairing, ``t_c eta^-1 <= s_c eta^-1``. Values of
products of invariants are products, so connected ones tell everything. Colours cross freely, so a t
below a connected s need not be a product of partitions of the same points.
"""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness import components, graph
from rankloom.physics.freeness.classes import (
    Invariants,
    check_memory,
    class_table,
    enumerate_invariants,
)
from rankloom.physics.freeness.finite import transform_bytes
from rankloom.physics.freeness.geodesics import (
    SparseSums,
    complements,
    sum_below,
    tuples_below,
)
from rankloom.physics.freeness.invariant import Kind, TraceInvariant, check_kind
from rankloom.physics.freeness.permutations import (
    catalan,
    compose,
    cycle,
    cycle_type,
    inverse,
    moebius,
    non_crossing_permutations,
)
from rankloom.physics.freeness.series import free_cumulants, moments_from_free_cumulants
from rankloom.physics.freeness.values import complete, is_expression, numbers, to_array
from rankloom.tn.checks import integer

Scaling: TypeAlias = Literal["matrix", "melonic"]


class Asymptotic:
    """First-order moments phi and free cumulants kappa of orders 1 to n.

    Values are dictionaries keyed by the connected invariants, or lists of one array per order
    (over ``connected[k]``); methods answer in the form that their first argument had.

    Parameters
    ----------
    D : int
        Colours.
    n : int
        Largest order: up to 8 (the first call is slow from 7 on); any for one colour, but 12 for
        products.
    scaling : {"matrix", "melonic"}
        "matrix" for matrices whose traces all grow with the number of their cycles; "melonic" for
        Gaussian tensors and Wishart matrices. It must be declared: the same tensor may have a limit
        in one and none in the other.
    kind : {"mixed", "pure"}, default "mixed"
        "pure" has the melonic scaling only.

    Attributes
    ----------
    connected : list of Invariants
        The connected first-order invariants of each order.

    Raises
    ------
    ValueError
        Scaling not declared, or one that the kind and D do not have.
    MemoryError
        Tables that do not fit, with the estimate.

    Notes
    -----
    Matrix scaling is that of I. Nechita and S.-J. Park, arXiv:2504.01782, melonic scaling that of
    B. Collins, R. Gurau and L. Lionni, arXiv:2410.00908. The formulas used here were derived from
    the exact finite-N ones and checked numerically; the melonic ones rest on power counting.

    Examples
    --------
    >>> A = Asymptotic(D=1, n=4, scaling="matrix")
    >>> semicircle = dict(zip(A.invariants, [0, 1, 0, 0]))
    >>> A.moments(A.free_sum(semicircle, semicircle))[A.invariants[3]]
    8
    """

    def __init__(
        self, D: int, n: int, scaling: Scaling | None = None, kind: Kind = "mixed"
    ) -> None:
        self.D, self.n = integer("D", D, 1), integer("n", n, 1)
        self.kind = check_kind(kind)
        if scaling not in ("matrix", "melonic"):
            raise ValueError(
                "`scaling` must be declared, 'matrix' (every trace grows with its cycles) or "
                f"'melonic' (Gaussian tensors, Wishart matrices), got {scaling!r}."
            )
        self.scaling: Scaling = scaling
        if kind == "pure" and scaling == "matrix":
            raise ValueError("`scaling` = 'matrix' is of matrices; tensors (pure) are 'melonic'.")
        least = 2 if kind == "mixed" else 3
        if scaling == "melonic" and least > D:
            raise ValueError(
                f"`scaling` = 'melonic' needs D >= {least} colours for kind {kind!r}, got D = {D}: "
                "with fewer, pairings are not unique. Use 'matrix' for D = 1."
            )
        self._colours = D if kind == "mixed" else D - 1
        if self._colours > 1:
            extra = 12 * _interval_entries(n) if scaling == "matrix" else 0
            check_memory(
                f"Asymptotic(D={D}, n={n})", transform_bytes(self._colours, n) + extra, "Lower `n`."
            )

    @cached_property
    def connected(self) -> list[Invariants]:
        """The connected first-order invariants of each order."""
        return [self._first_order(k) for k in range(1, self.n + 1)]

    @cached_property
    def invariants(self) -> list[TraceInvariant]:
        """The connected first-order invariants of all orders."""
        return [t for listed in self.connected for t in listed]

    def moments(self, cumulants: Any) -> Any:
        """Moments phi of the connected invariants from their free cumulants kappa."""
        return self._transform("cumulants", cumulants, inverse=False)

    def cumulants(self, moments: Any) -> Any:
        """Free cumulants kappa of the connected invariants from their moments phi."""
        return self._transform("moments", moments, inverse=True)

    def free_sum(self, a: Any, b: Any) -> Any:
        """Free cumulants of the sum of two tensorially free variables: they add.

        Parameters
        ----------
        a, b : dict or list of arrays
            Free cumulants kappa of the two.
        """
        left, right = self._read("a", a), self._read("b", b)
        return self._write(a, [x + y for x, y in zip(left, right, strict=True)])

    def free_product(self, a: Any, b: Any) -> Any:
        """Free cumulants of the product A B of two tensorially free matrices.

        ``kappa_s(AB) = sum_{t <= s} kappa_t(A) kappa_{t^-1 s}(B)``, in matrix scaling. The cost is
        one lookup for each t below each s: n = 6 for two colours, n = 4 for three take a second.

        Parameters
        ----------
        a, b : dict or list of arrays
            Free cumulants kappa of the two.

        Raises
        ------
        ValueError
            Melonic scaling, where no formula is known to us.
        """
        if self.scaling == "melonic":
            raise ValueError(
                "`free_product` is for scaling 'matrix'. In melonic scaling take the exact "
                "`FiniteN.product` at the N you need."
            )
        left, right = self._read("a", a), self._read("b", b)
        if self.D == 1:
            return self._write(a, _product_of_one_colour(left, right))
        x, y = self._extended(left), self._extended(right)
        found = []
        for k, listed in enumerate(self.connected, 1):
            table = class_table(self.D, k)
            values = np.empty(len(listed), np.result_type(x[k], y[k]))
            for row, s in enumerate(listed):
                tuples = tuples_below(s.canonical)
                t = table.classify(tuples)
                u = table.classify(complements(tuples, s.canonical))
                values[row] = (x[k][t] * y[k][u]).sum()
            found.append(values)
        return self._write(a, found)

    def _transform(self, name: str, values: Any, inverse: bool) -> Any:
        lists = self._read(name, values)
        if self.D == 1:
            run = free_cumulants if inverse else moments_from_free_cumulants
            found = run([x[0] for x in lists])
            pairs = zip(found, lists, strict=True)
            return self._write(values, [np.array([v], x.dtype) for v, x in pairs])
        extended = self._extended(lists)
        out = []
        for k in range(1, self.n + 1):
            if self.scaling == "matrix":
                whole = sum_below(self.D, k, extended[k], weighted=inverse)
                out.append(whole[..., self._numbers[k]])
            else:
                sums = melonic_sums(self.D, k, self.kind)
                out.append(sums.apply(extended[k], weighted=inverse))
        return self._write(values, out)

    def _first_order(self, k: int) -> Invariants:
        if self.scaling == "melonic":
            return melonic(self.D, k, self.kind)
        if self.D == 1:
            return Invariants(np.array([[cycle(k)]], np.uint8), "mixed")
        return enumerate_invariants(self.D, k)

    @cached_property
    def _numbers(self) -> list[NDArray[np.intp]]:
        """Numbers of the connected first-order invariants among all classes, by order."""
        found = [np.zeros(1, np.intp)]
        for k, listed in enumerate(self.connected, 1):
            forms = listed.forms[:, : self._colours]
            found.append(class_table(self._colours, k).index(forms))
        return found

    def _extended(self, lists: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """On all classes: products over components, 0 where one of them is not first-order."""
        unit = np.ones((*lists[0].shape[:-1], 1), lists[0].dtype)
        return components.multiplicative(self._colours, [unit, *lists], self._numbers)

    def _read(self, name: str, values: Any) -> list[NDArray[Any]]:
        if isinstance(values, Mapping):
            if self.scaling == "melonic":
                for t in values:
                    if isinstance(t, TraceInvariant) and not t.is_melonic:
                        raise ValueError(
                            f"`{name}` holds {t!r}, which is not melonic: it is not of leading "
                            "order in melonic scaling and has no value there."
                        )
            whole = numbers(name, [values[t] for t in complete(name, values, self.invariants)])
            return np.split(whole, np.cumsum([len(t) for t in self.connected])[:-1])
        if not isinstance(values, Sequence) or len(values) != self.n:
            raise TypeError(
                f"`{name}` must be a dictionary keyed by TraceInvariant, or a list of {self.n} "
                "arrays, one per order over `connected`."
            )
        return [
            to_array(f"{name}[{k}]", v, listed)
            for k, (v, listed) in enumerate(zip(values, self.connected, strict=True))
        ]

    def _write(self, values: Any, found: list[NDArray[Any]]) -> Any:
        if isinstance(values, Mapping):
            flat = [_plain(v) for array in found for v in array.tolist()]
            return dict(zip(self.invariants, flat, strict=True))
        return found

    def __repr__(self) -> str:
        return f"Asymptotic(D={self.D}, n={self.n}, scaling={self.scaling!r}, kind={self.kind!r})"


def _plain(value: Any) -> Any:
    """SymPy sums multiplied out; other numbers as they are."""
    return value.expand() if is_expression(value) else value


def _product_of_one_colour(a: list[NDArray[Any]], b: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """``sum_{t <= gamma} kappa_t(a) kappa_{t^-1 gamma}(b)`` over non-crossing permutations."""
    if len(a) > 12:
        raise ValueError(f"`free_product` of one colour goes to n = 12, got n = {len(a)}.")
    found = []
    for n, x in enumerate(a, 1):
        total: Any = 0
        for (types, others), count in _pairs_of_types(n).items():
            term: Any = count
            for part in types:
                term = term * a[part - 1][0]
            for part in others:
                term = term * b[part - 1][0]
            total = total + term
        found.append(np.array([total], np.result_type(x, b[n - 1])))
    return found


@cache
def _pairs_of_types(n: int) -> dict[tuple[tuple[int, ...], tuple[int, ...]], int]:
    """How often a non-crossing permutation and its complement have two given cycle types."""
    tuples = non_crossing_permutations(n)[:, None]
    others = complements(tuples, (cycle(n),))[:, 0]
    counts: dict[Any, int] = {}
    for t, u in zip(tuples[:, 0].tolist(), others.tolist(), strict=True):
        pair = cycle_type(tuple(t)), cycle_type(tuple(u))
        counts[pair] = counts.get(pair, 0) + 1
    return counts


@cache
def melonic(D: int, n: int, kind: Kind) -> Invariants:
    """The connected melonic invariants of one order."""
    listed = enumerate_invariants(D, n, kind)
    kept = [k for k, t in enumerate(listed) if t.is_melonic]
    return Invariants(listed.forms[kept], kind)


@cache
def melonic_sums(D: int, n: int, kind: Kind) -> SparseSums:
    """For each of `melonic` (a row): classes of the t below it as seen from its pairing."""
    start, indices, weights = [0], [], []
    colours = D if kind == "mixed" else D - 1
    for s in melonic(D, n, kind):
        eta = s.pairing
        seen = tuple(compose(images, inverse(eta)) for images in s.canonical)
        tuples = tuples_below(seen)
        quotients = complements(tuples, seen)
        weights += [
            int(np.prod([moebius(cycle_type(tuple(u))) for u in row])) for row in quotients.tolist()
        ]
        # t_c = t'_c eta; a pure tuple is then multiplied by the inverse of its last permutation
        moved = tuples[:, :, list(eta)]
        if kind == "pure":
            moved = np.array([graph.gauge(row)[:-1] for row in moved.tolist()], np.uint8)
        indices.append(class_table(colours, n).classify(moved))
        start.append(start[-1] + len(tuples))
    return SparseSums(np.array(start), np.concatenate(indices), np.array(weights))


def _interval_entries(n: int) -> int:
    """Number of pairs ``t <= s`` in S_n."""
    averages = [1.0]
    for k in range(1, n + 1):
        averages.append(sum(catalan(m) * averages[k - m] for m in range(1, k + 1)) / k)
    total = averages[n]
    for k in range(2, n + 1):
        total *= k
    return round(total)
