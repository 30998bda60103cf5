"""Kernel parameters learnt through the likelihood of the filter, one parabola at a time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rankloom.decomposition.functional.processes import Kernel, with_parts

_FIRST = 2  # sweeps before kernels are touched: early messages mislead
_STEPS = {"period": (1e-4, 0.003, 0.03)}  # least, first and most, in the logarithm
_ORDINARY = (0.02, 0.3, 0.7)
_FARTHEST = 1e100  # where a parameter that the data drive to infinity ends


@dataclass
class Learner:
    """Improves one parameter after another; never lowers log likelihood plus log prior.

    Parameters
    ----------
    variances : set of int
        Modes whose total variance is free. In the others the scale is carried by the core or by
        another mode, and only the shares of the terms of a sum are learnt.
    every : int, default 3
        Kernels are improved in every so many sweeps.
    """

    variances: set[int]
    every: int = 3
    steps: dict[tuple[int, int, str], float] = field(default_factory=dict)

    def improve(
        self,
        mode: int,
        kernel: Kernel,
        likelihoods: Callable[[Sequence[Kernel]], Sequence[float]],
        sweep: int,
    ) -> Kernel:
        """A kernel at least as good, from three evaluations per parameter, two of them at once."""
        if sweep < _FIRST or (sweep - _FIRST) % self.every:
            return kernel

        def score(*candidates: Kernel) -> list[float]:
            values = likelihoods(candidates)
            return [v + c.log_prior() for v, c in zip(values, candidates, strict=True)]

        (best,) = score(kernel)
        for i in range(len(kernel.parts)):
            names = list(kernel.parts[i].scales)
            if i > 0 or mode in self.variances:
                names.append("variance")
            for name in names:
                kernel, best = self._along((mode, i, name), kernel, best, score)
        return kernel

    def _along(
        self,
        key: tuple[int, int, str],
        kernel: Kernel,
        best: float,
        score: Callable[..., list[float]],
    ) -> tuple[Kernel, float]:
        _, i, name = key
        least, first, most = _STEPS.get(name, _ORDINARY)
        step = self.steps.get(key, first)
        larger, smaller = _moved(kernel, i, name, step), _moved(kernel, i, name, -step)
        values = score(larger, smaller)
        tried = {0.0: (kernel, best), step: (larger, values[0]), -step: (smaller, values[1])}
        up, down = values[0] - best, values[1] - best
        curve = up + down
        if curve < 0:
            shift = 0.5 * step * (down - up) / curve
            shift = max(-most, min(most, shift))
        else:
            shift = math.copysign(min(2 * step, most), up - down)
        candidate = _moved(kernel, i, name, shift)
        tried[shift] = (candidate, score(candidate)[0])
        chosen = max(tried, key=lambda s: tried[s][1])
        self.steps[key] = max(least, min(most, 2 * abs(chosen) if chosen else step / 2))
        return tried[chosen]


def _moved(kernel: Kernel, i: int, name: str, shift: float) -> Kernel:
    parts = list(kernel.parts)
    part: Any = parts[i]  # a dataclass
    value = getattr(part, name) * math.exp(shift)
    low, high = part.bounds if name == "lengthscale" else (0.0, math.inf)
    value = min(max(value, low, 1 / _FARTHEST), high, _FARTHEST)
    parts[i] = replace(part, **{name: value})
    return with_parts(parts)
