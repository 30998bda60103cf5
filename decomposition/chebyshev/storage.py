"""HDF5 files of Chebyshev-Tucker functions.

Root attributes ``format`` ("rankloom.chebyshev_tucker"), ``version`` (1), ``evaluations`` and,
where it is known, ``error_estimate``; data sets ``core``, ``domain`` (d, 2) and the factors (m, r)
as ``factors/0``, ``factors/1``, .., in their own precision.
"""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.tn.arrays import to_host
from rankloom.tn.hdf5 import reading, writing

if TYPE_CHECKING:
    from rankloom.decomposition.chebyshev.function import ChebyshevTucker

VERSION = 1
_FORMAT = "rankloom.chebyshev_tucker"


def save(f: "ChebyshevTucker", path: str | os.PathLike[str]) -> None:
    """Write a function, whole or not at all; arrays of a device come to the host.

    Raises
    ------
    FileNotFoundError
        The folder of `path` does not exist.
    """
    with writing(path, _FORMAT, VERSION) as file:
        file.attrs["evaluations"] = f.evaluations
        if f.error_estimate is not None:
            file.attrs["error_estimate"] = f.error_estimate
        file.create_dataset("core", data=to_host(f.core))
        file.create_dataset("domain", data=np.array(f.domain))
        for k, factor in enumerate(f.factors):
            file.create_dataset(f"factors/{k}", data=to_host(factor))


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields of the function that `save` wrote, in NumPy arrays.

    Raises
    ------
    FileNotFoundError, ValueError
        As `rankloom.tn.hdf5.reading` says.
    """
    what, writer = "Chebyshev-Tucker functions", "`ChebyshevTucker.save`"
    with reading(path, _FORMAT, VERSION, what, writer) as file:
        domain = np.asarray(file["domain"])
        estimate = file.attrs.get("error_estimate")
        return {
            "core": np.asarray(file["core"]),
            "factors": tuple(np.asarray(file[f"factors/{k}"]) for k in range(len(domain))),
            "domain": tuple(map(tuple, domain.tolist())),
            "error_estimate": None if estimate is None else float(estimate),
            "evaluations": int(file.attrs["evaluations"]),
        }
