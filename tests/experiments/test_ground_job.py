"""`rankloom ground`: energies against exact ones, files, exit codes."""

import csv
import json
from pathlib import Path

import pytest

from rankloom.experiments import ground_job
from rankloom.experiments.chain_config import GroundConfig
from rankloom.experiments.cli import main
from rankloom.experiments.toml import load_toml
from rankloom.tn import MPS, SpinChain, reference

EXAMPLE = Path(__file__).parents[2] / "examples" / "ground.toml"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_levels_of_a_short_chain(tmp_path, capsys):
    (tmp_path / "six.toml").write_text("[chain]\nn = 8\ndelta = 2\n[search]\nmax_bond = 16")
    folder = tmp_path / "levels"
    flags = ["--chain.n", "6", "--search.states", "3", "--output", str(folder)]
    assert main(["ground", str(tmp_path / "six.toml"), *flags]) == 0
    result = json.loads((folder / "result.json").read_text())
    exact, _ = reference.spectrum(SpinChain.heisenberg(6, delta=2.0), 3)
    assert [state["energy"] for state in result["states"]] == pytest.approx(exact, abs=1e-9)
    assert result["exact_energies"] == pytest.approx(exact)
    assert result["energy"] == result["states"][0]["energy"]
    assert result["variance"] < 1e-8
    assert {file.name for file in folder.iterdir()} == {
        "config.toml",
        "entropies.csv",
        "environment.json",
        "passes.csv",
        "result.json",
        "sites.csv",
        "state-1.h5",
        "state-2.h5",
        "state.h5",
    }
    state = MPS.load(folder / "state.h5")
    sites = [row for row in rows(folder / "sites.csv") if row["state"] == "0"]
    assert [float(row["Z"]) for row in sites] == pytest.approx(list(state.expectation("Z")))
    cuts = [row for row in rows(folder / "entropies.csv") if row["state"] == "0"]
    assert [float(row["entropy"]) for row in cuts] == pytest.approx(list(state.entropies()))
    assert len(rows(folder / "passes.csv")) == sum(s["passes"] for s in result["states"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("state 0: energy -")
    assert "from the exact one" in said[0]
    assert said[-1] == f"Results: {folder}"
    assert load_toml(folder / "config.toml", GroundConfig).chain.n == 6


def test_long_ising_chains_are_compared_with_free_fermions(tmp_path, capsys):
    flags = [
        "--chain.kind",
        "ising",
        "--chain.n",
        "12",
        "--chain.g",
        "1.5",
        "--search.max-bond",
        "24",
    ]
    assert main(["ground", *flags, "--output", str(tmp_path / "out")]) == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    exact, _ = reference.ising_energies(12, g=1.5)
    assert result["exact_energies"] == [pytest.approx(exact)]
    assert result["energy"] == pytest.approx(exact, abs=1e-9)
    assert capsys.readouterr().out.startswith("12 spins: energy ")


def test_a_search_without_convergence_is_said_and_exits_with_1(tmp_path, capsys):
    flags = ["--chain.n", "12", "--search.sweeps", "1", "--output", str(tmp_path / "out")]
    assert main(["ground", *flags]) == 1
    assert "NOT CONVERGED, state 0: " in capsys.readouterr().out
    assert (tmp_path / "out" / "state.h5").exists()


def test_the_example_is_a_configuration_with_all_keys():
    config = load_toml(EXAMPLE, GroundConfig)
    assert ground_job.prepare(config).n_sites == 40


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "[chain] `n`, the number of sites, is missing."),
        (["--chain.n", "4", "--chain.g", "1"], "[chain] `g` is no parameter"),
        (["--chain.n", "4", "--search.max-bond", "0"], "[search] `max_bond`"),
        (["--chain.n", "4", "--search.states", "17"], "[search] `states` exceeds the 16"),
        (["--chain.n", "4", "--search.cutoff", "-1"], "[search] `cutoff`"),
        (["--chain.n", "4", "--search.seed", "-1"], "[search] `seed`"),
        (["none.toml"], "no configuration file 'none.toml'"),
        (["--chain.n", "4", "--output", "."], "exists already"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_nothing(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["ground", *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
