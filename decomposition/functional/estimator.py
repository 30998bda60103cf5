"""What `FunctionalTucker` and `FunctionalCP` share: the face of an estimator."""

import os
import warnings
from typing import Any, Self

import numpy as np

from rankloom.decomposition.checks import ApproximationWarning, mode_index
from rankloom.decomposition.functional import bridge, fitting, storage
from rankloom.decomposition.functional.answers import Fitted
from rankloom.decomposition.functional.fitted import Posterior
from rankloom.decomposition.functional.observations import (
    check_points,
    check_values,
    check_weights,
    observe,
)
from rankloom.decomposition.functional.processes import Floats, Kernel
from rankloom.decomposition.functional.scores import Scores, score, variance_factor
from rankloom.decomposition.functional.settings import Adjustable
from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer

_COARSE = 0.01  # part of a kernel's variance that may be cut off without a warning
_HELD = 0.1  # part held out by `calibrate=True`


class FunctionalModel(Adjustable, Fitted):
    """Base of the two models. Attributes that end in ``_`` exist after `fit`.

    Attributes
    ----------
    elbo_ : float
        Evidence lower bound at the end, in nats, of y in its units (plus log priors of kernels).
    elbo_trace_, lengthscale_trace_ : lists
        After every sweep.
    noise_std_ : float
        Standard deviation of the noise, in the units of y.
    kernels_ : list of kernels
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
    validation_ : Scores or None
        Of the values that `calibrate` kept out, before the factor: what to choose ranks, kernels
        and the format by.
    """

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

        Warns
        -----
        ApproximationWarning
            A learnt season is too sharp for the harmonics of its kernel.
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
            factor, scores, warm = 1.0, None, None
            if self.calibrate:
                factor, scores, warm = self._calibration(
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
        self.variance_factor_, self.validation_, self.starts_ = factor, scores, starts
        self._keep(run, 0.0)
        self.elbo_trace_, self.lengthscale_trace_ = run.trace, run.lengthscales
        bridge.write_back(self.kernels, self.kernels_)
        self._warn_of_coarse_kernels()
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

    def _warn_of_coarse_kernels(self) -> None:
        for k, kernel in enumerate(self.kernels_):
            for part in kernel.parts:
                if part.truncation > _COARSE:
                    warnings.warn(
                        f"the kernel of mode {k}, {part.label}, leaves "
                        f"{100 * part.truncation:.2g} % of its variance beyond its harmonics: "
                        "sharp seasons are smoothed. Give it more `harmonics`.",
                        ApproximationWarning,
                        stacklevel=3,
                    )

    def _calibration(
        self,
        points: Floats,
        values: Floats,
        weights: Floats,
        kernels: tuple[Kernel, ...],
        restarts: int,
        rng: np.random.Generator,
    ) -> tuple[float, Scores, tuple[Posterior, list[float]]]:
        """Variance factor and scores on values kept out of the fit, and the last of these fits."""
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
        return variance_factor(y, mean, std), score(y, mean, std), (posterior, starts)

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
