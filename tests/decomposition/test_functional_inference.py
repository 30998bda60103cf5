"""The updates and the evidence bound: axes, monotony, invariances, exact special cases."""

import numpy as np
import pytest

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern
from rankloom.decomposition.functional import algebra as products
from rankloom.decomposition.functional.inference import Inference, Mode
from rankloom.decomposition.functional.learning import Learner
from rankloom.decomposition.functional.observations import observe
from rankloom.decomposition.functional.posterior import Core, Noise, Relevance

from .functional_cases import TUCKER_CORE, gaussian_process, planted, truth

SMOOTH = [Matern(1.5, 0.5)] * 3


def table(modes, count=120, seed=0):
    rng = np.random.default_rng(seed)
    x = np.stack([rng.choice(rng.uniform(0, 1, 9 + k), count) for k in range(modes)], 1)
    return observe(x, rng.standard_normal(count), rng.uniform(0.5, 2, count), modes)


def start(data, algebra, seed=1, width=0.01, dof=None, **options):
    rng = np.random.default_rng(seed)
    modes = [
        Mode(
            Matern(1.5, 0.5),
            rng.standard_normal((len(n), r)),
            np.broadcast_to(width * np.eye(r), (len(n), r, r)),
        )
        for n, r in zip(data.nodes, algebra.ranks, strict=True)
    ]
    size = int(np.prod(algebra.shape))
    core = Core(rng.standard_normal(size), width * np.eye(size), **options)
    return Inference(data, algebra, modes, core, Noise(1.0, 1.0), dof=dof)


@pytest.mark.parametrize("ranks", [(2, 3), (2, 1, 3), (2, 3, 1, 2), (4,)])
def test_a_message_and_the_values_agree_on_the_axes_of_the_core(ranks):
    # With zero covariance, f = a' u_k for every mode k.
    data, algebra = table(len(ranks)), products.Kronecker(ranks)
    inference = start(data, algebra, width=0.0)
    means = [m.means for m in inference.modes]
    tables = [m[data.index[:, k]] for k, m in enumerate(means)]
    core = inference.core.mean
    squares = [products.pack(m[:, :, None] * m[:, None]) for m in tables]
    f, _ = algebra.moments(core, inference.core.second, tables, squares)
    letters = "abcd"[: len(ranks)]
    dense = "".join(letters) + "," + ",".join("n" + c for c in letters) + "->n"
    np.testing.assert_allclose(f, np.einsum(dense, core.reshape(ranks), *tables), atol=1e-12)
    for k in range(len(ranks)):
        others = [t for m, t in enumerate(means) if m != k]
        index = np.delete(data.index, k, axis=1)
        zeta = products.gather_plain(others, index, np.ones(len(data.y)), True)
        z = products.gather_plain(
            [products.pack(t[:, :, None] * t[:, None]) for t in others],
            index, np.ones(len(data.y)), True,
        )  # fmt: skip
        squares, a = algebra.message(k, core, inference.core.second, z, zeta)
        np.testing.assert_allclose(np.einsum("nr,nr->n", a, tables[k]), f, atol=1e-12)
        np.testing.assert_allclose(squares, a[:, :, None] * a[:, None, :], atol=1e-11)


@pytest.mark.parametrize("algebra", [products.Kronecker((2, 1, 3)), products.Entrywise(3, 3)])
def test_gathered_sums_are_those_of_the_plain_twin(algebra):
    data = table(3)
    inference = start(data, algebra)
    for k in range(3):
        others = [m for m in range(3) if m != k]
        seconds = [m.covs + m.means[:, :, None] * m.means[:, None, :] for m in inference.modes]
        tables = [products.pack(seconds[m]) for m in others]
        index = data.index[:, others]
        rows = products.gather_plain(tables, index, data.weights, algebra.kron)
        expected = np.zeros((len(data.nodes[k]), rows.shape[1]))
        np.add.at(expected, data.index[:, k], rows)
        (_, z, _), *_ = inference.gathering.blocks(k, counted=True)
        np.testing.assert_allclose(z, expected, rtol=1e-12)


@pytest.mark.parametrize("modes", [1, 2, 3, 4])
@pytest.mark.parametrize("kron", [True, False])
def test_moments_of_the_function_under_the_posterior(modes, kron):
    # E f^2 by the definition: every pair of entries of the core.
    algebra = products.Kronecker((2, 3, 2, 1)[:modes]) if kron else products.Entrywise(2, modes)
    data = table(modes)
    inference = start(data, algebra, width=0.3)
    means = [m.means[:5] for m in inference.modes]
    seconds = [m.covs[:5] + m.means[:5, :, None] * m.means[:5, None, :] for m in inference.modes]
    second = inference.core.second
    _, square = algebra.moments(
        inference.core.mean, second, means, [products.pack(s) for s in seconds]
    )
    for n in range(5):
        total = np.ones((1, 1))
        for s in seconds:
            total = np.kron(total, s[n]) if kron else total * s[n]
        assert square[n] == pytest.approx(np.vdot(total, second), rel=1e-12)


@pytest.mark.parametrize("kind", ["cp", "weights", "tucker", "ard", "student"])
def test_no_update_lowers_the_bound(kind):
    x, y = planted(0, 400, TUCKER_CORE, sizes=(20, 25, 30))
    data = observe(x, y, None, 3)
    tucker = kind in ("tucker", "ard")
    algebra = products.Kronecker((2, 2, 2)) if tucker else products.Entrywise(3, 3)
    relevance = Relevance(algebra.shape) if kind in ("weights", "ard") else None
    dof = 3.0 if kind == "student" else None
    inference = start(data, algebra, dof=dof, fixed=kind == "cp", relevance=relevance)
    inference.learner = Learner({0})
    inference.sweep()
    bounds = [inference.bound()]
    for _ in range(42):
        updates = [(inference.update_weights,)]
        updates += [(inference.update_mode, k) for k in range(3)]
        updates += [(inference.update_offset,), (inference.update_core,), (inference.update_noise,)]
        for update, *arguments in updates:
            update(*arguments)
            bounds.append(inference.bound())
        inference.sweeps += 1
    assert len(bounds) > 200
    assert np.diff(bounds).min() > -1e-9 * np.abs(bounds).max()


@pytest.mark.parametrize("kron", [True, False])
def test_a_mini_batch_of_all_rows_is_a_sweep(kron):
    x, y = planted(0, 400, TUCKER_CORE, sizes=(20, 25, 30))
    data = observe(x, y, None, 3)
    algebra = products.Kronecker((2, 2, 2)) if kron else products.Entrywise(3, 3)
    one, two = start(data, algebra), start(data, algebra)
    one.learner, two.learner = Learner({0}), Learner({0})
    one.sweep()
    two.warm_up(400, np.random.default_rng(0))
    assert two.bound() == pytest.approx(one.bound(), rel=1e-10)
    assert two.sweep() == pytest.approx(one.sweep(), rel=1e-10)


@pytest.mark.parametrize("options", [{}, {"ard": True}, {"dof": 10}, {"noise_std": 0.1}], ids=str)
@pytest.mark.parametrize("core", [None, TUCKER_CORE], ids=["cp", "tucker"])
def test_mini_batches_save_sweeps(core, options):
    x, y = planted(0, 20_000, core, sizes=(60, 70, 80))
    model = FunctionalCP(2) if core is None else FunctionalTucker((2, 2, 2))
    model.set_params(kernels=SMOOTH, rng=0, max_sweeps=2, init="random", **options)
    plain = model.set_params(batch_size=None).fit(x, y).elbo_
    model.set_params(batch_size=500).fit(x, y)
    assert model.elbo_ > plain + 0.01 * len(y)
    assert model.elbo_trace_[1] >= model.elbo_trace_[0]
    assert np.sqrt(np.mean((model.predict(x) - truth(x, core)) ** 2)) < 0.03


def test_a_batch_larger_than_the_table_changes_nothing():
    x, y = planted(1, 300, sizes=(20, 25, 30))
    one = FunctionalCP(2, SMOOTH, rng=0, max_sweeps=4).fit(x, y)
    two = FunctionalCP(2, SMOOTH, rng=0, max_sweeps=4, batch_size=300).fit(x, y)
    np.testing.assert_array_equal(one.predict(x), two.predict(x))
    with pytest.raises(ValueError, match="`batch_size`"):
        FunctionalCP(2, SMOOTH, batch_size=0).fit(x, y)


def means_of(x, rank, seed=7):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((len(np.unique(column)), rank)) for column in x.T]


@pytest.mark.parametrize("kind", [FunctionalCP, FunctionalTucker])
def test_order_of_rows_does_not_matter_and_twice_is_weight_two(kind):
    x, y = planted(1, 500, sizes=(20, 25, 30))
    rank = 2 if kind is FunctionalCP else (2, 2, 2)
    options = {"kernels": SMOOTH, "init": means_of(x, 2), "max_sweeps": 60, "tol": 0.0}
    one = kind(rank, **options).fit(x, y)
    order = np.random.default_rng(2).permutation(len(y))
    two = kind(rank, **options).fit(x[order], y[order])
    # rounding grows along 60 sweeps; sums are taken in another order
    np.testing.assert_allclose(one.predict(x), two.predict(x), atol=1e-8)
    assert one.elbo_ == pytest.approx(two.elbo_, rel=1e-8)
    twice = kind(rank, **options).fit(np.vstack([x, x[:100]]), np.concatenate([y, y[:100]]))
    weights = np.where(np.arange(len(y)) < 100, 2.0, 1.0)
    weighted = kind(rank, **options).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(twice.predict(x), weighted.predict(x), atol=1e-8)


def test_tucker_with_a_superdiagonal_core_is_cp():
    x, y = planted(3, 600, sizes=(20, 25, 30))
    core = np.zeros((2, 2, 2))
    core[range(2), range(2), range(2)] = 1
    options = {"kernels": SMOOTH, "init": means_of(x, 2), "learn_kernels": False, "max_sweeps": 20}
    cp = FunctionalCP(2, **options).fit(x, y)
    tucker = FunctionalTucker((2, 2, 2), core=core, **options).fit(x, y)
    for a, b in zip(cp.predict(x, True), tucker.predict(x, True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)
    assert cp.elbo_ == pytest.approx(tucker.elbo_, rel=1e-10)
    np.testing.assert_array_equal(tucker.core_, core)


def test_units_of_coordinates_and_order_of_modes_do_not_matter():
    x, y = planted(4, 500, sizes=(20, 25, 30))
    means = means_of(x, 2)
    kernels = [Matern(1.5, 0.4), Matern(0.5, 0.5), Matern(2.5, 0.6)]
    one = FunctionalTucker((2, 2, 2), kernels, init=means, max_sweeps=30).fit(x, y)
    scaled = [Matern(k.nu, 2.5 * k.lengthscale) for k in kernels]
    two = FunctionalTucker((2, 2, 2), scaled, init=means, max_sweeps=30).fit(2.5 * x + 7, y)
    np.testing.assert_allclose(one.predict(x), two.predict(2.5 * x + 7), atol=1e-8)
    units = FunctionalTucker((2, 2, 2), kernels, init=means, max_sweeps=30).fit(x, 1e3 * y - 50)
    np.testing.assert_allclose(1e3 * one.predict(x) - 50, units.predict(x), atol=1e-5)
    assert units.elbo_ == pytest.approx(one.elbo_ - len(y) * np.log(1e3), abs=1e-5)
    turn = [2, 0, 1]  # the mode with the fewest coordinates is updated last in either case
    data = observe(x, y, None, 3)
    first = start(data, products.Kronecker((2, 2, 2)))
    other = Inference(
        observe(x[:, turn], y, None, 3), products.Kronecker((2, 2, 2)),
        [Mode(first.modes[k].kernel, first.modes[k].means, first.modes[k].covs) for k in turn],
        Core(first.core.mean.reshape(2, 2, 2).transpose(turn).ravel(), first.core.cov),
        Noise(1.0, 1.0),
    )  # fmt: skip
    first._order, other._order = [2, 1, 0], [0, 2, 1]
    for _ in range(5):
        a, b = first.sweep(), other.sweep()
    assert a == pytest.approx(b, rel=1e-10)


def test_one_mode_with_one_function_is_exact_regression():
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(0, 1, 80))
    y = np.sin(7 * x) + 0.2 * rng.standard_normal(80)
    kernel = Matern(1.5, 0.3, 1.4)
    model = FunctionalTucker(
        (1,), [kernel], core=np.ones(1), noise_std=0.2, learn_kernels=False, max_sweeps=3
    ).fit(x[:, None], y)
    points = np.linspace(-0.5, 1.5, 30)
    scaled, noise = (y - y.mean()) / y.std(), (0.2 / y.std()) ** 2
    mean, cov, evidence = gaussian_process(kernel, x, scaled, noise, points)
    found, std = model.predict(points[:, None], return_std=True, include_noise=False)
    np.testing.assert_allclose(found, y.mean() + y.std() * mean, atol=1e-9)
    np.testing.assert_allclose(std, y.std() * np.sqrt(np.diag(cov)), atol=1e-9)
    assert model.elbo_ == pytest.approx(evidence - 80 * np.log(y.std()), abs=1e-7)
    assert model.noise_std_ == pytest.approx(0.2)


@pytest.mark.parametrize("model", [FunctionalCP(3), FunctionalTucker((3, 3, 3))], ids=str)
def test_threads_do_not_change_results(model):
    x, y = planted(6, 30_000, sizes=(50, 60, 70))
    model.set_params(kernels=SMOOTH, init=means_of(x, 3), max_sweeps=4)
    one = model.set_params(threads=1).fit(x, y).predict(x)
    np.testing.assert_array_equal(model.set_params(threads=3).fit(x, y).predict(x), one)
