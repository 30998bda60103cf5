"""`rankloom spectroscopy` and the demo's section: gaps beside exact ones, files, exit codes."""

import csv
import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rankloom.experiments import spectroscopy_job
from rankloom.experiments.cli import main
from rankloom.experiments.demo import run_demo, spectroscopy
from rankloom.experiments.report import Written
from rankloom.experiments.spectroscopy import USE
from rankloom.experiments.spectroscopy_config import SpectroscopyConfig
from rankloom.experiments.toml import load_toml
from rankloom.quantum import Snapshots
from rankloom.tn import reference

EXAMPLE = Path(__file__).parents[2] / "examples" / "spectroscopy.toml"
FLAGS = [
    *("--chain.kind", "ising", "--chain.n", "4", "--chain.g", "1.2"),
    *("--experiment.times", "50", "--analysis.max-locality", "2"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Written:
    """The section alone, its long chain on twelve spins (the short one has eight)."""
    small = partial(spectroscopy, n=12, shots=10, times=50)
    return run_demo(tmp_path_factory.mktemp("spectroscopy") / "demo", sections=(small,))


def test_exact_gaps_agree(made):
    assert [check.name for check in made.checks] == [
        "8 spins, line 1",
        "8 spins, line 2",
        "8 spins, line 3",
        "12 spins",
    ]
    assert all(check.passed for check in made.checks)
    exact = reference.ising_energies(12, g=1.5)[1][0]
    assert made.checks[3].found == pytest.approx(exact, abs=1e-9)
    assert made.summary[1] == "8 spins in three levels: 3 lines found"


def test_the_report_is_whole(made):
    text = made.report.read_text()
    pictures = made.report.parent / "spectroscopy" / "pictures"
    assert {file.stem for file in pictures.iterdir()} == {"short", "carriers", "long", "lengths"}
    links = re.findall(r'href="(?!http|#)([^"]+)"', text)
    assert len(links) > 8
    assert all((made.report.parent / link).exists() for link in links)
    assert "nan" not in re.sub(r"base64,[^\"]+|<[^>]+>", " ", text).lower().split()


def test_the_shown_code_runs(made, monkeypatch, capsys):
    monkeypatch.chdir(made.report.parent)
    code = USE.format(path=Path("spectroscopy/long/snapshots.h5"))
    assert code.strip().replace('"', "&quot;") in made.report.read_text()
    exec(code, {})
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(made.checks[3].stated)


def test_files_of_a_run_and_the_same_from_its_snapshots(tmp_path, capsys):
    folder = tmp_path / "four"
    assert main(["spectroscopy", *FLAGS, "--output", str(folder)]) == 0
    result = json.loads((folder / "result.json").read_text())
    exact = reference.ising_energies(4, g=1.2)[1][0]
    assert result["exact_gaps"] == pytest.approx([exact])
    gap = result["gaps"][0]
    assert abs(gap["gap"] - exact) < 5 * gap["error"]
    assert {file.name for file in folder.iterdir()} == {
        "config.toml",
        "environment.json",
        "gram.png",
        "observables.csv",
        "peaks.csv",
        "result.json",
        "snapshots.h5",
        "spectrum.csv",
        "spectrum.png",
    }
    with (folder / "peaks.csv").open(newline="") as file:
        peaks = list(csv.DictReader(file))
    assert float(peaks[0]["gap"]) == pytest.approx(gap["gap"])
    assert load_toml(folder / "config.toml", SpectroscopyConfig).chain.n == 4
    said = capsys.readouterr().out
    assert "1 independent check agrees" in said
    assert "carried best by" in said
    again = tmp_path / "again"
    file = ["--experiment.file", str(folder / "snapshots.h5"), "--analysis.max-locality", "2"]
    assert main(["spectroscopy", *file, "--output", str(again)]) == 0
    second = json.loads((again / "result.json").read_text())
    assert second["gaps"] == result["gaps"]
    assert second["exact_gaps"] == []


def test_noise_is_said_and_exits_with_1(tmp_path, capsys):
    rng = np.random.default_rng(0)
    coins = Snapshots(
        rng.integers(0, 3, (20, 8, 4)), rng.choice([-1, 1], (20, 8, 4)), np.arange(20)
    )
    coins.save(tmp_path / "coins.h5")
    flags = ["--experiment.file", str(tmp_path / "coins.h5"), "--output", str(tmp_path / "out")]
    assert main(["spectroscopy", *flags]) == 1
    assert "NOTHING FOUND: no peak above the level" in capsys.readouterr().out


def test_the_example_is_a_whole_configuration():
    config = load_toml(EXAMPLE, SpectroscopyConfig)
    chain, snapshots = spectroscopy_job.prepare(config)
    assert snapshots is None
    assert chain is not None
    assert chain.n_sites == 8


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "[chain] `n`, the number of sites, is missing"),
        (["--experiment.times", "4"], "[experiment] `times` must be at least 8"),
        (["--experiment.shots", "1"], "[experiment] `shots` must be at least 2"),
        (["--experiment.dt", "0"], "[experiment] `dt` must be positive"),
        (["--experiment.levels", "0", "0"], "[experiment] `levels` must name"),
        (["--experiment.file", "nowhere.h5"], "[experiment] there is no file 'nowhere.h5'"),
        (["--chain.n", "2"], "[analysis] `max_locality` exceeds the 2 qubits"),
        (["--analysis.bootstrap", "-1"], "[analysis] `bootstrap` must not be negative"),
    ],
)
def test_bad_settings_cost_one_line(flags, message, tmp_path, capsys):
    assert main(["spectroscopy", *flags, "--output", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
