"""Why quimb's TEBD differs in the fifth digit of <Sz> once the bonds are saturated.

Three ways to run the same second-order Trotter circuit with quimb alone are compared with a dense
reference that cuts every bond in its exact Schmidt basis:

===========  =====================================================================================
update_to    ``TEBD.update_to(T, dt=dt, order=2)``, what the documentation shows
step         ``TEBD.step(order=2)``, once per time step
alternating  ``TEBD.sweep`` called by hand: right, left, right, left, ..., right
===========  =====================================================================================

A sweep to the right takes it that the orthogonality centre stands at site 0, where a sweep to the
left leaves it. After two sweeps to the right in a row it does not: the second one starts with the
centre at the last site, so the singular values it cuts are not Schmidt values. ``step`` does this
in every step (trailing half layer of one step, leading half layer of the next); ``update_to``
merges the two, except in its very last step.

Our `evolve` and TeNPy keep the Schmidt values of all bonds instead of a centre, so a cut does not
know of the other cuts in its layer: an effect of second order in the discarded weight. TeNPy's
``expectation_value`` takes its state for canonical, which it no longer is after these cuts; ours is
brought into canonical form at the end.
"""

import argparse

import numpy as np
from common import header, one_core, peer_version, table
from tebd_peers import quimb_runs, quimb_sz, tenpy_run, tenpy_tensors, to_quimb

from rankloom.tn import MPS, SpinChain, evolve

STEPS, DT = 20, 0.05
SPIN = [np.array([[0, 1], [1, 0]]) / 2, np.array([[0, -1j], [1j, 0]]) / 2, np.diag([0.5, -0.5])]
BOND_TERM = sum(np.kron(s, s) for s in SPIN)


def random_tensors(n: int, bond: int, seed: int) -> list[np.ndarray]:
    """Complex Gaussian site tensors (left, physical, right)."""
    rng = np.random.default_rng(seed)
    bonds = [min(bond, 2 ** min(k, n - k)) for k in range(n + 1)]
    shapes = [(bonds[k], 2, bonds[k + 1]) for k in range(n)]
    return [rng.normal(size=shape) + 1j * rng.normal(size=shape) for shape in shapes]


def dense_evolution(state: np.ndarray, n: int, bond: int) -> np.ndarray:
    """Evolve a dense vector and cut every bond it touches to `bond` Schmidt values.

    Odd layers run from the right, as quimb's do.
    """
    energies, basis = np.linalg.eigh(BOND_TERM)
    layers = [(0, 0.5)] + [(1, 1.0), (0, 1.0)] * (STEPS - 1) + [(1, 1.0), (0, 0.5)]
    for parity, part in layers:
        gate = (basis * np.exp(-1j * part * DT * energies)) @ basis.conj().T
        bonds = range(parity, n - 1, 2)
        for k in reversed(bonds) if parity else bonds:
            state = np.einsum("ab,lbr->lar", gate, state.reshape(2**k, 4, -1))
            u, s, vh = np.linalg.svd(state.reshape(2 ** (k + 1), -1), full_matrices=False)
            state = (u[:, :bond] * s[:bond]) @ vh[:bond] / np.linalg.norm(s[:bond])
    return state.ravel()


def our_run(tensors: list[np.ndarray], bond: int) -> MPS:
    """The same evolution with `evolve`."""
    n, start = len(tensors), MPS(tensors).normalize()
    chain = SpinChain.heisenberg(n, j=0.25)
    return evolve(start, chain, time=STEPS * DT, steps=STEPS, max_bond=bond, cutoff=0.0).state


def compare_small(n: int, bond: int, with_tenpy: bool) -> None:
    """Every run against the dense reference with the same cuts and against no cuts at all."""
    tensors = random_tensors(n, bond, seed=1)
    start = to_quimb(tensors)
    vector = start.to_dense().ravel()
    full = dense_evolution(vector, n, bond=2**n)
    reference = dense_evolution(vector, n, bond)
    sz_reference = dense_sz(reference, n)

    def row(name: str, state: object, norm: float, sz: np.ndarray) -> list[str]:
        dense = np.ravel(state.to_dense()) / np.sqrt(norm)
        infidelity = abs(1 - abs(np.vdot(reference, dense)) ** 2)
        errors = [f"{abs(sz - sz_reference).max():.1e}", f"{infidelity:.1e}"]
        return [name, f"{norm:.9f}", *errors, f"{abs(np.vdot(full, dense)) ** 2:.8f}"]

    rows = []
    for renorm in (None, True):
        for name, run in quimb_runs(n, STEPS, DT, bond, renorm=renorm).items():
            state = run(start)
            sz, norm = quimb_sz(state)
            rows.append(row(f"quimb {name}, renorm={renorm}", state, norm, sz))
    state = our_run(tensors, bond)
    rows.append(row("ours", state, state.norm() ** 2, state.expectation("Z") / 2))
    if with_tenpy:
        result = tenpy_run(tensors, STEPS, DT, bond)()
        state = to_quimb(tenpy_tensors(result))
        sz, norm = quimb_sz(state)
        rows.append(row("TeNPy, <Sz> contracted in full", state, norm, sz))
        sz = np.real(result.expectation_value("Sz"))
        rows.append(row("TeNPy, its expectation_value", state, norm, sz))
    fidelity = abs(np.vdot(full, reference)) ** 2
    print(f"n = {n}, bond {bond}; fidelity of reference to uncut evolution {fidelity:.8f}")
    table(["run", "<psi|psi>", "max error <Sz>", "1 - F to reference", "F to uncut"], rows)


def compare_large(n: int, bond: int, with_tenpy: bool) -> None:
    """The three quimb runs and TeNPy against the alternating one, too large for dense vectors."""
    tensors = random_tensors(n, bond, seed=0)
    runs = quimb_runs(n, STEPS, DT, bond)
    results = {f"quimb {name}": quimb_sz(run(to_quimb(tensors)))[0] for name, run in runs.items()}
    results["ours"] = our_run(tensors, bond).expectation("Z") / 2
    if with_tenpy:
        result = tenpy_run(tensors, STEPS, DT, bond)()
        results["TeNPy, <Sz> contracted in full"] = quimb_sz(to_quimb(tenpy_tensors(result)))[0]
        results["TeNPy, its expectation_value"] = np.real(result.expectation_value("Sz"))
    right = results["quimb alternating"]
    rows = [
        [name, f"{sz[n // 2]:.9f}", f"{abs(sz - right).max():.1e}"] for name, sz in results.items()
    ]
    print(f"n = {n}, bond {bond}")
    table(["run", f"<Sz> at site {n // 2}", "max difference from alternating"], rows)


def dense_sz(state: np.ndarray, n: int) -> np.ndarray:
    """<Sz> of every site."""
    weights = abs(state) ** 2
    parts = [weights.reshape(2**k, 2, -1).sum(axis=(0, 2)) for k in range(n)]
    return np.array([(up - down) / 2 for up, down in parts]) / weights.sum()


def main() -> None:
    """Compare at small n, and at n = 50 when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also n = 50, bond 64 (half a minute)")
    arguments = parser.parse_args()
    header("quimb TEBD on a saturated start", ["quimb", "physics-tenpy", "numpy"])
    if peer_version("quimb") is None:
        return
    with_tenpy = peer_version("physics-tenpy") is not None
    with one_core():
        for n, bond in ((10, 8), (12, 8), (12, 16)):
            compare_small(n, bond, with_tenpy)
        if arguments.large:
            compare_large(50, 64, with_tenpy)


if __name__ == "__main__":
    main()
