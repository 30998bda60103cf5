"""Threads that share the rows of a sparse product; every row is computed by one of them alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_WORTH = 2**16  # entries below which handing out shares costs more than it saves


class Workers:
    """A pool of threads for kernels that release the GIL; to be used as a context.

    Parameters
    ----------
    threads : int, default 1
        With 1 there is no pool. The results are the same to the last bit for any number.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def rows(self, call: Callable[[slice], Any], pointers: NDArray[np.intp]) -> None:
        """``call(rows)`` on ranges of rows that have about as many entries each.

        Parameters
        ----------
        call : callable
        pointers : (n + 1,) array
            Row i has the entries ``pointers[i]`` to ``pointers[i + 1]``.
        """
        n, entries = len(pointers) - 1, int(pointers[-1])
        if self._pool is None or entries < _WORTH:
            call(slice(0, n))
            return
        wanted = np.linspace(0, entries, self._threads + 1)
        edges = np.searchsorted(pointers, wanted[1:-1])
        shares = [slice(a, b) for a, b in zip([0, *edges], [*edges, n], strict=True) if a < b]
        list(self._pool.map(call, shares))
