"""Every public function of `tn`, over NumPy, array_api_strict and torch CPU tensors.

Each case runs on chains of one array library and gives values that must equal those of NumPy;
arrays must come back in the library and precision that went in. A second test holds the list
against the public names, so that nothing new is forgotten.
"""

import inspect

import numpy as np
import pytest

import rankloom.tn as tn
from rankloom.tn import MPO, MPS, SpinChain
from rankloom.tn.chain import Chain

N = 5
CHAIN = SpinChain.xyz(N, 1.0, 0.4, -0.7, hx=0.3, hy=0.2, hz=0.1)


class Inputs:
    """The same chains in one library and precision."""

    def __init__(self, library, dtype):
        self.library, self.dtype = library, dtype
        self.a = self.state(MPS.random(N, 4, rng=0).canonicalize(2))
        self.b = self.state(MPS.random(N, 3, rng=1))
        self.h = self.operator(CHAIN.mpo())
        self.o = self.operator(MPO.from_terms(N, [(0.5, "XY", (0, 3)), (1j, "Z", (2,))]))

    def array(self, values):
        return self.library(np.asarray(values).astype(self.dtype))

    def state(self, state):
        return MPS(tuple(map(self.array, state.tensors)), state.center)

    def operator(self, operator):
        return MPO(tuple(map(self.array, operator.tensors)))


def checked_by_hand(x):
    """Canonical tensors are not unique: what counts is the state and the form."""
    c = x.a.canonicalize(0)
    return [c, c.center, MPS(c.tensors, 0).norm()]


STATES = {
    "at": lambda x: [x.a.at([[0, 1, 0, 1, 1], [1, 1, 1, 0, 0]])],
    "canonicalize": checked_by_hand,
    "compress": lambda x: [
        value
        for method in ("auto", "svd", "gram", "variational")
        for value in x.a.compress(2, method=method)
    ],
    "conj": lambda x: [x.a.conj()],
    "cores": lambda x: [MPS([x.array(core) for core in x.a.cores()])],
    "correlation": lambda x: [x.a.correlation("X", "Z"), x.a.correlation("Z", "Z")],
    "entropies": lambda x: [x.a.entropies()],
    "entropy": lambda x: [x.a.entropy(2)],
    "expectation": lambda x: [
        x.a.expectation("Y"),
        x.a.expectation("XYZ", (4, 0, 2)),
        x.a.expectation(x.h),
        x.a.expectation(x.o),
    ],
    "from_dense": lambda x: [MPS.from_dense(x.a.to_dense())],
    "norm": lambda x: [x.a.norm(), (x.a + x.b).norm()],
    "normalize": lambda x: [(3j * x.a).normalize()],
    "overlap": lambda x: [x.a.overlap(x.b)],
    "reduced_density_matrix": lambda x: [x.a.reduced_density_matrix([3, 1])],
    "schmidt_values": lambda x: [x.a.schmidt_values(2)],
    "sum": lambda x: [x.a.sum()],
    "to_dense": lambda x: [x.a.to_dense()],
    "to_qiskit": lambda x: [np.asarray(x.a.to_qiskit().data)],
    "__add__": lambda x: [x.a + x.b],
    "__sub__": lambda x: [x.a - x.b],
    "__mul__": lambda x: [2j * x.a, x.a * 0.5],
    "__truediv__": lambda x: [x.a / 3],
    "__neg__": lambda x: [-x.a],
}
OPERATORS = {
    "apply": lambda x: [*x.o.apply(x.a, max_bond=6), x.o.apply(x.h).operator],
    "compress": lambda x: [(x.h + x.o).compress().operator, x.h.compress(3).truncation_error],
    "conj": lambda x: [x.o.conj()],
    "dagger": lambda x: [x.o.dagger()],
    "from_dense": lambda x: [MPO.from_dense(x.o.to_dense())],
    "is_hermitian": lambda x: [x.o.is_hermitian, (x.o + x.o.dagger()).is_hermitian],
    "matrix_element": lambda x: [x.o.matrix_element(x.a, x.b)],
    "norm": lambda x: [x.h.norm()],
    "overlap": lambda x: [x.h.overlap(x.o)],
    "to_dense": lambda x: [x.o.to_dense()],
    "trace": lambda x: [(x.o @ x.o).trace()],
    "transpose": lambda x: [x.o.transpose()],
    "variance": lambda x: [x.h.variance(x.a)],
    "__matmul__": lambda x: [x.o @ x.a, x.o @ x.h],
}
FUNCTIONS = {
    "apply_gates": lambda x: [
        tn.apply_gates(x.a, [((1, 3), np.eye(4)[[0, 1, 3, 2]]), ((0,), np.diag([1, 1j]))])[0]
    ],
    "compress_product": lambda x: [*tn.compress_product(x.o, x.a, 3)],
    "compress_sum": lambda x: [*tn.compress_sum([x.a, x.b], [1.0, 0.5j], 4)],
    "evolve": lambda x: [
        tn.evolve(x.a, CHAIN, time=0.1, steps=2).state,
        tn.evolve(x.a, x.h, time=0.1, steps=2, method="tdvp").state,
        tn.evolve(x.a, CHAIN, time=0.1, steps=2, imaginary=True).state,
    ],
    "ground_state": lambda x: [tn.ground_state(x.h, 8).energy, tn.ground_state(x.h, 8).variance],
    "sample": lambda x: [tn.sample(x.a.normalize(), 50, "XYZXY", rng=0).outcomes],
}

# What makes no chain from arrays of a library, or takes none; and what other tests hold.
ON_THE_HOST = {
    "MPS": {"product", "random", "load", "save", "from_qiskit", "from_quimb", "from_tensorly"},
    "MPO": {"from_terms", "from_products", "product", "identity", "load", "save"}
    | {"from_quimb", "from_tensorly"},
    "both": {"to_quimb", "to_tensorly", "to_device", "to_host", "draw", "plot_entropy"}
    | {"n_sites", "physical_dimensions", "bond_dimensions", "dtype", "nbytes", "center", "cores"},
    "tn": {"cross", "quantics", "reference", "spin_matrices"},
}


def assert_same(mine, expected, x):
    if isinstance(mine, Chain):
        assert mine.dtype == x.a.dtype
        for t in mine.tensors:
            x.library.host(t)
        mine, expected = mine.to_dense(), expected.to_dense()
    if not isinstance(mine, np.ndarray | float | int | complex | bool | np.generic):
        mine = x.library.host(mine)
        assert mine.dtype in (x.dtype, x.dtype(0).real.dtype)
    tolerance = 1e-11 if x.dtype is np.complex128 else 2e-4
    np.testing.assert_allclose(mine, expected, atol=tolerance, rtol=tolerance)


CASES = {
    **{f"MPS.{name}": case for name, case in STATES.items()},
    **{f"MPO.{name}": case for name, case in OPERATORS.items()},
    **{name: case for name, case in FUNCTIONS.items() if hasattr(tn, name)},
}


class Host:
    """NumPy in place of a library."""

    def __call__(self, values):
        return values


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", CASES)
def test_results_are_those_of_numpy(name, dtype, library):
    mine, plain = Inputs(library, dtype), Inputs(Host(), np.complex128)
    for found, expected in zip(CASES[name](mine), CASES[name](plain), strict=True):
        assert_same(found, expected, mine)


@pytest.mark.parametrize(("kind", "cases"), [(MPS, STATES), (MPO, OPERATORS)], ids=["MPS", "MPO"])
def test_no_method_is_forgotten(kind, cases):
    public = {name for name in dir(kind) if not name.startswith("_")}
    shared = set(dir(Chain)) & set(STATES)
    missing = public - set(cases) - ON_THE_HOST[kind.__name__] - ON_THE_HOST["both"] - shared
    assert not missing


def test_no_function_is_forgotten():
    public = {name for name in tn.__all__ if not inspect.isclass(getattr(tn, name))}
    assert not public - set(FUNCTIONS) - ON_THE_HOST["tn"]
