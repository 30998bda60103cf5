"""Measured shots: bases and outcomes, as `rankloom.tn.sample` returns them."""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import read_only
from rankloom.tn.checks import site_index
from rankloom.tn.hdf5 import reading, writing
from rankloom.tn.pauli import pauli

FORMAT = "rankloom.samples"
VERSION = 1
LETTERS = "XYZ"


class Estimate(NamedTuple):
    """Mean over shots, its standard error, and the number of shots that entered."""

    value: float
    error: float
    shots: int


@dataclass(frozen=True, eq=False)
class Samples:
    """Outcomes of measurements of single sites in Pauli bases.

    Parameters
    ----------
    bases : (shots, n) array of uint8
        0, 1, 2 for X, Y, Z.
    outcomes : (shots, n) array of int8
        +1 or -1; in the Z basis +1 is bit 0.

    Raises
    ------
    ValueError
        Shapes that differ or have no entry, or values other than these.

    Examples
    --------
    >>> shots = Samples([[2, 2], [2, 2], [0, 2]], [[1, -1], [1, -1], [-1, -1]])
    >>> shots.expectation("ZZ")
    Estimate(value=-1.0, error=0.0, shots=2)
    """

    bases: NDArray[np.uint8]
    outcomes: NDArray[np.int8]

    def __post_init__(self) -> None:
        bases, outcomes = np.array(self.bases), np.array(self.outcomes)
        if bases.ndim != 2 or bases.shape != outcomes.shape or bases.size == 0:
            raise ValueError(
                "`bases` and `outcomes` need one shape (shots, n), got "
                f"{bases.shape} and {outcomes.shape}."
            )
        if not np.isin(bases, (0, 1, 2)).all():
            raise ValueError("`bases` must hold 0, 1, 2 for X, Y, Z.")
        if not np.isin(outcomes, (1, -1)).all():
            raise ValueError("`outcomes` must hold +1 and -1.")
        self._set(bases.astype(np.uint8), outcomes.astype(np.int8))

    def _set(self, bases: NDArray[np.uint8], outcomes: NDArray[np.int8]) -> None:
        bases, outcomes = read_only((bases, outcomes))
        object.__setattr__(self, "bases", bases)
        object.__setattr__(self, "outcomes", outcomes)

    @classmethod
    def _adopt(cls, bases: NDArray[np.uint8], outcomes: NDArray[np.int8]) -> Self:
        """Take arrays over unchecked."""
        new = object.__new__(cls)
        new._set(bases, outcomes)
        return new

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote; see `rankloom.tn.hdf5.reading` for what is refused."""
        with reading(path, FORMAT, VERSION, "Samples", "`Samples.save`") as file:
            bases, outcomes = np.asarray(file["bases"]), np.asarray(file["outcomes"])
        return cls(bases, outcomes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file, whole or not at all: data sets ``bases`` and ``outcomes``."""
        with writing(path, FORMAT, VERSION) as file:
            file["bases"], file["outcomes"] = self.bases, self.outcomes

    @property
    def shots(self) -> int:
        """Number of shots."""
        return len(self.bases)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        n: int = self.bases.shape[1]
        return n

    def counts(self) -> dict[str, int]:
        """How often each bit string came, most frequent first; site 0 stands first.

        Bit 0 is outcome +1, bit 1 is outcome -1.

        Raises
        ------
        ValueError
            The bases differ between shots, so that bits do not mean the same.

        Examples
        --------
        >>> Samples([[2, 2]] * 3, [[1, -1], [1, 1], [1, -1]]).counts()
        {'01': 2, '00': 1}
        """
        if not (self.bases == self.bases[0]).all():
            raise ValueError(
                "the shots were measured in different bases, so their bits do not mean the same. "
                "Use `expectation`, or pick the shots of one row of `bases`."
            )
        rows, counts = np.unique(self.outcomes < 0, axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {"".join("01"[bit] for bit in rows[i].astype(int)): int(counts[i]) for i in order}

    def expectation(self, op: str, sites: Any = None) -> Estimate:
        """Mean of a Pauli string over the shots whose bases match it.

        Parameters
        ----------
        op : str
            Letters I, X, Y, Z.
        sites : int or sequence of int, optional
            Different sites, one per letter. Without them the letters are those of all n sites.

        Returns
        -------
        Estimate
            ``value``; ``error``, the standard error ``sqrt((1 - value**2) / (shots - 1))``,
            infinite for a single shot; ``shots``, the number of shots that match.

        Raises
        ------
        TypeError, ValueError
            Unknown letters, wrong sites, or no shot that matches.
        """
        pauli("op", op)
        n = self.n_sites
        named = range(n) if sites is None else np.atleast_1d(np.asarray(sites, object))
        chosen = [site_index("sites", k, n) for k in named]
        if len(set(chosen)) != len(chosen) or len(chosen) != len(op):
            raise ValueError(
                f"`op` = {op!r} needs {len(op)} different sites, got "
                f"{f'none, and there are {n}' if sites is None else sites}."
            )
        pairs = [
            (k, LETTERS.index(letter))
            for k, letter in zip(chosen, op, strict=True)
            if letter != "I"
        ]
        support = [k for k, _ in pairs]
        match = (self.bases[:, support] == [b for _, b in pairs]).all(axis=1)
        found = int(np.count_nonzero(match))
        if found == 0:
            raise ValueError(
                f"none of the {self.shots} shots measured {op!r} on its sites; take more shots "
                "or another `basis`."
            )
        value = float(self.outcomes[np.ix_(match, support)].prod(axis=1, dtype=np.int8).mean())
        spread = 1.0 - value * value
        error = (spread / (found - 1)) ** 0.5 if found > 1 else float("inf")
        return Estimate(value, error if support else 0.0, found)

    def __repr__(self) -> str:
        return f"Samples(shots={self.shots}, n={self.n_sites})"
