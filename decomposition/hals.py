"""Hierarchical alternating least squares: nonnegative factors, one column after the other.

A. Cichocki, A.-H. Phan, doi:10.1587/transfun.E92.A.708.
"""

import numpy as np

from rankloom.tn.arrays import Array, is_numpy, namespace, to_host

_INNER = 5  # passes over the rows; they cost little beside the product with the tensor


def hals(y: Array, m: Array, g: Array, *, ridge: float = 0.0) -> Array:
    """Five passes over the rows of Y, each to its minimiser with the others fixed, cut off at zero.

    What is lowered is ``|x - model|^2 + ridge |Y|^2`` for a model linear in Y with the products
    ``M`` of the data and ``G`` of the model with what Y multiplies.

    Parameters
    ----------
    y, m : (R, n) arrays
    g : (R, R) array
    ridge : float, default 0
    """
    if is_numpy(y):
        from rankloom.decomposition.hals_kernels import hals_rows

        out = np.array(y, np.float64, order="C")
        hals_rows(out, _double(m), _double(g), float(ridge), _INNER)
        return out.astype(y.dtype, copy=False)
    return plain_hals(y, m, g, ridge)


def plain_hals(y: Array, m: Array, g: Array, ridge: float) -> Array:
    """What the kernel does in plain array operations."""
    xp = namespace(y)
    y = xp.asarray(y, copy=True)
    scales = [float(v) + ridge for v in to_host(g).diagonal()]
    for _ in range(_INNER):
        for r, scale in enumerate(scales):
            if not scale > 0:
                continue
            row = y[r, :] + (m[r, :] - g[r, :] @ y - ridge * y[r, :]) / scale
            y[r, :] = xp.where(row < 0, xp.zeros_like(row), row)
    return y


def _double(x: Array) -> Array:
    """In one memory order and type, so that the kernel is compiled once."""
    return np.ascontiguousarray(x, np.float64)
