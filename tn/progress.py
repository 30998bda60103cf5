"""Progress bars on request."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Progress: TypeAlias = bool | Callable[[Iterable[Any]], Iterable[Any]]
"""True for a tqdm bar, False for silence, or a callable that wraps an iterable as tqdm does."""


def track(items: Sequence[T], progress: Progress) -> Iterable[T]:
    """`items`, passed through the progress bar that was asked for.

    Raises
    ------
    TypeError
        `progress` is neither a truth value nor callable.

    Examples
    --------
    >>> list(track(range(3), lambda items: (10 * i for i in items)))
    [0, 10, 20]
    """
    if progress is False:
        return items
    if progress is True:
        from tqdm.auto import tqdm

        progress = tqdm
    if not callable(progress):
        raise TypeError(
            "`progress` must be True, False or a callable that wraps an iterable, "
            f"got {progress!r}."
        )
    wrapped: Iterable[T] = progress(items)
    return wrapped
