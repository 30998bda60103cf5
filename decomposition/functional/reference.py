"""The chain of one mode in plain array operations: the oracle of the compiled kernels.

Works on arrays of any library, by a Rauch-Tung-Striebel smoother on the stacked state, a different
formula from that of `filter_kernels`. Cost ``J (R d)^3``.
"""

from typing import Any

from rankloom.tn.arrays import Array, like, namespace


def smooth(a: Array, q: Array, lam: Array, eta: Array) -> tuple[Any, Array, Array]:
    """Log integral, means (J, R) and covariances (J, R, R) of u at the nodes.

    Parameters
    ----------
    a, q : (J, d, d) arrays
        Transition into each node of a state whose first entry is u; ``a[0] = 0`` and ``q[0]`` the
        stationary covariance.
    lam, eta : (J, R, R), (J, R) arrays
        Messages ``exp(eta' u - u' lam u / 2)``.
    """
    xp = namespace(eta)
    nodes, rank = eta.shape
    eye = like(eta, _eye(rank), eta.dtype)
    h = _kron(eye, like(eta, _eye(a.shape[1]), eta.dtype)[:1, :])
    ident = like(eta, _eye(h.shape[1]), eta.dtype)
    mean = xp.zeros_like(h[0, :])
    cov, value = xp.zeros_like(ident), 0.0
    steps, predicted, filtered = [], [], []
    for j in range(nodes):
        step = _kron(eye, a[j, ...])
        mean, cov = step @ mean, step @ cov @ step.T + _kron(eye, q[j, ...])
        steps.append(step)
        predicted.append((mean, cov))
        s, u = h @ cov @ h.T, h @ mean
        tilt = eye + lam[j, ...] @ s
        miss = eta[j, :] - lam[j, ...] @ u
        gain, pull = xp.linalg.solve(tilt, lam[j, ...]), xp.linalg.solve(tilt, miss[:, None])[:, 0]
        value = value + xp.sum(eta[j, :] * u) - 0.5 * xp.sum(u * (lam[j, ...] @ u))
        value = value + 0.5 * xp.sum(miss * (s @ pull)) - 0.5 * xp.linalg.slogdet(tilt)[1]
        mean, cov = mean + cov @ h.T @ pull, cov - cov @ h.T @ gain @ h @ cov
        cov = 0.5 * (cov + cov.T)
        filtered.append((mean, cov))
    means, covs = [h @ mean], [h @ cov @ h.T]
    for j in range(nodes - 2, -1, -1):
        (before, spread), (there, width) = filtered[j], predicted[j + 1]
        back = xp.linalg.solve(width, steps[j + 1] @ spread).T
        mean = before + back @ (mean - there)
        cov = spread + back @ (cov - width) @ back.T
        means.append(h @ mean)
        covs.append(h @ cov @ h.T)
    return value, xp.stack(means[::-1]), xp.stack(covs[::-1])


def _eye(n: int) -> Any:
    import numpy as np

    return np.eye(n)


def _kron(x: Array, y: Array) -> Array:
    xp = namespace(x)
    product = x[:, None, :, None] * y[None, :, None, :]
    return xp.reshape(product, (x.shape[0] * y.shape[0], x.shape[1] * y.shape[1]))
