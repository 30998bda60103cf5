"""Sums of products of site operators as matrix product operators of smallest bond dimension.

At a cut, a sum of products is ``sum_ab C[a, b] L_a (x) R_b`` with the parts L left and R right of
it, and the bond it needs is the rank of C. The sweep to the right holds C as a matrix whose rows
are an orthonormal basis of the left parts and whose columns are the right parts of those terms
that have begun; an SVD at every site keeps its rank. All terms that have not begun share the left
part 1 and enter every SVD as one column, since only their joint length matters there, so the
matrices stay as small as the number of terms that straddle the cut [1]_, [2]_.

References
----------
.. [1] C. Hubig, I. P. McCulloch, U. Schollwoeck, arXiv:1611.02498, section III.
.. [2] J. Ren, W. Li, T. Jiang, Z. Shuai, arXiv:2006.02056, section II.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import svd
from rankloom.tn.checks import integer, site_index
from rankloom.tn.pauli import PAULI, pauli
from rankloom.tn.truncation import Truncation

Term = tuple[complex, Sequence[int], Sequence[int]]
"""Coefficient, sites in ascending order, and the label (1, 2, ..) of the operator on each."""

# 1, X, i Y, Z: real, so that operators with an even number of Y in every term stay real.
_REAL_PAULI = np.stack([PAULI["I"], PAULI["X"], 1j * PAULI["Y"], PAULI["Z"]]).real


def pauli_terms(n: int, terms: Iterable[Any]) -> tuple[list[NDArray[Any]], list[Term]]:
    """Operators by label on each of n sites, and the terms in labels, from Pauli strings.

    Raises
    ------
    TypeError, ValueError
        A term is not ``(coefficient, letters, sites)``, holds an unknown letter, or names a site
        twice or outside the chain.
    """
    n = integer("n", n, 1)
    checked: list[Term] = []
    for position, term in enumerate(terms):
        factor, letters, sites = _parts(position, term, n)
        pauli(f"terms[{position}]", letters)
        if len(letters) != len(sites):
            raise ValueError(
                f"`terms[{position}]` has {len(letters)} letters and {len(sites)} sites: "
                f"{letters!r} on {tuple(sites)}."
            )
        pairs = sorted((k, "IXYZ".index(c)) for k, c in zip(sites, letters, strict=True))
        pairs = [(k, label) for k, label in pairs if label]
        factor *= (-1j) ** letters.count("Y")
        checked.append((factor, [k for k, _ in pairs], [label for _, label in pairs]))
    return [_REAL_PAULI] * n, checked


def product_terms(
    dimensions: Sequence[int], terms: Iterable[Any]
) -> tuple[list[NDArray[Any]], list[Term]]:
    """The same from products of given matrices, one (d, d) matrix for each named site."""
    n = len(dimensions)
    known: list[dict[bytes, int]] = [{np.eye(d, dtype=complex).tobytes(): 0} for d in dimensions]
    operators = [[np.eye(d, dtype=complex)] for d in dimensions]
    checked: list[Term] = []
    for position, term in enumerate(terms):
        factor, matrices, sites = _parts(position, term, n)
        if isinstance(matrices, str) or len(matrices) != len(sites):
            raise ValueError(
                f"`terms[{position}]` needs one matrix for each of its sites {tuple(sites)}; "
                "Pauli letters belong to `MPO.from_terms`."
            )
        pairs = []
        for k, matrix in sorted(zip(sites, matrices, strict=True), key=lambda pair: pair[0]):
            own = np.array(matrix, dtype=complex)
            if own.shape != (dimensions[k],) * 2 or not np.isfinite(own).all():
                raise ValueError(
                    f"`terms[{position}]` on site {k} must hold a finite matrix of shape "
                    f"{(dimensions[k],) * 2}, got shape {own.shape}."
                )
            if own.imag.any() and not own.real.any():  # as i times a real matrix, like Y
                own, factor = own.imag + 0j, 1j * factor
            label = known[k].setdefault((own + 0.0).tobytes(), len(operators[k]))
            if label == len(operators[k]):
                operators[k].append(own)
            if label:
                pairs.append((k, label))
        checked.append((factor, [k for k, _ in pairs], [label for _, label in pairs]))
    stacks = [np.stack(group) for group in operators]
    return [stack if stack.imag.any() else stack.real for stack in stacks], checked


def assemble(operators: Sequence[NDArray[Any]], terms: Sequence[Term]) -> list[NDArray[Any]]:
    """Site tensors (left, out, in, right) of ``sum c O_1 (x) .. (x) O_n``.

    Parameters
    ----------
    operators : sequence of (labels, d, d) array
        The operators of each site by label; label 0 is the identity.
    terms : sequence of (coefficient, sites, labels)
        Sites ascending; all other sites carry the identity.

    Returns
    -------
    list of (w, d, d, w') array
        Float64 when operators and coefficients are real. All but the last are isometries, up to
        the norm of an identity. Bonds are minimal where the operators of each site are
        linearly independent.

    Notes
    -----
    One SVD of a (labels w, columns) matrix a site: for n sites with all pairs coupled O(n^4).
    """
    tree = _RightParts(terms)
    bases = [_orthonormal(group) for group in operators]
    pending = tree.coefficients
    real = not any(map(np.iscomplexobj, operators)) and not any(c.imag for c in pending.values())
    dtype: Any = np.float64 if real else np.complex128
    if real:
        pending = {end: c.real for end, c in pending.items()}
    begin: list[list[int]] = [[] for _ in operators]
    for end in pending:
        begin[tree.first_site(end)].append(end)

    columns: list[int] = []  # the right parts of the terms that have begun
    matrix: NDArray[Any] = np.zeros((1, 0), dtype)
    start: NDArray[Any] = np.ones(1, dtype)  # the left part 1, in the basis at hand
    tensors = []
    for k, (basis, mixing) in enumerate(bases):
        fresh = [end for end in begin[k] if end in pending]
        values = np.array([pending.pop(end) for end in fresh], dtype)
        columns, matrix = columns + fresh, np.hstack([matrix, np.outer(start, values)])
        steps = [tree.step(end, k) for end in columns]
        after = {end: j for j, end in enumerate(dict.fromkeys(end for _, end in steps))}
        table: NDArray[Any] = np.zeros((start.size, mixing.shape[1], len(after) + 1), dtype)
        for j, (label, end) in enumerate(steps):
            table[:, label, after[end]] += matrix[:, j]
        for end in after:
            if end in pending:  # a term yet to begin shares this right part
                table[:, 0, after[end]] += start * pending.pop(end)
        table[:, 0, -1] = start * math.sqrt(sum(abs(c) ** 2 for c in pending.values()))
        rows = (mixing @ table).reshape(start.size * len(basis), -1)
        if k < len(bases) - 1:
            left, s, vh = svd(rows)
            kept, _ = Truncation().keep(s**2)
            left, matrix = left[:, :kept], s[:kept, None] * vh[:kept, :-1]
            start = left.conj().T @ np.kron(start, mixing[:, 0])
            columns = list(after)
        else:
            left = rows[:, :1]
        tensors.append(
            np.einsum("lbr,bij->lijr", left.reshape(-1, len(basis), left.shape[1]), basis)
        )
    return tensors


class _RightParts:
    """The right parts of all terms, each under one number; 0 is the identity."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._numbers: dict[tuple[int, int, int], int] = {}
        self._parts: list[tuple[int, int, int]] = [(0, 0, 0)]  # first site, its label, the rest
        self.coefficients: dict[int, complex] = {}
        for factor, sites, labels in terms:
            number = 0
            for part in zip(reversed(sites), reversed(labels), strict=True):
                key = (*part, number)
                number = self._numbers.setdefault(key, len(self._parts))
                if number == len(self._parts):
                    self._parts.append(key)
            self.coefficients[number] = self.coefficients.get(number, 0) + factor

    def first_site(self, number: int) -> int:
        return self._parts[number][0]

    def step(self, number: int, site: int) -> tuple[int, int]:
        """Label on `site`, and the right part behind it."""
        first, label, rest = self._parts[number]
        return (label, rest) if number and first == site else (0, number)


def _orthonormal(operators: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Operators b of norm ``|1|`` orthogonal to each other, and m: ``operators = m^T b``."""
    count, d, _ = operators.shape
    flat = operators.reshape(count, d * d)
    if np.array_equal(flat.conj() @ flat.T, d * np.eye(count)):  # Pauli matrices: exact
        return operators, np.eye(count)
    q, r = np.linalg.qr(flat.T)
    scale = math.sqrt(d)
    return (q * scale).T.reshape(-1, d, d), r / scale


def _parts(position: int, term: Any, n: int) -> tuple[complex, Any, list[int]]:
    """Coefficient, operators and sites of one term, the first and last checked."""
    what = f"terms[{position}]"
    try:
        factor, operators, named = term
        factor = complex(factor)
    except (TypeError, ValueError):
        raise TypeError(
            f"`{what}` must be (coefficient, operators, sites), as in (0.5, 'ZZ', (0, 3)), "
            f"got {term!r}."
        ) from None
    if not np.isfinite(factor):
        raise ValueError(f"the coefficient of `{what}` is {factor}.")
    sites = [site_index(what, k, n) for k in (named if np.iterable(named) else [named])]
    if len(set(sites)) != len(sites):
        raise ValueError(f"`{what}` names a site twice: {tuple(sites)}.")
    return factor, operators, sites
