"""HDF5 files with a format name and a version, and matrix product states and operators in them.

Every file of the house carries the root attributes ``format`` and ``version``. That of a state
("rankloom.mps", version 1) or operator ("rankloom.mpo", version 1) also has ``n_sites`` and, when
it is known, ``center``; its group ``tensors`` holds the site tensors, (left, physical, right) or
(left, out, in, right), as data sets "0", "1", .., in their own precision.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.files import atomic_path

VERSION = 1
_FORMATS = {
    "MPS": ("rankloom.mps", "Matrix product states"),
    "MPO": ("rankloom.mpo", "Matrix product operators"),
}


@contextmanager
def writing(path: str | os.PathLike[str], name: str, version: int) -> Iterator[Any]:
    """An HDF5 file to fill, moved to `path` when the block succeeds.

    Raises
    ------
    FileNotFoundError
        The folder of `path` does not exist.
    """
    import h5py

    with atomic_path(path) as draft, h5py.File(draft, "w") as file:
        file.attrs["format"], file.attrs["version"] = name, version
        yield file


@contextmanager
def reading(
    path: str | os.PathLike[str], name: str, version: int, what: str, writer: str
) -> Iterator[Any]:
    """The HDF5 file at `path`, open for reading, after its format and version were checked.

    Parameters
    ----------
    path : path
    name, version
        The only format and version that are accepted.
    what, writer : str
        For messages: what such a file holds, in the plural, and what writes it.

    Raises
    ------
    FileNotFoundError
        There is no file at `path`.
    ValueError
        The file is not HDF5, of another format, or of an unknown version; or an entry that the
        block asks for is missing or unreadable.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    try:
        file = h5py.File(path, "r")
    except OSError as err:
        with path.open("rb") as raw:
            start = raw.read(16)
        raise ValueError(
            f"{str(path)!r} cannot be read as an HDF5 file (it starts with {start!r}). "
            f"{what} are read from files that {writer} wrote."
        ) from err
    with file:
        found, old = file.attrs.get("format"), file.attrs.get("version")
        if found != name:
            has = "no format name" if found is None else f"the format name {found!r}"
            raise ValueError(
                f"{str(path)!r} is an HDF5 file with {has} and the entries {list(file)[:5]}; "
                f"wanted is {name!r}, as {writer} writes it."
            )
        if old != version:
            raise ValueError(
                f"{str(path)!r} has version {old} of the format {name!r}; this rankloom "
                f"reads version {version}. Install a newer one."
            )
        try:
            yield file
        except (KeyError, OSError, TypeError) as err:
            raise ValueError(f"{str(path)!r} is damaged: {err}") from err


def save(
    tensors: Sequence[Array], center: int | None, path: str | os.PathLike[str], kind: str
) -> None:
    """Write site tensors to `path`, whole or not at all; arrays of a device come to the host.

    `kind` is "MPS" or "MPO".

    Raises
    ------
    FileNotFoundError
        The folder of `path` does not exist.
    """
    with writing(path, _FORMATS[kind][0], VERSION) as file:
        file.attrs["n_sites"] = len(tensors)
        if center is not None:
            file.attrs["center"] = center
        for k, t in enumerate(tensors):
            file.create_dataset(f"tensors/{k}", data=to_host(t))


def load(path: str | os.PathLike[str], kind: str) -> tuple[Any, ...]:
    """Read what `save` wrote: site tensors as NumPy arrays and, where known, the centre.

    `kind` is "MPS" or "MPO".

    Raises
    ------
    FileNotFoundError, ValueError
        As `reading` says.
    """
    name, what = _FORMATS[kind]
    with reading(path, name, VERSION, what, f"`{kind}.save`") as file:
        tensors = [np.asarray(file[f"tensors/{k}"]) for k in range(file.attrs["n_sites"])]
        center = file.attrs.get("center")
    return (tensors,) if center is None else (tensors, int(center))
