"""Matrix product operators with open ends.

Site tensors have legs ``(left, out, in, right)``; the operator maps in to out::

      out      out      out
       |        |        |
     --W0--   --W1--   --W2--       W[k].shape == (w[k], d[k], d[k], w[k+1])
       |        |        |
      in       in       in
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rankloom.tn.arrays import Array, namespace, to_host
from rankloom.tn.chain import Chain
from rankloom.tn.checks import check_tensors


@dataclass(frozen=True, eq=False)
class MPO(Chain):
    """Operator on a chain of sites as a product of site tensors.

    Parameters
    ----------
    tensors : sequence of (w[k], d[k], d[k], w[k+1]) array
        ``w[0] = w[n] = 1``. Copied, and read-only from then on.

    Raises
    ------
    TypeError, ValueError
        Tensors that are not numeric, not finite, do not fit together or are not square.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.diag([1.0, -1.0]).reshape(1, 2, 2, 1)
    >>> np.diag(MPO((z, z)).to_dense())
    array([ 1., -1., -1.,  1.])
    """

    _kind: ClassVar[str] = "MPO"

    def __post_init__(self) -> None:
        tensors = check_tensors("tensors", self.tensors, "(left, out, in, right)")
        for k, w in enumerate(tensors):
            if w.shape[1] != w.shape[2]:
                raise ValueError(
                    f"`tensors[{k}]` must have out and in legs of one size, got {tuple(w.shape)}."
                )
        object.__setattr__(self, "tensors", tensors)

    @property
    def is_hermitian(self) -> bool:
        """Whether every site matrix ``W[k][l, :, :, r]`` is Hermitian.

        Sufficient, not necessary: a Hermitian operator may be written with other site matrices.
        """
        return all(
            bool(np.array_equal(w, np.conj(np.swapaxes(w, 1, 2))))
            for w in map(to_host, self.tensors)
        )

    def to_dense(self) -> Array:
        """Dense (N, N) matrix, site 0 slowest, N the product of the dimensions.

        Raises
        ------
        ValueError
            N exceeds 2**14, where the matrix alone takes 4 GiB.
        """
        size = 1
        for d in self.physical_dimensions:
            size *= d
        if size > 2**14:
            raise ValueError(
                f"a dense matrix of {self.n_sites} sites has {size}^2 entries and takes "
                f"{size**2 * self.tensors[0].dtype.itemsize / 2**30:.3g} GiB; the limit is 2^14 "
                "rows. Use `MPS.expectation` with the MPO instead."
            )
        xp = namespace(*self.tensors)
        out = xp.reshape(self.tensors[0], (-1, self.tensors[0].shape[3]))
        for w in self.tensors[1:]:
            out = xp.reshape(out @ xp.reshape(w, (w.shape[0], -1)), (-1, w.shape[3]))
        paired = xp.reshape(out, tuple(d for w in self.tensors for d in w.shape[1:3]))
        n = self.n_sites
        order = (*range(0, 2 * n, 2), *range(1, 2 * n, 2))
        return xp.reshape(xp.permute_dims(paired, order), (size, size))

    def __repr__(self) -> str:
        return f"MPO(n={self.n_sites}, bonds<={max(self.bond_dimensions)})"
