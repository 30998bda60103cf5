"""Arrows point down only: which room may import which."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GROUND = {"tn", "decomposition"}
ALLOWED = {
    "tn": {"tn"},
    "decomposition": GROUND,
    "quantum": {"quantum", "tn"},
    "physics": {"physics", *GROUND},
    "experiments": {"experiments", "quantum", "physics", *GROUND},
}


def rooms_imported(tree: ast.Module) -> set[str]:
    """Rooms named in the import statements of a module, those inside functions included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "rankloom":
            names.update(f"rankloom.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    parts = [name.split(".") for name in names]
    return {p[1] for p in parts if p[0] == "rankloom" and len(p) > 1 and p[1] in ALLOWED}


@pytest.mark.parametrize("room", ALLOWED)
def test_room_imports_from_its_own_floor_and_below(room):
    upward = {
        str(file.relative_to(ROOT)): sorted(above)
        for file in (ROOT / room).rglob("*.py")
        if (above := rooms_imported(ast.parse(file.read_text())) - ALLOWED[room])
    }
    assert not upward


@pytest.mark.parametrize("room", ALLOWED)
def test_no_file_is_longer_than_500_lines(room):
    lengths = {f: len(f.read_text().splitlines()) for f in (ROOT / room).rglob("*.py")}
    assert not {str(f): n for f, n in lengths.items() if n > 500}
