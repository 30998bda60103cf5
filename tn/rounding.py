"""Sums of states, and operators on states, rounded without being formed."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from rankloom.tn.arrays import one_blas_thread
from rankloom.tn.combination import Combination, Term
from rankloom.tn.compress import Compressed, Rng, reduce
from rankloom.tn.mpo import MPO
from rankloom.tn.mps import MPS
from rankloom.tn.truncation import Truncation


def compress_sum(
    states: Sequence[MPS],
    coefficients: Sequence[complex] | None = None,
    max_bond: int | None = None,
    cutoff: float = 0.0,
    *,
    renormalize: bool = False,
    method: str = "auto",
    rng: Rng = None,
    tol: float = 0.01,
    max_sweeps: int = 20,
) -> Compressed:
    """``sum_j coefficients[j] states[j]`` with small bonds.

    Parameters
    ----------
    states : sequence of MPS
        On the same sites.
    coefficients : sequence of number, optional
        One for each state; ones by default.
    max_bond, cutoff, renormalize, method, rng
        As in `MPS.compress`. With "auto" a sum whose bonds are together four times `max_bond` or
        more is fitted ("variational") where density matrices do not resolve what is asked.
    tol : float, default 0.01
        A variational fit stops when a sweep lowers the squared distance by less than this fraction.
    max_sweeps : int, default 20
        Largest number of its sweeps, there and back.

    Returns
    -------
    Compressed

    Raises
    ------
    TypeError, ValueError
        No state, states on other sites, coefficients that are not as many finite numbers, or what
        `MPS.compress` refuses.

    Notes
    -----
    For m states of bond D: "gram" takes O(n d m^2 D^3) time and ``16 n m^2 D^2`` bytes, "random"
    and each sweep of "variational" O(n d m D^2 chi) time and ``32 n m D chi`` bytes; "svd" forms
    the sum, O(n d^2 m^3 D^3).

    Examples
    --------
    >>> cats = [MPS.product("0000"), MPS.product("1111"), MPS.product("0000")]
    >>> ghz, error = compress_sum(cats, [0.5, 1.0, 0.5])
    >>> ghz.bond_dimensions, round(ghz.norm() ** 2, 12)
    ((1, 2, 2, 2, 1), 2.0)
    """
    if isinstance(states, MPS) or not all(isinstance(state, MPS) for state in states):
        raise TypeError(f"`states` must be a sequence of MPS, got {states!r}.")
    if len(states) == 0:
        raise ValueError("`states` is empty; a sum needs at least one state.")
    for state in states[1:]:
        states[0]._check_partner(state)
    factors = [1.0] * len(states) if coefficients is None else list(coefficients)
    if len(factors) != len(states) or not all(map(_is_finite, factors)):
        raise ValueError(
            f"`coefficients` must be {len(states)} finite numbers, one for each state, got "
            f"{coefficients!r}."
        )
    terms = [Term(s.tensors, None, complex(c)) for s, c in zip(states, factors, strict=True)]
    rule = Truncation(max_bond, cutoff)
    return _compressed(terms, rule, renormalize, method, rng, tol, max_sweeps)


def compress_product(
    operator: MPO,
    state: MPS,
    max_bond: int | None = None,
    cutoff: float = 0.0,
    *,
    renormalize: bool = False,
    method: str = "auto",
    rng: Rng = None,
    tol: float = 0.01,
    max_sweeps: int = 20,
) -> Compressed:
    """``operator |state>`` with small bonds.

    Parameters
    ----------
    operator : MPO
    state : MPS
        On the same sites.
    max_bond, cutoff, renormalize, method, rng, tol, max_sweeps
        As in `compress_sum`.

    Returns
    -------
    Compressed

    Raises
    ------
    TypeError, ValueError
        `operator` and `state` are on different sites, or what `MPS.compress` refuses.

    Notes
    -----
    For an operator of bond w and a state of bond D: "gram" takes O(n d w^2 D^3) time and
    ``16 n w^2 D^2`` bytes, "random" and each sweep of "variational" O(n d w D^2 chi) time and
    ``32 n w D chi`` bytes; "svd" forms the product, O(n d^2 w^3 D^3).

    Examples
    --------
    >>> from rankloom.tn import SpinChain
    >>> chain = SpinChain.ising(6, j=1.0, g=0.5)
    >>> image, error = compress_product(chain.mpo(), MPS.product("000000"))
    >>> image.overlap(MPS.product("000000")).real.__round__(12)
    -5.0
    """
    if not isinstance(operator, MPO):
        raise TypeError(f"`operator` must be an MPO, got {type(operator).__name__}.")
    if not isinstance(state, MPS):
        raise TypeError(f"`state` must be an MPS, got {type(state).__name__}.")
    operator._check_sites(state)
    terms = [Term(state.tensors, operator.tensors)]
    rule = Truncation(max_bond, cutoff)
    return _compressed(terms, rule, renormalize, method, rng, tol, max_sweeps)


def _compressed(
    terms: list[Term],
    rule: Truncation,
    renormalize: bool,
    method: str,
    rng: Rng,
    tol: float,
    max_sweeps: int,
) -> Compressed:
    source = Combination(terms)
    with one_blas_thread(source.width()):
        norm = math.sqrt(source.square()) if renormalize else None
        found = reduce(source, rule, method, rng=rng, tol=tol, max_sweeps=max_sweeps)
    return MPS._compressed(found, norm)


def _is_finite(value: Any) -> bool:
    known = isinstance(value, numbers.Number)
    return known and bool(np.isfinite(complex(value)))
