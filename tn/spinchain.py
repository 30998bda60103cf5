"""Spin-1/2 chains with nearest-neighbour couplings, as data.

The Hamiltonian is written in Pauli matrices, with open ends::

    H = sum_i (Jx X_i X_{i+1} + Jy Y_i Y_{i+1} + Jz Z_i Z_{i+1}) + sum_i (hx X_i + hy Y_i + hz Z_i)

For time evolution it is split into bond terms h_i on sites (i, i+1): fields are shared half and
half between the two terms of an inner site and go whole into the only term of an end site. Bonds
(0,1), (2,3), .. are *even*, (1,2), (3,4), .. are *odd*; the terms of one parity commute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rankloom.tn.checks import integer
from rankloom.tn.mpo import MPO
from rankloom.tn.pauli import PAULI
from rankloom.tn.trotter import TrotterLayer, trotter_layers

Values: TypeAlias = float | Sequence[float] | NDArray[np.floating]
"""One number for the whole chain, or a sequence with one per bond or site."""

_LETTERS = "XYZ"


@dataclass(frozen=True, eq=False)
class SpinChain:
    """Open spin-1/2 chain with nearest-neighbour couplings and fields.

    Parameters
    ----------
    couplings : (n-1, 3) array_like
        Jx, Jy, Jz of each bond.
    fields : (n, 3) array_like
        hx, hy, hz of each site.

    Raises
    ------
    ValueError
        Fewer than two sites, shapes that do not match, NaN or infinity.

    Examples
    --------
    >>> chain = SpinChain.heisenberg(4)
    >>> round(float(np.linalg.eigvalsh(chain.dense())[0]), 9)
    -1.616025404
    """

    couplings: NDArray[np.float64]
    fields: NDArray[np.float64]

    def __post_init__(self) -> None:
        couplings = _finite("couplings", self.couplings)
        fields = _finite("fields", self.fields)
        if couplings.ndim != 2 or couplings.shape[1] != 3 or len(couplings) < 1:
            raise ValueError(
                "`couplings` must have shape (n-1, 3) with n >= 2 sites (Jx, Jy, Jz of each bond), "
                f"got {couplings.shape}."
            )
        if fields.shape != (len(couplings) + 1, 3):
            raise ValueError(
                f"`fields` must have shape {(len(couplings) + 1, 3)} (hx, hy, hz of each site) to "
                f"match {len(couplings)} bonds, got {fields.shape}."
            )
        object.__setattr__(self, "couplings", couplings)
        object.__setattr__(self, "fields", fields)

    @classmethod
    def heisenberg(cls, n: int, j: Values = 0.25, delta: Values = 1.0) -> Self:
        """``H = sum j (XX + YY + delta ZZ)``; j = 1/4 is the chain of spin-1/2 operators S.S.

        `j` and `delta` are numbers or sequences of n - 1 numbers.
        """
        bond_j, bond_delta = _spread("j", j, n - 1, n), _spread("delta", delta, n - 1, n)
        return cls.xyz(n, bond_j, bond_j, bond_j * bond_delta)

    @classmethod
    def xyz(
        cls,
        n: int,
        jx: Values,
        jy: Values,
        jz: Values,
        hx: Values = 0.0,
        hy: Values = 0.0,
        hz: Values = 0.0,
    ) -> Self:
        """Any couplings (numbers, or n - 1 each) and fields (numbers, or n each)."""
        bonds = [_spread(f"j{a}", v, n - 1, n) for a, v in zip("xyz", (jx, jy, jz), strict=True)]
        sites = [_spread(f"h{a}", v, n, n) for a, v in zip("xyz", (hx, hy, hz), strict=True)]
        return cls(np.stack(bonds, axis=1), np.stack(sites, axis=1))

    @classmethod
    def ising(cls, n: int, j: Values = 1.0, g: Values = 1.0) -> Self:
        """Transverse-field Ising chain, ``H = -j sum ZZ - g sum X``.

        `j` is a number or n - 1 of them, `g` a number or n of them.
        """
        return cls.xyz(n, 0.0, 0.0, -_spread("j", j, n - 1, n), hx=-_spread("g", g, n, n))

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.fields)

    def bond_terms(self) -> NDArray[np.complex128]:
        """The Hermitian terms h_i of all bonds, shape (n-1, 4, 4); their sum is H.

        The left site is the more significant index: row ``2*s_left + s_right``.
        """
        share = np.full(self.n_sites, 0.5)
        share[[0, -1]] = 1.0
        shared = self.fields * share[:, None]
        terms = np.zeros((self.n_sites - 1, 4, 4), complex)
        for a, letter in enumerate(_LETTERS):
            one, eye = PAULI[letter], PAULI["I"]
            terms += self.couplings[:, a, None, None] * np.kron(one, one)
            terms += shared[:-1, a, None, None] * np.kron(one, eye)
            terms += shared[1:, a, None, None] * np.kron(eye, one)
        return terms

    def bond_gates(self, duration: complex) -> NDArray[np.complex128]:
        """``exp(-i duration h_k)`` of every bond, shape (n-1, 4, 4), rows as in `bond_terms`."""
        energies, modes = np.linalg.eigh(self.bond_terms())
        phases = np.exp(-1j * duration * energies)
        return np.asarray((modes * phases[:, None, :]) @ modes.conj().mT)

    def bond_gate(self, k: int, duration: float) -> NDArray[np.complex128]:
        """``exp(-i duration h_k)`` of bond k, shape (4, 4), rows as in `bond_terms`."""
        if not 0 <= k < self.n_sites - 1:
            raise ValueError(f"`k` must name a bond, 0..{self.n_sites - 2}, got {k}.")
        energies, modes = np.linalg.eigh(self.bond_terms()[k])
        return np.asarray((modes * np.exp(-1j * duration * energies)) @ modes.conj().T)

    def gates(self, layer: TrotterLayer) -> NDArray[np.complex128]:
        """Gates of the bonds of one Trotter layer, shape (bonds, 4, 4), left to right."""
        return self.bond_gates(layer.duration)[layer.parity :: 2]

    def trotter_layers(self, time: float, steps: int, order: int = 2) -> list[TrotterLayer]:
        """Half layers of the Trotter circuit for ``exp(-i time H)``, first applied first.

        See `rankloom.tn.trotter.trotter_layers`.
        """
        return trotter_layers(self.n_sites, time, steps, order)

    def mpo(self) -> MPO:
        """H as an MPO of bond dimension 2 + number of coupling kinds (X, Y, Z) in use."""
        used = [a for a in range(3) if self.couplings[:, a].any()]
        last = len(used) + 1
        tensors = []
        for k in range(self.n_sites):
            w = np.zeros((last + 1, 2, 2, last + 1), complex)
            w[0, :, :, 0] = w[last, :, :, last] = PAULI["I"]
            for column, a in enumerate(used, start=1):
                if k < self.n_sites - 1:
                    w[0, :, :, column] = self.couplings[k, a] * PAULI[_LETTERS[a]]
                w[column, :, :, last] = PAULI[_LETTERS[a]]
            for a, letter in enumerate(_LETTERS):
                w[0, :, :, last] += self.fields[k, a] * PAULI[letter]
            tensors.append(w)
        tensors[0], tensors[-1] = tensors[0][:1], tensors[-1][..., last:]
        return MPO(tuple(tensors))

    def dense(self) -> NDArray[np.complex128]:
        """H as a (2^n, 2^n) matrix, site 0 the most significant bit.

        Memory 16 * 4^n bytes.

        Raises
        ------
        ValueError
            More than 14 sites.
        """
        n = self.n_sites
        if n > 14:
            raise ValueError(
                f"a dense Hamiltonian of {n} sites takes {16 * 4.0**n / 2**30:.3g} GiB; "
                "the limit is 14 sites (4 GiB). Use `mpo()` with `MPS.expectation`."
            )
        out = np.zeros((2**n, 2**n), complex)
        for k, term in enumerate(self.bond_terms()):
            left, right = 2**k, 2 ** (n - k - 2)
            blocks = out.reshape(left, 4, right, left, 4, right)
            np.einsum("iajibj->ijab", blocks)[...] += term  # a writeable view of the diagonal
        return out

    @property
    def norm_bound(self) -> float:
        """Upper bound of the spectral norm of H: the sum of those of its bond terms."""
        return float(np.abs(np.linalg.eigvalsh(self.bond_terms())).max(axis=1).sum())

    def __repr__(self) -> str:
        return f"SpinChain(n={self.n_sites})"


def _finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Own read-only float array without NaN and infinity."""
    try:
        out = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as err:
        raise TypeError(f"`{name}` must hold real numbers, got {values!r}.") from err
    if not np.isfinite(out).all():
        raise ValueError(f"`{name}` holds NaN or infinity.")
    out.flags.writeable = False
    return out


def _spread(name: str, values: Values, count: int, n: int) -> NDArray[np.float64]:
    """`values` as `count` numbers: a single number is repeated."""
    n = integer("n", n, 2)
    out = _finite(name, values)
    if out.ndim == 0:
        return np.full(count, float(out))
    if out.shape != (count,):
        kind = "site" if count == n else "bond"
        raise ValueError(
            f"`{name}` must be one number or {count} numbers (one per {kind} of {n} sites), "
            f"got shape {out.shape}."
        )
    return out
