import numpy as np
import pytest

from rankloom.tn import MPO


def random_mpo(seed=0, hermitian=False):
    rng = np.random.default_rng(seed)
    shapes = [(1, 2, 2, 3), (3, 3, 3, 2), (2, 2, 2, 1)]
    tensors = [rng.standard_normal((*s, 2)).view(complex)[..., 0] for s in shapes]
    if hermitian:
        tensors = [t + t.conj().swapaxes(1, 2) for t in tensors]
    return MPO(tuple(tensors))


def test_dense_matrix_is_the_contraction(library):
    mpo = random_mpo()
    expected = np.einsum("aijb,bklc,cmnd->ikmjln", *mpo.tensors).reshape(12, 12)
    moved = MPO(tuple(map(library, mpo.tensors)))
    np.testing.assert_allclose(library.host(moved.to_dense()), expected, atol=1e-13)


def test_shape_properties():
    mpo = random_mpo()
    assert (mpo.n_sites, mpo.bond_dimensions) == (3, (1, 3, 2, 1))
    assert mpo.physical_dimensions == (2, 3, 2)
    assert repr(mpo) == "MPO(n=3, bonds<=3)"


def test_hermitian_site_matrices_make_a_hermitian_operator():
    mpo = random_mpo(hermitian=True)
    assert mpo.is_hermitian
    np.testing.assert_allclose(mpo.to_dense(), mpo.to_dense().conj().T)
    assert not random_mpo().is_hermitian


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(1, 2, 3, 1)], "out and in legs of one size"),
        ([(1, 2, 1)], r"needs 4 legs \(left, out, in, right\)"),
        ([(1, 2, 2, 2), (3, 2, 2, 1)], "left leg"),
    ],
)
def test_bad_tensors_are_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        MPO(tuple(np.ones(s) for s in shapes))


def test_large_dense_matrices_are_refused_with_their_size():
    eye = np.eye(2).reshape(1, 2, 2, 1)
    with pytest.raises(ValueError, match="takes 8 GiB"):
        MPO((eye,) * 15).to_dense()
