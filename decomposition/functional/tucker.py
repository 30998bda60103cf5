"""`FunctionalTucker`: a Tucker model whose factors are functions."""

from typing import Any

import numpy as np

from rankloom.decomposition.checks import sequence
from rankloom.decomposition.functional.algebra import Algebra, Kronecker
from rankloom.decomposition.functional.estimator import FunctionalModel
from rankloom.decomposition.functional.processes import Floats
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress


class FunctionalTucker(FunctionalModel):
    """Bayesian Tucker model of values at continuous coordinates.

    ``y = sum_r core[r_0, r_1, ..] u_0(x_0)[r_0] u_1(x_1)[r_1] .. + noise``: the functions of mode k
    are Gaussian processes, handled as state-space models in time linear in the number of distinct
    coordinates (arXiv:2311.04829). Posterior by variational inference; see `FunctionalModel` for
    the attributes after a fit.

    Parameters
    ----------
    ranks : sequence of int
        Number of functions of every mode.
    kernels : sequence of kernels, optional
        One per mode: `Matern`, `QuasiPeriodic`, `Trend`, a sum of them, or a GPyTorch kernel (read,
        and written back after the fit). By default Matern 3/2 with a fifth of the range of the mode
        as lengthscale.
    learn_kernels : bool, default True
        Learn lengthscales (and shares within sums) by maximum likelihood, or a posteriori where
        kernels have priors. The scale is that of the core.
    calibrate : bool or int, default False
        Find one factor on all predicted variances for which 95 % intervals hold on data kept out:
        True keeps out a tenth (the final fit uses all), an integer is a number of folds. Mean-field
        intervals are too narrow without it.
    max_sweeps : int, default 100
    restarts : int, default 1
        Number of starts; the largest bound wins. They run side by side where there are threads.
    rng : Generator, seed or None
    progress : bool or callable, default False
    core : array of shape `ranks`, optional
        A core that is kept fixed, of values with unit variance.
    noise_std : float, optional
        Noise that is kept fixed, in the units of y.
    init : "als", "random" or sequence of (J_k, R_k) arrays, default "als"
        First start: the house's Tucker solver on a coarse binned table, draws from the prior, or
        means at the sorted distinct coordinates.
    ard : bool, default False
        Learn precisions of the components, which switches needless ones off: give ranks that are
        large enough and look at `component_shares()`.
    tol : float, default 1e-5
        The fit ends when the bound gains less than `tol` nats per observation.
    threads : int, optional
        Threads for large tables and for restarts; all cores up to 4 by default.
    dof : float, optional
        Degrees of freedom, > 2, of Student-t noise, for tables with outliers: 4 is a good choice.
        By default noise is normal. `noise_std_`, intervals and scores stay those of a normal
        distribution with the same deviation, which is right for 95 % intervals.
    batch_size : int, optional
        For tables of millions of rows: before the sweeps over all rows, go once through the table
        in mini-batches of so many, each a step for all functions (stochastic variational
        inference). About half as many full sweeps are needed after it.

    Notes
    -----
    A sweep over N rows with K = 3 modes costs ``N p^2 + sum_k J_k (p^3 + (R d)^3) + R^9``
    operations, ``p = R (R + 1) / 2``, for J_k distinct coordinates; memory is
    ``N (2 K^2 + 6 K) * 4`` bytes, ``(sum_k J_k (4 R^2 + (R d)^2) + 3 R^6) * 8`` and at most 40 MB
    of sums, for each of the starts that run side by side; with `dof`, ``16 N`` more.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 1, (300, 2))
    >>> y = np.sin(6 * X[:, 0]) * np.exp(-X[:, 1]) + 0.01 * rng.standard_normal(300)
    >>> model = FunctionalTucker((1, 1), rng=0).fit(X, y)
    >>> mean, std = model.predict([[0.5, 0.5]], return_std=True)
    >>> bool(abs(mean[0] - np.sin(3) * np.exp(-0.5)) < 0.02)
    True
    """

    def __init__(
        self,
        ranks: Any,
        kernels: Any = None,
        *,
        learn_kernels: bool = True,
        calibrate: bool | int = False,
        max_sweeps: int = 100,
        restarts: int = 1,
        rng: Any = None,
        progress: Progress = False,
        core: Any = None,
        noise_std: float | None = None,
        init: Any = "als",
        ard: bool = False,
        tol: float = 1e-5,
        threads: int | None = None,
        dof: float | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.ranks, self.kernels, self.learn_kernels = ranks, kernels, learn_kernels
        self.calibrate, self.max_sweeps, self.restarts = calibrate, max_sweeps, restarts
        self.rng, self.progress, self.core, self.noise_std = rng, progress, core, noise_std
        self.init, self.ard, self.tol, self.threads = init, ard, tol, threads
        self.dof, self.batch_size = dof, batch_size

    def _algebra(self, modes: int) -> Algebra:
        given = sequence("ranks", self.ranks, "ranks, one per mode")
        ranks = tuple(integer(f"ranks[{k}]", r, 1) for k, r in enumerate(given))
        if len(ranks) != modes:
            raise ValueError(
                f"`ranks` needs one entry per mode: X has {modes} columns, got {len(ranks)} ranks."
            )
        return Kronecker(ranks)

    def _fixed_core(self, algebra: Algebra) -> Floats | None:
        if self.core is None:
            return None
        core = np.array(self.core, dtype=np.float64)
        if core.shape != algebra.shape or not np.isfinite(core).all():
            raise ValueError(
                f"`core` must be a finite array of shape {algebra.shape}, got shape {core.shape}."
            )
        return core.ravel()
