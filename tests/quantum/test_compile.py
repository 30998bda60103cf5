"""Compilation end to end: optima, outcomes, exports, bad input."""

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from rankloom.quantum import (
    Ansatz,
    ansatz_from_qiskit,
    brickwork_ansatz,
    compile_state,
    load_circuit,
    to_qiskit,
)
from rankloom.tn import MPS, Outcome, SpinChain, evolve

from .circuits import brickwork_bonds, dense_state, exact_quench, neel, random_ansatz


def compile_quench(n, time, steps, **options):
    ansatz = brickwork_ansatz(SpinChain.heisenberg(n), time, steps, initial=neel(n))
    return compile_state(exact_quench(n, time), ansatz, rng=0, **options)


# Best fidelities known for k second-order steps, from several starts of another optimiser; where
# the end depends on the path, the lowest of them.
OPTIMA = [
    (4, 1.0, 1, 0.99999999),
    (6, 1.0, 1, 0.99988546),
    (6, 1.0, 2, 0.99999999),
    (6, 2.0, 1, 0.96950009),
    (6, 2.0, 2, 0.99995518),
    (8, 2.0, 1, 0.92457167),
    (8, 2.0, 2, 0.99976379),
    (10, 2.0, 1, 0.88312913),
    (10, 2.0, 2, 0.99954230),
]


@pytest.mark.parametrize(("n", "time", "steps", "optimum"), OPTIMA)
def test_reaches_the_known_optimum(n, time, steps, optimum):
    result = compile_quench(n, time, steps)
    assert result.fidelity >= optimum - 1e-7
    assert result.fidelity <= 1 + 1e-12


@pytest.mark.parametrize("objective", ["log", "infidelity"])
@pytest.mark.parametrize("sweeps", [0, 2])
def test_both_objectives_with_and_without_sweeps_find_it(objective, sweeps):
    result = compile_quench(6, 2.0, 1, objective=objective, polar_sweeps=sweeps)
    assert result.fidelity >= 0.96950009 - 1e-6


def test_statevector_of_the_exported_circuit_has_the_fidelity_of_the_kernel(tmp_path):
    target = exact_quench(10, 2.0)
    result = compile_quench(10, 2.0, 2, max_iterations=50)
    result.save(tmp_path / "circuit.qpy")
    result.save(tmp_path / "circuit.qasm")
    for name in ("circuit.qpy", "circuit.qasm"):
        psi = Statevector(load_circuit(tmp_path / name))
        fidelity = abs(np.vdot(target.to_qiskit().data, psi.data)) ** 2
        assert fidelity == pytest.approx(result.fidelity, abs=1e-10)
    prepared = Statevector(result.circuit).data
    expected = MPS.from_dense(dense_state(result.ansatz)).to_qiskit().data
    np.testing.assert_allclose(prepared, expected, atol=1e-12)


def test_quimb_agrees_with_the_kernel_at_fifty_qubits(tmp_path):
    import quimb.tensor as qtn

    n, chain = 50, SpinChain.heisenberg(50)
    state = evolve(MPS.product(neel(n)), chain, time=2.0, steps=40, cutoff=1e-10).state
    ansatz = brickwork_ansatz(chain, 2.0, 2, initial=neel(n))
    result = compile_state(state, ansatz, target_fidelity=0.99)
    result.save(tmp_path / "circuit.qasm")
    circuit = qtn.CircuitMPS.from_openqasm2_file(tmp_path / "circuit.qasm", cutoff=1e-14)
    fidelity = abs(state.to_quimb().H @ circuit.psi) ** 2
    assert fidelity == pytest.approx(result.fidelity, abs=1e-6)


def test_history_tells_the_search():
    steps = []
    result = compile_quench(6, 2.0, 1, callback=steps.append)
    history = result.history
    assert len(steps) == len(history)
    assert set(history["stage"]) == {"start", "polar", "lbfgs"}
    assert history["fidelity"].max() == pytest.approx(result.fidelity, abs=1e-12)
    for start in (0, 1):
        fidelities = history["fidelity"][history["start"] == start]
        assert np.all(np.diff(fidelities) >= -1e-12)
    assert np.all(np.diff(history["seconds"]) >= 0)
    assert result.outcome is Outcome.CONVERGED
    assert result.ansatz.fidelity_and_gradient(exact_quench(6, 2.0))[0] == pytest.approx(
        result.fidelity, abs=1e-12
    )


def test_gradient_vanishes_at_the_end():
    result = compile_quench(6, 2.0, 1, tol=1e-14)
    _, gradient = result.ansatz.fidelity_and_gradient(exact_quench(6, 2.0))
    assert np.abs(gradient).max() < 1e-5


def test_stops_at_the_target_fidelity():
    result = compile_quench(8, 2.0, 2, target_fidelity=0.995)
    assert result.outcome is Outcome.TARGET_REACHED
    assert 0.995 <= result.fidelity < 0.9995
    at_once = compile_quench(8, 2.0, 2, target_fidelity=0.9)
    assert at_once.outcome is Outcome.TARGET_REACHED
    assert len(at_once.history) == 1


def test_stops_at_the_iteration_limit():
    result = compile_quench(8, 2.0, 2, max_iterations=3)
    assert result.outcome is Outcome.MAX_SWEEPS
    assert not result.outcome.ok
    polar_only = compile_quench(8, 2.0, 2, polish=None, polar_sweeps=3)
    assert set(polar_only.history["stage"]) == {"start", "polar"}


def test_noise_leaves_a_symmetric_stationary_point():
    n = 6  # all angles zero and a product target: the gradient vanishes at F = 0
    bonds = brickwork_bonds(n, 3)
    ansatz = Ansatz(n, bonds, np.zeros(2 * n + 9 * len(bonds)))
    target = MPS.product("100000")
    assert ansatz.fidelity_and_gradient(target)[0] == 0
    result = compile_state(target, ansatz, polar_sweeps=0, rng=0)
    assert result.fidelity > 1 - 1e-6
    assert result.history["fidelity"][result.history["start"] == 0].max() == 0


def test_same_seed_same_bits():
    first, second = (compile_quench(6, 2.0, 2, max_iterations=30) for _ in range(2))
    np.testing.assert_array_equal(first.angles, second.angles)


def test_target_off_norm_is_said_and_divided_out():
    target = exact_quench(6, 2.0)
    ansatz = brickwork_ansatz(SpinChain.heisenberg(6), 2.0, 1, initial=neel(6))
    with pytest.warns(UserWarning, match=r"<t\|t> = 4"):
        result = compile_state(target * 2.0, ansatz, rng=0)
    assert result.fidelity == pytest.approx(compile_state(target, ansatz, rng=0).fidelity, abs=1e-7)
    assert result.squared_norm == pytest.approx(4)


def test_compiles_into_an_imported_circuit():
    rng = np.random.default_rng(0)
    hidden = random_ansatz(6, np.arange(5), rng)
    target = hidden.to_mps()
    guess = to_qiskit(hidden.with_angles(hidden.angles + 0.1), parameters=True)
    result = compile_state(target, ansatz_from_qiskit(guess), target_fidelity=1 - 1e-8)
    assert result.outcome is Outcome.TARGET_REACHED
    assert result.two_qubit_count == 15


def test_progress_wraps_the_iterations():
    seen = []

    def wrap(items):
        for item in items:
            seen.append(item)
            yield item

    result = compile_quench(6, 2.0, 1, progress=wrap)
    assert len(seen) == np.sum(result.history["stage"] == "lbfgs")


def test_report_in_a_notebook_and_picture():
    result = compile_quench(4, 1.0, 1, max_iterations=5)
    assert "two-qubit depth" in result._repr_html_()
    assert repr(result).startswith("CompiledState(fidelity=")
    ax = result.plot_history()
    assert ax.get_yscale() == "log"
    assert len(ax.lines) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_fidelity": 1.5}, "`target_fidelity` must lie in 0 < F <= 1"),
        ({"max_iterations": 0}, "`max_iterations` must be at least 1"),
        ({"polar_sweeps": -1}, "`polar_sweeps` must be at least 0"),
        ({"polish": "adam"}, "`polish` must be 'lbfgs' or None"),
        ({"polish": None, "polar_sweeps": 0}, "nothing would be optimised"),
        ({"objective": "f"}, "`objective` must be 'log' or 'infidelity'"),
        ({"tol": 0.0}, "`tol` must be positive"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        compile_quench(4, 1.0, 1, **options)


def test_unusable_targets():
    ansatz = brickwork_ansatz(SpinChain.heisenberg(6), 1.0, 1)
    with pytest.raises(ValueError, match="`target` is the zero vector"):
        compile_state(MPS.product("000000") * 0.0, ansatz)
    with pytest.raises(ValueError, match="8 sites and `ansatz` 6 qubits"):
        compile_state(MPS.product("0" * 8), ansatz)
