"""Time evolution of matrix product states, in real and imaginary time.

`evolve` checks its arguments, runs the schedule of a method (`rankloom.tn.tebd`,
`rankloom.tn.tdvp`), records, and keeps checkpoints.
"""

import math
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn import checkpoint as files
from rankloom.tn.arrays import Array, contiguous, like, namespace, one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.evolution import Evolution
from rankloom.tn.evolve_input import hamiltonian, watched
from rankloom.tn.files import check_folder
from rankloom.tn.mpo import MPO
from rankloom.tn.mps import MPS
from rankloom.tn.progress import Progress, track
from rankloom.tn.spinchain import SpinChain
from rankloom.tn.tdvp import Tdvp
from rankloom.tn.tebd import CoolingTebd, Tebd
from rankloom.tn.trotter import trotter_layers
from rankloom.tn.truncation import Truncation


def evolve(
    psi0: MPS,
    chain: SpinChain | MPO,
    *,
    time: float,
    steps: int,
    method: str = "tebd",
    order: int = 2,
    max_bond: int | None = None,
    cutoff: float = 1e-10,
    imaginary: bool = False,
    krylov_tol: float = 1e-12,
    threads: int | None = None,
    observe: Mapping[str, str | MPO | Callable[[MPS], ArrayLike]] | None = None,
    callback: Callable[[float, MPS], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10,
    progress: Progress = False,
) -> Evolution:
    """``exp(-i time H) |psi0>``, or ``exp(-time H) |psi0>`` normalised.

    Parameters
    ----------
    psi0 : MPS
        Initial state of n sites.
    chain : SpinChain or MPO
        The Hamiltonian H on the same sites. An MPO (Hermitian, of any range and any physical
        dimensions) needs a TDVP method.
    time : float
        Any finite number but 0; negative runs backwards.
    steps : int
        Number of steps, dt = time/steps.
    method : {"tebd", "tdvp", "tdvp1"}, default "tebd"
        Trotter circuit, two-site TDVP, or one-site TDVP with bonds that grow before a step. For
        nearest neighbours TEBD is fastest. One-site TDVP conserves the energy at any bond
        dimension, and is the one to take for long-range H from a product state, whose bonds
        two-site steps cannot open.
    order : {1, 2, 4}, default 2
        Order of the Trotter circuit; its error at fixed time falls as dt**order. TDVP has order 2.
    max_bond : int, optional
        Largest bond dimension kept or grown; None for no limit.
    cutoff : float, default 1e-10
        Largest relative discarded weight of one cut. "tdvp1" cuts nothing: there it is the largest
        weight outside the bonds that a step may leave aside.
    imaginary : bool, default False
        Evolve by ``exp(-time H)`` and normalise after every step: the ground state, in the end.
    krylov_tol : float, default 1e-12
        TDVP: largest relative error of each exponential (`rankloom.tn.krylov`).
    threads : int, optional
        TEBD in real time: Python threads over the bonds of a half layer, used where bonds are wide
        enough to gain. Default: as many as BLAS was set to use (so one, when OMP_NUM_THREADS is 1).
        The result does not depend on it.
    observe : dict, optional
        What to record at t = 0 and after every step, by name: a Pauli letter (every site), an MPO,
        or a function of the state that returns a number or an array of one shape.
    callback : callable, optional
        Called as ``callback(t, state)`` at t = 0 and after every step, for instance to keep
        snapshots. With it or with `observe` the half layers of TEBD are not merged across steps, so
        that each state is complete.
    checkpoint : path, optional
        HDF5 file to write every `checkpoint_every` steps and at the end, whole or not at all. If it
        exists, the run goes on where it stands, and ends with the same bits as an unbroken one;
        `callback` then hears of the steps after it only.
    checkpoint_every : int, default 10
        Steps from one checkpoint to the next.
    progress : bool or callable, default False
        True for a tqdm bar over half layers (TDVP: steps), or a callable that wraps an iterable.

    Returns
    -------
    Evolution

    Raises
    ------
    TypeError, ValueError
        An argument is outside its range, state and Hamiltonian differ in their sites, H is not
        Hermitian, or the file at `checkpoint` belongs to another run.

    Notes
    -----
    TEBD: each bond update costs one eigendecomposition or SVD of a (2D, 2D) matrix, O(D^3). The
    state is renormalised after every cut, and canonicalised exactly at the end. Peak memory: the
    state and its start, ``2 * 32 n D^2`` bytes in complex128, and about ``400 D^2`` bytes for each
    thread.

    TDVP with operator bonds w: O(w d^3 D^3) for each of some ten Lanczos vectors a site ("tdvp1":
    O(w d^2 D^3)), less where channels of H are trivial (`rankloom.tn.environments`), and
    O(w^2 d^2 D^3) for the projection error ("tdvp" skips it for a `SpinChain`, where it is 0). Peak
    memory in complex128: ``16 n D^2 (2 d + w)`` bytes for state and environments,
    ``16 D^2 d^2 (34 + 4 w)`` at work, and for the projection error ``16 n w^2 D^2`` or, where that
    exceeds 64 MiB, ``32 sqrt(n) w^2 D^2``.

    In imaginary time TDVP steps partly backwards, which amplifies errors by about
    ``exp(dt (E_max - E_min) / 2)``: that factor times ``sqrt(cutoff)`` has to stay small. Where the
    energy rises instead of falling, a RuntimeWarning says so.

    Sources: G. Vidal, arXiv:quant-ph/0310089, and M. B. Hastings, arXiv:0903.3253 (TEBD);
    J. Haegeman et al., arXiv:1408.5056, and S. Paeckel et al., arXiv:1901.05824 (TDVP and its
    errors); M. Yang and S. R. White, arXiv:2005.06104 (growing bonds).

    Examples
    --------
    >>> chain = SpinChain.heisenberg(6)
    >>> run = evolve(MPS.product("010101"), chain, time=1.0, steps=20, observe={"z": "Z"})
    >>> run.observed["z"][-1].round(3)
    array([ 0.585, -0.228,  0.283, -0.283,  0.228, -0.585])

    The ground state by imaginary time, on the whole chain at once:

    >>> cold = evolve(
    ...     MPS.product("010101"), chain, time=20.0, steps=40, method="tdvp", imaginary=True
    ... )
    >>> round(float(cold.energies[-1] - np.linalg.eigvalsh(chain.dense())[0]), 6)
    0.0
    """
    rule = Truncation(max_bond, cutoff)
    every = integer("checkpoint_every", checkpoint_every, 1)
    operator = hamiltonian(psi0, chain, method, order, imaginary, krylov_tol, threads)
    measures = watched(observe)
    each = bool(measures) or callback is not None or imaginary
    schedule = _schedule(psi0.n_sites, time, steps, order, method, each)
    run = {
        "method": method, "time": float(time), "steps": steps, "order": order,
        "max_bond": rule.max_bond, "cutoff": float(cutoff), "imaginary": imaginary,
        "krylov_tol": float(krylov_tol), "observe": list(measures), "complete steps": each,
        "library": namespace(*psi0.tensors).__name__,
    }  # fmt: skip
    log = files.Log()
    parts: dict[str, list[NDArray[Any]]] | None = None
    if checkpoint is not None:
        check_folder(checkpoint)
        run["psi0"] = files.fingerprint(psi0.tensors)
        run["chain"] = files.fingerprint(operator)
        if Path(checkpoint).exists():
            log, parts = files.load(checkpoint, run)
    times = np.linspace(0.0, time, steps + 1)
    items = track(schedule[log.done :], progress)

    def record(t: float, state: MPS | None) -> None:
        """Energy, observables and callback of one complete step."""
        if not isinstance(work, Tebd):
            log.add("energy", work.energy())
        if measures or callback is not None:
            state = work.state() if state is None else state
        for name, measure in measures.items():
            log.add(f"observe:{name}", measure(state))
        if callback is not None and state is not None:
            callback(t, state)

    with one_blas_thread() as budget:
        count = budget if threads is None else threads
        work = _method(psi0, chain, operator, method, time / steps, imaginary, rule, krylov_tol)
        if parts is not None:
            work.restore({name: _adopt(values, psi0) for name, values in parts.items()})
        else:
            record(0.0, None if imaginary else psi0)
        with work.workers(count):
            for item, step in items:
                weights = np.array(work.advance(item))
                log.add("weight", [float(weights.sum()), float(np.sqrt(weights).sum())])
                if isinstance(work, Tdvp):
                    log.add("projection", work.rate)
                if step:
                    record(float(times[step]), None)
                log.done += 1
                if checkpoint is not None and _due(log.done, len(schedule), steps, every):
                    files.save(checkpoint, run, log, work.parts())
        state = work.state()
    found = Evolution._from_log(state, times, log, measures, imaginary)
    if imaginary and found.energies is not None:
        _warn_of_rise(found.energies * math.copysign(1.0, time), abs(time) / steps)
    return found


def _warn_of_rise(energies: NDArray[np.float64], dt: float) -> None:
    """Imaginary time lowers the energy; where it does not, the steps were too long."""
    rise = float(np.diff(energies).max())
    if rise > max(1e-3 * float(np.ptp(energies)), 1e-6 * float(abs(energies).max())):
        warnings.warn(
            f"the energy went astray by {rise:.2g} in one step of imaginary time: steps of {dt:g} "
            "are too long for this Hamiltonian and truncation. Take more `steps`, wider bonds, or "
            "`ground_state`.",
            RuntimeWarning,
            stacklevel=3,
        )


def _method(
    psi0: MPS,
    chain: SpinChain | MPO,
    operator: tuple[Array, ...],
    method: str,
    dt: float,
    imaginary: bool,
    rule: Truncation,
    tol: float,
) -> Tebd | CoolingTebd | Tdvp:
    if method == "tebd":
        assert isinstance(chain, SpinChain)
        return (CoolingTebd if imaginary else Tebd)(psi0, chain, rule)
    return Tdvp(
        psi0,
        operator,
        step=complex(-dt) if imaginary else complex(0.0, -dt),
        sites=1 if method == "tdvp1" else 2,
        rule=rule,
        tol=tol,
        nearest=isinstance(chain, SpinChain),
    )


def _schedule(
    n: int, time: float, steps: int, order: int, method: str, each: bool
) -> list[tuple[Any, int]]:
    """What to do, in order, each with the number of the step that it completes, or 0."""
    layers = trotter_layers(n, time, steps, order)  # checks its arguments for all methods
    if method != "tebd":
        return [(None, s + 1) for s in range(steps)]
    if not each:
        return [(layer, 0) for layer in layers]
    step = trotter_layers(n, time / steps, 1, order)
    marks = [0] * (len(step) - 1) + [1]
    marked = list(zip(step, marks, strict=True))
    return [(layer, (s + 1) * mark) for s in range(steps) for layer, mark in marked]


def _due(done: int, items: int, steps: int, every: int) -> bool:
    """Whether a checkpoint is to be written after `done` items."""
    return done == items or done * steps // items // every > (done - 1) * steps // items // every


def _adopt(values: list[NDArray[Any]], psi0: MPS) -> list[Array]:
    """Arrays from a file, in the library and on the device of the start."""
    return [contiguous(like(psi0.tensors[0], v)) for v in values]
