"""Functions on boxes in Chebyshev-Tucker form.

``f(x) = sum_ab.. core[a, b, ..] v0_a(x_0) v1_b(x_1) ..`` with ``v_ka(x) = sum_i V_k[i, a] T_i(t)``,
t in [-1, 1] the place of x in the interval of axis k. The factors V_k, shape (m_k, r_k), have
orthonormal columns, so that errors of the core are errors of the coefficients and derivatives keep
their digits (arXiv:2503.01696).

``tol`` and ``error_estimate`` mean the same in all builders. Built from a function of the user: the
largest error on fresh points, relative to the largest modulus seen. Built from coefficients, values
or canonical data, and in `compress`: a bound on the error of the coefficients in the Frobenius
norm, relative to their norm. Results of arithmetic carry no estimate.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rankloom.decomposition.chebyshev import algebra, calculus, evaluation
from rankloom.decomposition.chebyshev.builders import Builders
from rankloom.decomposition.chebyshev.domain import Domain, check_domain, inside, same_domain
from rankloom.decomposition.checks import numeric, sequence
from rankloom.decomposition.hosvd import check_tol
from rankloom.decomposition.modes import mode_products
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, library_of, namespace, read_only, to_host
from rankloom.tn.arrays import to_device as move

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from mpl_toolkits.mplot3d import Axes3D

    from rankloom.decomposition.chebyshev.boxes import Boxes
    from rankloom.decomposition.chebyshev.extrema import Extremum


_ORTHONORMAL = 1e-12  # largest departure of V^T V from the identity that is left alone


@dataclass(frozen=True, eq=False)
class ChebyshevTucker(Builders):
    """A function on a box, as a core and one matrix of Chebyshev coefficients per axis.

    Parameters
    ----------
    core : (r_0, r_1, ..) array
        Real or complex.
    factors : sequence of (m_k, r_k) array
        Chebyshev coefficients, one column per basis function. Columns that are not orthonormal are
        made so, and the core is changed with them.
    domain : sequence of (start, stop), optional
        One interval per axis; [-1, 1] each by default.
    error_estimate : float, optional
        Relative error, as the module says.
    evaluations : int, default 0
        Values of the user's function that were asked for.

    Raises
    ------
    TypeError, ValueError
        Arrays that are not numeric, of several libraries, of shapes that do not fit, or not finite;
        a domain that is not one increasing pair per axis.

    Examples
    --------
    >>> import numpy as np
    >>> f = ChebyshevTucker(np.ones((1, 1)), [[[0.0], [1.0]], [[1.0]]], [(0, 2), (0, 1)])  # x - 1
    >>> f(np.array([[0.5, 0.3], [2.0, 1.0]]))
    array([-0.5,  1. ])
    >>> round((f * f).integrate(), 12)
    0.666666666667
    """

    core: Array
    factors: tuple[Array, ...]
    domain: Domain = ()
    error_estimate: float | None = None
    evaluations: int = 0
    __array_ufunc__ = None  # NumPy numbers leave arithmetic to this class

    def __post_init__(self) -> None:
        given = sequence("factors", self.factors, "coefficient matrices (m_k, r_k)")
        names = ["core", *(f"factors[{k}]" for k in range(len(given)))]
        core, *factors = numeric(names, [self.core, *given])
        tensor = TuckerTensor(core, tuple(factors))  # checks the shapes
        domain = check_domain(self.domain or [(-1.0, 1.0)] * tensor.n_modes, tensor.n_modes)
        if not all(_orthonormal(f) for f in tensor.factors):
            tensor = tensor.orthonormalize()
        object.__setattr__(self, "core", read_only([tensor.core])[0])
        object.__setattr__(self, "factors", read_only(tensor.factors))
        object.__setattr__(self, "domain", domain)

    @classmethod
    def _adopt(
        cls,
        tensor: TuckerTensor,
        domain: Domain,
        error_estimate: float | None = None,
        evaluations: int = 0,
    ) -> Self:
        """Take over coefficients with orthonormal factors, unchecked."""
        new = object.__new__(cls)
        object.__setattr__(new, "core", tensor.core)
        object.__setattr__(new, "factors", tensor.factors)
        object.__setattr__(new, "domain", domain)
        object.__setattr__(new, "error_estimate", error_estimate)
        object.__setattr__(new, "evaluations", evaluations)
        return new

    # Size -----------------------------------------------------------------------------------------

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return len(self.factors)

    @property
    def ranks(self) -> tuple[int, ...]:
        """Sizes of the core."""
        return tuple(self.core.shape)

    @property
    def degrees(self) -> tuple[int, ...]:
        """Degree of the polynomials of each axis."""
        return tuple(f.shape[0] - 1 for f in self.factors)

    @property
    def dtype(self) -> Any:
        """Data type of all arrays."""
        return self.core.dtype

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return self.coefficients.nbytes

    @property
    def coefficients(self) -> TuckerTensor:
        """The Chebyshev coefficients as a Tucker tensor; its memory is shared."""
        return TuckerTensor._adopt(self.core, self.factors)

    # Values ---------------------------------------------------------------------------------------

    def __call__(self, points: Array) -> Array:
        """Values at points.

        Parameters
        ----------
        points : (m, d) array
            Or a single point (d,).

        Returns
        -------
        (m,) array, or one of no axes for a single point

        Raises
        ------
        ValueError
            Not d columns, NaN, or a point outside the domain (it is named).

        Notes
        -----
        About ``2 r^d`` operations per point. NumPy functions of large ranks are split into
        sub-boxes of smaller ranks when there are many points, to a fifth of `error_estimate`
        or to rounding; the boxes are kept for the next call (a few times the memory of f).
        """
        t, single = self._unit(points)
        boxes = self._split_for(t[0].shape[0])
        if boxes is not None:
            return boxes.apply(evaluation.values, t, ())
        values = evaluation.values(self.core, self.factors, t)
        return values[0, ...] if single else values

    def grid(self, *axes: Array) -> Array:
        """Values on the tensor grid of one array of places (n_k,) per axis.

        Returns
        -------
        (n_0, n_1, ..) array

        Notes
        -----
        About ``2 r`` operations per value; beside the result, ``r / n_0`` of its memory.
        """
        return mode_products(self.core, self._on_grid(axes))

    def gradient(self, points: Array) -> Array:
        """Partial derivatives at points (m, d) or a single one (d,); the shape of `points`."""
        return self._derivatives(evaluation.gradients, points, (self.dimension,))

    def hessian(self, points: Array) -> Array:
        """Second partial derivatives (m, d, d) at points (m, d), or (d, d) at a single one (d,)."""
        return self._derivatives(evaluation.hessians, points, (self.dimension,) * 2)

    def _derivatives(self, call: Any, points: Array, shape: tuple[int, ...]) -> Array:
        t, single = self._unit(points)
        boxes = self._split_for(2 * t[0].shape[0])
        if boxes is not None:
            parts = [(0.0, (stop - start) / boxes.count) for start, stop in self.domain]
            return boxes.apply(partial(call, domain=parts), t, shape)
        found = call(self.core, self.factors, t, self.domain)
        return found[0, ...] if single else found

    @cached_property
    def _splits(self) -> dict[int, "Boxes"]:
        """Sub-boxes made so far, by the number of intervals of an axis."""
        return {}

    @property
    def splits(self) -> tuple[int, ...]:
        """Numbers of intervals per axis whose sub-boxes are kept for the next evaluation."""
        return tuple(self._splits)

    def _split_for(self, points: int) -> "Boxes | None":
        """Sub-boxes that make the evaluation at so many points faster, if any do."""
        from rankloom.decomposition.chebyshev.boxes import best_count, split

        if type(self.core) is not np.ndarray or self.dtype != np.float64:
            return None
        count = best_count(self.ranks, points, self.splits)
        if count == 1:
            return None
        if count not in self._splits:
            self._splits[count] = split(self.coefficients, count, self.error_estimate)
        return self._splits[count]

    def _unit(self, points: Array) -> tuple[list[Array], bool]:
        """Columns of the points, mapped to [-1, 1], and whether it is a single point."""
        return inside("points", points, self.domain, like_array=self.core)

    def _on_grid(self, axes: Sequence[Array]) -> list[Array]:
        """Factors evaluated at the places of a grid, (n_k, r_k)."""
        if len(axes) != self.dimension:
            raise ValueError(f"one array per axis is needed: {self.dimension}, got {len(axes)}.")
        return [
            evaluation.on_axis(f, x, interval, k)
            for k, (f, x, interval) in enumerate(zip(self.factors, axes, self.domain, strict=True))
        ]

    # Calculus -------------------------------------------------------------------------------------

    def derivative(self, axis: int, order: int = 1) -> Self:
        """Partial derivative of any order with respect to one variable."""
        return self._adopt(calculus.derivative(self, axis, order), self.domain)

    def integrate(self, axis: int | Sequence[int] | None = None) -> Any:
        """Definite integral over the whole domain, or over some of the variables.

        Parameters
        ----------
        axis : int or sequence of int, optional
            The variables to integrate over; all by default.

        Returns
        -------
        float (complex for complex functions), or ChebyshevTucker in the other variables
        """
        return calculus.integrate(self, axis)

    def marginal(self, axis: int | Sequence[int]) -> Any:
        """Integral over all variables but those of `axis`."""
        return calculus.marginal(self, axis)

    def slice(self, places: Mapping[int, float]) -> Any:
        """The function with some variables held at places.

        Parameters
        ----------
        places : dict of int to float
            ``{2: 0.5}`` holds the third variable at 0.5.

        Returns
        -------
        ChebyshevTucker in the other variables, or a number when none is left
        """
        return calculus.hold(self, places)

    def restrict(self, domain: Any) -> Self:
        """The same function on a smaller box, with the degrees and ranks that it needs there."""
        wanted = check_domain(domain, self.dimension)
        return self._adopt(calculus.restrict(self, wanted), wanted)

    def norm(self, order: float = 2) -> float:
        """L2 norm over the domain (exact), or for ``order=numpy.inf`` the largest modulus found.

        Raises
        ------
        ValueError
            Another order.
        """
        return calculus.norm(self, order)

    def minimum(self) -> "Extremum":
        """Smallest value found and its point, as `maximum` finds them."""
        from rankloom.decomposition.chebyshev.extrema import extremum

        return extremum(self, sign=1.0)

    def maximum(self) -> "Extremum":
        """Largest value found and its point.

        The best places of a grid, fine enough for the degrees where memory allows (4 million
        values), are improved by quasi-Newton steps. An estimate: a peak that falls
        through the grid is missed.

        Examples
        --------
        >>> import numpy as np
        >>> from rankloom.decomposition.chebyshev import nodes
        >>> f = ChebyshevTucker.from_values(1 - (nodes(5) - 0.25) ** 2)
        >>> top = f.maximum()
        >>> round(top.value, 12), np.round(top.point, 6)
        (1.0, array([0.25]))
        """
        from rankloom.decomposition.chebyshev.extrema import extremum

        return extremum(self, sign=-1.0)

    # Arithmetic -----------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Self:
        if algebra.is_number(other):
            other = self._constant(other)
        if not isinstance(other, ChebyshevTucker):
            return NotImplemented
        same_domain(self.domain, other.domain)
        return self._adopt(algebra.add(self.coefficients, other.coefficients), self.domain)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Self:
        return self.__add__(-1.0 * other)

    def __rsub__(self, other: Any) -> Self:
        return self.__neg__().__add__(other)

    def __neg__(self) -> Self:
        return self * -1.0

    def __mul__(self, other: Any) -> Self:
        if algebra.is_number(other):
            return self._adopt(self.coefficients * other, self.domain)
        if not isinstance(other, ChebyshevTucker):
            return NotImplemented
        same_domain(self.domain, other.domain)
        return self._adopt(algebra.multiply(self.coefficients, other.coefficients), self.domain)

    __rmul__ = __mul__

    def __truediv__(self, divisor: complex) -> Self:
        if not algebra.is_number(divisor):
            return NotImplemented
        return self._adopt(self.coefficients / divisor, self.domain)

    def _constant(self, value: complex) -> "ChebyshevTucker":
        xp, device = namespace(self.core), getattr(self.core, "device", None)
        ones = [xp.ones((1,) * n, dtype=self.dtype, device=device) for n in (self.dimension, 2)]
        tensor = TuckerTensor._adopt(ones[0], [ones[1]] * self.dimension) * value
        return ChebyshevTucker._adopt(tensor, self.domain)

    def compose(self, function: Callable[..., Any], tol: float = 1e-10, *, rng: Any = None) -> Self:
        """``function(f)``, for a function of one array, by `from_function`.

        Examples
        --------
        >>> f = ChebyshevTucker([1.0], [[[0.0], [1.0]]])  # x
        >>> import numpy as np
        >>> round(float(f.compose(np.exp, rng=0)([1.0])), 9)
        2.718281828
        """
        host = self.to_host()

        def composed(*x: Array) -> Any:
            return function(host(np.stack(x, axis=1)))

        return self.from_function(composed, self.domain, tol, rng=rng)

    def compress(self, tol: float) -> Self:
        """Smaller ranks and degrees, within a relative error of the coefficients.

        Parameters
        ----------
        tol : float
            Largest relative Frobenius norm of the change of the coefficients.

        Returns
        -------
        ChebyshevTucker
            With `error_estimate` the exact relative change.

        Notes
        -----
        Sequentially truncated HOSVD of the core, about ``r^4`` operations, and rows at the
        end of the factors that carry no more than a tenth of `tol`.
        """
        tensor, error = algebra.compress(self.coefficients, check_tol(tol))
        return self._adopt(tensor, self.domain, error, self.evaluations)

    # Other forms ----------------------------------------------------------------------------------

    def to_tucker(self, *axes: Array) -> TuckerTensor:
        """Values on a tensor grid of any size as a Tucker tensor with orthonormal factors."""
        return TuckerTensor._adopt(self.core, self._on_grid(axes)).orthonormalize()

    def to_device(self, library: str | ModuleType, device: Any = None) -> Self:
        """The same function in another array library or on another device, data type kept."""
        xp = library_of(library)
        tensor = TuckerTensor._adopt(
            move(self.core, xp, device), [move(f, xp, device) for f in self.factors]
        )
        return self._adopt(tensor, self.domain, self.error_estimate, self.evaluations)

    def to_host(self) -> Self:
        """The same function in NumPy arrays."""
        tensor = TuckerTensor._adopt(to_host(self.core), [to_host(f) for f in self.factors])
        return self._adopt(tensor, self.domain, self.error_estimate, self.evaluations)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file, whole or not at all; see `chebyshev.storage`."""
        from rankloom.decomposition.chebyshev.storage import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file; not HDF5, of another format or of an unknown version.
        """
        from rankloom.decomposition.chebyshev.storage import load

        return cls(**load(path))

    # Pictures -------------------------------------------------------------------------------------

    def plot_slice(
        self,
        places: Mapping[int, float] | None = None,
        resolution: int = 201,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Heat map over two variables, the others held at `places`, as in `slice`."""
        from rankloom.decomposition.chebyshev.plots import plot_slice

        return plot_slice(self, places, resolution, ax)

    def plot_isosurface(
        self, level: float, resolution: int = 64, ax: "Axes3D | None" = None
    ) -> "Axes3D":
        """The surface on which a function of three variables is `level` (extra ``surface``)."""
        from rankloom.decomposition.chebyshev.plots import plot_isosurface

        return plot_isosurface(self, level, resolution, ax)

    def plot_coefficients(self, ax: "Axes | None" = None) -> "Axes":
        """Size of the coefficients against the degree, for each variable."""
        from rankloom.decomposition.chebyshev.plots import plot_coefficients

        return plot_coefficients(self, ax)

    def plot_ranks(self, ax: "Axes | None" = None) -> "Axes":
        """Ranks that `compress` would give, against the tolerance."""
        from rankloom.decomposition.chebyshev.plots import plot_ranks

        return plot_ranks(self, ax)

    def _repr_html_(self) -> str:
        from rankloom.decomposition.chebyshev.plots import html

        return html(self)

    def __repr__(self) -> str:
        return f"ChebyshevTucker(domain={self.domain}, degrees={self.degrees}, ranks={self.ranks})"


def _orthonormal(factor: Array) -> bool:
    """Whether the columns are orthonormal to rounding."""
    xp = namespace(factor)
    if factor.shape[0] < factor.shape[1]:
        return False
    gram = to_host(xp.conj(factor).T @ factor)
    return bool(np.abs(gram - np.eye(len(gram))).max() <= _ORTHONORMAL)
