"""The packaging guards: what is on disk, what is installed, and what a wheel holds agree."""

import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module, metadata
from pathlib import Path

import pytest

import rankloom

ROOT = Path(__file__).parent.parent
FRONT_DOOR = ROOT / "rankloom"
ROOMS = sorted(link.name for link in FRONT_DOOR.iterdir() if link.is_symlink())


def source_files() -> list[Path]:
    """Every Python file of the rooms, relative to the root."""
    return sorted(f.relative_to(ROOT) for room in ROOMS for f in (ROOT / room).rglob("*.py"))


def settings() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_room_is_linked_and_mapped():
    assert ROOMS == ["decomposition", "experiments", "physics", "quantum", "tn"]
    for room in ROOMS:
        assert (FRONT_DOOR / room).readlink() == Path("..", room)
    folders = {"rankloom": "rankloom"} | {f"rankloom.{room}": room for room in ROOMS}
    assert settings()["tool"]["setuptools"]["package-dir"] == folders


def test_listed_packages_are_the_folders_on_disk():
    # A forgotten subpackage imports in an editable install and is missing in the wheel.
    on_disk = {"rankloom"} | {".".join(("rankloom", *f.parent.parts)) for f in source_files()}
    assert sorted(settings()["tool"]["setuptools"]["packages"]) == sorted(on_disk)


def test_every_package_has_an_init_file():
    folders = {f.parent for f in source_files()}
    assert not [str(f) for f in folders if not (ROOT / f / "__init__.py").exists()]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_refuses_its_bare_folder_name(room, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    with pytest.raises(ImportError, match=f"import `rankloom.{room}` instead"):
        import_module(room)


def test_rooms_are_reached_through_the_front_door():
    for room in ROOMS:
        assert getattr(rankloom, room) is sys.modules[f"rankloom.{room}"]
        assert room in dir(rankloom)
    with pytest.raises(AttributeError, match="has no attribute 'attic'"):
        _ = rankloom.attic


def test_versions_agree():
    expected = settings()["project"]["version"]
    assert rankloom.__version__ == expected
    assert metadata.version("rankloom") == expected
    assert f"\nversion: {expected}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.slow
def test_wheel_holds_every_source_file_once_and_nothing_else(tmp_path):
    # Without arguments, build makes the wheel from the unpacked sdist: both are tried.
    options = ["--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "build", *options, str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = [n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n]
    expected = ["rankloom/__init__.py", "rankloom/py.typed"]
    expected += [f"rankloom/{f.as_posix()}" for f in source_files()]
    expected += [f"rankloom/experiments/templates/report.{kind}" for kind in ("css", "html")]
    assert sorted(held) == sorted(expected)
