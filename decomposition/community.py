"""Communities in a component that stands for pairs: who belongs together.

Where one mode of a tensor counts pairs of things (neurons, people, atoms), a column of its factor
is a weighted graph between them. Its communities are found by modularity (V. Blondel et al.,
doi:10.1088/1742-5468/2008/10/P10008), as networkx has it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rankloom.tn.arrays import Array, to_host
from rankloom.tn.checks import integer

if TYPE_CHECKING:
    from networkx import Graph


@dataclass(frozen=True, eq=False)
class Communities:
    """Result of `communities`.

    Attributes
    ----------
    labels : (n,) integer array
        Community of every member: 0 is the one of largest total weight. Members without any weight
        are communities of their own, at the end.
    modularity : float
        Share of the weight inside communities beyond what chance would put there, below 1.
    sizes : (communities,) integer array
    affinity : (n, n) array
        The symmetric weights, zero on the diagonal.
    agreement : float
        Mean normalised mutual information between the best start and the others: near 1 where the
        communities are certain.
    """

    labels: NDArray[np.intp]
    modularity: float
    sizes: NDArray[np.intp]
    affinity: NDArray[np.float64]
    agreement: float

    @property
    def order(self) -> NDArray[np.intp]:
        """Members sorted by community, the strongest first: for pictures of the affinity."""
        strength = self.affinity.sum(axis=0)
        return np.lexsort((-strength, self.labels))


def fold_pairs(values: Array) -> NDArray[np.float64]:
    """Symmetric matrix (n, n) from values of the pairs (0,1), (0,2), .., (1,2), ..; zero diagonal.

    Parameters
    ----------
    values : (n (n - 1) / 2,) array

    Raises
    ------
    ValueError
        Their number is not one of pairs.

    Examples
    --------
    >>> fold_pairs(np.array([1.0, 2.0, 3.0]))
    array([[0., 1., 2.],
           [1., 0., 3.],
           [2., 3., 0.]])
    """
    v = to_host(values)
    if v.ndim != 1:
        raise ValueError(f"`values` must have one axis, got shape {v.shape}.")
    n = round((1 + (1 + 8 * v.size) ** 0.5) / 2)
    if n * (n - 1) // 2 != v.size or n < 2:
        raise ValueError(f"`values` has {v.size} entries: no n has as many pairs n (n - 1) / 2.")
    out = np.zeros((n, n))
    rows, columns = np.triu_indices(n, 1)
    out[rows, columns] = v
    return out + out.T


def communities(
    affinity: Array, *, resolution: float = 1.0, starts: int = 10, rng: Any = None
) -> Communities:
    """Communities of the graph that a component's column stands for.

    Parameters
    ----------
    affinity : (n (n - 1) / 2,) or (n, n) array
        Nonnegative weights: of the pairs (0,1), (0,2), .., (1,2), .., as a column of a factor of
        `nonnegative_cp` has them, or a symmetric matrix, whose diagonal does not count.
    resolution : float, default 1
        Above 1 communities become smaller, below 1 larger.
    starts : int, default 10
        Runs with the members in random order; the largest modularity is kept.
    rng : Generator, seed or None

    Returns
    -------
    Communities

    Raises
    ------
    TypeError, ValueError
        Neither pairs nor a symmetric matrix; negative, NaN or infinite weights, or none above zero;
        `resolution` not above zero.

    Examples
    --------
    >>> blocks = np.kron(np.eye(2), np.ones((3, 3)))
    >>> communities(blocks + 0.1, rng=0).labels
    array([0, 0, 0, 1, 1, 1])
    """
    from networkx.algorithms.community import louvain_communities, modularity

    integer("starts", starts, 1)
    if not resolution > 0:
        raise ValueError(f"`resolution` must be above 0, got {resolution}.")
    weights = _symmetric(affinity)
    graph = _graph(weights)
    seeds = np.random.default_rng(rng).integers(2**31, size=starts)
    found = [louvain_communities(graph, resolution=resolution, seed=int(s)) for s in seeds]
    scores = [modularity(graph, groups, resolution=resolution) for groups in found]
    best = int(np.argmax(scores))
    labels = [_labels(groups, weights) for groups in found]
    others = [mutual_information(labels[best], g) for k, g in enumerate(labels) if k != best]
    return Communities(
        labels=labels[best],
        modularity=float(scores[best]),
        sizes=np.bincount(labels[best]),
        affinity=weights,
        agreement=float(np.mean(others)) if others else 1.0,
    )


def mutual_information(a: Array, b: Array) -> float:
    """Normalised mutual information of two partitions: 1 where they are equal, 0 where unrelated.

    Parameters
    ----------
    a, b : (n,) integer arrays
        Labels >= 0.

    Notes
    -----
    Divided by the mean of the two entropies. Two partitions of one community each are equal.
    """
    a, b = to_host(a), to_host(b)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"`a` and `b` must label the same members, got {a.shape} and {b.shape}.")
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1 / a.size)
    single = [_entropy(joint.sum(axis=k)) for k in (0, 1)]
    if sum(single) == 0:
        return 1.0
    return float(2 * (sum(single) - _entropy(joint.ravel())) / sum(single))


def _entropy(p: NDArray[np.float64]) -> float:
    p = p[p > 0]
    return float(-np.sum(p * np.log(p)))


def _symmetric(affinity: Array) -> NDArray[np.float64]:
    """The weights as a checked matrix with a diagonal of zeros."""
    a = np.asarray(to_host(affinity))
    if a.dtype.kind not in "biuf":
        raise TypeError(f"`affinity` must hold real numbers, got {a.dtype}.")
    a = a.astype(float)
    if not np.isfinite(a).all():
        raise ValueError("`affinity` holds NaN or infinity.")
    if a.ndim == 1:
        a = fold_pairs(a)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or len(a) < 2:
        raise ValueError(
            f"`affinity` must hold pairs, (n (n - 1) / 2,), or a matrix (n, n), got {a.shape}."
        )
    if not np.allclose(a, a.T, rtol=1e-10, atol=1e-12 * np.abs(a).max()):
        raise ValueError(
            "`affinity` is not symmetric: take (a + a.T) / 2 if that is what it means."
        )
    a = (a + a.T) / 2
    np.fill_diagonal(a, 0)
    if (a < 0).any():
        raise ValueError(
            "`affinity` has negative weights: modularity has no meaning for them. Take a component "
            "of `nonnegative_cp`, or absolute values."
        )
    if not a.any():
        raise ValueError("`affinity` is zero for all pairs: there is no graph.")
    return a


def _graph(weights: NDArray[np.float64]) -> "Graph":
    from networkx import Graph

    graph = Graph()
    graph.add_nodes_from(range(len(weights)))
    rows, columns = np.nonzero(np.triu(weights))
    # relative weights: networkx compares gains with an absolute threshold
    values = weights[rows, columns] / weights.max()
    graph.add_weighted_edges_from(
        zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True)
    )
    return graph


def _labels(groups: Any, weights: NDArray[np.float64]) -> NDArray[np.intp]:
    """Labels by descending total weight, then by first member."""
    strength = weights.sum(axis=0)
    ranked = sorted(groups, key=lambda g: (-float(strength[list(g)].sum()), min(g)))
    out = np.empty(len(weights), np.intp)
    for label, group in enumerate(ranked):
        out[list(group)] = label
    return out
