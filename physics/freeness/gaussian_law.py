"""Gaussian Hermitian tensors with local-unitary-invariant covariance, GUE among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.freeness.invariant import TraceInvariant
from rankloom.physics.freeness.law import Law, below, complex_normal, count, quotient
from rankloom.physics.freeness.permutations import Permutation

Colours = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Gaussian(Law):
    """``X = sum_S a_S X_S (x) 1``, with X_S from the GUE on the colours in S.

    Parameters
    ----------
    n_colours : int
    variances : dict of tuple of int to Fraction
        ``a_S^2`` of every subset S of the colours that takes part, colours ascending.
    size : tuple of int or None
        Dimension of every colour.

    Notes
    -----
    Entries of X_S have ``E |X_S|^2 = 1 / prod_{c in S} N_c``, so its spectrum tends to the
    semicircle of variance 1. The only connected free cumulants are those of two copies that
    exchange the colours in S: ``K = a_S^2 / prod_{c in S} N_c`` exactly, and ``kappa = a_S^2`` in
    the limit. These laws are the limits of the tensor free central limit theorem
    (arXiv:2504.01782). A moment sums over ``(n-1)!!`` pairings, times ``len(variances)**(n/2)``.
    """

    n_colours: int
    variances: Mapping[Colours, Fraction]
    size: tuple[int, ...] | None
    kind: Literal["mixed", "pure"] = "mixed"

    @property
    def D(self) -> int:
        """Number of colours."""
        return self.n_colours

    @property
    def dims(self) -> tuple[int, ...] | None:
        """Dimension of every colour."""
        return self.size

    def asymptotic_cumulant(self, invariant: TraceInvariant) -> Fraction:
        """Free cumulant kappa_s in the "matrix" scaling: ``lim N^|s| K_s``.

        Raises
        ------
        TypeError, ValueError
            `invariant` is of another kind or number of colours.
        """
        self._check(invariant)
        wanted = invariant.perms
        return sum((v for v, t in self._supports(invariant.n) if t == wanted), Fraction(0))

    def asymptotic_moment(self, invariant: TraceInvariant) -> Fraction:
        """Moment phi_s in the "matrix" scaling: ``lim N^-#(s) E Tr_s``, all dims growing alike.

        Raises
        ------
        TypeError, ValueError
            `invariant` is of another kind or number of colours.
        """
        self._check(invariant)
        return sum(
            (
                value
                for value, t in self._supports(invariant.n)
                if all(below(tc, sc) for tc, sc in zip(t, invariant.perms, strict=True))
            ),
            Fraction(0),
        )

    def normalised_moment(self, invariant: TraceInvariant) -> Fraction:
        """``E Tr_s / prod_c N_c^#(s_c)`` at the finite dims, which tends to `asymptotic_moment`.

        Raises
        ------
        TypeError, ValueError
            As `moment`.
        """
        dims = self._finite()
        size = prod(dim ** count(s) for dim, s in zip(dims, invariant.perms, strict=True))
        return Fraction(self.moment(invariant), size)

    def _moment(self, t: TraceInvariant) -> Fraction:
        dims = self._finite()
        return sum(
            (
                value
                * prod(
                    dim ** count(quotient(sc, uc))
                    for dim, sc, uc in zip(dims, t.perms, u, strict=True)
                )
                for value, u in self._supports(t.n, dims)
            ),
            Fraction(0),
        )

    def _cumulant(self, t: TraceInvariant) -> Fraction:
        found = self._supports(t.n, self._finite())
        return sum((value for value, u in found if u == t.perms), Fraction(0))

    def _supports(
        self, n: int, dims: Colours | None = None
    ) -> Iterator[tuple[Fraction, tuple[Permutation, ...]]]:
        """Terms of the Wick expansion: value, and the permutations that carry it.

        Without dims, the value in the limit. A tuple of permutations may come up several times.
        """
        sizes = dims or (1,) * self.n_colours
        for pairing in _pairings(tuple(range(n))):
            yield from self._coloured(pairing, [list(range(n)) for _ in sizes], sizes)

    def _coloured(
        self, pairs: tuple[tuple[int, int], ...], perms: list[list[int]], sizes: Colours
    ) -> Iterator[tuple[Fraction, tuple[Permutation, ...]]]:
        """Every choice of a subset of the colours for every pair."""
        if not pairs:
            yield Fraction(1), tuple(map(tuple, perms))
            return
        (x, y), *rest = pairs
        for subset, variance in self.variances.items():
            chosen = [list(s) for s in perms]
            for c in subset:
                chosen[c][x], chosen[c][y] = y, x
            factor = variance / prod(sizes[c] for c in subset)
            for value, t in self._coloured(tuple(rest), chosen, sizes):
                yield factor * value, t

    def _sample(self, size: int, rng: np.random.Generator) -> NDArray[Any]:
        dims = self._finite()
        n = len(dims)
        out = np.zeros((size, *dims, *dims), dtype=complex)
        for subset, variance in self.variances.items():
            part = tuple(dims[c] for c in subset)
            d = prod(part)
            raw = complex_normal(rng, (size, d, d))
            hermitian = (raw + raw.conj().mT) * np.sqrt(float(variance) / (2 * d))
            # A view of the entries that are diagonal in the other colours, which come last.
            others = [c for c in range(n) if c not in subset]
            column = [1 + n + c if c in subset else 1 + c for c in range(n)]
            view = np.einsum(
                out,
                [0, *range(1, 1 + n), *column],
                [
                    0,
                    *(1 + c for c in subset),
                    *(1 + n + c for c in subset),
                    *(1 + c for c in others),
                ],
            )
            view += hermitian.reshape(size, *part, *part, *(1,) * len(others))
        return out


def _pairings(elements: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    """All ways to split elements into pairs; none for an odd number."""
    if not elements:
        yield ()
        return
    first, *others = elements
    for k, partner in enumerate(others):
        for rest in _pairings((*others[:k], *others[k + 1 :])):
            yield ((first, partner), *rest)
