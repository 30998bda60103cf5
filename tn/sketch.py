"""Randomised rounding: sketch the left parts, then orthonormalise from the right.

A random tensor train of bond p, contracted with the left parts of all bonds, shows which directions
of a bond matter. One sweep back projects each bond on what the sketch has seen: a QR factorisation
of a ``(d p, p)`` matrix a site instead of any of the size of the bond [1]_. For an operator applied
to a state this is the idea of [2]_.

References
----------
.. [1] H. Al Daas et al., arXiv:2110.04393 ("randomize-then-orthogonalize").
.. [2] C. Camaño, E. N. Epperly, J. A. Tropp, arXiv:2504.06475.
"""

import numpy as np

from rankloom.tn.arrays import Array, like, qr
from rankloom.tn.combination import Combination


def project(source: Combination, width: int, rng: np.random.Generator) -> list[Array]:
    """A state close to `source` with bonds of at most `width`, right-orthonormal but for site 0.

    It is an orthogonal projection of `source`: squared norms subtract.

    Notes
    -----
    ``O(n d b D p)`` for bonds b of `source` made of states of bond D, and p = `width`. Memory: the
    sketches, ``16 n b p`` bytes in complex128.
    """
    xp = source.xp
    sketches = _sketches(source, width, rng)
    out = []
    carry = source.last
    for k in range(source.n_sites - 1, 0, -1):
        d = source.dimension(k)
        c = source.pull(k, carry)
        q, _ = qr((sketches[k] @ c).mT)  # rows of q^T are orthonormal
        basis = q.mT
        out.append(xp.reshape(basis, (basis.shape[0], d, -1)))
        carry = c @ xp.conj(basis).mT
    first = source.first @ source.pull(0, carry)
    out.append(xp.reshape(first, (1, source.dimension(0), -1)))
    return out[::-1]


def _sketches(source: Combination, width: int, rng: np.random.Generator) -> list[Array]:
    """Left parts of the bonds 0 .. n - 1 times a random tensor train, ``(p, bond)`` each.

    The numbers are drawn on the host, so that they are the same on every device.
    """
    xp = source.xp
    pair = xp.isdtype(source.first.dtype, "complex floating")
    sketches = [source.first]
    for k in range(source.n_sites - 1):
        grown = source.push(k, sketches[-1])
        rows = grown.shape[0]
        numbers = rng.standard_normal((min(width, rows), rows, 1 + pair))
        mixed = numbers.view(complex)[..., 0] if pair else numbers[..., 0]
        sketch = like(grown, mixed, grown.dtype) @ grown
        size = float(xp.linalg.vector_norm(sketch))
        sketches.append(sketch * (1.0 / size) if size > 0.0 else sketch)
    return sketches
