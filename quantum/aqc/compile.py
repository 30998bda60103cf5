"""Compile a matrix product state: polar sweeps, then quasi-Newton over all angles at once."""

import warnings
from collections.abc import Callable
from typing import Literal

import numpy as np

from rankloom.quantum.aqc.ansatz import Ansatz
from rankloom.quantum.aqc.optimise import End, Log, optimise
from rankloom.quantum.aqc.overlap import Overlap
from rankloom.quantum.aqc.result import CompiledState, Step
from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.mps import MPS
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress, track

_PERTURBATION = 0.01  # radians; takes a symmetric start off its stationary point
_NORMALISED = 1e-6  # what truncation may leave of a norm without a warning


def compile_state(
    target: MPS,
    ansatz: Ansatz,
    *,
    target_fidelity: float | None = None,
    max_iterations: int = 1000,
    polish: Literal["lbfgs"] | None = "lbfgs",
    polar_sweeps: int = 2,
    objective: Literal["log", "infidelity"] = "log",
    tol: float = 1e-11,
    rng: np.random.Generator | int | None = None,
    progress: Progress = False,
    callback: Callable[[Step], None] | None = None,
) -> CompiledState:
    """Find the angles with which a circuit prepares a matrix product state best.

    Two starts are optimised, the angles of `ansatz` and the same with normal noise of 0.01
    radians, because a Trotter start can be a stationary point by symmetry; the better end is
    kept. Each start takes `polar_sweeps` polar sweeps and then L-BFGS-B over all angles.

    Parameters
    ----------
    target : MPS
        Chain of qubits. Where ``<t|t>`` is not 1, fidelities are divided by it, with a warning.
    ansatz : Ansatz
        Circuit and start angles.
    target_fidelity : float, optional
        Stop as soon as it is reached; None goes on to convergence.
    max_iterations : int
        L-BFGS-B iterations of each start.
    polish : {"lbfgs", None}
        None stops after the polar sweeps.
    polar_sweeps : int
        Sweeps before; 0 starts L-BFGS-B at the given angles themselves.
    objective : {"log", "infidelity"}
        Minimise ``-log(F) / n``, whose gradient stays of order one where F is tiny, or ``1 - F``.
    tol : float
        An L-BFGS-B iteration that lowers ``-log(F)`` (or ``1 - F``) by less ends the start.
    rng : Generator, seed or None
        Noise of the second start.
    progress : bool or callable
        True shows a tqdm bar over iterations; a callable wraps an iterable as tqdm does.
    callback : callable, optional
        Called with every `Step` recorded.

    Returns
    -------
    CompiledState
        Ansatz with the best angles, fidelity, history, outcome; exports to Qiskit.

    Raises
    ------
    ValueError
        If target and ansatz do not fit, the target is zero, or an option is out of range.

    Warns
    -----
    UserWarning
        If the target is not normalised.

    Notes
    -----
    Peak memory: that of an `Overlap`, its stored boundaries once more during polar sweeps, and
    ``400`` bytes per angle for L-BFGS-B. Cost function of arXiv:2301.08609; fidelities are exact,
    not estimated from truncated states.

    Examples
    --------
    >>> from rankloom.tn import MPS, SpinChain, evolve
    >>> from rankloom.quantum import brickwork_ansatz, compile_state
    >>> chain = SpinChain.heisenberg(6)
    >>> state = evolve(MPS.product("010101"), chain, time=1.0, steps=40).state
    >>> result = compile_state(state, brickwork_ansatz(chain, 1.0, 1, initial="010101"), rng=0)
    >>> result.fidelity > 0.9998, result.two_qubit_depth
    (True, 9)
    """
    _check(target_fidelity, max_iterations, polish, polar_sweeps, objective, tol)
    squared_norm = _squared_norm(target)
    log = Log(squared_norm, target_fidelity, callback)
    overlap = Overlap(target, ansatz)
    noise = np.random.default_rng(rng).standard_normal(ansatz.n_parameters)
    starts = (ansatz, ansatz.with_angles(ansatz.angles + _PERTURBATION * noise))
    bar = iter(track(range(len(starts) * max_iterations), progress))
    limit = max_iterations if polish else 0
    ends: list[End] = []
    with one_blas_thread():
        for start in starts:
            ends.append(optimise(overlap, start, polar_sweeps, limit, objective, tol, log, bar))
            if ends[-1].outcome is Outcome.TARGET_REACHED:
                break
    if hasattr(bar, "close"):
        bar.close()
    best = max(ends, key=lambda end: end.fidelity)
    return CompiledState(
        ansatz=best.ansatz,
        fidelity=best.fidelity,
        outcome=best.outcome,
        squared_norm=squared_norm,
        history=log.history(),
        seconds=log.seconds(),
    )


def _squared_norm(target: MPS) -> float:
    squared = target.norm() ** 2
    if not squared > 0:
        raise ValueError("`target` is the zero vector: it has no direction to prepare.")
    if abs(squared - 1) > _NORMALISED:
        warnings.warn(
            f"`target` is not normalised, <t|t> = {squared:.8g}: fidelities are divided by it. "
            "`target.normalize()` avoids this.",
            stacklevel=3,
        )
    return squared


def _check(
    target_fidelity: float | None,
    max_iterations: int,
    polish: object,
    polar_sweeps: int,
    objective: object,
    tol: float,
) -> None:
    if target_fidelity is not None and not 0 < target_fidelity <= 1:
        raise ValueError(
            f"`target_fidelity` must lie in 0 < F <= 1, got {target_fidelity}. Pass None to go "
            "on to convergence."
        )
    integer("max_iterations", max_iterations, 1)
    integer("polar_sweeps", polar_sweeps, 0)
    if polish not in ("lbfgs", None):
        raise ValueError(f"`polish` must be 'lbfgs' or None, got {polish!r}.")
    if polish is None and polar_sweeps == 0:
        raise ValueError("`polish` is None and `polar_sweeps` is 0: nothing would be optimised.")
    if objective not in ("log", "infidelity"):
        raise ValueError(f"`objective` must be 'log' or 'infidelity', got {objective!r}.")
    if not tol > 0:
        raise ValueError(f"`tol` must be positive, got {tol}.")
