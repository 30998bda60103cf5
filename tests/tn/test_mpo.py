import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.tn import MPO, MPS, SpinChain

seeds = st.integers(0, 10**6)


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


def test_hermitian_operators_are_known_in_any_form():
    """A Hermitian sum of site matrices that are not Hermitian, in an arbitrary gauge."""
    a, rng = random_mpo(1), np.random.default_rng(0)
    total = a + a.dagger()
    tensors = list(total.tensors)
    gauge = rng.standard_normal((6, 6))
    tensors[0] = tensors[0] @ gauge
    tensors[1] = np.tensordot(np.linalg.inv(gauge), tensors[1], 1)
    assert MPO(tensors).is_hermitian
    assert MPO(tensors).compress().operator.is_hermitian
    assert not (1j * total).is_hermitian
    assert not (total + 1e-8j * total).is_hermitian
    tilted = MPO.from_terms(
        100, [(1.0, "ZZ", (k, k + 1)) for k in range(99)] + [(1e-8j, "X", (3,))]
    )
    assert not tilted.is_hermitian


@given(seeds, seeds, st.complex_numbers(max_magnitude=3))
def test_operators_form_an_algebra(seed_a, seed_b, factor):
    a, b = random_mpo(seed_a), random_mpo(seed_b)
    x, y = a.to_dense(), b.to_dense()
    scale = 1 + np.abs(x).max() * np.abs(y).max()
    for operator, expected in [
        (a + b, x + y),
        (a - factor * b, x - factor * y),
        (a @ b, x @ y),
        (-a / 2, -x / 2),
        (a.dagger(), x.conj().T),
        (a.transpose(), x.T),
        (a.conj(), x.conj()),
        ((a + a).compress().operator, 2 * x),
        (a.apply(b).operator, x @ y),
    ]:
        np.testing.assert_allclose(operator.to_dense(), expected, atol=1e-13 * scale)
    assert (a + a).compress().operator.bond_dimensions == a.compress().operator.bond_dimensions
    assert a.trace() == pytest.approx(np.trace(x))
    assert a.norm() == pytest.approx(np.linalg.norm(x))
    assert a.overlap(b) == pytest.approx(np.vdot(x, y), abs=1e-12 * scale)


@given(seeds, seeds)
def test_operators_act_on_states(seed_a, seed_b):
    a = random_mpo(seed_a)
    ket = MPS.from_dense(np.random.default_rng(seed_b).standard_normal((2, 12)).T @ [1, 1j], d=12)
    ket = MPS(compress_to_sites(ket.to_dense()))
    bra = MPS.product([[1, 2], [1, 0, 1j], [0.5, 1]])
    x, v = a.to_dense(), ket.to_dense()
    scale = np.abs(x).max() * np.linalg.norm(v)
    np.testing.assert_allclose((a @ ket).to_dense(), x @ v, atol=1e-12 * scale)
    applied, error = a.apply(ket, max_bond=1)
    assert applied.bond_dimensions == (1, 1, 1, 1)
    distance = np.linalg.norm(applied.to_dense() - x @ v) / np.linalg.norm(x @ v)
    assert distance**2 <= error * (1 + 1e-9) + 1e-14
    assert a.matrix_element(bra, ket) == pytest.approx(np.vdot(bra.to_dense(), x @ v))
    mean = np.vdot(v, x @ v) / np.vdot(v, v)
    expected = np.linalg.norm(x @ v - mean * v) ** 2 / np.linalg.norm(v) ** 2
    assert a.variance(ket) == pytest.approx(expected, rel=1e-9)


def compress_to_sites(vector):
    """Tensors of a vector on sites of dimensions 2, 3, 2."""
    q, r = np.linalg.qr(vector.reshape(2, 6))
    return q[None], r.reshape(2, 3, 2), np.eye(2)[..., None]


def test_variance_of_an_eigenstate_is_zero_far_below_the_roundings_of_its_square():
    chain = SpinChain.heisenberg(10)
    energies, vectors = np.linalg.eigh(chain.dense())
    ground = MPS.from_dense(vectors[:, 0])
    assert chain.mpo().variance(3 * ground) < 1e-26
    mixed = MPS.from_dense(vectors[:, 0] + 1e-6 * vectors[:, 5])
    gap = energies[5] - energies[0]
    assert chain.mpo().variance(mixed) == pytest.approx(1e-12 * gap**2, rel=1e-5)


def test_compression_of_operators_reports_what_it_took():
    a = MPO.from_terms(
        8, [(1 / (1 + j - i) ** 2, "ZZ", (i, j)) for j in range(8) for i in range(j)]
    )
    small, error = a.compress(max_bond=3)
    assert max(small.bond_dimensions) == 3
    lost = np.linalg.norm((a - small).to_dense()) ** 2 / a.norm() ** 2
    assert lost == pytest.approx(error, rel=0.5)
    assert lost <= error
    assert a.compress(cutoff=1e-4).truncation_error < 7e-4
    long = MPO.from_terms(1500, [(1.0, "ZZ", (k, k + 1)) for k in range(1499)])
    assert max((long + long).compress().operator.bond_dimensions) == 3  # no overflow of 2^1500


def test_identity_and_products():
    np.testing.assert_array_equal(MPO.identity(3).to_dense(), np.eye(8))
    np.testing.assert_array_equal(MPO.identity([2, 3]).to_dense(), np.eye(6))
    assert MPO.identity(4, d=3).trace() == 81
    x, z = [[0, 1], [1, 0]], [[1, 0], [0, -1]]
    np.testing.assert_array_equal(MPO.product([x, z]).to_dense(), np.kron(x, z))


@pytest.mark.parametrize(("d", "n"), [(2, 1), (2, 4), (3, 3)])
def test_dense_matrices_come_back(d, n, library):
    matrix = np.random.default_rng(0).standard_normal((d**n, d**n))
    mpo = MPO.from_dense(library(matrix), d=d)
    assert mpo.bond_dimensions[n // 2] == d ** (2 * (n // 2))
    np.testing.assert_allclose(library.host(mpo.to_dense()), matrix, atol=1e-13)


def test_files_come_back_exactly(tmp_path):
    mpo = random_mpo()
    mpo.save(tmp_path / "operator.h5")
    back = MPO.load(tmp_path / "operator.h5")
    assert all(np.array_equal(a, b) for a, b in zip(back.tensors, mpo.tensors, strict=True))
    with pytest.raises(ValueError, match=r"wanted is 'rankloom\.mps', as `MPS\.save`"):
        MPS.load(tmp_path / "operator.h5")


def test_all_of_it_runs_in_the_array_library_of_the_tensors(library):
    a, b = random_mpo(2), random_mpo(3)
    ket = MPS.product([[1, 2], [1, 0, 1j], [0.5, 1]])
    theirs = [MPO(tuple(map(library, o.tensors))) for o in (a, b)]
    psi = MPS(tuple(map(library, ket.tensors)))
    for mine, expected in [
        ((theirs[0] @ theirs[1] - theirs[0].dagger()), a @ b - a.dagger()),
        (theirs[0].compress(2).operator, a.compress(2).operator),
        (theirs[0] @ psi, a @ ket),
        (theirs[0].apply(psi).state, a @ ket),
    ]:
        np.testing.assert_allclose(library.host(mine.to_dense()), expected.to_dense(), atol=1e-12)
    for name in ("trace", "norm"):
        assert getattr(theirs[0], name)() == pytest.approx(getattr(a, name)())
    assert theirs[0].variance(psi) == pytest.approx(a.variance(ket))
    assert theirs[0].overlap(theirs[1]) == pytest.approx(a.overlap(b))
    assert theirs[0].is_hermitian == a.is_hermitian
    assert (theirs[0] + theirs[0].dagger()).is_hermitian


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


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda a: a + random_mpo().tensors, TypeError, "`other` must be an MPO, got tuple"),
        (lambda a: a + MPO.identity(3), ValueError, "differ in their sites"),
        (lambda a: a @ MPS.product("000"), ValueError, "differ in their sites"),
        (lambda a: a @ 3, TypeError, "unsupported operand"),
        (lambda a: a / 0, ZeroDivisionError, "cannot be divided by zero"),
        (lambda a: a / "x", TypeError, "unsupported operand"),
        (lambda a: a.compress(max_bond=0), ValueError, "`max_bond`"),
        (lambda a: a.apply(a, cutoff=-1.0), ValueError, "`cutoff`"),
        (lambda a: a.variance(MPS.product([[1, 0], [1, 0, 0], [1, 0]]) * 0), ValueError, "is zero"),
        (lambda _: MPO.from_dense(np.ones((4, 2))), ValueError, "`matrix` must have shape"),
        (lambda _: MPO.from_dense(np.ones((3, 3))), ValueError, "with d = 2, got"),
        (lambda _: MPO.from_dense(np.full((2, 2), np.nan)), ValueError, "NaN or infinity"),
        (lambda _: MPO.identity(0), ValueError, "`dimensions` must be at least 1"),
    ],
)
def test_bad_uses_are_refused(use, error, message):
    with pytest.raises(error, match=message):
        use(random_mpo())
