"""quimb's and TeNPy's TEBD on the Heisenberg chain, set up to do exactly the same gates and cuts.

All of them run second-order steps of ``H = sum S_i . S_(i+1)`` with merged half layers, bonds
(0,1), (2,3), ... first. Site tensors are (left, physical, right) arrays.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def to_quimb(tensors: Sequence[np.ndarray]) -> Any:
    """The normalised quimb MPS of a list of site tensors."""
    import quimb.tensor as qtn

    edges = [tensors[0][0], *tensors[1:-1], tensors[-1][:, :, 0]]
    state = qtn.MatrixProductState(edges, shape="lpr")
    state.normalize()
    return state


def quimb_sz(state: Any) -> tuple[np.ndarray, float]:
    """<Sz> of every site, divided by the squared norm, and the squared norm."""
    squared = float(np.real(state.H @ state))
    return np.array([np.real(state.magnetization(k)) for k in range(state.L)]) / squared, squared


def quimb_runs(
    n: int, steps: int, dt: float, bond: int | None, cutoff: float = 0.0, renorm: bool | None = None
) -> dict[str, Callable[[Any], Any]]:
    """Three ways to run quimb's TEBD; each takes and returns a quimb MPS.

    ``update_to`` is what its documentation shows, ``step`` the single-step call, and
    ``alternating`` drives ``sweep`` by hand, so that the orthogonality centre is always where the
    next sweep wants it (see quimb_tebd_gauge.py).
    """
    import quimb.tensor as qtn

    options = {"max_bond": bond, "cutoff": cutoff, "cutoff_mode": "rsum2", "renorm": renorm}
    chain = qtn.ham_1d_heis(n)

    def update_to(state: Any) -> Any:
        tebd = qtn.TEBD(state, chain, progbar=False, split_opts=options)
        tebd.update_to(steps * dt, dt=dt, order=2)
        return tebd.pt

    def step(state: Any) -> Any:
        tebd = qtn.TEBD(state, chain, dt=dt, progbar=False, split_opts=options)
        for _ in range(steps):
            tebd.step(order=2)
        return tebd.pt

    def alternating(state: Any) -> Any:
        tebd = qtn.TEBD(state, chain, dt=dt, progbar=False, split_opts=options)
        tebd.sweep("right", 0.5)
        for k in range(steps):
            tebd.sweep("left", 1.0)
            tebd.sweep("right", 1.0 if k < steps - 1 else 0.5)
        return tebd.pt

    return {"update_to": update_to, "step": step, "alternating": alternating}


def tenpy_run(tensors: Sequence[np.ndarray], steps: int, dt: float, bond: int) -> Callable[[], Any]:
    """A call that evolves a fresh copy with TeNPy and returns its MPS.

    TeNPy keeps Vidal's form, so no centre moves. It cuts by size only: its thresholds on single
    singular values have no counterpart in a rule on the discarded weight.
    """
    from tenpy.algorithms.tebd import TEBDEngine
    from tenpy.models.xxz_chain import XXZChain
    from tenpy.networks.mps import MPS

    n = len(tensors)
    model = XXZChain({"L": n, "Jxx": 1.0, "Jz": 1.0, "bc_MPS": "finite", "conserve": None})
    sites = model.lat.mps_sites()
    flipped = [tensor.transpose(1, 0, 2) for tensor in tensors]
    cut = {"chi_max": bond, "svd_min": None, "trunc_cut": None}

    def run() -> Any:
        psi = MPS.from_Bflat(sites, flipped, dtype=complex, form=None, unit_cell_width=n)
        psi.canonical_form()
        engine = TEBDEngine(psi, model, {"order": 2, "trunc_params": dict(cut)})
        engine.prepare_evolve(dt)
        engine.evolve(steps, dt)
        return psi

    return run


def tenpy_tensors(state: Any) -> list[np.ndarray]:
    """Site tensors of a TeNPy MPS; their product is its state whether or not it is canonical."""
    copies = [state.get_B(k, copy=True) for k in range(state.L)]
    return [tensor.itranspose(["vL", "p", "vR"]).to_ndarray() for tensor in copies]
