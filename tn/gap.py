"""Cheap signs that another state lies as low as the one found, or a mixture of the two lower.

A ground state that is not unique comes out of DMRG as one member of its multiplet, or as a mixture
of members, and nothing in its energy tells. Two probes find most cases:

* a flip of all spins (rotation by pi about x, y or z, written for any number of levels) that
  commutes with H and moves the state leads to a second state of the same energy: broken symmetries,
  spin multiplets, edge spins;
* where the state is a superposition of two branches, both are seen from the middle bond, and the
  second eigenvalue there is as low as the first (`rankloom.tn.dmrg`).

Where tunnelling between the branches is weak but not negligible, a sweep that sits in one branch
hardly sees the other, and stops above the ground state, which is a superposition. The flip shows
the way out: the best mixture of the state and its image is a two by two problem.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rankloom.tn import contract
from rankloom.tn.arrays import Array, like, namespace
from rankloom.tn.channels import Host


class Image(NamedTuple):
    """A state turned by a flip that commutes with H."""

    tensors: list[Array]
    overlap: complex
    """``<psi|P psi>``."""


def flips(d: int) -> list[NDArray[np.float64]]:
    """Rotations of a spin of d levels by pi about x, z and y, up to a phase; real (d, d) matrices.

    Examples
    --------
    >>> flips(2)[2]
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    reverse = np.eye(d)[::-1].copy()
    signs = np.diag((-1.0) ** np.arange(d))
    return [reverse, signs, reverse @ signs]


def images(state: Sequence[Array], operator: Sequence[Host]) -> list[Image]:
    """The images of a state of norm one under the flips that commute with H and do move it."""
    xp, found, unmoved = namespace(*state), [], 0
    for which in range(3):
        if unmoved == 2:  # the third flip is the product of the others
            break
        matrices = [flips(w.shape[1])[which] for w in operator]
        if not _commutes(operator, matrices):
            continue
        moved = [
            xp.astype(like(a, p, a.dtype) @ a, a.dtype)
            for p, a in zip(matrices, state, strict=True)
        ]
        overlap = complex(contract.overlap(state, moved))
        if abs(overlap) ** 2 < 1.0 - 1e-3:
            found.append(Image(moved, overlap))
        else:
            unmoved += 1
    return found


def gap_bound(
    turned: Sequence[Image], variance: float, others: Sequence[Sequence[Array]] = ()
) -> float:
    """Bound of the gap above the state that its images give; inf when they give none.

    Parameters
    ----------
    turned : sequence of Image
    variance : float
        ``<H^2> - <H>^2`` of the state.
    others : sequence of sequences of array
        States of norm one that do not count as second ones.

    Notes
    -----
    Let P commute with H, ``o = <psi|P psi>``, ``E = <H>``. The part of P psi orthogonal to psi has
    the norm ``r = sqrt(1 - |o|^2)`` and the energy ``E - 2 Re(o* <psi|(H - E) P psi>) / r^2``,
    which differs from E by at most ``2 |o| sqrt(variance) / r``.
    """
    best = math.inf
    for image in turned:
        o = abs(image.overlap)
        known = sum(abs(complex(contract.overlap(x, image.tensors))) ** 2 for x in others)
        rest = 1.0 - o**2 - known
        if rest > 1e-3:
            best = min(best, 2 * o * math.sqrt(variance / rest))
    return best


def best_mixture(
    state: Sequence[Array],
    turned: Sequence[Image],
    operator: Sequence[Host],
    energy: float,
    bars: Sequence[tuple[float, Sequence[Array]]] = (),
) -> tuple[float, list[Array]] | None:
    """Lowest energy in the planes of the state and one image each, and that superposition.

    Parameters
    ----------
    state : sequence of array
        Norm one.
    turned : sequence of Image
    operator : sequence of array
        H, on the host.
    energy : float
        ``<H>``, of the state and so of its images.
    bars : sequence of (weight, tensors)
        ``weight |phi><phi|`` counts as part of the energy.

    Returns
    -------
    energy, tensors
        The bonds are twice as wide, the norm is one. None without images.
    """
    best = None
    for moved, o in turned:
        h = complex(contract.operator_expectation(moved, operator, state))
        form = np.array([[energy, h], [np.conj(h), energy]])
        for weight, phi in bars:
            seen = np.array([complex(contract.overlap(phi, x)) for x in (state, moved)])
            form = form + weight * np.outer(seen.conj(), seen)
        # Columns: psi, and the part of P psi orthogonal to it.
        r = math.sqrt(1.0 - abs(o) ** 2)
        basis = np.array([[1.0, -o / r], [0.0, 1.0 / r]])
        values, vectors = np.linalg.eigh(basis.conj().T @ form @ basis)
        if best is None or values[0] < best[0]:
            best = float(values[0]), basis @ vectors[:, 0], moved
    if best is None:
        return None
    low, (x, y), moved = best
    x, y = (z.real if abs(z.imag) < 1e-14 else z for z in (complex(x), complex(y)))
    return low, contract.add([x * state[0], *state[1:]], [y * moved[0], *moved[1:]])


def _commutes(operator: Sequence[Host], flip: list[NDArray[np.float64]]) -> bool:
    """Whether ``P H P^T`` equals H, to rounding."""
    flipped = [p @ w.transpose(0, 3, 1, 2) @ p.T for p, w in zip(flip, operator, strict=True)]
    flipped = [np.ascontiguousarray(w.transpose(0, 2, 3, 1)) for w in flipped]
    root = [math.sqrt(w.shape[1]) for w in operator]
    a = [(w / r).reshape(w.shape[0], -1, w.shape[3]) for w, r in zip(operator, root, strict=True)]
    b = [(w / r).reshape(w.shape[0], -1, w.shape[3]) for w, r in zip(flipped, root, strict=True)]
    size = abs(complex(contract.overlap(a, a)))
    if abs(complex(contract.overlap(a, b)) - size) > 1e-10 * size:
        return False
    # The overlap is blind to differences below 1e-5; the norm of the difference is not.
    difference = contract.add(a, [-b[0], *b[1:]])
    center = difference[0]
    for site in difference[1:]:
        r = np.linalg.qr(center.reshape(-1, center.shape[2]), mode="r")
        center = np.tensordot(r, site, 1)
    eps = float(np.finfo(center.dtype).eps)
    return bool(np.linalg.norm(center) <= eps**0.75 * math.sqrt(size))
