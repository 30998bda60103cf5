"""Matrix product states in HDF5 files.

The root carries the attributes ``format`` ("rankloom.mps"), ``version`` (1), ``n_sites`` and, when
it is known, ``center``; the group ``tensors`` holds the site tensors (left, physical, right) as
data sets "0", "1", .., in their own precision.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.files import atomic_path

FORMAT = "rankloom.mps"
VERSION = 1


def save(tensors: Sequence[Array], center: int | None, path: str | os.PathLike[str]) -> None:
    """Write site tensors to `path`, whole or not at all; arrays of a device come to the host.

    Raises
    ------
    FileNotFoundError
        The folder of `path` does not exist.
    """
    import h5py

    with atomic_path(path) as draft, h5py.File(draft, "w") as file:
        file.attrs["format"], file.attrs["version"] = FORMAT, VERSION
        file.attrs["n_sites"] = len(tensors)
        if center is not None:
            file.attrs["center"] = center
        for k, t in enumerate(tensors):
            file.create_dataset(f"tensors/{k}", data=to_host(t))


def load(path: str | os.PathLike[str]) -> tuple[list[NDArray[Any]], int | None]:
    """Read what `save` wrote: site tensors as NumPy arrays, and the centre.

    Raises
    ------
    FileNotFoundError
        There is no file at `path`.
    ValueError
        The file is not HDF5, damaged, of another format, or of an unknown version.
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
            "Matrix product states are read from files that `MPS.save` wrote."
        ) from err
    with file:
        found, version = file.attrs.get("format"), file.attrs.get("version")
        if found != FORMAT:
            what = "no format name" if found is None else f"the format name {found!r}"
            raise ValueError(
                f"{str(path)!r} is an HDF5 file with {what} and the entries {list(file)[:5]}; "
                f"wanted is {FORMAT!r}, as `MPS.save` writes it."
            )
        if version != VERSION:
            raise ValueError(
                f"{str(path)!r} has version {version} of the format {FORMAT!r}; this rankloom "
                f"reads version {VERSION}. Install a newer one."
            )
        try:
            tensors = [np.asarray(file[f"tensors/{k}"]) for k in range(file.attrs["n_sites"])]
        except (KeyError, OSError, TypeError) as err:
            raise ValueError(f"{str(path)!r} is damaged: {err}") from err
        center = file.attrs.get("center")
    return tensors, None if center is None else int(center)
