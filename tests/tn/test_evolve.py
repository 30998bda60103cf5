import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankloom.tn import MPS, SpinChain, evolve, tebd

MIXED = SpinChain.xyz(7, 1.0, 0.6, [0.8, 0.1, -0.4, 0.8, 0.5, 1.0], hx=0.4, hz=-0.3)


def exact(chain, vector, time):
    energies, modes = np.linalg.eigh(chain.dense())
    return modes @ (np.exp(-1j * time * energies) * (modes.conj().T @ vector))


def trotter(chain, vector, time, steps, order):
    """The Trotter circuit applied to a dense vector."""
    n = chain.n_sites
    for layer in chain.trotter_layers(time, steps, order):
        for k, gate in zip(range(layer.parity, n - 1, 2), chain.gates(layer), strict=True):
            vector = (gate @ vector.reshape(2**k, 4, -1)).reshape(-1)
    return vector


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("time", [0.7, -0.7])
def test_without_truncation_it_is_the_trotter_circuit(order, time):
    start = MPS.random(7, 3, rng=0)
    run = evolve(start, MIXED, time=time, steps=4, order=order, cutoff=0.0)
    expected = trotter(MIXED, start.to_dense(), time, 4, order)
    np.testing.assert_allclose(run.state.to_dense(), expected, atol=1e-12)
    assert run.truncation_error < 1e-24


@pytest.mark.parametrize("order", [1, 2, 4])
def test_infidelity_falls_as_the_square_of_the_trotter_error(order):
    start = MPS.product("0100110")
    target = exact(MIXED, start.to_dense(), 0.5)
    distances = []
    for steps in (6, 12):
        run = evolve(start, MIXED, time=0.5, steps=steps, order=order, cutoff=1e-20)
        distances.append(np.linalg.norm(run.state.to_dense() - target))
    assert np.log2(distances[0] / distances[1]) == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("n", [2, 3])
def test_short_chains(n):
    chain = SpinChain.heisenberg(n)
    run = evolve(MPS.product("010"[:n]), chain, time=1.0, steps=50, order=4)
    expected = exact(chain, MPS.product("010"[:n]).to_dense(), 1.0)
    np.testing.assert_allclose(run.state.to_dense(), expected, atol=1e-7)


def test_one_flipped_spin_of_the_xx_chain_hops_freely():
    """The amplitude of the flip obeys i da/dt = 2j (a_left + a_right)."""
    n, j, time = 12, 0.5, 1.5
    hopping = np.zeros((n, n))
    hopping[np.arange(n - 1), np.arange(1, n)] = 2 * j
    energies, modes = np.linalg.eigh(hopping + hopping.T)
    amplitudes = modes @ (np.exp(-1j * time * energies) * modes[4])
    start = MPS.product("0" * 4 + "1" + "0" * 7)
    run = evolve(start, SpinChain.xyz(n, j, j, 0), time=time, steps=40, order=4, cutoff=1e-16)
    expected = 1 - 2 * np.abs(amplitudes) ** 2
    np.testing.assert_allclose(run.state.expectation("Z"), expected, atol=1e-6)


def test_free_spins_turn_about_their_fields():
    hz = np.array([0.3, -0.7, 1.1, 0.2])
    start = MPS.product([[1, 1]] * 4)
    run = evolve(start, SpinChain.xyz(4, 0, 0, 0, hz=hz), time=0.9, steps=3)
    assert max(run.state.bond_dimensions) == 1
    np.testing.assert_allclose(run.state.expectation("X"), np.cos(2 * 0.9 * hz), atol=1e-13)
    np.testing.assert_allclose(run.state.expectation("Y"), np.sin(2 * 0.9 * hz), atol=1e-13)


def test_neel_quench_of_the_heisenberg_chain():
    """n = 50 with site 0 up; three independent codes agree to 8 digits at this splitting."""
    run = evolve(MPS.product("01" * 25), SpinChain.heisenberg(50), time=1.0, steps=20, cutoff=1e-14)
    sz = run.state.expectation("Z") / 2
    np.testing.assert_allclose(sz[[0, 24, 25]], [0.29245422, 0.1396651, -0.1396651], atol=1e-7)
    np.testing.assert_allclose(sz, -sz[::-1], atol=1e-7)  # reflection and a flip of all spins
    assert sz.sum() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("order", [2, 4])
def test_backwards_in_time_returns_the_start(order):
    start = MPS.random(7, 3, rng=1)
    there = evolve(start, MIXED, time=0.6, steps=3, order=order, cutoff=1e-24).state
    back = evolve(there, MIXED, time=-0.6, steps=3, order=order, cutoff=1e-24).state
    np.testing.assert_allclose(back.to_dense(), start.to_dense(), atol=1e-10)


def test_reversing_the_chain_reverses_the_evolution():
    # even n: reflection maps even bonds to even bonds
    chain = SpinChain(MIXED.couplings[:5], MIXED.fields[:6])
    mirrored = SpinChain(chain.couplings[::-1], chain.fields[::-1])
    run = evolve(MPS.product("001011"), chain, time=1.0, steps=8)
    mirror = evolve(MPS.product("110100"), mirrored, time=1.0, steps=8)
    np.testing.assert_allclose(
        mirror.state.expectation("X"), run.state.expectation("X")[::-1], atol=1e-8
    )


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_truncation_stays_within_the_bound(seed, max_bond):
    start = MPS.random(7, max_bond, rng=seed) * 2.0
    options = {"time": 0.4, "steps": 4}
    run = evolve(start, MIXED, max_bond=max_bond, cutoff=0.0, **options)
    full = evolve(start, MIXED, cutoff=0.0, **options)
    assert run.state.norm() == pytest.approx(2.0, rel=1e-12)
    assert max(run.state.bond_dimensions) <= max_bond
    distance = np.linalg.norm(run.state.to_dense() - full.state.to_dense()) / 2.0
    weights = run.discarded.max()
    assert distance <= run.error_bound * (1 + weights) + 1e-12
    assert run.truncation_error == pytest.approx(run.discarded.sum())
    assert len(run.discarded) == len(MIXED.trotter_layers(steps=4, time=0.4))


@pytest.mark.parametrize("options", [{"cutoff": 1e-11}, {"cutoff": 0.0, "max_bond": 24}])
def test_gram_matrices_and_singular_values_cut_alike(options, monkeypatch):
    chain = SpinChain.heisenberg(16)
    start = MPS.random(16, 8, rng=0)
    runs = []
    for floor in (1e-3, np.inf):
        monkeypatch.setattr(tebd, "_GRAM_FLOOR", floor)
        runs.append(evolve(start, chain, time=0.4, steps=4, **options))
    gram, svd = runs
    assert gram.state.bond_dimensions == svd.state.bond_dimensions
    np.testing.assert_allclose(gram.discarded, svd.discarded, rtol=1e-3, atol=1e-14)
    assert abs(gram.state.overlap(svd.state)) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(gram.state.expectation("Z"), svd.state.expectation("Z"), atol=1e-11)


def test_a_saturated_bond_with_tiny_weights_falls_back_to_singular_values():
    """Full bonds whose tails are far below rounding of a Gram matrix."""
    chain = SpinChain.heisenberg(8)
    start = MPS.product("01010101")
    free = evolve(start, chain, time=0.02, steps=2, cutoff=1e-28)
    bond = max(free.state.bond_dimensions) - 1
    run = evolve(start, chain, time=0.02, steps=2, cutoff=0.0, max_bond=bond)
    assert 0 < run.truncation_error < 1e-13
    distance = np.linalg.norm(run.state.to_dense() - free.state.to_dense())
    assert distance <= run.error_bound + 1e-13


def test_threads_do_not_change_a_bit():
    start, chain = MPS.random(14, 32, rng=2), SpinChain.heisenberg(14)
    options = {"time": 0.1, "steps": 2, "max_bond": 32}
    one, three = (evolve(start, chain, threads=t, **options) for t in (1, 3))
    pairs = zip(one.state.tensors, three.state.tensors, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    np.testing.assert_array_equal(one.discarded, three.discarded)


def test_the_centre_of_the_result_is_honest():
    run = evolve(MPS.random(8, 8, rng=3), SpinChain.heisenberg(8), time=1.0, steps=5, max_bond=4)
    assert MPS(run.state.tensors, run.state.center).norm() == pytest.approx(1, rel=1e-12)
    assert run.state.overlap(run.state).real == pytest.approx(1, rel=1e-12)


def test_callback_sees_complete_states_at_all_times():
    start, seen = MPS.product("0100110"), []
    options = {"order": 2, "cutoff": 1e-20}
    run = evolve(
        start, MIXED, time=0.8, steps=4, callback=lambda t, s: seen.append((t, s)), **options
    )
    times, states = zip(*seen, strict=True)
    np.testing.assert_allclose(times, run.times)
    np.testing.assert_allclose(run.times, [0, 0.2, 0.4, 0.6, 0.8])
    for steps in range(1, 5):
        alone = evolve(start, MIXED, time=0.2 * steps, steps=steps, **options).state
        np.testing.assert_allclose(states[steps].to_dense(), alone.to_dense(), atol=1e-9)
    assert states[0] is start
    assert repr(run).startswith("Evolution(MPS(n=7, bonds<=8, complex128, center=0), time=0.8, st")
    np.testing.assert_array_equal(states[-1].to_dense(), run.state.to_dense())


def test_progress_wraps_the_half_layers(capsys):
    lengths = []

    def watch(items):
        lengths.append(len(items))
        return items

    evolve(MPS.product("0101"), SpinChain.ising(4), time=1.0, steps=3, progress=watch)
    assert lengths == [7]
    evolve(MPS.product("0101"), SpinChain.ising(4), time=1.0, steps=3)
    assert capsys.readouterr() == ("", "")
    evolve(MPS.product("0101"), SpinChain.ising(4), time=1.0, steps=3, progress=True)
    assert "7/7" in capsys.readouterr().err


def test_it_runs_in_the_array_library_of_the_state(library):
    plain = MPS.random(5, 4, rng=4)
    start = MPS(tuple(map(library, plain.tensors)))
    chain = SpinChain(MIXED.couplings[:4], MIXED.fields[:5])
    for options in ({"cutoff": 1e-8}, {"cutoff": 0.0, "max_bond": 3}):
        mine = evolve(start, chain, time=0.5, steps=3, **options)
        expected = evolve(plain, chain, time=0.5, steps=3, **options)
        vector = library.host(mine.state.to_dense())
        np.testing.assert_allclose(vector, expected.state.to_dense(), atol=1e-10)
        np.testing.assert_allclose(mine.discarded, expected.discarded, atol=1e-13)


def test_single_precision_is_kept():
    plain = MPS.product("0101101")
    single = MPS(tuple(t.real.astype(np.float32) for t in plain.tensors))
    run = evolve(single, MIXED, time=0.5, steps=5, cutoff=1e-6)
    assert run.state.dtype == np.complex64
    expected = evolve(plain, MIXED, time=0.5, steps=5, cutoff=1e-6).state
    np.testing.assert_allclose(run.state.to_dense(), expected.to_dense(), atol=2e-3)


def test_peak_memory_is_the_documented_one():
    n, bond = 40, 64
    start = MPS.random(n, bond, rng=0)
    evolve(start, SpinChain.heisenberg(n), time=0.05, steps=1, max_bond=bond)  # warm caches
    tracemalloc.start()
    evolve(start, SpinChain.heisenberg(n), time=0.05, steps=1, max_bond=bond, threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2 * 32 * n * bond**2 + 400 * bond**2


START, CHAIN = MPS.product("0101"), SpinChain.ising(4)


@pytest.mark.parametrize(
    ("state", "chain", "options", "error", "message"),
    [
        (START, SpinChain.ising(5), {}, ValueError, "4 sites, but `chain` has 5"),
        ("0101", CHAIN, {}, TypeError, "`psi0` must be an MPS"),
        (START, CHAIN.mpo(), {}, TypeError, "`chain` must be a SpinChain"),
        (MPS.random(4, 2, d=3), CHAIN, {}, ValueError, "sites of dimension 2"),
        (0.0 * START, CHAIN, {}, ValueError, "norm 0"),
        (START, CHAIN, {"time": 0}, ValueError, "`time` must be a finite number other than 0"),
        (START, CHAIN, {"time": np.inf}, ValueError, "`time`"),
        (START, CHAIN, {"steps": 0}, ValueError, "`steps` must be at least 1"),
        (START, CHAIN, {"steps": 1.5}, TypeError, "`steps` must be an integer"),
        (START, CHAIN, {"order": 3}, ValueError, "`order` must be 1, 2 or 4"),
        (START, CHAIN, {"max_bond": 0}, ValueError, "`max_bond`"),
        (START, CHAIN, {"cutoff": -1}, ValueError, "`cutoff`"),
        (START, CHAIN, {"threads": 0}, ValueError, "`threads`"),
        (START, CHAIN, {"progress": "yes"}, TypeError, "`progress`"),
        (START, CHAIN, {"callback": lambda *_: None, "steps": 0}, ValueError, "`steps`"),
    ],
)
def test_bad_input_is_refused(state, chain, options, error, message):
    with pytest.raises(error, match=message):
        evolve(state, chain, **{"time": 1.0, "steps": 2, **options})
