"""Madelung constants: finite sums over all ions, and the limits known from Ewald sums."""

import numpy as np
import pytest

from rankloom.physics import madelung


def evjen(half_width):
    """Sum over all ions of the cube, one by one, weights 1/2 for each face an ion lies on."""
    i = np.arange(-half_width, half_width + 1)
    weight = (-1.0) ** i * np.where(abs(i) == half_width, 0.5, 1.0)
    r = np.sqrt(i[:, None, None] ** 2 + i[:, None] ** 2 + i**2)
    r[half_width, half_width, half_width] = np.inf
    return float(np.einsum("i,j,k,ijk->", weight, weight, weight, 1 / r))


@pytest.mark.parametrize("half_width", [1, 2, 4, 8, 16, 32])
def test_rock_salt_is_the_sum_over_all_ions(half_width):
    assert abs(madelung("NaCl", half_width) - evjen(half_width)) < 1e-11


def test_published_evjen_sums():
    # the figures found by direct sums, twelve digits
    assert abs(madelung("NaCl", half_width=8) + 1.747574381726) < 1e-11
    assert abs(madelung(structure="NaCl", half_width=32, tol=1e-11) + 1.747564632870) < 1e-11


@pytest.mark.parametrize(
    "structure, limit, constant",
    [  # converging as L^-4, L^-2, L^-2
        ("NaCl", -1.747564594633, (4, 0.041)),
        ("CsCl", -1.762674773071, (2, 0.084)),
        ("ZnS", -1.638055053389, (2, 0.011)),
    ],
)
def test_the_limit_of_large_crystals(structure, limit, constant):
    power, factor = constant
    for half_width in (8, 16, 32):
        assert abs(madelung(structure, half_width) - limit) < factor / half_width**power


def test_sites_of_ones_own():
    # NaCl as a cell of eight ions, in its edge: twice the nearest-neighbour distance
    fcc = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    cell = [(x, 1) for x in fcc] + [(((x[0] + 0.5) % 1, x[1], x[2]), -1) for x in fcc]
    assert abs(madelung(cell, 8) / 2 - madelung("NaCl", 16)) < 1e-10
    # an anion is in the same place as a cation
    assert abs(madelung(cell[4:] + cell[:4], 8) - madelung(cell, 8)) < 1e-10


@pytest.mark.parametrize(
    "structure, error, word",
    [
        ("KCl", ValueError, "NaCl"),
        ([((0, 0, 0), 1), ((0.5, 0.5, 0.5), -2)], ValueError, "charge -1"),
        ([((0, 0, 0), 1), ((0.5, 0.2, 0.5), -1)], ValueError, "dipole"),
        ([((0, 0, 0), 1), ((1, 0, 0), -1)], ValueError, "same place"),
        ([((0, 0), 1), ((0.5, 0), -1)], ValueError, "triples"),
        ([1, 2], TypeError, "sequence"),
    ],
)
def test_bad_structures(structure, error, word):
    with pytest.raises(error, match=word):
        madelung(structure, 4)


def test_bad_size():
    with pytest.raises(ValueError, match="half_width"):
        madelung("NaCl", 0)
