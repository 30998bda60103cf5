"""Gaussian tensors with product covariance, the matrices made of them, and random states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import permutations
from math import prod
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.law import Law, Scaling, below, complex_normal, count, quotient
from rankloom.physics.freeness.permutations import (
    Permutation,
    cycle,
    cycle_type,
    moebius,
    non_crossing_permutations,
    partitions,
    representative,
)
from rankloom.physics.freeness.weingarten_table import exact_values

Spectrum = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class ProductGaussian(Law):
    """``T = (C_1 x .. x C_D) G`` with a complex Gaussian tensor G, or ``W = scale T T*``.

    Parameters
    ----------
    spectra : tuple of tuple of Fraction
        Eigenvalues of ``C_c C_c*``, N_c of each colour: the marginal covariances.
    environment : int or None
        With an integer K, G has a further leg of dimension K that W traces out, and the law is
        of the mixed kind. With None it is that of the pure tensor ``sqrt(scale) T``.
    scale : Fraction

    Notes
    -----
    Wick's theorem gives, with the power sums p of the spectra,

        m_s = scale^n sum_nu K^#(nu) prod_c p_c(s_c nu^-1),

    a sum over all n! permutations nu. The free cumulants are the same sum with p_c(u) replaced by
    the one-colour free cumulants of the deterministic matrix ``C_c C_c*``; where that matrix is the
    identity, they are 1 for u = id and 0 otherwise, which leaves ``K^#(nu)`` at s = (nu, .., nu).
    """

    spectra: tuple[Spectrum, ...]
    environment: int | None
    scale: Fraction

    @property
    def kind(self) -> Literal["mixed", "pure"]:  # type: ignore[override]
        """Whether it is a matrix or a tensor."""
        return "pure" if self.environment is None else "mixed"

    @property
    def D(self) -> int:
        """Number of colours."""
        return len(self.spectra)

    @property
    def dims(self) -> tuple[int, ...]:
        """Dimension of every colour."""
        return tuple(map(len, self.spectra))

    @property
    def scaling(self) -> Scaling:  # type: ignore[override]
        """How moments scale in the limit: "matrix" for W, "melonic" for T."""
        return "melonic" if self.kind == "pure" else "matrix"

    @cached_property
    def is_white(self) -> bool:
        """Whether all covariances are the identity."""
        return all(value == 1 for spectrum in self.spectra for value in spectrum)

    def asymptotic_moment(self, invariant: TraceInvariant) -> Fraction:
        """Limit of the moment, with the spectra of the C_c C_c* held fixed.

        Mixed, in "matrix" scaling: phi_s of ``W / (scale d)``, where d is the product of the dims,
        for an environment that stays ``K / d`` times as large as d. Pure, in "melonic" scaling:
        ``lim N^-components E Tr_s`` of ``T / N^((D-1)/2)``.

        Raises
        ------
        TypeError, ValueError
            `invariant` is of another kind or number of colours, or pure and not melonic: then it
            has no value in this scaling.
        """
        self._check(invariant)
        return self._limit(invariant, [_averages(x, invariant.n) for x in self.spectra])

    def normalised_moment(self, invariant: TraceInvariant) -> Fraction:
        """The moment at the finite dims in the normalisation of `asymptotic_moment`.

        Raises
        ------
        TypeError, ValueError
            As `moment`; or a pure tensor with dimensions that differ.
        """
        moment = self.moment(invariant)
        n, dims = invariant.n, self.dims
        if self.kind == "mixed":
            size = prod(d ** count(s) for d, s in zip(dims, invariant.perms, strict=True))
            return Fraction(moment / ((self.scale * prod(dims)) ** n * size))
        if len(set(dims)) > 1:
            raise ValueError(f"the melonic scaling needs equal dimensions, the law has {dims}.")
        size = dims[0] ** ((self.D - 1) * n + len(invariant.components))
        return Fraction(moment / (self.scale**n * size))

    def asymptotic_cumulant(self, invariant: TraceInvariant) -> Fraction:
        """Limit of the free cumulant, normalised as in `asymptotic_moment`.

        Pure: ``prod_c prod_cycles kappa_l(C_c C_c*)`` over the cycles of ``s_c eta^-1``, with the
        pairing eta of s and ordinary free cumulants of the spectra. Mixed: the sum of
        ``lambda^#(nu)`` times such products over all nu below every s_c, ``lambda = K / d``.

        Raises
        ------
        TypeError, ValueError
            As `asymptotic_moment`.
        """
        self._check(invariant)
        kappas = [_free_cumulants(_averages(x, invariant.n)) for x in self.spectra]
        return self._limit(invariant, kappas)

    def _limit(self, t: TraceInvariant, values: Sequence[Sequence[Fraction]]) -> Fraction:
        if self.kind == "mixed":
            ratio = Fraction(cast(int, self.environment), prod(self.dims))
            total = Fraction(0)
            for nu in permutations(range(t.n)):
                if all(below(nu, s) for s in t.perms):
                    total += ratio ** count(nu) * self._product(t, nu, values)
            return total
        if self.D < 3:
            raise ValueError(
                "the melonic scaling needs three colours or more; a pure tensor of two colours "
                "is a matrix, whose moments are those of the mixed law of one colour."
            )
        if not t.is_melonic:
            raise ValueError(
                f"{t!r} is not melonic: it vanishes against the leading order and has no value in "
                "the melonic scaling. Use `moment` at finite dimension."
            )
        return self._product(t, t.pairing, values)

    def _product(
        self, t: TraceInvariant, nu: Permutation, values: Sequence[Sequence[Fraction]]
    ) -> Fraction:
        return prod(
            (
                table[length]
                for s, table in zip(t.perms, values, strict=True)
                for length in cycle_type(quotient(s, nu))
            ),
            start=Fraction(1),
        )

    def _moment(self, t: TraceInvariant) -> Fraction:
        power_sums = [[_power(x, order) for order in range(t.n + 1)] for x in self.spectra]
        total = Fraction(0)
        for nu, weight in self._wick(t.n):
            total += weight * self._product(t, nu, power_sums)
        return total

    def _cumulant(self, t: TraceInvariant) -> Fraction:
        if self.is_white:
            return self._weight(t.perms[0]) if len(set(t.perms)) == 1 else Fraction(0)
        tables = [self._one_colour(c, t.n) for c in range(self.D)]
        total = Fraction(0)
        for nu, weight in self._wick(t.n):
            quotients = [cycle_type(quotient(s, nu)) for s in t.perms]
            total += weight * prod(table[q] for table, q in zip(tables, quotients, strict=True))
        return total

    def _one_colour(self, c: int, n: int) -> dict[tuple[int, ...], Fraction]:
        """Free cumulants of the matrix ``C_c C_c*`` at its dimension, by cycle type."""
        powers = [_power(self.spectra[c], order) for order in range(n + 1)]
        table = exact_values(n, self.dims[c])
        return {
            parts: sum(
                (
                    prod((powers[order] for order in cycle_type(t)), start=Fraction(1))
                    * table[cycle_type(quotient(representative(parts), t))]
                    for t in permutations(range(n))
                ),
                Fraction(0),
            )
            for parts in partitions(n)
        }

    def _wick(self, n: int) -> Iterator[tuple[Permutation, Fraction]]:
        for nu in permutations(range(n)):
            yield nu, self._weight(nu)

    def _weight(self, nu: Permutation) -> Fraction:
        return Fraction(self.scale ** len(nu) * (self.environment or 1) ** count(nu))

    def _sample(self, size: int, rng: np.random.Generator) -> NDArray[Any]:
        tensor = complex_normal(rng, (size, *self.dims, self.environment or 1))
        for c, spectrum in enumerate(self.spectra):
            roots = np.sqrt(np.array(spectrum, dtype=float))
            tensor *= roots.reshape(-1, *(1,) * (self.D - c))
        tensor *= np.sqrt(float(self.scale))
        return tensor[..., 0] if self.kind == "pure" else traced(tensor, self.dims)


@dataclass(frozen=True, eq=False)
class HaarState(Law):
    """Haar random unit vector, or its state after an environment was traced out.

    Parameters
    ----------
    gaussian : ProductGaussian
        The same without the normalisation, all covariances the identity, scale 1.

    Notes
    -----
    Norm and direction of a Gaussian vector in d dimensions are independent, so moments and
    cumulants of order n are those of the Gaussian law over ``d (d + 1) .. (d + n - 1)``.
    """

    gaussian: ProductGaussian

    @property
    def kind(self) -> Literal["mixed", "pure"]:  # type: ignore[override]
        """Whether it is a density matrix or a vector."""
        return self.gaussian.kind

    @property
    def D(self) -> int:
        """Number of colours."""
        return self.gaussian.D

    @property
    def dims(self) -> tuple[int, ...]:
        """Dimension of every colour."""
        return self.gaussian.dims

    @property
    def total(self) -> int:
        """Dimension of the space of the vector, environment included."""
        return prod(self.dims) * (self.gaussian.environment or 1)

    def _rising(self, n: int) -> int:
        return prod(range(self.total, self.total + n))

    def _moment(self, t: TraceInvariant) -> Fraction:
        return Fraction(self.gaussian.moment(t), self._rising(t.n))

    def _cumulant(self, t: TraceInvariant) -> Fraction:
        return Fraction(self.gaussian.cumulant(t), self._rising(t.n))

    def _sample(self, size: int, rng: np.random.Generator) -> NDArray[Any]:
        vectors = complex_normal(rng, (size, *self.dims, self.gaussian.environment or 1))
        norms = np.linalg.norm(vectors.reshape(size, -1), axis=1)
        vectors /= norms.reshape(-1, *(1,) * (self.D + 1))
        return vectors[..., 0] if self.kind == "pure" else traced(vectors, self.dims)


def traced(vectors: NDArray[Any], dims: tuple[int, ...]) -> NDArray[Any]:
    """``T T*`` over the last leg of (size, *dims, K) tensors."""
    matrices = vectors.reshape(len(vectors), prod(dims), -1)
    return np.asarray(matrices @ matrices.conj().mT).reshape(-1, *dims, *dims)


def _power(spectrum: Spectrum, order: int) -> Fraction:
    return sum((value**order for value in spectrum), Fraction(0))


def _averages(spectrum: Spectrum, n: int) -> list[Fraction]:
    """Normalised moments of orders 0 to n."""
    return [_power(spectrum, order) / len(spectrum) for order in range(n + 1)]


def _free_cumulants(averages: Sequence[Fraction]) -> list[Fraction]:
    """Free cumulants of orders 0 to n of a spectrum, by Moebius inversion."""
    found = [Fraction(1)]
    for order in range(1, len(averages)):
        total = Fraction(0)
        for row in non_crossing_permutations(order).tolist():
            t = tuple(row)
            weight = moebius(cycle_type(quotient(cycle(order), t)))
            total += weight * prod((averages[size] for size in cycle_type(t)), start=Fraction(1))
        found.append(total)
    return found
