"""Reduced density matrices of a few sites."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rankloom.tn.arrays import Array, like, namespace, one_blas_thread
from rankloom.tn.checks import site_index

if TYPE_CHECKING:
    from rankloom.tn.mps import MPS

_LIMIT = 2**10


def reduced_density_matrix(state: "MPS", sites: int | Sequence[int]) -> Array:
    """Density matrix of some sites, the others traced out; see `MPS.reduced_density_matrix`."""
    named = list(sites) if isinstance(sites, Iterable) else [sites]
    chosen = [site_index("sites", k, state.n_sites) for k in named]
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError(f"`sites` must name one or more different sites, got {sites}.")
    dimensions = state.physical_dimensions
    size = math.prod(dimensions[k] for k in chosen)
    if size > _LIMIT:
        raise ValueError(
            f"the density matrix of {len(chosen)} sites has {size} rows; the limit is {_LIMIT} "
            "(10 spins). `expectation`, `correlation` and `entropies` need no such matrix."
        )
    # Left and right of the chosen sites everything is orthonormal and drops out.
    ordered = sorted(chosen)
    with one_blas_thread(max(state.bond_dimensions)):
        tensors = state.canonicalize(ordered[0]).tensors
        xp = namespace(*tensors)
        middle = _middle([dimensions[k] for k in ordered])
        first, cut, last = ordered[0], ordered[middle], ordered[-1]
        left = _collect(tensors[first:cut], [k - first for k in ordered[:middle]], tensors[cut])
        mirrored = [xp.permute_dims(t, (2, 1, 0)) for t in reversed(tensors[cut : last + 1])]
        right = _collect(mirrored, [last - k for k in ordered[middle:]], mirrored[0])
        joined = xp.reshape(left, (left.shape[0], -1)) @ xp.reshape(right, (right.shape[0], -1)).mT
    # Each chosen site brought two legs, (ket, bra), in the order in which it was met.
    met = ordered[:middle] + ordered[middle:][::-1]
    legs = xp.reshape(joined, tuple(d for k in met for d in (dimensions[k],) * 2))
    order = [2 * met.index(k) for k in chosen]
    return xp.reshape(xp.permute_dims(legs, (*order, *(i + 1 for i in order))), (size, size))


def _collect(tensors: Sequence[Array], chosen: Sequence[int], follower: Array) -> Array:
    """Sites from the left, the chosen ones open: ``(legs, ket bond, bra bond)``.

    Before the first of them there is the identity; without any, it is that before `follower`.
    """
    first = tensors[0] if tensors else follower
    xp = namespace(first)
    env = like(first, np.eye(first.shape[0])[None, :, :], first.dtype)
    for k, site in enumerate(tensors):
        dl, d, dr = site.shape
        ket = xp.reshape(xp.permute_dims(env, (0, 2, 1)), (-1, dl)) @ xp.reshape(site, (dl, -1))
        ket = xp.reshape(ket, (env.shape[0], dl, d, dr))  # (legs, bra bond, s, ket bond)
        if k in chosen:
            flat = xp.reshape(xp.permute_dims(ket, (0, 2, 3, 1)), (-1, dl))
            both = flat @ xp.conj(xp.reshape(site, (dl, d * dr)))
            both = xp.reshape(both, (env.shape[0], d, dr, d, dr))
            env = xp.reshape(xp.permute_dims(both, (0, 1, 3, 2, 4)), (-1, dr, dr))
        else:
            flat = xp.reshape(xp.permute_dims(ket, (0, 3, 1, 2)), (-1, dl * d))
            env = xp.reshape(flat @ xp.conj(xp.reshape(site, (dl * d, dr))), (-1, dr, dr))
    return env


def _middle(sizes: Sequence[int]) -> int:
    """How many of the first sites to collect from the left, so that both sides stay small."""
    left, total = 1, math.prod(sizes)
    for k, d in enumerate(sizes):
        if left * d * left * d > total * d:
            return k
        left *= d
    return len(sizes) - 1
