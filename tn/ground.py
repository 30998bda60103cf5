"""Ground states and low excited states of chains, by two-site DMRG.

A run warms up by itself: it starts from small bonds and doubles them as soon as a pass gains less
than truncation takes, so that most of the way is made where a pass costs little. See
`rankloom.tn.dmrg` for what a pass does.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.checks import integer
from rankloom.tn.dmrg import Pass
from rankloom.tn.gap import best_mixture, gap_bound, images
from rankloom.tn.ground_run import passes, prepare, restart
from rankloom.tn.mpo import MPO
from rankloom.tn.mps import MPS
from rankloom.tn.outcome import Outcome
from rankloom.tn.progress import Progress, track
from rankloom.tn.spinchain import SpinChain
from rankloom.tn.truncation import Truncation

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MIXTURES = 3  # attempts to leave one branch of a superposition


@dataclass(frozen=True, eq=False)
class GroundState:
    """A state of lowest energy, and how far it can be trusted.

    Attributes
    ----------
    state : MPS
        Norm one, canonical. Real when the operator and the start allow it.
    energy : float
        ``<state|H|state>``, an upper bound of the lowest energy.
    variance : float
        ``<H^2> - <H>^2``. H has an eigenvalue within ``sqrt(variance)`` of `energy`.
    gap_bound : float
        A state orthogonal to this one (and to those it was made orthogonal to) exists whose energy
        is at most ``energy + gap_bound``. See `degenerate`.
    energies : (passes,) array
        Energy at the end of each pass, before its last cut.
    variances : (passes,) array
        Sum over the bonds of the squared local residual ``|H theta - E theta|^2`` met on the way:
        an estimate of the variance before the pass that costs nothing, never far too low for
        couplings of neighbours.
    discarded : (passes,) array
        Sum of the relative discarded weights of all cuts of each pass.
    bonds : (passes,) array of int
        Largest bond dimension after each pass.
    outcome : Outcome
    """

    state: MPS
    energy: float
    variance: float
    gap_bound: float
    energies: NDArray[np.float64]
    variances: NDArray[np.float64]
    discarded: NDArray[np.float64]
    bonds: NDArray[np.int64]
    outcome: Outcome

    @property
    def truncation_error(self) -> float:
        """Sum of the relative discarded weights of all cuts of the last pass."""
        return float(self.discarded[-1])

    @property
    def degenerate(self) -> bool:
        """Whether a second state lies within the accuracy of this one, and was found.

        Then `state` is one of several, or a mixture of them, and which one depends on the start:
        the energy is right, an order parameter may not be. Accuracy means ``4 sqrt(variance)``, or
        1e-9 of the energy when that is more. True is certain; False says that the cheap probes
        (flips of all spins, and the second local eigenvalue in the middle) found none. To be sure,
        run again with ``orthogonal_to=[state]``.
        """
        return self.gap_bound <= max(4 * math.sqrt(self.variance), 1e-9 * abs(self.energy))

    def plot_convergence(self, ax: "Axes | None" = None) -> "Axes":
        """Energy above the final one, variance and discarded weight against the pass."""
        from rankloom.tn.draw import plot_convergence

        return plot_convergence(self, ax)

    def __repr__(self) -> str:
        return (
            f"GroundState(energy={self.energy:.12g}, variance={self.variance:.1e}, "
            f"{len(self.energies)} passes, bonds<={max(self.state.bond_dimensions)}, "
            f"{self.outcome.name})"
        )

    def _repr_html_(self) -> str:
        note = f"yes, within {self.gap_bound:.1e}" if self.degenerate else "none found"
        rows = {
            "energy": f"{self.energy:.12g}",
            "variance": f"{self.variance:.2e}",
            "second state as low": note,
            "largest bond": str(max(self.state.bond_dimensions)),
            "truncation error": f"{self.truncation_error:.2e}",
            "passes": str(len(self.energies)),
            "outcome": f"{self.outcome.name}: {self.outcome.value}",
        }
        cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table><caption>GroundState</caption>{cells}</table>"


def ground_state(
    hamiltonian: SpinChain | MPO,
    max_bond: int,
    cutoff: float = 1e-14,
    *,
    sweeps: int = 60,
    tol: float = 1e-11,
    psi0: MPS | None = None,
    orthogonal_to: Sequence[MPS] = (),
    weight: float | None = None,
    mixing: float = 1e-3,
    rng: np.random.Generator | int | None = 0,
    callback: Callable[[int, Pass, MPS], None] | None = None,
    progress: Progress = False,
) -> GroundState:
    """State of lowest energy of a Hermitian operator, by two-site DMRG.

    Parameters
    ----------
    hamiltonian : SpinChain or MPO
        Hermitian, on at least two sites.
    max_bond : int
        Largest bond dimension kept.
    cutoff : float, default 1e-14
        Largest relative discarded weight of one cut.
    sweeps : int, default 60
        Most passes over the chain; one pass goes from end to end.
    tol : float, default 1e-11
        Stop when a pass with full bonds changes the energy by less than this, relative to the
        energy (or to the root-mean-square of the spectrum, when that is larger).
    psi0 : MPS, optional
        Where to start: any state but 0. Default: a random one of small bonds, which is orthogonal
        to no sector of the Hamiltonian. A start of the full bond skips the warm-up.
    orthogonal_to : sequence of MPS, optional
        States to stay away from, for excited states: ``weight |phi><phi|`` is added to H for each.
    weight : float, optional
        Default: three times the mean distance of the spectrum of H from the lowest of their
        energies, which is more than any excitation of the lower half of the spectrum.
    mixing : float, default 1e-3
        Weight of the directions mixed in during warm-up, so that terms of long range do not leave
        the run stuck; falls tenfold with each pass, and never touches the last ones. 0 turns it
        off.
    rng : Generator, seed or None, default 0
        For the random start.
    callback : callable, optional
        Called as ``callback(k, info, state)`` after pass k = 1, 2, ..: `info` has the fields
        energy, residual, discarded and bond. When it returns True the run ends: TARGET_REACHED.
    progress : bool or callable, default False
        True for a tqdm bar over passes, or a callable that wraps an iterable.

    Returns
    -------
    GroundState

    Raises
    ------
    TypeError, ValueError
        An argument is outside its range, the operator is not Hermitian, or sites do not match.

    Notes
    -----
    Real arithmetic is used when H is real up to phases on its bonds (any spin chain without Y
    fields) and so are the start and `orthogonal_to`; it is two to four times as fast.

    A bond costs one eigendecomposition of a (d D, d D) matrix and, in each Lanczos step, two matrix
    products of that size for H between neighbours and two of ``c`` times that size for c channels
    of longer range: O(d^3 D^3 (2 + c)). Peak memory in real numbers of 8 bytes (16 for complex
    ones): ``n D^2 (2 w + d + p d)`` for environments with w operator channels, the state, and p
    penalty states, and ``d^2 D^2 (2 w + 2 c + 17)`` at the bond at work.

    References
    ----------
    .. [1] S. R. White, doi:10.1103/PhysRevLett.69.2863.
    .. [2] U. Schollwoeck, arXiv:1008.3477, section 6.

    Examples
    --------
    >>> run = ground_state(SpinChain.heisenberg(10), max_bond=32)
    >>> round(run.energy, 9), run.outcome.name
    (-4.258035207, 'CONVERGED')
    >>> run = ground_state(SpinChain.ising(10, g=0.1), max_bond=16)
    >>> run.degenerate
    True
    """
    operator = _operator(hamiltonian)
    rule = Truncation(integer("max_bond", max_bond, 1), cutoff)
    sweeps = integer("sweeps", sweeps, 1)
    _check_numbers(tol=tol, mixing=mixing)
    _check_states(operator, psi0, orthogonal_to, weight)
    items = iter(track(range(1, sweeps + 1), progress))
    with one_blas_thread(max_bond):
        work, tensors, rms = prepare(operator, max_bond, psi0, orthogonal_to, weight, rng)
        done, outcome = passes(work, items, rule, tol, mixing, rms, callback)
        energy, variance = work.certify()
        turned = images(work.tensors, tensors)
        bars = [(p.weight, p.tensors) for p in work.penalties]
        for _ in range(_MIXTURES if outcome is Outcome.CONVERGED else 0):
            mixture = best_mixture(work.tensors, turned, tensors, energy, bars)
            worth = max(tol, done[-1].discarded) * max(rms, abs(energy))
            if mixture is None or energy - mixture[0] <= worth:
                break
            other = restart(work, mixture[1], rule)
            more, outcome = passes(other, items, rule, tol, 0.0, rms, callback)
            done.extend(more)
            result = other.certify()
            if result[0] >= energy:
                break
            work, (energy, variance) = other, result
            turned = images(work.tensors, tensors)
        bound = gap_bound(turned, variance, [phi for _, phi in bars])
    history = np.array([(p.energy, p.residual, p.discarded) for p in done]).T
    return GroundState(
        state=MPS._adopt(work.tensors, work.center),
        energy=energy,
        variance=variance,
        gap_bound=min(bound, max(done[-1].gap, 0.0)),
        energies=history[0],
        variances=history[1],
        discarded=history[2],
        bonds=np.array([p.bond for p in done]),
        outcome=outcome,
    )


def _operator(hamiltonian: Any) -> MPO:
    if isinstance(hamiltonian, SpinChain):
        return hamiltonian.mpo()
    if not isinstance(hamiltonian, MPO):
        raise TypeError(
            f"`hamiltonian` must be a SpinChain or an MPO, got {type(hamiltonian).__name__}."
        )
    if hamiltonian.n_sites < 2:
        raise ValueError(
            "`hamiltonian` has one site; two-site sweeps need two. Use `numpy.linalg.eigh` on "
            "`to_dense()`."
        )
    if not hamiltonian.is_hermitian:
        raise ValueError(
            "`hamiltonian` is not Hermitian, so it need not have real energies. Take the Hermitian "
            "part `0.5 * (h + h.dagger())` if that is meant."
        )
    return hamiltonian


def _check_numbers(**values: Any) -> None:
    for name, value in values.items():
        if not (isinstance(value, int | float) and 0.0 <= value < 1.0):
            raise ValueError(f"`{name}` must be a number with 0 <= {name} < 1, got {value!r}.")


def _check_states(operator: MPO, psi0: Any, orthogonal_to: Any, weight: float | None) -> None:
    if isinstance(orthogonal_to, MPS):
        raise TypeError("`orthogonal_to` must be a sequence of MPS: write `[state]`.")
    named = [(f"orthogonal_to[{k}]", state) for k, state in enumerate(orthogonal_to)]
    for name, state in [*named, *([("psi0", psi0)] if psi0 is not None else [])]:
        if not isinstance(state, MPS):
            raise TypeError(f"`{name}` must be an MPS, got {type(state).__name__}.")
        if state.physical_dimensions != operator.physical_dimensions:
            raise ValueError(
                f"`{name}` has {state.n_sites} sites of dimensions "
                f"{set(state.physical_dimensions)}, but `hamiltonian` has {operator.n_sites} of "
                f"{set(operator.physical_dimensions)}."
            )
        if not state.norm() > 0.0:
            raise ValueError(f"`{name}` is zero: it has no direction.")
    if weight is not None and not (math.isfinite(weight) and weight > 0.0):
        raise ValueError(f"`weight` must be a positive number, got {weight!r}.")
    size = math.prod(operator.physical_dimensions)
    if len(orthogonal_to) >= size:
        raise ValueError(
            f"`orthogonal_to` holds {len(orthogonal_to)} states; the space has {size} dimensions."
        )
