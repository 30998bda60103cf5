"""Result folders appear whole or not at all."""

import json
from pathlib import Path

import pytest

from rankloom.experiments import folders
from rankloom.experiments.folders import ENVIRONMENT, atomic_folder


def fill(path: Path, text: str, overwrite: bool = False, error=None) -> None:
    with atomic_folder(path, overwrite=overwrite) as folder:
        (folder / "data.txt").write_text(text)
        if error:
            raise error


def everything(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): file.read_text() if file.name == "data.txt" else ""
        for file in sorted(root.rglob("*"))
    }


def test_folder_and_its_parents_appear(tmp_path):
    fill(tmp_path / "a" / "b", "new")
    assert list(everything(tmp_path)) == ["a", "a/b", "a/b/data.txt", f"a/b/{ENVIRONMENT}"]
    versions = json.loads((tmp_path / "a" / "b" / ENVIRONMENT).read_text())["versions"]
    assert versions["rankloom"][0].isdigit()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == (tmp_path / "a").stat().st_mode & 0o777


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_stays_behind_after_an_error(tmp_path, error):
    with pytest.raises(error):
        fill(tmp_path / "a" / "b", "half", error=error)
    assert everything(tmp_path) == {}


def test_older_results_stay_as_they_were_after_an_error(tmp_path):
    fill(tmp_path / "a", "old")
    before = everything(tmp_path)
    with pytest.raises(RuntimeError):
        fill(tmp_path / "a", "half", overwrite=True, error=RuntimeError)
    assert everything(tmp_path) == before


def test_older_results_come_back_when_the_new_ones_cannot_be_moved(tmp_path, monkeypatch):
    fill(tmp_path / "a", "old")
    before, rename = everything(tmp_path), Path.rename

    def fails_once(self, target):
        if self.parent.name.startswith(".a.") and self.name == "a" and Path(target).name == "a":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_once)
    with pytest.raises(OSError, match="No space"):
        fill(tmp_path / "a", "new", overwrite=True)
    assert everything(tmp_path) == before


def test_replacing_must_be_asked_for(tmp_path):
    fill(tmp_path / "a", "old")
    with pytest.raises(FileExistsError, match="exists already; give another `output`"):
        fill(tmp_path / "a", "new")
    assert everything(tmp_path)["a/data.txt"] == "old"
    fill(tmp_path / "a", "new", overwrite=True)
    assert everything(tmp_path)["a/data.txt"] == "new"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("mark", [None, "{}", "[]", "not json", '{"program": "another"}'])
def test_other_peoples_folders_are_never_replaced(tmp_path, mark):
    (tmp_path / "thesis.tex").write_text("years of work")
    if mark is not None:
        (tmp_path / ENVIRONMENT).write_text(mark)
    with pytest.raises(FileExistsError, match="not a result folder of rankloom"):
        fill(tmp_path, "new", overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_files_are_not_replaced_and_empty_folders_are(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        fill(tmp_path / "file", "new", overwrite=True)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "new", overwrite=True)
    assert (tmp_path / "empty" / "data.txt").exists()


def test_a_link_is_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    fill(tmp_path / "link", "new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "data.txt").read_text() == "new"


def test_missing_libraries_are_said(monkeypatch):
    monkeypatch.setattr(folders, "_LIBRARIES", ("rankloom", "no-such-library"))
    assert folders.environment()["versions"]["no-such-library"] == "not installed"
