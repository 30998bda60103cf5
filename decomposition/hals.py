"""Hierarchical alternating least squares: nonnegative factors, one column after the other.

A. Cichocki, A.-H. Phan, doi:10.1587/transfun.E92.A.708.
"""

from rankloom.tn.arrays import Array, namespace, to_host

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
    xp = namespace(y)
    y = xp.asarray(y, copy=True)
    scales = [float(v) + ridge for v in to_host(g).diagonal()]
    for _ in range(_INNER):
        for r, scale in enumerate(scales):
            if not scale > 0:  # nothing depends on this row
                continue
            row = y[r, :] + (m[r, :] - g[r, :] @ y - ridge * y[r, :]) / scale
            y[r, :] = xp.where(row > 0, row, xp.zeros_like(row))
    return y
