"""Expectation values and correlations of matrix product states, as `MPS` offers them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rankloom.tn import contract
from rankloom.tn.arrays import Array, like, namespace, one_blas_thread
from rankloom.tn.checks import site_index
from rankloom.tn.mpo import MPO
from rankloom.tn.pauli import pauli

if TYPE_CHECKING:
    from rankloom.tn.mps import MPS


def expectation(state: "MPS", op: str | MPO, sites: int | Sequence[int] | None = None) -> Any:
    """``<state|op|state>``; see `MPS.expectation`."""
    if isinstance(op, MPO):
        return _operator(state, op, sites)
    matrices = _matrices(state, "op", op)
    xp = namespace(*state.tensors)
    if sites is None:
        if len(matrices) != 1:
            raise ValueError(
                f"`op` = {op!r} has {len(matrices)} letters: name as many `sites`. Without `sites` "
                "one letter is measured on every site."
            )
        values = [xp.sum(rho * matrices[0].mT) for rho in contract.densities(state.tensors)]
        return xp.real(xp.stack(values))
    named = sites if isinstance(sites, Iterable) else [sites]
    chosen = [site_index("sites", k, state.n_sites) for k in named]
    if len(set(chosen)) != len(chosen) or len(chosen) != len(matrices):
        raise ValueError(
            f"`sites` must name {len(matrices)} different sites for `op` = {op!r}, got {sites}."
        )
    value = contract.product_expectation(state.tensors, dict(zip(chosen, matrices, strict=True)))
    return complex(value).real


def correlation(state: "MPS", a: str, b: str) -> Array:
    """``<state| a_i b_j |state>`` for all i, j; see `MPS.correlation`."""
    [ma], [mb] = _matrices(state, "a", a, 1), _matrices(state, "b", b, 1)
    xp = namespace(*state.tensors)
    with one_blas_thread(max(state.bond_dimensions)):
        upper = contract.correlation_upper(state.tensors, ma, mb)
        lower = upper if a == b else contract.correlation_upper(state.tensors, mb, ma)
        product = ma @ mb
        same = xp.stack([xp.sum(rho * product.mT) for rho in contract.densities(state.tensors)])
    real = a == b or "I" in (a, b)  # else X Y = i Z makes the diagonal imaginary
    total = upper + lower.mT
    indices = xp.arange(state.n_sites)
    diagonal = indices[:, None] == indices[None, :]
    total = xp.where(diagonal, same[:, None], total)
    return xp.real(total) if real else total


def _operator(state: "MPS", op: MPO, sites: Any) -> float | complex:
    if sites is not None:
        raise ValueError("`sites` belongs to Pauli letters; an MPO acts on all sites.")
    if op.physical_dimensions != state.physical_dimensions:
        raise ValueError(
            f"`op` acts on sites of dimensions {op.physical_dimensions}, the state has "
            f"{state.physical_dimensions}."
        )
    value = complex(contract.operator_expectation(state.tensors, op.tensors))
    return value.real if op.is_hermitian else value


def _matrices(state: "MPS", name: str, letters: str, count: int | None = None) -> list[Array]:
    """Matrices of Pauli letters, complex, in the array library of the state."""
    matrices = pauli(name, letters)
    if count is not None and len(matrices) != count:
        raise ValueError(f"`{name}` must be one Pauli letter, got {letters!r}.")
    if set(state.physical_dimensions) != {2}:
        raise ValueError(
            f"Pauli letters need sites of dimension 2, got {state.physical_dimensions}."
        )
    xp = namespace(*state.tensors)
    dtype = xp.result_type(state.dtype, xp.complex64)
    return [like(state.tensors[0], m, dtype) for m in matrices]
