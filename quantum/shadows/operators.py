"""Hamiltonians as the rest of the house wants them, from what chemists and Qiskit users have."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankloom.tn import MPO, SpinChain


def as_operator(hamiltonian: Any, n: int | None = None) -> SpinChain | MPO:
    """A Hamiltonian as `SpinChain` or `MPO`.

    Parameters
    ----------
    hamiltonian : SpinChain, MPO, SparsePauliOp, QubitOperator or sequence of terms
        Qiskit's `SparsePauliOp` (qubit i is site i), OpenFermion's `QubitOperator`, or terms
        ``(coefficient, letters, sites)`` as `MPO.from_terms` takes them. Strings may be of any
        range, as those that fermions give.
    n : int, optional
        Number of sites, where terms do not tell it.

    Raises
    ------
    TypeError, ValueError
        Another kind, or a sum that is not Hermitian.

    Examples
    --------
    >>> as_operator([(0.5, "ZZ", (0, 2)), (1.0, "X", (1,))]).n_sites
    3
    """
    if isinstance(hamiltonian, SpinChain):
        return hamiltonian
    if isinstance(hamiltonian, MPO):
        operator = hamiltonian
    else:
        terms, found = _terms(hamiltonian)
        operator = MPO.from_terms(found if n is None else n, terms)
    if not operator.is_hermitian:
        raise ValueError("`chain` is not Hermitian, so it has no energy gaps.")
    return operator


def _terms(hamiltonian: Any) -> tuple[list[tuple[complex, str, Sequence[int]]], int]:
    kind = type(hamiltonian).__name__
    if kind == "SparsePauliOp":
        listed = hamiltonian.to_sparse_list()
        terms = [_term(complex(c), s, q) for s, q, c in listed]
        return terms, int(hamiltonian.num_qubits)
    if kind == "QubitOperator":
        terms = [
            _term(complex(c), "".join(letter for _, letter in key), [q for q, _ in key])
            for key, c in hamiltonian.terms.items()
        ]
    elif isinstance(hamiltonian, list | tuple):
        terms = list(hamiltonian)
    else:
        raise TypeError(
            "`chain` must be a SpinChain, an MPO, a qiskit SparsePauliOp, an OpenFermion "
            f"QubitOperator or a list of terms (coefficient, letters, sites), got {kind}."
        )
    if not terms:
        raise ValueError("`chain` has no terms.")
    sites = [int(k) for _, _, where in terms for k in np.atleast_1d(where)]
    return terms, max(sites, default=0) + 1


def _term(
    factor: complex, letters: str, sites: Sequence[int]
) -> tuple[complex, str, Sequence[int]]:
    """A constant is the identity on site 0."""
    return (factor, letters, [int(k) for k in sites]) if letters else (factor, "I", [0])
