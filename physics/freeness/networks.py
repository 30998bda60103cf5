"""Contraction of many small networks of a few tensors, with shared intermediate results.

A network is a tuple of nodes ``(name, edges)``: which tensor stands there, and the numbers of the
edges that its legs are tied to. Every edge ends twice, so a network is a number. cotengra finds
an order of pairwise contractions for each network, once. Partial networks that are equal up to the
names of nodes and edges are contracted once for all networks: this is what makes hundreds of trace
invariants of one tensor cheap.

All tensors carry a leading axis of samples. Arrays of any library are taken.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from rankloom.tn.arrays import Array, contiguous, namespace

Node: TypeAlias = tuple[str, tuple[int, ...]]
Network: TypeAlias = tuple[Node, ...]

_ALL_ORDERS = 4  # nodes up to which a part is told apart from its copies by trying every order
_OPTIMAL = 6  # nodes up to which the best path is found within milliseconds


@dataclass(frozen=True)
class Part:
    """A part of a network, in a form that does not depend on names.

    Parameters
    ----------
    nodes : network
        Edges are numbered in the order in which they appear.
    legs : tuple of int
        Edges that leave the part, ascending: the axes of its array.
    """

    nodes: Network
    legs: tuple[int, ...]


@dataclass(frozen=True)
class Join:
    """How a part is made of two.

    Parameters
    ----------
    left, right : Part
    orders : pair of tuple of int
        Permutations of their axes that bring the joined edges to the end and to the front.
    joined : int
        Number of joined edges.
    order : tuple of int
        Permutation from the axes of the product to those of the part.
    """

    left: Part
    right: Part
    orders: tuple[tuple[int, ...], tuple[int, ...]]
    joined: int
    order: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """The way to one number.

    Parameters
    ----------
    whole : Part
    joins : dict
        Every part of more than one node: how it is made.
    sizes : dict
        Every part: number of entries of its array, for one sample.
    """

    whole: Part
    joins: Mapping[Part, Join]
    sizes: Mapping[Part, int]


_Group: TypeAlias = tuple[Network, Part, tuple[int, ...]]


@lru_cache(maxsize=1 << 15)
def plan(network: Network, sizes: tuple[int, ...]) -> Plan:
    """Plan the contraction of a network; remembered.

    Parameters
    ----------
    network : network
    sizes : tuple of int
        Size of every edge.
    """
    joins: dict[Part, Join] = {}
    groups = [_group((node,)) for node in network]
    volumes = {part: math.prod(sizes[edge] for edge in legs) for _, part, legs in groups}
    for pair in _path([legs for _, _, legs in groups], sizes):
        first, second = (groups.pop(k) for k in sorted(pair, reverse=True))
        merged = _group(first[0] + second[0])
        joins.setdefault(merged[1], _join(first, second, merged[2]))
        volumes[merged[1]] = math.prod(sizes[edge] for edge in merged[2])
        groups.append(merged)
    [(_, whole, _)] = groups
    return Plan(whole, joins, volumes)


def _path(inputs: Sequence[tuple[int, ...]], sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    import cotengra

    if len(inputs) == 1:
        return []
    found = cotengra.array_contract_path(
        inputs,
        (),
        size_dict=dict(enumerate(sizes)),
        optimize="optimal" if len(inputs) <= _OPTIMAL else "greedy",
        cache=False,
    )
    return [pair for pair in found if len(pair) == 2]


def _group(nodes: Network) -> _Group:
    """Nodes, the part that they make, and its axes in terms of their own edges."""
    if len(nodes) <= _ALL_ORDERS:
        first = sorted(nodes, key=lambda node: node[0])
        names = [name for name, _ in first]
        orders = itertools.permutations(first)
        tried = (_renamed(order) for order in orders if [name for name, _ in order] == names)
        renamed, edges = min(tried)
    else:
        renamed, edges = _renamed(nodes)
    ends = Counter(edge for _, legs in renamed for edge in legs)
    legs = tuple(edge for edge in range(len(edges)) if ends[edge] == 1)
    return nodes, Part(renamed, legs), tuple(edges[edge] for edge in legs)


def _renamed(nodes: Network) -> tuple[Network, list[int]]:
    """Edges numbered as they appear, and which edge each number stands for."""
    number: dict[int, int] = {}
    for _, edges in nodes:
        for edge in edges:
            if edge not in number:
                number[edge] = len(number)
    renamed = tuple((name, tuple([number[edge] for edge in edges])) for name, edges in nodes)
    return renamed, list(number)


def _join(first: _Group, second: _Group, legs: tuple[int, ...]) -> Join:
    (_, left, a), (_, right, b) = first, second
    shared = [edge for edge in a if edge in b]
    kept = [edge for edge in a if edge not in b], [edge for edge in b if edge not in a]
    made = kept[0] + kept[1]
    orders = (
        tuple(a.index(edge) for edge in (*kept[0], *shared)),
        tuple(b.index(edge) for edge in (*shared, *kept[1])),
    )
    return Join(left, right, orders, len(shared), tuple(made.index(edge) for edge in legs))


class _Step(NamedTuple):
    """Fill the slot `out`; then forget the slots in `done`, which no later step reads."""

    out: int
    run: Callable[[Mapping[str, Array], list[Any]], Array]
    done: list[int]


class Program:
    """Contraction of several networks, each part once.

    Parameters
    ----------
    plans : sequence of Plan

    Attributes
    ----------
    peak : int
        Entries of all arrays that exist at one time, for one sample, the tensors left out.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._steps: list[_Step] = []
        self._slots: dict[tuple[Part, tuple[int, ...]], int] = {}
        self._last: dict[int, int] = {}  # slot: the step that reads it last
        sizes: list[int] = []
        for plan in plans:
            self._slot(plan.whole, plan, sizes)
        self._results = [self._slots[plan.whole, ()] for plan in plans]
        results = set(self._results)
        for slot, reader in self._last.items():
            if slot not in results:
                self._steps[reader].done.append(slot)
        self.peak = now = 0
        for step in self._steps:
            now += sizes[step.out]
            self.peak = max(self.peak, now)
            now -= sum(sizes[slot] for slot in step.done)
        del self._slots, self._last

    def run(self, tensors: Mapping[str, Array]) -> list[Array]:
        """The numbers that the networks stand for, (samples,) each."""
        filled: list[Any] = [None] * len(self._steps)
        for step in self._steps:
            filled[step.out] = step.run(tensors, filled)
            for slot in step.done:
                filled[slot] = None
        return [filled[slot] for slot in self._results]

    def _slot(self, part: Part, plan: Plan, sizes: list[int], order: tuple[int, ...] = ()) -> int:
        """Slot of a part, its axes in the given order; the steps to it are added if need be."""
        order = () if order == tuple(range(len(order))) else order
        if (part, order) in self._slots:
            return self._slots[part, order]
        if order:
            source = self._slot(part, plan, sizes)
            run, read = _turn(source, order), [source]
        elif len(part.nodes) == 1:
            [(name, edges)] = part.nodes
            run, read = _take(name, edges), []
        else:
            join = plan.joins[part]
            read = [
                self._slot(side, plan, sizes, turned)
                for side, turned in zip((join.left, join.right), join.orders, strict=True)
            ]
            run = _multiply(read[0], read[1], join.joined, join.order)
        out = len(self._steps)
        for slot in read:
            self._last[slot] = out
        self._steps.append(_Step(out, run, []))
        self._slots[part, order] = out
        sizes.append(plan.sizes[part])
        return out


def _take(name: str, edges: tuple[int, ...]) -> Callable[..., Array]:
    return lambda tensors, _: _traced(tensors[name], edges)


def _turn(source: int, order: tuple[int, ...]) -> Callable[..., Array]:
    return lambda _, filled: contiguous(_permute(filled[source], order))


def _multiply(left: int, right: int, n: int, order: tuple[int, ...]) -> Callable[..., Array]:
    def run(_: Mapping[str, Array], filled: list[Any]) -> Array:
        a, b = filled[left], filled[right]
        xp, samples = namespace(a, b), a.shape[0]
        rows, columns = a.shape[1 : a.ndim - n], b.shape[1 + n :]
        inner = math.prod(b.shape[1 : 1 + n])
        product = xp.reshape(a, (samples, math.prod(rows), inner)) @ xp.reshape(
            b, (samples, inner, math.prod(columns))
        )
        return _permute(xp.reshape(product, (samples, *rows, *columns)), order)

    return run


def programs(plans: Sequence[Plan], limit: float) -> list[Program]:
    """One program for all plans, or several that each need at most `limit` entries a sample."""
    program = Program(plans)
    if program.peak <= limit or len(plans) == 1:
        return [program]
    half = len(plans) // 2
    return [*programs(plans[:half], limit), *programs(plans[half:], limit)]


def itemsize(array: Array) -> int:
    """Bytes of one entry."""
    found: Any = getattr(array.dtype, "itemsize", None)
    if found is None:  # the array standard names no sizes
        found = namespace(array).finfo(array.dtype).bits // 8
        found *= 1 + str(array.dtype).rpartition(".")[2].startswith("complex")
    return int(found)


def _permute(array: Array, order: tuple[int, ...]) -> Array:
    """The axes after that of the samples, permuted."""
    if order == tuple(range(len(order))):
        return array
    return namespace(array).permute_dims(array, (0, *(1 + k for k in order)))


def _traced(tensor: Array, edges: tuple[int, ...]) -> Array:
    """`tensor` with every pair of legs on one edge summed; the others keep their order."""
    legs = list(edges)
    xp: Any = namespace(tensor)
    for edge in sorted(set(edges)):
        if legs.count(edge) == 2:
            i = legs.index(edge)
            j = legs.index(edge, i + 1)
            rest = [k for k in range(len(legs)) if k not in (i, j)]
            tensor = xp.linalg.trace(_permute(tensor, (*rest, i, j)))
            legs = [legs[k] for k in rest]
    return tensor
