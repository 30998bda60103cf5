"""Tensors in NumPy and HDF5 files, opened without reading them whole."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def open_tensor(path: Path, entry: str = "") -> Iterator[Any]:
    """The array in a file: memory-mapped (.npy), read (.npz), or an h5py data set.

    Parameters
    ----------
    path : Path
    entry : str
        Its name in an .npz or HDF5 file; may be left out where there is only one array.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, not of these formats, or not exactly one array of this name.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    if path.suffix == ".npy":
        if entry:
            raise ValueError(f"`entry` = {entry!r}, but an .npy file holds one array without name.")
        yield _loaded(path, mmap_mode="r")
        return
    if path.suffix == ".npz":
        with _loaded(path) as arrays:
            yield arrays[_chosen(dict.fromkeys(arrays.files), entry, path)]
        return
    import h5py

    if not h5py.is_hdf5(path):
        raise ValueError(f"`file` {str(path)!r} is no .npy, .npz or HDF5 file.")
    with h5py.File(path) as file:
        found: dict[str, Any] = {}
        file.visititems(
            lambda name, item: found.update({name: item}) if hasattr(item, "dtype") else None
        )
        yield found[_chosen(found, entry.strip("/"), path)]


def _loaded(path: Path, **options: Any) -> Any:
    try:
        return np.load(path, **options)
    except ValueError as err:  # pickled objects, or not what the suffix says
        raise ValueError(f"`file` {str(path)!r} holds no array of numbers: {err}") from err


def _chosen(found: Mapping[str, Any], entry: str, path: Path) -> str:
    names = ", ".join(sorted(found)) or "nothing"
    if entry:
        if entry not in found:
            raise ValueError(f"`entry` = {entry!r} is not in {str(path)!r}, which holds {names}.")
        return entry
    if len(found) != 1:
        raise ValueError(f"{str(path)!r} holds {names}: say which one with `entry`.")
    return next(iter(found))
