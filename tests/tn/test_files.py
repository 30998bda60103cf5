import pytest

from rankloom.tn.files import atomic_path


def test_the_file_appears_whole_and_alone(tmp_path):
    with atomic_path(tmp_path / "a.txt") as draft:
        draft.write_text("new")
        assert draft.suffix == ".txt"
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def interrupted():
        with atomic_path(str(tmp_path / "a.txt")) as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_named(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="nowhere"),
        atomic_path(tmp_path / "nowhere" / "a.txt"),
    ):
        pass
