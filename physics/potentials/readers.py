"""Positions and charges from files of molecules.

PQR files carry charges. PDB, mmCIF (through gemmi) and XYZ files do not: they come as one number
for each atom, or from a table ``{(residue, atom): charge}`` in which ``"*"`` stands for any residue
or any atom. The most specific entry counts: ``(residue, atom)``, then ``("*", atom)``, then
``(residue, "*")``, then ``("*", "*")``. An atom that no entry covers is an error, since a charge
that is silently zero spoils every figure that follows.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Found = tuple[NDArray[np.float64], NDArray[np.float64]]

_RESIDUE_NUMBER = re.compile(r"-?\d+[A-Za-z]?$")
_STRUCTURES = (".pdb", ".ent", ".cif", ".mmcif")


def read(path: Path, charges: Any) -> Found:
    """Positions and charges by the suffix of a file; see `rankloom.physics.Particles.read`."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    suffix = Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()
    if suffix == ".pqr":
        if charges is not None:
            raise ValueError("a PQR file has charges of its own; leave `charges` out.")
        return read_pqr(path)
    if suffix == ".xyz":
        return _with_charges(*read_xyz(path), charges, path)
    if suffix in _STRUCTURES:
        return _with_charges(*read_structure(path), charges, path)
    raise ValueError(
        f"{path.name!r} has no known suffix; known are .pqr, .xyz, {', '.join(_STRUCTURES)}."
    )


def read_pqr(path: Path) -> Found:
    """Positions and charges of a PQR file: fields between blanks, as PDB2PQR and APBS write them.

    ATOM and HETATM lines end with x, y, z, charge and radius; five names or numbers at least stand
    in front of them. All other lines are passed over; a file of several models is read to the end
    of the first.

    Raises
    ------
    ValueError
        A line that does not parse, named by its number; or no atoms.
    """
    rows = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split()
            if fields and fields[0] == "ENDMDL":
                break
            if not fields or not line.startswith(("ATOM", "HETATM")):
                continue
            try:
                values = [float(field) for field in fields[-5:]]
            except ValueError:
                values = []
            named = len(fields) in (10, 11) and _RESIDUE_NUMBER.match(fields[-6])
            if not named or len(values) != 5 or not np.isfinite(values).all():
                raise ValueError(
                    f"{path.name}, line {number}: wanted are the fields of an atom, 'ATOM serial "
                    f"atom residue [chain] number x y z charge radius', got {line.strip()!r}."
                )
            rows.append(values)
    if not rows:
        raise ValueError(f"{path.name} holds no ATOM or HETATM line.")
    table = np.array(rows)
    return table[:, :3], table[:, 3]


def read_xyz(path: Path) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """Positions and names of the first frame of an XYZ file; there are no residues.

    Raises
    ------
    ValueError
        The first line is not the number of atoms, a line does not parse (its number is named), or
        the file ends early.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        n = int(lines[0]) if lines else 0
    except ValueError:
        n = 0
    if n < 1:
        raise ValueError(f"{path.name}, line 1: the number of atoms is wanted, got {lines[:1]}.")
    if len(lines) < n + 2:
        raise ValueError(f"{path.name} ends after {len(lines)} lines; {n} atoms need {n + 2}.")
    positions, names = [], []
    for number, line in enumerate(lines[2 : n + 2], 3):
        fields = line.split()
        try:
            positions.append([float(field) for field in fields[1:4]])
        except ValueError:
            positions.append([])
        if len(positions[-1]) != 3:
            raise ValueError(
                f"{path.name}, line {number}: an element and x, y, z are wanted, got {line!r}."
            )
        names.append(("*", fields[0]))
    return np.array(positions), names


def read_structure(path: Path) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """Positions and (residue, atom) names of the first model of a PDB or mmCIF file.

    Of alternative places of an atom the first one is taken; water and ligands count as they stand.

    Raises
    ------
    ImportError
        gemmi is not installed.
    ValueError
        gemmi cannot read the file, or finds no atoms.
    """
    try:
        import gemmi
    except ImportError as err:
        raise ImportError("PDB and mmCIF files need gemmi: install the extra `chem`.") from err
    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError) as err:
        raise ValueError(f"{path.name} cannot be read: {err}") from err
    positions, names = [], []
    for chain in structure[0] if len(structure) else ():
        for residue in chain:
            seen = set()
            for atom in residue:
                if atom.name in seen and atom.altloc != "\0":
                    continue
                seen.add(atom.name)
                positions.append(atom.pos.tolist())
                names.append((residue.name, atom.name))
    if not positions:
        raise ValueError(f"{path.name} holds no atoms.")
    return np.array(positions), names


def _with_charges(
    positions: NDArray[np.float64], names: Sequence[tuple[str, str]], charges: Any, path: Path
) -> Found:
    if charges is None:
        raise ValueError(
            f"{path.name} carries no charges: give `charges`, one for each of {len(names)} atoms, "
            "or a table {(residue, atom): charge}."
        )
    if not isinstance(charges, Mapping):
        given = np.asarray(charges, np.float64)
        if given.shape != (len(names),):
            raise ValueError(
                f"`charges` must have shape ({len(names)},), one for each atom of {path.name}, "
                f"got {given.shape}."
            )
        return positions, given
    found, missing = np.empty(len(names)), dict[tuple[str, str], None]()
    for i, (residue, atom) in enumerate(names):
        keys = ((residue, atom), ("*", atom), (residue, "*"), ("*", "*"))
        known = [charges[key] for key in keys if key in charges]
        if known:
            found[i] = known[0]
        else:
            missing[residue, atom] = None
    if missing:
        shown = ", ".join(map(str, list(missing)[:5])) + (", .." if len(missing) > 5 else "")
        raise ValueError(
            f"`charges` has no entry for {shown} of {path.name}. Add them, or ('*', '*') for all "
            "others."
        )
    return positions, found
