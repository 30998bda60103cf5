"""Result folders that appear whole or not at all."""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ENVIRONMENT = "environment.json"
"""File that every result folder holds, and by which it is known as one."""

_LIBRARIES = ("rankloom", "numpy", "scipy", "numba", "qiskit", "quimb", "matplotlib", "h5py")


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Lend an empty folder beside `path`; move it to `path` when the block succeeds.

    When the block raises, nothing stays behind, and an older folder at `path` is as it was. The
    new folder also receives `environment.json`.

    Parameters
    ----------
    path : path-like
        Missing parents are made.
    overwrite : bool
        Replace an older result folder.

    Raises
    ------
    FileExistsError
        Something stands at `path`, and `overwrite` is False or it is no result folder.

    Examples
    --------
    >>> target = Path(tempfile.mkdtemp()) / "results" / "first"
    >>> with atomic_folder(target) as folder:
    ...     _ = (folder / "answer.txt").write_text("42")
    >>> sorted(file.name for file in target.iterdir())
    ['answer.txt', 'environment.json']
    """
    target = Path(path).resolve()
    check_free(target, overwrite)
    missing = [p for p in target.parents if not p.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
            draft = Path(scratch, target.name)
            draft.mkdir()
            yield draft
            write_json(environment(), draft / ENVIRONMENT)
            _move(draft, target, Path(scratch, "replaced"))
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            for parent in missing:
                parent.rmdir()
        raise


def check_free(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise FileExistsError if `atomic_folder` would."""
    target = Path(path).resolve()
    if not target.exists():
        return
    if not overwrite:
        raise FileExistsError(
            f"{str(path)!r} exists already; give another `output`, or --overwrite to replace it."
        )
    # A slip such as `--output . --overwrite` must not cost anyone their files.
    if not target.is_dir() or not (_is_result(target) or not any(target.iterdir())):
        raise FileExistsError(
            f"{str(path)!r} is not a result folder of rankloom and is left alone; "
            "give another `output`."
        )


def environment() -> dict[str, Any]:
    """Versions and machine, for `environment.json`."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {
        "program": "rankloom",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": found,
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "command": sys.argv,
    }


def write_json(content: Any, path: Path) -> None:
    """Write indented JSON."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _is_result(folder: Path) -> bool:
    try:
        found = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("program") == "rankloom"


def _move(draft: Path, target: Path, aside: Path) -> None:
    if not target.exists():
        draft.rename(target)
        return
    target.rename(aside)
    try:
        draft.rename(target)
    except OSError:
        aside.rename(target)
        raise
