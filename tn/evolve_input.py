"""Checks of what `rankloom.tn.evolve` is given."""

import math
from collections.abc import Callable, Mapping
from operator import methodcaller
from typing import Any

from rankloom.tn.arrays import Array
from rankloom.tn.checks import integer
from rankloom.tn.mpo import MPO
from rankloom.tn.mps import MPS
from rankloom.tn.spinchain import SpinChain

METHODS = ("tebd", "tdvp", "tdvp1")


def watched(observe: Any) -> dict[str, Callable[[Any], Any]]:
    """The functions of the state to record, by name."""
    if observe is None:
        return {}
    if not isinstance(observe, Mapping):
        raise TypeError(f"`observe` must be a dict by name, got {type(observe).__name__}.")
    out: dict[str, Callable[[Any], Any]] = {}
    for name, what in observe.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"`observe` needs names without a slash as keys, got {name!r}.")
        if isinstance(what, str | MPO):
            out[name] = methodcaller("expectation", what)
        elif callable(what):
            out[name] = what
        else:
            raise TypeError(
                f"`observe[{name!r}]` must be a Pauli letter, an MPO or a function of the state, "
                f"got {what!r}."
            )
    return out


def hamiltonian(
    psi0: Any,
    chain: Any,
    method: Any,
    order: Any,
    imaginary: Any,
    krylov_tol: Any,
    threads: Any,
) -> tuple[Array, ...]:
    """The tensors of the Hamiltonian, after checking everything about it and the state."""
    if not isinstance(psi0, MPS):
        raise TypeError(f"`psi0` must be an MPS, got {type(psi0).__name__}.")
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    if method == "tebd" and not isinstance(chain, SpinChain):
        raise TypeError(
            f"`chain` must be a SpinChain for TEBD, got {type(chain).__name__}. An MPO evolves "
            'with `method="tdvp"` or "tdvp1".'
        )
    if not isinstance(chain, SpinChain | MPO):
        raise TypeError(f"`chain` must be a SpinChain or an MPO, got {type(chain).__name__}.")
    if psi0.n_sites != chain.n_sites:
        raise ValueError(f"`psi0` has {psi0.n_sites} sites, but `chain` has {chain.n_sites}.")
    if isinstance(chain, SpinChain) and set(psi0.physical_dimensions) != {2}:
        raise ValueError(f"`psi0` must have sites of dimension 2, got {psi0.physical_dimensions}.")
    operator = chain.mpo() if isinstance(chain, SpinChain) else chain
    if psi0.physical_dimensions != operator.physical_dimensions:
        raise ValueError(
            f"`psi0` has sites of dimensions {psi0.physical_dimensions}, but `chain` acts on "
            f"{operator.physical_dimensions}."
        )
    if psi0.n_sites < 2:
        raise ValueError("`psi0` must have at least 2 sites.")
    if not isinstance(imaginary, bool):
        raise TypeError(f"`imaginary` must be True or False, got {imaginary!r}.")
    if method != "tebd" and order != 2:
        raise ValueError(f"`order` belongs to TEBD; {method!r} has order 2, got {order!r}.")
    if not 0.0 < krylov_tol < 1.0:
        raise ValueError(f"`krylov_tol` must lie between 0 and 1, got {krylov_tol}.")
    if threads is not None:
        integer("threads", threads, 1)
    norm = psi0.norm()
    if not (math.isfinite(norm) and norm > 0.0):
        raise ValueError(f"`psi0` has norm {norm}: there is nothing to evolve.")
    if method != "tebd" and not operator.is_hermitian:
        raise ValueError(
            "`chain` is not Hermitian, so it is no Hamiltonian. Take `0.5 * (h + h.dagger())`."
        )
    return operator.tensors
