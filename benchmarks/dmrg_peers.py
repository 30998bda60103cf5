"""quimb's and TeNPy's two-site DMRG on the chains of `tn_dmrg.py`.

A peer that is given a `target` is told by the exact energy when it may stop, and stops right there,
without a sweep that would confirm it: its best case. Otherwise it stops by its own rule, as for a
user. Bond schedules are the fastest of those tried.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from rankloom.tn import SpinChain


def quimb_run(chain: SpinChain, schedule: list[int], target: float | None) -> Callable[[], float]:
    """A call that runs quimb's DMRG2 and returns the energy; own rule: a change below 1e-9."""
    import quimb.tensor as qtn

    tensors = [w.real if not np.any(w.imag) else w for w in real(chain)]
    arrays = [tensors[0][0].transpose(2, 0, 1)]
    arrays += [w.transpose(0, 3, 1, 2) for w in tensors[1:-1]]
    arrays += [tensors[-1][..., 0]]
    hamiltonian = qtn.MatrixProductOperator(arrays, shape="lrud")

    def run() -> float:
        dmrg = qtn.DMRG2(hamiltonian, bond_dims=schedule, cutoffs=1e-14)
        if target is None:
            dmrg.solve(tol=1e-9, max_sweeps=40, verbosity=0)
            return float(np.real(dmrg.energy))
        for k in range(40):
            bond = schedule[min(k, len(schedule) - 1)]
            dmrg.solve(
                tol=0.0,
                bond_dims=bond,
                max_sweeps=1,
                sweep_sequence="RL"[k % 2],
                verbosity=0,
                suppress_warnings=True,
            )
            if np.real(dmrg.energy) < target:
                break
        return float(np.real(dmrg.energy))

    return run


def tenpy_run(
    chain: SpinChain, schedule: list[int], target: float, conserve: str | None
) -> Callable[[], float]:
    """The same with TeNPy; `conserve` is None, "parity" (Ising) or "Sz" (Heisenberg)."""
    import warnings

    from tenpy.algorithms.dmrg import TwoSiteDMRGEngine
    from tenpy.models.tf_ising import TFIChain
    from tenpy.models.xxz_chain import XXZChain
    from tenpy.networks.mps import MPS

    n = chain.n_sites
    ising = chain.couplings[0, 0] == 0.0
    common = {"L": n, "bc_MPS": "finite", "conserve": conserve}
    if ising:
        field = {"J": -chain.couplings[0, 2], "g": -chain.fields[0, 0]}
        model, start = TFIChain({**common, **field}), ["up"] * n
    else:
        model = XXZChain({**common, "Jxx": 1.0, "Jz": 1.0})
        start = ["up", "down"] * (n // 2)
    options = {
        "lanczos_params": {"N_max": 6},
        "combine": True,
    }

    def run() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            psi = MPS.from_product_state(model.lat.mps_sites(), start, unit_cell_width=n)
            cut = {"chi_max": schedule[0], "svd_min": 1e-9}
            engine = TwoSiteDMRGEngine(psi, model, {**options, "trunc_params": cut})
            for k in range(20):
                engine.trunc_params["chi_max"] = schedule[min(k, len(schedule) - 1)]
                engine.sweep()
                if engine.update_stats["E_total"][-1] < target:
                    break
        return float(engine.update_stats["E_total"][-1])

    return run


def real(chain: SpinChain) -> list[Any]:
    """Site tensors of the chain's MPO without imaginary parts, so that a peer works in float64."""
    from rankloom.tn.channels import real_form

    return real_form(chain.mpo().tensors)
