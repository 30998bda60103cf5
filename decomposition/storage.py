"""HDF5 files of Tucker and CP tensors.

Root attributes ``format`` ("rankloom.tucker" or "rankloom.cp"), ``version`` (1) and ``n_modes``; a
data set ``core`` or ``weights``, and the factors (n, r) as ``factors/0``, ``factors/1``, .., in
their own precision.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.hdf5 import reading, writing

VERSION = 1
_FORMATS = {
    "TuckerTensor": ("rankloom.tucker", "core", "Tucker tensors"),
    "CPTensor": ("rankloom.cp", "weights", "CP tensors"),
}


def save(kind: str, head: Array, factors: Sequence[Array], path: str | os.PathLike[str]) -> None:
    """Write a tensor, whole or not at all; arrays of a device come to the host.

    Raises
    ------
    FileNotFoundError
        The folder of `path` does not exist.
    """
    name, entry, _ = _FORMATS[kind]
    with writing(path, name, VERSION) as file:
        file.attrs["n_modes"] = len(factors)
        file.create_dataset(entry, data=to_host(head))
        for k, f in enumerate(factors):
            file.create_dataset(f"factors/{k}", data=to_host(f))


def load(kind: str, path: str | os.PathLike[str]) -> tuple[Any, list[Any]]:
    """Head and factors that `save` wrote, as NumPy arrays.

    Raises
    ------
    FileNotFoundError, ValueError
        As `rankloom.tn.hdf5.reading` says.
    """
    name, entry, what = _FORMATS[kind]
    with reading(path, name, VERSION, what, f"`{kind}.save`") as file:
        head = np.asarray(file[entry])
        return head, [np.asarray(file[f"factors/{k}"]) for k in range(file.attrs["n_modes"])]
