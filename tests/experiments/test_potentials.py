"""`rankloom potential` and the demo's section on potentials: files, figures, exit codes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from rankloom.decomposition import ChebyshevTucker
from rankloom.experiments import potentials
from rankloom.experiments.cli import main
from rankloom.experiments.demo import run_demo
from rankloom.experiments.potential_config import PotentialConfig
from rankloom.experiments.toml import load_toml
from rankloom.physics import Particles, RegularGrid
from rankloom.physics.potentials.direct import direct_energy, direct_forces, direct_potential

ROOT = Path(__file__).parents[2]
PEPTIDE = ROOT / "examples" / "peptide.pqr"


def test_a_peptide(tmp_path, capsys):
    folder = tmp_path / "peptide"
    flags = ["--particles.file", str(PEPTIDE), "--grid.n", "9", "--output", str(folder)]
    assert main(["potential", str(ROOT / "examples" / "potential.toml"), *flags]) == 0
    p = Particles.read(PEPTIDE)
    result = json.loads((folder / "result.json").read_text())
    assert np.isclose(result["energy"], direct_energy(p), rtol=1e-5)
    assert np.isclose(result["energy_kcal_per_mol"], 332.06371 * result["energy"], rtol=1e-12)
    assert result["error_estimate"] < 1e-6
    with (folder / "particles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    forces = [[float(row[f"force_{axis}"]) for axis in "xyz"] for row in rows]
    np.testing.assert_allclose(forces, direct_forces(p), atol=1e-5)
    grid = RegularGrid.load(folder / "potential.h5")
    points = np.stack(np.meshgrid(*grid.axes, indexing="ij"), axis=-1).reshape(-1, 3)
    exact = direct_potential(p, points)
    np.testing.assert_allclose(grid.values.ravel(), exact, atol=1e-5 * np.abs(exact).max())
    text = RegularGrid.read_opendx(folder / "potential.dx")
    np.testing.assert_allclose(text.values, grid.values, rtol=1e-6, atol=1e-12)
    assert text.unit == "e/angstrom"
    assert ChebyshevTucker.load(folder / "long_range.h5").ranks == tuple(result["ranks"])
    assert load_toml(folder / "config.toml", PotentialConfig).grid.n == 9
    said = capsys.readouterr().out
    assert "kcal/mol" in said
    assert "1 independent check agrees" in said


def test_charges_from_a_file(tmp_path, capsys):
    (tmp_path / "water.xyz").write_text("3\n\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n")
    command = ["potential", "--particles.file", str(tmp_path / "water.xyz"), "--grid.n", "4"]
    for text in ("# TIP3P\n* O -0.834\n* H 0.417\n", "-0.834\n0.417\n0.417  # H\n"):
        (tmp_path / "charges.txt").write_text(text)
        folder = tmp_path / f"out{len(text)}"
        given = ["--particles.charges", str(tmp_path / "charges.txt"), "--output", str(folder)]
        assert main([*command, *given]) == 0
        assert json.loads((folder / "result.json").read_text())["total_charge"] == pytest.approx(0)
    (tmp_path / "charges.txt").write_text("* O\n")
    assert main([*command, *given[:2], "--output", str(tmp_path / "bad")]) == 2
    assert "line 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags, word",
    [
        ([], "missing"),
        (["--particles.file", "none.pqr"], "no file"),
        (["--particles.file", str(PEPTIDE), "--potential.tol", "2"], "tol"),
        (["--particles.file", str(PEPTIDE), "--potential.cutoff-radius", "-1"], "cutoff_radius"),
        (["--particles.file", str(PEPTIDE), "--potential.cutoff-radius", "1e-4"], "coefficients"),
        (["--particles.file", str(PEPTIDE), "--potential.screening", "-1"], "screening"),
        (["--particles.file", str(PEPTIDE), "--grid.n", "1"], "grid"),
    ],
)
def test_what_cannot_be_used_costs_one_line(flags, word, tmp_path, capsys):
    assert main(["potential", *flags, "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_section_of_the_demo(tmp_path, monkeypatch, capsys):
    written = run_demo(
        tmp_path / "demo",
        sections=[lambda root, bars: potentials.potentials(root, bars, 200, (1e-3, 1e-6))],
    )
    assert [check.passed for check in written.checks] == [True] * 5
    folder = written.report.parent
    assert {f.name for f in (folder / "potentials").iterdir()} == {*potentials.FILES, "pictures"}
    monkeypatch.chdir(folder)
    exec(potentials.USE.format(path="potentials/long_range.h5"), {})
    assert "(101, 101, 101)" in capsys.readouterr().out
