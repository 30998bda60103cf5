"""Examples run, and notebooks are pairs without outputs."""

import runpy
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_examples_run(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # examples may write files
    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_and_their_scripts_are_the_same(notebook):
    # After an edit of the script: jupytext --to ipynb notebooks/NAME.py
    cells = jupytext.read(notebook).cells
    script = jupytext.read(notebook.with_suffix(".py")).cells
    assert [(c.cell_type, c.source) for c in cells] == [(c.cell_type, c.source) for c in script]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
