"""Trace invariants of given tensors, many at once, sample by sample."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from rankloom.decomposition.checks import numeric, sequence
from rankloom.physics.freeness.invariant import Kind, TraceInvariant
from rankloom.physics.freeness.networks import Network, Program, itemsize, plan, programs
from rankloom.physics.freeness.permutations import Permutation
from rankloom.tn.arrays import Array, namespace

_KEPT = 2.5e8  # bytes of intermediate results that exist at one time


def trace_invariants(
    samples: Array, invariants: Sequence[TraceInvariant], *, memory: float = 2e9
) -> Array:
    """Values of trace invariants, of every sample.

    Parameters
    ----------
    samples : (S, N_1, .., N_D, N_1, .., N_D) or (S, N_1, .., N_D) array
        S tensors, of the mixed or of the pure kind. Rows come first: ``samples[s].reshape(d, d)``
        is the matrix A of the definition. Of any array library, real or complex.
    invariants : sequence of TraceInvariant
        All of one kind and number of colours.
    memory : float, default 2e9
        Largest size in bytes of one intermediate result.

    Returns
    -------
    (S, len(invariants)) array
        In the library of the samples. A disconnected invariant is the product of its components.

    Raises
    ------
    TypeError, ValueError
        Invariants of several kinds, samples of another shape, not numeric or not finite, or an
        invariant whose cheapest contraction needs more than `memory`.

    Notes
    -----
    Every connected invariant is contracted along a path found by cotengra, once (about 2 ms each
    for n = 4); parts that several invariants have in common are contracted once a call. At most
    250 MB of intermediate results exist at a time, unless a single sample needs more. Four copies
    of a D-coloured matrix can be split so that ``N**(8 D / 3)`` entries are enough.

    Examples
    --------
    >>> import numpy as np
    >>> swap = np.eye(4)[[0, 2, 1, 3]].reshape(1, 2, 2, 2, 2)
    >>> purity = TraceInvariant([(1, 0), (1, 0)])
    >>> trace_invariants(swap, [purity])
    array([[4.]])
    """
    wanted = check_invariants(invariants)
    kind, n_colours = wanted[0].kind, wanted[0].D
    samples = check_samples(samples, kind, n_colours)
    dims = tuple(samples.shape[1 : 1 + n_colours])
    split = [_components(t.perms, kind) for t in wanted]
    place = {c: k for k, c in enumerate(dict.fromkeys(c for found in split for c in found))}
    size = itemsize(samples)
    found, most = _programs(tuple(place), kind, dims, int(_KEPT / size))
    largest = most * size
    if largest > memory:
        raise ValueError(
            f"`invariants` need an intermediate result of {largest:.1e} bytes at `dims` = {dims}, "
            f"and `memory` allows {memory:.1e}. Raise it, or take fewer copies."
        )
    xp = namespace(samples)
    chunk = max(1, int(_KEPT / (size * max(program.peak for program in found))))
    pieces = []
    for start in range(0, samples.shape[0], chunk):
        stop = min(start + chunk, samples.shape[0])
        tensors = tensors_of(samples[start:stop, ...], kind)
        values = [value for program in found for value in program.run(tensors)]
        pieces.append(xp.stack(values, axis=1))
    table = xp.concat(pieces) if len(pieces) > 1 else pieces[0]
    if len(place) == len(split) and all(len(parts) == 1 for parts in split):
        return table
    columns = [math.prod(table[:, place[c]] for c in parts) for parts in split]
    return xp.stack(columns, axis=1)


@lru_cache(maxsize=1 << 16)
def _components(perms: tuple[Permutation, ...], kind: Kind) -> tuple[tuple[Permutation, ...], ...]:
    """Canonical permutations of the components of an invariant; remembered."""
    return tuple(c.perms for c in TraceInvariant(perms, kind).components)


@lru_cache(maxsize=32)
def _programs(
    parts: tuple[tuple[Permutation, ...], ...], kind: Kind, dims: tuple[int, ...], limit: int
) -> tuple[list[Program], int]:
    """Connected invariants in as few programs as `limit` entries allow, and the largest array."""
    plans = []
    for perms in parts:
        sizes = tuple(d for d in dims for _ in perms[0])
        plans.append(plan(network_of(perms, kind), sizes))
    return programs(plans, limit), max(max(p.sizes.values()) for p in plans)


def tensors_of(block: Array, kind: str) -> dict[str, Array]:
    """The tensors that stand at the nodes of the networks."""
    if kind == "mixed":
        return {"A": block}
    xp = namespace(block)
    complex_ = xp.isdtype(block.dtype, "complex floating")
    return {"T": block, "T*": xp.conj(block) if complex_ else block}


def network_of(perms: Sequence[Permutation], kind: Kind) -> Network:
    """The network of an invariant; edge ``c n + x`` starts at leg c of copy x of A or T.

    ``delta(j^c_x, i^c_{s_c(x)})`` ties column leg c of copy x to row leg c of copy s_c(x).
    """
    n = len(perms[0])
    rows = [tuple(c * n + x for c in range(len(perms))) for x in range(n)]
    columns = [tuple(c * n + s[x] for c, s in enumerate(perms)) for x in range(n)]
    if kind == "mixed":
        return tuple(("A", i + j) for i, j in zip(rows, columns, strict=True))
    return (*(("T", i) for i in rows), *(("T*", j) for j in columns))


def check_invariants(invariants: Any) -> list[TraceInvariant]:
    """The invariants as a list, after checking that they are of one kind.

    Raises
    ------
    TypeError, ValueError
        Not a sequence of TraceInvariant, empty, or of several kinds or numbers of colours.
    """
    wanted = sequence("invariants", invariants, "TraceInvariant objects")
    for k, t in enumerate(wanted):
        if not isinstance(t, TraceInvariant):
            raise TypeError(f"`invariants[{k}]` must be a TraceInvariant, got {t!r}.")
        if (t.kind, t.D) != (wanted[0].kind, wanted[0].D):
            raise ValueError(
                f"`invariants[{k}]` is {t.kind} with {t.D} colours, `invariants[0]` is "
                f"{wanted[0].kind} with {wanted[0].D}; ask for them in separate calls."
            )
    return wanted


def check_samples(samples: Any, kind: str, n_colours: int) -> Array:
    """Samples as a numeric array of one axis of samples and the legs that the kind has.

    Raises
    ------
    TypeError, ValueError
        Not numeric or finite, no sample, or legs that do not fit.
    """
    [array] = numeric(["samples"], [samples])
    legs = 2 * n_colours if kind == "mixed" else n_colours
    shape = tuple(array.shape)
    fits = len(shape) == 1 + legs and 0 not in shape
    if fits and kind == "mixed":
        fits = shape[1 : 1 + n_colours] == shape[1 + n_colours :]
    if not fits:
        one = ", ".join(f"N_{c + 1}" for c in range(n_colours))
        wanted = f"(S, {one}, {one})" if kind == "mixed" else f"(S, {one})"
        raise ValueError(
            f"`samples` of the {kind} kind with {n_colours} colours need shape {wanted}, got "
            f"{shape}. Matrices are reshaped first; one tensor is given as `tensor[None]`."
        )
    return array
