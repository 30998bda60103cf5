"""Pauli matrices by letter, and spin matrices."""

import math

import numpy as np
from numpy.typing import NDArray

PAULI: dict[str, NDArray[np.complex128]] = {
    "I": np.array([[1, 0], [0, 1]], complex),
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]], complex),
    "Z": np.array([[1, 0], [0, -1]], complex),
}
for _matrix in PAULI.values():
    _matrix.flags.writeable = False


def pauli(name: str, letters: str) -> list[NDArray[np.complex128]]:
    """One 2 x 2 matrix per letter.

    Raises
    ------
    TypeError, ValueError
        `letters` (the argument called `name`) is not a string of I, X, Y, Z.

    Examples
    --------
    >>> pauli("op", "X")[0].real
    array([[0., 1.],
           [1., 0.]])
    """
    if not isinstance(letters, str):
        raise TypeError(f"`{name}` must be a string of Pauli letters, got {letters!r}.")
    unknown = sorted(set(letters) - set(PAULI))
    if unknown or not letters:
        raise ValueError(f"`{name}` = {letters!r} must consist of the letters I, X, Y, Z.")
    return [PAULI[letter] for letter in letters]


def spin_matrices(spin: float) -> NDArray[np.complex128]:
    """Sx, Sy, Sz of a spin 1/2, 1, 3/2, .., shape (3, d, d) with d = 2 spin + 1; Sz descends.

    Raises
    ------
    ValueError
        `spin` is not a positive multiple of 1/2.

    Examples
    --------
    >>> sx, sy, sz = spin_matrices(1)
    >>> bool(np.allclose(sx @ sy - sy @ sx, 1j * sz)), np.diag(sz).real
    (True, array([ 1.,  0., -1.]))
    """
    if not (spin > 0 and float(2 * spin).is_integer()):
        raise ValueError(f"`spin` must be one of 1/2, 1, 3/2, .., got {spin!r}.")
    m = spin - np.arange(int(2 * spin) + 1)
    raising = np.diag([math.sqrt((spin - x) * (spin + x + 1)) for x in m[1:]], 1)
    return np.stack([(raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)])
