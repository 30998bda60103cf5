"""Products, traces and norms of matrix product operators, on their site tensors.

Operators are ``W (left, out, in, right)``, states ``A (left, physical, right)``. *Flattened* means
with out and in as one leg and every tensor divided by ``sqrt(d)``: a state whose norm is the
Frobenius norm of the operator relative to that of the identity, however long the chain.
"""

import math
from collections.abc import Sequence

from rankloom.tn.arrays import Array, like, namespace, same_dtype, triangle
from rankloom.tn.gauge import canonicalize


def on_state(operator: Sequence[Array], state: Sequence[Array]) -> list[Array]:
    """Tensors of ``O |psi>``, bonds (operator, state) fused. O(n d^2 w^2 D^2) time and memory."""
    operator, state = _alike(operator, state)
    return [_site_on_site(w, a) for w, a in zip(operator, state, strict=True)]


def product(a: Sequence[Array], b: Sequence[Array]) -> list[Array]:
    """Tensors of the operator ``A B``, bonds fused."""
    xp = namespace(*b)
    flat = [xp.reshape(t, (t.shape[0], -1, t.shape[3])) for t in b]
    out = []
    for w, t in zip(a, on_state(a, flat), strict=True):
        d = w.shape[1]
        out.append(xp.reshape(t, (t.shape[0], d, d, -1)))
    return out


def _site_on_site(w: Array, a: Array) -> Array:
    """``sum_t W[v, s, t, v'] A[l, t .., r]`` with legs (v l, s .., v' r)."""
    xp = namespace(w, a)
    v, out, into, after = w.shape
    left, wide, right = a.shape  # the middle leg is (in, spectators)
    rest = wide // into
    matrix = xp.reshape(xp.permute_dims(w, (0, 1, 3, 2)), (-1, into))
    column = xp.reshape(xp.permute_dims(xp.reshape(a, (left, into, -1)), (1, 0, 2)), (into, -1))
    both = xp.reshape(matrix @ column, (v, out, after, left, rest, right))
    both = xp.permute_dims(both, (0, 3, 1, 4, 2, 5))
    return xp.reshape(both, (v * left, out * rest, after * right))


def adjoint(operator: Sequence[Array]) -> list[Array]:
    """Tensors of the Hermitian conjugate."""
    xp = namespace(*operator)
    return [xp.conj(xp.permute_dims(w, (0, 2, 1, 3))) for w in operator]


def trace(operator: Sequence[Array]) -> Array:
    """``tr O``, 0-d."""
    xp = namespace(*operator)
    row = xp.ones_like(xp.reshape(operator[0], (-1,))[:1])
    for w in operator:
        diagonal = xp.linalg.trace(xp.permute_dims(w, (0, 3, 1, 2)))
        row = row @ diagonal
    return row[0]


def flatten(operator: Sequence[Array]) -> list[Array]:
    """The flattened operator: tensors (left, out in, right)."""
    xp = namespace(*operator)
    return [
        xp.reshape(w, (w.shape[0], -1, w.shape[3])) * (1 / math.sqrt(w.shape[1])) for w in operator
    ]


def unflatten(tensors: Sequence[Array]) -> list[Array]:
    """What `flatten` was given."""
    xp = namespace(*tensors)
    out = []
    for t in tensors:
        d = math.isqrt(t.shape[1])
        out.append(xp.reshape(t, (t.shape[0], d, d, -1)) * math.sqrt(d))
    return out


def state_norm(tensors: Sequence[Array]) -> float:
    """Norm by orthogonal factorisation: exact to rounding, also where much cancels."""
    last = canonicalize(tensors, len(tensors) - 1)[-1]
    return float(namespace(last).linalg.vector_norm(last))


def image_norm(operator: Sequence[Array], state: Sequence[Array]) -> float:
    """``|O psi|`` without forming ``O |psi>``.

    Only the triangular factor of a QR sweep is carried along, so that the result is exact to
    rounding *relative to* ``|O psi|``, where ``<psi|O^2|psi>`` loses half of the digits. O(n d
    w^3 D^3) time, O(d w^2 D^2) memory.
    """
    operator, state = _alike(operator, state)
    xp = namespace(*state)
    carry = xp.reshape(xp.ones_like(xp.reshape(state[0], (-1,))[:1]), (1, 1, 1))
    for w, a in zip(operator, state, strict=True):
        (rows, bond, left), (_, out, into, after), right = carry.shape, w.shape, a.shape[2]
        half = xp.reshape(carry, (rows * bond, left)) @ xp.reshape(a, (left, -1))
        half = xp.reshape(half, (rows, bond * into, right))
        matrix = xp.reshape(xp.permute_dims(w, (1, 3, 0, 2)), (out * after, bond * into))
        carry = triangle(xp.reshape(matrix @ half, (rows * out, after * right)))
        carry = xp.reshape(carry, (-1, after, right))
    return float(xp.linalg.vector_norm(carry))


def _alike(a: Sequence[Array], b: Sequence[Array]) -> list[list[Array]]:
    """Both in the array library of `b` and in one data type."""
    return same_dtype([like(b[0], w) for w in a], b)
