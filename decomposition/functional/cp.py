"""`FunctionalCP`: a sum of products of functions of one coordinate each."""

from typing import Any

import numpy as np

from rankloom.decomposition.functional.algebra import Algebra, Entrywise
from rankloom.decomposition.functional.estimator import FunctionalModel
from rankloom.decomposition.functional.processes import Floats
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress


class FunctionalCP(FunctionalModel):
    """Bayesian CP model of values at continuous coordinates.

    ``y = sum_r u_0(x_0)[r] u_1(x_1)[r] .. + noise``, with Gaussian processes u_k; cheaper than
    `FunctionalTucker`, which it is with a superdiagonal core of ones. The variance of mode 0 is
    learnt and carries the scale. See `FunctionalModel` for the attributes after a fit.

    Parameters
    ----------
    rank : int
        Number of terms.
    kernels, learn_kernels, calibrate, max_sweeps, restarts, rng, progress
        As for `FunctionalTucker`.
    noise_std, init, tol, threads, dof, batch_size
        As for `FunctionalTucker`; the start is the house's CP solver.
    ard : bool, default False
        Give every term a weight with a precision of its own, which switches needless terms off.

    Notes
    -----
    A sweep costs ``K N p + sum_k J_k (R d)^3`` operations with ``p = R (R + 1) / 2``; memory is
    that of `FunctionalTucker`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 1, (300, 2))
    >>> y = np.sin(6 * X[:, 0]) * np.exp(-X[:, 1]) + 0.01 * rng.standard_normal(300)
    >>> model = FunctionalCP(rank=1, rng=0).fit(X, y)
    >>> bool(model.noise_std_ < 0.015)
    True
    """

    def __init__(
        self,
        rank: int,
        kernels: Any = None,
        *,
        learn_kernels: bool = True,
        calibrate: bool | int = False,
        max_sweeps: int = 100,
        restarts: int = 1,
        rng: Any = None,
        progress: Progress = False,
        noise_std: float | None = None,
        init: Any = "als",
        ard: bool = False,
        tol: float = 1e-5,
        threads: int | None = None,
        dof: float | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.rank, self.kernels, self.learn_kernels = rank, kernels, learn_kernels
        self.calibrate, self.max_sweeps, self.restarts = calibrate, max_sweeps, restarts
        self.rng, self.progress, self.noise_std = rng, progress, noise_std
        self.init, self.ard, self.tol, self.threads = init, ard, tol, threads
        self.dof, self.batch_size = dof, batch_size

    def _algebra(self, modes: int) -> Algebra:
        return Entrywise(integer("rank", self.rank, 1), modes)

    def _fixed_core(self, algebra: Algebra) -> Floats | None:
        return None if self.ard else np.ones(algebra.shape)
