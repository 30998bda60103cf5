"""Values on regular grids, as OpenDX and HDF5 files for VMD, PyMOL, APBS and the like."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.files import atomic_path
from rankloom.tn.hdf5 import reading, writing

VERSION = 1
_FORMAT = "rankloom.grid"
_UNIT = "# unit: "


@dataclass(frozen=True, eq=False)
class RegularGrid:
    """Values at ``origin + (i, j, k) * spacing``.

    Parameters
    ----------
    values : (n_0, n_1, n_2) array_like
    origin, spacing : three floats
        In the unit of length.
    unit : str
        Of the values, as "e/angstrom".

    Raises
    ------
    ValueError
        Values without three axes, an origin that is not finite, or a spacing that is not positive.

    Examples
    --------
    >>> grid = RegularGrid(np.zeros((2, 3, 4)), (0, 0, 0), (0.5, 0.5, 0.5), "e/angstrom")
    >>> grid.axes[2].tolist()
    [0.0, 0.5, 1.0, 1.5]
    """

    values: NDArray[np.float64]
    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    unit: str

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float64, order="C")
        if values.ndim != 3 or values.size == 0:
            raise ValueError(f"`values` must have three axes, got shape {values.shape}.")
        origin, spacing = (tuple(map(float, x)) for x in (self.origin, self.spacing))
        if len(origin) != 3 or not np.isfinite(origin).all():
            raise ValueError(f"`origin` must be three finite numbers, got {self.origin}.")
        if len(spacing) != 3 or not all(0 < h < np.inf for h in spacing):
            raise ValueError(f"`spacing` must be three positive numbers, got {self.spacing}.")
        if "\n" in self.unit:
            raise ValueError("`unit` must be one line.")
        values.flags.writeable = False
        for name, value in (("values", values), ("origin", origin), ("spacing", spacing)):
            object.__setattr__(self, name, value)

    @property
    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates along x, y and z."""
        x, y, z = (
            start + step * np.arange(n)
            for start, step, n in zip(self.origin, self.spacing, self.values.shape, strict=True)
        )
        return x, y, z

    def write_opendx(self, path: str | os.PathLike[str]) -> None:
        """Write an OpenDX file of regular positions, z fastest, three values a line.

        The unit stands in a comment. Seven digits are written, as APBS does; values that are not
        finite (a grid point on a charge) are refused, for readers stumble over them.

        Raises
        ------
        FileNotFoundError
            The folder does not exist.
        ValueError
            A value is not finite.
        """
        if not np.isfinite(self.values).all():
            at = np.argwhere(~np.isfinite(self.values))[0].tolist()
            raise ValueError(
                f"the value at grid point {at} is not finite (a charge stands there); OpenDX files "
                "cannot hold it. Shift the grid by a fraction of its spacing."
            )
        counts = " ".join(map(str, self.values.shape))
        deltas = "".join(
            f"delta {' '.join(f'{h:.10g}' if k == axis else '0' for k in range(3))}\n"
            for axis, h in enumerate(self.spacing)
        )
        flat = self.values.ravel()
        rows = flat.size // 3 * 3
        with atomic_path(path) as draft, draft.open("w", encoding="ascii", errors="replace") as f:
            f.write(
                f"# written by rankloom\n{_UNIT}{self.unit}\n"
                f"object 1 class gridpositions counts {counts}\n"
                f"origin {' '.join(f'{x:.10g}' for x in self.origin)}\n{deltas}"
                f"object 2 class gridconnections counts {counts}\n"
                f"object 3 class array type double rank 0 items {flat.size} data follows\n"
            )
            np.savetxt(f, flat[:rows].reshape(-1, 3), fmt="%.6e")
            if rows < flat.size:
                f.write(" ".join(f"{v:.6e}" for v in flat[rows:]) + "\n")
            f.write(
                'attribute "dep" string "positions"\n'
                'object "regular positions regular connections" class field\n'
                'component "positions" value 1\ncomponent "connections" value 2\n'
                'component "data" value 3\n'
            )

    @classmethod
    def read_opendx(cls, path: str | os.PathLike[str]) -> Self:
        """Read an OpenDX file of regular positions whose axes are those of space.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file; or one of another kind, the line is named.
        """
        file = Path(path)
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {str(path)!r}.")
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        unit, counts, origin, deltas, start = "unknown", None, None, [], None
        for number, line in enumerate(lines):
            fields = line.split()
            try:
                if line.startswith(_UNIT):
                    unit = line.removeprefix(_UNIT).strip()
                elif "gridpositions" in fields:
                    counts = [int(n) for n in fields[-3:]]
                elif fields[:1] == ["origin"]:
                    origin = [float(x) for x in fields[1:4]]
                elif fields[:1] == ["delta"]:
                    deltas.append([float(x) for x in fields[1:4]])
                elif fields[-2:] == ["data", "follows"]:
                    start = number + 1
                    break
            except ValueError as err:
                raise ValueError(f"{file.name}, line {number + 1}: {err}.") from err
        if counts is None or origin is None or len(deltas) != 3 or start is None:
            raise ValueError(f"{file.name} is no OpenDX file of regular positions.")
        step = np.array(deltas)
        if (step != np.diag(np.diag(step))).any():
            raise ValueError(f"{file.name} has a skew grid; only grids along x, y, z are read.")
        values = _values(file.name, lines, start, counts)
        (x, y, z), (a, b, c) = origin, np.diag(step).tolist()
        return cls(values, (x, y, z), (a, b, c), unit)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file: data set ``values``, attributes ``origin``, ``spacing``, ``unit``.

        Raises
        ------
        FileNotFoundError
            The folder does not exist.
        """
        with writing(path, _FORMAT, VERSION) as file:
            file.create_dataset("values", data=self.values, compression="gzip", shuffle=True)
            for name in ("origin", "spacing", "unit"):
                file.attrs[name] = getattr(self, name)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file; not HDF5, of another format or of an unknown version.
        """
        with reading(path, _FORMAT, VERSION, "Grids", "`RegularGrid.save`") as file:
            attributes = (file.attrs[name] for name in ("origin", "spacing", "unit"))
            return cls(np.asarray(file["values"]), *attributes)


def _values(name: str, lines: list[str], start: int, counts: list[int]) -> NDArray[np.float64]:
    """The numbers from line `start` on."""
    wanted, numbers = int(np.prod(counts)), list[Any]()
    for number, line in enumerate(lines[start:], start + 1):
        if len(numbers) >= wanted or line.startswith(("attribute", "object", "component")):
            break
        try:
            numbers += [float(x) for x in line.split()]
        except ValueError:
            raise ValueError(f"{name}, line {number}: numbers are wanted, got {line!r}.") from None
    if len(numbers) != wanted:
        raise ValueError(f"{name} holds {len(numbers)} values; its grid has {wanted}.")
    return np.array(numbers).reshape(counts)
