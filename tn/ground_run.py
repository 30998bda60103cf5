"""How a ground-state run is set up, warms up and stops."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rankloom.tn import contract
from rankloom.tn.arrays import Array, like, namespace
from rankloom.tn.channels import Host, real_form
from rankloom.tn.compress import compress
from rankloom.tn.dmrg import Dmrg, Pass, Penalty
from rankloom.tn.effective import Operator
from rankloom.tn.gauge import canonicalize
from rankloom.tn.mpo import MPO
from rankloom.tn.mps import MPS
from rankloom.tn.outcome import Outcome
from rankloom.tn.truncation import Truncation

FIRST_BOND = 8
_KRYLOV = 12  # most Lanczos vectors of one bond
_AIM = 0.01  # Lanczos runs stop at this part of the last gain, shared out over the bonds
_STAGE = 6  # passes at one bond dimension before the next, at most
_SATURATED = 100  # gains below this many discarded weights (energy a site) call for wider bonds
_MIXING_END = 1e-7  # mixing below this is switched off


def prepare(
    hamiltonian: MPO,
    max_bond: int,
    psi0: MPS | None,
    orthogonal_to: Sequence[MPS],
    weight: float | None,
    rng: np.random.Generator | int | None,
) -> tuple[Dmrg, list[Host], float]:
    """The run before its first pass, the operator on the host, the rms of its spectrum."""
    tensors = real_form(hamiltonian.tensors)
    states = [_real(state) for state in (psi0, *orthogonal_to) if state is not None]
    reference = (hamiltonian if psi0 is None else psi0).tensors[0]
    xp = namespace(reference)
    single = reference.dtype in (xp.float32, xp.complex64)
    real = not any(np.iscomplexobj(x) for group in (tensors, *states) for x in group)
    names = (("complex128", "float64"), ("complex64", "float32"))
    dtype = getattr(xp, names[single][real])
    operator = Operator(tensors, reference, dtype)
    own = [[like(reference, x, dtype) for x in state] for state in states]
    others = own if psi0 is None else own[1:]
    first = _random(tensors, min(max_bond, FIRST_BOND), rng) if psi0 is None else None
    begin = own[0] if first is None else [like(reference, x, dtype) for x in first]
    mean, rms = _spectrum(tensors)
    if not math.isfinite(rms):
        raise ValueError(
            "the energies of `hamiltonian` leave the range of its numbers; scale it down."
        )
    penalties = []
    if others:
        others = [_unit(canonicalize(x, 0)) for x in others]
        if weight is None:
            host = hamiltonian.tensors
            lows = [complex(contract.operator_expectation(x, host)).real for x in others]
            weight = 3 * max(mean - min(lows), rms)
        penalties = [Penalty(x, weight, operator.edge()) for x in others]
    return Dmrg(operator, _unit(canonicalize(begin, 0)), penalties), tensors, rms


def passes(
    work: Dmrg,
    items: Iterable[int],
    rule: Truncation,
    tol: float,
    mixing: float,
    rms: float,
    callback: Callable[[int, Pass, MPS], object] | None,
) -> tuple[list[Pass], Outcome]:
    """Passes with growing bonds until the energy stands still at the last one."""
    n = len(work.tensors)
    dims = [t.shape[1] for t in work.tensors]
    top = min(rule.max_bond or 1, max(_largest(dims)))
    bond = min(top, max(FIRST_BOND, *(t.shape[2] for t in work.tensors)))
    done: list[Pass] = []
    gain, stage, settled = math.inf, 0, 0
    for k in items:
        scale = max(rms, abs(done[-1].energy)) if done else rms
        aim = min(_AIM * gain, 1e-3 * scale)
        info = work.sweep(
            Truncation(bond, rule.cutoff),
            mixing,
            _KRYLOV,
            max(aim, 0.1 * tol * scale) / n,
            settled > 0,
        )
        gain = abs(done[-1].energy - info.energy) if done else math.inf
        done.append(info)
        if not math.isfinite(info.energy):
            return done, Outcome.NOT_FINITE
        if callback is not None and callback(k, info, MPS._adopt(work.tensors, work.center)):
            return done, Outcome.TARGET_REACHED
        settled = settled + 1 if bond == top and not mixing else 0
        if settled > 1 and gain <= tol * max(rms, abs(info.energy)):
            return done, Outcome.CONVERGED
        mixing = 0.1 * mixing if mixing > _MIXING_END else 0.0
        stage += 1
        if info.bond < bond and not mixing:
            bond = top  # the cutoff decides, not the bond
        elif gain <= max(tol * scale, _SATURATED * info.discarded * scale / n) or stage == _STAGE:
            bond, stage = min(top, 2 * bond), 0
    return done, Outcome.MAX_SWEEPS


def restart(work: Dmrg, tensors: Sequence[Array], rule: Truncation) -> Dmrg:
    """A run from another state."""
    cut, _ = compress(tensors, rule)
    fresh = [Penalty(p.tensors, p.weight, work.operator.edge()) for p in work.penalties]
    return Dmrg(work.operator, _unit(canonicalize(cut, 0, len(cut) - 1)), fresh)


def _real(state: MPS) -> list[Host]:
    """Tensors on the host, real when phases on the bonds make them so."""
    return [t[:, :, 0, :] for t in real_form([t[:, :, None, :] for t in state.tensors])]


def _unit(tensors: list[Array]) -> list[Array]:
    """Canonical tensors with centre 0, norm one."""
    norm = float(namespace(tensors[0]).linalg.vector_norm(tensors[0]))
    return [tensors[0] * (1.0 / norm), *tensors[1:]]


def _largest(dims: Sequence[int]) -> list[int]:
    """Largest bond dimension that means anything, at the cuts 0..n; capped at 2^40."""
    left = list(itertools.accumulate(dims, lambda a, d: min(a * d, 2**40), initial=1))
    right = list(itertools.accumulate(dims[::-1], lambda a, d: min(a * d, 2**40), initial=1))
    return [min(a, b) for a, b in zip(left, right[::-1], strict=True)]


def _random(
    operator: Sequence[Host], bond: int, rng: np.random.Generator | int | None
) -> list[Host]:
    rng = np.random.default_rng(rng)
    dims = [w.shape[1] for w in operator]
    bonds = [min(bond, size) for size in _largest(dims)]
    return [
        rng.standard_normal((dl, d, dr)) / math.sqrt(d * dr)
        for d, (dl, dr) in zip(dims, itertools.pairwise(bonds), strict=True)
    ]


def _spectrum(operator: Sequence[Host]) -> tuple[float, float]:
    """Mean and root mean square of the eigenvalues."""
    mean, square = np.ones((1,)), np.ones((1, 1))
    with np.errstate(over="ignore", invalid="ignore"):
        for w in operator:
            d = w.shape[1]
            mean = mean @ (np.trace(w, axis1=1, axis2=2) / d)
            half = np.tensordot(square, w / d, 1)
            square = np.tensordot(w.conj(), half, ((0, 1, 2), (0, 1, 2)))
    return mean[0].real.item(), math.sqrt(square[0, 0].real)
