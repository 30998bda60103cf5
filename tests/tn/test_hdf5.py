import h5py
import numpy as np
import pytest

from rankloom.tn import MPS


@pytest.mark.parametrize("center", [None, 0, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_files_come_back_exactly(tmp_path, center, dtype):
    tensors = tuple(t.real.astype(dtype) for t in MPS.random(5, 3, rng=0).tensors)
    state = MPS(tensors)
    if center is not None:
        state = state.canonicalize(center)
    state.save(tmp_path / "state.h5")
    back = MPS.load(tmp_path / "state.h5")
    assert (back.center, back.dtype) == (center, dtype)
    assert all(np.array_equal(a, b) for a, b in zip(back.tensors, state.tensors, strict=True))


def test_arrays_of_any_library_are_saved(tmp_path, library):
    plain = MPS.random(4, 3, rng=1)
    MPS(tuple(map(library, plain.tensors))).save(tmp_path / "state.h5")
    np.testing.assert_array_equal(MPS.load(tmp_path / "state.h5").to_dense(), plain.to_dense())


def test_the_format_is_what_its_description_says(tmp_path):
    state = MPS.product("01")
    state.save(tmp_path / "state.h5")
    with h5py.File(tmp_path / "state.h5") as file:
        assert dict(file.attrs) == {
            "format": "rankloom.mps",
            "version": 1,
            "n_sites": 2,
            "center": 0,
        }
        np.testing.assert_array_equal(file["tensors/1"], state.tensors[1])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.h5"):
        MPS.load(tmp_path / "nothing.h5")


def foreign(path):
    with h5py.File(path, "w") as file:
        file["data"] = [1, 2]


def other_format(path):
    foreign(path)
    with h5py.File(path, "a") as file:
        file.attrs["format"] = "something.else"


def newer(path):
    MPS.product("01").save(path)
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 99


def damaged(path):
    MPS.product("01").save(path)
    with h5py.File(path, "a") as file:
        del file["tensors/1"]


def not_finite(path):
    MPS.product("01").save(path)
    with h5py.File(path, "a") as file:
        file["tensors/1"][...] = np.nan


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("%PDF-1.4"), r"starts with b'%PDF-1\.4'"),
        (lambda path: path.write_bytes(b""), "cannot be read as an HDF5 file"),
        (foreign, r"no format name and the entries \['data'\]"),
        (other_format, "the format name 'something.else'"),
        (newer, "version 99"),
        (damaged, "is damaged"),
        (not_finite, "NaN or infinity"),
    ],
)
def test_unreadable_files_say_what_they_are(tmp_path, write, message):
    path = tmp_path / "state.h5"
    write(path)
    with pytest.raises(ValueError, match=message):
        MPS.load(path)


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.h5"
    MPS.product("01").save(path)

    def full(*_args, **_options):
        raise OSError("No space left on device")

    monkeypatch.setattr(h5py.File, "create_dataset", full)
    with pytest.raises(OSError, match="No space"):
        MPS.product("11").save(path)
    monkeypatch.undo()
    np.testing.assert_array_equal(MPS.load(path).to_dense(), [0, 1, 0, 0])
    assert [p.name for p in tmp_path.iterdir()] == ["state.h5"]
