"""Classes of tuples as products of their components, vectorised over all classes of an order.

Values on the classes of each order are kept as arrays whose last axis runs over `class_forms`, in a
list by order; order 0 has one class, the empty tuple, with value 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.classes import class_forms, pack
from rankloom.physics.freeness.permutations import identity


@dataclass(frozen=True, eq=False)
class Group:
    """Classes of one order whose components have the same sizes.

    Parameters
    ----------
    members : (m,) integers
        Numbers of the classes.
    subsets : sequence of (order, numbers)
        Entry `mask` is the product of the components whose bits are set: its order, and its number
        in that order for each member. The first entry is empty, the last the class itself.
    """

    members: NDArray[np.intp]
    subsets: tuple[tuple[int, NDArray[np.intp]], ...]


@cache
def groups(colours: int, n: int) -> tuple[Group, ...]:
    """The classes of `colours` permutations of n elements, grouped by sizes of their components."""
    forms, _ = class_forms(colours, n)
    shapes = _block_ends(forms) @ (1 << np.arange(n))
    found = []
    for shape in np.unique(shapes):
        members = np.flatnonzero(shapes == shape)
        stops = np.flatnonzero(shape >> np.arange(n) & 1) + 1
        starts = np.concatenate(([0], stops[:-1]))
        subsets = []
        for mask in range(2 ** len(stops)):
            chosen = [k for k in range(len(stops)) if mask >> k & 1]
            subsets.append(_subset(colours, forms[members], starts[chosen], stops[chosen]))
        found.append(Group(members, tuple(subsets)))
    return tuple(found)


def _block_ends(forms: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where components end: [k, x] is True when none of class k reaches from x and before to after.

    In a canonical form components stand side by side, so that the greatest image so far tells.
    """
    if forms.shape[1] == 0:
        return np.ones((1, forms.shape[2]), bool)
    reach = np.maximum.accumulate(forms.max(axis=1), axis=1)
    ends: NDArray[np.bool_] = reach == np.array(identity(forms.shape[2]))
    return ends


def _subset(
    colours: int, forms: NDArray[np.uint8], starts: NDArray[Any], stops: NDArray[Any]
) -> tuple[int, NDArray[np.intp]]:
    """Order and class numbers of the blocks put side by side."""
    order, pieces = 0, []
    for start, stop in zip(starts, stops, strict=True):
        # modulo 256: the shift to the left may pass through negative numbers
        pieces.append(forms[:, :, start:stop] - np.uint8(start) + np.uint8(order))
        order += int(stop - start)
    if order == 0:
        return 0, np.zeros(len(forms), np.intp)
    form = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=2)
    return order, np.searchsorted(_keys(colours, order), pack(form))


@cache
def _keys(colours: int, n: int) -> NDArray[np.uint64]:
    return pack(class_forms(colours, n)[0])


Values = list[NDArray[Any]]


def union(colours: int, a: Values, b: Values) -> Values:
    """``sum over subsets S of the components of s of a_S b_rest``, for every order."""
    out = [np.ones_like(a[0] * b[0])]
    for n in range(1, len(a)):
        out.append(_empty(a[n], b[n]))
        for group in groups(colours, n):
            total: Any = 0
            for (i, left), (j, right) in zip(group.subsets, group.subsets[::-1], strict=True):
                total = total + a[i][..., left] * b[j][..., right]
            out[n][..., group.members] = total
    return out


def connected_part(colours: int, values: Values) -> Values:
    """Classical cumulants of the components: products of lower ones are subtracted.

    With the first component in block B, ``c_s = v_s - sum_B c_B v_rest`` over B short of all.
    """
    out = [values[0]]
    for n in range(1, len(values)):
        out.append(values[n].copy())
        for group in groups(colours, n):
            out[n][..., group.members] -= _with_first(group, out, values)
    return out


def from_connected_part(colours: int, parts: Values) -> Values:
    """The inverse of `connected_part`."""
    out = [parts[0]]
    for n in range(1, len(parts)):
        out.append(parts[n].copy())
        for group in groups(colours, n):
            out[n][..., group.members] += _with_first(group, parts, out)
    return out


def _with_first(group: Group, parts: Values, values: Values) -> Any:
    total: Any = 0
    for mask in range(1, len(group.subsets) - 1, 2):  # bit 0 is the first component
        i, left = group.subsets[mask]
        j, right = group.subsets[-1 - mask]
        total = total + parts[i][..., left] * values[j][..., right]
    return total


def multiplicative(colours: int, values: Values, connected: Sequence[NDArray[np.intp]]) -> Values:
    """Values on all classes from those on connected ones, as products over components.

    Parameters
    ----------
    values : list of arrays by order, over connected classes
    connected : list of integer arrays by order
        Numbers of these connected classes among all; others, and products with them, are 0.
    """
    out = [values[0]]
    for n in range(1, len(values)):
        count = len(class_forms(colours, n)[0])
        whole = np.zeros((*values[n].shape[:-1], count), values[n].dtype)
        whole[..., connected[n]] = values[n]
        out.append(whole)
        for group in groups(colours, n):
            if len(group.subsets) > 2:
                (i, first), (j, rest) = group.subsets[1], group.subsets[-2]
                whole[..., group.members] = out[i][..., first] * out[j][..., rest]
    return out


def _empty(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    shape = np.broadcast_shapes(a.shape, b.shape)
    return np.empty(shape, np.result_type(a, b))
