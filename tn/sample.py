"""Perfect sampling of matrix product states in Pauli bases.

With all sites but the first right-orthonormal, the probability of the outcomes on the first k sites
is the squared norm of the vector ``v`` that they leave on bond k, so sites are measured one after
another without any environment [1]_. A shot at site k has ``T[p] = v A_k[:, p, :]``; in the
eigenbasis of the Pauli matrix b it is ``T'[o] = sum_p R_b[o, p] T[p]`` with outcome probability
``|T'[o]|^2``, and goes on with ``v = T'[o] / |T'[o]|``. Shots travel as the rows of one matrix, so
a site is one matrix product for all of them, and the bases cost nothing.

References
----------
.. [1] A. J. Ferris and G. Vidal, arXiv:1201.3974, section III.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, is_numpy, like, namespace, one_blas_thread, to_host
from rankloom.tn.checks import integer
from rankloom.tn.mps import MPS
from rankloom.tn.samples import LETTERS, Samples

Rng: TypeAlias = np.random.Generator | int | None
Bases: TypeAlias = NDArray[np.uint8]

_BATCH_BYTES = 2**22  # what the vectors of one batch take: they stay in the cache
# Rows: eigenvectors <b, o| of X, Y, Z for outcomes +1, -1.
_ROTATIONS = np.array(
    [[[1, 1], [1, -1]], [[1, -1j], [1, 1j]], [[math.sqrt(2), 0], [0, math.sqrt(2)]]]
) / math.sqrt(2)


def sample(
    state: MPS,
    shots: int,
    basis: Any = None,
    rng: Rng = None,
    *,
    single: bool = False,
    batch: int | None = None,
) -> Samples:
    """Independent measurements of all sites, each shot on a fresh copy of `state`.

    Parameters
    ----------
    state : MPS
        Of norm one, with sites of dimension 2.
    shots : int
        Number of shots, at least 1.
    basis : str or array of int, optional
        None measures Z everywhere. ``"random-pauli"`` draws X, Y or Z for every site and shot,
        uniformly and independently. One letter serves all sites, n letters (``"XXZY"``) one site
        each. An array of 0, 1, 2 for X, Y, Z has shape (n,) or (shots, n).
    rng : Generator, seed or None
    single : bool, default False
        Compute in single precision: faster, with probabilities right to about 1e-6.
    batch : int, optional
        Shots that travel together; by default as many as keep their vectors within 4 MiB.

    Returns
    -------
    Samples
        ``bases`` (shots, n) uint8 and ``outcomes`` (shots, n) int8, on the host.

    Raises
    ------
    TypeError, ValueError
        `shots` < 1, an unknown letter, a basis of the wrong shape or kind, sites of another
        dimension, or a state whose norm is not one.

    Notes
    -----
    ``O(shots n D^2)``, and O(n D^3) once unless the centre of the state is site 0. Memory:
    ``2 shots n`` bytes for the result, a copy of the state when it is not yet in this form or
    precision, and for each shot of a batch ``48 D + 20 n`` bytes in complex128 (half the first term
    in complex64 or float64).

    The random numbers that decide a shot depend on the seed and on the number of the shot alone, so
    `batch` changes no outcome (but where rounding decides: about once in ``1e16 / n`` shots,
    ``1e7 / n`` in single precision).

    Examples
    --------
    >>> ghz = MPS.from_dense([1, 0, 0, 0, 0, 0, 0, 1]).normalize()
    >>> shots = sample(ghz, 100, rng=0)
    >>> sorted(shots.counts())
    ['000', '111']
    >>> sample(ghz, 100, basis="XXX", rng=0).expectation("XXX").value
    1.0
    """
    n = _check(state)
    shots = integer("shots", shots, 1)
    if batch is not None:
        batch = integer("batch", batch, 1)
    rng = np.random.default_rng(rng)
    bases = _bases(basis, shots, n, rng)
    with one_blas_thread():
        tensors = _prepared(state, single, complex_needed=bool((bases == 1).any()))
        outcomes = np.empty((shots, n), np.int8)
        width = 3 * max(state.bond_dimensions) * np.dtype(np.complex128).itemsize
        size = batch or max(32, _BATCH_BYTES // width)
        run = _host_batch() if is_numpy(*tensors) else _batch
        for start in range(0, shots, size):
            chosen = slice(start, min(start + size, shots))
            uniform = rng.random((chosen.stop - start, n))
            outcomes[chosen] = run(tensors, bases[chosen], uniform)
    return Samples._adopt(bases, outcomes)


def _host_batch() -> Callable[[list[Array], Bases, NDArray[np.float64]], NDArray[np.int8]]:
    """One batch on NumPy arrays, with the compiled kernel."""
    from rankloom.tn.sample_kernels import measure

    def run(tensors: list[Array], bases: Bases, uniform: NDArray[np.float64]) -> NDArray[np.int8]:
        shots, n = bases.shape
        dtype = tensors[0].dtype
        real = np.dtype(dtype.type(0).real.dtype)
        floats = dtype.itemsize // real.itemsize
        largest = max(t.shape[2] for t in tensors)
        left = np.ones((shots, 1), dtype)
        spare, halves = np.empty(shots * largest, dtype), np.empty(shots * 2 * largest, dtype)
        by_site, uniform = np.ascontiguousarray(bases.T), np.ascontiguousarray(uniform.T)
        outcomes = np.empty((n, shots), np.int8)
        for k, site in enumerate(tensors):
            dl, _, dr = site.shape
            product = halves[: shots * 2 * dr].reshape(shots, 2 * dr)
            np.dot(left, site.reshape(dl, 2 * dr), out=product)  # matmul costs 2 us more
            left = spare[: shots * dr].reshape(shots, dr)  # the product no longer needs the old one
            measure(
                product.view(real).reshape(shots, 2, floats * dr),
                by_site[k],
                uniform[k],
                outcomes[k],
                left.view(real),
            )
        return outcomes.T

    return run


def _batch(tensors: list[Array], bases: Bases, uniform: NDArray[np.float64]) -> NDArray[np.int8]:
    """One batch in plain array operations: the path of every library but NumPy, and the oracle."""
    xp = namespace(*tensors)
    shots = bases.shape[0]
    one = tensors[0]
    real = xp.float64 if one.dtype in (xp.float64, xp.complex128) else xp.float32
    rotations = _ROTATIONS if xp.isdtype(one.dtype, "complex floating") else _ROTATIONS.real
    left = like(one, np.ones((shots, 1)), one.dtype)
    chances = like(one, np.ascontiguousarray(uniform.T), real)
    downs = []
    for k, site in enumerate(tensors):
        dl, _, dr = site.shape
        halves = xp.reshape(left @ xp.reshape(site, (dl, 2 * dr)), (shots, 2, dr))
        turned = like(one, rotations[bases[:, k]], one.dtype) @ halves
        weights = xp.sum(xp.abs(turned) ** 2, axis=2)
        down = chances[k, :] * xp.sum(weights, axis=1) >= weights[:, 0]
        weight = xp.where(down, weights[:, 1], weights[:, 0])
        chosen = xp.where(down[:, None], turned[:, 1, :], turned[:, 0, :])
        left = chosen / xp.astype(xp.sqrt(weight), one.dtype)[:, None]
        downs.append(down)
    # one transfer from the device, after the last site
    return np.where(to_host(xp.stack(downs, axis=1)), -1, 1).astype(np.int8)


def _prepared(state: MPS, single: bool, complex_needed: bool) -> list[Array]:
    """Right-orthonormal tensors of norm one in the data type to compute in."""
    tensors = (state if state.center == 0 else state.canonicalize(0)).tensors
    xp = namespace(*tensors)
    norm = float(xp.linalg.vector_norm(tensors[0]))
    if not abs(norm - 1.0) <= float(xp.finfo(state.dtype).eps) ** 0.5:
        raise ValueError(
            f"`state` has norm {norm:.9g}, but outcomes have probabilities for norm 1 only. "
            "Pass `state.normalize()`."
        )
    dtype = xp.result_type(state.dtype, xp.complex64) if complex_needed else state.dtype
    if single:
        dtype = xp.complex64 if xp.isdtype(dtype, "complex floating") else xp.float32
    return [t if t.dtype == dtype else xp.astype(t, dtype) for t in tensors]


def _bases(basis: Any, shots: int, n: int, rng: np.random.Generator) -> Bases:
    """The basis of every shot and site, (shots, n), uint8."""
    if isinstance(basis, str) and basis == "random-pauli":
        return rng.integers(0, 3, (shots, n), dtype=np.uint8)
    if basis is None:
        basis = "Z"
    if isinstance(basis, str):
        if set(basis) - set(LETTERS) or len(basis) not in (1, n):
            raise ValueError(
                f"`basis` = {basis!r} must be 'random-pauli', or one letter X, Y, Z for all sites, "
                f"or {n} of them, one for each site."
            )
        found = np.array([LETTERS.index(letter) for letter in basis], np.uint8)
    else:
        found = to_host(basis) if not isinstance(basis, list | tuple) else np.array(basis)
        if found.dtype.kind not in "iu":
            raise TypeError(
                "`basis` must be None, a string or an array of integers 0, 1, 2 for X, Y, Z, got "
                f"{basis!r}."
            )
        if found.shape not in ((n,), (shots, n)):
            raise ValueError(
                f"`basis` must have shape ({n},) or ({shots}, {n}), got {found.shape}."
            )
        if not np.isin(found, (0, 1, 2)).all():
            raise ValueError(
                "`basis` must hold 0, 1, 2 for X, Y, Z, got values in "
                f"{found.min()}..{found.max()}."
            )
    return np.array(np.broadcast_to(found, (shots, n)), np.uint8)


def _check(state: Any) -> int:
    if not isinstance(state, MPS):
        raise TypeError(f"`state` must be an MPS, got {type(state).__name__}.")
    if set(state.physical_dimensions) != {2}:
        raise ValueError(f"Pauli bases need sites of dimension 2, got {state.physical_dimensions}.")
    return state.n_sites
