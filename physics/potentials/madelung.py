"""Madelung constants by assembled sums of Gaussians over finite crystals.

A lattice sum of Gaussians is a product of three sums along the axes, so that a crystal of (2 L +
1)^3 cells costs one pass over 2 L + 1 numbers for each term of the quadrature: the assembled
canonical sum of V. Khoromskaia and B. Khoromskij, used in arXiv:2503.01696. What is summed is a
finite crystal with Evjen's weights, 1/2 for sites on a face (hence 1/4 on an edge and 1/8 at a
corner), not an Ewald sum: the result is that of the finite crystal, and approaches the constant as
it grows.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.physics.potentials.quadrature import newton_quadrature
from rankloom.tn.checks import integer

Site = tuple[Sequence[float], float]

_FCC = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))


def _shifted(sites: Sequence[Sequence[float]], by: float, charge: float) -> list[Site]:
    return [(tuple(x + by for x in site), charge) for site in sites]


_CSCL: list[Site] = [((0.0, 0.0, 0.0), 1.0), ((0.5, 0.5, 0.5), -1.0)]
_ZNS = _shifted(_FCC, 0.0, 1.0) + _shifted(_FCC, 0.25, -1.0)
_STRUCTURES = {"CsCl": (_CSCL, math.sqrt(3) / 2), "ZnS": (_ZNS, math.sqrt(3) / 4)}


def madelung(
    structure: str | Sequence[Site] = "NaCl", half_width: int = 32, tol: float = 1e-11
) -> float:
    """Potential at an ion of a finite cubic crystal, in charges over nearest-neighbour distances.

    A finite sum with Evjen's weights on the faces, no Ewald summation: for NaCl the distance from
    the limit -1.747564594633.. falls as half_width^-4 (3.8e-8 at 32).

    Parameters
    ----------
    structure : str or sequence of (position, charge)
        "NaCl", "CsCl" or "ZnS" (zincblende); or the sites of a cubic cell, positions in units of
        its edge within 0 <= x < 1. The potential is taken at the first site, relative to its
        charge. The cell must be neutral.
    half_width : int, default 32
        L: the crystal is the cube of half edge L around the ion, in nearest-neighbour distances for
        "NaCl" and in edges of the cell otherwise.
    tol : float, default 1e-11
        Error of the quadrature relative to each term q/r.

    Returns
    -------
    float
        For a list of sites in charges over edges of the cell.

    Raises
    ------
    TypeError, ValueError
        An unknown structure, sites that do not make a neutral cell or coincide, or a half width
        below 1.

    Notes
    -----
    Cost: the number of quadrature terms (about 50) times sites times L; memory 2 L + 1 numbers.
    Where the cell between the cutting planes has a second moment, as in "CsCl" and "ZnS", the
    potential inside a crystal of any size is shifted by ``-2 pi/3 sum q x^2``. This constant
    belongs to the surface; it is taken off, and the rest converges as half_width^-2.

    Examples
    --------
    >>> round(madelung("NaCl", half_width=8), 9)
    -1.747574382
    """
    size = integer("half_width", half_width, 1)
    if structure == "NaCl":
        return _rock_salt(size, tol)
    if isinstance(structure, str):
        if structure not in _STRUCTURES:
            known = ", ".join(["NaCl", *_STRUCTURES])
            raise ValueError(
                f"`structure` must be one of {known} or a list of sites, got {structure!r}."
            )
        sites, neighbour = _STRUCTURES[structure]
        return _crystal(*_checked(sites), size, tol) * neighbour
    return _crystal(*_checked(structure), size, tol)


def _rock_salt(size: int, tol: float) -> float:
    """Charges (-1)^(i+j+k) factorise as a whole: one product for each term."""
    i = np.arange(-size, size + 1)
    rule = newton_quadrature(max(1e-3 * tol, 1e-15), 1.0, math.sqrt(3) * size)
    signs = (-1.0) ** i * _evjen(i, size)
    axis = np.exp(-np.outer(rule.nodes**2, i**2)) @ signs
    return float(rule.weights @ (axis**3 - 1))


def _crystal(
    positions: NDArray[np.float64], charges: NDArray[np.float64], size: int, tol: float
) -> float:
    """Simple cubic lattices, one for each site, around the first one."""
    offsets = (positions - positions[0]) % 1.0
    _check_dipole(offsets, charges)
    nearest = _nearest(offsets)
    rule = newton_quadrature(max(1e-3 * tol, 1e-15), nearest, math.sqrt(3) * (size + 1))
    total = -charges[0] * float(rule.weights.sum())
    for offset, q in zip(offsets, charges, strict=True):
        product = np.ones(len(rule))
        for x in offset:
            points, weights = _points_on_axis(float(x), size)
            product *= np.exp(-np.outer(rule.nodes**2, points**2)) @ weights
        total += q * float(rule.weights @ product)
    moment = float(charges @ ((offsets - 0.5) ** 2).sum(axis=1))
    return float((total + 2 * math.pi / 3 * moment) / charges[0])


def _check_dipole(offsets: NDArray[np.float64], charges: NDArray[np.float64]) -> None:
    """The cell 0 <= x <= 1, sites on its faces shared between both, must have no dipole."""
    dipole = charges @ np.where(offsets == 0, 0.0, offsets - 0.5)
    if np.abs(dipole).max() > 1e-12 * np.abs(charges).sum():
        raise ValueError(
            f"the cell in `structure` has the dipole {dipole.tolist()} between the planes through "
            "its first site: a finite crystal has a field inside. Choose another first site."
        )


def _points_on_axis(x: float, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates x + i within -size..size, and Evjen's weights."""
    points: NDArray[np.float64] = x + np.arange(-size - 1.0, size + 2.0)
    inside = abs(points) <= size
    kept = points[inside]
    return kept, _evjen(kept, size)


def _evjen(points: NDArray[Any], size: int) -> NDArray[np.float64]:
    return np.where(abs(points) == size, 0.5, 1.0)


def _nearest(offsets: NDArray[np.float64]) -> float:
    """The smallest distance between two sites of the crystal."""
    steps = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    apart = offsets[:, None, None, :] - offsets[None, :, None, :] + steps
    distances = np.linalg.norm(apart, axis=-1)
    smallest = float(distances[distances > 1e-12].min())
    if (distances <= 1e-12).sum() > len(offsets):
        raise ValueError("two sites of `structure` are in the same place.")
    return smallest


def _checked(structure: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        positions = np.array([site[0] for site in structure], np.float64)
        charges = np.array([site[1] for site in structure], np.float64)
    except (TypeError, ValueError, IndexError):
        raise TypeError(
            f"`structure` must be a name or a sequence of ((x, y, z), charge), got {structure!r}."
        ) from None
    if positions.ndim != 2 or positions.shape[1] != 3 or charges.ndim != 1:
        raise ValueError(f"the positions in `structure` must be triples, got {positions.shape}.")
    if not (np.isfinite(positions).all() and np.isfinite(charges).all()) or charges[0] == 0:
        raise ValueError("`structure` holds NaN, infinity, or a first site without charge.")
    total = float(charges.sum())
    if abs(total) > 1e-12 * float(abs(charges).sum()):
        raise ValueError(
            f"the cell in `structure` carries the charge {total:g}, and the potential of a charged "
            "crystal grows without limit. Make it neutral."
        )
    return positions, charges
