"""All classes of D-tuples of permutations under simultaneous conjugation, in tables.

A mixed invariant of D colours is such a class; a pure one of D colours is a class of D - 1
permutations, see `rankloom.physics.freeness.invariant`. Classes are numbered in lexicographic order
of their canonical forms.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness import class_kernels as kernels
from rankloom.physics.freeness.invariant import Kind, TraceInvariant, check_kind
from rankloom.physics.freeness.permutations import (
    Permutation,
    all_permutations,
    centraliser_order,
    identity,
    partitions,
    representative,
)
from rankloom.tn.checks import integer

_LARGEST = 8  # ranks and movers of more elements do not fit 16 bits
_BATCH = 2**17  # tuples classified at once: a few megabytes


def count_classes(D: int, n: int, kind: Kind = "mixed", connected: bool = False) -> int:
    """Number of trace invariants, by Burnside's lemma, without listing them.

    Parameters
    ----------
    D, n : int
        Colours and order, at least 1.
    kind : {"mixed", "pure"}
    connected : bool, default False
        Count connected ones only.

    Examples
    --------
    >>> count_classes(3, 6), count_classes(3, 6, connected=True)
    (524137, 504243)
    >>> count_classes(3, 4, "pure")
    43
    """
    D, n = integer("D", D, 1), integer("n", n, 1)
    power = D - 1 if check_kind(kind) == "mixed" else D - 2
    totals = [1] + [_burnside(power, m) for m in range(1, n + 1)]
    if not connected:
        return totals[n]
    # Euler transform backwards: prod_k (1 - x^k)^-found[k] generates the totals.
    found = [0] * (n + 1)
    power_sums = [0] * (n + 1)
    for m in range(1, n + 1):
        mixed = sum(power_sums[k] * totals[m - k] for k in range(1, m))
        power_sums[m] = m * totals[m] - mixed
        divisors = [d for d in range(1, m) if m % d == 0]
        found[m] = (power_sums[m] - sum(d * found[d] for d in divisors)) // m
    return found[n]


def _burnside(power: int, n: int) -> int:
    if power >= 0:
        return sum(centraliser_order(mu) ** power for mu in partitions(n))
    return 1  # pure with one colour


def memory_limit() -> int:
    """Bytes that one table may take: half of the machine's memory, 4 GB where that is not told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 4 * 2**30


def check_memory(what: str, needed: int, advice: str) -> None:
    """Refuse, before any work, what does not fit.

    Raises
    ------
    MemoryError
        `needed` bytes are above `memory_limit`.
    """
    limit = memory_limit()
    if needed > limit:
        raise MemoryError(
            f"{what} would take about {needed / 2**30:.3g} GB, and half of this machine's memory "
            f"is {limit / 2**30:.3g} GB. {advice}"
        )


def table_bytes(D: int, n: int) -> int:
    """Peak memory of `class_table` in bytes, before anything is made."""
    leaves = count_classes(D, n)
    above = count_classes(D - 1, n) if D > 1 else 1
    # child and mover of the last level; tuples twice, keys, sizes, order, parents
    return above * math.factorial(n) * 6 + leaves * (2 * D * n + 40)


@dataclass(frozen=True, eq=False)
class ClassTable:
    """Classes of D-tuples of permutations of n elements; made by `class_table`.

    Parameters
    ----------
    forms : (C, D, n) uint8
        Canonical forms in lexicographic order.
    parts : (C,) uint8
        Number of components of each.
    automorphisms : (C,) integers
        Relabellings that change nothing.
    shorter : (C', D - 1, n) uint8
        A representative of each class of D - 1 permutations, under names of its own.
    child, mover, levels : arrays
        The tree of `class_kernels.py`; the last level is numbered as `forms` are.
    """

    D: int
    n: int
    forms: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    automorphisms: NDArray[np.int64]
    shorter: NDArray[np.uint8]
    child: NDArray[np.int32]
    mover: NDArray[np.uint16]
    levels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.forms)

    def classify(self, tuples: NDArray[Any]) -> NDArray[np.int32]:
        """Class of each of the tuples (.., D, n)."""
        rows = np.ascontiguousarray(tuples, np.uint8).reshape(-1, self.D, self.n)
        out = np.empty(len(rows), np.int32)
        kernels.classify(rows, all_permutations(self.n), self.child, self.mover, self.levels, out)
        return out.reshape(np.shape(tuples)[:-2])

    @cache  # noqa: B019 - tables live as long as the process
    def insertions(self, colour: int) -> NDArray[np.int32]:
        """Class of each representative in `shorter` with each permutation put in as `colour`.

        Shape (C', n!). Along a row one colour runs through the group and the others stand still.
        """
        if colour == self.D - 1:
            return self.child[self.levels[-1] :].reshape(len(self.shorter), -1)
        perms = all_permutations(self.n)
        out = np.empty((len(self.shorter), len(perms)), np.int32)
        step = max(1, _BATCH // len(perms))
        for at in range(0, len(self.shorter), step):
            head, tail = np.split(self.shorter[at : at + step, None], [colour], axis=2)
            shape = (len(head), len(perms))
            parts = (
                np.broadcast_to(head, (*shape, *head.shape[2:])),
                np.broadcast_to(perms[:, None], (*shape, 1, self.n)),
                np.broadcast_to(tail, (*shape, *tail.shape[2:])),
            )
            out[at : at + step] = self.classify(np.concatenate(parts, axis=2))
        return out

    @cache  # noqa: B019
    def places(self, colour: int) -> NDArray[np.int64]:
        """One place in the flattened `insertions` of each class."""
        flat = self.insertions(colour).reshape(-1)
        places = np.empty(len(self), np.int64)
        places[flat[::-1]] = np.arange(flat.size - 1, -1, -1)
        return places

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """Canonical forms packed to one number each, ascending."""
        return pack(self.forms)

    def index(self, forms: NDArray[Any]) -> NDArray[np.intp]:
        """Number of each canonical form (.., D, n)."""
        return np.searchsorted(self.keys, pack(np.asarray(forms, np.uint8)))


def pack(forms: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Images as digits of base n, the first image in front."""
    n = forms.shape[-1]
    flat = forms.reshape(*forms.shape[:-2], -1)
    total = np.zeros(flat.shape[:-1], np.uint64)
    for k in range(flat.shape[-1]):
        total *= np.uint64(n)
        total += flat[..., k]
    return total


def _check_packing(colours: int, n: int) -> None:
    if colours * n * math.log2(n) > 64:
        raise ValueError(
            f"n = {n} with {colours} permutations: classes are kept as 64-bit numbers, which do "
            "not hold these. Lower `n`."
        )


@cache
def class_table(D: int, n: int) -> ClassTable:
    """All classes of D-tuples of permutations of n elements.

    Orbits are found colour by colour: on top of each class of d-tuples its stabiliser moves the
    next permutation. The cost is that of the n! places below each class of D - 1 permutations, and
    one canonical form for each class found.

    Raises
    ------
    ValueError
        n above 8, or forms beyond 64 bits when packed.
    MemoryError
        The table would not fit, with the estimate.
    """
    if n > _LARGEST:
        raise ValueError(f"`n` = {n}: tables of classes are made up to n = {_LARGEST}.")
    check_memory(
        f"The table of {count_classes(D, n):,} classes for D = {D}, n = {n}",
        table_bytes(D, n),
        "Lower `n` or `D`.",
    )
    _check_packing(D, n)
    perms = all_permutations(n)
    start = np.array([0, len(perms)])
    group = np.arange(len(perms), dtype=np.uint16)
    shorter = np.empty((1, 0, n), np.uint8)
    children, movers = [], []
    for depth in range(1, D + 1):
        child = np.empty((len(shorter), len(perms)), np.int32)
        mover = np.empty((len(shorter), len(perms)), np.uint16)
        count = kernels.orbits(perms, start, group, child, mover)
        parent, last = np.empty(count, np.int32), np.empty(count, np.int32)
        kernels.representatives(child, count, parent, last)
        orders = np.empty(count, np.int64)
        unused = np.empty(0, np.uint16)
        total = kernels.stabilisers(perms, start, group, parent, last, orders, unused)
        forms = np.concatenate((shorter[parent], perms[last][:, None]), axis=1)
        children.append(child.reshape(-1))
        movers.append(mover.reshape(-1))
        if depth < D:
            kept = np.empty(total, np.uint16)
            kernels.stabilisers(perms, start, group, parent, last, orders, kept)
            start, group = np.concatenate(([0], np.cumsum(orders))), kept
            shorter = forms
    parts = np.empty(len(forms), np.uint8)
    kernels.canonical_forms(forms, parts)
    order = np.argsort(pack(forms), kind="stable")
    renumber = np.empty(len(order), np.int32)
    renumber[order] = np.arange(len(order), dtype=np.int32)
    children[-1] = renumber[children[-1]]
    levels = np.cumsum([0] + [len(child) for child in children[:-1]])
    return ClassTable(
        D,
        n,
        forms[order],
        parts[order],
        orders[order],
        shorter,
        np.concatenate(children),
        np.concatenate(movers),
        levels,
    )


class Invariants(Sequence[TraceInvariant]):
    """A list of trace invariants that makes its elements when they are asked for.

    Behaves as a tuple of `TraceInvariant` in ascending canonical order. `forms` holds the canonical
    permutations as one array (C, D, n), which takes a few bytes an invariant.

    Examples
    --------
    >>> listed = enumerate_invariants(D=2, n=3)
    >>> len(listed), listed.index(listed[5])
    (7, 5)
    """

    def __init__(self, forms: NDArray[np.uint8], kind: Kind) -> None:
        self.forms = forms
        self.kind = kind

    @cached_property
    def _keys(self) -> NDArray[np.uint64]:
        return pack(self.forms)

    def __len__(self) -> int:
        return len(self.forms)

    @overload
    def __getitem__(self, at: int) -> TraceInvariant: ...
    @overload
    def __getitem__(self, at: slice) -> "Invariants": ...
    def __getitem__(self, at: int | slice) -> "TraceInvariant | Invariants":
        if isinstance(at, slice):
            return Invariants(self.forms[at], self.kind)
        perms: tuple[Permutation, ...] = tuple(map(tuple, self.forms[at].tolist()))
        return TraceInvariant._canonical(perms, self.kind)

    def __iter__(self) -> Iterator[TraceInvariant]:
        for perms in self.forms.tolist():
            yield TraceInvariant._canonical(tuple(map(tuple, perms)), self.kind)

    def __contains__(self, value: object) -> bool:
        return self._find(value) is not None

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Place of an invariant in the list; ValueError when it is not there."""
        found = self._find(value)
        if found is None or not start <= found < (len(self) if stop is None else stop):
            raise ValueError(f"{value!r} is not in {self!r}.")
        return found

    def _find(self, value: object) -> int | None:
        if not isinstance(value, TraceInvariant) or value.kind != self.kind:
            return None
        form = np.array(value.canonical, np.uint8)
        if form.shape != self.forms.shape[1:]:
            return None
        at = int(np.searchsorted(self._keys, pack(form)))
        return at if at < len(self) and np.array_equal(self.forms[at], form) else None

    def __repr__(self) -> str:
        _, D, n = self.forms.shape
        return f"<{len(self):,} {self.kind} trace invariants, D = {D}, n = {n}>"


def enumerate_invariants(
    D: int, n: int, kind: Kind = "mixed", connected: bool = True
) -> Invariants:
    """All trace invariants of one order.

    Parameters
    ----------
    D : int
        Colours, at least 1.
    n : int
        Order, at least 1 and at most 8 (16 for one colour).
    kind : {"mixed", "pure"}, default "mixed"
    connected : bool, default True
        Leave out products of smaller invariants.

    Returns
    -------
    Invariants
        A sequence in ascending order of canonical forms.

    Raises
    ------
    MemoryError
        The table would not fit into half of the machine's memory; the message says its size. About
        6 n! bytes for each class of D - 1 colours and 2 D n + 40 for each of D.

    Examples
    --------
    >>> len(enumerate_invariants(D=3, n=4))
    604
    >>> [t.perms for t in enumerate_invariants(D=2, n=2, connected=False)]
    [((0, 1), (0, 1)), ((0, 1), (1, 0)), ((1, 0), (0, 1)), ((1, 0), (1, 0))]
    """
    D, n, kind = integer("D", D, 1), integer("n", n, 1), check_kind(kind)
    if not isinstance(connected, bool):
        raise TypeError(f"`connected` must be True or False, got {connected!r}.")
    forms, parts = class_forms(D if kind == "mixed" else D - 1, n)
    if connected:
        forms = forms[parts == 1]
    if kind == "pure":
        gauge = np.broadcast_to(np.array(identity(n), np.uint8), (len(forms), 1, n))
        forms = np.concatenate((forms, gauge), axis=1)
    return Invariants(forms, kind)


@cache
def class_forms(colours: int, n: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Canonical forms of all classes of tuples (C, colours, n), and their numbers of components.

    No colour stands for the one class of an empty tuple, n points of their own.
    """
    if colours == 0:  # pure with one colour: a vector has only its norm
        return np.empty((1, 0, n), np.uint8), np.array([n], np.uint8)
    if colours > 1:
        table = class_table(colours, n)
        return table.forms, table.parts
    _check_packing(colours, n)
    # Cycle types; blocks of ascending size are turned, so ascending parts are canonical.
    tuples = [representative(mu[::-1]) for mu in partitions(n)]
    forms = np.array(sorted(tuples), np.uint8).reshape(-1, 1, n)
    parts = [len(TraceInvariant([form]).components) for form in forms[:, 0].tolist()]
    return forms, np.array(parts, np.uint8)
