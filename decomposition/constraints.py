"""What may be asked of single factors of a CP tensor, and how such factors are updated.

===========  ===================================================================================
fixed        the factor stays as in `init`, but for the lengths of its columns
orthogonal   orthonormal columns; their update is an orthogonal Procrustes problem
nonnegative  entries >= 0, by hierarchical alternating least squares
symmetric    several modes share one factor (`symmetric`)
===========  ===================================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from rankloom.decomposition.checks import check_real, mode_index
from rankloom.decomposition.cp_als import Rule, least_squares
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.hals import hals
from rankloom.decomposition.starts import Init, start
from rankloom.tn.arrays import Array, namespace, svd, to_host

KINDS = ("fixed", "orthogonal", "nonnegative", "symmetric")

Modes = int | tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Constraints:
    """Modes under each constraint; false when there are none.

    Attributes
    ----------
    shape : tuple of int
        Of the tensor to fit.
    fixed, orthogonal, nonnegative : tuple of int
    shared : tuple of tuple of int
        Groups of modes with one factor, of at least two each.
    """

    shape: tuple[int, ...]
    fixed: tuple[int, ...] = ()
    orthogonal: tuple[int, ...] = ()
    nonnegative: tuple[int, ...] = ()
    shared: tuple[tuple[int, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fixed or self.orthogonal or self.nonnegative or self.shared)

    def rules(self, ridge: float, eps: float) -> list[Rule | None]:
        """The update of every mode."""
        rules: list[Rule | None] = [least_squares(ridge, eps)] * len(self.shape)
        for k in self.fixed:
            rules[k] = None
        for k in self.orthogonal:
            rules[k] = partial(procrustes, ridge=ridge)
        for k in self.nonnegative:
            rules[k] = partial(hals, ridge=ridge)
        return rules

    def start(self, x: Array, rank: int, first: Init, k: int, rng: np.random.Generator) -> CPTensor:
        """Start number k: constraints hold, or come to hold with the first update of their mode."""
        found = start(x, rank, first if k == 0 else None, rng, shape=self.shape)
        factors = list(found.factors)
        for j in self.fixed:
            factors[j] = namespace(x).astype(first.factors[j], x.dtype)  # type: ignore[union-attr]
        free = next(j for j in range(len(factors)) if j not in self.fixed)
        factors[free] = factors[free] * found.weights  # no sign of a weight turns a fixed column
        for j in self.nonnegative:
            factors[j] = namespace(x).abs(factors[j])
        for group in self.shared:
            for j in group:
                factors[j] = factors[group[0]]
        return CPTensor._adopt(namespace(x).ones_like(found.weights), factors)


def check_constraints(
    wanted: Mapping[Modes, str] | None, x: Array, shape: tuple[int, ...], rank: int, init: Any
) -> Constraints:
    """The argument `constraints` of `cp`, checked.

    Raises
    ------
    TypeError, ValueError
        No mapping of modes to names; a mode that `x` does not have, or named twice; all modes
        fixed, or one fixed without an `init`; more orthogonal columns than rows; symmetric modes of
        different sizes or starts, or only one; nonnegative factors of complex data.
    """
    n = len(shape)
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    if not wanted:
        return Constraints(shape)
    if not isinstance(wanted, Mapping):
        raise TypeError(
            "`constraints` must map modes to names, such as {0: 'orthogonal', (1, 2): "
            f"'symmetric'}}, got {wanted!r}."
        )
    for modes, kind in wanted.items():
        if kind not in KINDS:
            raise ValueError(f"`constraints[{modes}]` must be one of {KINDS}, got {kind!r}.")
        group = tuple(
            mode_index("constraints", k, n)
            for k in (modes if isinstance(modes, tuple) else (modes,))
        )
        found[kind] += [group] if kind == "symmetric" else group
    named = [k for kind in KINDS[:3] for k in found[kind]]
    named += [k for group in found["symmetric"] for k in group]
    twice = sorted({k for k in named if named.count(k) > 1})
    if twice:
        raise ValueError(f"`constraints` names mode {twice[0]} more than once.")
    if found["fixed"] and not isinstance(init, CPTensor):
        raise ValueError("'fixed' factors are those of `init`: give a CPTensor.")
    if len(found["fixed"]) == n:
        raise ValueError("`constraints` fixes all modes; leave one free.")
    for k in found["orthogonal"]:
        if rank > shape[k]:
            raise ValueError(
                f"mode {k} of size {shape[k]} has no {rank} orthogonal columns; lower `rank`."
            )
    for group in found["symmetric"]:
        _check_group(group, shape, init)
    if found["nonnegative"]:
        check_real(x)
    return Constraints(
        shape,
        tuple(found["fixed"]),
        tuple(found["orthogonal"]),
        tuple(found["nonnegative"]),
        tuple(found["symmetric"]),
    )


def _check_group(group: Sequence[int], shape: Sequence[int], init: Any) -> None:
    if len(group) < 2:
        raise ValueError("'symmetric' needs two modes or more, as in {(0, 1): 'symmetric'}.")
    for j, k in pairwise(group):
        if shape[j] != shape[k]:
            raise ValueError(
                f"modes {j} and {k} cannot share a factor: their sizes are {shape[j]} and "
                f"{shape[k]}."
            )
        if isinstance(init, CPTensor):
            a, b = to_host(init.factors[j]), to_host(init.factors[k])
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-6, atol=0):
                raise ValueError(f"`init` must have the same factor in the modes {j} and {k}.")


def procrustes(y: Array, m: Array, g: Array, *, ridge: float = 0.0) -> Array:  # noqa: ARG001
    """Orthogonal rows of the lengths that minimise the error, directions first.

    With lengths w the best orthonormal rows are the polar factor of ``w M``, and with these the
    best lengths are ``|conj(a_r) M_r|``. Orthogonal terms do not see each other: `g` is not needed.
    """
    xp = namespace(m)
    lengths = xp.linalg.vector_norm(y, axis=1)
    u, _, vh = svd(lengths[:, None] * m)
    rows = u @ vh
    inner = xp.sum(xp.conj(rows) * m, axis=1)
    size = xp.abs(inner)
    none = size == 0
    turn = xp.where(none, xp.ones_like(inner), inner / xp.where(none, xp.ones_like(size), size))
    # a length of zero would lose the direction, which the others are orthogonal to
    best = xp.where(none, 1e-100 * xp.ones_like(size), size) / (1 + ridge)
    return (best * turn)[:, None] * rows
