"""Runs of the inference: starts, restarts, collapse, and how a run ends."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from rankloom.decomposition.functional.algebra import Algebra
from rankloom.decomposition.functional.chains import Messages, log_integral
from rankloom.decomposition.functional.fitted import Posterior
from rankloom.decomposition.functional.inference import Inference, Mode
from rankloom.decomposition.functional.learning import Learner
from rankloom.decomposition.functional.observations import Observations
from rankloom.decomposition.functional.posterior import Core, Noise, Relevance
from rankloom.decomposition.functional.processes import Floats, Kernel
from rankloom.decomposition.functional.robust import spread_of_t
from rankloom.decomposition.functional.starts import als_means, least_squares_core, random_means
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress, track

_NARROW = 0.01  # variance of the start; see `starts`
_STILL = 4  # sweeps in a row that must gain less than `tol`: kernels are learnt in every third
_TRIES = 3


@dataclass(frozen=True, eq=False)
class Settings:
    """What all runs of a fit share.

    Attributes
    ----------
    algebra, kernels
    core : (D,) array or None
        Fixed core.
    noise : float or None
        Fixed variance of the noise, of scaled values.
    learn, ard : bool
    max_sweeps : int
    tol : float
        Gain of the bound per observation that counts as none.
    threads : int
    dof : float or None
        Degrees of freedom of Student-t noise.
    batch : int or None
        Rows of a mini-batch.
    """

    algebra: Algebra
    kernels: tuple[Kernel, ...]
    core: Floats | None
    noise: float | None
    learn: bool
    ard: bool
    max_sweeps: int
    tol: float
    threads: int
    dof: float | None
    batch: int | None


@dataclass(frozen=True, eq=False)
class Run:
    """A run that ended."""

    inference: Inference
    trace: list[float]
    lengthscales: list[list[float]]
    outcome: Outcome

    @property
    def bound(self) -> float:
        """Evidence bound at the end; minus infinity where it is not finite."""
        return self.trace[-1] if self.trace and np.isfinite(self.trace[-1]) else -np.inf

    def posterior(self) -> Posterior:
        """What is kept."""
        inference = self.inference
        messages = [mode.messages for mode in inference.modes]
        assert all(m is not None for m in messages)  # every mode was updated
        return Posterior(
            inference.algebra,
            inference.data.nodes,
            [mode.kernel for mode in inference.modes],
            [m.lam for m in messages if m is not None],
            [m.eta for m in messages if m is not None],
            inference.core.mean,
            inference.core.cov,
            inference.core.fixed,
            (inference.noise.shape, inference.noise.rate),
            inference.noise.fixed,
            inference.data.center + inference.data.scale * inference.offset,
            inference.data.scale,
            inference.dof,
        )


def fit_best(
    data: Observations,
    settings: Settings,
    init: str | Sequence[Floats],
    restarts: int,
    rng: np.random.Generator,
    progress: Progress = False,
    kernels: tuple[Kernel, ...] | None = None,
) -> tuple[Run, list[float]]:
    """The run with the largest bound, and the bounds of all starts.

    The first start is `init`, later ones are random; as many as there are threads run side by side,
    each with a sorted copy of the table. A start that collapses to the zero function is repeated
    from random means.
    """
    generators = rng.spawn(restarts)
    if restarts == 1:
        run = _start(data, settings, init, generators[0], kernels, progress)
        return run, [run.bound]
    alone = replace(settings, threads=1)
    kinds = [init, *["random"] * (restarts - 1)]
    best: Run | None = None
    bounds = []
    with ThreadPoolExecutor(min(settings.threads, restarts)) as pool:
        runs = pool.map(lambda k, g: _start(data, alone, k, g, kernels), kinds, generators)
        for _ in track(range(restarts), progress):
            run = next(runs)
            bounds.append(run.bound)
            if best is None or run.bound > best.bound:
                best = run
    assert best is not None  # restarts >= 1
    return best, bounds


def _start(
    data: Observations,
    settings: Settings,
    init: str | Sequence[Floats],
    rng: np.random.Generator,
    kernels: tuple[Kernel, ...] | None,
    progress: Progress = False,
) -> Run:
    """One start, repeated from random means while it collapses."""
    for _ in range(_TRIES):
        found = _prepare(data, settings, init, rng, kernels)
        if settings.batch is not None and settings.batch < len(data.y):
            found.warm_up(settings.batch, rng)
        run = climb(found, settings, progress)
        if not isinstance(init, str) or not np.isfinite(run.bound) or not found.collapsed():
            break
        init = "random"
    return run


def _prepare(
    data: Observations,
    settings: Settings,
    init: str | Sequence[Floats],
    rng: np.random.Generator,
    kernels: tuple[Kernel, ...] | None,
) -> Inference:
    algebra = settings.algebra
    kernels = settings.kernels if kernels is None else kernels
    means, offset = None, 0.0
    if isinstance(init, str) and init == "als":
        means, offset = als_means(data, algebra, rng, shifted=settings.learn)
    if means is None:
        means = random_means(data, algebra, kernels, rng) if isinstance(init, str) else list(init)
    size = int(np.prod(algebra.shape))
    if settings.core is not None:
        core = Core(settings.core, np.zeros((size, size)), fixed=True)
    else:
        relevance = Relevance(algebra.shape) if settings.ard else None
        start = least_squares_core(data, algebra, means, offset)
        core = Core(start, _NARROW * np.eye(size), relevance=relevance)
    modes = [
        Mode(kernel, m, np.broadcast_to(_NARROW * np.eye(m.shape[1]), (len(m), *[m.shape[1]] * 2)))
        for kernel, m in zip(kernels, means, strict=True)
    ]
    noise = Noise(1.0, 1.0)
    if settings.noise is not None:
        noise = Noise(spread_of_t(settings.dof) / settings.noise, 1.0, fixed=True)
    # In CP one mode carries the scale of all; weights or a core carry it otherwise.
    scaled = {0} if settings.core is not None and not algebra.kron else set()
    learner = Learner(scaled) if settings.learn else None
    return Inference(
        data, algebra, modes, core, noise, learner, settings.threads, offset, settings.dof
    )


def climb(inference: Inference, settings: Settings, progress: Progress = False) -> Run:
    """Sweep until the bound stands still."""
    trace: list[float] = []
    scales: list[list[float]] = []
    outcome, quiet = Outcome.MAX_SWEEPS, 0
    for _ in track(range(settings.max_sweeps), progress):
        try:
            bound = inference.sweep()
        except np.linalg.LinAlgError:  # a core matrix that is not finite
            bound = np.nan
        if not np.isfinite(bound):
            outcome = Outcome.NOT_FINITE
            break
        trace.append(bound)
        scales.append([p.lengthscale for m in inference.modes for p in m.kernel.parts])
        gain = trace[-1] - trace[-2] if len(trace) > 1 else np.inf
        quiet = quiet + 1 if gain <= settings.tol * inference.data.count else 0
        if quiet >= _STILL:
            outcome = Outcome.CONVERGED
            break
    return Run(inference, trace, scales, outcome)


def extend(posterior: Posterior, data: Observations, settings: Settings) -> Run:
    """Go on with new data, the posterior so far being the prior: streaming variational inference.

    `data` are indexed by the union of old and new coordinates. Kernels stay as they are.
    """
    modes = []
    for k, chain in enumerate(posterior.chains):
        nodes = data.nodes[k]
        here = np.searchsorted(nodes, posterior.nodes[k])
        rank = chain.messages.eta.shape[1]
        lam, eta = np.zeros((len(nodes), rank, rank)), np.zeros((len(nodes), rank))
        lam[here], eta[here] = chain.messages.lam, chain.messages.eta
        base = Messages.of(lam, eta)
        means, covs = chain.at(nodes)
        value = log_integral(chain.kernel, nodes, base)
        modes.append(Mode(chain.kernel, means, covs, base=base, base_value=value))
    core = Core(posterior.core, posterior.core_cov, posterior.core_fixed)
    if not core.fixed:
        core.prior_mean = posterior.core
        core.prior_precision = np.asarray(np.linalg.inv(posterior.core_cov), np.float64)
    noise = Noise(*posterior.noise, prior=posterior.noise, fixed=posterior.noise_fixed)
    inference = Inference(
        data, posterior.algebra, modes, core, noise, None, settings.threads, dof=posterior.dof
    )
    return climb(inference, settings)
