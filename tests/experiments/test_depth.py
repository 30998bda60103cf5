"""Comparison of compiled with Trotter circuits."""

import dataclasses

import pytest

from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import run
from rankloom.experiments.depth import Point, compiled_points, equal_trotter, trotter_points
from rankloom.experiments.problem import prepare
from rankloom.quantum import brickwork_ansatz


def test_trotter_points_are_the_fidelities_of_trotter_circuits(small):
    points = trotter_points(small, iter)
    assert [p.steps for p in points] == list(range(1, 11))
    for point in points:
        ansatz = brickwork_ansatz(small.problem.chain, 1.0, point.steps, 2, "010101")
        exact, _ = ansatz.fidelity_and_gradient(small.target) if point.steps <= 4 else (None, None)
        assert (point.depth, point.gates) == (ansatz.two_qubit_depth, ansatz.two_qubit_count)
        if exact is not None:
            assert point.fidelity == pytest.approx(exact, abs=1e-7)  # the cuts of the evolution
    assert points[1].fidelity == pytest.approx(small.start_fidelity, abs=1e-7)


def test_compiled_circuits_beat_their_start_and_keep_the_runs_own(small):
    points = compiled_points(small, (1, 2), Bars(False))
    assert [p.steps for p in points] == [1, 2]
    assert points[1].fidelity == small.result.fidelity
    for compiled, trotter in zip(points, trotter_points(small, iter), strict=False):
        assert compiled.depth == trotter.depth
        assert compiled.fidelity > trotter.fidelity


def test_equal_trotter_is_the_first_that_is_no_worse():
    points = [Point("Trotter", k, 3 * k, 9, 1 - 10.0**-k) for k in (1, 2, 3)]
    assert equal_trotter(0.95, points) is points[1]
    assert equal_trotter(0.99, points) is points[1]
    assert equal_trotter(0.9999, points) is None


def test_warnings_of_the_library_become_notes(tmp_path, small):
    (small.target * 0.5).save(tmp_path / "half.h5")
    config = small.problem.config
    target = dataclasses.replace(config.target, file=tmp_path / "half.h5")
    again = run(prepare(dataclasses.replace(config, target=target)), Bars(False))
    assert again.quench is None
    assert "not normalised" in again.notes[0]
    assert again.result.fidelity == pytest.approx(small.result.fidelity, abs=1e-9)
