"""What matrix product states and operators share: a chain of site tensors.

The first leg of a site tensor is its left bond, the last its right bond, the legs between are
physical. Bonds at the ends have size 1.
"""

import math
import numbers
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from rankloom.tn import contract
from rankloom.tn.arrays import Array, library_of, read_only, same_dtype, to_host
from rankloom.tn.arrays import to_device as move

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductOperator, MatrixProductState
    from tensorly.tt_matrix import TTMatrix
    from tensorly.tt_tensor import TTTensor


@dataclass(frozen=True, eq=False)
class Chain:
    """Base class of `MPS` and `MPO`: site tensors, their sizes, where they live, other forms."""

    tensors: tuple[Array, ...]
    _kind: ClassVar[str]

    @classmethod
    def _adopt(cls, tensors: Sequence[Array]) -> Self:
        """Take arrays over unchecked: they must not be changed by anyone afterwards."""
        new = object.__new__(cls)
        object.__setattr__(new, "tensors", read_only(tensors))
        return new

    def _with(self, tensors: Sequence[Array]) -> Self:
        """The same with other tensors, adopted unchecked; all other fields are kept."""
        new = self._adopt(tensors)
        for field in fields(self)[1:]:
            object.__setattr__(new, field.name, getattr(self, field.name))
        return new

    # Ways to make one -----------------------------------------------------------------------------

    @classmethod
    def from_quimb(cls, network: "MatrixProductState | MatrixProductOperator") -> Self:
        """The same chain from quimb (a MatrixProductState or -Operator with open ends)."""
        from rankloom.tn.convert import from_quimb

        return cls(tuple(from_quimb(network, cls._kind)))

    @classmethod
    def from_tensorly(cls, factors: "TTTensor | TTMatrix") -> Self:
        """The same chain from tensorly: a `TTTensor` is a state, a `TTMatrix` an operator."""
        from rankloom.tn.convert import from_tensorly

        return cls(tuple(from_tensorly(factors, cls._kind)))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote; see `rankloom.tn.hdf5.load`."""
        from rankloom.tn.hdf5 import load

        return cls(*load(path, cls._kind))

    # Size -----------------------------------------------------------------------------------------

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.tensors)

    @property
    def physical_dimensions(self) -> tuple[int, ...]:
        """Dimension of each site."""
        return tuple(t.shape[1] for t in self.tensors)

    @property
    def bond_dimensions(self) -> tuple[int, ...]:
        """The n + 1 bond dimensions ``D[0] .. D[n]``, ends included."""
        return (1, *(t.shape[-1] for t in self.tensors))

    @property
    def dtype(self) -> Any:
        """Data type of all tensors."""
        return self.tensors[0].dtype

    @property
    def nbytes(self) -> int:
        """Memory of the tensors in bytes."""
        itemsize: int = np.dtype(str(self.dtype).rpartition(".")[2]).itemsize
        return sum(itemsize * math.prod(t.shape) for t in self.tensors)

    # Sums and multiples ---------------------------------------------------------------------------

    def __add__(self, other: Self) -> Self:
        self._check_partner(other)
        return self._adopt(contract.add(self.tensors, other.tensors))

    def __sub__(self, other: Self) -> Self:
        return self + (-1.0) * other

    def __mul__(self, factor: complex) -> Self:
        if not isinstance(factor, numbers.Number):
            return NotImplemented
        value = complex(factor)
        if not np.isfinite(value):
            raise ValueError(f"a chain can be multiplied by finite numbers only, got {factor}.")
        tensors = list(self.tensors)
        k = self._scaled_site()
        # A Python number, so that the precision of the tensors is kept.
        tensors[k] = tensors[k] * (value if value.imag else value.real)
        return self._with(same_dtype(tensors)[0])

    __rmul__ = __mul__

    def __truediv__(self, divisor: complex) -> Self:
        if not isinstance(divisor, numbers.Number):
            return NotImplemented
        if complex(divisor) == 0:
            raise ZeroDivisionError(f"an {self._kind} cannot be divided by zero.")
        return self * (1 / complex(divisor))

    def __neg__(self) -> Self:
        return self * -1.0

    def _scaled_site(self) -> int:
        """The site that takes up a factor: the orthogonality centre, where there is one."""
        return 0

    # Where the arrays live ------------------------------------------------------------------------

    def to_device(self, library: str | ModuleType, device: Any = None) -> Self:
        """The same chain in another array library or on another device, data type kept.

        Parameters
        ----------
        library : str or module
            ``"cupy"``, ``"torch"``, ``"numpy"``, ``"array_api_strict"`` or such a module.
        device : optional
            A device of that library, as ``"cuda:1"`` for torch; its current one by default.

        Raises
        ------
        ImportError
            The library is not installed.

        Examples
        --------
        >>> from rankloom.tn import MPS
        >>> psi = MPS.random(6, 4, rng=0).to_device("array_api_strict")
        >>> type(psi.tensors[0]).__module__.partition(".")[0], psi.to_host().dtype
        ('array_api_strict', dtype('complex128'))
        """
        target = library_of(library)
        return self._with([move(t, target, device) for t in self.tensors])

    def to_host(self) -> Self:
        """The same chain in NumPy arrays."""
        return self._with([to_host(t) for t in self.tensors])

    # Other forms ----------------------------------------------------------------------------------

    def cores(self) -> list[NDArray[Any]]:
        """The site tensors as a list of own NumPy arrays, as teneva and ttpy take them.

        ``MPS(cores)`` is the way back.
        """
        return [to_host(t).copy() for t in self.tensors]

    def to_quimb(self) -> "MatrixProductState | MatrixProductOperator":
        """The chain as a quimb MatrixProductState or -Operator, for everything quimb offers."""
        from rankloom.tn.convert import to_quimb

        return to_quimb(self.cores())

    def to_tensorly(self) -> "TTTensor | TTMatrix":
        """The chain as a tensorly `TTTensor` (state) or `TTMatrix` (operator)."""
        from rankloom.tn.convert import to_tensorly

        return to_tensorly(self.cores())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file, whole or not at all; see `rankloom.tn.hdf5.save`."""
        from rankloom.tn.hdf5 import save

        save(self.tensors, getattr(self, "center", None), path, self._kind)

    # Checks ---------------------------------------------------------------------------------------

    def _check_partner(self, other: "Chain") -> None:
        """`other` is of the same kind and on the same sites."""
        if not isinstance(other, Chain) or other._kind != self._kind:
            raise TypeError(f"`other` must be an {self._kind}, got {type(other).__name__}.")
        self._check_sites(other)

    def _check_sites(self, other: "Chain") -> None:
        if other.physical_dimensions != self.physical_dimensions:
            raise ValueError(
                f"the two differ in their sites: {self.n_sites} sites of dimensions "
                f"{set(self.physical_dimensions)} and {other.n_sites} of "
                f"{set(other.physical_dimensions)}."
            )
