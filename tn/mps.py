"""Matrix product states with open ends.

Site tensors have legs ``(left, physical, right)``::

      |        |        |
    --A0--   --A1--   --A2--          A[k].shape == (D[k], d[k], D[k+1])

=========  ==============================================================
symbol     meaning
=========  ==============================================================
``n``      number of sites, counted from 0 at the left
``D[k]``   bond dimension left of site k; D[0] = D[n] = 1
``d[k]``   physical dimension of site k
cut ``k``  between sites k-1 and k, 0 < k < n: parts the first k sites
centre     site c with left-orthonormal tensors before and
           right-orthonormal ones after it (`rankloom.tn.gauge`)
=========  ==============================================================

``to_dense`` is big-endian (site 0 varies slowest). Qiskit is little-endian; its qubit i is site i,
and the order of bits is turned around in `rankloom.tn.convert` only.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import array_api_compat
import numpy as np
from numpy.typing import ArrayLike

from rankloom.tn import compress, contract, density, entries, gauge, observables
from rankloom.tn.arrays import Array, namespace, one_blas_thread, read_only
from rankloom.tn.chain import Chain
from rankloom.tn.checks import check_tensors, integer, site_index
from rankloom.tn.combination import Combination, Term
from rankloom.tn.compress import Compressed, Rounded
from rankloom.tn.truncation import Truncation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    from rankloom.tn.mpo import MPO

_DENSE_LIMIT = 2**26


@dataclass(frozen=True, eq=False)
class MPS(Chain):
    """Matrix product state with open ends.

    Parameters
    ----------
    tensors : sequence of (D[k], d[k], D[k+1]) array
        Of one array library. Copied, brought to one data type (float32, float64, complex64 or
        complex128; integers become float64), and read-only from then on.
    center : int, optional
        Orthogonality centre, when the tensors are in canonical form.

    Raises
    ------
    TypeError, ValueError
        Tensors that are not numeric or finite or do not fit together; a `center` about which the
        tensors are not orthonormal.

    Examples
    --------
    >>> bell = MPS.from_dense([1, 0, 0, 1]).normalize()
    >>> bell.bond_dimensions
    (1, 2, 1)
    >>> round(bell.expectation("ZZ", (0, 1)), 12)
    1.0
    """

    center: int | None = None
    _kind: ClassVar[str] = "MPS"

    def __post_init__(self) -> None:
        tensors = check_tensors("tensors", self.tensors, "(left, physical, right)")
        object.__setattr__(self, "tensors", tensors)
        if self.center is not None:
            center = site_index("center", self.center, self.n_sites)
            object.__setattr__(self, "center", center)
            xp = namespace(*tensors)
            error = gauge.orthonormality_error(tensors, center)
            if error > float(xp.finfo(tensors[0].dtype).eps) ** 0.6:
                raise ValueError(
                    f"the tensors are not orthonormal about `center` = {center} (they miss it by "
                    f"{error:.1e}). Leave `center` out and call `canonicalize({center})`."
                )

    @classmethod
    def _adopt(cls, tensors: Sequence[Array], center: int | None = None) -> Self:
        """Take arrays over unchecked: they must not be changed by anyone afterwards."""
        new = object.__new__(cls)
        object.__setattr__(new, "tensors", read_only(tensors))
        object.__setattr__(new, "center", center)
        return new

    # Ways to make one ---------------------------------------------------------------------------

    @classmethod
    def product(cls, sites: str | Sequence[ArrayLike]) -> Self:
        """Product state of norm one, complex128.

        Parameters
        ----------
        sites : str or sequence of (d,) array_like
            Bits, site 0 first, or one vector per site; vectors are normalised.

        Examples
        --------
        >>> MPS.product("01").to_dense().real
        array([0., 1., 0., 0.])
        """
        if isinstance(sites, str):
            if set(sites) - {"0", "1"}:
                raise ValueError(
                    f"`sites` = {sites!r} must consist of 0 and 1; for other states pass a list "
                    "of vectors."
                )
            vectors = [np.eye(2, dtype=complex)[int(bit)] for bit in sites]
        else:
            vectors = [np.array(v, dtype=complex) for v in sites]
        for k, v in enumerate(vectors):
            if v.ndim != 1 or not np.isfinite(v).all() or not np.any(v):
                raise ValueError(
                    f"`sites[{k}]` must be a finite vector other than 0, got {sites[k]!r}."
                )
        if not vectors:
            raise ValueError("`sites` is empty; a state needs at least one site.")
        return cls._adopt([(v / np.linalg.norm(v)).reshape(1, -1, 1) for v in vectors], 0)

    @classmethod
    def random(
        cls, n: int, bond: int, *, d: int = 2, rng: np.random.Generator | int | None = None
    ) -> Self:
        """Random state of norm one: Gaussian tensors, brought to canonical form; complex128.

        Parameters
        ----------
        n : int
            Number of sites.
        bond : int
            Largest bond dimension; near the ends it is what `d` allows.
        d : int, default 2
            Physical dimension.
        rng : Generator, seed or None
        """
        n, bond, d = integer("n", n, 1), integer("bond", bond, 1), integer("d", d, 1)
        rng = np.random.default_rng(rng)
        bonds = [min(bond, d ** min(k, n - k, 64)) for k in range(n + 1)]
        # Entries of this size give an expected squared norm of one, however long the chain.
        tensors = [
            rng.standard_normal((dl, d, dr, 2)).view(complex)[..., 0] / math.sqrt(2 * d * dr)
            for dl, dr in itertools.pairwise(bonds)
        ]
        return cls._adopt(tensors).canonicalize(0).normalize()

    @classmethod
    def from_dense(
        cls, vector: ArrayLike | Array, max_bond: int | None = None, cutoff: float = 0.0, d: int = 2
    ) -> Self:
        """State from a dense vector, big-endian; exact by default.

        Parameters
        ----------
        vector : (d**n,) array
        max_bond, cutoff
            As in `compress`. The norm is kept, but for what truncation takes: the relative
            truncation error is ``1 - state.norm()**2 / norm(vector)**2``.
        d : int, default 2
            Physical dimension of every site.
        """
        d = integer("d", d, 2)
        truncation = Truncation(max_bond, cutoff)
        given: Array = vector
        if not array_api_compat.is_array_api_obj(given):
            given = np.asarray(given)
        size = math.prod(given.shape)
        n = round(math.log(max(size, 1), d))
        if len(given.shape) != 1 or n < 1 or d**n != size:
            raise ValueError(
                f"`vector` must have shape (d**n,) with d = {d}, got {tuple(given.shape)}."
            )
        [checked] = check_tensors("vector", [given[None, :, None]], "(left, physical, right)")
        with one_blas_thread(math.isqrt(size)):
            tensors, _ = compress.from_dense(checked[0, :, 0], [d] * n, truncation)
        return cls._adopt(tensors, n - 1)

    @classmethod
    def from_qiskit(
        cls,
        source: "QuantumCircuit | Statevector",
        max_bond: int | None = None,
        cutoff: float = 0.0,
    ) -> Self:
        """State of a Qiskit `Statevector`, or that a `QuantumCircuit` prepares from ``|0..0>``.

        See `rankloom.tn.convert.from_qiskit`. What truncation took is ``1 - norm()**2``.
        """
        from rankloom.tn.convert import from_qiskit

        return cls._adopt(*from_qiskit(source, Truncation(max_bond, cutoff)))

    # Numbers --------------------------------------------------------------------------------------

    def norm(self) -> float:
        """Euclidean norm."""
        if self.center is not None:
            site = self.tensors[self.center]
            return float(namespace(site).linalg.vector_norm(site))
        return math.sqrt(max(0.0, self.overlap(self).real))

    def overlap(self, other: "MPS") -> complex:
        """``<self|other>``, conjugating self. O(n d D^3)."""
        self._check_partner(other)
        with one_blas_thread(max(self.bond_dimensions)):
            return complex(contract.overlap(self.tensors, other.tensors))

    def expectation(self, op: "str | MPO", sites: int | Sequence[int] | None = None) -> Any:
        """``<self|op|self>``, not divided by ``<self|self>``.

        Parameters
        ----------
        op : str or MPO
            One Pauli letter (I, X, Y, Z) for each of `sites`, or an operator.
        sites : int or sequence of int, optional
            Different sites in any order. Without them a single letter is measured on every site.

        Returns
        -------
        (n,) array of real, float, or complex
            Every site, a Pauli string, or an operator: float when `MPO.is_hermitian`, else complex.

        Notes
        -----
        All sites together cost one pass from each side, O(n d D^3).

        Examples
        --------
        >>> MPS.product("010").expectation("Z")
        array([ 1., -1.,  1.])
        >>> MPS.product("010").expectation("ZZ", (0, 2))
        1.0
        """
        return observables.expectation(self, op, sites)

    def correlation(self, a: str, b: str) -> Array:
        """Matrix ``C[i, j] = <self| a_i b_j |self>`` of two Pauli letters, (n, n).

        Not divided by the squared norm and not connected. Real, except for two different letters
        of X, Y, Z, whose product on one site makes the diagonal imaginary.

        Notes
        -----
        All sites i travel as one stack of environments: O(n^2 d D^3) time, O(n d D^2) memory.
        """
        return observables.correlation(self, a, b)

    def reduced_density_matrix(self, sites: int | Sequence[int]) -> Array:
        """Density matrix of some sites, the others traced out; its trace is ``<self|self>``.

        Parameters
        ----------
        sites : int or sequence of int
            Different sites in any order, neighbours or not. The site named first is the slowest.

        Returns
        -------
        (N, N) array
            N is the product of the dimensions of the sites, at most 1024. Hermitian, positive.

        Raises
        ------
        TypeError, ValueError
            A site is no site of the chain or named twice, or N is too large.

        Notes
        -----
        The sites are collected from both sides, half of them each. With m sites from the first
        to the last, O(m N d^2 D^3 + N^2 D^2) time and ``16 N d D^2`` bytes in complex128.

        Examples
        --------
        >>> ghz = MPS.from_dense([1, 0, 0, 0, 0, 0, 0, 1]).normalize()
        >>> np.diag(ghz.reduced_density_matrix((0, 2))).round(12)
        array([0.5, 0. , 0. , 0.5])
        """
        return density.reduced_density_matrix(self, sites)

    def schmidt_values(self, k: int) -> Array:
        """Schmidt values at cut k of the normalised state, descending."""
        self._check_cut(k)
        return gauge.schmidt_values(self._nonzero(), k, self.center)

    def entropy(self, k: int) -> float:
        """Entanglement entropy in nats of the first k sites, 0 < k < n."""
        return gauge.entropy(self.schmidt_values(k))

    def entropies(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Entanglement entropies in nats of all cuts 1 .. n-1, shape (n-1,). One sweep."""
        with one_blas_thread(max(self.bond_dimensions)):
            _, schmidt, _ = gauge.schmidt_form(self._nonzero(), self.center)
        return np.array([gauge.entropy(s) for s in schmidt[1:-1]])

    def at(self, indices: ArrayLike | Array) -> Array:
        """Entries of the tensor at given indices.

        Parameters
        ----------
        indices : (m, n) array_like of int
            One row per entry, one index per site.

        Returns
        -------
        (m,) array

        Notes
        -----
        All points go through a site in one matrix product or one for each index,
        O(m n D^2) for many points; at most about 50 MB beside the result.

        Examples
        --------
        >>> MPS.from_dense([1.0, 2.0, 3.0, 4.0]).at([[1, 0], [1, 1]]).round(12)
        array([3., 4.])
        """
        return entries.at(self.tensors, indices)

    def sum(self, weights: Sequence[ArrayLike | None] | None = None) -> float | complex:
        """Sum over all entries, each times the weights of its indices.

        With quadrature weights it is an integral, with unit vectors an entry, with the rows of
        a transform a coefficient: ``sum w_0[i_0] .. w_(n-1)[i_(n-1)] t[i_0, .., i_(n-1)]``.

        Parameters
        ----------
        weights : sequence of (d[k],) array_like or None, optional
            One vector per site, None for ones. Nothing is conjugated.

        Returns
        -------
        float or complex
            Real when tensors and weights are. O(n d D^2).

        Examples
        --------
        >>> round(MPS.from_dense([1.0, 2.0, 3.0, 4.0]).sum([[0, 1], None]), 12)
        7.0
        """
        return entries.weighted_sum(self.tensors, weights)

    # New states -----------------------------------------------------------------------------------

    def canonicalize(self, center: int) -> Self:
        """The same state in canonical form about `center`. O(n d^2 D^3), bonds never grow."""
        center = site_index("center", center, self.n_sites)
        with one_blas_thread(max(self.bond_dimensions)):
            tensors = gauge.canonicalize(self.tensors, center, self.center)
        return self._adopt(tensors, center)

    def compress(
        self,
        max_bond: int | None = None,
        cutoff: float = 0.0,
        renormalize: bool = False,
        method: str = "auto",
        rng: np.random.Generator | int | None = None,
    ) -> Compressed:
        """Cut every bond by singular values, in canonical form.

        Parameters
        ----------
        max_bond : int, optional
            Largest bond dimension kept.
        cutoff : float, default 0
            Largest relative discarded weight of each cut (sum of the dropped squared singular
            values over the sum of all); 0 drops only what rounding cannot tell from zero.
        renormalize : bool, default False
            Bring the result back to the norm of this state.
        method : {"auto", "svd", "gram", "random", "variational"}
            Singular values; density matrices; a random sketch; or the best state near that of the
            sketch. The last two need `max_bond` and pay for sums and products
            (`rankloom.tn.compress_sum`). "auto" takes density matrices where they resolve what is
            asked, and singular values elsewhere, so that it is never less accurate.
        rng : Generator, seed or None
            For the sketch of "random" and "variational".

        Returns
        -------
        Compressed
            ``state``, its centre at the last site, and ``truncation_error``, the sum of the
            discarded weights of all cuts. Without renormalising it bounds the squared relative
            distance ``|psi - psi'|^2 / |psi|^2``. Also ``method``, what was done.

        Notes
        -----
        "svd": a QR (unless canonical) and an SVD sweep, O(n d^2 D^3); peak memory beyond this
        state: one copy of it, ``16 n d D^2`` bytes in complex128, and a few ``(d D, d D)``
        matrices. "gram": matrix products and one eigendecomposition of a ``(d chi, d chi)`` matrix
        a bond; ``16 n D^2`` bytes. "random", "variational": O(n d D^2 chi); ``32 n D chi`` bytes.

        Examples
        --------
        >>> psi = MPS.random(8, 12, rng=0)
        >>> small, error = psi.compress(max_bond=4)
        >>> max(small.bond_dimensions), 1 - small.norm() ** 2 <= error
        (4, True)
        """
        truncation = Truncation(max_bond, cutoff)
        source = Combination([Term(self.tensors)])
        with one_blas_thread(max(self.bond_dimensions)):
            found = compress.reduce(source, truncation, method, self.center, rng=rng)
        return self._compressed(found, self.norm() if renormalize else None)

    @classmethod
    def _compressed(cls, found: Rounded, norm: float | None) -> Compressed:
        """The result of `compress.reduce` as a state, brought to `norm` when one is given."""
        state = cls._adopt(found.tensors, len(found.tensors) - 1)
        if norm is not None and state.norm() > 0.0:
            state = state * (norm / state.norm())
        return Compressed(state, found.error, found.method, found.outcome, found.errors)

    def normalize(self) -> Self:
        """The same direction with norm one."""
        self._nonzero()
        return self * (1.0 / self.norm())

    def conj(self) -> Self:
        """Complex conjugate of all amplitudes."""
        xp = namespace(*self.tensors)
        return self._adopt([xp.conj(t) for t in self.tensors], self.center)

    def _scaled_site(self) -> int:
        return self.center or 0

    # Other forms ----------------------------------------------------------------------------------

    def to_dense(self) -> Array:
        """Dense vector of length ``prod(d)``, site 0 slowest; at most 2^26 entries."""
        size = math.prod(self.physical_dimensions)
        if size > _DENSE_LIMIT:
            raise ValueError(
                f"a dense vector of {self.n_sites} sites has {size:.3g} entries; the limit is "
                f"2^26 (1 GiB). Use `overlap`, `expectation` or `compress` on the MPS itself."
            )
        return contract.to_dense(self.tensors)

    def to_qiskit(self) -> "Statevector":
        """The state as a Qiskit `Statevector` (little-endian, site i = qubit i), small n only."""
        from rankloom.tn.convert import to_qiskit

        return to_qiskit(self.to_dense(), self.physical_dimensions)

    def plot_entropy(self, ax: "Axes | None" = None) -> "Axes":
        """Entanglement entropy against the cut, on new or given Axes."""
        from rankloom.tn.draw import plot_entropy

        return plot_entropy(self, ax)

    def draw(self, ax: "Axes | None" = None) -> "Axes":
        """Picture of the chain: bond widths, orthonormal tensors, centre."""
        from rankloom.tn.draw import draw

        return draw(self, ax)

    def __repr__(self) -> str:
        return (
            f"MPS(n={self.n_sites}, bonds<={max(self.bond_dimensions)}, "
            f"{str(self.dtype).rpartition('.')[2]}, center={self.center})"
        )

    def _repr_html_(self) -> str:
        from rankloom.tn.draw import html

        return html(self)

    # Checks ---------------------------------------------------------------------------------------

    def _check_cut(self, k: int) -> None:
        if not 0 < integer("k", k, 0) < self.n_sites:
            raise ValueError(f"`k` must be a cut between sites, 1..{self.n_sites - 1}, got {k}.")

    def _nonzero(self) -> tuple[Array, ...]:
        if not self.norm() > 0.0:
            raise ValueError("the state is zero: it has no direction and no entanglement.")
        return self.tensors
