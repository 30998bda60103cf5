"""Array libraries, LAPACK drivers and BLAS threads, in one place.

Public functions ask `namespace` which library their arguments belong to and stay in it, so NumPy,
CuPy and torch arrays run through the same lines. NumPy's own namespace follows the array API
standard since 2.1 and is handed out as it is, without a wrapper in between.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Array: TypeAlias = Any
"""An array of any library that follows the array API standard."""

_LARGE = 512  # matrices from this size on gain from threads inside BLAS


def namespace(*arrays: Array) -> Any:
    """Array API namespace of the arguments; plain ``numpy`` for NumPy arrays.

    Raises
    ------
    TypeError
        The arguments belong to several libraries, or to none.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(np.ones(2)) is np
    True
    """
    if all(type(a) is np.ndarray for a in arrays):
        return np
    return array_api_compat.array_namespace(*arrays)


def is_numpy(*arrays: Array) -> bool:
    """Whether all arguments are NumPy arrays."""
    return all(isinstance(a, np.ndarray) for a in arrays)


def to_host(x: Array) -> NDArray[Any]:
    """Copy to a NumPy array on the host; a NumPy array is returned as it is."""
    if isinstance(x, np.ndarray):
        return x
    if array_api_compat.is_torch_array(x):
        host: NDArray[Any] = x.detach().cpu().resolve_conj().numpy()
        return host
    if array_api_compat.is_cupy_array(x):
        return np.asarray(x.get())
    return np.asarray(x)


def library_of(name: str | ModuleType) -> Any:
    """Array API namespace of a library, by name or module.

    Raises
    ------
    ImportError
        It is not installed, or is no array library that `rankloom.tn` runs on.
    """
    module = name if isinstance(name, str) else name.__name__
    wanted = module.removeprefix("array_api_compat.").partition(".")[0]
    if wanted not in ("array_api_strict", "cupy", "numpy", "torch"):
        raise ImportError(
            f"`library` = {name!r} is not an array library that rankloom.tn runs on; choose "
            "'numpy', 'cupy', 'torch' or 'array_api_strict'."
        )
    if wanted == "numpy":
        return np
    compat = wanted if wanted == "array_api_strict" else f"array_api_compat.{wanted}"
    try:
        return import_module(compat)
    except ImportError as err:
        raise ImportError(f"`library` = {wanted!r} is not installed.") from err


def to_device(x: Array, xp: Any, device: Any = None) -> Array:
    """`x` as an array of the namespace `xp`, on one of its devices, data type kept."""
    if xp is not np and not is_numpy(x) and namespace(x) is xp:
        return x if device is None else array_api_compat.to_device(x, device)
    host = to_host(x)
    # a copy where another library would share (and warn of) read-only memory
    return host if xp is np else xp.asarray(host.copy(), device=device)


def like(reference: Array, values: Any, dtype: Any = None) -> Array:
    """`values` as an array of the library and on the device of `reference`."""
    if type(reference) is np.ndarray:
        return np.asarray(values, dtype=dtype)
    xp = namespace(reference)
    if isinstance(values, np.ndarray):
        values = values.copy()  # torch warns of read-only memory
    return xp.asarray(values, dtype=dtype, device=array_api_compat.device(reference))


def same_dtype(*groups: Any) -> list[list[Array]]:
    """The given sequences of arrays, cast to one common data type where they differ."""
    xp = namespace(*(group[0] for group in groups))
    dtype = xp.result_type(*(x.dtype for group in groups for x in group))
    return [[x if x.dtype == dtype else xp.astype(x, dtype) for x in group] for group in groups]


def contiguous(x: Array) -> Array:
    """`x` in C order, so that a copy read back from a file goes the same way through BLAS."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x)
    if array_api_compat.is_torch_array(x):
        return x.resolve_conj().contiguous()
    xp = namespace(x)
    return xp.reshape(xp.asarray(xp.reshape(x, (-1,)), copy=True), x.shape)


def square_norm(x: Array) -> float:
    """Sum of the squared absolute values."""
    if type(x) is np.ndarray:
        return float(np.vdot(x, x).real)
    return float(namespace(x).linalg.vector_norm(x)) ** 2


def adjoint(x: Array) -> Array:
    """Conjugate transpose of the last two axes; a view where x is real."""
    if type(x) is np.ndarray:
        return x.conj().mT if x.dtype.kind == "c" else x.mT
    xp = namespace(x)
    return xp.conj(x).mT if xp.isdtype(x.dtype, "complex floating") else x.mT


def inner(a: Array, b: Array) -> Array:
    """``<a|b>`` of two arrays of one shape and type, 0-d."""
    if type(a) is np.ndarray:
        return np.vdot(a, b)
    xp = namespace(a)
    return xp.linalg.vecdot(xp.reshape(a, (-1,)), xp.reshape(b, (-1,)))


def qr(x: Array) -> tuple[Array, Array]:
    """Reduced QR factorisation: ``x = q @ r`` with orthonormal columns in q."""
    q, r = namespace(x).linalg.qr(x)
    return q, r


def triangle(x: Array) -> Array:
    """The factor r of ``x = q @ r`` alone."""
    if type(x) is np.ndarray:
        return np.linalg.qr(x, mode="r")
    return qr(x)[1]


def eigh(x: Array) -> tuple[Array, Array]:
    """Eigenvalues (ascending) and eigenvectors (columns) of a Hermitian matrix."""
    values, vectors = namespace(x).linalg.eigh(x)
    return values, vectors


def svd(x: Array) -> tuple[Array, Array, Array]:
    """Thin singular value decomposition ``x = (u * s) @ vh``, s descending."""
    xp = namespace(x)
    try:
        u, s, vh = xp.linalg.svd(x, full_matrices=False)
    except np.linalg.LinAlgError:
        # LAPACK's divide and conquer gives up on rare finite matrices; QR first lets it pass.
        q, r = np.linalg.qr(x)
        u, s, vh = np.linalg.svd(r, full_matrices=False)
        u = q @ u
    return u, s, vh


def _blas() -> ThreadpoolController:
    return _loaded_blas("scipy.linalg" in sys.modules)


@cache
def _loaded_blas(_scipy: bool) -> ThreadpoolController:
    """Controller of the libraries loaded so far; SciPy brings an OpenBLAS of its own, later."""
    controller: ThreadpoolController = ThreadpoolController().select(user_api="blas")
    return controller


@contextmanager
def one_blas_thread(size: int = 0) -> Iterator[int]:
    """Limit BLAS to one thread inside the block, and say how many threads it had before.

    Sweeps over small matrices run 2 to 12 times slower with BLAS threads than without, so public
    sweeps enter this once per call (15 microseconds). The number yielded is what the caller may
    spend on threads of its own over independent pieces of work; inside another such block it is 1.

    Parameters
    ----------
    size : int, default 0
        Size of the matrices at work; above 512 the limit is not applied and 1 is yielded.

    Notes
    -----
    The limit belongs to the whole process. When several Python threads enter, the first governs
    it and the others find it set, as `threadpoolctl` arranges.
    """
    if size > _LARGE:
        yield 1
        return
    threads = max((lib.num_threads for lib in _blas().lib_controllers), default=1)
    if threads == 1:  # setting it again would still cost OpenBLAS up to a millisecond
        yield 1
        return
    with _blas().limit(limits=1):
        yield threads


def read_only(tensors: Any) -> tuple[Array, ...]:
    """The arrays as a tuple, NumPy ones marked read-only."""
    for t in tensors:
        if isinstance(t, np.ndarray):
            t.flags.writeable = False
    return tuple(tensors)
