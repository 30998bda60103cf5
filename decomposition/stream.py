"""A Tucker tensor of data that arrive slice by slice along one mode.

The slices seen so far are represented by a core and factors. New slices extend the factor of the
streaming mode, and those of the other modes where they show directions that were not there before;
then the core is truncated again. Each step costs what the new slices cost, plus the core, plus one
product with the factor of the streaming mode.

What is known of the error: new slices miss ``d`` when they are projected, and truncating the core
takes ``a`` from the older slices and ``c`` from the new ones, all of which is measured. Errors of
different slices are orthogonal, and so are d and c, but a adds to the older error e in a direction
that nobody knows any more:

    e_new^2 <= (e + a)^2 + d^2 + c^2

with equality in the first update, and as long as nothing is truncated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from rankloom.decomposition.checks import mode_index
from rankloom.decomposition.data import Dense, check_dense, sum_of_squares
from rankloom.decomposition.hosvd import Cut, check_tol, exact_basis, st_hosvd
from rankloom.decomposition.modes import mode_product, mode_products
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, namespace, one_blas_thread, qr
from rankloom.tn.checks import integer

_NEW = 0.5  # share of the squared error that new slices may lose; the rest is for the core


@dataclass(frozen=True, eq=False)
class Update:
    """What one call of `TuckerStream.update` did.

    Attributes
    ----------
    slices : int
        Number of slices seen so far.
    ranks : tuple of int
        Of the tensor afterwards.
    missed : float
        Relative error of the new slices when they came in, exact.
    truncation_error : float
        Squared norm that the truncation of the core dropped, relative to that of all data so far.
    error_bound : float
        Bound on the relative error of all data so far.
    """

    slices: int
    ranks: tuple[int, ...]
    missed: float
    truncation_error: float
    error_bound: float


class TuckerStream:
    """Tucker tensor of data whose slices arrive along one mode, a few at a time.

    Parameters
    ----------
    mode : int, default 0
        The mode that grows.
    tol : float, optional
        Bound on the relative Frobenius error of all data so far, kept after every update.
    ranks : int or sequence of int, optional
        Instead: the largest rank of every mode; the error is then bounded by `error_bound`.

    Attributes
    ----------
    updates : list of Update
        What every update did.

    Raises
    ------
    TypeError, ValueError
        Both or neither of `tol` and `ranks`, or not such as `tucker` takes.

    Notes
    -----
    An update with b slices of m entries costs ``b m sum(n_k)`` multiplications for the new
    directions and ``T r^2`` for the factor of the T slices so far. Memory: the tensor, and a few
    times the new slices, which are not kept.

    Examples
    --------
    >>> from rankloom.decomposition import datasets
    >>> x, _ = datasets.planted_tucker((60, 20, 20), 3, noise=0.01, rng=0)
    >>> stream = TuckerStream(tol=0.02)
    >>> for start in range(0, 60, 10):
    ...     update = stream.update(x[start : start + 10])
    >>> stream.tensor.shape, stream.tensor.ranks, stream.error_bound <= 0.02
    ((60, 20, 20), (3, 3, 3), True)
    """

    def __init__(self, mode: int = 0, *, tol: float | None = None, ranks: Any = None) -> None:
        if (tol is None) == (ranks is None):
            raise ValueError("give either `tol` or `ranks`: both decide how large the core is.")
        self._mode = mode
        self._tol = None if tol is None else check_tol(tol)
        self._ranks = ranks
        self._tensor: TuckerTensor | None = None
        self._square, self._error = 0.0, 0.0
        self.updates: list[Update] = []

    @property
    def tensor(self) -> TuckerTensor:
        """The tensor of all slices so far, with orthonormal factors.

        Raises
        ------
        ValueError
            No slice has come in yet.
        """
        if self._tensor is None:
            raise ValueError("no slice has come in yet: call `update` first.")
        return self._tensor

    @property
    def error_bound(self) -> float:
        """Bound on the relative Frobenius error of all data so far."""
        return self.updates[-1].error_bound if self.updates else 0.0

    def update(self, x: Array) -> Update:
        """Take new slices in.

        Parameters
        ----------
        x : (n_0, n_1, ..) array
            The new slices, as many as there are indices in the streaming mode; the other sizes are
            those of the slices before. It is not kept.

        Raises
        ------
        TypeError, ValueError
            Not numeric, NaN or infinity, zero everywhere in the first update, or of another shape.
        """
        data = self._checked(x)
        if data.scale > 1:
            raise ValueError("`x` is so large that its squares overflow: give it another unit.")
        square = (data.norm * data.scale) ** 2
        total = self._square + square
        with one_blas_thread(max(data.x.shape)):
            grown, missed = self._grown(data, square)
            core, small = st_hosvd(grown.core, self._cuts(grown, total, missed))
        # along the streaming mode, the core of the older slices comes first
        lost = grown.core - mode_products(core, small)
        first = 0 if self._tensor is None else self._tensor.ranks[self._mode]
        rows = [slice(None)] * lost.ndim
        rows[self._mode] = slice(0, first)
        dropped, older = sum_of_squares(lost), sum_of_squares(lost[tuple(rows)])
        factors = [f @ u for f, u in zip(grown.factors, small, strict=True)]
        self._tensor = TuckerTensor._adopt(core, factors)
        self._square = total
        self._error = ((self._error + older**0.5) ** 2 + missed + dropped - older) ** 0.5
        done = Update(
            slices=self._tensor.shape[self._mode],
            ranks=self._tensor.ranks,
            missed=(missed / square) ** 0.5 if square else 0.0,
            truncation_error=dropped / total,
            error_bound=self._error / total**0.5,
        )
        self.updates.append(done)
        return done

    def _checked(self, x: Any) -> Dense:
        """New slices that fit those before."""
        if self._tensor is None:
            data = check_dense(x)
            self._mode = mode_index("mode", self._mode, data.x.ndim)
            if self._ranks is not None:
                self._ranks = _each(self._ranks, data.x.ndim)
            return data
        x = x if array_api_compat.is_array_api_obj(x) else np.asarray(x)
        xp = namespace(x)
        here = list(self._tensor.shape)
        shape = tuple(x.shape)
        here[self._mode] = shape[self._mode] if len(shape) == len(here) else 0
        if shape != tuple(here):
            wanted = [str(n) for n in here]
            wanted[self._mode] = "any"
            raise ValueError(
                f"`x` has shape {shape}, but the slices before ask for ({', '.join(wanted)})."
            )
        if xp.isdtype(x.dtype, "complex floating") and self._tensor.dtype != x.dtype:
            raise TypeError(
                f"`x` is {x.dtype}, but the slices before were {self._tensor.dtype}: begin with "
                "slices of the wider type."
            )
        x = xp.astype(x, self._tensor.dtype)
        return Dense(x, 0.0) if not bool(xp.any(x)) else check_dense(x)

    def _grown(self, data: Dense, square: float) -> tuple[TuckerTensor, float]:
        """Tensor of the old and the new slices in common bases, and the square that these miss."""
        x, xp, old = data.x * data.scale, namespace(data.x), self._tensor
        others = [k for k in range(x.ndim) if k != self._mode]
        bases: list[Array] = [None] * x.ndim
        share = 0.0 if self._tol is None else _NEW * self._tol**2 / len(others) * square
        inner, missed = x, 0.0
        for k in others:
            known = _zeros(x, (x.shape[k], 0)) if old is None else old.factors[k]
            directions, lost = self._directions(inner, k, known, share)
            bases[k] = xp.concat([known, directions], axis=1)
            inner = mode_product(inner, xp.conj(bases[k]).T, k)
            missed += lost
        bases[self._mode] = _identity(x, x.shape[self._mode])
        fresh = TuckerTensor._adopt(inner, bases)
        return (fresh if old is None else _joined(old, fresh, self._mode)), missed

    def _directions(self, x: Array, k: int, known: Array, share: float) -> tuple[Array, float]:
        """Orthonormal directions of mode k in which x reaches out of what is known.

        With the square of what reaches out of these too, summed up itself: differences of squares
        would show no more than half of the digits.
        """
        xp = namespace(x)
        rest = _outside(x, k, known)
        left = sum_of_squares(rest)
        room = x.shape[k] - known.shape[1]
        if self._ranks is not None:
            room = min(room, self._ranks[k])
        noise = 64 * float(xp.finfo(x.dtype).eps) ** 2 * sum_of_squares(x)
        if room == 0 or left <= max(share, noise):
            return _zeros(x, (x.shape[k], 0)), left
        cut = Cut(room) if self._ranks is not None else Cut(budget=max(share, noise))
        found = exact_basis(rest, k, cut)
        found = found[:, : min(room, found.shape[1])]
        # orthogonal to what is known to the last digit, also where the rest is nearly nothing
        for _ in range(2):
            found = found - known @ (xp.conj(known).T @ found)
        found = qr(found)[0]
        return found, sum_of_squares(_outside(rest, k, found))

    def _cuts(self, grown: TuckerTensor, total: float, missed: float) -> list[Cut]:
        """How much the core keeps: what the tolerance leaves room for, or the ranks."""
        if self._ranks is not None:
            return [Cut(min(r, n)) for r, n in zip(self._ranks, grown.ranks, strict=True)]
        allowed = max((self._tol or 0.0) ** 2 * total - missed, 0.0) ** 0.5
        room = max(allowed - self._error, 0.0)
        return [Cut(budget=room**2 / grown.n_modes)] * grown.n_modes


def _outside(x: Array, k: int, basis: Array) -> Array:
    """The part of x that a basis of mode k does not reach."""
    if basis.shape[1] == 0:
        return x
    return x - mode_product(mode_product(x, namespace(x).conj(basis).T, k), basis, k)


def _joined(old: TuckerTensor, new: TuckerTensor, mode: int) -> TuckerTensor:
    """Both tensors one behind the other in a mode; the bases of `new` begin with those of `old`."""
    xp = namespace(new.core)
    core = old.core
    for k, r in enumerate(new.ranks):
        if k != mode:
            widths = list(core.shape)
            widths[k] = r - widths[k]
            core = xp.concat([core, _zeros(core, widths)], axis=k)
    core = xp.concat([core, new.core], axis=mode)
    before, after = old.factors[mode], new.factors[mode]
    above = _zeros(core, (before.shape[0], after.shape[1]))
    below = _zeros(core, (after.shape[0], before.shape[1]))
    factors = list(new.factors)
    factors[mode] = xp.concat(
        [xp.concat([before, above], axis=1), xp.concat([below, after], axis=1)]
    )
    return TuckerTensor._adopt(core, factors)


def _each(ranks: Any, n_modes: int) -> tuple[int, ...]:
    """One rank per mode."""
    given = list(ranks) if np.ndim(ranks) else [ranks] * n_modes
    if len(given) != n_modes:
        raise ValueError(f"`ranks` needs one entry per mode: {n_modes} modes, got {ranks}.")
    return tuple(integer(f"ranks[{k}]", r, 1) for k, r in enumerate(given))


def _zeros(like: Array, shape: Sequence[int]) -> Array:
    return namespace(like).zeros(tuple(shape), dtype=like.dtype, device=like.device)


def _identity(x: Array, n: int) -> Array:
    return namespace(x).eye(n, dtype=x.dtype, device=x.device)
