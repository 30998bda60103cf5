"""Half-done evolutions in HDF5 files.

The root carries the attributes ``format`` ("rankloom.evolution"), ``version`` (1), ``run`` (what
identifies the run, JSON) and ``done`` (how many items of its schedule are done). The group
``parts`` holds the arrays of the method, ``log`` what was recorded on the way.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.hdf5 import reading, writing

FORMAT = "rankloom.evolution"
VERSION = 1


@dataclass(eq=False)
class Log:
    """What an evolution records while it runs, by name: one entry an item or a step."""

    done: int = 0
    rows: dict[str, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        """One more entry, copied to the host.

        Raises
        ------
        ValueError
            Entries of one name differ in shape.
        """
        row = to_host(value).copy() if hasattr(value, "shape") else np.asarray(value)
        rows = self.rows.setdefault(name, [])
        if rows and rows[0].shape != row.shape:
            raise ValueError(
                f"`observe[{name!r}]` gave an array of shape {row.shape} after ones of shape "
                f"{rows[0].shape}: return the same shape every time, or use `callback`."
            )
        rows.append(row)

    def array(self, name: str) -> NDArray[Any]:
        """All entries of one name, stacked."""
        return np.stack(self.rows[name]) if self.rows.get(name) else np.zeros(0)


def fingerprint(tensors: Sequence[Array]) -> str:
    """SHA-256 of data types, shapes and values."""
    digest = hashlib.sha256()
    for t in map(to_host, tensors):
        digest.update(f"{t.dtype.str}{t.shape}".encode())
        digest.update(np.ascontiguousarray(t).tobytes())
    return digest.hexdigest()


def save(
    path: str | os.PathLike[str], run: Mapping[str, Any], log: Log, parts: Mapping[str, list[Array]]
) -> None:
    """Write a checkpoint, whole or not at all."""
    with writing(path, FORMAT, VERSION) as file:
        file.attrs["run"], file.attrs["done"] = json.dumps(run), log.done
        for name, arrays in parts.items():
            for k, array in enumerate(arrays):
                file.create_dataset(f"parts/{name}/{k}", data=to_host(array))
        for name, rows in log.rows.items():
            file.create_dataset(f"log/{name}", data=np.stack(rows))


def load(
    path: str | os.PathLike[str], run: Mapping[str, Any]
) -> tuple[Log, dict[str, list[NDArray[Any]]]]:
    """Read a checkpoint of `run`: its log and its parts.

    Raises
    ------
    ValueError
        The file is damaged or of another format, or of another run; the message says what differs.
    """
    with reading(path, FORMAT, VERSION, "Half-done evolutions", "`evolve`") as file:
        _compare(Path(path), json.loads(file.attrs["run"]), json.loads(json.dumps(run)))
        log = Log(int(file.attrs["done"]))
        for name, rows in file.get("log", {}).items():
            log.rows[name] = list(np.asarray(rows))
        parts = {
            name: [np.asarray(group[str(k)]) for k in range(len(group))]
            for name, group in file["parts"].items()
        }
    return log, parts


def _compare(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    differ = []
    for name in [*new, *(set(old) - set(new))]:
        was, now = old.get(name), new.get(name)
        if was != now:
            hashed = name in ("psi0", "chain")
            differ.append(f"`{name}` is another" if hashed else f"`{name}` was {was}, now {now}")
    if differ:
        raise ValueError(
            f"{str(path)!r} belongs to another run: {'; '.join(differ)}. Call `evolve` as that run "
            "did to continue it, or name another `checkpoint`."
        )
