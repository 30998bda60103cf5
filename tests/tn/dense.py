"""Dense objects that the tests of sweeping solvers compare with."""

import numpy as np


def isometry(tensors, center, sites):
    """Columns: the basis states of the legs of some sites, the others contracted."""
    left, right = np.ones((1, 1)), np.ones((1, 1))
    for t in tensors[:center]:
        left = (left @ t.reshape(t.shape[0], -1)).reshape(-1, t.shape[2])
    for t in tensors[: center + sites - 1 : -1]:
        right = (t.reshape(-1, t.shape[2]) @ right).reshape(t.shape[0], -1)
    return np.kron(np.kron(left, np.eye(2**sites)), right.T)
