"""The Gram matrix of the signals of all k-local Pauli strings, without any of them.

Let ``f_P(t)`` be the estimate of ``<P>`` at time t, the mean over its snapshots. For every locality
j the matrix ``G_j[t, u] = sum_P f_P(t) f_P(u)`` over all ``3^j C(n, j)`` strings follows from pairs
of snapshots alone (`rankloom.quantum.shadows.gram_kernels`), exactly, in a time that does not
depend on the number of strings.

A snapshot times itself adds the same to every diagonal entry, and snapshots that share a draw of
the bases have ``E[est_a(P) est_b(P)] = 3^j <P>_a <P>_b``. Without these pairs, and divided by the
number of those that are left, the matrix has the expectation value of the noise-free one.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.shadows.checks import locality, locality_weights, qubit_mask
from rankloom.quantum.shadows.gram_scaled import scaled_sums
from rankloom.quantum.shadows.snapshots import Snapshots
from rankloom.tn.arrays import one_blas_thread, read_only
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_BLOCKS = 10
_EXACT = 2**50

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gram:
    """Gram matrices of signals, one for each locality.

    Attributes
    ----------
    per_locality : (k, T, T) array
        Entry j - 1 is the sum of ``f_P(t) f_P(u)`` over all strings of locality j, unweighted.
    weights : (k,) array
        Weight of each locality in `matrix`.
    times : (T,) array
    leave_out : (k, B, T, T) array
        `per_locality` without one of B blocks of shots; B = 0 where too few shots are left.
    observables : int
        Number of strings, ``sum_j 3^j C(n, j)``.
    debiased : bool
        Whether pairs that share a draw of the bases were left out. Then the matrix is unbiased, and
        not positive semidefinite.
    """

    per_locality: Floats
    weights: Floats
    times: Floats
    leave_out: Floats
    observables: int
    debiased: bool

    @property
    def matrix(self) -> Floats:
        """``sum_j w_j G_j``, (T, T)."""
        return self.weighted()

    def weighted(self, weights: Any = None) -> Floats:
        """The sum with other weights, at no cost; None takes those of this object."""
        w = self.weights if weights is None else locality_weights(weights, len(self.weights))
        return np.asarray(np.tensordot(w, self.per_locality, 1))

    @property
    def without(self) -> Floats:
        """`matrix` without one block of shots each, (B, T, T)."""
        return np.asarray(np.tensordot(self.weights, self.leave_out, 1))

    @property
    def dt(self) -> float:
        """Spacing of the times."""
        return float((self.times[-1] - self.times[0]) / (len(self.times) - 1))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The matrix as a picture over both times, its diagonal left out of the colour scale."""
        from rankloom.quantum.shadows.draw import plot_gram

        return plot_gram(self, ax)

    def __repr__(self) -> str:
        return (
            f"Gram(times={len(self.times)}, max_locality={len(self.weights)}, "
            f"observables={self.observables:,}, debiased={self.debiased})"
        )

    def _repr_html_(self) -> str:
        rows = {
            "times": str(len(self.times)),
            "strings of locality 1..k": f"k = {len(self.weights)}: {self.observables:,}",
            "weights": ", ".join(f"{w:.3g}" for w in self.weights),
            "debiased": str(self.debiased),
        }
        cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table><caption>Gram</caption>{cells}</table>"


class Packed(NamedTuple):
    """Snapshots as bit planes, sorted for the kernel (`pack`)."""

    planes: NDArray[np.uint64]
    draws: NDArray[np.int64]
    weights: Floats
    valid: NDArray[np.bool_]
    share: Floats
    """One over the number of pairs that count, (T, T)."""
    share_without: Floats
    """The same without one block of shots, (B or 0, T, T)."""
    blocks: int
    debiased: bool


def gram(
    snapshots: Snapshots,
    max_locality: int,
    weights: Any = None,
    debias: bool = True,
    *,
    qubits: Any = None,
    packed: Packed | None = None,
    threads: int | None = None,
) -> Gram:
    """Gram matrices of the signals of all Pauli strings of locality 1..k.

    Parameters
    ----------
    snapshots : Snapshots
        At two times or more.
    max_locality : int
        k. High localities carry noise ``3^j``: two or three are usually best.
    weights : (k,) array_like, optional
        Weight of each locality in ``Gram.matrix``; default ``9^-j``, safe for every k. ``3^-j``
        imitates signals divided by their standard deviation.
    debias : bool, default True
        Leave out pairs that share a draw of the bases.
    qubits : sequence of int, optional
        Use strings on these qubits only.
    packed : Packed, optional
        What `pack` made of the snapshots with the same `debias`, to be used again.
    threads : int, optional
        Python threads. Default: as many as BLAS was set to use.

    Returns
    -------
    Gram

    Raises
    ------
    ValueError
        One time only; one shot at each with `debias`; no pair of different draws left; a
        locality whose integers float64 does not hold (``n C(n, k) >= 2^50``).

    Notes
    -----
    ``(T S)^2 / 2`` pairs of a few nanoseconds for n <= 128; memory ``8 k (B + 1) T^2`` bytes for
    the result and ``24 n/64 T S`` for the bits. Different readout errors on different qubits
    take matrix products instead (`rankloom.quantum.shadows.gram_scaled`), which are slower.

    Examples
    --------
    >>> plus = np.full(4, 0.5)
    >>> snapshots = Snapshots.measure([plus] * 3, [0, 1, 2], shots=100, rng=0)
    >>> g = gram(snapshots, max_locality=2)
    >>> g
    Gram(times=3, max_locality=2, observables=15, debiased=True)
    >>> bool(abs(g.per_locality[0] - 2).max() < 1)  # <XI>^2 + <IX>^2, up to noise
    True
    """
    if not isinstance(snapshots, Snapshots):
        raise TypeError(f"`snapshots` must be Snapshots, got {type(snapshots).__name__}.")
    n, times = snapshots.n_qubits, len(snapshots.times)
    mask = qubit_mask(qubits, n)
    n_used = int(mask.sum())
    k = locality(max_locality, n_used)
    w = locality_weights(weights, k)
    if times < 2:
        raise ValueError("`snapshots` are of one time only: a signal needs two or more.")
    scales = snapshots.scales[mask]
    _check_exact(n_used, k)
    work = pack(snapshots, debias) if packed is None else packed
    if work.debiased != debias or work.share.shape != (times, times):
        raise ValueError("`packed` was made of other snapshots, or with another `debias`.")
    total = np.empty((k, times, times))
    leave_out = np.empty((k, len(work.share_without), times, times))
    words = work.planes.shape[0]
    bits = _words(mask[None], words)[:, 0]
    with one_blas_thread() as budget:
        count = budget if threads is None else integer("threads", threads, 1)
        if np.ptp(scales) > 0:
            place, blocks = _places(snapshots)
            cells, used = place % (times * blocks), np.flatnonzero(mask)
            scaled_sums(snapshots, scales, used, cells, blocks, debias, total, leave_out)
            total *= 9.0 ** np.arange(1, k + 1)[:, None, None] * work.share
            leave_out *= 9.0 ** np.arange(1, k + 1)[:, None, None, None] * work.share_without
        else:
            factors = (9.0 * scales[0] ** 2) ** np.arange(1, k + 1)
            _run(work, bits, debias, count, factors, total, leave_out)
    (total, leave_out) = read_only([total, leave_out])
    strings = sum(3**j * math.comb(n_used, j) for j in range(1, k + 1))
    return Gram(total, w, snapshots.times, leave_out, strings, debias)


def pack(snapshots: Snapshots, debias: bool = True) -> Packed:
    """Bit planes of snapshots, sorted by blocks of shots, and the number of pairs that count.

    Blocks hold whole draws of the bases, so that leaving one out leaves out independent data.

    Raises
    ------
    ValueError
        `debias`, and no pair of different draws at one of the times.
    """
    times, shots, n = snapshots.bases.shape
    if debias and shots == 1:
        raise ValueError(
            "one shot at each time leaves no pair for an unbiased diagonal: measure two or more, "
            "or pass debias=False."
        )
    place, blocks = _places(snapshots)
    size = int(place.max()) // (times * blocks) + 1

    def sort(values: Any) -> NDArray[Any]:
        filled = np.zeros(size * times * blocks, values.dtype)
        filled[place] = values
        return filled

    words = 1 if n <= 64 else 2 * -(-n // 128)
    planes = np.zeros((words, 3, size * times * blocks), np.uint64)
    for i, bits in enumerate((snapshots.bases < 2, snapshots.bases > 0, snapshots.outcomes < 0)):
        planes[:, i, place] = _words(bits.reshape(-1, n), words).reshape(words, times, shots)
    valid = sort(np.ones((times, shots), bool))
    draws = np.empty(0, np.int64) if snapshots.draws is None else sort(snapshots.draws)
    weights = np.empty(0) if snapshots.weights is None else sort(snapshots.weights)
    kept, without = _kept_pairs(place, blocks, snapshots.draws, debias)
    if (kept == 0).any():
        raise ValueError(
            "at one of the times all snapshots share one draw of the bases, so no pair is "
            "unbiased: draw bases more often, or pass debias=False."
        )
    if (without <= 0).any():
        without = without[:0]
    return Packed(planes, draws, weights, valid, 1.0 / kept, 1.0 / without, blocks, debias)


def _places(snapshots: Snapshots) -> tuple[NDArray[np.int64], int]:
    """Where each snapshot stands in the order of the kernel, (T, S), and the number of blocks."""
    times, shots = snapshots.bases.shape[:2]
    if snapshots.draws is None:
        length = -(-shots // MAX_BLOCKS)
        blocks = -(-shots // length)
        label = np.broadcast_to(np.arange(shots) // length, (times, shots))
    else:
        ranks = np.array([np.unique(row, return_inverse=True)[1] for row in snapshots.draws])
        blocks = int(min(MAX_BLOCKS, ranks.max(axis=1).min() + 1))
        label = ranks * blocks // (ranks.max(axis=1, keepdims=True) + 1)
    order = np.argsort(label, axis=1, kind="stable")
    ordered = np.take_along_axis(label, order, axis=1)
    starts = np.array([np.searchsorted(row, row) for row in ordered])
    within = np.empty((times, shots), np.int64)
    np.put_along_axis(within, order, np.arange(shots) - starts, axis=1)
    return (within * times + np.arange(times)[:, None]) * blocks + label, blocks


def _words(bits: NDArray[np.bool_], words: int) -> NDArray[np.uint64]:
    """Rows of bits as 64-bit words, (W, rows)."""
    padded = np.zeros((len(bits), 64 * words), np.bool_)
    padded[:, : bits.shape[1]] = bits
    packed = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
    return np.ascontiguousarray(packed.T)


def _kept_pairs(
    place: NDArray[np.int64], blocks: int, draws: NDArray[np.int64] | None, debias: bool
) -> tuple[Floats, Floats]:
    """Pairs that count for every two times, all and without one block of shots each."""
    times, shots = place.shape
    cells = place % (times * blocks)  # t B + b
    sizes = np.bincount(cells.reshape(-1), minlength=times * blocks).reshape(times, blocks)
    rest = (shots - sizes.T).astype(float)  # (B, T)
    whole = np.full((times, times), float(shots) ** 2)
    without = rest[:, :, None] * rest[:, None, :]
    if debias and draws is None:
        whole -= shots * np.eye(times)
        without -= rest[:, :, None] * np.eye(times)
    elif debias and draws is not None:
        from scipy.sparse import coo_array

        _, labels = np.unique(draws, return_inverse=True)
        at = (cells.reshape(-1), labels.reshape(-1))
        incidence = coo_array((np.ones(cells.size), at), (times * blocks, labels.max() + 1))
        table = incidence.tocsr()
        shared = (table @ table.T).toarray().reshape(times, blocks, times, blocks)
        rows, columns = shared.sum(axis=3), shared.sum(axis=1)
        dropped = shared.sum(axis=(1, 3))
        whole -= dropped
        both = np.einsum("tbub->btu", shared)
        without -= dropped - rows.transpose(1, 0, 2) - columns.transpose(2, 0, 1) + both
    return whole, without


def _run(
    work: Packed,
    mask: NDArray[np.uint64],
    debias: bool,
    threads: int,
    factors: Floats,
    total: Floats,
    leave_out: Floats,
) -> None:
    from rankloom.quantum.shadows.gram_kernels import pair_means

    def part(first: int, stride: int) -> None:
        data = (work.planes, mask, work.draws, debias, work.weights, work.valid, work.blocks)
        scale = (factors, work.share, work.share_without)
        pair_means(*data, first, stride, *scale, total, leave_out)

    if threads == 1:
        part(0, 1)
        return
    # Rows in turn: each thread gets long and short ones.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(threads), [threads] * threads))


def _check_exact(n: int, k: int) -> None:
    sizes = [n * math.comb(n, j) for j in range(1, k + 1)]
    if max(sizes) >= _EXACT:
        fits = next(j for j, size in enumerate(sizes) if size >= _EXACT)
        raise ValueError(
            f"`max_locality` = {k} on {n} qubits: there are {math.comb(n, k):.1e} sets of {k} "
            f"qubits, and float64 no longer holds the kernel exactly. Up to {fits} it does."
        )
