"""The states that are measured: one for each time, from vectors or matrix product states."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.shadows.snapshots import as_mps
from rankloom.quantum.shadows.states import DENSE_SITES
from rankloom.tn import MPO, MPS, SpinChain, evolve
from rankloom.tn.arrays import to_host
from rankloom.tn.krylov import exponential
from rankloom.tn.reference import on_vector

METHODS = ("auto", "dense", "tebd", "tdvp")
_EIGENVECTORS = 10  # sites up to which all of them are found


@dataclass
class Evolved:
    """States at given times, and the discarded weight of the way there.

    Iterating yields one state after another: vectors (dense), or MPS.

    Parameters
    ----------
    chain : SpinChain or MPO
    state : MPS, vector or callable
        The state at time 0, or a function of time that gives one.
    times : (T,) array
    method : {"auto", "dense", "tebd", "tdvp"}
        "auto": dense up to 10 sites, and up to 14 for vectors; else TEBD for a `SpinChain` and
        TDVP for an `MPO`.
    trotter_step : float
        Longest step of TEBD or TDVP.
    order : int
        Of TEBD.
    max_bond : int
    cutoff : float
    """

    chain: SpinChain | MPO
    state: Any
    times: NDArray[np.float64]
    method: str = "auto"
    trotter_step: float = 0.05
    order: int = 2
    max_bond: int = 64
    cutoff: float = 1e-10
    truncation_error: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        n = self.chain.n_sites
        if self.method not in METHODS:
            raise ValueError(
                f"`evolution` must be one of {', '.join(METHODS)}, got {self.method!r}."
            )
        if not self.trotter_step > 0:
            raise ValueError(f"`trotter_step` must be positive, got {self.trotter_step}.")
        if callable(self.state):
            return
        is_vector = not isinstance(self.state, MPS)
        if is_vector and type(self.state).__name__ != "Statevector":
            self.state = to_host(self.state)
        if self.method == "auto":
            small = n <= (DENSE_SITES if is_vector else _EIGENVECTORS)
            chain = "tebd" if isinstance(self.chain, SpinChain) else "tdvp"
            self.method = "dense" if small else chain
        if self.method == "dense" and n > DENSE_SITES:
            raise ValueError(
                f"dense evolution of {n} sites is refused; the limit is {DENSE_SITES}. Use TEBD."
            )
        psi = as_mps(self.state)
        if psi.n_sites != n:
            raise ValueError(f"`state` has {psi.n_sites} sites, but `chain` has {n}.")
        norm = psi.norm()
        if not abs(norm - 1.0) < 1e-6:
            raise ValueError(f"`state` has norm {norm:.9g}: normalise it first.")

    def __iter__(self) -> Iterator[Any]:
        if callable(self.state):
            return self._called(self.state)
        return self._dense() if self.method == "dense" else self._chain()

    def energy_spread(self) -> float | None:
        """``sqrt(<H^2> - <H>^2)`` of the state at time 0; None for a callable."""
        if callable(self.state):
            return None
        operator = self.chain.mpo() if isinstance(self.chain, SpinChain) else self.chain
        return math.sqrt(max(operator.variance(as_mps(self.state)), 0.0))

    def _called(self, state: Callable[[float], Any]) -> Iterator[Any]:
        for time in self.times:
            yield state(float(time))

    def _dense(self) -> Iterator[NDArray[Any]]:
        psi = np.asarray(as_mps(self.state).to_dense())
        operator = self.chain.mpo() if isinstance(self.chain, SpinChain) else self.chain
        if self.chain.n_sites <= _EIGENVECTORS:
            matrix = operator.to_dense()
            matrix = matrix if np.abs(matrix.imag).max() > 0 else matrix.real
            energies, vectors = np.linalg.eigh(matrix)
            amplitudes = vectors.conj().T @ psi
            for time in self.times:
                yield vectors @ (np.exp(-1j * energies * time) * amplitudes)
            return
        tensors = operator.to_host().tensors

        def apply(x: NDArray[Any]) -> NDArray[Any]:
            return on_vector(tensors, x.reshape(-1)).reshape(-1, 1)

        now, x = 0.0, psi.astype(complex).reshape(-1, 1)
        for time in self.times:
            if time != now:
                x = exponential(apply, x, -1j * (time - now))
            now = float(time)
            yield x.reshape(-1)

    def _chain(self) -> Iterator[MPS]:
        psi, now = as_mps(self.state), 0.0
        for time in self.times:
            if time != now:
                steps = max(1, int(np.ceil(abs(time - now) / self.trotter_step - 1e-9)))
                run = evolve(
                    psi,
                    self.chain,
                    time=float(time - now),
                    steps=steps,
                    method=self.method,
                    order=self.order if self.method == "tebd" else 2,
                    max_bond=self.max_bond,
                    cutoff=self.cutoff,
                )
                psi = run.state
                self.truncation_error += run.truncation_error
            now = float(time)
            yield psi
