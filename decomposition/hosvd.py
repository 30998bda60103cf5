"""Tucker tensors by singular value decompositions of the unfoldings, in one pass over the modes.

Every mode needs the leading left singular vectors of its unfolding, and they come from one of

=========  ======================================================================================
gram       eigenvectors of the Gram matrix (n, n): one GEMM; values below 1e-8 of the largest are
           lost in rounding
qr         QR of the transposed unfolding in blocks of rows, then the SVD of R: all digits, about
           four times the work
sketch     the unfolding times random vectors, with one power iteration: for large modes of
           small rank
=========  ======================================================================================

`st_hosvd` truncates as it goes, so that each mode works on what the earlier ones left (N.
Vannieuwenhoven, R. Vandebril, K. Meerbergen, doi:10.1137/110836067); `hosvd` takes all bases from
the whole tensor (L. De Lathauwer, B. De Moor, J. Vandewalle, doi:10.1137/S0895479896305696).
Either way the squared error is at most the sum of the squared singular values dropped.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankloom.decomposition.checks import mode_ranks
from rankloom.decomposition.data import in_double, sum_of_squares
from rankloom.decomposition.modes import mode_product, pieces, unfold
from rankloom.tn.arrays import (
    Array,
    eigh,
    is_numpy,
    like,
    namespace,
    one_blas_thread,
    qr,
    svd,
    to_host,
    triangle,
)  # fmt: skip
from rankloom.tn.truncation import Truncation

_OVERSAMPLING = 10


@dataclass(frozen=True, eq=False)
class Cut:
    """How many singular vectors a mode keeps.

    Attributes
    ----------
    rank : int, optional
    budget : float
        Where no rank is given: the largest sum of squared singular values that may be dropped.
    """

    rank: int | None = None
    budget: float = 0.0

    def choose(self, squares: Array) -> int:
        """Number to keep of the squared singular values, descending."""
        if self.rank is not None:
            return min(self.rank, int(squares.shape[0]))
        values = np.maximum(to_host(squares), 0)
        total = float(values.sum())
        cutoff = self.budget / total if total > 0 else 0.0
        return Truncation(cutoff=min(cutoff, 1 - 2.0**-53)).keep(values)[0]


Basis = Callable[[Array, int, Cut], Array]
"""``basis(x, mode, cut)``: orthonormal columns (n, r) for one mode."""


def gram(x: Array, mode: int) -> Array:
    """Gram matrix (n, n) of the unfolding of a mode, without a copy of the tensor."""
    xp = namespace(x)
    complex_valued = xp.isdtype(x.dtype, "complex floating")
    # the first and the last mode need no copies, hence no pieces: one product of a real x with
    # itself is symmetric, and BLAS does half of it
    plain = mode in (0, x.ndim - 1) and not complex_valued
    total = None
    for piece in pieces(x, mode, math.prod(x.shape) if plain else 2048):
        part = piece @ (xp.conj(piece).T if complex_valued else piece.T)
        total = part if total is None else total + part
    return total


def exact_basis(x: Array, mode: int, cut: Cut) -> Array:
    """Leading left singular vectors, by Gram matrix, or by QR where that would lose digits."""
    n, others = x.shape[mode], math.prod(x.shape) // x.shape[mode]
    if others < n:
        return tall_basis(unfold(x, mode), cut)
    square = gram(x, mode)
    with one_blas_thread(n):
        values, vectors = eigh(square)
    values, vectors = namespace(x).flip(values), namespace(x).flip(vectors, axis=1)
    r = cut.choose(values)
    if digits_left(values, r, cut):
        return vectors[:, :r]
    return qr_basis(x, mode, cut)


def tall_basis(a: Array, cut: Cut) -> Array:
    """Leading left singular vectors of a matrix with more rows than columns."""
    xp = namespace(a)
    with one_blas_thread(a.shape[1]):
        if cut.rank is not None:
            values, vectors = eigh(xp.conj(a).T @ a)
            values, vectors = xp.flip(values), xp.flip(vectors, axis=1)
            if digits_left(values, cut.choose(values), cut):
                return qr(a @ vectors[:, : cut.rank])[0]
        q, r = qr(in_double(a))
        u, s, _ = svd(r)
    return xp.astype(q @ u[:, : cut.choose(s**2)], a.dtype)


def digits_left(values: Array, r: int, cut: Cut) -> bool:
    """Whether eigenvalues of a Gram matrix, descending, tell what is kept from what is dropped."""
    n = values.shape[0]
    host = to_host(values)
    noise = 16 * n**0.5 * float(np.finfo(host.dtype).eps) * float(host[0])
    if cut.rank is not None:
        return r == n or bool(host[r - 1] > noise)
    return cut.budget > n * noise or bool(host[-1] > noise)


def qr_basis(x: Array, mode: int, cut: Cut) -> Array:
    """Leading left singular vectors by QR of the transposed unfolding, block after block.

    In double precision always: this is the way taken when digits count.
    """
    xp = namespace(x)
    with one_blas_thread(x.shape[mode]):
        u, s, _ = svd(xp.conj(transposed_triangle(x, mode)).T)
    return xp.astype(u[:, : cut.choose(s**2)], x.dtype)


def transposed_triangle(x: Array, mode: int) -> Array:
    """The factor R of a QR decomposition of the transposed unfolding, in double precision."""
    xp = namespace(x)
    r = None
    for piece in pieces(x, mode, 4 * x.shape[mode]):
        block = in_double(xp.conj(piece).T)
        r = triangle(block if r is None else xp.concat([r, block]))
    return r


def sketched_basis(rng: np.random.Generator) -> Basis:
    """Left singular vectors from random combinations of the columns, with one power iteration.

    N. Halko, P. G. Martinsson, J. A. Tropp, arXiv:0909.4061, algorithms 4.4 and 5.1. With a budget
    the sketch is doubled until what it misses, measured exactly, fits into half of it.
    """

    def basis(x: Array, mode: int, cut: Cut) -> Array:
        xp = namespace(x)
        n, others = x.shape[mode], math.prod(x.shape) // x.shape[mode]
        width = _OVERSAMPLING + (cut.rank if cut.rank is not None else 10)
        while 2 * width <= min(n, others):
            q = _range(x, mode, width, rng)
            small = mode_product(x, xp.conj(q).T, mode)
            inner = Cut(cut.rank)
            if cut.rank is None:
                missed = max(sum_of_squares(x) - sum_of_squares(small), 0.0)
                if missed > cut.budget / 2:
                    width *= 2
                    continue
                inner = Cut(budget=cut.budget - missed)
            return q @ exact_basis(small, mode, inner)
        return exact_basis(x, mode, cut)

    return basis


def _range(x: Array, mode: int, width: int, rng: np.random.Generator) -> Array:
    """Orthonormal (n, width) basis of nearly the range of the unfolding."""
    xp = namespace(x)
    y = None
    for piece in pieces(x, mode):
        normal = like(x, rng.standard_normal((piece.shape[1], width)), x.dtype)
        part = piece @ normal
        y = part if y is None else y + part
    q = qr(y)[0]
    y = None
    for piece in pieces(x, mode):
        part = piece @ (xp.conj(piece).T @ q)
        y = part if y is None else y + part
    return qr(y)[0]


def st_hosvd(
    x: Array, cuts: Sequence[Cut], basis: Basis = exact_basis
) -> tuple[Array, list[Array]]:
    """Sequentially truncated HOSVD: core and orthonormal factors.

    Small modes go first, since the cost of a mode is its size times that of the tensor; modes kept
    whole are left alone, with the identity as factor.

    Parameters
    ----------
    x : array
    cuts : sequence of Cut
        One per mode.
    basis : callable
        `exact_basis`, or what `sketched_basis` returns.
    """
    core, factors = x, [None] * x.ndim
    for k in sorted(range(x.ndim), key=lambda k: x.shape[k]):
        u = _identity(core, k) if cuts[k].rank == x.shape[k] else basis(core, k, cuts[k])
        if u.shape[1] < u.shape[0] or cuts[k].rank is None:
            core = mode_product(core, namespace(x).conj(u).T, k)
        factors[k] = u
    return core, factors


def hosvd(x: Array, cuts: Sequence[Cut], basis: Basis = exact_basis) -> tuple[Array, list[Array]]:
    """Higher-order SVD: every basis from the whole tensor; core and orthonormal factors."""
    factors = [basis(x, k, cut) for k, cut in enumerate(cuts)]
    core = x
    for k, u in enumerate(factors):
        core = mode_product(core, namespace(x).conj(u).T, k)
    return core, factors


def rounded_core(core: Array, tol: float | None, ranks: Any) -> tuple[Array, list[Array]]:
    """`st_hosvd` of the core of a Tucker tensor, for `TuckerTensor.round`."""
    if (tol is None) == (ranks is None):
        raise ValueError("give either `tol` or `ranks`.")
    n = core.ndim
    if ranks is not None:
        wanted = mode_ranks([ranks] * n if np.ndim(ranks) == 0 else ranks, core.shape, above=True)
        return st_hosvd(core, [Cut(min(r, m)) for r, m in zip(wanted, core.shape, strict=True)])
    return st_hosvd(core, [Cut(budget=check_tol(tol) ** 2 / n * sum_of_squares(core))] * n)


def check_tol(tol: Any, dtype: Any = None) -> float:
    """`tol` as a relative error.

    Raises
    ------
    ValueError
        It lies outside 0 <= tol < 1, or is not 0 and below what numbers of `dtype` can hold.
    """
    if not 0 <= tol < 1:  # NaN fails too
        raise ValueError(f"`tol` is a relative error, 0 <= tol < 1, got {tol}.")
    floor = 0.0 if dtype is None else precision(dtype)
    if 0 < tol < floor:
        raise ValueError(
            f"`tol` = {tol} is below what {dtype} can hold (about {floor:.0e}). Pass tol=0 "
            "to drop only what rounding cannot tell from zero."
        )
    return float(tol)


def precision(dtype: Any) -> float:
    """The smallest relative error that sums of numbers of a data type can tell from zero."""
    return 8 * float(np.finfo(str(dtype).rpartition(".")[2]).eps)


def _identity(x: Array, mode: int) -> Array:
    xp = namespace(x)
    n = x.shape[mode]
    return np.eye(n, dtype=x.dtype) if is_numpy(x) else xp.eye(n, dtype=x.dtype, device=x.device)
