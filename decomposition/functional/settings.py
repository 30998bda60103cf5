"""Settings of the functional models: kept as given, checked when they are used."""

import inspect
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from rankloom.decomposition.functional import bridge, fitting
from rankloom.decomposition.functional.algebra import Algebra
from rankloom.decomposition.functional.matern import Matern
from rankloom.decomposition.functional.observations import Observations
from rankloom.decomposition.functional.processes import Floats, Kernel, KernelSum, Process
from rankloom.tn.checks import integer
from rankloom.tn.progress import Progress


class Adjustable(ABC):
    """Constructor arguments by name, as scikit-learn wants them, and what they mean for a fit."""

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
    dof: float | None
    batch_size: int | None
    progress: Progress

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

    @abstractmethod
    def _algebra(self, modes: int) -> Algebra:
        """Checked ranks as products; raises for ranks that do not fit."""

    @abstractmethod
    def _fixed_core(self, algebra: Algebra) -> Floats | None:
        """The core that is not learnt, (D,), or None."""

    def _settings(
        self, algebra: Algebra, kernels: tuple[Kernel, ...], scale: float
    ) -> fitting.Settings:
        noise = self.noise_std
        if noise is not None and not 0 < noise < math.inf:
            raise ValueError(f"`noise_std` must be a finite number > 0 or None, got {noise!r}.")
        if self.dof is not None and not 2 < self.dof < math.inf:
            raise ValueError(
                f"`dof` must be a finite number > 2 or None, got {self.dof!r}: with 2 degrees of "
                "freedom or fewer the noise has no standard deviation."
            )
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
            self.dof,
            None if self.batch_size is None else integer("batch_size", self.batch_size, 1),
        )

    def _kernels(self, data: Observations) -> tuple[Kernel, ...]:
        modes = len(data.nodes)
        if self.kernels is None:
            return tuple(Matern(1.5, lengthscale=float(np.ptp(n)) / 5) for n in data.nodes)
        given = self.kernels
        if isinstance(given, (Process, KernelSum)) or not isinstance(given, Sequence):
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

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        shown = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"
