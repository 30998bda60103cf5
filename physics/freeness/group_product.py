"""Products in the group algebra of S_n^D, for functions that do not see renaming."""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.classes import check_memory, class_forms, class_table
from rankloom.physics.freeness.permutations import all_permutations, rank


def group_product(D: int, n: int, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """``c_s = sum_{t u = s} a_t b_u`` over D-tuples, for values on classes.

    Raises
    ------
    MemoryError
        Two arrays over all (n!)^D tuples would not fit.
    """
    count = math.factorial(n)
    check_memory(f"A product over all (n!)^D = {count**D:,} tuples", 24 * count**D, "Lower `n`.")
    forms, _ = class_forms(D, n)
    classes = _class_of_tuples(D, n)
    left, right = a[classes], b[classes]
    perms = all_permutations(n)
    inverses = np.argsort(perms, axis=1)
    out = np.empty(len(forms), np.result_type(a, b))
    for k, form in enumerate(forms):
        # ranks of u_c = t_c^-1 s_c for all t_c, then the place of (u_1, .., u_D) for all t
        place = np.zeros(1, np.int64)
        for s in form:
            ranks = rank(inverses[:, s])
            place = (place[:, None] * count + ranks).reshape(-1)
        out[k] = left @ right[place]
    return out


@cache
def _class_of_tuples(D: int, n: int) -> NDArray[np.int32]:
    """Class of each tuple of ranks, the first colour slowest; ((n!)^D,)."""
    table = class_table(D, n)
    perms = all_permutations(n)
    count = len(perms)
    out = np.empty(count**D, np.int32)
    step = count ** (D - 1)
    grids = np.unravel_index(np.arange(step), (count,) * (D - 1)) if D > 1 else ()
    rest = [perms[g][:, None] for g in grids]
    for first in range(count):
        head = np.broadcast_to(perms[first], (step, 1, n))
        out[first * step : (first + 1) * step] = table.classify(
            np.concatenate([head, *rest], axis=1)
        )
    return out
