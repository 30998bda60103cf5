"""Inner products of Tucker and CP tensors in any pairing, without the dense tensor."""

from functools import reduce

from rankloom.decomposition.modes import mode_products
from rankloom.decomposition.tensor import FactoredTensor
from rankloom.tn.arrays import namespace, same_dtype


def overlap(a: FactoredTensor, b: FactoredTensor) -> float | complex:
    """``sum conj(a) b`` of two tensors of one shape."""
    mine, theirs = same_dtype([a._head, *a._factors], [b._head, *b._factors])
    xp = namespace(*mine)
    crossed = [xp.conj(f).T @ g for f, g in zip(mine[1:], theirs[1:], strict=True)]
    kinds = (a._kind, b._kind)
    if kinds == ("CPTensor", "CPTensor"):
        found = xp.conj(mine[0]) @ reduce(lambda m, n: m * n, crossed) @ theirs[0]
    elif kinds == ("TuckerTensor", "TuckerTensor"):
        small = mode_products(theirs[0], crossed)
        found = xp.sum(xp.conj(mine[0]) * small)
    elif kinds == ("TuckerTensor", "CPTensor"):
        # the terms of b, seen through the factors of a, are points at which the core is taken
        found = a.conj()._rows([c.T for c in crossed]) @ theirs[0]
    else:
        swapped = overlap(b, a)
        return swapped.conjugate()
    value = complex(found)
    return value if xp.isdtype(mine[0].dtype, "complex floating") else value.real
