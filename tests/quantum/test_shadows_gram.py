"""The Gram kernel: equal to enumeration, unbiased, the same on every path."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.quantum import Snapshots, gram
from rankloom.quantum.shadows.gram import pack
from rankloom.quantum.shadows.gram_pairs import pair_values

from .shadows_oracle import gram_by_strings, random_snapshots

RNG = np.random.default_rng(5)


def close(ours, theirs):
    """Equal up to a few hundred roundings of the largest entry."""
    assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()


@pytest.mark.parametrize("n, k, shots", [(9, 3, 4), (5, 5, 12), (1, 1, 3)])
@pytest.mark.parametrize("debias", [True, False])
def test_kernel_equals_enumeration(n, k, shots, debias):
    snapshots = random_snapshots(4, shots, n)
    found = gram(snapshots, k, debias=debias)
    close(found.per_locality, gram_by_strings(snapshots, k, debias))
    assert found.observables == sum(3**j * math.comb(n, j) for j in range(1, k + 1))
    close(found.matrix, np.tensordot(9.0 ** -np.arange(1, k + 1), found.per_locality, 1))


def signed(shape):
    return RNG.choice([-1.0, 1.0, 2.5], shape)


def shared(shape):
    return RNG.integers(0, 9, shape)


@pytest.mark.parametrize(
    "fields",
    [
        {"weights": signed},
        {"draws": shared},
        {"readout_error": 0.07},
        {"weights": signed, "draws": shared, "readout_error": 0.02},
        {"readout_error": [0.0, 0.1, 0.02, 0.2, 0.05]},
        {"draws": shared, "weights": signed, "readout_error": [0.0, 0.1, 0.02, 0.2, 0.05]},
    ],
    ids=lambda fields: "+".join(fields),
)
@pytest.mark.parametrize("k", [3, 5])
def test_weights_shared_draws_and_readout_errors(fields, k):
    snapshots = random_snapshots(3, 8, 5, seed=1, **fields)
    for debias in (True, False):
        found = gram(snapshots, k, debias=debias)
        close(found.per_locality, gram_by_strings(snapshots, k, debias))


@pytest.mark.parametrize("n, qubits", [(6, [0, 3, 4]), (70, [1, 63, 64, 69]), (130, [0, 64, 129])])
def test_a_subset_of_qubits(n, qubits):
    snapshots = random_snapshots(3, 5, n, seed=2)
    found = gram(snapshots, 3, qubits=qubits)
    close(found.per_locality, gram_by_strings(snapshots, 3, True, qubits))
    part = Snapshots(snapshots.bases[..., qubits], snapshots.outcomes[..., qubits], snapshots.times)
    np.testing.assert_array_equal(gram(part, 3).per_locality, found.per_locality)


@pytest.mark.parametrize("n", [63, 64, 65, 128, 129, 300])
def test_kernel_equals_array_operations(n, library):
    snapshots = random_snapshots(3, 4, n, seed=3)
    flat = (snapshots.bases.reshape(-1, n), snapshots.outcomes.reshape(-1, n))
    bases, outcomes = (library(x.astype(float)) for x in flat)
    pairs = np.array([library.host(x) for x in pair_values(bases, outcomes, 4)])
    theirs = pairs.reshape(4, 3, 4, 3, 4).sum(axis=(2, 4)) / 16
    theirs *= 9.0 ** np.arange(1, 5)[:, None, None]
    ours = gram(snapshots, 4, debias=False).per_locality
    close(ours, theirs)


def test_two_snapshots_by_hand():
    """Equal bases; outcomes agree on two qubits and differ on one: 9, -81, -729."""
    snapshots = Snapshots(np.zeros((2, 1, 3)), [[[1, 1, 1]], [[1, 1, -1]]], [0, 1])
    found = gram(snapshots, 3, debias=False)
    assert found.per_locality[:, 0, 1].tolist() == [9.0, -81.0, -729.0]


@pytest.mark.parametrize("shots", [3, 7, 10, 23, 40])
def test_blocks_left_out_equal_the_gram_of_the_rest(shots):
    snapshots = random_snapshots(3, shots, 5, seed=4)
    found = gram(snapshots, 2)
    length = -(-shots // 10)
    assert found.leave_out.shape[1] == -(-shots // length)
    for b in range(found.leave_out.shape[1]):
        rest = [s for s in range(shots) if s // length != b]
        close(found.leave_out[:, b], gram(snapshots.select(shots=rest), 2).per_locality)


def test_blocks_left_out_with_different_scales():
    snapshots = random_snapshots(3, 21, 4, seed=4, readout_error=[0.0, 0.1, 0.02, 0.2])
    found = gram(snapshots, 3, qubits=[0, 1, 3])
    for b in range(7):
        part = snapshots.select(shots=[s for s in range(21) if s // 3 != b])
        close(found.leave_out[:, b], gram(part, 3, qubits=[0, 1, 3]).per_locality)
    close(found.per_locality, gram_by_strings(snapshots, 3, True, [0, 1, 3]))


def test_blocks_hold_whole_draws():
    draws = np.arange(3)[:, None] * 6 + np.repeat(np.arange(6), 4)
    snapshots = random_snapshots(3, 24, 4, seed=6, draws=draws)
    found = gram(snapshots, 2)
    assert found.leave_out.shape[1] == 6
    for b in range(6):
        rest = np.flatnonzero(np.repeat(np.arange(6), 4) != b)
        close(found.leave_out[:, b], gram(snapshots.select(shots=rest), 2).per_locality)


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(2, 5))
def test_threads_packing_and_order_of_shots_do_not_matter(seed, k, n):
    k = min(k, n)
    snapshots = random_snapshots(4, 6, n, seed=seed)
    found = gram(snapshots, k, threads=1)
    for other in (
        gram(snapshots, k, threads=2),
        gram(snapshots, k, packed=pack(snapshots)),
        gram(snapshots.select(shots=[5, 0, 3, 2, 1, 4]), k),
    ):
        np.testing.assert_array_equal(other.per_locality, found.per_locality)
    close(found.weighted(3.0 ** -np.arange(k)), gram(snapshots, k, 3.0 ** -np.arange(k)).matrix)


def state(n, seed):
    vector = np.random.default_rng(seed).standard_normal((2**n, 2)) @ [1, 1j]
    return vector / np.linalg.norm(vector)


def expectation(vector, letters):
    """Of a string given as letters 0..3 for I, X, Y, Z."""
    matrices = np.array(
        [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
    )
    operator = np.ones((1, 1))
    for letter in letters:
        operator = np.kron(operator, matrices[letter])
    return (vector.conj() @ operator @ vector).real


@pytest.mark.parametrize("shared", ["fresh", "several shots a basis", "same bases at all times"])
def test_the_debiased_gram_is_unbiased(shared):
    """Mean over 400 repetitions within four standard errors of the noise-free matrix."""
    n, shots = 3, 6
    states = [state(n, 1), state(n, 2)]
    table = np.array(
        [
            [expectation(v, letters) for v in states]
            for letters in np.ndindex(4, 4, 4)
            if 0 < np.count_nonzero(letters) <= 2
        ]
    )
    sizes = [np.count_nonzero(x) for x in np.ndindex(4, 4, 4) if 0 < np.count_nonzero(x) <= 2]
    exact = np.einsum("p,pt,pu->tu", 9.0 ** -np.array(sizes), table, table)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        each = 2 if shared == "several shots a basis" else 1
        snapshots = Snapshots.measure(states, [0, 1], shots, rng, shots_per_basis=each)
        if shared == "same bases at all times":
            found.append(gram(same_bases(states, shots, rng), 2).matrix)
        else:
            found.append(gram(snapshots, 2).matrix)
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / 20
    assert (abs(mean - exact) < 4 * error).all()


def same_bases(states, shots, rng):
    from rankloom.tn import MPS, sample

    bases = rng.integers(0, 3, (shots, 3), dtype=np.uint8)
    drawn = [sample(MPS.from_dense(v), shots, bases, rng) for v in states]
    return Snapshots.stack(drawn, [0, 1], draws=np.tile(np.arange(shots), (2, 1)))


def test_bad_input_is_named():
    good = random_snapshots(3, 4, 5)
    with pytest.raises(ValueError, match="one time only"):
        gram(good.select(times=slice(1)), 2)
    with pytest.raises(ValueError, match="debias=False"):
        gram(good.select(shots=[0]), 2)
    with pytest.raises(ValueError, match="share one draw"):
        gram(random_snapshots(3, 4, 5, draws=np.zeros((3, 4), int)), 2)
    with pytest.raises(ValueError, match="exceeds the 5 qubits"):
        gram(good, 6)
    with pytest.raises(ValueError, match="`weights` must hold 2 numbers"):
        gram(good, 2, weights=[1.0])
    with pytest.raises(ValueError, match=r"within 0\.\.4"):
        gram(good, 2, qubits=[0, 5])
    with pytest.raises(ValueError, match="float64 no longer holds"):
        gram(random_snapshots(2, 2, 120), 12)
    with pytest.raises(ValueError, match="with another `debias`"):
        gram(good, 2, debias=False, packed=pack(good))
    with pytest.raises(TypeError, match="must be Snapshots"):
        gram(np.zeros((2, 2, 2)), 1)
