"""Ways to make a Chebyshev-Tucker function: the class methods of `ChebyshevTucker`."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from rankloom.decomposition.chebyshev import algebra
from rankloom.decomposition.chebyshev.domain import Domain, check_domain
from rankloom.decomposition.checks import ApproximationWarning, numeric
from rankloom.decomposition.cp_tensor import CPTensor
from rankloom.decomposition.hosvd import check_tol
from rankloom.decomposition.tucker_tensor import TuckerTensor
from rankloom.tn.arrays import Array, namespace, one_blas_thread, to_host
from rankloom.tn.checks import integer


class Builders:
    """Builders of `ChebyshevTucker`; what `tol` means stands there."""

    @classmethod
    @abstractmethod
    def _adopt(
        cls,
        tensor: TuckerTensor,
        domain: Domain,
        error_estimate: float | None = None,
        evaluations: int = 0,
    ) -> Self: ...

    @classmethod
    def from_function(
        cls,
        function: Callable[..., Any],
        domain: Any,
        tol: float = 1e-10,
        *,
        max_degree: int = 1024,
        max_rank: int = 256,
        rng: Any = None,
    ) -> Self:
        """From a function, adaptive in the degree and the rank of each axis.

        Parameters
        ----------
        function : callable
            d arrays (p,) to one array (p,), called with many points at once.
        domain : sequence of (start, stop)
        tol : float, default 1e-10
            Largest error on fresh points, relative to the largest modulus seen.
        max_degree : int, default 1024
        max_rank : int, default 256
        rng : Generator, seed or None

        Returns
        -------
        ChebyshevTucker
            With `error_estimate`, the error on the fresh points of the last check, and
            `evaluations`, all calls with checks and restarts. What random points do not meet,
            such as a peak far narrower than the distance between a thousand of them, is missed.

        Warns
        -----
        ApproximationWarning
            `tol` was missed: the function is not smooth, too noisy, or needs a larger degree
            or rank. The best approximation found comes back.

        Raises
        ------
        TypeError, ValueError
            The function returns a wrong shape, no numbers, or NaN or infinity (the point is named);
            or its ranks are too large for a core.

        Notes
        -----
        About ``2 d m r + r^d`` evaluations for m nodes and rank r, and ``r^d`` numbers of memory;
        see `rankloom.decomposition.chebyshev.adaptive` for the method.

        Examples
        --------
        >>> import numpy as np
        >>> from rankloom.decomposition import ChebyshevTucker
        >>> f = ChebyshevTucker.from_function(lambda x, y: np.cos(x * y), [(0, 2), (0, 1)], rng=0)
        >>> f.error_estimate <= 1e-10, round(float(f([2.0, 1.0])), 9)
        (True, -0.416146837)
        """
        from rankloom.decomposition.chebyshev.adaptive import approximate
        from rankloom.decomposition.chebyshev.sampling import Samples

        if not callable(function):
            raise TypeError(f"`function` must be callable, got {type(function).__name__}.")
        intervals, wanted = check_domain(domain), check_tol(tol)
        largest = integer("max_degree", max_degree, 1), integer("max_rank", max_rank, 1)
        samples = Samples(function, intervals)
        with one_blas_thread():
            tensor, error, why = approximate(samples, wanted, *largest, np.random.default_rng(rng))
        if error > wanted:
            warnings.warn(
                f"`tol` = {wanted:.1e} was missed: the error on fresh points is {error:.1e}, after "
                f"{samples.evaluations} evaluations. {why}",
                ApproximationWarning,
                stacklevel=2,
            )
        return cls._adopt(tensor, intervals, error, samples.evaluations)

    @classmethod
    def from_coefficients(
        cls, coefficients: Array, domain: Any = None, *, tol: float = 1e-12
    ) -> Self:
        """From all Chebyshev coefficients ``c[i, j, ..]`` of ``T_i T_j ..``.

        Parameters
        ----------
        coefficients : (m_0, m_1, ..) array
        domain : sequence of (start, stop), optional
        tol : float, default 1e-12
            Relative Frobenius norm of what may be dropped.

        Notes
        -----
        Costs about ``3 m^4`` operations and three times the memory of `coefficients`.
        """
        (c,) = numeric(["coefficients"], [coefficients])
        intervals = check_domain([(-1, 1)] * c.ndim if domain is None else domain, c.ndim)
        tensor = algebra.compressed_dense(c, check_tol(tol))
        return cls._adopt(tensor, intervals, algebra.dense_error(c, tensor))

    @classmethod
    def from_values(cls, values: Array, domain: Any = None, *, tol: float = 1e-12) -> Self:
        """From values at the Chebyshev points of the second kind, ascending, on all axes.

        Those of axis k are ``rankloom.decomposition.chebyshev.nodes(m_k, *domain[k])``.

        Parameters
        ----------
        values : (m_0, m_1, ..) array
        domain : sequence of (start, stop), optional
        tol : float, default 1e-12
            Relative Frobenius norm of the coefficients that may be dropped.

        Examples
        --------
        >>> import numpy as np
        >>> from rankloom.decomposition import ChebyshevTucker
        >>> from rankloom.decomposition.chebyshev import nodes
        >>> x = nodes(20, 0, 1)
        >>> f = ChebyshevTucker.from_values(np.exp(x[:, None] + x), [(0, 1), (0, 1)])
        >>> f.ranks, round(float(f(np.array([0.5, 0.5]))), 12)
        ((1, 1), 2.718281828459)
        """
        (v,) = numeric(["values"], [values])
        return cls.from_coefficients(algebra.tensor_coefficients(v), domain, tol=tol)

    @classmethod
    def from_canonical(
        cls,
        weights: Array,
        factors: Sequence[Array],
        tol: float = 1e-7,
        degree: int | Sequence[int] = 128,
        domain: Any = None,
        *,
        recompress: bool = True,
    ) -> Self:
        """From a sum of separable terms given on a uniform cell-centred grid (canonical format).

        Columns are interpolated by cubic not-a-knot splines, so that a grid too coarse for the
        terms limits the accuracy, whatever the degree. `from_gaussians` has no such floor.

        Parameters
        ----------
        weights : (R,) array
        factors : sequence of (n_k, R) array
            Values at the centres of n_k equal cells of each interval; n_k >= 4.
        tol : float, default 1e-7
            Relative Frobenius norm of the coefficients that may be dropped.
        degree : int or sequence of int, default 128
            Degree per axis before compression.
        domain : sequence of (start, stop), optional
            The box of the grid; [-1, 1] each by default.
        recompress : bool, default True
            Compress the core, too. Without, ranks are those of the side matrices.

        Returns
        -------
        ChebyshevTucker
            `error_estimate` is a bound that leaves the interpolation out.

        Notes
        -----
        Time about ``R (m^2 + r^3)``, memory ``d m R + r^3`` numbers; see
        `rankloom.decomposition.chebyshev.canonical`.
        """
        from rankloom.decomposition.chebyshev import canonical

        given = CPTensor(weights, tuple(factors))
        for k, n in enumerate(given.shape):
            if n < 4:
                raise ValueError(f"`factors[{k}]` has {n} rows; a cubic spline needs 4.")
        d = given.n_modes
        intervals = check_domain([(-1, 1)] * d if domain is None else domain, d)
        degrees = canonical.check_degrees(degree, d)
        columns = [
            canonical.on_nodes(f, n + 1) for f, n in zip(given.factors, degrees, strict=True)
        ]
        tensor, error = canonical.reduced(given.weights, columns, check_tol(tol), recompress)
        return cls._adopt(tensor, intervals, error)

    @classmethod
    def from_gaussians(
        cls,
        weights: Array,
        exponents: Array,
        centers: Array,
        domain: Any,
        tol: float = 1e-8,
        degree: int | Sequence[int] | None = None,
    ) -> Self:
        """From ``sum_l w_l exp(-a_l |x - c_l|^2)``, evaluated at the Chebyshev nodes.

        Parameters
        ----------
        weights : (R,) array
        exponents : (R,) or (R, d) array
            Positive or zero; one per axis where two-dimensional.
        centers : (R, d) array
        domain : sequence of (start, stop)
        tol : float, default 1e-8
            Relative Frobenius norm of the coefficients that may be dropped.
        degree : int or sequence of int, optional
            From the exponents and `tol` by default.

        Examples
        --------
        >>> from rankloom.decomposition import ChebyshevTucker
        >>> f = ChebyshevTucker.from_gaussians([2.0], [3.0], [[0.1, 0]], [(-1, 1)] * 2, tol=1e-12)
        >>> f.ranks, round(float(f([0.1, 0])), 10)
        ((1, 1), 2.0)
        """
        from rankloom.decomposition.chebyshev import canonical

        c, w, a = numeric(["centers", "weights", "exponents"], [centers, weights, exponents])
        intervals = check_domain(domain)
        d = len(intervals)
        if c.ndim != 2 or c.shape[1] != d:
            raise ValueError(f"`centers` must have shape (R, {d}), got {tuple(c.shape)}.")
        count, xp = c.shape[0], namespace(c)
        a = xp.stack([a] * d, axis=1) if a.ndim == 1 else a
        if w.shape != (count,) or a.shape != (count, d):
            raise ValueError(
                f"`weights` and `exponents` must have one entry for each of {count} `centers`, "
                f"got shapes {tuple(w.shape)} and {tuple(a.shape)}."
            )
        if bool(xp.any(a < 0)):
            raise ValueError("`exponents` must not be negative.")
        check_tol(tol)
        if degree is None:
            largest = to_host(xp.max(a, axis=0))
            degree = [
                canonical.gaussian_degree(float(e), stop - start, tol)
                for e, (start, stop) in zip(largest, intervals, strict=True)
            ]
        columns = canonical.gaussians(a, c, intervals, canonical.check_degrees(degree, d))
        tensor, error = canonical.reduced(w, columns, tol, recompress=True)
        return cls._adopt(tensor, intervals, error)
