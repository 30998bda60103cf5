"""`rankloom decompose`: files in and out, exit codes, messages; and the demo's section."""

import csv
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from rankloom.decomposition import CPTensor, TuckerTensor, datasets
from rankloom.experiments.cli import main
from rankloom.experiments.decompose_config import DecomposeConfig
from rankloom.experiments.demo import decompositions, run_demo
from rankloom.experiments.toml import load_toml

EXAMPLE = Path(__file__).parents[2] / "examples" / "decompose.toml"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def relative(tensor, x):
    return np.linalg.norm(tensor.to_dense() - x) / np.linalg.norm(x)


def test_the_example_runs_on_recordings(here, capsys):
    x, _ = datasets.planted_nonnegative((45, 30, 6), 3, rng=0)
    np.save("recordings.npy", x)
    assert main(["decompose", str(EXAMPLE)]) == 0
    folder = here / "results" / "components"
    assert {file.name for file in folder.iterdir()} == {
        "components.png", "config.toml", "environment.json", "errors.csv", "factor-0.csv",
        "factor-1.csv", "factor-2.csv", "result.json", "tensor.h5",
    }  # fmt: skip
    tensor = CPTensor.load(folder / "tensor.h5")
    result = json.loads((folder / "result.json").read_text())
    assert relative(tensor, x) == pytest.approx(result["error"], rel=1e-9)
    assert result["modes"] == ["pair", "time", "animal"]
    assert (result["rank"], len(result["starts"])) == (4, 5)
    with (folder / "factor-1.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    np.testing.assert_array_equal(np.array(rows, float)[:, 1:], tensor.factors[1])
    said = capsys.readouterr().out
    assert "45 x 30 x 6: 4 terms, relative error 0." in said
    assert "starts ended within 0.1 % of the best" in said
    again = load_toml(folder / "config.toml", DecomposeConfig)
    assert again == load_toml(EXAMPLE, DecomposeConfig)
    assert (folder / "components.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_tucker_of_one_array_among_several(here, kind, capsys):
    x = datasets.hilbert((12, 13, 14))
    if kind == "npz":
        np.savez("data.npz", x=x, other=np.ones(3))
    else:
        with h5py.File("data.h5", "w") as file:
            file["group/x"], file["other"] = x, np.ones(3)
    name = "x" if kind == "npz" else "group/x"
    flags = ["--data.file", f"data.{kind}", "--fit.error", "1e-4", "--output", "out"]
    assert main(["decompose", *flags]) == 2
    assert "say which one with `entry`" in capsys.readouterr().err
    assert main(["decompose", *flags, "--data.entry", name]) == 0
    tensor = TuckerTensor.load("out/tensor.h5")
    assert relative(tensor, x) <= 1e-4
    assert (here / "out" / "scree.png").exists()
    assert f"Tucker ranks {' x '.join(map(str, tensor.ranks))}" in capsys.readouterr().out


def test_holes_are_missing_and_some_entries_kept_back(here, capsys):
    x, _ = datasets.planted_cp((12, 13, 14), 2, rng=0)
    x[np.random.default_rng(0).random(x.shape) < 0.2] = np.nan
    np.save("x.npy", x)
    flags = ["--fit.kind", "cp", "--fit.rank", "2", "--fit.holdout", "0.1"]
    assert main(["decompose", "--data.file", "x.npy", *flags]) == 0
    result = json.loads(Path("results/decompose/result.json").read_text())
    assert result["held_out_error"] < 1e-6
    assert "On entries kept back: " in capsys.readouterr().out


def test_a_fit_that_did_not_end_well_exits_with_1(here, capsys):
    np.save("w.npy", datasets.w_state(3))
    flags = ["--fit.kind", "cp", "--fit.rank", "2", "--fit.restarts", "1"]
    assert main(["decompose", "--data.file", "w.npy", *flags]) == 1
    assert "DEGENERATE: terms grow while they cancel" in capsys.readouterr().out
    assert json.loads(Path("results/decompose/result.json").read_text())["degenerate"]


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "[fit] a Tucker tensor needs either `error` or `ranks`"),
        (["--fit.ranks", "2"], "[data] `file`, the file that holds the tensor, is missing"),
        (["--fit.ranks", "2", "--data.file", "none.npy"], "[data] there is no file 'none.npy'"),
        (["--fit.ranks", "2", "--data.file", "text.npy"], "holds no array of numbers"),
        (["--fit.ranks", "2", "--data.file", "text.csv"], "no .npy, .npz or HDF5 file"),
        (["--fit.ranks", "9", "--data.file", "x.npy"], "[fit] `ranks` = 9 is above every size"),
        (["--fit.ranks", "2", "3", "--data.file", "x.npy"], "one entry per mode: 3 modes"),
        (["--fit.error", "2", "--data.file", "x.npy"], "0 <= tol < 1"),
        (["--fit.kind", "cp"], "[fit] `rank`, the number of terms, is missing"),
        (["--fit.kind", "cp", "--fit.rank", "0"], "[fit] `rank` must be at least 1"),
        (["--fit.kind", "cp", "--fit.rank", "2", "--fit.error", "0.1"], "settings of Tucker"),
        (["--fit.ranks", "2", "--fit.rank", "2"], "settings of CP"),
        (["--fit.kind", "cp", "--fit.rank", "2", "--fit.holdout", "1"], "`holdout` must lie"),
        (["--fit.kind", "cp", "--fit.rank", "2", "--fit.seed", "-1"], "`seed` must not"),
        (["--fit.ranks", "2", "--data.file", "x.npy", "--data.entry", "a"], "without name"),
        (["--fit.ranks", "2", "--data.file", "x.npy", "--data.modes", "a"], "`modes` has 1 names"),
    ],
)
def test_bad_input_costs_one_line(here, flags, message, capsys):
    Path("text.npy").write_text("1,2,3")
    Path("text.csv").write_text("1,2,3")
    np.save("x.npy", np.ones((3, 4, 5)))
    assert main(["decompose", *flags]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (here / "results").exists()


@pytest.mark.slow
def test_the_section_of_the_demo(tmp_path, monkeypatch, capsys):
    made = run_demo(tmp_path / "demo", sections=[decompositions])
    assert [check.passed for check in made.checks] == [True] * 5
    text = made.report.read_text()
    monkeypatch.chdir(tmp_path / "demo")
    links = re.findall(r'href="((?!http|#)[^"]+)"', text)
    assert len(links) > 8
    assert all(Path(link).exists() for link in links)
    code = re.search(r"<code>(from rankloom.decomposition.*?)</code></pre>", text, re.DOTALL)[1]
    exec(code.replace("&quot;", '"'), {})
    assert capsys.readouterr().out.startswith("(64, 12, 10, 60) 3 [")
    monkeypatch.chdir("decomposition")
    assert main(["decompose", "config.toml", "--output", str(tmp_path / "again")]) == 0
    again = json.loads((tmp_path / "again" / "result.json").read_text())
    first = json.loads(Path("result.json").read_text())
    assert again["error"] == pytest.approx(first["error"], rel=1e-9)
