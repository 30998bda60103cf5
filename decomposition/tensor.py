"""What Tucker and CP tensors share: one factor matrix per mode, and a head that couples them.

The head is the core of a Tucker tensor and the weights of a CP tensor. Subclasses say how heads
are added, contracted and selected; everything that only concerns factors stands here.
"""

import math
import numbers
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np

from rankloom.decomposition.checks import index_rows, mode_index, numeric
from rankloom.tn.arrays import Array, library_of, like, namespace, read_only, same_dtype, to_host
from rankloom.tn.arrays import to_device as move

_CHUNK = 2**20  # numbers held at once when entries are picked out


@dataclass(frozen=True, eq=False)
class FactoredTensor(ABC):
    """Base class of `TuckerTensor` and `CPTensor`: sizes, arithmetic, entries, where they live."""

    _kind: ClassVar[str]
    __array_ufunc__ = None  # NumPy numbers and arrays leave arithmetic to this class
    __iter__ = None

    @classmethod
    def _adopt(cls, head: Array, factors: Sequence[Array]) -> Self:
        """Take arrays over unchecked: they must not be changed by anyone afterwards."""
        new = object.__new__(cls)
        (head,) = read_only([head])
        object.__setattr__(new, fields(cls)[0].name, head)
        object.__setattr__(new, "factors", read_only(factors))
        return new

    @property
    def _head(self) -> Array:
        return getattr(self, fields(self)[0].name)

    @property
    def _factors(self) -> tuple[Array, ...]:
        factors: tuple[Array, ...] = getattr(self, "factors")  # noqa: B009 - a field of subclasses
        return factors

    # Size -----------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the modes."""
        return tuple(f.shape[0] for f in self._factors)

    @property
    def n_modes(self) -> int:
        """Number of modes."""
        return len(self._factors)

    @property
    def dtype(self) -> Any:
        """Data type of all arrays."""
        return self._head.dtype

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        itemsize: int = np.dtype(str(self.dtype).rpartition(".")[2]).itemsize
        count: int = sum(math.prod(a.shape) for a in (self._head, *self._factors))
        return itemsize * count

    # Arithmetic -----------------------------------------------------------------------------------

    @abstractmethod
    def __add__(self, other: Self) -> Self: ...

    def __sub__(self, other: Self) -> Self:
        return self + (-1.0) * other

    def __neg__(self) -> Self:
        return self * -1.0

    def __mul__(self, factor: complex) -> Self:
        if not isinstance(factor, numbers.Number):
            return NotImplemented
        value = complex(factor)
        if not np.isfinite(value):
            raise ValueError(f"a tensor can be multiplied by finite numbers only, got {factor}.")
        # A Python number, so that the precision of the arrays is kept.
        head = self._head * (value if value.imag else value.real)
        ((head, *factors),) = same_dtype([head, *self._factors])
        return self._adopt(head, factors)

    __rmul__ = __mul__

    def __truediv__(self, divisor: complex) -> Self:
        if not isinstance(divisor, numbers.Number):
            return NotImplemented
        if complex(divisor) == 0:
            raise ZeroDivisionError("a tensor cannot be divided by zero.")
        return self * (1 / complex(divisor))

    def conj(self) -> Self:
        """Complex conjugate."""
        xp = namespace(self._head)
        return self._adopt(xp.conj(self._head), [xp.conj(f) for f in self._factors])

    @abstractmethod
    def norm(self) -> float:
        """Frobenius norm, from the factors alone."""

    def overlap(self, other: "FactoredTensor") -> float | complex:
        """Inner product ``sum conj(self) other`` with a Tucker or CP tensor, from factors alone.

        Returns
        -------
        float, or complex where either tensor is

        Raises
        ------
        TypeError, ValueError
            Another kind of object, or another shape.
        """
        from rankloom.decomposition.inner import overlap

        self._check_partner(other)
        return overlap(self, other)

    @abstractmethod
    def to_dense(self) -> Array:
        """The dense tensor. Cost and memory are those of the result: shape and product of it."""

    def mode_product(self, matrix: Array, mode: int) -> Self:
        """The tensor with `matrix` (m, n) applied to mode `mode`; a vector is one row of a matrix.

        Raises
        ------
        ValueError
            `matrix` does not fit, or holds NaN or infinity.
        """
        k = mode_index("mode", mode, self.n_modes)
        ((own,), (head, *factors)) = same_dtype(
            numeric(["matrix"], [matrix]), [self._head, *self._factors]
        )
        xp = namespace(head)
        own = xp.reshape(own, (1, -1)) if own.ndim == 1 else own
        if own.ndim != 2 or own.shape[1] != self.shape[k]:
            raise ValueError(
                f"`matrix` must have shape (m, {self.shape[k]}) for mode {k}, "
                f"got {tuple(own.shape)}."
            )
        factors[k] = own @ factors[k]
        return self._adopt(head, factors)

    @abstractmethod
    def transpose(self, axes: Sequence[int]) -> Self:
        """The same tensor with mode ``axes[k]`` in place k."""

    def _axes(self, axes: Sequence[int]) -> list[int]:
        wanted = [mode_index("axes", k, self.n_modes) for k in axes]
        if sorted(wanted) != list(range(self.n_modes)):
            raise ValueError(f"`axes` must name each of {self.n_modes} modes once, got {axes}.")
        return wanted

    # Entries --------------------------------------------------------------------------------------

    @abstractmethod
    def _rows(self, rows: Sequence[Array]) -> Array:
        """Entries from one row (m, r) of each factor per point, m of them."""

    @abstractmethod
    def _per_point(self) -> int:
        """How many numbers `_rows` holds for one point."""

    def at(self, indices: Array) -> Array:
        """Entries at index rows, without the dense tensor.

        Parameters
        ----------
        indices : (m, modes) integers

        Returns
        -------
        (m,) array

        Raises
        ------
        TypeError, ValueError
            Not integers, not one column per mode, or outside the shape.
        """
        wanted = index_rows(indices, self.shape)
        xp = namespace(self._head)
        size = max(1, _CHUNK // self._per_point())
        parts = []
        for start in range(0, max(len(wanted), 1), size):
            columns = wanted[start : start + size].T
            rows = [
                xp.take(f, like(f, np.ascontiguousarray(i)), axis=0)
                for f, i in zip(self._factors, columns, strict=True)
            ]
            parts.append(self._rows(rows))
        return parts[0] if len(parts) == 1 else xp.concat(parts)

    @abstractmethod
    def _drop(self, factors: list[Array], modes: list[int]) -> Self:
        """Fold the factors (1, r) of `modes` into the head; at least one mode stays."""

    def __getitem__(self, key: Any) -> Any:
        """A part of the tensor: one number, slice or list of indices for each leading mode.

        Numbers take their mode away; lists select independently of each other (as `numpy.ix_`).
        With a number for every mode the entry itself comes back.
        """
        keys = list(key) if isinstance(key, tuple) else [key]
        if any(k is Ellipsis for k in keys):
            at = next(i for i, k in enumerate(keys) if k is Ellipsis)
            keys[at : at + 1] = [slice(None)] * (self.n_modes - len(keys) + 1)
        if len(keys) > self.n_modes:
            raise IndexError(f"{len(keys)} indices for a tensor of {self.n_modes} modes.")
        keys += [slice(None)] * (self.n_modes - len(keys))
        chosen, numbered = [], []
        for k, (one, f) in enumerate(zip(keys, self._factors, strict=True)):
            rows = np.atleast_1d(np.arange(f.shape[0])[one])  # NumPy's rules, and its messages
            if rows.ndim != 1 or rows.size == 0:
                raise IndexError(
                    f"the index of mode {k} must select at least one entry, got {one}."
                )
            if np.ndim(one) == 0 and not isinstance(one, slice):
                numbered.append(k)
            chosen.append(namespace(f).take(f, like(f, rows), axis=0))
        if len(numbered) == self.n_modes:
            return self._rows(chosen)[0]
        return self._drop(chosen, numbered) if numbered else self._adopt(self._head, chosen)

    # Where the arrays live ------------------------------------------------------------------------

    def to_device(self, library: str | ModuleType, device: Any = None) -> Self:
        """The same tensor in another array library or on another device, data type kept.

        Parameters
        ----------
        library : str or module
            ``"cupy"``, ``"torch"``, ``"numpy"``, ``"array_api_strict"`` or such a module.
        device : optional
            A device of that library, as ``"cuda:1"`` for torch; its current one by default.
        """
        xp = library_of(library)
        return self._adopt(
            move(self._head, xp, device), [move(f, xp, device) for f in self._factors]
        )

    def to_host(self) -> Self:
        """The same tensor in NumPy arrays."""
        return self._adopt(to_host(self._head), [to_host(f) for f in self._factors])

    # Files and pictures ---------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file, whole or not at all; see `rankloom.decomposition.storage`."""
        from rankloom.decomposition.storage import save

        save(self._kind, self._head, self._factors, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file; not HDF5, of another format or of an unknown version.
        """
        from rankloom.decomposition.storage import load

        return cls(*load(cls._kind, path))  # type: ignore[call-arg] # two fields in subclasses

    def _check_partner(self, other: Any) -> None:
        """`other` is a Tucker or CP tensor of the same shape."""
        if not isinstance(other, FactoredTensor):
            raise TypeError(
                f"`other` must be a TuckerTensor or CPTensor, got {type(other).__name__}."
            )
        if other.shape != self.shape:
            raise ValueError(f"the two tensors differ in shape: {self.shape} and {other.shape}.")
