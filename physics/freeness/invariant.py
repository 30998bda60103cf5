"""Trace invariants: what local unitaries cannot change about a random tensor.

==========  =======================================================================================
mixed       ``Tr_s(A) = sum prod_x A[i_x; j_x] prod_{c,x} delta(j^c_x, i^c_{s_c(x)})``, for a matrix
            A with D row indices and D column indices. Unchanged by ``A -> U A U*`` with
            ``U = U_1 x .. x U_D``. One colour and the full cycle give ``Tr A^n``.
pure        The same with ``A[i; j] = T[i] conj(T[j])``, for a tensor T with D indices.
==========  =======================================================================================

Renaming the copies of A conjugates all permutations; the copies of T and of its conjugate can be
renamed independently, ``s_c -> g s_c h``. Invariants are equal when they are the same up to that.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from math import factorial, prod
from typing import Any, Literal, TypeAlias

import numpy as np

from rankloom.physics.freeness import graph
from rankloom.physics.freeness.permutations import (
    Permutation,
    check_permutation,
    common_length,
    identity,
    inverse,
)
from rankloom.tn.checks import integer

Kind: TypeAlias = Literal["mixed", "pure"]


def check_kind(kind: Any) -> Kind:
    """`kind`, after checking that it is "mixed" or "pure"."""
    if kind not in ("mixed", "pure"):
        raise ValueError(
            f"`kind` must be 'mixed' (matrices on a product space) or 'pure' (tensors), "
            f"got {kind!r}."
        )
    checked: Kind = kind
    return checked


class TraceInvariant:
    """A trace invariant, up to the names of its copies.

    Parameters
    ----------
    perms : sequence of D permutations of 0..n-1
        One per colour, as lists of images.
    kind : {"mixed", "pure"}, default "mixed"
        "mixed" for n copies of a matrix on the product of D spaces, "pure" for n copies of a tensor
        with D indices and n of its conjugate.

    Raises
    ------
    TypeError, ValueError
        Not permutations, of several lengths, none, or an unknown kind.

    Notes
    -----
    Equality and hash are those of the canonical form and the kind. The canonical form of a
    connected mixed invariant is the least among the n relabellings by breadth-first walks;
    components follow each other by size, then by images. A pure one is brought to
    ``s_D = identity`` first; its canonical form is that of the D - 1 other permutations as a mixed
    invariant.

    Examples
    --------
    >>> t = TraceInvariant([(1, 2, 0), (2, 0, 1)])  # Tr of the cube of a partial transpose
    >>> t == TraceInvariant([(2, 0, 1), (1, 2, 0)]), t.is_connected, t.is_melonic
    (True, True, False)
    >>> t.einsum
    'adbf,becd,cfae->'
    """

    __slots__ = ("__dict__", "kind", "perms")  # `__dict__` is for cached properties

    perms: tuple[Permutation, ...]
    kind: Kind

    def __init__(self, perms: Iterable[Sequence[int]], kind: Kind = "mixed") -> None:
        if isinstance(perms, (str, bytes)) or not hasattr(perms, "__iter__"):
            raise TypeError(f"`perms` must be a sequence of permutations, got {perms!r}.")
        self.perms = tuple(check_permutation(f"perms[{c}]", s) for c, s in enumerate(perms))
        self.kind = check_kind(kind)
        common_length(self.perms)

    @classmethod
    def _canonical(cls, perms: tuple[Permutation, ...], kind: Kind) -> "TraceInvariant":
        """Adopt permutations known to be a canonical form."""
        self = cls.__new__(cls)
        self.perms, self.kind = perms, kind
        self.__dict__["canonical"] = perms
        return self

    @property
    def D(self) -> int:
        """Number of colours."""
        return len(self.perms)

    @property
    def n(self) -> int:
        """Order: copies of the matrix (or tensor)."""
        return len(self.perms[0])

    @cached_property
    def _conjugated(self) -> tuple[Permutation, ...]:
        """Permutations that relabelling conjugates: for "pure", after gauge fixing, all but s_D."""
        return self.perms if self.kind == "mixed" else graph.gauge(self.perms)[:-1]

    @cached_property
    def _parts(self) -> tuple[tuple[tuple[Permutation, ...], int], ...]:
        """Canonical form and number of automorphisms of each component, in canonical order."""
        perms = self._conjugated or (identity(self.n),)  # pure with one colour: no edge but s_D
        orbits = graph.components(perms)
        found = [graph.canonical_connected(graph.restrict(perms, orbit)) for orbit in orbits]
        return tuple(sorted(found, key=lambda part: (len(part[0][0]), part[0])))

    @cached_property
    def canonical(self) -> tuple[Permutation, ...]:
        """The permutations under canonical names."""
        joined = graph.join([perms for perms, _ in self._parts])
        if self.kind == "mixed":
            return joined
        return (*joined[: self.D - 1], identity(self.n))

    @cached_property
    def components(self) -> tuple["TraceInvariant", ...]:
        """The connected invariants whose product this one is, in canonical order."""
        found = []
        for perms, _ in self._parts:
            if self.kind == "pure":
                perms = (*perms[: self.D - 1], identity(len(perms[0])))
            found.append(TraceInvariant._canonical(perms, self.kind))
        return tuple(found)

    @cached_property
    def is_connected(self) -> bool:
        """Whether this is no product of smaller invariants."""
        return len(graph.components(self._conjugated or (identity(self.n),))) == 1

    @cached_property
    def _bipartite(self) -> tuple[Permutation, ...]:
        """All colours of the bipartite graph: a matrix joins its row and its column vertex."""
        return self.perms if self.kind == "pure" else (*self.perms, identity(self.n))

    @cached_property
    def is_melonic(self) -> bool:
        """Whether removing melons ends at single pairs of vertices.

        For "mixed" the matrix itself is a colour, D + 1 in all. Such invariants are of leading
        order for Gaussian tensors and Wishart matrices. With two colours every invariant passes.
        """
        return graph.melonic_pairing(self._bipartite) is not None

    @cached_property
    def pairing(self) -> Permutation:
        """The pairing eta of a melonic invariant: box or conjugate y with ``eta[y]``.

        The only permutation that maximises ``sum_c #cycles(s_c eta^-1)``, for "mixed" plus
        ``#cycles(eta)``. It belongs to the names of `perms`.

        Raises
        ------
        ValueError
            The invariant is not melonic, or has two colours, where many pairings are as good.
        """
        eta = graph.melonic_pairing(self._bipartite)
        if eta is None or len(self._bipartite) < 3:
            reason = "is not melonic" if eta is None else "has no unique pairing (two colours)"
            raise ValueError(f"{self!r} {reason}; `pairing` needs a melonic one of 3 colours.")
        return eta

    @cached_property
    def automorphisms(self) -> int:
        """Number of relabellings that change nothing: (n!) or (n!)^2 over it is the class size."""
        parts = Counter(self._parts)
        return prod(aut**m * factorial(m) for (_, aut), m in parts.items())

    def partial_transpose(self, colours: int | Iterable[int]) -> "TraceInvariant":
        """The invariant s' with ``Tr_s(A^(T_c)) = Tr_s'(A)``: these permutations are inverted.

        Parameters
        ----------
        colours : int or several
            Colours to transpose, counted from 0.

        Examples
        --------
        >>> cube = TraceInvariant([(1, 2, 0), (1, 2, 0)])  # Tr A^3
        >>> cube.partial_transpose(1).perms
        ((1, 2, 0), (2, 0, 1))
        """
        chosen = self._colours("partial_transpose", colours)
        perms = [inverse(s) if c in chosen else s for c, s in enumerate(self.perms)]
        return TraceInvariant(perms, self.kind)

    def trace_out(self, colours: int | Iterable[int]) -> "TraceInvariant":
        """The invariant of A that equals this one of A with some colours traced out.

        These permutations become the identity.
        """
        chosen = self._colours("trace_out", colours)
        perms = [identity(self.n) if c in chosen else s for c, s in enumerate(self.perms)]
        return TraceInvariant(perms, self.kind)

    def _colours(self, verb: str, colours: int | Iterable[int]) -> set[int]:
        if self.kind == "pure":
            raise ValueError(
                f"`{verb}` acts on matrices; build the mixed invariant of the reduced state."
            )
        listed = colours if isinstance(colours, Iterable) else (colours,)
        chosen = {integer("colours", c, 0) for c in listed}
        if outside := sorted(c for c in chosen if c >= self.D):
            raise ValueError(f"`colours` names {outside}, but the colours are 0..{self.D - 1}.")
        return chosen

    @cached_property
    def einsum(self) -> str:
        """The contraction as `numpy.einsum` subscripts, of n copies of A[i^1 .. i^D, j^1 .. j^D].

        For "pure": of n copies of T, then n copies of its conjugate.
        """
        n = self.n
        rows = [[c * n + x for c in range(self.D)] for x in range(n)]
        columns = [[c * n + s[x] for c, s in enumerate(self.perms)] for x in range(n)]
        if self.kind == "mixed":
            terms = [row + column for row, column in zip(rows, columns, strict=True)]
        else:
            terms = rows + columns
        return ",".join("".join(map(_letter, term)) for term in terms) + "->"

    def evaluate(self, tensor: Any) -> Any:
        """The invariant of one NumPy array.

        Parameters
        ----------
        tensor : array
            ``(N_1, .., N_D, N_1, .., N_D)`` for "mixed", ``(N_1, .., N_D)`` for "pure". Any data
            type that `numpy.einsum` knows, Python integers and Fractions (dtype object) too.

        Examples
        --------
        >>> import numpy as np
        >>> float(TraceInvariant([(1, 2, 0)]).evaluate(np.diag([1.0, 2.0])))
        9.0
        """
        tensor = np.asarray(tensor)
        axes = self.D if self.kind == "pure" else 2 * self.D
        half = tensor.shape[: self.D]
        if tensor.ndim != axes or (self.kind == "mixed" and tensor.shape[self.D :] != half):
            wanted = "D axes" if self.kind == "pure" else "D row axes, then the same D column axes"
            raise ValueError(
                f"`tensor` must have {wanted} for D = {self.D}, got shape {tensor.shape}."
            )
        value = tensor.dtype.type(1) if tensor.dtype != object else 1
        for part in self.components:
            copies = [tensor] * part.n
            if self.kind == "pure":
                copies += [np.conj(tensor)] * part.n
            value = value * np.einsum(part.einsum, *copies, optimize="greedy")
        return value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TraceInvariant):
            return NotImplemented
        return self.kind == other.kind and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash((self.canonical, self.kind))

    def __repr__(self) -> str:
        return f"TraceInvariant({[*self.perms]}, kind={self.kind!r})"


def _letter(index: int) -> str:
    """Letters as einsum takes them; beyond 52, characters that opt_einsum and cotengra take too."""
    if index < 26:
        return chr(ord("a") + index)
    if index < 52:
        return chr(ord("A") + index - 26)
    return chr(140 + index)
