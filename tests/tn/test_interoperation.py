"""Chains to and from quimb, tensorly, core lists and other array libraries."""

import sys

import numpy as np
import pytest
import quimb as qu
import quimb.tensor as qtn
import tensorly as tl
from tensorly.tt_matrix import TTMatrix
from tensorly.tt_tensor import TTTensor

from rankloom.tn import MPO, MPS, SpinChain

MIXED = MPO.from_terms(5, [(1.0, "XYZ", (0, 2, 4)), (0.3, "YZ", (1, 2)), (0.7j, "X", (3,))])


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.tensors, b.tensors, strict=True))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_quimb_operators_round_trip(n):
    mpo = MPO.from_dense(np.random.default_rng(0).standard_normal((2**n, 2**n)))
    theirs = mpo.to_quimb()
    np.testing.assert_allclose(theirs.to_dense(), mpo.to_dense(), atol=1e-13)
    assert same(MPO.from_quimb(theirs), mpo)


def test_quimb_applies_the_same_operator():
    psi = MPS.random(5, 4, rng=1)
    theirs = MIXED.to_quimb().apply(psi.to_quimb())
    np.testing.assert_allclose(theirs.to_dense().ravel(), (MIXED @ psi).to_dense(), atol=1e-13)


def test_quimb_hamiltonians_are_read():
    theirs = qtn.MPO_ham_heis(6)
    mpo = MPO.from_quimb(theirs)
    assert mpo.is_hermitian
    np.testing.assert_allclose(mpo.to_dense(), SpinChain.heisenberg(6).dense(), atol=1e-13)
    np.testing.assert_allclose(mpo.to_dense(), qu.ham_heis(6, cyclic=False), atol=1e-13)


def test_states_and_operators_of_quimb_are_not_confused():
    with pytest.raises(
        TypeError, match="must be a quimb MatrixProductOperator, got MatrixProductS"
    ):
        MPO.from_quimb(qtn.MPS_rand_state(4, 2))
    with pytest.raises(ValueError, match="periodic"):
        MPO.from_quimb(qtn.MPO_ham_heis(4, cyclic=True))


def test_tensorly_states_round_trip():
    psi = MPS.random(5, 4, d=3, rng=0)
    theirs = psi.to_tensorly()
    assert isinstance(theirs, TTTensor)
    np.testing.assert_allclose(tl.tt_to_tensor(theirs).ravel(), psi.to_dense(), atol=1e-14)
    assert same(MPS.from_tensorly(theirs), psi)


def test_tensorly_decompositions_are_read():
    tensor = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    train = tl.decomposition.tensor_train(tensor, rank=[1, 2, 6, 2, 1])
    state = MPS.from_tensorly(train)
    assert state.physical_dimensions == (2, 3, 4, 2)
    np.testing.assert_allclose(state.to_dense(), tl.tt_to_tensor(train).ravel(), atol=1e-13)


def test_tensorly_operators_round_trip():
    theirs = MIXED.to_tensorly()
    assert isinstance(theirs, TTMatrix)
    np.testing.assert_allclose(theirs.to_matrix(), MIXED.to_dense(), atol=1e-13)
    assert same(MPO.from_tensorly(theirs), MIXED)


def test_states_and_operators_of_tensorly_are_not_confused():
    with pytest.raises(TypeError, match="must be a tensorly TTTensor, got TTMatrix"):
        MPS.from_tensorly(MIXED.to_tensorly())
    with pytest.raises(TypeError, match=r"list of cores goes straight into `MPO`"):
        MPO.from_tensorly([np.ones((1, 2, 2, 1))])


def test_core_lists_round_trip_and_are_the_users_own():
    psi = MPS.random(4, 3, rng=0)
    cores = psi.cores()
    assert same(MPS(cores), psi)
    cores[0][:] = 0  # writable, and not ours
    assert psi.norm() == pytest.approx(1)
    assert same(MPO(MIXED.cores()), MIXED)


@pytest.mark.parametrize("make", [lambda: MPS.random(4, 3, rng=0), lambda: MIXED])
@pytest.mark.parametrize("name", ["numpy", "array_api_strict", "torch"])
@pytest.mark.parametrize("single", [False, True])
def test_chains_travel_between_libraries(make, name, single):
    chain = make()
    if single:
        chain = type(chain)([t.astype(np.complex64) for t in chain.tensors])
    module = pytest.importorskip(name)
    for library in (name, module):
        away = chain.to_device(library)
        assert isinstance(away.tensors[0], type(module.asarray(np.ones(1))))
        assert str(away.dtype).endswith("complex64" if single else "complex128")
        assert getattr(away, "center", 0) == getattr(chain, "center", 0)
        assert same(away.to_host(), chain)
        assert same(away.to_device(library).to_device("numpy"), chain)


def test_devices_of_a_library_are_chosen():
    strict = pytest.importorskip("array_api_strict")
    psi = MPS.random(3, 2, rng=0).to_device("array_api_strict")
    moved = psi.to_device("array_api_strict", strict.Device("device1"))
    assert moved.tensors[0].device == strict.Device("device1")


@pytest.mark.parametrize(
    ("library", "message"), [("pandas", "is not an array library"), ("cupyx", "is not an array")]
)
def test_other_libraries_are_refused(library, message):
    with pytest.raises(ImportError, match=message):
        MIXED.to_device(library)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(sys.modules, "array_api_compat.cupy", raising=False)
    with pytest.raises(ImportError, match="'cupy' is not installed"):
        MIXED.to_device("cupy")
