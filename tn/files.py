"""Writing files so that a reader never meets a half-written one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_folder(path: str | os.PathLike[str]) -> Path:
    """`path`, after checking that its folder exists.

    Raises
    ------
    FileNotFoundError
        It does not.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {target.name!r}: the folder {str(target.parent)!r} does not exist. "
            "Create it first."
        )
    return target


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Lend a temporary name beside `path`; move it to `path` when the block succeeds.

    The temporary name keeps the suffix, so writers that choose a format by suffix work. When the
    block raises, the temporary file is removed and an older file at `path` stays as it was.

    Parameters
    ----------
    path : str or path
        Where the finished file shall stand. Its folder must exist.

    Raises
    ------
    FileNotFoundError
        The folder of `path` does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> target = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with atomic_path(target) as draft:
    ...     _ = draft.write_text("whole or not at all")
    >>> target.read_text()
    'whole or not at all'
    """
    target = check_folder(path)
    # A private folder, not a bare file name: writers may insist on creating the file themselves.
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        yield draft
        draft.replace(target)
