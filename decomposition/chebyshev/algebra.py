"""Sums, products and compression of Chebyshev coefficients in Tucker form."""

import math
import numbers
from typing import Any

import numpy as np

from rankloom.decomposition.chebyshev.basis import to_coefficients, to_values
from rankloom.decomposition.data import sum_of_squares
from rankloom.decomposition.hosvd import Cut, gram, rounded_core, st_hosvd
from rankloom.decomposition.modes import mode_products
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, namespace, same_dtype, to_host

_LARGEST = 2**27  # numbers of the largest tensor that a product may form: 1 GiB
_ROWS = 0.01  # share of the squared error that goes to rows at the end of the factors


def is_number(x: Any) -> bool:
    """Whether `x` is a real or complex number."""
    return isinstance(x, numbers.Number)


def tensor_coefficients(values: Array) -> Array:
    """Coefficients of values at the nodes of all axes."""
    xp = namespace(values)
    for _ in range(values.ndim):  # each turn brings the next axis to the front
        values = to_coefficients(xp.permute_dims(values, (*range(1, values.ndim), 0)))
    return values


def padded(factor: Array, m: int) -> Array:
    """The factor with rows of zeros up to m rows."""
    xp, (have, r) = namespace(factor), factor.shape
    if have == m:
        return factor
    zeros = xp.zeros((m - have, r), dtype=factor.dtype, device=factor.device)
    return xp.concat([factor, zeros])


def add(a: TuckerTensor, b: TuckerTensor) -> TuckerTensor:
    """Sum; ranks add up, at most to the number of coefficients."""
    sizes = [max(m, n) for m, n in zip(a.shape, b.shape, strict=True)]
    both = [
        TuckerTensor._adopt(x.core, [padded(f, m) for f, m in zip(x.factors, sizes, strict=True)])
        for x in (a, b)
    ]
    return (both[0] + both[1]).orthonormalize()


def multiply(a: TuckerTensor, b: TuckerTensor) -> TuckerTensor:
    """Product of the functions to rounding, with the ranks it needs.

    By values on the grid of nodes that resolves it, or, where that grid is larger, by products of
    basis functions: memory and time are those of the smaller of ``prod(m_k + n_k - 1)`` and
    ``prod(r_k s_k)`` numbers.

    Raises
    ------
    ValueError
        Both are above 2^27.
    """
    ((a_core, *a_factors), (b_core, *b_factors)) = same_dtype(
        [a.core, *a.factors], [b.core, *b.factors]
    )
    sizes = [m + n - 1 for m, n in zip(a.shape, b.shape, strict=True)]
    on_grid = math.prod(sizes)
    formed = math.prod(r * s for r, s in zip(a.ranks, b.ranks, strict=True))
    if min(on_grid, formed) > _LARGEST:
        raise ValueError(
            f"the product of functions of degrees {tuple(m - 1 for m in a.shape)} and "
            f"{tuple(n - 1 for n in b.shape)}, ranks {a.ranks} and {b.ranks}, is too large to be "
            "formed. Compress the functions first, or build the product with `compose`."
        )
    u, v = (
        [to_values(padded(f, m)) for f, m in zip(factors, sizes, strict=True)]
        for factors in (a_factors, b_factors)
    )
    if on_grid <= formed:
        values = mode_products(a_core, u) * mode_products(b_core, v)
        return compressed_dense(tensor_coefficients(values), 0.0)
    xp = namespace(a_core)
    columns = [
        to_coefficients(xp.reshape(f[:, :, None] * g[:, None, :], (f.shape[0], -1)))
        for f, g in zip(u, v, strict=True)
    ]
    whole = TuckerTensor._adopt(_kronecker(a_core, b_core), columns).orthonormalize()
    return compress(whole, 0.0)[0]


def _kronecker(a: Array, b: Array) -> Array:
    """Core (r_0 s_0, r_1 s_1, ..) of all products of entries."""
    xp, d = namespace(a), a.ndim
    left = xp.reshape(a, tuple(n for r in a.shape for n in (r, 1)))
    right = xp.reshape(b, tuple(n for s in b.shape for n in (1, s)))
    return xp.reshape(left * right, tuple(a.shape[k] * b.shape[k] for k in range(d)))


def compressed_dense(coefficients: Array, tol: float) -> TuckerTensor:
    """Tucker form of all coefficients within `tol`."""
    d = coefficients.ndim
    budget = (1 - _ROWS) * tol**2 / d * sum_of_squares(coefficients)
    core, factors = st_hosvd(coefficients, [Cut(budget=budget)] * d)
    return shortened(TuckerTensor._adopt(core, factors), tol)[0]


def dense_error(coefficients: Array, tensor: TuckerTensor) -> float:
    """Relative Frobenius distance of a Tucker form, of any degrees up to the given, to all."""
    rows = [padded(f, m) for f, m in zip(tensor.factors, coefficients.shape, strict=True)]
    norm = math.sqrt(sum_of_squares(coefficients))
    distance = math.sqrt(sum_of_squares(coefficients - mode_products(tensor.core, rows)))
    return distance / norm if norm > 0 else 0.0


def compress(tensor: TuckerTensor, tol: float) -> tuple[TuckerTensor, float]:
    """A tensor of orthonormal factors within `tol`, and the relative Frobenius error."""
    core, small = rounded_core(tensor.core, math.sqrt(1 - _ROWS) * tol, None)
    norm = math.sqrt(sum_of_squares(tensor.core))
    # the difference itself: that of the squared norms would lose half of the digits
    lost = math.sqrt(sum_of_squares(tensor.core - mode_products(core, small)))
    factors = [f @ u for f, u in zip(tensor.factors, small, strict=True)]
    short, rows = shortened(TuckerTensor._adopt(core, factors), tol)
    return short, (lost / norm if norm > 0 else 0.0) + rows


def shortened(tensor: TuckerTensor, tol: float) -> tuple[TuckerTensor, float]:
    """The tensor without last rows of its factors that do not count, and the relative error.

    They may count for a tenth of `tol`, or for rounding.
    """
    core, norm2 = tensor.core, sum_of_squares(tensor.core)
    xp, lost, factors = namespace(core), 0.0, []
    allowed = max(_ROWS * tol**2 / tensor.n_modes, float(xp.finfo(core.dtype).eps) ** 2) * norm2
    for k, f in enumerate(tensor.factors):
        square = gram(core, k)
        weights = np.abs(to_host(xp.sum((f @ square) * xp.conj(f), axis=1)))
        tails = np.cumsum(weights[::-1])[::-1]
        keep = max(1, int(np.count_nonzero(tails > allowed)))
        lost += float(weights[keep:].sum())
        factors.append(f[:keep, :])
    if tuple(f.shape for f in factors) == tuple(f.shape for f in tensor.factors):
        return tensor, 0.0
    whole = TuckerTensor._adopt(core, factors).orthonormalize()
    return whole, math.sqrt(lost / norm2) if norm2 > 0 else 0.0
