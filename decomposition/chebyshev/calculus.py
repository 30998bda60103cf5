"""Derivatives, integrals, slices, restrictions and norms of Chebyshev-Tucker functions."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.decomposition.chebyshev import basis
from rankloom.decomposition.chebyshev.algebra import shortened
from rankloom.decomposition.chebyshev.domain import Domain
from rankloom.decomposition.chebyshev.evaluation import on_axis, rows
from rankloom.decomposition.checks import mode_index
from rankloom.decomposition.modes import mode_product, mode_products
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, like, namespace, square_norm, to_host, triangle
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from rankloom.decomposition.chebyshev.function import ChebyshevTucker


def derivative(f: "ChebyshevTucker", axis: int, order: int) -> TuckerTensor:
    """Coefficients of a partial derivative."""
    k, factors = mode_index("axis", axis, f.dimension), list(f.factors)
    start, stop = f.domain[k]
    for _ in range(integer("order", order, 1)):
        factors[k] = basis.derivative(factors[k]) * (2 / (stop - start))
    return TuckerTensor._adopt(f.core, factors).orthonormalize()


def integrate(f: "ChebyshevTucker", axis: int | Sequence[int] | None) -> Any:
    """Integral over some variables; a number when none is left."""
    axes = _axes(f, axis)
    functionals = {}
    for k in axes:
        start, stop = f.domain[k]
        weights = (stop - start) / 2 * basis.integrals(f.factors[k].shape[0])
        functionals[k] = like(f.core, weights[None, :], f.dtype) @ f.factors[k]
    return _applied(f, functionals)


def marginal(f: "ChebyshevTucker", axis: int | Sequence[int]) -> Any:
    """Integral over all variables but some."""
    kept = _axes(f, axis)
    return integrate(f, [k for k in range(f.dimension) if k not in kept])


def hold(f: "ChebyshevTucker", places: Mapping[int, float]) -> Any:
    """The function with some variables held."""
    functionals = {}
    for axis, place in places.items():
        k = mode_index("places", axis, f.dimension)
        x = np.atleast_1d(np.asarray(place, dtype=float))
        functionals[k] = on_axis(f.factors[k], x, f.domain[k], k)
    return _applied(f, functionals)


def _axes(f: "ChebyshevTucker", axis: int | Sequence[int] | None) -> list[int]:
    if axis is None:
        return list(range(f.dimension))
    given = axis if isinstance(axis, Sequence) else [axis]
    axes = [mode_index("axis", k, f.dimension) for k in given]
    if len(set(axes)) < len(axes):
        raise ValueError(f"`axis` names a variable twice: {tuple(given)}.")
    return axes


def _applied(f: "ChebyshevTucker", functionals: dict[int, Array]) -> Any:
    """One linear functional, as a row (1, r), on each of some variables."""
    xp, core = namespace(f.core), f.core
    for k, row in functionals.items():
        core = mode_product(core, row, k)
    kept = [k for k in range(f.dimension) if k not in functionals]
    if not kept:
        number = to_host(xp.reshape(core, (1,)))[0]
        return number.item()
    core = xp.reshape(core, tuple(f.ranks[k] for k in kept))
    # the ranks of what is left may be smaller, and its core may not be larger than they allow
    tensor = TuckerTensor._adopt(core, [f.factors[k] for k in kept]).round(tol=0.0)
    return f._adopt(shortened(tensor, 0.0)[0], tuple(f.domain[k] for k in kept))


def restrict(f: "ChebyshevTucker", domain: Domain) -> TuckerTensor:
    """Coefficients on a smaller box.

    Raises
    ------
    ValueError
        It is not inside that of `f`.
    """
    factors = []
    for k, ((a, b), (start, stop)) in enumerate(zip(f.domain, domain, strict=True)):
        if not a <= start < stop <= b:
            raise ValueError(
                f"`domain[{k}]` = ({start}, {stop}) reaches outside [{a}, {b}], where the function "
                "is known."
            )
        low, high = ((2 * x - (a + b)) / (b - a) for x in (start, stop))
        factors.append(basis.resampled(f.factors[k], low, high, f.factors[k].shape[0]))
    tensor = TuckerTensor._adopt(f.core, factors).round(tol=0.0)
    return shortened(tensor, 0.0)[0]


def norm(f: "ChebyshevTucker", order: float) -> float:
    """L2 norm by an exact quadrature, or the largest modulus found."""
    if order == math.inf:
        if basis.is_complex(f.core):
            raise ValueError("the largest modulus is found for real functions only; use order 2.")
        return max(abs(f.minimum().value), abs(f.maximum().value))
    if order != 2:
        raise ValueError(f"`order` must be 2 or numpy.inf, got {order}.")
    triangles, volume = [], 1.0
    for factor, (start, stop) in zip(f.factors, f.domain, strict=True):
        x, weights = basis.quadrature(2 * factor.shape[0])
        places, roots = (like(factor, v, f.core.dtype) for v in (x, np.sqrt(weights)))
        triangles.append(triangle(roots[:, None] * rows(factor, places)))
        volume *= (stop - start) / 2
    return math.sqrt(volume * square_norm(mode_products(f.core, triangles)))
