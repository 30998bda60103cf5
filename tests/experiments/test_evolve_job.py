"""`rankloom evolve`: files agree with the library, killed runs go on, bad input is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from rankloom.experiments import evolve_job
from rankloom.experiments.chain_config import EvolveConfig
from rankloom.experiments.cli import main
from rankloom.experiments.toml import load_toml
from rankloom.tn import MPS, SpinChain, evolve, reference

EXAMPLE = Path(__file__).parents[2] / "examples" / "evolve.toml"
FLAGS = [
    "--chain.kind",
    "ising",
    "--chain.n",
    "6",
    "--evolution.initial",
    "plus",
    "--evolution.steps",
    "10",
]
QUENCH = ["evolve", *FLAGS, "--evolution.observe", "X", "Z", "--evolution.order", "4"]


def table(path: Path) -> np.ndarray:
    with path.open(newline="") as file:
        return np.array([list(map(float, row)) for row in list(csv.reader(file))[1:]])


def test_files_hold_the_evolution(tmp_path, capsys):
    folder = tmp_path / "new" / "quench"
    assert main([*QUENCH, "--output", str(folder)]) == 0
    assert {file.name for file in folder.iterdir()} == {
        "X.csv",
        "Z.csv",
        "config.toml",
        "entanglement.png",
        "entropies.csv",
        "environment.json",
        "result.json",
        "state.h5",
        "steps.csv",
    }
    assert [file.name for file in folder.parent.iterdir()] == ["quench"]  # no checkpoint is left
    start, chain = MPS.product([[1, 1]] * 6).normalize(), SpinChain.ising(6)
    run = evolve(start, chain, time=2.0, steps=10, order=4, max_bond=100, observe={"X": "X"})
    np.testing.assert_array_equal(
        table(folder / "X.csv"), np.column_stack([run.times, run.observed["X"]])
    )
    exact = reference.ising_quench(6, times=run.times)  # Trotter error of order 4, dt = 0.2
    np.testing.assert_allclose(table(folder / "entropies.csv")[:, 1:], exact.entropies, atol=2e-3)
    saved = MPS.load(folder / "state.h5")
    assert abs(saved.overlap(run.state)) == pytest.approx(1.0, abs=1e-12)
    result = json.loads((folder / "result.json").read_text())
    assert result["energy"]["start"] == pytest.approx(-6.0)
    assert result["energy"]["end"] == pytest.approx(-6.0, abs=1e-3)
    assert result["truncation_error"] == pytest.approx(run.truncation_error)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("6 spins, t = 2: bond dimension 8, discarded weight ")
    assert said[-1] == f"Results: {folder}"


@pytest.mark.parametrize("method", [[], ["--evolution.method", "tdvp1", "--evolution.order", "2"]])
def test_an_interrupted_run_goes_on_to_the_same_bits(method, tmp_path, monkeypatch, capsys):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    flags = [*QUENCH, "--evolution.checkpoint-every", "3", *method]
    assert main([*flags, "--output", str(whole)]) == 0
    calls, widest = [], evolve_job._widest

    def interrupted(state):
        calls.append(state)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return widest(state)

    monkeypatch.setattr(evolve_job, "_widest", interrupted)
    assert main([*flags, "--output", str(broken)]) == 130
    kept = tmp_path / "broken.checkpoint.h5"
    assert f"the same command goes on from {kept}" in capsys.readouterr().err
    assert not broken.exists()
    assert main([*flags, "--output", str(broken), "--evolution.time", "1"]) == 2  # another run
    said = capsys.readouterr().err
    assert "`time` was 2.0, now 1.0" in said
    assert "Or delete the file" in said
    assert main([*flags, "--output", str(broken)]) == 0
    assert "Went on from the checkpoint" in capsys.readouterr().out
    assert len(calls) == 9 + 4  # the first six steps were not done again
    assert not kept.exists()
    for name in ("X.csv", "Z.csv", "entropies.csv", "steps.csv"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    states = (MPS.load(folder / "state.h5").tensors for folder in (whole, broken))
    for a, b in zip(*states, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_interruption_before_the_first_checkpoint_leaves_nothing(tmp_path, monkeypatch, capsys):
    def interrupted(state):
        raise KeyboardInterrupt

    monkeypatch.setattr(evolve_job, "_widest", interrupted)
    assert main([*QUENCH, "--output", str(tmp_path / "out")]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_saved_state_is_cooled_and_its_config_reads_back(tmp_path):
    (MPS.product("010110") * 2.0).save(tmp_path / "start.h5")
    flags = ["--evolution.imaginary", "--evolution.time", "8", "--evolution.checkpoint-every", "0"]
    arguments = ["evolve", "--evolution.file", str(tmp_path / "start.h5"), *flags]
    assert main([*arguments, "--output", str(tmp_path / "cold")]) == 0
    result = json.loads((tmp_path / "cold" / "result.json").read_text())
    exact, _ = reference.spectrum(SpinChain.heisenberg(6))
    assert result["energy"]["end"] == pytest.approx(exact[0], abs=1e-2)  # Trotter, dt = 0.2
    assert result["energy"]["start"] == pytest.approx(-0.75)  # normalised: 0.25 (1 - 4)
    assert result["error_bound"] is None
    config = load_toml(tmp_path / "cold" / "config.toml", EvolveConfig)
    assert config.evolution.imaginary
    assert config.evolution.file == tmp_path / "start.h5"


def test_a_file_that_is_no_chain_of_spins_is_refused(tmp_path, capsys):
    MPS.from_dense(np.zeros(4)).save(tmp_path / "zero.h5")
    MPS.random(4, 2, d=3, rng=0).save(tmp_path / "ones.h5")
    MPS.product("0101").save(tmp_path / "four.h5")
    cases = {"zero": "zero", "ones": "dimensions {3}", "four": "4 sites, but [chain] n = 5"}
    for name, message in cases.items():
        flags = ["--evolution.file", str(tmp_path / f"{name}.h5"), "--output", str(tmp_path / "o")]
        flags += ["--chain.n", "5"] if name == "four" else []
        assert main(["evolve", *flags]) == 2
        said = capsys.readouterr().err
        assert said.startswith("rankloom: [evolution] ")
        assert message in said


def test_the_example_is_a_configuration_with_all_keys():
    config = load_toml(EXAMPLE, EvolveConfig)
    start, chain = evolve_job.prepare(config)
    assert (start.n_sites, chain.n_sites) == (40, 40)
    assert config.evolution.observe == ("X", "Z")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "[chain] `n`, the number of sites, is missing."),
        (["--chain.n", "1"], "[chain] `n` must be at least 2"),
        (["--chain.n", "4", "--evolution.time", "0"], "[evolution] `time`"),
        (["--chain.n", "4", "--evolution.steps", "0"], "[evolution] `steps`"),
        (["--chain.n", "4", "--evolution.max-bond", "0"], "[evolution] `max_bond`"),
        (["--chain.n", "4", "--evolution.initial", "up"], "neel, zeros, plus; got 'up'"),
        (["--chain.n", "4", "--evolution.file", "none.h5"], "[evolution] there is no file"),
        (["--chain.n", "4", "--evolution.checkpoint-every", "-1"], "`checkpoint_every`"),
        (
            ["--chain.n", "4", "--evolution.method", "tdvp", "--evolution.order", "4"],
            "tdvp has order 2",
        ),
        (["--chain.n", "4", "--output", "."], "exists already"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_nothing(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["evolve", *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.startswith("rankloom: ")
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
