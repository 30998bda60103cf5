"""`rankloom functional`: tables in, predictions and pictures out; the demo's section."""

import csv
import json

import numpy as np
import pytest

from rankloom.decomposition import FunctionalCP
from rankloom.experiments import functional_study, functionals
from rankloom.experiments.bars import Bars
from rankloom.experiments.cli import main


def write_rows(path, head, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (400, 2))
    y = np.sin(6 * x[:, 0]) * np.exp(-x[:, 1]) + 0.05 * rng.standard_normal(400)
    rows = [["station", *row, value] for row, value in zip(x, y, strict=True)]
    rows[3][-1] = ""  # a missing value
    write_rows(tmp_path / "table.csv", ["name", "north", "day", "value"], rows)
    write_rows(tmp_path / "points.csv", ["day", "north"], [[0.5, 0.2], [0.1, 1.2]])
    (tmp_path / "job.toml").write_text(
        f"""output = "{tmp_path / "out"}"
[data]
file = "{tmp_path / "table.csv"}"
coordinates = ["north", "day"]
value = "value"
points = "{tmp_path / "points.csv"}"
[model]
rank = 1
calibrate = false
"""
    )
    return tmp_path


def test_seasons_and_outliers_are_settings(table, capsys):
    text = (table / "job.toml").read_text()
    text += "batch_size = 100\ndof = 4.0\nmax_sweeps = 20\n"
    text += "lengthscales = [0.5, 0.5]\nperiods = [0, 0.7]\n"
    (table / "job.toml").write_text(text.replace("calibrate = false", "calibrate = true"))
    assert main(["functional", str(table / "job.toml")]) == 0
    assert "rows kept out to calibrate: NLPD" in capsys.readouterr().out
    model = FunctionalCP.load(table / "out" / "model.h5")
    assert model.dof == 4
    assert [len(kernel.parts) for kernel in model.kernels_] == [1, 2]
    result = json.loads((table / "out" / "result.json").read_text())
    assert result["validation"]["count"] == 36
    assert len(result["lengthscales"]) == 3


def test_a_table_becomes_predictions(table, capsys):
    assert main(["functional", str(table / "job.toml")]) == 0
    out = table / "out"
    assert "rows kept out: RMSE" in capsys.readouterr().out
    with (out / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    model = FunctionalCP.load(out / "model.h5")
    mean, std = model.predict([[0.2, 0.5], [1.2, 0.1]], return_std=True)
    np.testing.assert_allclose([float(r["mean"]) for r in rows], mean)
    np.testing.assert_allclose([float(r["std"]) for r in rows], std)
    assert float(rows[0]["lower95"]) < float(rows[0]["mean"]) < float(rows[0]["upper95"])
    result = json.loads((out / "result.json").read_text())
    assert result["noise_std"] == pytest.approx(0.05, rel=0.15)
    assert 0.85 <= result["held_out"]["coverage"] <= 1
    names = {f.name for f in out.iterdir()}
    assert {"mode-0.csv", "mode-1.png", "calibration.png", "sweeps.csv", "config.toml"} <= names
    assert main(["functional", str(table / "job.toml")]) == 2  # the folder is there
    assert main(["functional", str(out / "config.toml"), "--overwrite"]) == 0


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--data.value", "temperature"], "no column 'temperature'"),
        (["--data.file", "nowhere.csv"], "there is no file"),
        (["--data.coordinates", "north", "name"], "'station' is not a number"),
        (["--model.nu", "1.5", "0.5", "0.5"], "`nu`"),
        (["--model.nu", "0.5"], "`lengthscales`"),
        (["--model.periods", "0", "0.7"], "`lengthscales`"),
        (["--model.lengthscales", "1", "1", "--model.periods", "0.7"], "`periods`"),
        (["--model.dof", "1"], "`dof`"),
        (["--model.batch-size", "0"], "`batch_size`"),
        (["--model.rank", "0"], "`rank`"),
        (["--data.holdout", "1.0"], "`holdout`"),
    ],
)
def test_refusals_take_one_line(table, capsys, flags, message):
    assert main(["functional", str(table / "job.toml"), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (table / "out").exists()


@pytest.mark.slow
def test_section_of_the_demo(tmp_path, monkeypatch):
    found = functional_study.study(tmp_path / "functional", Bars(False))
    section = functionals.functional_section(found, tmp_path, "functional", Bars(False))
    assert all(check.passed for check in section.checks)
    assert found.error < 0.2 * functional_study.NOISE * 2
    assert found.error < found.binned_error / 4
    assert "functional/model.h5" in section.html()
    monkeypatch.chdir(tmp_path)
    exec(functionals.USE.format(path="functional/model.h5"), {})
