"""Trace invariants and free cumulants estimated from samples, with their errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.contraction import check_invariants, trace_invariants
from rankloom.physics.freeness.finite import FiniteN
from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.tn.arrays import Array, to_host
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Uncertain(NamedTuple):
    """An estimated number (or several) and its standard error."""

    value: Any
    error: Any


@dataclass(frozen=True, eq=False)
class Estimate:
    """Averages over independent samples.

    Parameters
    ----------
    invariants : tuple of TraceInvariant
    values : (S, k) array
        Of every sample and invariant.
    dims : tuple of int
        Dimension of every colour.
    of : {"moments", "cumulants"}
        What the values average to: ``E Tr_s``, or the free cumulant K_s at these dimensions.

    Notes
    -----
    Errors are those of a mean of S independent samples. The error of a complex mean is
    ``sqrt(Var Re + Var Im)``. Relative errors of moments grow about like the order n (``Tr_s`` of
    n copies varies n times as much as one copy), those of cumulants much faster, since high
    cumulants are small differences of large moments: `relative_errors` shows it for the samples at
    hand.
    """

    invariants: tuple[TraceInvariant, ...]
    values: NDArray[Any]
    dims: tuple[int, ...]
    of: Literal["moments", "cumulants"] = "moments"

    @property
    def n_samples(self) -> int:
        """Number of samples S."""
        return len(self.values)

    @cached_property
    def mean(self) -> NDArray[Any]:
        """Estimates, (k,). Unbiased, for moments and for cumulants."""
        return np.asarray(self.values.mean(axis=0))

    @cached_property
    def covariance(self) -> NDArray[Any]:
        """``E (x - m)(x - m)^H`` of the estimates, (k, k); NaN for a single sample."""
        if self.n_samples == 1:
            return np.full((len(self.invariants),) * 2, np.nan)
        centred = self.values - self.mean
        return np.asarray(centred.T @ centred.conj() / (self.n_samples * (self.n_samples - 1)))

    @cached_property
    def error(self) -> NDArray[np.float64]:
        """Standard errors of the estimates, (k,)."""
        if self.n_samples == 1:
            return np.full(len(self.invariants), np.nan)
        return np.asarray(np.std(self.values, axis=0, ddof=1) / np.sqrt(self.n_samples))

    @property
    def relative_errors(self) -> dict[int, float]:
        """Order n: median over its invariants of the standard error over the absolute value."""
        orders = np.array([t.n for t in self.invariants])
        size = np.maximum(abs(self.mean), np.finfo(float).tiny)
        return {
            int(n): float(np.median((self.error / size)[orders == n])) for n in np.unique(orders)
        }

    def __getitem__(self, invariant: TraceInvariant) -> Uncertain:
        """Estimate and standard error of one invariant."""
        if invariant not in self._index:
            raise KeyError(f"{invariant!r} was not estimated.")
        k = self._index[invariant]
        return Uncertain(self.mean[k], float(self.error[k]))

    @cached_property
    def _index(self) -> dict[TraceInvariant, int]:
        return {t: k for k, t in enumerate(self.invariants)}

    def cumulants(self) -> "Estimate":
        """Estimated free cumulants K_s at the dimensions of the samples, with their covariance.

        K is linear in the moments of its order, so every sample is transformed by itself: the
        mean is unbiased, and its covariance is that of the moments, carried over exactly. For an
        order above the smallest dimension it is the K of the pseudo-inverse Weingarten function.

        Raises
        ------
        ValueError
            Not all classes of an order are among the invariants (connected or not), or these are
            cumulants already.
        """
        if self.of == "cumulants":
            raise ValueError("these are estimates of cumulants already.")
        kind, n_colours = self.invariants[0].kind, len(self.dims)
        columns: dict[TraceInvariant, NDArray[Any]] = {}
        for n in sorted({t.n for t in self.invariants}):
            transform = FiniteN(n_colours, n, self.dims, kind)
            missing = [t for t in transform.invariants if t not in self._index]
            if missing:
                raise ValueError(
                    f"cumulants of order {n} need the moments of all its classes; "
                    f"{len(missing)} are missing, the first is {missing[0]!r}. Estimate "
                    f"`enumerate_invariants({n_colours}, {n}, kind={kind!r}, connected=False)`."
                )
            moments = self.values[:, [self._index[t] for t in transform.invariants]]
            found = transform.cumulants(moments)
            columns |= dict(zip(transform.invariants, found.T, strict=True))
        values = np.stack([columns[t] for t in self.invariants], axis=1)
        return Estimate(self.invariants, values, self.dims, "cumulants")

    def bootstrap(
        self,
        function: Callable[[NDArray[Any]], Any] | None = None,
        resamples: int = 500,
        rng: np.random.Generator | int | None = None,
    ) -> Uncertain:
        """Standard error of a function of the means by resampling.

        Parameters
        ----------
        function : callable, optional
            From the means (k,) to a number or an array; the means themselves by default.
        resamples : int, default 500
        rng : Generator, seed or None

        Returns
        -------
        Uncertain
            The function at the means, not corrected for bias, and the spread over the resamples.
        """
        resamples = integer("resamples", resamples, 2)
        function = function or _same
        rng = np.random.default_rng(rng)
        n = self.n_samples
        counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
        drawn = np.array([function(mean) for mean in counts @ self.values / n])
        return Uncertain(function(self.mean), np.std(drawn, axis=0, ddof=1))

    def jackknife(self, function: Callable[[NDArray[Any]], Any]) -> Uncertain:
        """A function of the means without its bias of order 1/S, and its standard error.

        Parameters
        ----------
        function : callable
            From the means (k,) to a number or an array. Called S + 1 times. Products of moments, as
            in cumulants of several traces, are such functions.

        Raises
        ------
        ValueError
            There is one sample only.

        Examples
        --------
        The squared mean of ``Tr A`` over two samples, without the bias from its own variance:

        >>> import numpy as np
        >>> trace = TraceInvariant([(0,)])
        >>> found = estimate_invariants(np.array([[[1.0]], [[3.0]]]), [trace])
        >>> float(found.jackknife(lambda mean: mean[0] ** 2).value)  # 1 * 3
        3.0
        """
        n = self.n_samples
        if n == 1:
            raise ValueError("a jackknife needs two samples or more.")
        left_out = (n * self.mean - self.values) / (n - 1)
        parts = np.array([function(mean) for mean in left_out])
        value = n * np.asarray(function(self.mean)) - (n - 1) * parts.mean(axis=0)
        return Uncertain(value, np.sqrt(n - 1) * np.std(parts, axis=0))

    def plot(self, exact: Any = None, ax: "Axes | None" = None) -> "Axes":
        """Bars with errors; see `rankloom.physics.freeness.plots.plot_estimate`."""
        from rankloom.physics.freeness.plots import plot_estimate

        return plot_estimate(self, exact, ax=ax)

    def __repr__(self) -> str:
        return (
            f"Estimate({len(self.invariants)} {self.of}, {self.n_samples} samples, "
            f"dims={self.dims})"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(str([*t.perms]))}</td><td>{value:.6g}</td><td>{error:.1e}</td></tr>"
            for t, value, error in zip(self.invariants[:30], self.mean, self.error, strict=False)
        )
        more = len(self.invariants) - 30
        rest = f"<tr><td>and {more} more</td></tr>" if more > 0 else ""
        head = f"<tr><th>{self.of}</th><th>estimate</th><th>error</th></tr>"
        return f"<table><caption>{self.n_samples} samples</caption>{head}{rows}{rest}</table>"


def estimate_invariants(
    samples: Array, invariants: Sequence[TraceInvariant], *, memory: float = 2e9
) -> Estimate:
    """Estimate ``E Tr_s`` of a random tensor from independent samples.

    Parameters
    ----------
    samples : (S, N_1, .., N_D, N_1, .., N_D) or (S, N_1, .., N_D) array
        As in `trace_invariants`; of any array library, where the contractions then run. A matrix
        is reshaped to legs first: ``m.reshape(S, *dims, *dims)``.
    invariants : sequence of TraceInvariant
        Of one kind. For cumulants, all classes of an order.
    memory : float, default 2e9
        Largest size in bytes of one intermediate result.

    Returns
    -------
    Estimate
        On the host: means, standard errors, covariance, cumulants, bootstrap, jackknife.

    Raises
    ------
    TypeError, ValueError
        As `trace_invariants`.

    Examples
    --------
    >>> from rankloom.physics import laws
    >>> law = laws.wishart(dims=(2, 2), environment=3)
    >>> swap = TraceInvariant([(1, 0), (1, 0)])
    >>> found = estimate_invariants(law.sample(2000, rng=0), [swap])
    >>> bool(abs(found[swap].value - law.moment(swap)) < 4 * found[swap].error)
    True
    """
    wanted = check_invariants(invariants)
    values = to_host(trace_invariants(samples, wanted, memory=memory))
    dims = tuple(int(size) for size in samples.shape[1 : 1 + wanted[0].D])
    return Estimate(tuple(wanted), values, dims)


def _same(mean: NDArray[Any]) -> NDArray[Any]:
    return mean
