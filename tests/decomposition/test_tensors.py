"""What Tucker and CP tensors have in common, against the dense tensor."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.decomposition import CPTensor, TuckerTensor
from rankloom.tn.arrays import to_host

SHAPE = (3, 4, 5)


def cp(rng=0, shape=SHAPE, dtype=float, rank=2):
    t = CPTensor.random(shape, rank, rng=rng)
    if np.dtype(dtype).kind == "c":
        other = CPTensor.random(shape, rank, rng=(1, rng))
        pairs = zip(t.factors, other.factors, strict=True)
        return CPTensor(t.weights * (1 - 2j), tuple((a + 1j * b).astype(dtype) for a, b in pairs))
    return CPTensor(t.weights.astype(dtype), tuple(f.astype(dtype) for f in t.factors))


def tucker(rng=0, shape=SHAPE, dtype=float, ranks=(2, 3, 2)):
    t = TuckerTensor.random(shape, ranks, rng=rng)
    core = t.core * (1 + 2j) if np.dtype(dtype).kind == "c" else t.core
    rng = np.random.default_rng(rng)  # not orthonormal
    factors = [f + 0.3 * rng.standard_normal(f.shape) for f in t.factors]
    return TuckerTensor(core.astype(dtype), tuple(f.astype(dtype) for f in factors))


both = pytest.mark.parametrize("make", [cp, tucker])


@both
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_arithmetic_is_that_of_dense_tensors(make, dtype):
    a, b = make(0, dtype=dtype), make(1, dtype=dtype)
    x, y = a.to_dense(), b.to_dense()
    for mine, dense in [
        (a + b, x + y),
        (a - b, x - y),
        (-a, -x),
        (2 * a, 2 * x),
        (np.float64(0.5) * a, x / 2),
        (a * 3j, 3j * x),
        (a / 4, x / 4),
        (a.conj(), x.conj()),
        (a.transpose((2, 0, 1)), x.transpose(2, 0, 1)),
        (a.mode_product(np.ones((2, 4)), 1), np.stack([x.sum(1)] * 2, axis=1)),
        (a.mode_product(np.ones(4), -2), x.sum(1, keepdims=True)),
    ]:
        np.testing.assert_allclose(mine.to_dense(), dense, atol=1e-13)
        assert mine.shape == dense.shape
    assert a.norm() == pytest.approx(np.linalg.norm(x), rel=1e-13)


@pytest.mark.parametrize("one", [cp, tucker])
@pytest.mark.parametrize("two", [cp, tucker])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_inner_products_conjugate_the_left(one, two, dtype):
    a, b = one(0, dtype=dtype), two(1, dtype=dtype)
    expected = np.vdot(a.to_dense(), b.to_dense())
    assert a.overlap(b) == pytest.approx(expected, rel=1e-12)
    assert isinstance(a.overlap(b), complex if np.dtype(dtype).kind == "c" else float)


def test_the_norm_of_a_difference_is_accurate_where_the_tensors_cancel():
    a = tucker()
    assert (a - a * (1 + 1e-12)).norm() == pytest.approx(1e-12 * a.norm(), rel=1e-2)


@both
@given(seed=st.integers(0, 99), data=st.data())
def test_parts_are_those_of_the_dense_tensor(make, seed, data):
    t = make(seed)
    x = t.to_dense()
    rows = np.array(data.draw(st.lists(st.tuples(*(st.integers(0, n - 1) for n in SHAPE)))))
    rows = rows.reshape(-1, 3).astype(int)
    np.testing.assert_allclose(t.at(rows), x[tuple(rows.T)], atol=1e-13)
    keys = tuple(
        data.draw(
            st.one_of(
                st.integers(-n, n - 1),
                st.sampled_from([slice(None), slice(1, None), slice(None, None, -2)]),
                st.lists(st.integers(0, n - 1), min_size=1, max_size=3),
            )
        )
        for n in SHAPE
    )
    grid = [np.atleast_1d(np.arange(n)[k]) for n, k in zip(SHAPE, keys, strict=True)]
    numbered = tuple(i for i, k in enumerate(keys) if isinstance(k, int))
    expected = x[np.ix_(*grid)].squeeze(numbered)
    part = t[keys]
    part = part if len(numbered) == 3 else part.to_dense()
    np.testing.assert_allclose(part, expected, atol=1e-13)


@both
def test_parts_by_ellipsis_and_fewer_indices(make):
    t = make()
    x = t.to_dense()
    np.testing.assert_allclose(t[1].to_dense(), x[1], atol=1e-14)
    np.testing.assert_allclose(t[..., 1].to_dense(), x[..., 1], atol=1e-14)
    np.testing.assert_allclose(t[0, ..., [1, 2]].to_dense(), x[0, :, [1, 2]].T, atol=1e-14)


@both
def test_bad_requests_are_refused(make):
    t = make()
    with pytest.raises(ValueError, match=r"`indices\[0, 1\]` = 4 is outside 0..3"):
        t.at(np.array([[0, 4, 0]]))
    with pytest.raises(ValueError, match="one column per mode"):
        t.at(np.array([[0, 1]]))
    with pytest.raises(TypeError, match="must be integers"):
        t.at(np.zeros((1, 3)))
    with pytest.raises(IndexError, match="4 indices for a tensor of 3 modes"):
        t[0, 0, 0, 0]
    with pytest.raises(IndexError, match="at least one entry"):
        t[3:]
    with pytest.raises(ValueError, match="each of 3 modes once"):
        t.transpose((0, 0, 1))
    with pytest.raises(ValueError, match=r"`matrix` must have shape \(m, 4\)"):
        t.mode_product(np.ones((2, 3)), 1)
    with pytest.raises(ValueError, match="`mode` = 3 is no mode"):
        t.mode_product(np.ones((2, 3)), 3)
    with pytest.raises(TypeError, match="`mode` must be an integer"):
        t.mode_product(np.ones((2, 3)), 0.5)
    with pytest.raises(ValueError, match="differ in shape"):
        t.overlap(make(shape=(3, 4, 6)))
    with pytest.raises(TypeError, match="TuckerTensor or CPTensor"):
        t.overlap(np.ones(SHAPE))
    with pytest.raises(ZeroDivisionError):
        t / 0
    with pytest.raises(ValueError, match="finite numbers only"):
        t * np.inf
    with pytest.raises(TypeError):
        t * "2"
    with pytest.raises(TypeError):
        t / "2"
    with pytest.raises(TypeError, match="not iterable"):
        iter(t)


def test_sums_of_different_kinds_are_refused():
    with pytest.raises(TypeError, match="to_tucker"):
        cp() + tucker()
    with pytest.raises(TypeError, match="to_tucker"):
        tucker() + cp()
    np.testing.assert_allclose(
        (tucker() + cp().to_tucker()).to_dense(), tucker().to_dense() + cp().to_dense(), atol=1e-13
    )


@both
def test_arrays_are_own_and_read_only(make):
    t = make()
    head, factors = t._head.copy(), [f.copy() for f in t.factors]
    again = type(t)(head, factors)
    head[...] = 0
    factors[0][...] = 0
    np.testing.assert_array_equal(again.to_dense(), t.to_dense())
    with pytest.raises(ValueError, match="read-only"):
        again.factors[0][0, 0] = 1


@both
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_files_come_back_exactly(make, dtype, tmp_path):
    t = make(dtype=dtype)
    t.save(tmp_path / "t.h5")
    back = type(t).load(tmp_path / "t.h5")
    assert back.dtype == dtype
    for a, b in zip([t._head, *t.factors], [back._head, *back.factors], strict=True):
        np.testing.assert_array_equal(a, b)
    with h5py.File(tmp_path / "t.h5") as file:
        assert file.attrs["format"] == ("rankloom.cp" if make is cp else "rankloom.tucker")
        assert (file.attrs["version"], file.attrs["n_modes"]) == (1, 3)


def test_a_file_of_the_other_kind_is_refused(tmp_path):
    cp().save(tmp_path / "t.h5")
    with pytest.raises(ValueError, match=r"wanted is 'rankloom\.tucker'"):
        TuckerTensor.load(tmp_path / "t.h5")


@both
def test_any_array_library(make, library):
    t = make()
    x = t.to_dense()
    other = type(t)(library(t._head), [library(f) for f in t.factors])
    np.testing.assert_allclose(library.host(other.to_dense()), x, atol=1e-13)
    np.testing.assert_allclose(library.host(other.at(np.array([[1, 2, 3]]))), x[1, 2, [3]])
    np.testing.assert_allclose(library.host(other[1, :, [0, 2]].to_dense()), x[1][:, [0, 2]])
    assert other.overlap(other) == pytest.approx(t.norm() ** 2, rel=1e-12)
    np.testing.assert_allclose(library.host((other - 2 * other).to_dense()), -x, atol=1e-13)
    np.testing.assert_allclose(library.host(other.conj().transpose((1, 0, 2)).to_dense()),
                               x.transpose(1, 0, 2), atol=1e-13)  # fmt: skip
    moved = t.to_device(library.module.__name__)
    assert type(moved.factors[0]) is type(other.factors[0])
    np.testing.assert_array_equal(moved.to_host().to_dense(), x)
    assert other.nbytes == t.nbytes


@both
def test_tables_escape_nothing_and_contract_nothing(make):
    t = make(shape=(10**4,) * 3, **({"rank": 3} if make is cp else {"ranks": (3, 3, 3)}))
    table = t._repr_html_()
    assert "10000 x 10000 x 10000" in table
    assert "8e+03 GB" in table
    assert type(t).__name__ in repr(t)


@both
def test_pictures_show_the_arrays(make):
    t = make()
    ax = t.plot_components(1, [0, 1])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), to_host(t.factors[1])[:, 1])
    assert len(t.plot_components(0, ax=ax).lines) > 3
    assert t.plot_scree().get_yscale() == "log"


@pytest.mark.parametrize(
    "head, factors, message",
    [
        ([], [np.ones((2, 0))], "R >= 1"),
        ([1.0], [np.ones((2, 2))], r"`factors\[0\]` must have shape \(n_0, 1\)"),
        ([1.0], [np.ones(2)], r"`factors\[0\]`"),
        ([np.nan], [np.ones((2, 1))], "`weights` holds NaN"),
        ([1.0], [], "`factors` is empty"),
    ],
)
def test_cp_tensors_that_do_not_fit(head, factors, message):
    with pytest.raises(ValueError, match=message):
        CPTensor(head, factors)


@pytest.mark.parametrize(
    "core, factors, message",
    [
        (np.ones((1, 1)), [np.ones((2, 1))], "one mode for each of 1 factors"),
        (np.ones((1, 2)), [np.ones((2, 1)), np.ones((2, 1))], r"`factors\[1\]` must have shape"),
        (np.ones((1,)), [[[np.inf]]], r"`factors\[0\]` holds NaN or infinity"),
    ],
)
def test_tucker_tensors_that_do_not_fit(core, factors, message):
    with pytest.raises(ValueError, match=message):
        TuckerTensor(core, factors)


def test_kinds_that_are_no_numbers():
    with pytest.raises(TypeError, match="float32, float64"):
        CPTensor(["a"], [[["b"]]])
    with pytest.raises(TypeError, match="sequence"):
        CPTensor([1.0], 5)
