"""Exact results to hold approximate ones against.

The transverse-field Ising chain ``H = -j sum ZZ - g sum X`` with open ends is a chain of free
fermions, solved for any n by matrices of size n. In the Majorana operators ``a_2k = X..X Z_k`` and
``a_2k+1 = X..X Y_k`` (X on all sites before k)::

    X_k = i a_2k a_2k+1      Z_k Z_k+1 = i a_2k+1 a_2k+2      H = (i/4) sum A_pq a_p a_q

the real antisymmetric A evolves the operators, ``a(t) = exp(A t) a``, and its singular values are
the energies of one particle [1]_, [2]_. Chains of few sites are diagonalised.

References
----------
.. [1] P. Pfeuty, Ann. Phys. 57, 79 (1970), doi:10.1016/0003-4916(70)90270-8.
.. [2] G. Vidal, J. I. Latorre, E. Rico, A. Kitaev, arXiv:quant-ph/0211074, entropies of blocks.
.. [3] I. Affleck, T. Kennedy, E. H. Lieb, H. Tasaki, PRL 59, 799 (1987),
   doi:10.1103/PhysRevLett.59.799.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn.checks import integer, site_index
from rankloom.tn.mpo import MPO
from rankloom.tn.mps import MPS
from rankloom.tn.pauli import spin_matrices
from rankloom.tn.spinchain import SpinChain, Values

_DENSE = 1024
_LARGEST = 2**22

Floats = NDArray[np.float64]


def ising_energies(n: int, j: Values = 1.0, g: Values = 1.0) -> tuple[float, Floats]:
    """Ground energy and one-particle gaps of the transverse-field Ising chain.

    Parameters
    ----------
    n : int
        Number of sites.
    j, g : float or sequence of float
        As in `SpinChain.ising`: n - 1 couplings, n fields.

    Returns
    -------
    energy : float
    gaps : (n,) array
        Energies of one particle, ascending. Every sum of different ones is an excitation energy:
        the first excited state lies ``gaps[0]`` above the ground state, which for g < j is
        exponentially little (and here right to 1e-15 times the largest gap).

    Notes
    -----
    The gaps are the singular values of a bidiagonal matrix, O(n^3).

    Examples
    --------
    At g = j = 1 the energy is ``1 - 1 / sin(pi / (4 n + 2))``:

    >>> energy, gaps = ising_energies(50)
    >>> round(energy, 9), round(1 - 1 / math.sin(math.pi / 202), 9)
    (-63.301189155, -63.301189155)
    """
    gaps = np.array(np.linalg.svd(_ising_matrix(n, j, g), compute_uv=False)[::-1])
    return -0.5 * float(gaps.sum()), gaps


class FreeFermions(NamedTuple):
    """Exact observables of an Ising chain, at one time or at several."""

    magnetization: Floats
    """``<X_k>``, shape (.., n)."""
    entropies: Floats
    """Entanglement entropies in nats at the cuts 1 .. n-1, shape (.., n-1)."""


def ising_ground_state(n: int, j: Values = 1.0, g: Values = 1.0) -> FreeFermions:
    """Exact transverse magnetisation and entropies in the ground state.

    For g < j the true ground state is the even superposition of both magnetised states, with an
    entropy ln 2 above that of either; a solver may as well return one of them. O(n^4).

    Examples
    --------
    >>> energies, vectors = spectrum(SpinChain.ising(8, g=1.2))
    >>> entropy = MPS.from_dense(vectors[:, 0]).entropy(4)
    >>> bool(abs(ising_ground_state(8, g=1.2).entropies[3] - entropy) < 1e-10)
    True
    """
    u, _, vh = np.linalg.svd(_ising_matrix(n, j, g))
    return _observables(_covariance(-u @ vh))


def ising_quench(n: int, j: Values = 1.0, g: Values = 1.0, *, times: ArrayLike) -> FreeFermions:
    """Exact magnetisation and entanglement after a quench from ``|+..+>``, all spins along x.

    Parameters
    ----------
    n, j, g
        The chain that evolves the state, as in `SpinChain.ising`.
    times : (m,) array_like

    Returns
    -------
    FreeFermions
        Shapes (m, n) and (m, n-1). O(m n^4).

    Examples
    --------
    >>> from rankloom.tn import evolve
    >>> run = evolve(MPS.product([[1, 1]] * 8), SpinChain.ising(8, g=0.5), time=1.0, steps=100)
    >>> exact = ising_quench(8, g=0.5, times=[1.0])
    >>> bool(abs(exact.entropies[0, 3] - run.state.entropy(4)) < 1e-3)
    True
    """
    matrix = _ising_matrix(n, j, g)
    generator = np.zeros((2 * len(matrix), 2 * len(matrix)))
    generator[::2, 1::2], generator[1::2, ::2] = matrix, -matrix.T
    # i A is Hermitian: exp(A t) from its eigenvectors
    energies, modes = np.linalg.eigh(1j * generator)
    start = _covariance(np.eye(len(matrix)))
    found = []
    for time in np.asarray(times, dtype=float).reshape(-1):
        turn = ((modes * np.exp(-1j * time * energies)) @ modes.conj().T).real
        found.append(_observables(turn @ start @ turn.T))
    return FreeFermions(*(np.array(values) for values in zip(*found, strict=True)))


def spectrum(chain: SpinChain | MPO, k: int = 1) -> tuple[Floats, NDArray[Any]]:
    """The k lowest energies and eigenvectors of a small chain by diagonalisation.

    Parameters
    ----------
    chain : SpinChain or MPO
        Hermitian, with at most 2^22 basis states.
    k : int, default 1

    Returns
    -------
    energies : (k,) array
        Ascending.
    vectors : (N, k) array
        Site 0 slowest.

    Raises
    ------
    ValueError
        Too many states, an operator that is not Hermitian, or k out of range.

    Notes
    -----
    Dense up to 1024 states. Above, Lanczos iterations (ARPACK) that apply the operator site by
    site, O(N n w) each, with about ``16 N (2 k + 20)`` bytes; copies of a degenerate level may
    then be missed, so ask for more levels than you need.

    Examples
    --------
    >>> energies, _ = spectrum(SpinChain.heisenberg(6), k=4)
    >>> energies.round(6)  # a singlet and a triplet
    array([-2.493577, -2.001995, -2.001995, -2.001995])
    """
    operator = chain.mpo() if isinstance(chain, SpinChain) else chain
    if not isinstance(operator, MPO):
        raise TypeError(f"`chain` must be a SpinChain or MPO, got {type(chain).__name__}.")
    if not operator.is_hermitian:
        raise ValueError("`chain` is not Hermitian: it has no lowest energies.")
    size, k = math.prod(operator.physical_dimensions), integer("k", k, 1)
    if size > _LARGEST or k > size:
        raise ValueError(
            f"`chain` has {size:.3g} states and k = {k} levels are asked for; the limit is 2^22 "
            "states and as many levels as states. `ground_state` treats long chains."
        )
    operator = operator.to_host()
    if size <= _DENSE or 4 * k > size:
        energies, vectors = np.linalg.eigh(operator.to_dense())
        return energies[:k], vectors[:, :k]
    from scipy.sparse.linalg import LinearOperator, eigsh

    product = LinearOperator(
        (size, size), matvec=lambda v: on_vector(operator.tensors, v), dtype=operator.dtype
    )
    start = np.random.default_rng(0).standard_normal(size).astype(operator.dtype)
    energies, vectors = eigsh(product, k, which="SA", v0=start, ncv=min(size, 2 * k + 20))
    order = np.argsort(energies)
    return energies[order], vectors[:, order]


def ghz(n: int) -> MPS:
    """``(|0..0> + |1..1>) / sqrt 2``: bond dimension 2, entropy ln 2 at every cut.

    Examples
    --------
    >>> ghz(3).to_dense().round(3)
    array([0.707, 0.   , 0.   , 0.   , 0.   , 0.   , 0.   , 0.707])
    """
    bulk = np.zeros((2, 2, 2))
    bulk[0, 0, 0] = bulk[1, 1, 1] = 1.0
    return _uniform(n, bulk, [1.0, 1.0], [1.0, 1.0])


def w(n: int) -> MPS:
    """``(|10..0> + |010..0> + .. + |0..01>) / sqrt n``: the entropy at cut l is that of l/n.

    Examples
    --------
    >>> (3 * w(3).to_dense() ** 2).round(12)
    array([0., 1., 1., 0., 1., 0., 0., 0.])
    """
    bulk = np.zeros((2, 2, 2))
    bulk[0, 0, 0] = bulk[1, 0, 1] = bulk[0, 1, 1] = 1.0
    return _uniform(n, bulk, [1.0, 0.0], [0.0, 1.0])


def aklt(n: int, left: int = 0, right: int = 1) -> MPS:
    """Ground state of the spin-1 chain of Affleck, Kennedy, Lieb and Tasaki [3]_, norm one.

    Parameters
    ----------
    n : int
        Number of sites of dimension 3 (S^z = 1, 0, -1).
    left, right : {0, 1}
        Bond indices at the ends: the free spins 1/2 there, which make the ground level of the open
        chain fourfold.

    Examples
    --------
    >>> bool(abs(aklt(12).expectation(aklt_hamiltonian(12)) + 2 / 3 * 11) < 1e-12)
    True
    """
    plus, zero = np.array([[0, 1], [0, 0]]) * math.sqrt(2 / 3), np.diag([-1, 1]) / math.sqrt(3)
    ends = np.eye(2)[[site_index("left", left, 2), site_index("right", right, 2)]]
    return _uniform(n, np.stack([plus, zero, -plus.T], axis=1), *ends)


def aklt_hamiltonian(n: int) -> MPO:
    """``sum S.S + (S.S)^2 / 3`` on n spins 1: each bond of a ground state has energy -2/3."""
    spin = spin_matrices(1)
    terms: list[Any] = []
    for k in range(integer("n", n, 2) - 1):
        terms += [(1.0, (s, s), (k, k + 1)) for s in spin]
        terms += [(1 / 3, (s @ t, s @ t), (k, k + 1)) for s in spin for t in spin]
    return MPO.from_products([3] * n, terms)


def _uniform(n: int, bulk: Floats, left: Sequence[float], right: Sequence[float]) -> MPS:
    """Normalised state of n equal site tensors between two boundary vectors."""
    tensors = [bulk] * integer("n", n, 1)
    tensors[0] = np.tensordot(np.asarray(left), tensors[0], 1)[None]
    tensors[-1] = (tensors[-1] @ np.asarray(right))[..., None]
    return MPS(tuple(tensors)).canonicalize(0).normalize().compress().state


def _ising_matrix(n: int, j: Values, g: Values) -> Floats:
    """Block of A between even and odd Majorana operators, (n, n), bidiagonal."""
    chain = SpinChain.ising(n, j, g)  # the checks
    return 2.0 * (np.diag(chain.fields[:, 0]) - np.diag(chain.couplings[:, 2], -1))


def _covariance(block: Floats) -> Floats:
    """``<i a_p a_q>`` for p != q, (2n, 2n), from its block between even and odd operators."""
    out = np.zeros((2 * len(block), 2 * len(block)))
    out[::2, 1::2], out[1::2, ::2] = block, -block.T
    return out


def _observables(covariance: Floats) -> FreeFermions:
    """Magnetisation, and the entropies of the modes of the first sites."""
    entropies = []
    for k in range(2, len(covariance), 2):
        occupied = np.linalg.svd(covariance[:k, :k], compute_uv=False)[::2]  # in pairs
        p = np.clip((1 + occupied) / 2, 0.5, 1.0)
        q = 1 - p
        with np.errstate(divide="ignore", invalid="ignore"):
            entropies.append(-np.sum(p * np.log(p) + np.where(q > 0, q * np.log(q), 0.0)))
    return FreeFermions(np.diag(covariance, 1)[::2].copy(), np.array(entropies))


def on_vector(operator: Sequence[NDArray[Any]], vector: NDArray[Any]) -> NDArray[Any]:
    """``O v`` site by site: the leg of each site goes to the end as it is taken in."""
    out = vector.reshape(1, -1)
    for site in operator:
        bond, d, _, after = site.shape
        # (w, in, rest) -> (rest, out, w'): rows of the matrix are (w in), columns (out w')
        matrix = site.transpose(0, 2, 1, 3).reshape(bond * d, d * after)
        rest = out.reshape(bond * d, -1).T @ matrix
        out = np.moveaxis(rest.reshape(-1, after), 1, 0)
    return np.asarray(out).reshape(-1)
