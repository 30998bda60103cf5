import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from rankloom.tn.arrays import like, namespace, one_blas_thread, qr, same_dtype, svd, to_host


def blas_threads():
    pools = ThreadpoolController().select(user_api="blas").lib_controllers
    return {pool.filepath: pool.num_threads for pool in pools}


def test_numpy_arrays_get_plain_numpy():
    assert namespace(np.ones(2), np.ones((2, 2), complex)) is np


def test_mixed_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(TypeError):
        namespace(np.ones(2), strict.asarray([1.0]))


def test_to_host_and_like_are_inverse(library):
    x = np.arange(6.0).reshape(2, 3) + 1j
    there = like(library(np.ones(1)), x)
    np.testing.assert_array_equal(library.host(there), x)


def test_conjugated_arrays_come_to_the_host(library):
    x = np.array([[1 + 2j, 3 - 1j]])
    xp = namespace(library(x))
    np.testing.assert_array_equal(to_host(xp.conj(library(x)).mT), x.conj().T)


def test_same_dtype_takes_the_widest(library):
    a, b = library(np.ones(2, np.float32)), library(np.ones(2, np.complex64))
    [[a], [b]] = same_dtype([a], [b])
    assert a.dtype == b.dtype
    assert to_host(a).dtype == np.complex64


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (1, 5)])
def test_factorisations_multiply_back(library, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    q, r = map(library.host, qr(library(x)))
    u, s, vh = map(library.host, svd(library(x)))
    np.testing.assert_allclose(q @ r, x, atol=1e-14)
    np.testing.assert_allclose((u * s) @ vh, x, atol=1e-14)
    np.testing.assert_allclose(q.conj().T @ q, np.eye(min(shape)), atol=1e-14)


def test_svd_survives_a_lapack_failure(monkeypatch):
    x = np.random.default_rng(1).standard_normal((4, 3))
    plain = np.linalg.svd

    def failing(matrix, full_matrices):
        if matrix.shape == x.shape:
            raise np.linalg.LinAlgError("SVD did not converge")
        return plain(matrix, full_matrices=full_matrices)

    monkeypatch.setattr(np.linalg, "svd", failing)
    u, s, vh = svd(x)
    np.testing.assert_allclose((u * s) @ vh, x, atol=1e-14)


def test_one_blas_thread_nests_and_restores():
    pools = ThreadpoolController().select(user_api="blas")
    with pools.limit(limits=2):
        before = blas_threads()
        with one_blas_thread() as outer:
            assert outer == max(before.values())
            with one_blas_thread() as inner:
                assert inner == 1
            assert set(blas_threads().values()) == {1}
        assert blas_threads() == before


def test_one_blas_thread_leaves_no_limit_behind_in_several_threads():
    """The first to enter leaves first, the second later."""
    pools = ThreadpoolController().select(user_api="blas")
    entered, release = threading.Event(), threading.Event()

    def second():
        with one_blas_thread() as threads:
            assert threads == 1
            entered.set()
            release.wait(timeout=10)

    with pools.limit(limits=2):
        before = blas_threads()
        thread = threading.Thread(target=second)
        with one_blas_thread():
            thread.start()
            assert entered.wait(timeout=10)
        release.set()
        thread.join()
        assert blas_threads() == before


def test_large_matrices_keep_their_threads():
    before = blas_threads()
    with one_blas_thread(size=1000) as threads:
        assert threads == 1
        assert blas_threads() == before
