"""Charged particles: where they are, what they carry, and in which units."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

COULOMB_CONSTANT = 332.06371
"""kcal/mol times Angstrom over e^2: turns ``sum q_i q_j / r_ij`` into kcal/mol."""

Table = Mapping[tuple[str, str], float]
"""Charges by (residue, atom), as ``("ASP", "OD1"): -0.5``; ``"*"`` stands for any of them."""


@dataclass(frozen=True, eq=False)
class Particles:
    """Point charges.

    Parameters
    ----------
    positions : (N, 3) array_like
    charges : (N,) array_like
        Signs as they are; zeros are allowed here and there, but not everywhere.
    length_unit, charge_unit : str
        Names of the units, for files and for energies in kcal/mol. They change no number.

    Raises
    ------
    TypeError, ValueError
        No numbers, shapes that do not fit, NaN or infinity, no charge at all, or two particles in
        the same place (their energy is infinite); the first offender is named.

    Notes
    -----
    Potentials, fields and energies are in charges and lengths, ``sum q / r``. Only where kcal/mol
    is asked for, `COULOMB_CONSTANT` comes in, and only for charges in e and lengths in Angstrom.

    Examples
    --------
    >>> p = Particles([[0, 0, 0], [0, 0, 2]], [1, -1])
    >>> len(p), p.total_charge
    (2, 0.0)
    """

    positions: NDArray[np.float64]
    charges: NDArray[np.float64]
    length_unit: str = "angstrom"
    charge_unit: str = "e"

    def __post_init__(self) -> None:
        positions, charges = (
            _numbers("positions", self.positions),
            _numbers("charges", self.charges),
        )
        if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
            raise ValueError(
                f"`positions` must have shape (N, 3) with N >= 1, got {positions.shape}."
            )
        if charges.shape != (len(positions),):
            raise ValueError(
                f"`charges` must have shape ({len(positions)},), one for each position, "
                f"got {charges.shape}."
            )
        for name, values in (("positions", positions), ("charges", charges)):
            bad = np.argwhere(~np.isfinite(values))
            if len(bad):
                raise ValueError(f"`{name}` holds NaN or infinity, first for particle {bad[0][0]}.")
        if not charges.any():
            raise ValueError("`charges` are all zero: there is no potential to compute.")
        twins = _coincident(positions)
        if twins is not None:
            raise ValueError(
                f"particles {twins[0]} and {twins[1]} are both at {positions[twins[0]].tolist()}, "
                "where their energy is infinite. Merge them into one with the sum of the charges."
            )
        for name, values in (("positions", positions), ("charges", charges)):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.charges)

    def __repr__(self) -> str:
        return f"Particles({len(self)}, total charge {self.total_charge:g} {self.charge_unit})"

    @property
    def total_charge(self) -> float:
        """Sum of the charges."""
        return float(self.charges.sum())

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper corner of the box around all particles."""
        return self.positions.min(axis=0), self.positions.max(axis=0)

    def factor(self, unit: str | None) -> float:
        """What turns ``sum q q / r`` into `unit`: 1 for None, `COULOMB_CONSTANT` for "kcal/mol".

        Raises
        ------
        ValueError
            Another unit, or "kcal/mol" for particles that are not in e and Angstrom.
        """
        if unit is None:
            return 1.0
        if unit != "kcal/mol":
            raise ValueError(f"`unit` must be None (charges^2/length) or 'kcal/mol', got {unit!r}.")
        if (self.length_unit, self.charge_unit) != ("angstrom", "e"):
            raise ValueError(
                "'kcal/mol' needs charges in e and lengths in angstrom, but these particles have "
                f"{self.charge_unit!r} and {self.length_unit!r}."
            )
        return COULOMB_CONSTANT

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        charges: Sequence[float] | NDArray[np.float64] | Table | None = None,
    ) -> Self:
        """Particles from a PQR, PDB, mmCIF or XYZ file, chosen by its suffix; see `readers`.

        Parameters
        ----------
        path : path
            ``.pqr``, ``.pdb`` or ``.ent``, ``.cif`` or ``.mmcif`` (also with ``.gz``), ``.xyz``.
        charges : sequence of float, or table
            Needed for all but PQR, which carries them: one number for each atom of the first model
            in the order of the file, or a table ``{(residue, atom): charge}``; in XYZ files, which
            know no residues, the keys are ``("*", element)``.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ImportError
            PDB and mmCIF need gemmi, the extra ``chem``.
        ValueError
            An unknown suffix, a line that does not parse (its number is named), charges that are
            missing, or given for a file that has its own.
        """
        from rankloom.physics.potentials.readers import read

        positions, found = read(Path(path), charges)
        return cls(positions, found)


def _numbers(name: str, values: Any) -> NDArray[np.float64]:
    """An own copy in double precision."""
    found = np.array(values, order="C")
    if found.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must hold real numbers, got {found.dtype}.")
    return found.astype(np.float64, copy=False)


def _coincident(positions: NDArray[np.float64]) -> tuple[int, int] | None:
    """Two particles in exactly the same place, if there are any."""
    order = np.lexsort(positions.T)
    same = np.flatnonzero((positions[order[1:]] == positions[order[:-1]]).all(axis=1))
    if len(same) == 0:
        return None
    i, j = sorted((int(order[same[0]]), int(order[same[0] + 1])))
    return i, j
