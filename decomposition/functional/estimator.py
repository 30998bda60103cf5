"""What `FunctionalTucker` and `FunctionalCP` share: the face of an estimator."""

import inspect
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rankloom.decomposition.checks import mode_index
from rankloom.decomposition.functional import bridge, fitting, storage
from rankloom.decomposition.functional.algebra import Algebra
from rankloom.decomposition.functional.fitted import Posterior
from rankloom.decomposition.functional.matern import Floats, Kernel, KernelSum, Matern
from rankloom.decomposition.functional.observations import (
    Observations,
    check_points,
    check_values,
    check_weights,
    observe,
)
from rankloom.decomposition.functional.scores import Scores, score, variance_factor
from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.tn.outcome import Outcome

_HELD = 0.1  # part held out by `calibrate=True`


class NotFittedError(ValueError, AttributeError):
    """A model was asked for predictions before `fit`."""


class FunctionalModel:
    """Base of the two models. Attributes that end in ``_`` exist after `fit`.

    Attributes
    ----------
    elbo_ : float
        Evidence lower bound at the end, in nats, of y in its units (plus log priors of kernels).
    elbo_trace_, lengthscale_trace_ : lists
        After every sweep.
    noise_std_ : float
        Standard deviation of the noise, in the units of y.
    kernels_ : list of Matern or KernelSum
        As learnt; lengthscales in the units of X, variances of scaled y.
    core_ : array
        Posterior mean of the core (weights of the components for `FunctionalCP`), for scaled y:
        ``y = center_ + scale_ * f``.
    center_, scale_ : float
    outcome_ : Outcome
        How the fit ended; its value is advice.
    starts_ : list of float
        Bound that every start reached.
    variance_factor_ : float
        Factor on predicted variances; 1 unless `calibrate` is asked for.
    """

    kernels: Any
    rng: Any
    learn_kernels: bool
    calibrate: bool | int
    max_sweeps: int
    restarts: int
    noise_std: float | None
    init: Any
    ard: bool
    tol: float
    threads: int | None
    progress: Progress

    elbo_: float
    elbo_trace_: list[float]
    lengthscale_trace_: list[list[float]]
    starts_: list[float]
    outcome_: "Outcome"
    variance_factor_: float
    n_features_in_: int
    _posterior: Posterior

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's name
        """The constructor's arguments by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Change constructor arguments; takes effect at the next `fit`."""
        known = self.get_params()
        for name, value in parameters.items():
            if name not in known:
                raise ValueError(f"{name!r} is no parameter; known are {', '.join(known)}.")
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_posterior")

    def _algebra(self, modes: int) -> Algebra:
        """Checked ranks as products; raises for ranks that do not fit."""
        raise NotImplementedError

    def _fixed_core(self, algebra: Algebra) -> Floats | None:
        """The core that is not learnt, (D,), or None."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to a table.

        Parameters
        ----------
        X : (N, K) array_like
            Real coordinates, one column per mode.
        y : (N,) array_like
            Values; NaN marks a missing one. Several rows may share their coordinates.
        sample_weight : (N,) array_like, optional
            How often each row counts, >= 0.

        Raises
        ------
        TypeError, ValueError
            Arguments that cannot be used; nothing has been changed then.
        """
        shape = np.shape(X)
        if len(shape) != 2 or shape[1] < 1:
            raise ValueError(f"`X` must have shape (N, K), one column per mode, got {shape}.")
        modes = shape[1]
        algebra = self._algebra(modes)
        points = check_points(X, modes)
        values = check_values(y, len(points))
        weights = check_weights(sample_weight, len(points))
        data = observe(points, values, weights, modes)
        kernels = self._kernels(data)
        init = self._init(data, algebra)
        rng = np.random.default_rng(self.rng)
        restarts = integer("restarts", self.restarts, 1)
        self._check_calibrate()
        seen = np.flatnonzero(~np.isnan(values) & (weights > 0))
        with one_blas_thread():
            factor, warm = 1.0, None
            if self.calibrate:
                factor, warm = self._calibration(
                    points[seen], values[seen], weights[seen], kernels, restarts, rng
                )
            settings = self._settings(algebra, kernels, data.scale)
            if warm is None:
                run, starts = fitting.fit_best(data, settings, init, restarts, rng, self.progress)
            else:
                start, starts = warm
                means = [chain.at(n)[0] for chain, n in zip(start.chains, data.nodes, strict=True)]
                run, _ = fitting.fit_best(
                    data, settings, means, 1, rng, self.progress, tuple(start.kernels)
                )
        if not run.trace:
            raise FloatingPointError(
                f"the fit broke down in its first sweep: {run.outcome.value} Try `init='random'`, "
                "or other lengthscales."
            )
        self.n_features_in_ = modes
        self.variance_factor_, self.starts_ = factor, starts
        self._keep(run, 0.0)
        self.elbo_trace_, self.lengthscale_trace_ = run.trace, run.lengthscales
        bridge.write_back(self.kernels, self.kernels_)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go on with further rows, without those seen before: the posterior becomes the prior.

        Made for data that arrive in time order; the cost is that of the new rows and of a pass
        over the coordinates seen so far. Kernels stay as the first call learnt them, and so does
        the scaling of y. `elbo_` adds up over the batches.
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X, y, sample_weight)
        post = self._posterior
        data = observe(
            X, y, sample_weight, self.n_features_in_,
            scaling=(post.center, post.scale), known=tuple(post.nodes),
        )  # fmt: skip
        with one_blas_thread():
            settings = self._settings(post.algebra, tuple(post.kernels), post.scale)
            run = fitting.extend(post, data, settings)
        if not run.trace:
            raise FloatingPointError(
                f"the update broke down: {run.outcome.value} The model is as it was before."
            )
        self._keep(run, self.elbo_)
        self.elbo_trace_ = self.elbo_trace_ + [self.elbo_ - run.bound + b for b in run.trace]
        self.lengthscale_trace_ = self.lengthscale_trace_ + run.lengthscales
        return self

    def _keep(self, run: fitting.Run, before: float) -> None:
        self._posterior = run.posterior()
        self.elbo_, self.outcome_ = before + run.bound, run.outcome

    def _settings(
        self, algebra: Algebra, kernels: tuple[Kernel, ...], scale: float
    ) -> fitting.Settings:
        noise = self.noise_std
        if noise is not None and not 0 < noise < math.inf:
            raise ValueError(f"`noise_std` must be a finite number > 0 or None, got {noise!r}.")
        if not 0 <= self.tol < 1:
            raise ValueError(f"`tol` must lie in 0 <= tol < 1, got {self.tol!r}.")
        threads = min(4, os.cpu_count() or 1) if self.threads is None else self.threads
        return fitting.Settings(
            algebra,
            kernels,
            self._fixed_core(algebra),
            None if noise is None else (noise / scale) ** 2,
            bool(self.learn_kernels),
            bool(self.ard),
            integer("max_sweeps", self.max_sweeps, 1),
            self.tol,
            integer("threads", threads, 1),
        )

    def _kernels(self, data: Observations) -> tuple[Kernel, ...]:
        modes = len(data.nodes)
        if self.kernels is None:
            return tuple(Matern(1.5, lengthscale=float(np.ptp(n)) / 5) for n in data.nodes)
        given = self.kernels
        if isinstance(given, (Matern, KernelSum)) or not isinstance(given, Sequence):
            raise TypeError(
                f"`kernels` must be a sequence with one kernel per mode, got {given!r}. "
                f"For the same kernel in all modes write [kernel] * {modes}."
            )
        if len(given) != modes:
            raise ValueError(
                f"`kernels` needs one kernel per mode: X has {modes} columns, got {len(given)} "
                "kernels."
            )
        return tuple(bridge.as_kernel(f"kernels[{k}]", kernel) for k, kernel in enumerate(given))

    def _init(self, data: Observations, algebra: Algebra) -> str | list[Floats]:
        if isinstance(self.init, str):
            if self.init not in ("als", "random"):
                raise ValueError(f"`init` must be 'als', 'random' or means, got {self.init!r}.")
            return self.init
        wanted = [(len(n), r) for n, r in zip(data.nodes, algebra.ranks, strict=True)]
        given = [np.asarray(m, dtype=np.float64) for m in self.init]
        if [m.shape for m in given] != wanted:
            raise ValueError(
                "`init` must be 'als', 'random' or one array of means per mode, (unique "
                f"coordinates, functions): wanted are {wanted}, got {[m.shape for m in given]}."
            )
        if not all(np.isfinite(m).all() for m in given):
            raise ValueError("`init` holds NaN or infinity.")
        return given

    def _check_calibrate(self) -> None:
        if not isinstance(self.calibrate, bool) and integer("calibrate", self.calibrate, 0) == 1:
            raise ValueError("`calibrate` must be True, False or a number of folds >= 2, got 1.")

    def _calibration(
        self,
        points: Floats,
        values: Floats,
        weights: Floats,
        kernels: tuple[Kernel, ...],
        restarts: int,
        rng: np.random.Generator,
    ) -> tuple[float, tuple[Posterior, list[float]]]:
        """Variance factor from values kept out of the fit, and the last of these fits."""
        part = rng.permutation(len(values))
        folds = np.array_split(part, self.calibrate) if self.calibrate is not True else []
        held = folds or [part[: max(1, round(_HELD * len(part)))]]
        if min(map(len, held)) < 20:
            raise ValueError(
                f"`calibrate` would judge intervals by {min(map(len, held))} values; at least 20 "
                "are needed. Pass a smaller number of folds, or calibrate=False."
            )
        found = []
        for out in held:
            kept = np.setdiff1d(part, out)
            data = observe(points[kept], values[kept], weights[kept], points.shape[1])
            settings = self._settings(self._algebra(points.shape[1]), kernels, data.scale)
            init = self.init if isinstance(self.init, str) else "als"
            run, starts = fitting.fit_best(data, settings, init, restarts, rng)
            posterior = run.posterior()
            mean, variance = posterior.predict(points[out])
            found.append((values[out], mean, np.sqrt(variance + posterior.noise_std**2)))
        y, mean, std = (np.concatenate(part) for part in zip(*found, strict=True))
        return variance_factor(y, mean, std), (posterior, starts)

    def _fitted(self) -> Posterior:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"this {type(self).__name__} has not been fitted; call `fit(X, y)` first."
            )
        return self._posterior

    @property
    def noise_std_(self) -> float:
        """Standard deviation of the noise, in the units of y."""
        return self._fitted().noise_std

    @property
    def kernels_(self) -> list[Kernel]:
        """Kernels as learnt."""
        return list(self._fitted().kernels)

    @property
    def core_(self) -> Floats:
        """Posterior mean of the core, or of the weights of a CP model."""
        post = self._fitted()
        return post.core.reshape(post.algebra.shape)

    @property
    def center_(self) -> float:
        """Constant beside the functions: learnt with the kernels, else the mean of y."""
        return self._fitted().center

    @property
    def scale_(self) -> float:
        """Standard deviation of y, by which it was divided."""
        return self._fitted().scale

    @property
    def nodes_(self) -> list[Floats]:
        """Unique coordinates of every mode, sorted."""
        return list(self._fitted().nodes)

    def predict(self, X: Any, return_std: bool = False, include_noise: bool = True) -> Any:
        """Predictive mean at points (n, K), and on request the standard deviation.

        Parameters
        ----------
        X : (n, K) array_like
            Any points, also between and outside the coordinates seen.
        return_std : bool, default False
        include_noise : bool, default True
            The standard deviation of an observation; False: of the function.

        Returns
        -------
        mean : (n,) array, or (mean, std)
            In the units of y. Variances are multiplied by `variance_factor_`.
        """
        post = self._fitted()
        points = check_points(X, self.n_features_in_)
        with one_blas_thread():
            mean, variance = post.predict(points)
        if not return_std:
            return mean
        noise = post.noise_std**2 if include_noise else 0.0
        return mean, np.sqrt(self.variance_factor_ * (variance + noise))

    def predict_interval(self, X: Any, level: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper ends (n,) of the central interval that an observation falls into."""
        from scipy.stats import norm

        if not 0 < level < 1:
            raise ValueError(f"`level` must lie in 0 < level < 1, got {level}.")
        mean, std = self.predict(X, return_std=True)
        reach = norm.ppf(0.5 + level / 2) * std
        return mean - reach, mean + reach

    def sample_functions(self, X: Any, n_samples: int = 1, rng: Any = None) -> Floats:
        """Joint draws (n_samples, n) of the noise-free function at points, in the units of y.

        Cost per draw: one pass of the filter over old and new coordinates of every mode. Draws are
        those of the model; `variance_factor_` is not applied.
        """
        post = self._fitted()
        points = check_points(X, self.n_features_in_)
        count = integer("n_samples", n_samples, 1)
        return post.sample(points, count, np.random.default_rng(rng))

    def mode_function(self, mode: int, t: Any) -> tuple[Floats, Floats]:
        """Posterior mean and standard deviation (n, R) of the functions of one mode at points t."""
        post = self._fitted()
        k = mode_index("mode", mode, self.n_features_in_)
        points = check_points(np.reshape(np.asarray(t, dtype=np.float64), (-1, 1)), 1)[:, 0]
        return post.mode_function(k, points)

    def component_shares(self) -> list[Floats]:
        """How much every function of every mode contributes: K arrays (R_k,) that sum to 1.

        The share of a function is the squared norm of its slice of the core, relative to all; its
        mean square over the coordinates seen is counted in. With `ard=True` needless functions
        are near 0.
        """
        post = self._fitted()
        sizes = [np.sqrt(np.mean(chain.node_means**2, axis=0)) for chain in post.chains]
        core = post.core.reshape(post.algebra.shape)
        if post.algebra.kron:
            for k, size in enumerate(sizes):
                core = core * size.reshape([-1 if m == k else 1 for m in range(core.ndim)])
            shares = [
                (core**2).sum(axis=tuple(m for m in range(core.ndim) if m != k))
                for k in range(core.ndim)
            ]
        else:
            shares = [(core * np.prod(sizes, axis=0)) ** 2] * len(sizes)
        return [s / s.sum() for s in shares]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R^2, as regressors of scikit-learn have it."""
        mean = self.predict(X)
        values = check_values(y, len(mean))
        weights = check_weights(sample_weight, len(mean)) * ~np.isnan(values)
        values = np.where(np.isnan(values), 0.0, values)
        center = np.average(values, weights=weights)
        return float(1 - weights @ (values - mean) ** 2 / (weights @ (values - center) ** 2))

    def scores(self, X: Any, y: Any) -> Scores:
        """RMSE, MAE, coverage of 95 % intervals, NLPD and CRPS on given values."""
        mean, std = self.predict(X, return_std=True)
        return score(check_values(y, len(mean)), mean, std)

    def plot_mode(
        self, mode: int, ax: "Axes | None" = None, components: Sequence[int] | None = None
    ) -> "Axes":
        """Functions of one mode with bands of two standard deviations."""
        from rankloom.decomposition.functional import plots

        return plots.plot_mode(self, mode, ax, components)

    def plot_trace(self, ax: "Axes | None" = None) -> "Axes":
        """Evidence bound after every sweep."""
        from rankloom.decomposition.functional import plots

        return plots.plot_trace(self.elbo_trace_, ax)

    def plot_lengthscales(self, ax: "Axes | None" = None) -> "Axes":
        """Lengthscales of all kernels after every sweep."""
        from rankloom.decomposition.functional import plots

        return plots.plot_lengthscales(self, ax)

    def plot_calibration(self, X: Any, y: Any, ax: "Axes | None" = None) -> "Axes":
        """Fraction of values inside central intervals of every level; the diagonal is right."""
        from rankloom.decomposition.functional import plots

        mean, std = self.predict(X, return_std=True)
        return plots.plot_calibration(check_values(y, len(mean)), mean, std, ax)

    def plot_pit(self, X: Any, y: Any, ax: "Axes | None" = None) -> "Axes":
        """Histogram of the probability integral transform; flat is right."""
        from rankloom.decomposition.functional import plots

        mean, std = self.predict(X, return_std=True)
        return plots.plot_pit(check_values(y, len(mean)), mean, std, ax)

    def to_gpytorch(self, mode: int, component: int) -> Any:
        """One function of one mode as a GPyTorch `ExactGP`; needs the extra `gp`.

        Its training points are the coordinates seen, with pseudo-targets and fixed noise that
        reproduce the posterior of the function. Exact where the mode has one function; with
        several, what the data say about the others is set to its mean.
        """
        post = self._fitted()
        k = mode_index("mode", mode, self.n_features_in_)
        r = mode_index("component", component, post.algebra.ranks[k])
        return bridge.export(post.chains[k], r)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write settings and posterior to an HDF5 file, whole or not at all."""
        storage.save(self, self._fitted(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file, or one of another kind or version.
        """
        model: Self = storage.load(cls, path)
        return model

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        shown = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        from rankloom.decomposition.functional import plots

        return plots.html(self)
