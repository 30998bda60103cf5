"""Slices that arrive one after the other end where the whole data do, with errors that are true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import TuckerStream, datasets, tucker
from rankloom.tn.arrays import to_host


def pieces(x, mode, sizes):
    """x cut along a mode into pieces of these sizes, again and again."""
    start, k = 0, 0
    while start < x.shape[mode]:
        stop = min(start + sizes[k % len(sizes)], x.shape[mode])
        yield x[(slice(None),) * mode + (slice(start, stop),)]
        start, k = stop, k + 1


def fed(stream, x, mode=0, sizes=(7, 1, 4)):
    for piece in pieces(x, mode, sizes):
        stream.update(piece)
    return stream


def relative(tensor, x):
    return np.linalg.norm(tensor.to_dense() - x) / np.linalg.norm(x)


def drifting(n=60, noise=0.0):
    """Frames of a spot that wanders: what slices show changes all the time."""
    t, i = np.linspace(0, 1, n), np.linspace(0, 1, 24)
    centre = 0.2 + 0.6 * t
    x = np.exp(-((i[:, None] - centre) ** 2)[:, None] / 0.02 - ((i[:, None] - 0.5) ** 2) / 0.05)
    x = np.moveaxis(x, -1, 0)
    return x + noise * np.random.default_rng(0).standard_normal(x.shape)


@pytest.mark.parametrize("mode", [0, 1, 2, -1])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_exact_data_are_followed_exactly(mode, kind):
    x, truth = datasets.planted_tucker((24, 25, 26), (3, 4, 5), rng=0)
    x = x * np.exp(1j * np.arange(26)) if kind == "complex" else x
    stream = fed(TuckerStream(mode, tol=1e-10), x, mode % 3)
    assert stream.tensor.shape == x.shape
    assert stream.tensor.ranks == truth.ranks
    assert relative(stream.tensor, x) <= stream.error_bound + 1e-14
    assert stream.error_bound <= 1e-10
    for f in stream.tensor.factors:
        np.testing.assert_allclose(f.conj().T @ f, np.eye(f.shape[1]), atol=1e-12)


@pytest.mark.parametrize("tol", [0.3, 0.1, 1e-2, 1e-4])
@pytest.mark.parametrize("sizes", [(1,), (5, 11), (60,)])
def test_the_tolerance_holds_after_every_update_and_ranks_are_near_those_of_the_whole(tol, sizes):
    x, stream, seen = drifting(noise=1e-3), TuckerStream(tol=tol), []
    for piece in pieces(x, 0, sizes):
        update = stream.update(piece)
        seen.append(piece)
        so_far = np.concatenate(seen)
        true = relative(stream.tensor, so_far)
        assert true <= update.error_bound * (1 + 1e-9) + 1e-14
        assert update.error_bound <= tol * (1 + 1e-9)
        assert update.slices == len(so_far)
        assert update.ranks == stream.tensor.ranks
    # one slice at a time must keep more than all at once: no later slice tells what matters
    batch = tucker(x, tol=tol).tensor.ranks
    assert all(r <= 2 * b + 2 for r, b in zip(stream.tensor.ranks, batch, strict=True)), (
        stream.tensor.ranks,
        batch,
    )


def test_the_first_update_is_a_batch_and_its_error_is_exact():
    x = drifting(noise=1e-3)
    stream = TuckerStream(tol=0.05)
    update = stream.update(x)
    assert relative(stream.tensor, x) == pytest.approx(update.error_bound, rel=1e-9)
    lost = (update.missed**2 + update.truncation_error) ** 0.5
    assert lost == pytest.approx(update.error_bound, rel=1e-9)
    batch = tucker(x, tol=0.05).tensor.ranks
    assert all(abs(r - b) <= 1 for r, b in zip(stream.tensor.ranks, batch, strict=True))


def test_given_ranks_come_close_to_the_best_tensor_of_the_whole():
    x, _ = datasets.planted_tucker((60, 20, 22), (3, 4, 5), noise=0.1, rng=0)
    stream = fed(TuckerStream(ranks=(3, 4, 5)), x, sizes=(10,))
    assert stream.tensor.ranks == (3, 4, 5)
    true = relative(stream.tensor, x)
    assert true <= 1.05 * tucker(x, ranks=(3, 4, 5)).error
    assert true <= stream.error_bound
    assert sum(u.truncation_error for u in stream.updates) > 0  # said, not hidden


def test_what_new_slices_miss_is_told():
    x = drifting()
    stream = TuckerStream(tol=0.05)
    for piece in pieces(x, 0, (10,)):
        before = stream.updates[-1].ranks[2] if stream.updates else 0
        update = stream.update(piece)
        assert update.missed <= 0.05
    assert update.ranks[2] >= before


@given(
    seed=st.integers(0, 1000),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    tol=st.sampled_from([0.0, 1e-6, 0.2]),
)
def test_any_cut_into_pieces_keeps_the_bound(seed, sizes, tol):
    x, _ = datasets.planted_tucker((15, 8, 6, 4), 2, noise=0.1, rng=seed)
    stream = fed(TuckerStream(tol=tol), x, sizes=tuple(sizes))
    assert relative(stream.tensor, x) <= stream.error_bound * (1 + 1e-9) + 1e-13
    assert stream.error_bound <= tol + 1e-13


def test_zero_slices_and_precision():
    x, _ = datasets.planted_tucker((20, 8, 6), 2, rng=0)
    x = x.astype(np.float32)
    x[7:12] = 0
    stream = fed(TuckerStream(tol=1e-4), x, sizes=(7, 5, 8))
    assert stream.tensor.dtype == np.float32
    assert relative(stream.tensor, x) < 2e-4
    assert stream.updates[1].missed == 0


def test_every_array_library(library):
    x, _ = datasets.planted_tucker((20, 8, 6), 2, noise=0.1, rng=0)
    theirs, ours = TuckerStream(tol=0.2), TuckerStream(tol=0.2)
    for piece in pieces(x, 0, (7,)):
        theirs.update(library(piece))
        ours.update(piece)
    dense = library.host(theirs.tensor.to_dense())
    np.testing.assert_allclose(dense, to_host(ours.tensor.to_dense()), atol=1e-10)


def test_bad_input():
    stream = TuckerStream(tol=0.1)
    with pytest.raises(ValueError, match="no slice has come in"):
        _ = stream.tensor
    stream.update(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"shape \(2, 3, 5\).*\(any, 3, 4\)"):
        stream.update(np.ones((2, 3, 5)))
    with pytest.raises(ValueError, match=r"\(any, 3, 4\)"):
        stream.update(np.ones((3, 4)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinite"):
            stream.update(np.full((1, 3, 4), bad))
    with pytest.raises(TypeError, match="begin with slices of the wider type"):
        stream.update(np.ones((1, 3, 4)) * 1j)
    with pytest.raises(ValueError, match="squares overflow"):
        stream.update(np.full((1, 3, 4), 1e200))
    assert len(stream.updates) == 1  # nothing was taken in
    assert stream.update([[[1.0] * 4] * 3]).slices == 3
    for wrong in ({}, {"tol": 0.1, "ranks": 2}):
        with pytest.raises(ValueError, match="either `tol` or `ranks`"):
            TuckerStream(**wrong)
    with pytest.raises(ValueError, match="0 <= tol < 1"):
        TuckerStream(tol=1)
    with pytest.raises(ValueError, match="no mode"):
        TuckerStream(3, tol=0.1).update(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="one entry per mode"):
        TuckerStream(ranks=(2, 2)).update(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="zero everywhere"):
        TuckerStream(tol=0.1).update(np.zeros((2, 3, 4)))
