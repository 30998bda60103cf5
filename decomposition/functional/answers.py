"""What a fitted functional model answers: predictions, functions of modes, scores and plots."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.decomposition.checks import mode_index
from rankloom.decomposition.functional.fitted import Posterior
from rankloom.decomposition.functional.observations import (
    check_points,
    check_values,
    check_weights,
)
from rankloom.decomposition.functional.processes import Floats, Kernel
from rankloom.decomposition.functional.scores import Scores, score
from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rankloom.tn.outcome import Outcome


class NotFittedError(ValueError, AttributeError):
    """A model was asked for predictions before `fit`."""


class Fitted:
    """Questions to a posterior; all but `__sklearn_is_fitted__` raise `NotFittedError` before."""

    elbo_: float
    elbo_trace_: list[float]
    lengthscale_trace_: list[list[float]]
    starts_: list[float]
    outcome_: "Outcome"
    variance_factor_: float
    validation_: Scores | None
    n_features_in_: int
    _posterior: Posterior

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_posterior")

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

    def _repr_html_(self) -> str:
        from rankloom.decomposition.functional import plots

        return plots.html(self)
