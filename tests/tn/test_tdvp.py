import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from rankloom.tn import MPO, MPS, SpinChain, evolve, subspace

CHAIN = SpinChain.xyz(7, 1.0, 0.6, [0.8, 0.1, -0.4, 0.8, 0.5, 1.0], hx=0.4, hz=-0.3)
FAR = MPO.from_terms(
    6, [(1.0, "ZZ", (0, 3)), (0.5, "XYX", (1, 2, 5)), (0.7, "XX", (0, 5)), (0.3, "X", (2,))]
)
METHODS = pytest.mark.parametrize("method", ["tdvp", "tdvp1"])


def spin_one(n):
    """``sum S.S + (S.S)^2 / 3`` of spins 1, bond by bond."""
    sp = np.sqrt(2) * np.eye(3, k=1)
    sz = np.diag([1.0, 0.0, -1.0])
    parts = [(0.5, sp, sp.T), (0.5, sp.T, sp), (1.0, sz, sz)]
    terms = []
    for k in range(n - 1):
        for c, a, b in parts:
            terms.append((c, (a, b), (k, k + 1)))
            terms += [(c * e / 3, (a @ f, b @ g), (k, k + 1)) for e, f, g in parts]
    return MPO.from_products([3] * n, terms)


def exact(h, state, time):
    return expm(-1j * time * h) @ state.to_dense()


def error(run, h, start, time):
    return np.linalg.norm(run.state.to_dense() - exact(h, start, time))


@METHODS
@pytest.mark.parametrize("time", [0.5, -0.5])
def test_with_full_bonds_it_is_exact(method, time):
    start = MPS.random(7, 8, rng=0) * 2.0
    run = evolve(start, CHAIN, time=time, steps=3, method=method, cutoff=0.0)
    assert error(run, CHAIN.dense(), start, time) < 1e-10
    assert run.error_bound < 1e-6
    assert np.ptp(run.energies) < 1e-12
    assert run.energies[0] == pytest.approx(start.expectation(CHAIN.mpo()) / 4, abs=1e-12)


@METHODS
def test_the_error_falls_at_least_as_the_square_of_the_step(method):
    start, h = MPS.product("0100110"), CHAIN.dense()
    options = {"time": 0.5, "method": method, "cutoff": 1e-20}
    coarse, fine = (error(evolve(start, CHAIN, steps=s, **options), h, start, 0.5) for s in (8, 16))
    assert fine < coarse / 3.4 < 1e-3


@METHODS
def test_it_agrees_with_trotter_circuits_to_their_orders(method):
    start = MPS.product("0100110")
    options = {"time": 0.6, "cutoff": 1e-18}
    other = evolve(start, CHAIN, steps=30, order=4, **options).state
    distances = []
    for steps in (6, 12):
        found = evolve(start, CHAIN, steps=steps, method=method, **options).state
        distances.append(np.linalg.norm(found.to_dense() - other.to_dense()))
    assert distances[1] < distances[0] / 3.4


@pytest.mark.parametrize("max_bond", [2, 3, 5])
def test_one_site_steps_conserve_energy_and_norm_at_any_bond(max_bond):
    start = MPS.random(12, max_bond, rng=1)
    run = evolve(
        start, SpinChain.heisenberg(12), time=3.0, steps=30, method="tdvp1", max_bond=max_bond
    )
    assert max(run.state.bond_dimensions) == max_bond
    assert np.ptp(run.energies) < 1e-9
    assert run.truncation_error == 0.0
    assert run.state.norm() == pytest.approx(1, rel=1e-13)
    # The state itself, not what the integrator believes of it.
    energy = run.state.expectation(SpinChain.heisenberg(12).mpo())
    assert energy == pytest.approx(run.energies[0], abs=1e-9)


@METHODS
@settings(max_examples=4)
@given(seed=st.integers(0, 10**6), bond=st.integers(2, 6))
def test_the_distance_to_the_exact_state_stays_within_the_bound(method, seed, bond):
    start, h = MPS.random(7, bond, rng=seed), CHAIN.dense()
    run = evolve(start, CHAIN, time=0.4, steps=20, method=method, max_bond=bond, cutoff=0.0)
    found = error(run, h, start, 0.4)
    assert found <= 1.1 * run.error_bound + 3e-3  # what splitting adds at this step
    assert run.error_bound < 10 * found + 3e-3


@pytest.mark.parametrize("time", [0.8, -0.8])
def test_terms_of_long_range(time):
    """From a product state whose two-site changes miss some terms."""
    start, h = MPS.product("010101"), FAR.to_dense()
    options = {"time": time, "cutoff": 1e-16}
    found = [
        error(evolve(start, FAR, steps=s, method="tdvp1", **options), h, start, time)
        for s in (20, 40)
    ]
    assert found[1] < found[0] / 3.4
    assert found[0] < 2e-3
    # Two-site steps cannot open these bonds, and say so.
    stuck = evolve(start, FAR, steps=20, method="tdvp", **options)
    assert stuck.projection_errors[0] > 0.8
    assert error(stuck, h, start, time) <= stuck.error_bound


def test_two_site_steps_on_entangled_states_of_long_range():
    start, h = MPS.random(6, 8, rng=2), FAR.to_dense()
    run = evolve(start, FAR, time=1.0, steps=10, method="tdvp", cutoff=1e-20)
    assert error(run, h, start, 1.0) < 1e-9


@METHODS
def test_spins_one(method):
    chain = spin_one(5)
    start = MPS.random(5, 4, d=3, rng=3)
    run = evolve(start, chain, time=0.3, steps=60, method=method, cutoff=1e-20)
    assert error(run, chain.to_dense(), start, 0.3) < 1e-4
    assert run.state.physical_dimensions == (3,) * 5


def test_sites_of_different_sizes():
    rng = np.random.default_rng(4)
    ops = [rng.standard_normal((d, d)) + 1j * rng.standard_normal((d, d)) for d in (2, 3, 4)]
    a, b, c = (x + x.conj().T for x in ops)
    chain = MPO.from_products(
        [2, 3, 4], [(0.3, (a, b), (0, 1)), (0.2, (a, c), (0, 2)), (0.1, (c,), (2,))]
    )
    start = MPS(
        (
            rng.standard_normal((1, 2, 2)),
            rng.standard_normal((2, 3, 2)),
            rng.standard_normal((2, 4, 1)),
        )
    ).normalize()
    for method in ("tdvp", "tdvp1"):
        run = evolve(start, chain, time=0.2, steps=40, method=method, cutoff=0.0)
        assert error(run, chain.to_dense(), start, 0.2) < 1e-3


@METHODS
def test_backwards_in_time_returns_the_start(method):
    """The steps are symmetric: at fixed bonds the way back undoes them to the tolerance."""
    start = MPS.random(8, 16, rng=5)
    chain = SpinChain.heisenberg(8)
    options = {"steps": 5, "method": method, "cutoff": 0.0, "max_bond": 16}
    there = evolve(start, chain, time=1.0, **options).state
    back = evolve(there, chain, time=-1.0, **options).state
    assert abs(back.overlap(start)) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(back.to_dense(), start.to_dense(), atol=1e-8)


def test_one_site_steps_are_undone_at_small_bonds_too():
    start = MPS.random(10, 3, rng=6)
    chain = SpinChain.heisenberg(10)
    options = {"steps": 4, "method": "tdvp1", "max_bond": 3}
    there = evolve(start, chain, time=0.4, **options).state
    assert abs(there.overlap(start)) < 0.999
    back = evolve(there, chain, time=-0.4, **options).state
    np.testing.assert_allclose(back.to_dense(), start.to_dense(), atol=1e-8)


@pytest.mark.parametrize(
    ("method", "steps", "tol"), [("tebd", 100, 1e-3), ("tdvp", 40, 1e-8), ("tdvp1", 40, 1e-8)]
)
def test_imaginary_time_reaches_the_ground_energy(method, steps, tol):
    ground = np.linalg.eigvalsh(CHAIN.dense())[0]
    run = evolve(MPS.product("0100110"), CHAIN, time=15.0, steps=300, method=method, imaginary=True)
    assert -1e-10 < run.energies[-1] - ground < tol
    assert np.all(np.diff(run.energies) < 1e-7)  # up to what the cut-off takes
    assert run.state.norm() == pytest.approx(1, rel=1e-13)
    assert run.error_bound is None
    assert run.state.expectation(CHAIN.mpo()) == pytest.approx(run.energies[-1], abs=1e-10)


@pytest.mark.parametrize("method", ["tebd", "tdvp", "tdvp1"])
def test_imaginary_time_is_the_normalised_exponential(method):
    start = MPS.random(7, 8, rng=7)
    expected = expm(-0.5 * CHAIN.dense()) @ start.to_dense()
    expected /= np.linalg.norm(expected)
    options = {"time": 0.5, "method": method, "imaginary": True, "cutoff": 0.0}
    distances = []
    for steps in (10, 20):
        run = evolve(start, CHAIN, steps=steps, **options)
        distances.append(np.linalg.norm(run.state.to_dense() - expected))
    if method == "tebd":
        assert distances[0] / distances[1] == pytest.approx(4, rel=0.1)
    else:
        assert distances[1] < 1e-10


def test_steps_too_long_for_imaginary_time_are_said():
    options = {"time": 12.0, "method": "tdvp", "imaginary": True, "cutoff": 0.0, "max_bond": 2}
    with pytest.warns(RuntimeWarning, match="steps of 4 are too long"):
        evolve(MPS.product("0" * 12), SpinChain.ising(12), steps=3, **options)


def test_imaginary_time_stays_real_for_real_operators():
    z = np.diag([1.0, -1.0])
    chain = MPO.from_products([2] * 4, [(-1.0, (z, z), (k, k + 1)) for k in range(3)])
    real = MPO(tuple(w.real for w in chain.tensors))
    start = MPS(tuple(t.real for t in MPS.random(4, 4, rng=8).tensors)).normalize()
    run = evolve(start, real, time=5.0, steps=10, method="tdvp1", imaginary=True)
    assert run.state.dtype == np.float64
    assert run.energies[-1] == pytest.approx(-3.0, abs=1e-6)


def test_bonds_of_the_start_that_carry_nothing_are_dropped():
    start = MPS.product("0101") + MPS.product("0101")
    chain = SpinChain.heisenberg(4)
    run = evolve(start, chain, time=0.1, steps=1, method="tdvp1", max_bond=1)
    assert max(run.state.bond_dimensions) == 1
    assert run.state.norm() == pytest.approx(2, rel=1e-13)
    with pytest.raises(ValueError, match=r"bonds of 4, but `max_bond` is 3.*Compress it first"):
        evolve(MPS.random(6, 4, rng=0), FAR, time=0.1, steps=1, method="tdvp1", max_bond=3)


def test_two_sites_are_enough():
    chain, start = SpinChain.heisenberg(2), MPS.product("01")
    for method in ("tdvp", "tdvp1"):
        run = evolve(start, chain, time=1.0, steps=200, method=method)
        assert error(run, chain.dense(), start, 1.0) < 1e-5


def test_what_is_observed():
    """Letters, operators and functions, at all times, for all methods alike."""
    start, chain = MPS.random(6, 8, rng=9), SpinChain.ising(6, g=0.7)
    watch = {"z": "Z", "energy": chain.mpo(), "entropy": lambda state: state.entropy(3)}
    runs = {
        method: evolve(start, chain, time=0.5, steps=5, order=order, method=method, observe=watch)
        for method, order in (("tebd", 4), ("tdvp", 2), ("tdvp1", 2))
    }
    for run in runs.values():
        assert {name: values.shape for name, values in run.observed.items()} == {
            "z": (6, 6),
            "energy": (6,),
            "entropy": (6,),
        }
        np.testing.assert_allclose(run.observed["z"][0], start.expectation("Z"), atol=1e-14)
        np.testing.assert_allclose(run.observed["z"][-1], run.state.expectation("Z"), atol=1e-12)
        np.testing.assert_allclose(run.observed["z"], runs["tebd"].observed["z"], atol=1e-4)
    np.testing.assert_allclose(runs["tdvp"].observed["energy"], runs["tdvp"].energies, atol=1e-11)


def test_callback_keeps_snapshots():
    snapshots = []
    run = evolve(
        MPS.product("0110"),
        SpinChain.ising(4),
        time=0.4,
        steps=4,
        method="tdvp",
        callback=lambda t, state: snapshots.append((t, state)),
    )
    np.testing.assert_allclose([t for t, _ in snapshots], run.times)
    np.testing.assert_array_equal(snapshots[-1][1].to_dense(), run.state.to_dense())


@METHODS
def test_progress_wraps_the_steps(method):
    lengths = []

    def watch(items):
        lengths.append(len(items))
        return items

    evolve(MPS.product("01"), SpinChain.ising(2), time=1.0, steps=3, method=method, progress=watch)
    assert lengths == [3]


@METHODS
@pytest.mark.parametrize("imaginary", [False, True])
def test_it_runs_in_the_array_library_of_the_state(library, method, imaginary):
    plain = MPS.random(5, 3, rng=10)
    chain = SpinChain(CHAIN.couplings[:4], CHAIN.fields[:5])
    options = {"time": 0.3, "steps": 3, "method": method, "imaginary": imaginary, "max_bond": 4}
    expected = evolve(plain, chain, **options)
    for operator in (chain, chain.mpo()):
        mine = evolve(MPS(tuple(map(library, plain.tensors))), operator, **options)
        vector = library.host(mine.state.to_dense())
        np.testing.assert_allclose(vector, expected.state.to_dense(), atol=1e-9)
        np.testing.assert_allclose(mine.energies, expected.energies, atol=1e-10)


def test_imaginary_trotter_runs_in_the_array_library_of_the_state(library):
    plain = MPS.random(5, 3, rng=10)
    chain = SpinChain(CHAIN.couplings[:4], CHAIN.fields[:5])
    options = {"time": 0.3, "steps": 3, "imaginary": True, "max_bond": 4}
    mine = evolve(MPS(tuple(map(library, plain.tensors))), chain, **options)
    expected = evolve(plain, chain, **options)
    np.testing.assert_allclose(
        library.host(mine.state.to_dense()), expected.state.to_dense(), atol=1e-9
    )


@METHODS
def test_single_precision_is_kept(method):
    plain = MPS.random(6, 8, rng=11)
    single = MPS(tuple(t.astype(np.complex64) for t in plain.tensors))
    chain = SpinChain.ising(6)
    run = evolve(single, chain, time=0.5, steps=5, method=method, cutoff=1e-6)
    assert run.state.dtype == np.complex64
    expected = evolve(plain, chain, time=0.5, steps=5, method=method).state
    np.testing.assert_allclose(run.state.to_dense(), expected.to_dense(), atol=2e-3)


@METHODS
@pytest.mark.parametrize("small", [0, 2**22])
def test_peak_memory_is_the_documented_one(method, small, monkeypatch):
    monkeypatch.setattr(subspace, "_SMALL", small)
    n, d, w, bond = 24, 2, 5, 24
    start, chain = MPS.random(n, bond, rng=0), SpinChain.heisenberg(n).mpo()
    options = {"time": 0.05, "steps": 1, "method": method, "max_bond": bond}
    evolve(MPS.product("01" * 12), chain, **options)  # warm caches
    tracemalloc.start()
    evolve(start, chain, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grams = 16 * w**2 * bond**2 * (n if small else 2 * math.sqrt(n))
    work = 16 * bond**2 * d**2 * (34 + 4 * w)
    assert peak <= 16 * n * bond**2 * (2 * d + w) + work + grams


START, ISING = MPS.product("0101"), SpinChain.ising(4)
SKEW = MPO.from_products([2] * 4, [(1.0, (np.eye(2, k=1),), (0,))])


@pytest.mark.parametrize(
    ("state", "chain", "options", "error", "message"),
    [
        (START, ISING, {"method": "tdvp2"}, ValueError, "`method` must be one of tebd, tdvp"),
        (START, ISING.mpo(), {"method": "tebd"}, TypeError, "SpinChain for TEBD"),
        (START, ISING.dense(), {}, TypeError, "a SpinChain or an MPO"),
        (START, SKEW, {}, ValueError, "`chain` is not Hermitian"),
        (START, spin_one(4), {}, ValueError, "acts on \\(3, 3, 3, 3\\)"),
        (MPS.random(4, 2, d=3), ISING, {}, ValueError, "sites of dimension 2"),
        (START, SpinChain.ising(5), {}, ValueError, "4 sites, but `chain` has 5"),
        (START, ISING, {"order": 4}, ValueError, "`order` belongs to TEBD"),
        (START, ISING, {"krylov_tol": 0.0}, ValueError, "`krylov_tol`"),
        (START, ISING, {"imaginary": "yes"}, TypeError, "`imaginary` must be True or False"),
        (START, ISING, {"steps": 0}, ValueError, "`steps` must be at least 1"),
        (START, ISING, {"time": np.nan}, ValueError, "`time` must be a finite number"),
        (START, ISING, {"max_bond": 0}, ValueError, "`max_bond`"),
        (START, ISING, {"cutoff": -1e-9}, ValueError, "`cutoff`"),
        (0.0 * START, ISING, {}, ValueError, "norm 0"),
        (START, ISING, {"observe": "Z"}, TypeError, "`observe` must be a dict"),
        (START, ISING, {"observe": {"a/b": "Z"}}, ValueError, "without a slash"),
        (START, ISING, {"observe": {"z": 3}}, TypeError, "`observe\\['z'\\]`"),
        (START, ISING, {"observe": {"z": "ZZ"}}, ValueError, "2 letters"),
        (START, ISING, {"checkpoint_every": 0}, ValueError, "`checkpoint_every`"),
    ],
)
def test_bad_input_is_refused(state, chain, options, error, message):
    with pytest.raises(error, match=message):
        evolve(state, chain, **{"time": 1.0, "steps": 2, "method": "tdvp", **options})


def test_an_observable_keeps_its_shape():
    shapes = iter([2, 3])
    with pytest.raises(ValueError, match="shape \\(3,\\) after ones of shape \\(2,\\)"):
        evolve(
            START,
            ISING,
            time=1.0,
            steps=2,
            observe={"odd": lambda _: np.zeros(next(shapes))},
        )
