"""The command line: exit codes, messages, files, flags over file."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from rankloom.experiments import cli, compile_job
from rankloom.experiments.cli import main
from rankloom.experiments.config import CompileConfig
from rankloom.experiments.toml import load_toml
from rankloom.experiments.verify import Check
from rankloom.quantum import load_circuit
from rankloom.tn import MPS

FILES = {
    "circuit.qasm",
    "circuit.qasm3",
    "circuit.qpy",
    "config.toml",
    "depth.csv",
    "environment.json",
    "history.csv",
    "pictures",
    "report.html",
    "result.json",
    "target.h5",
}


def test_compile_writes_all_files_and_they_agree(compiled):
    code, folder = compiled
    assert code == 0
    assert {file.name for file in folder.iterdir()} == FILES
    result = json.loads((folder / "result.json").read_text())
    assert result["check"]["passed"]
    circuit, target = load_circuit(folder / "circuit.qpy"), MPS.load(folder / "target.h5")
    overlap = target.overlap(MPS.from_qiskit(circuit))
    assert abs(overlap) ** 2 == pytest.approx(result["fidelity"], abs=1e-10)
    assert circuit.num_nonlocal_gates() == result["two_qubit_count"]
    assert circuit.depth(lambda gate: len(gate.qubits) == 2) == result["two_qubit_depth"]
    assert load_circuit(folder / "circuit.qasm").count_ops() == circuit.count_ops()
    with h5py.File(folder / "target.h5") as file:
        assert file.attrs["n_sites"] == 6
    with (folder / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    assert float(history[0]["fidelity"]) == result["start_fidelity"]
    assert max(float(row["fidelity"]) for row in history) == pytest.approx(result["fidelity"])
    with (folder / "depth.csv").open(newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert kinds == ["Trotter"] * 10 + ["compiled"]


def test_compiling_the_copied_config_again_gives_the_same_circuit(compiled, tmp_path, capsys):
    config = str(compiled.folder / "config.toml")
    assert main(["compile", config]) == 2  # its folder exists
    assert "exists already" in capsys.readouterr().err
    assert main(["compile", config, "--output", str(tmp_path / "again")]) == 0
    first = load_circuit(compiled.folder / "circuit.qpy")
    assert load_circuit(tmp_path / "again" / "circuit.qpy") == first


def test_flags_win_over_the_file(tmp_path):
    (tmp_path / "config.toml").write_text("[chain]\nn = 40\nj = 0.3\n[quench]\ntime = 1\n")
    arguments = ["compile", str(tmp_path / "config.toml"), "--output", str(tmp_path / "out")]
    flags = ["--chain.n", "4", "--chain.delta", "0.5", "-0.5", "1e0", "--ansatz.steps", "1"]
    assert main([*arguments, *flags]) == 0
    written = load_toml(tmp_path / "out" / "config.toml", CompileConfig)
    assert (written.chain.n, written.chain.j, written.quench.time) == (4, 0.3, 1.0)
    assert written.chain.delta == (0.5, -0.5, 1.0)
    assert written.ansatz.steps == 1
    assert main([*arguments, *flags]) == 2
    assert main([*arguments, *flags, "--overwrite"]) == 0


def test_a_saved_state_is_compiled(tmp_path, capsys):
    bell = MPS.from_dense(np.array([1, 0, 0, 1.0]))  # norm sqrt 2
    bell.save(tmp_path / "bell.h5")
    arguments = ["--target.file", str(tmp_path / "bell.h5"), "--quench.initial", "zeros"]
    assert main(["compile", *arguments, "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "2 qubits: F = 1.00000000, CX depth 3\n" in said
    assert "Note: `target` is not normalised" in said
    assert not (tmp_path / "out" / "depth.csv").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], r"[chain] `n`, the number of sites, is missing."),
        (["--chain.n", "1"], "[chain] `n` must be at least 2"),
        (["--chain.n", "4", "--quench.time", "0"], "[quench] `time`"),
        (["--chain.n", "4", "--target.file", "none.h5"], "[target] there is no file 'none.h5'"),
        (["none.toml"], "no configuration file 'none.toml'"),
        (["bad.toml"], "bad.toml: unknown key `chain.m`"),
        (["--chain.n", "4", "--output", "."], "exists already"),
        (["--chain.n", "4", "--output", ".", "--overwrite"], "not a result folder of rankloom"),
        (["--chain.n", "4", "--output", "bad.toml/x"], "bad.toml"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_nothing(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text("[chain]\nm = 3\n")
    assert main(["compile", *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.startswith("rankloom: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert [file.name for file in tmp_path.rglob("*")] == ["bad.toml"]


@pytest.mark.parametrize("arguments", [["--chain.m", "3"], ["--chain.n", "x"], ["a", "b"]])
def test_mistyped_flags_exit_with_2(arguments):
    with pytest.raises(SystemExit) as caught:
        main(["compile", *arguments])
    assert caught.value.code == 2


def test_a_failed_check_is_said_and_exits_with_1(tmp_path, monkeypatch, capsys):
    wrong = Check("4 qubits", "a simulator", 0.9, 0.8, 1e-10)
    monkeypatch.setattr(compile_job, "check_circuit", lambda folder, stated: wrong)
    assert main(["compile", "--chain.n", "4", "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "CHECK FAILED, 4 qubits: stated 0.9" in said
    assert "a simulator gives 0.8" in said
    report = (tmp_path / "out" / "report.html").read_text()
    assert "1 of 1 independent checks failed" in report
    assert "differs" in report


def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(compile_job, "compile_state", interrupted)
    assert main(["compile", "--chain.n", "4", "--output", str(tmp_path / "a" / "b")]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_ours_is_not_dressed_as_bad_input(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(compile_job, "evolve", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["compile", "--chain.n", "4", "--output", str(tmp_path / "out")])
    assert list(tmp_path.iterdir()) == []


def test_demo_command_tells_where_the_report_is(demo, monkeypatch, capsys):
    monkeypatch.setattr(cli.Demo, "run", lambda self: demo)
    assert main(["demo"]) == 0
    last = capsys.readouterr().out.splitlines()[-4:]
    assert last[0].startswith("15 qubits: F = 0.9")
    assert "CX depth 15" in last[1]
    assert last[2].startswith("2 independent checks agree.")
    assert last[3] == f"Report: {demo.report}"


HELP = """
import sys, time
begin = time.process_time()
from rankloom.experiments.cli import main
try:
    main({arguments})
except SystemExit as end:
    assert end.code == 0
print(time.process_time() - begin, *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["evolve", "--help"]])
def test_help_is_quick(arguments):
    answer = subprocess.run(
        [sys.executable, "-c", HELP.format(arguments=arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, *modules = answer.stderr.split()
    assert "demo" in answer.stdout or "evolution.method" in answer.stdout
    assert float(seconds) < 1.5
    assert not {"numpy", "numba", "quimb", "qiskit", "matplotlib"} & set(modules)


def test_module_runs_as_the_command():
    command = [sys.executable, "-m", "rankloom.experiments", "compile", "--chain.n", "1"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.startswith("rankloom: [chain]")
