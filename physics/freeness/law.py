"""What every law of a random tensor offers: exact moments and free cumulants, and samples."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition.checks import sequence
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.permutations import Permutation, compose, cycles, inverse
from rankloom.tn.checks import integer

Rng: TypeAlias = np.random.Generator | int | None
Scaling: TypeAlias = Literal["matrix", "melonic"]


class Law(ABC):
    """Law of a random tensor that local unitaries leave as it is.

    For ``E prod_x A[i_x; j_x] = sum_t K_t prod delta(j^c_x, i^c_{t_c(x)})`` and
    ``m_s = E Tr_s(A)`` a law knows m and K exactly at its finite dimensions. Where ``n`` is larger
    than a dimension K is not unique; what is returned is the K that the law's own formula gives,
    or, where that takes a Weingarten table, the one of the pseudo-inverse. Moments are unique
    always.

    Attributes
    ----------
    kind : str
        "mixed" (a matrix with D row and D column legs) or "pure" (a tensor with D legs, and its
        conjugate).
    dims : tuple of int or None
        Dimension of every colour; None for a law that was asked for its limit only.
    scaling : str
        How moments scale in the limit that `asymptotic_moment` is about: "matrix" or "melonic".
    """

    kind: Literal["mixed", "pure"]
    scaling: ClassVar[Scaling] = "matrix"

    @property
    @abstractmethod
    def D(self) -> int:
        """Number of colours."""

    @property
    @abstractmethod
    def dims(self) -> tuple[int, ...] | None:
        """Dimension of every colour."""

    def moment(self, invariant: TraceInvariant) -> Any:
        """``E Tr_s(A)``, a Fraction wherever the law is given by rational numbers.

        Raises
        ------
        TypeError, ValueError
            `invariant` is of another kind or number of colours, or the law has no `dims`.
        """
        self._check(invariant)
        self._finite()
        return self._moment(invariant)

    def cumulant(self, invariant: TraceInvariant) -> Any:
        """Finite-dimensional free cumulant K_s, a Fraction like `moment`.

        Raises
        ------
        TypeError, ValueError
            As `moment`.
        """
        self._check(invariant)
        self._finite()
        return self._cumulant(invariant)

    def sample(self, size: int, rng: Rng = None) -> NDArray[Any]:
        """Independent draws.

        Parameters
        ----------
        size : int
        rng : Generator, seed or None

        Returns
        -------
        (size, *dims, *dims) or (size, *dims) array, complex128
            Of the mixed or of the pure kind; ``.reshape(size, d, d)`` gives matrices.

        Raises
        ------
        TypeError, ValueError
            `size` is no integer >= 1, or the law has no `dims`.
        """
        size = integer("size", size, 1)
        self._finite()
        return self._sample(size, np.random.default_rng(rng))

    @abstractmethod
    def _moment(self, t: TraceInvariant) -> Any: ...

    @abstractmethod
    def _cumulant(self, t: TraceInvariant) -> Any: ...

    @abstractmethod
    def _sample(self, size: int, rng: np.random.Generator) -> NDArray[Any]: ...

    def _check(self, t: TraceInvariant) -> None:
        if not isinstance(t, TraceInvariant):
            raise TypeError(f"`invariant` must be a TraceInvariant, got {t!r}.")
        if (t.kind, t.D) != (self.kind, self.D):
            raise ValueError(
                f"`invariant` is {t.kind} with {t.D} colours, but the law is {self.kind} with "
                f"{self.D}."
            )

    def _finite(self) -> tuple[int, ...]:
        if self.dims is None:
            raise ValueError(
                "`dims` is None: this law was made for its limit only. Make it with `dims`, one "
                "per colour, to have moments, cumulants and samples at finite dimension."
            )
        return self.dims


def check_dims(dims: Any) -> tuple[int, ...]:
    """Dimensions as a tuple of int.

    Raises
    ------
    TypeError, ValueError
        Not a sequence of integers >= 1, or empty.
    """
    return tuple(
        integer(f"dims[{c}]", size, 1)
        for c, size in enumerate(sequence("dims", dims, "dimensions, one per colour"))
    )


def exact(name: str, value: Any) -> Fraction:
    """A real number as a Fraction; a float is taken for the binary fraction that it is.

    Raises
    ------
    TypeError, ValueError
        Not a finite real number.
    """
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise ValueError(f"`{name}` must be finite, got {value!r}.")
        return Fraction(float(value))
    if isinstance(value, np.integer):
        return Fraction(int(value))
    if isinstance(value, bool) or not isinstance(value, Rational):
        raise TypeError(f"`{name}` must be a real number, got {value!r}.")
    return Fraction(value)


def count(s: Permutation) -> int:
    """Number of cycles."""
    return len(cycles(s))


def quotient(s: Permutation, t: Permutation) -> Permutation:
    """``s t^-1``."""
    return compose(s, inverse(t))


def below(t: Permutation, s: Permutation) -> bool:
    """Whether t lies on a geodesic from the identity to s (non-crossing on each of its cycles)."""
    return count(t) + count(quotient(s, t)) == len(s) + count(s)


def complex_normal(rng: np.random.Generator, shape: Sequence[int]) -> NDArray[np.complex128]:
    """Independent complex Gaussian numbers with ``E |z|^2 = 1``."""
    pairs = rng.standard_normal((*shape, 2))
    return np.asarray((pairs / np.sqrt(2)).view(np.complex128)[..., 0])


def haar_unitaries(rng: np.random.Generator, size: int, dim: int) -> NDArray[np.complex128]:
    """Independent Haar random unitaries, (size, dim, dim)."""
    q, r = np.linalg.qr(complex_normal(rng, (size, dim, dim)))
    diagonal = np.einsum("sii->si", r)
    # LAPACK leaves the phases of r at its own choice; fixing them makes the measure that of Haar.
    return np.asarray(q * (diagonal / abs(diagonal))[:, None, :])
