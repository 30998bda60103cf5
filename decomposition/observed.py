"""Data of which some entries are missing, kept back, or trusted less than others; checked once."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.data import Dense, check_dense, slabs, sum_of_squares
from rankloom.decomposition.tensor import FactoredTensor
from rankloom.tn.arrays import Array, is_numpy, like, namespace, to_host


@dataclass(frozen=True, eq=False)
class Observed:
    """Checked data with missing entries or weights.

    Attributes
    ----------
    data : Dense
        Zero where entries are missing or kept back; `norm` counts each entry by its weight.
    seen : bool array
        Entries to fit to.
    weights : array or None
        0 < w <= 1 where seen, 0 elsewhere; the largest is 1. None where all are alike.
    missing : float
        Fraction of all entries that are not seen.
    kept_back : (m, modes) array
        Index rows kept back to judge the fit by.
    truth, trust : (m,) arrays
        Their values and weights.
    """

    data: Dense
    seen: Array
    weights: Array | None
    missing: float
    kept_back: NDArray[np.intp]
    truth: NDArray[Any]
    trust: NDArray[np.float64]

    def fill(self, model: FactoredTensor, out: Array) -> float:
        """Fill `out` with what a full fit should be fitted to next, and return the misfit.

        That is the model where entries are missing, the data where they are seen, and
        ``w x + (1 - w) model`` in between: its squared distance to any tensor, less a constant, is
        nowhere below the weighted misfit of that tensor and touches it at the model, so that
        lowering the one lowers the other.

        Returns
        -------
        float
            Sum of ``w |x - model|^2`` over the entries seen.
        """
        xp = namespace(out)
        shape = (out.shape[0], -1)
        x, seen, flat = (xp.reshape(a, shape) for a in (self.data.x, self.seen, out))
        weights = None if self.weights is None else xp.reshape(self.weights, shape)
        total = 0.0
        for part, dense in slabs(model):
            miss = xp.where(seen[part, :], x[part, :] - dense, xp.zeros_like(dense))
            if weights is None:
                total += sum_of_squares(miss)
                flat[part, :] = xp.where(seen[part, :], x[part, :], dense)
            else:
                w = weights[part, :]
                total += sum_of_squares(miss * w**0.5)
                flat[part, :] = dense + w * miss
        return total

    def held_out_error(self, tensor: FactoredTensor) -> float | None:
        """Relative error of a tensor, in the units of `truth`, on the entries kept back."""
        if not len(self.truth):
            return None
        root = self.trust**0.5
        misses = (to_host(tensor.at(self.kept_back)) - self.truth) * root
        size = np.linalg.norm(self.truth * root)
        return float(np.linalg.norm(misses) / size) if size > 0 else float("nan")


def check_observed(
    x: Any, mask: Any, weights: Any, holdout: float, rng: np.random.Generator
) -> Observed:
    """Data, mask and weights, checked, with a part of the entries kept back.

    Raises
    ------
    TypeError, ValueError
        A mask that is not boolean or of another shape; weights that are not real, finite and >= 0,
        or of another shape; NaN or infinity at an observed entry; an index of a mode without an
        observed entry; `holdout` outside 0 <= holdout < 1.
    """
    if not 0 <= holdout < 1:
        raise ValueError(f"`holdout` is a fraction, 0 <= holdout < 1, got {holdout}.")
    x = np.asarray(x) if isinstance(x, (list, tuple)) else x
    xp = namespace(x)
    if xp.isdtype(x.dtype, ("bool", "integral")):
        x = xp.astype(x, xp.float64)
    present = ~xp.isnan(x)
    seen = present if mask is None else _check_mask(mask, x, present)
    if weights is not None:
        weights = _check_weights(weights, x)
        seen = seen & (weights > 0)
    if not bool(xp.any(seen)):
        raise ValueError("no entry of `x` is observed.")
    kept_back, truth, trust = np.zeros((0, x.ndim), np.intp), np.zeros(0), np.zeros(0)
    if holdout:
        host = np.array(to_host(seen))
        where = np.argwhere(host)
        chosen = rng.choice(len(where), max(1, round(holdout * len(where))), replace=False)
        kept_back = where[np.sort(chosen)]
        truth = to_host(x)[tuple(kept_back.T)]
        if not np.isfinite(truth).all():
            raise ValueError("`x` holds infinite entries.")
        trust = np.ones(len(truth))
        if weights is not None:
            trust = to_host(weights)[tuple(kept_back.T)].astype(float)
        host[tuple(kept_back.T)] = False
        seen = host if is_numpy(x) else like(x, host)
    _refuse_empty_slices(seen)
    data = check_dense(xp.where(seen, x, xp.zeros_like(x)))
    if weights is not None:
        weights = xp.where(seen, weights, xp.zeros_like(weights))
        weights = weights / xp.max(weights)
        data = Dense(data.x, sum_of_squares(data.x * weights**0.5) ** 0.5, data.scale)
        if data.norm == 0:
            raise ValueError("`x` is zero wherever `weights` are not: there is nothing to fit.")
    missing = 1 - int(xp.count_nonzero(seen)) / math.prod(x.shape)
    return Observed(data, seen, weights, missing, kept_back, truth, trust)


def _check_mask(mask: Any, x: Array, present: Array) -> Array:
    xp = namespace(x)
    seen = mask if not isinstance(mask, (list, tuple, str)) else np.asarray(mask)
    seen = seen if is_numpy(seen) and is_numpy(x) else like(x, seen)
    if not xp.isdtype(seen.dtype, "bool"):
        raise TypeError(f"`mask` must be boolean, True where `x` is observed, got {seen.dtype}.")
    _check_shape("mask", seen, x)
    wrong = int(xp.count_nonzero(seen & ~present))
    if wrong:
        raise ValueError(
            f"`x` is NaN at {wrong} entries that `mask` calls observed; set them to False."
        )
    return seen


def _check_weights(weights: Any, x: Array) -> Array:
    xp = namespace(x)
    w = np.asarray(weights) if isinstance(weights, (list, tuple)) else weights
    w = w if is_numpy(w) and is_numpy(x) else like(x, w)
    if not xp.isdtype(w.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"`weights` must hold real numbers, got {w.dtype}.")
    _check_shape("weights", w, x)
    w = xp.astype(w, xp.float32 if x.dtype in (xp.float32, xp.complex64) else xp.float64)
    if not bool(xp.all(xp.isfinite(w))) or bool(xp.any(w < 0)):
        raise ValueError(
            "`weights` must be finite and >= 0, for instance 1 / variance of each entry; 0 marks a "
            "missing one."
        )
    return w


def _check_shape(name: str, given: Array, x: Array) -> None:
    if tuple(given.shape) != tuple(x.shape):
        raise ValueError(
            f"`{name}` must have the shape {tuple(x.shape)} of `x`, got {tuple(given.shape)}."
        )


def _refuse_empty_slices(seen: Array) -> None:
    xp = namespace(seen)
    for k, n in enumerate(seen.shape):
        others = tuple(j for j in range(seen.ndim) if j != k)
        full = to_host(xp.any(seen, axis=others))
        if not full.all():
            empty = np.flatnonzero(~full)
            raise ValueError(
                f"no entry of `x` is observed at index {empty[0]} of mode {k} (and "
                f"{len(empty) - 1} more of {n} indices): its row of the factor would be arbitrary. "
                "Leave such indices out, or keep fewer entries back."
            )
