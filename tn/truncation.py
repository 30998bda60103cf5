"""The one rule by which bonds are cut."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.checks import integer


@dataclass(frozen=True)
class Truncation:
    """How many singular values to keep.

    Parameters
    ----------
    max_bond : int, optional
        Largest number kept; None for no limit.
    cutoff : float, default 0
        Largest relative discarded weight of a cut: the sum of the dropped squared singular values
        over the sum of all of them. With 0 only values that rounding cannot tell from zero go.

    Raises
    ------
    TypeError, ValueError
        `max_bond` is not an integer >= 1, or `cutoff` lies outside 0 <= cutoff < 1.

    Examples
    --------
    >>> import numpy as np
    >>> Truncation(cutoff=1e-3).keep(np.array([0.9, 0.0995, 0.0005]))
    (2, 0.0005)
    """

    max_bond: int | None = None
    cutoff: float = 0.0

    def __post_init__(self) -> None:
        if self.max_bond is not None:
            object.__setattr__(self, "max_bond", integer("max_bond", self.max_bond, 1))
        if not 0.0 <= self.cutoff < 1.0:  # NaN fails too
            raise ValueError(
                f"`cutoff` is a relative discarded weight, 0 <= cutoff < 1, got {self.cutoff}."
            )

    def keep(self, weights: NDArray[np.floating]) -> tuple[int, float]:
        """Number of values to keep (at least one) and the relative weight of the others.

        Parameters
        ----------
        weights : (m,) array
            Squared singular values, descending. Rounding may have left small negative ones.
        """
        tails = np.cumsum(weights[::-1])[::-1]  # tails[k]: what goes when k values are kept
        total = float(tails[0])
        if not total > 0.0:
            return 1, 0.0
        rounding = (8 * weights.size * float(np.finfo(weights.dtype).eps)) ** 2
        kept = int(np.count_nonzero(tails > max(self.cutoff, rounding) * total))
        if self.max_bond is not None:
            kept = min(kept, self.max_bond)
        kept = max(kept, 1)
        return kept, max(float(tails[kept]) / total, 0.0) if kept < weights.size else 0.0
