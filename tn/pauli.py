"""Pauli matrices by letter."""

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
