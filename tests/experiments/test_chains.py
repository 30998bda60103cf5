"""The demo's chains: exact answers agree, a wrong one is noticed, the report is whole."""

import csv
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rankloom.experiments import evolve_job
from rankloom.experiments.bars import Bars
from rankloom.experiments.chain_config import EvolveConfig, GroundConfig
from rankloom.experiments.chain_study import study
from rankloom.experiments.chains import USE
from rankloom.experiments.demo import chains, run_demo
from rankloom.experiments.report import Written
from rankloom.experiments.toml import load_toml
from rankloom.tn import MPS, SpinChain, reference

SMALL = partial(chains, n=12, time=1.0, steps=10, bonds=(2, 4, 24))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Written:
    """The section alone, on twelve spins."""
    return run_demo(tmp_path_factory.mktemp("chains") / "demo", sections=(SMALL,))


def test_exact_answers_agree(made):
    assert [check.name for check in made.checks] == [
        "ground energy",
        "ground entropy",
        "quench ⟨X⟩",
        "quench entropy",
        "TDVP energy",
    ]
    assert all(check.passed for check in made.checks)
    assert made.checks[0].found == pytest.approx(1 - 1 / np.sin(np.pi / 50), abs=1e-12)
    assert made.summary[0].startswith("12 spins: ground state energy -14.9259")


def test_a_wrong_answer_is_noticed(tmp_path, monkeypatch):
    right = reference.ising_quench
    monkeypatch.setattr(
        reference, "ising_quench", lambda n, j, g, times: right(n, j, 1.01 * g, times=times)
    )
    wrong = study(tmp_path / "new", Bars(False), n=6, time=1.0, steps=5, bonds=(2, 8))
    assert [check.passed for check in wrong.checks] == [True, True, False, False, True]


def test_small_bonds_are_wrong_and_large_ones_right(made):
    with (made.report.parent / "chains" / "comparison.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    errors = [float(last[f"TEBD, D = {bond}: X error"]) for bond in (2, 4, 24)]
    assert errors[0] > 1e-2 > errors[1] > 2 * errors[2]
    exact = reference.ising_quench(12, times=[1.0]).entropies[0, 5]
    assert float(last["exact middle entropy"]) == pytest.approx(exact)


def test_files_hold_what_the_report_shows(made):
    folder = made.report.parent / "chains"
    state = MPS.load(folder / "quench" / "state.h5")
    exact = reference.ising_quench(12, times=[1.0])
    np.testing.assert_allclose(state.expectation("X"), exact.magnetization[0], atol=1e-4)
    ground = MPS.load(folder / "ground" / "state.h5")
    assert ground.expectation(SpinChain.ising(12).mpo()) == pytest.approx(made.checks[0].found)
    quench = load_toml(folder / "quench" / "config.toml", EvolveConfig)
    start, _ = evolve_job.prepare(quench)
    np.testing.assert_allclose(start.expectation("X"), 1.0)
    assert load_toml(folder / "ground" / "config.toml", GroundConfig).chain.g == 1.0


def test_the_report_is_whole(made):
    text = made.report.read_text()
    pictures = made.report.parent / "chains" / "pictures"
    names = {"entanglement", "errors", "growth", "profile", "relaxation", "search"}
    assert {file.stem for file in pictures.iterdir()} == names
    links = re.findall(r'href="(?!http|#)([^"]+)"', text)
    assert len(links) > 10
    assert all((made.report.parent / link).exists() for link in links)
    assert text.count("agrees") == 5
    assert "nan" not in re.sub(r"base64,[^\"]+|<[^>]+>", " ", text).lower().split()


def test_the_shown_code_runs(made, monkeypatch, capsys):
    monkeypatch.chdir(made.report.parent)
    code = USE.format(path=Path("chains/quench/state.h5"), cut=6, left=5)
    assert code.strip().replace('"', "&quot;") in made.report.read_text()
    exec(code, {})
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(
        reference.ising_quench(12, times=[1.0]).entropies[0, 5], abs=1e-4
    )
