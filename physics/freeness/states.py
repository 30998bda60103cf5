"""Rényi, negativity and multiparty invariants of given pure states.

Local unitaries, and isometries too, leave trace invariants as they are. So each party of a matrix
product state is first brought to the space that it really uses: a block of neighbouring sites
between bonds of dimension l and r needs at most ``l r`` levels, however many sites it has. The
small tensor that is left, `local_core`, has the invariants of the whole state. Of the dense vector
nothing is ever formed.

All results are those of the normalised state.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.checks import numeric, sequence
from rankloom.physics.freeness.contraction import check_invariants, trace_invariants
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.permutations import identity
from rankloom.tn import MPS
from rankloom.tn.arrays import Array, namespace, one_blas_thread, svd, to_host, triangle
from rankloom.tn.checks import integer, site_index

State: TypeAlias = "MPS | Array"
Sites: TypeAlias = int | Sequence[int]

_LARGEST_MATRIX = 4096


def local_core(state: State, parties: Sequence[Sites], *, memory: float = 1e9) -> Array:
    """The small tensor that is equal to a state up to isometries of its parties.

    Parameters
    ----------
    state : MPS or (d_0, .., d_{n-1}) array
        A vector as an array has one axis per site.
    parties : sequence of (int or sequence of int)
        Sites of every party. Sites that are not named are the environment.
    memory : float, default 1e9
        Largest size in bytes of the tensor.

    Returns
    -------
    (r_1, .., r_D, r_env) array
        Norm 1; r_env is 1 where every site belongs to a party.

    Raises
    ------
    TypeError, ValueError
        A site that is not there or named twice, a state that is zero, or a tensor beyond `memory`.

    Notes
    -----
    A party of one block of sites between bonds l and r has ``r_c <= min(l r, its dimension)``; one
    of several blocks, the product of theirs at most. QR factorisations of (d l r, l r) matrices.

    Examples
    --------
    >>> state = MPS.random(40, 3, rng=0)
    >>> local_core(state, [range(0, 20), range(20, 40)]).shape
    (3, 3, 1)
    """
    groups = sequence("parties", parties, "groups of sites, one per party")
    tensors = _site_tensors(state)
    label = [len(groups)] * len(tensors)  # the environment comes last
    for p, group in enumerate(groups):
        listed = [group] if isinstance(group, (int, np.integer)) else list(group)
        if not listed:
            raise ValueError(f"`parties[{p}]` names no site.")
        for site in listed:
            k = site_index(f"parties[{p}]", site, len(tensors))
            if label[k] != len(groups):
                raise ValueError(f"`parties` names site {k} twice.")
            label[k] = p
    blocks: list[tuple[int, Array]] = []
    for owner, site in zip(label, tensors, strict=True):
        if blocks and blocks[-1][0] == owner:
            blocks[-1] = owner, _compressed(_merged(blocks[-1][1], site))
        else:
            blocks.append((owner, _compressed(site)))
    core = _assembled(blocks, len(groups) + 1, memory)
    norm = namespace(core).linalg.vector_norm(core)
    return core / norm


def state_invariants(
    state: State,
    invariants: Sequence[TraceInvariant],
    parties: Sequence[Sites],
    *,
    memory: float = 2e9,
) -> Array:
    """Trace invariants of a pure state shared by several parties, or of its reduced state.

    Parameters
    ----------
    state : MPS or (d_0, .., d_{n-1}) array
    invariants : sequence of TraceInvariant
        Mixed ones are those of the density matrix of the parties, with the other sites traced out;
        pure ones need every site to belong to a party.
    parties : sequence of (int or sequence of int)
        Sites of every party, one party per colour.
    memory : float, default 2e9
        Largest size in bytes of the core and of one intermediate result.

    Returns
    -------
    (len(invariants),) array

    Raises
    ------
    TypeError, ValueError
        As `local_core` and `trace_invariants`; or parties that do not fit the colours.

    Examples
    --------
    A GHZ state of three parties and the invariant of the complete bipartite graph of six vertices:

    >>> from rankloom.tn.reference import ghz
    >>> k33 = TraceInvariant([(0, 1, 2), (1, 2, 0), (2, 0, 1)], kind="pure")
    >>> state_invariants(ghz(30), [k33], [range(10), range(10, 20), range(20, 30)]).real.round(12)
    array([0.25])
    """
    wanted = check_invariants(invariants)
    if len(parties) != wanted[0].D:
        raise ValueError(
            f"`parties` needs one group of sites per colour: {wanted[0].D}, got {len(parties)}."
        )
    core = local_core(state, parties, memory=memory)
    if wanted[0].kind == "pure":
        if core.shape[-1] != 1:
            raise ValueError(
                "`parties` leave sites out, so what they share is not pure. Ask for mixed "
                "invariants, or name every site."
            )
        return trace_invariants(core[None, ..., 0], wanted, memory=memory)[0, :]
    # A reduced state is a pure one with a further party, whose copies are not permuted.
    pure = [TraceInvariant((*t.perms, identity(t.n)), "pure") for t in wanted]
    return trace_invariants(core[None, ...], pure, memory=memory)[0, :]


def renyi_moments(state: State, sites: Sites, order: int) -> NDArray[np.float64]:
    """``Tr rho^n`` of the reduced state of some sites, n = 1 .. order.

    The Rényi entropy is ``log(Tr rho^n) / (1 - n)``.

    Parameters
    ----------
    state : MPS or (d_0, .., d_{n-1}) array
    sites : int or sequence of int
    order : int

    Returns
    -------
    (order,) array

    Raises
    ------
    TypeError, ValueError
        As `local_core`.

    Examples
    --------
    >>> from rankloom.tn.reference import ghz
    >>> renyi_moments(ghz(50), range(25), 4).round(12)
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    order = integer("order", order, 1)
    weights = to_host(svd(local_core(state, [sites]))[1]) ** 2
    return np.array([np.sum(weights**n) for n in range(1, order + 1)])


def partial_transpose_spectrum(state: State, a: Sites, b: Sites) -> NDArray[np.float64]:
    """Eigenvalues of the partial transpose of the reduced state of two parties, ascending.

    Zeros of the full matrix may be missing: those outside what the parties use.

    Parameters
    ----------
    state : MPS or (d_0, .., d_{n-1}) array
    a, b : int or sequence of int
        Sites of the two parties; the others are traced out.

    Returns
    -------
    (r_a r_b,) array

    Raises
    ------
    TypeError, ValueError
        As `local_core`; or a matrix of more than 4096 rows.

    Examples
    --------
    The negativity of a Bell pair is 1/2:

    >>> bell = MPS.from_dense([1, 0, 0, 1])
    >>> partial_transpose_spectrum(bell, 0, 1).round(12)
    array([-0.5,  0.5,  0.5,  0.5])
    """
    core = local_core(state, [a, b])
    ra, rb, _ = core.shape
    if ra * rb > _LARGEST_MATRIX:
        raise ValueError(
            f"the parties use {ra} x {rb} levels, a matrix of {ra * rb} rows; the limit is "
            f"{_LARGEST_MATRIX}. `state_invariants` needs no such matrix for a moment of low order."
        )
    xp = namespace(core)
    flat = xp.reshape(core, (ra * rb, -1))
    rho = xp.reshape(flat @ xp.conj(flat).mT, (ra, rb, ra, rb))
    turned = xp.reshape(xp.permute_dims(rho, (0, 3, 2, 1)), (ra * rb, ra * rb))
    return to_host(xp.linalg.eigvalsh(turned))


def partial_transpose_moments(state: State, a: Sites, b: Sites, order: int) -> NDArray[np.float64]:
    """``Tr (rho^T_b)^n`` of the reduced state of two parties, n = 1 .. order.

    Parameters
    ----------
    state : MPS or (d_0, .., d_{n-1}) array
    a, b : int or sequence of int
        Sites of the two parties.
    order : int

    Returns
    -------
    (order,) array

    Raises
    ------
    TypeError, ValueError
        As `partial_transpose_spectrum`.

    Examples
    --------
    >>> bell = MPS.from_dense([1, 0, 0, 1])
    >>> partial_transpose_moments(bell, 0, 1, 3).round(12)
    array([1.  , 1.  , 0.25])
    """
    order = integer("order", order, 1)
    values = partial_transpose_spectrum(state, a, b)
    return np.array([np.sum(values**n) for n in range(1, order + 1)])


def mean_purity(state: MPS) -> float:
    """Purity of a part of the chain, averaged over all ``2^n`` choices of the part.

    Parameters
    ----------
    state : MPS

    Returns
    -------
    float
        1 for a product state; smaller the more of its bipartitions are entangled.

    Notes
    -----
    The sum over all parts factorises over the sites: in two copies of the state, each site is
    either joined to itself or swapped. O(n d D^5) time and O(d^2 D^4) memory.

    Examples
    --------
    >>> from rankloom.tn.reference import ghz
    >>> round(mean_purity(ghz(10)), 12) == 0.5 + 0.5 ** 10
    True
    """
    tensors = _site_tensors(state)
    xp = namespace(*tensors)
    env = xp.ones_like(xp.reshape(tensors[0], (-1,))[:1])
    env = xp.reshape(env, (1, 1, 1, 1))  # bonds of ket, bra, ket, bra
    with one_blas_thread(max(t.shape[0] for t in tensors)):
        for site in tensors:
            left, d, right = site.shape
            ket, bra = xp.reshape(site, (left, -1)), xp.reshape(xp.conj(site), (left, -1))
            for matrix in (ket, bra, ket, bra):  # each takes the first bond, its legs go last
                rest = env.shape[1:]
                env = xp.reshape(env, (left, -1)).mT @ matrix
                env = xp.reshape(env, (*rest, d, right))
            # legs (s, r) of ket, bra, ket, bra; joined as (ket bra)(ket bra) or crossed
            env = xp.permute_dims(env, (1, 3, 5, 7, 0, 2, 4, 6))
            straight = xp.linalg.trace(xp.linalg.trace(_last_pairs(env, (4, 5), (6, 7))))
            crossed = xp.linalg.trace(xp.linalg.trace(_last_pairs(env, (4, 7), (5, 6))))
            env = (straight + crossed) / 2
    return float(xp.real(env[0, 0, 0, 0]))


def page_entropy(a: int, b: int) -> Fraction:
    """Mean entanglement entropy, in nats, of a Haar random state on ``C^a x C^b``.

    ``sum_{k=b+1}^{ab} 1/k - (a - 1) / (2 b)`` for a <= b: D. Page, Phys. Rev. Lett. 71, 1291
    (1993).

    Parameters
    ----------
    a, b : int

    Raises
    ------
    TypeError, ValueError
        Not integers >= 1.

    Examples
    --------
    >>> page_entropy(2, 2)
    Fraction(1, 3)
    """
    a, b = sorted((integer("a", a, 1), integer("b", b, 1)))
    total = sum((Fraction(1, k) for k in range(b + 1, a * b + 1)), Fraction(0))
    return total - Fraction(a - 1, 2 * b)


def _site_tensors(state: State) -> list[Array]:
    """Tensors (left, physical, right) of the normalised state."""
    if isinstance(state, MPS):
        if not state.norm() > 0.0:
            raise ValueError("`state` is zero: it has no direction and no invariants.")
        return list(state.normalize().tensors)
    [array] = numeric(["state"], [state])
    if array.ndim == 0 or 0 in array.shape:
        raise ValueError(f"`state` needs one axis per site, got shape {tuple(array.shape)}.")
    xp = namespace(array)
    norm = float(xp.linalg.vector_norm(array))
    if not norm > 0.0:
        raise ValueError("`state` is zero: it has no direction and no invariants.")
    rest, tensors = xp.reshape(array / norm, (1, -1)), []
    for d in array.shape[:-1]:
        u, s, vh = svd(xp.reshape(rest, (rest.shape[0] * d, -1)))
        tensors.append(xp.reshape(u, (rest.shape[0], d, -1)))
        rest = xp.astype(s, vh.dtype)[:, None] * vh
    return [*tensors, xp.reshape(rest, (rest.shape[0], array.shape[-1], 1))]


def _merged(block: Array, site: Array) -> Array:
    """Two blocks (left, physical, right) as one."""
    xp = namespace(block)
    left, d, bond = block.shape
    joined = xp.reshape(block, (-1, bond)) @ xp.reshape(site, (bond, -1))
    return xp.reshape(joined, (left, d * site.shape[1], site.shape[2]))


def _compressed(block: Array) -> Array:
    """An equivalent block with at most as many levels as its bonds can tell apart."""
    xp = namespace(block)
    left, d, right = block.shape
    if d <= left * right:
        return block
    matrix = xp.reshape(xp.permute_dims(block, (1, 0, 2)), (d, left * right))
    return xp.permute_dims(xp.reshape(triangle(matrix), (-1, left, right)), (1, 0, 2))


def _assembled(blocks: Sequence[tuple[int, Array]], n_parties: int, memory: float) -> Array:
    """All blocks in one tensor with a leg for every party."""
    first = blocks[0][1]
    xp = namespace(first)
    core = xp.reshape(xp.ones_like(xp.reshape(first, (-1,))[:1]), (1,) * (n_parties + 1))
    for owner, block in blocks:
        bond, d, right = block.shape
        entries = math.prod(core.shape[:-1]) * d * right
        if entries * 16 > memory:
            raise ValueError(
                f"the parties share a tensor of {entries:.1e} entries, {entries * 16.0:.1e} bytes; "
                f"`memory` allows {memory:.1e}. Take parties of fewer separate blocks of sites, "
                "or a smaller bond dimension."
            )
        legs = core.shape[:-1]
        core = xp.reshape(
            xp.reshape(core, (-1, bond)) @ xp.reshape(block, (bond, -1)), (*legs, d, right)
        )
        axes = list(range(n_parties))
        core = xp.permute_dims(
            core, (*axes[: owner + 1], n_parties, *axes[owner + 1 :], n_parties + 1)
        )
        shape = [*legs, right]
        shape[owner] *= d
        core = _compressed_leg(xp.reshape(core, tuple(shape)), owner)
    return core[..., 0]


def _compressed_leg(core: Array, leg: int) -> Array:
    """The same up to an isometry of one leg, no longer than all others together."""
    xp = namespace(core)
    size = core.shape[leg]
    others = [k for k in range(core.ndim) if k != leg]
    rest = math.prod(core.shape[k] for k in others)
    if size <= rest:
        return core
    matrix = xp.reshape(xp.permute_dims(core, (leg, *others)), (size, rest))
    turned = xp.reshape(triangle(matrix), (-1, *(core.shape[k] for k in others)))
    return xp.permute_dims(turned, tuple(np.argsort([leg, *others]).tolist()))


def _last_pairs(x: Any, first: tuple[int, int], second: tuple[int, int]) -> Any:
    """Axes moved to the end for two traces in turn."""
    rest = [k for k in range(x.ndim) if k not in (*first, *second)]
    return namespace(x).permute_dims(x, (*rest, *first, *second))
