"""Tables that are expensive to compute, kept in the user's cache folder.

The folder is ``$RANKLOOM_CACHE``, or ``rankloom`` in the place that the operating system sets aside
for such files. Setting RANKLOOM_CACHE to the empty string keeps nothing. A file is written whole or
not at all, its name carries the version of its format, and a folder that cannot be written, like
a file that cannot be read, only costs the time of computing again.
"""

import os
import sys
from pathlib import Path

from rankloom.tn.files import atomic_path


def folder() -> Path | None:
    """Where tables are kept; None when the user wants none.

    Examples
    --------
    >>> folder() is None or folder().name != ""
    True
    """
    chosen = os.environ.get("RANKLOOM_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    try:
        home = Path.home()
    except RuntimeError:  # no home, as in some containers
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "rankloom"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "rankloom"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "rankloom"


def read(name: str) -> bytes | None:
    """Content of a kept file, None when there is none."""
    place = folder()
    if place is None:
        return None
    try:
        return (place / name).read_bytes()
    except OSError:
        return None


def write(name: str, content: bytes) -> None:
    """Keep a file, if that is possible."""
    place = folder()
    if place is None:
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        with atomic_path(place / name) as draft:
            draft.write_bytes(content)
    except OSError:
        return
