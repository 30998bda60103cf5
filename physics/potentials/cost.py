"""What sums over all charges and sums over neighbours take, so that the cheaper one is chosen.

Seconds, roughly, on one core; only their ratios matter, which were measured.
"""

import math

import numpy as np

from rankloom.decomposition import ChebyshevTucker
from rankloom.decomposition.chebyshev.boxes import best_count, seconds
from rankloom.physics.potentials.short_range import ShortRange

PER_PAIR = 1.5e-9  # of a direct sum
PER_NEIGHBOUR = 4e-9
PER_SEARCH = 5e-7  # of the neighbours of a point
_SLOPES = 2.5  # gradients of a Chebyshev-Tucker function against its values
_PAIR_SLOPES = 1.5  # fields against potentials, in pairs


def direct_is_cheaper(
    function: ChebyshevTucker, short: ShortRange, points: int, slopes: bool
) -> bool:
    """Whether the sum over all charges takes less time than both parts together."""
    low, high = short.particles.bounds
    edges = np.maximum(high - low, 2 * short.cutoff)
    n = len(short.particles)
    neighbours = min(n, n * 4 / 3 * math.pi * short.cutoff**3 / float(np.prod(edges)))
    here = _PAIR_SLOPES if slopes else 1.0
    near = points * (PER_SEARCH + here * neighbours * PER_NEIGHBOUR)
    ranks, known = function.ranks, function.splits
    smooth = seconds(ranks, points, best_count(ranks, points, known), known)
    smooth *= _SLOPES if slopes else 1.0
    return here * points * n * PER_PAIR < near + smooth
