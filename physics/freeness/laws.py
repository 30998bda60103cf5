"""Laws of random tensors that are known exactly and can be sampled.

Every law gives ``moment(t)`` and ``cumulant(t)`` exactly at its finite dimensions, as Fractions
wherever it is given by rational numbers, and ``sample(size, rng)``: each is an oracle for the
other two. Gaussian laws also have ``asymptotic_moment(t)`` and ``asymptotic_cumulant(t)``, with
the scaling that their attribute ``scaling`` declares.

================== ======= ============================================================
`gue`              mixed   Gaussian Hermitian matrix on the whole space
`gaussian`         mixed   sum of GUE matrices on subsets of the colours
`wishart`          mixed   ``G G*``, with an environment of any dimension
`haar_state`       both    Haar random vector, or its reduced state
`product_gaussian` both    Gaussian tensor with product covariance, or its ``T T*``
`ghz`              pure    ``sum_i |i .. i>``, turned by random local unitaries
`twirled`          both    any tensor, turned by random local unitaries
================== ======= ============================================================
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rankloom.decomposition.checks import sequence
from rankloom.physics.freeness.gaussian_law import Gaussian
from rankloom.physics.freeness.invariant import check_kind
from rankloom.physics.freeness.law import Law, check_dims, exact
from rankloom.physics.freeness.product_law import HaarState, ProductGaussian
from rankloom.physics.freeness.twirled_law import Twirled
from rankloom.tn.checks import integer

__all__ = [
    "Gaussian",
    "HaarState",
    "Law",
    "ProductGaussian",
    "Twirled",
    "gaussian",
    "ghz",
    "gue",
    "haar_state",
    "product_gaussian",
    "twirled",
    "wishart",
]


def gue(dims: Sequence[int]) -> Gaussian:
    """Gaussian Hermitian matrix, ``E |X_ij|^2 = 1/d`` with the product d of the dims.

    Its spectrum tends to the semicircle on [-2, 2].

    Parameters
    ----------
    dims : sequence of int
        Dimension of every colour.

    Raises
    ------
    TypeError, ValueError
        `dims` are no integers >= 1.

    Examples
    --------
    >>> from rankloom.physics import TraceInvariant
    >>> gue((2, 3)).moment(TraceInvariant([(1, 0), (1, 0)]))  # E Tr X^2
    Fraction(6, 1)
    """
    dims = check_dims(dims)
    return Gaussian(len(dims), {tuple(range(len(dims))): Fraction(1)}, dims)


def gaussian(
    D: int,
    variances: Mapping[tuple[int, ...], Any],
    dims: Sequence[int] | None = None,
) -> Gaussian:
    """``sum_S a_S X_S (x) 1``: Gaussian matrices on subsets S of the colours, independent.

    Parameters
    ----------
    D : int
        Number of colours.
    variances : dict of tuple of int to number
        ``a_S^2 >= 0`` for every subset S of 0..D-1 that takes part. X_S is a GUE matrix as `gue`
        makes.
    dims : sequence of int, optional
        Dimension of every colour; needed for moments, cumulants and samples, not for limits.

    Raises
    ------
    TypeError, ValueError
        Subsets that are empty, name a colour twice or one that is not there, or are given twice; a
        negative variance; `dims` that are not D integers.

    Examples
    --------
    >>> from rankloom.physics import TraceInvariant
    >>> law = gaussian(2, {(0,): 1, (1,): 1})  # X (x) 1 + 1 (x) Y
    >>> gamma = (1, 2, 3, 0)
    >>> law.asymptotic_moment(TraceInvariant([gamma, gamma]))  # 8 if the two were free
    Fraction(10, 1)
    """
    D = integer("D", D, 1)
    if not isinstance(variances, Mapping):
        raise TypeError(
            "`variances` must be a dict from tuples of colours to variances, "
            f"got {type(variances).__name__}."
        )
    found: dict[tuple[int, ...], Fraction] = {}
    for subset, value in variances.items():
        colours = tuple(sorted(integer("variances", c, 0) for c in subset))
        if not colours or len(set(colours)) < len(colours) or colours[-1] >= D:
            raise ValueError(
                f"`variances` has the key {subset!r}; keys must be non-empty subsets of the "
                f"colours 0..{D - 1}."
            )
        if colours in found:
            raise ValueError(f"`variances` names the colours {colours} twice.")
        found[colours] = exact(f"variances[{subset!r}]", value)
        if found[colours] < 0:
            raise ValueError(f"`variances[{subset!r}]` must not be negative, got {value}.")
    if dims is not None:
        dims = check_dims(dims)
        if len(dims) != D:
            raise ValueError(f"`dims` needs one entry per colour, {D}, got {dims}.")
    return Gaussian(D, found, dims)


def wishart(dims: Sequence[int], environment: int, scale: Any = 1) -> ProductGaussian:
    """``scale G G*`` with complex Gaussian G, ``E |G|^2 = 1`` per entry.

    Parameters
    ----------
    dims : sequence of int
        Dimension of every colour: G has ``prod(dims)`` rows.
    environment : int
        Columns of G.
    scale : number, default 1
        Divide by ``prod(dims)`` for a spectrum that tends to the Marchenko-Pastur law.

    Raises
    ------
    TypeError, ValueError
        Dimensions that are no integers >= 1; `scale` not a positive number.

    Examples
    --------
    >>> from rankloom.physics import TraceInvariant
    >>> law = wishart(dims=(4, 4), environment=6)
    >>> law.moment(TraceInvariant([(0,), (0,)]))  # E Tr W
    Fraction(96, 1)
    """
    white = [[1] * size for size in check_dims(dims)]
    return product_gaussian(white, integer("environment", environment, 1), scale)


def haar_state(dims: Sequence[int], environment: int | None = None) -> HaarState:
    """Haar random unit vector on the dims, or its reduced state where there is an environment.

    Parameters
    ----------
    dims : sequence of int
        Dimension of every party.
    environment : int, optional
        Dimension of what is traced out. Without it the law is that of the pure vector.

    Raises
    ------
    TypeError, ValueError
        Dimensions that are no integers >= 1.

    Examples
    --------
    The mean purity of half of a random pair of two-level systems is ``(2 + 2) / (4 + 1)``:

    >>> from rankloom.physics import TraceInvariant
    >>> haar_state((2,), environment=2).moment(TraceInvariant([(1, 0)]))
    Fraction(4, 5)
    """
    dims = check_dims(dims)
    return HaarState(product_gaussian([[1] * size for size in dims], environment))


def product_gaussian(
    spectra: Sequence[Sequence[Any]], environment: int | None = None, scale: Any = 1
) -> ProductGaussian:
    """``sqrt(scale) (C_1 x .. x C_D) G``, or that times its adjoint.

    Parameters
    ----------
    spectra : sequence of sequence of number
        Eigenvalues of ``C_c C_c*``, as many as colour c has dimensions, none negative.
    environment : int, optional
        Dimension of a further leg of G, traced out: the law of a matrix. Without it, of a tensor.
    scale : number, default 1

    Raises
    ------
    TypeError, ValueError
        Spectra that are empty, not finite or negative; `environment` no integer >= 1; `scale` not
        a positive number.

    Examples
    --------
    >>> from rankloom.physics import TraceInvariant
    >>> law = product_gaussian([[2, 0], [1, 1], [1, 1]])
    >>> law.moment(TraceInvariant([(0,), (0,), (0,)], kind="pure"))  # E |T|^2
    Fraction(8, 1)
    """
    checked = []
    for c, spectrum in enumerate(sequence("spectra", spectra, "spectra, one per colour")):
        values = [
            exact(f"spectra[{c}][{k}]", v)
            for k, v in enumerate(sequence(f"spectra[{c}]", spectrum, "eigenvalues"))
        ]
        if min(values) < 0:
            raise ValueError(f"`spectra[{c}]` must not be negative, got {min(values)}.")
        checked.append(tuple(values))
    if environment is not None:
        environment = integer("environment", environment, 1)
    factor = exact("scale", scale)
    if factor <= 0:
        raise ValueError(f"`scale` must be positive, got {scale}.")
    return ProductGaussian(tuple(checked), environment, factor)


def ghz(D: int, N: int) -> Twirled:
    """``sum_i |i .. i>`` on D parties of N levels, not normalised, turned by local unitaries.

    Every invariant is ``N^components``. All its one-party marginals are maximally mixed, as those
    of a Gaussian tensor become in the limit, so melonic invariants do not tell the two apart.

    Parameters
    ----------
    D : int
        Number of parties.
    N : int
        Levels of each.

    Raises
    ------
    TypeError, ValueError
        Not integers >= 1.

    Examples
    --------
    >>> from rankloom.physics import TraceInvariant
    >>> ghz(3, 2).moment(TraceInvariant([(1, 2, 0), (2, 0, 1), (0, 1, 2)], kind="pure"))
    Fraction(2, 1)
    """
    D, N = integer("D", D, 1), integer("N", N, 1)
    tensor = np.zeros((N,) * D, dtype=object)
    np.einsum(tensor, [0] * D, [0])[:] = 1
    return Twirled(tensor, "pure")


def twirled(tensor: Any, kind: str = "mixed") -> Twirled:
    """A given tensor, turned by Haar random local unitaries.

    Parameters
    ----------
    tensor : (N_1, .., N_D, N_1, .., N_D) or (N_1, .., N_D) array_like
        A matrix with row legs, then column legs, or a tensor. Integers and Fractions (dtype object)
        have exact moments and cumulants, floating numbers floating ones.
    kind : {"mixed", "pure"}, default "mixed"

    Raises
    ------
    TypeError, ValueError
        Not numeric or finite, an unknown kind, or row legs that differ from the column legs.

    Examples
    --------
    >>> import numpy as np
    >>> from rankloom.physics import TraceInvariant
    >>> law = twirled(np.diag([1, 2]))
    >>> law.cumulant(TraceInvariant([(1, 0)]))  # Tr(A^2) Wg(id) + Tr(A)^2 Wg(swap)
    Fraction(1, 6)
    """
    kind = check_kind(kind)
    array = np.array(tensor)
    if array.dtype.kind in "bi" or array.dtype.kind == "u":
        array = array.astype(object)
    if array.dtype.kind not in "fcO":
        raise TypeError(f"`tensor` must hold numbers, got {array.dtype}.")
    if array.dtype != object and not np.isfinite(array).all():
        raise ValueError("`tensor` holds NaN or infinity.")
    half = array.ndim // 2
    if array.size == 0 or array.ndim == 0:
        raise ValueError(f"`tensor` needs legs of at least one entry, got shape {array.shape}.")
    if kind == "mixed" and (array.ndim % 2 or array.shape[:half] != array.shape[half:]):
        raise ValueError(
            "`tensor` of the mixed kind needs row legs and the same column legs, "
            f"got shape {array.shape}. Pass kind='pure' for a tensor of one set of legs."
        )
    array.flags.writeable = False
    return Twirled(array, kind)
