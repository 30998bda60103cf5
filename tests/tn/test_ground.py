"""Ground states against free fermions, dense diagonalisation and known chains."""

import tracemalloc

import numpy as np
import pytest

from rankloom.tn import MPO, MPS, Outcome, SpinChain, ground_state, reference

MIXED = SpinChain.xyz(8, 1.0, 0.6, 0.3, hx=0.2, hy=0.5, hz=0.1)


def long_range(n, distance=5):
    """Couplings of sites far apart, beside ones of neighbours that do not commute with them."""
    far = [(1.0, "ZZ", (k, k + distance)) for k in range(n - distance)]
    near = [(0.5, "XX", (k, k + 1)) for k in range(n - 1)]
    return MPO.from_terms(n, [*far, *near, *[(-0.3, "Z", (k,)) for k in range(n)]])


def energies(operator):
    return np.linalg.eigvalsh(operator.to_dense())


@pytest.mark.parametrize("g", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("n", [20, 50, 100])
def test_ising_chain_has_the_energy_of_free_fermions(n, g):
    """At n = 20, g = 0.5 two states lie 1.4e-6 apart, and a sweep alone stops between them."""
    run = ground_state(SpinChain.ising(n, 1.0, g), max_bond=32)
    exact, _ = reference.ising_energies(n, 1.0, g)
    assert run.energy == pytest.approx(exact, abs=1e-9)
    assert run.variance < 1e-8
    assert run.outcome is Outcome.CONVERGED
    assert run.degenerate == (g == 0.5)
    assert run.state.dtype == np.float64


@pytest.mark.parametrize("n", [2, 3, 7, 10, 12])
def test_heisenberg_chain_agrees_with_dense_diagonalisation(n):
    chain = SpinChain.heisenberg(n)
    run = ground_state(chain, max_bond=64)
    exact = reference.spectrum(chain, 1)[0][0]
    assert run.energy == pytest.approx(exact, abs=1e-9)
    assert run.variance < 1e-10
    assert run.degenerate == (n % 2 == 1)  # an odd number of spins has a spin of one half left


def test_heisenberg_chain_of_40_sites():
    """Four independent codes agree on these digits at a bond dimension of 64."""
    run = ground_state(SpinChain.heisenberg(40), max_bond=64)
    assert run.energy == pytest.approx(-17.5414732982, abs=1e-9)
    assert run.variance < 1e-8


@pytest.mark.slow
def test_heisenberg_chain_of_50_sites():
    run = ground_state(SpinChain.heisenberg(50), max_bond=100)
    assert run.energy == pytest.approx(-21.9721102812, abs=1e-9)


@pytest.mark.parametrize("hamiltonian", [MIXED.mpo(), long_range(8), long_range(8, 3)])
def test_energy_and_variance_are_those_of_the_state(hamiltonian):
    """A bond too small leaves a variance that the dense vector confirms."""
    run = ground_state(hamiltonian, max_bond=4, tol=1e-9)
    vector, dense = run.state.to_dense(), hamiltonian.to_dense()
    image = dense @ vector
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-13)
    assert run.energy == pytest.approx(np.vdot(vector, image).real, abs=1e-12)
    assert run.variance == pytest.approx(np.linalg.norm(image - run.energy * vector) ** 2, rel=1e-8)
    assert run.variance > 1e-6
    assert abs(energies(hamiltonian) - run.energy).min() <= np.sqrt(run.variance)


def test_a_field_along_y_needs_complex_numbers():
    run = ground_state(MIXED, max_bond=16)
    assert run.state.dtype == np.complex128
    assert run.energy == pytest.approx(energies(MIXED.mpo())[0], abs=1e-10)


@pytest.mark.parametrize("start", [None, "0000000000", "0101010101", "0000011111"])
def test_terms_of_long_range_do_not_leave_it_stuck(start):
    hamiltonian = long_range(10)
    psi0 = None if start is None else MPS.product(start)
    run = ground_state(hamiltonian, max_bond=32, psi0=psi0)
    assert run.energy == pytest.approx(energies(hamiltonian)[0], abs=1e-9)


def test_mixing_opens_bonds_that_a_plain_sweep_cannot():
    """One term flips three spins at once: no pair of neighbours alone can follow it."""
    n = 7
    hamiltonian = MPO.from_terms(n, [(-1.0, "XXX", (0, 3, 6)), *[(0.1, "Z", (0,))]])
    start = MPS.product("0" * n)
    stuck = ground_state(hamiltonian, max_bond=8, psi0=start, mixing=0.0, sweeps=3)
    free = ground_state(hamiltonian, max_bond=8, psi0=start)
    exact = energies(hamiltonian)[0]
    assert free.energy == pytest.approx(exact, abs=1e-9)
    assert stuck.energy > exact + 0.5


def test_couplings_of_all_pairs():
    n, rng = 10, np.random.default_rng(1)
    pairs = [(rng.standard_normal(), "ZZ", (i, j)) for i in range(n) for j in range(i)]
    hamiltonian = MPO.from_terms(n, [*pairs, *[(0.7, "X", (k,)) for k in range(n)]])
    # The first excited state lies only 5.7e-4 higher, so that passes gain little each.
    run = ground_state(hamiltonian, max_bond=32, tol=1e-13)
    assert run.energy == pytest.approx(energies(hamiltonian)[0], abs=2e-9)


def test_excited_states_by_penalty():
    chain, found = SpinChain.ising(8, 1.0, 1.3), []
    for exact in energies(chain.mpo())[:4]:
        run = ground_state(chain, max_bond=16, orthogonal_to=[r.state for r in found])
        assert run.energy == pytest.approx(exact, abs=1e-9)
        assert all(abs(run.state.overlap(r.state)) < 1e-6 for r in found)
        found.append(run)


def test_the_open_spin_one_chain_has_four_ground_states():
    """Two free edge spins of one half; the energy is -2/3 a bond."""
    n, found = 8, []
    hamiltonian = reference.aklt_hamiltonian(n)
    for _ in range(4):
        run = ground_state(hamiltonian, max_bond=16, orthogonal_to=found)
        assert run.energy == pytest.approx(-2 / 3 * (n - 1), abs=1e-9)
        assert max(run.state.bond_dimensions) <= 8
        assert len(found) == 3 or run.degenerate
        found.append(run.state)
    above = ground_state(hamiltonian, max_bond=16, orthogonal_to=found, sweeps=12)
    assert above.energy > -2 / 3 * (n - 1) + 0.3


def test_the_gap_bound_is_one():
    chain = SpinChain.heisenberg(10)
    run = ground_state(chain, max_bond=32)
    exact = energies(chain.mpo())
    assert run.gap_bound >= exact[1] - exact[0] - 1e-9
    assert not run.degenerate


@pytest.mark.parametrize("start", ["00000000", "01010101"])
def test_it_leaves_the_sector_of_the_start(start):
    """sum XX + YY keeps the number of ones: only half filling holds the ground state."""
    chain = SpinChain.xyz(8, 1.0, 1.0, 0.0, hz=0.02)
    run = ground_state(chain, max_bond=16, psi0=MPS.product(start))
    assert run.energy == pytest.approx(energies(chain.mpo())[0], abs=1e-9)


@pytest.mark.parametrize(
    "hamiltonian", [long_range(6), SpinChain.xyz(5, 1.0, 0.6, 0.3, hx=0.2, hy=0.5).mpo()]
)
def test_array_libraries_agree(library, hamiltonian):
    own = MPO([library(w) for w in hamiltonian.tensors])
    options = {"max_bond": 4, "mixing": 1e-5, "tol": 1e-8}
    expected = ground_state(hamiltonian, **options)
    run = ground_state(own, **options)
    assert run.energy == pytest.approx(expected.energy, abs=1e-6)
    for site in run.state.tensors:
        library.host(site)
    second = ground_state(own, orthogonal_to=[run.state], **options)
    assert second.energy > run.energy + 0.01


def test_single_precision_is_kept():
    hamiltonian = long_range(6)
    single = MPO([np.asarray(w, np.float32) for w in hamiltonian.tensors])
    run = ground_state(single, max_bond=8, tol=1e-6)
    assert run.state.dtype == np.float32
    assert run.energy == pytest.approx(energies(hamiltonian)[0], abs=1e-4)


def test_same_seed_same_bits():
    runs = [ground_state(SpinChain.heisenberg(8), max_bond=8, rng=3) for _ in range(2)]
    for a, b in zip(*(r.state.tensors for r in runs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_start_at_the_solution_is_quick():
    chain = SpinChain.heisenberg(12)
    first = ground_state(chain, max_bond=64)
    again = ground_state(chain, max_bond=64, psi0=first.state, mixing=0.0)
    assert len(again.energies) <= 4
    assert again.energy == pytest.approx(first.energy, abs=1e-12)


def test_history_callback_and_limits():
    seen = []

    def listen(k, info, state):
        seen.append((k, info.energy, state.norm()))
        return k == 3

    run = ground_state(SpinChain.heisenberg(10), max_bond=32, callback=listen)
    assert run.outcome is Outcome.TARGET_REACHED
    assert [k for k, _, _ in seen] == [1, 2, 3]
    np.testing.assert_allclose([norm for _, _, norm in seen], 1.0, atol=1e-12)
    np.testing.assert_array_equal(run.energies, [e for _, e, _ in seen])
    short = ground_state(SpinChain.heisenberg(10), max_bond=32, sweeps=2, progress=iter)
    assert short.outcome is Outcome.MAX_SWEEPS
    assert len(short.bonds) == len(short.discarded) == len(short.variances) == 2


def test_pictures_and_tables():
    pytest.importorskip("matplotlib").use("agg")
    run = ground_state(SpinChain.ising(6, 1.0, 0.1), max_bond=8)
    ax = run.plot_convergence()
    assert len(ax.lines) == 3
    assert run.plot_convergence(ax) is ax
    assert "CONVERGED" in repr(run)
    assert "second state" in run._repr_html_()


def test_peak_memory_is_the_documented_one():
    n, bond = 30, 40
    chain = SpinChain.heisenberg(n)
    ground_state(chain, max_bond=bond, sweeps=9)  # warm caches
    tracemalloc.start()
    ground_state(chain, max_bond=bond)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 8 * (n * bond**2 * (2 * 5 + 2) + 4 * bond**2 * (2 * 5 + 17))


CHAIN = SpinChain.ising(4)
SKEW = MPO.product([np.array([[0.0, 1.0], [0.0, 0.0]])] * 4)


@pytest.mark.parametrize(
    ("hamiltonian", "options", "error", "message"),
    [
        (np.eye(4), {}, TypeError, "`hamiltonian` must be a SpinChain or an MPO"),
        (SKEW, {}, ValueError, "not Hermitian"),
        (MPO.product([np.eye(2)]), {}, ValueError, "one site"),
        (SpinChain.ising(4, 1e200), {}, ValueError, "scale it down"),
        (CHAIN, {"max_bond": 0}, ValueError, "`max_bond` must be at least 1"),
        (CHAIN, {"max_bond": 2.5}, TypeError, "`max_bond` must be an integer"),
        (CHAIN, {"cutoff": -1.0}, ValueError, "`cutoff`"),
        (CHAIN, {"sweeps": 0}, ValueError, "`sweeps`"),
        (CHAIN, {"tol": -1e-3}, ValueError, "`tol`"),
        (CHAIN, {"tol": float("nan")}, ValueError, "`tol`"),
        (CHAIN, {"mixing": 1.5}, ValueError, "`mixing`"),
        (CHAIN, {"psi0": "0101"}, TypeError, "`psi0` must be an MPS"),
        (CHAIN, {"psi0": MPS.product("01")}, ValueError, "`psi0` has 2 sites"),
        (CHAIN, {"psi0": 0.0 * MPS.product("0101")}, ValueError, "`psi0` is zero"),
        (CHAIN, {"orthogonal_to": MPS.product("0101")}, TypeError, r"write `\[state\]`"),
        (CHAIN, {"orthogonal_to": [MPS.product("01")]}, ValueError, r"`orthogonal_to\[0\]`"),
        (CHAIN, {"orthogonal_to": [MPS.product("0101")] * 16}, ValueError, "16 dimensions"),
        (CHAIN, {"weight": -1.0}, ValueError, "`weight`"),
        (CHAIN, {"progress": "yes"}, TypeError, "`progress`"),
    ],
)
def test_bad_input_is_refused(hamiltonian, options, error, message):
    with pytest.raises(error, match=message):
        ground_state(hamiltonian, **{"max_bond": 4, **options})
