"""Functional models as users meet them: recovery, intervals, protocol, refusals."""

import numpy as np
import pytest

from rankloom.decomposition import (
    ApproximationWarning,
    FunctionalCP,
    FunctionalTucker,
    Matern,
)
from rankloom.decomposition.functional import (
    Gamma,
    KernelSum,
    LogNormal,
    NotFittedError,
    QuasiPeriodic,
    Trend,
    scores,
)
from rankloom.decomposition.functional.algebra import Kronecker
from rankloom.decomposition.functional.observations import observe
from rankloom.decomposition.functional.starts import random_means
from rankloom.tn import Outcome

from .functional_cases import TUCKER_CORE, funbat, planted, truth

SMOOTH = [Matern(1.5, 0.5)] * 3


def small(seed=0, count=400):
    return planted(seed, count, sizes=(20, 25, 30))


def cp(rank=2, **options):
    return FunctionalCP(rank, SMOOTH, rng=0, **options)


def test_rank_one_functions_of_the_paper():
    data = funbat("synthetic_r1.npz")
    model = FunctionalCP(1, [Matern(1.5, 0.1, 0.5)] * 2, rng=0).fit(
        data["tr_ind_CONTI"], data["tr_y"]
    )
    assert model.scores(data["te_ind_CONTI"], data["te_y"]).rmse <= 0.0042


@pytest.mark.parametrize("core", [None, TUCKER_CORE], ids=["cp", "tucker"])
def test_planted_functions_noise_and_coverage(core):
    x, y = planted(0, 5000, core)
    model = cp() if core is None else FunctionalTucker((2, 2, 2), SMOOTH, rng=0)
    model.fit(x, y)
    points, noisy = planted(0, 4000, core)  # the same coordinates ..
    rng = np.random.default_rng(10)
    points = np.stack([rng.permutation(column) for column in points.T], 1)  # .. newly combined
    noisy = truth(points, core) + 0.1 * rng.standard_normal(len(points))
    assert np.sqrt(np.mean((model.predict(points) - truth(points, core)) ** 2)) <= 0.02
    assert model.noise_std_ == pytest.approx(0.1, rel=0.03)
    assert 0.93 <= model.scores(points, noisy).coverage <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("core", [None, TUCKER_CORE], ids=["cp", "tucker"])
def test_planted_functions_from_other_seeds(seed, core):
    x, y = planted(seed, 5000, core)
    model = cp() if core is None else FunctionalTucker((2, 2, 2), SMOOTH, rng=seed)
    model.fit(x, y)
    assert np.sqrt(np.mean((model.predict(x) - truth(x, core)) ** 2)) <= 0.02
    assert model.noise_std_ == pytest.approx(0.1, rel=0.03)


def test_seasons_and_a_trend_go_on_beyond_the_data():
    rng = np.random.default_rng(0)
    months = np.arange(72) / 12
    x = np.stack(np.meshgrid(rng.uniform(0, 1, 12), months, indexing="ij"), -1).reshape(-1, 2)
    y = (1 + x[:, 0] ** 2) * np.exp(np.sin(2 * np.pi * x[:, 1])) + 0.5 * x[:, 1] * np.cos(x[:, 0])
    y += 0.1 * rng.standard_normal(len(y))
    seen = x[:, 1] < 5
    scores = {}
    for last in (
        Matern(1.5, 0.5),
        QuasiPeriodic(1.02, 20.0, harmonics=3) + Trend(2.5, 3.0),
    ):
        model = FunctionalCP(2, [Matern(1.5, 0.5), last], rng=0, max_sweeps=60)
        model.fit(x[seen], y[seen])
        assert (np.diff(model.elbo_trace_) > -1e-9 * abs(model.elbo_)).all()
        scores[type(last)] = model.scores(x[~seen], y[~seen])
    assert scores[KernelSum].rmse < 0.15 < 0.5 < scores[Matern].rmse
    assert scores[KernelSum].coverage > 0.85
    season = model.kernels_[1].parts[0]
    assert season.period == pytest.approx(1.0, abs=0.003)


def test_too_few_harmonics_are_told():
    x, y = small()
    sharp = QuasiPeriodic(0.5, 3.0, shape=0.2, harmonics=2)
    model = FunctionalCP(1, [*SMOOTH[:2], sharp], rng=0, learn_kernels=False, max_sweeps=3)
    with pytest.warns(ApproximationWarning, match=r"mode 2.*harmonics"):
        model.fit(x, y)


def test_starts_from_a_trend_far_from_its_center_have_size_one():
    data = observe(np.linspace(2000, 2020, 50)[:, None], np.arange(50.0), None, 1)
    kernel = Trend() + Matern(1.5, 5.0)
    draws = [
        random_means(data, Kronecker((200,)), (kernel,), np.random.default_rng(seed))[0]
        for seed in range(2)
    ]
    assert np.mean(np.square(draws)) == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize("kind", [FunctionalCP, FunctionalTucker])
def test_rank_one_shapes_to_four_digits(kind):
    rng = np.random.default_rng(0)
    t, s = np.linspace(0, 1, 40), np.linspace(0, 1, 50)
    x = np.stack(np.meshgrid(t, s, indexing="ij"), -1).reshape(-1, 2)[rng.random(2000) < 0.3]
    f = np.sin(2 * np.pi * x[:, 0]) * np.exp(-x[:, 1])
    y = f + 0.01 * rng.standard_normal(len(x))
    rank = 1 if kind is FunctionalCP else (1, 1)
    model = kind(rank, [Matern(1.5, 0.3)] * 2, rng=0).fit(x, y)
    for k, shape in enumerate((lambda a: np.sin(2 * np.pi * a), lambda a: np.exp(-a))):
        u = model.mode_function(k, t)[0][:, 0]
        cosine = u @ shape(t) / np.linalg.norm(u) / np.linalg.norm(shape(t))
        assert abs(cosine) >= 0.9999
    assert np.sqrt(np.mean((model.predict(x) - f) ** 2)) <= 0.0035
    assert model.noise_std_ == pytest.approx(0.01, rel=0.15)


def test_needless_components_are_switched_off():
    x, y = planted(3, 2000, sizes=(30, 35, 40))
    model = cp(5, ard=True, max_sweeps=150).fit(x, y)
    shares = np.sort(model.component_shares()[0])
    assert model.noise_std_ == pytest.approx(0.1, rel=0.06)
    assert shares[:2].max() < 1e-3
    assert model.core_.shape == (5,)


def test_learnt_lengthscales_beat_wrong_ones_and_priors_hold_them():
    x, y = small()
    wrong = [Matern(1.5, 0.02)] * 3
    fixed = FunctionalCP(2, wrong, learn_kernels=False, rng=0).fit(x, y)
    learnt = FunctionalCP(2, wrong, rng=0).fit(x, y)
    assert learnt.elbo_ > fixed.elbo_ + 10
    held = [Matern(1.5, 0.02, lengthscale_prior=LogNormal(np.log(0.02), 1e-3))] * 3
    model = FunctionalCP(2, held, rng=0).fit(x, y)
    for kernel in model.kernels_:
        assert kernel.lengthscale == pytest.approx(0.02, rel=0.02)
    bounded = [Matern(1.5, 0.02, bounds=(0.01, 0.03), variance_prior=Gamma(2, 1))] * 3
    for kernel in FunctionalCP(2, bounded, rng=0).fit(x, y).kernels_:
        assert 0.01 <= kernel.lengthscale <= 0.03


def test_sum_of_kernels_finds_a_trend_under_a_wiggle():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (600, 2))
    y = (x[:, 0] + 0.3 * np.sin(40 * x[:, 0])) * (1 + x[:, 1]) + 0.02 * rng.standard_normal(600)
    both = [Matern(2.5, 0.05, 0.1) + Matern(2.5, 1.0), Matern(2.5, 1.0)]
    model = FunctionalCP(1, both, rng=0).fit(x, y)
    assert model.noise_std_ == pytest.approx(0.02, rel=0.2)


def test_a_start_with_means_near_zero_does_not_end_there():
    x, y = planted(2, 70, sizes=(20, 25, 30))
    model = FunctionalTucker((2, 2, 2), SMOOTH, rng=0).fit(x, y)
    assert np.std(model.predict(x)) > 0.5 * np.std(y)


def test_restarts_keep_the_best_bound():
    x, y = small()
    model = cp(restarts=3, threads=2).fit(x, y)
    assert len(model.starts_) == 3
    assert model.starts_ == cp(restarts=3, threads=1).fit(x, y).starts_
    assert model.elbo_ == max(model.starts_)
    assert model.elbo_ == model.elbo_trace_[-1]


@pytest.mark.parametrize("calibrate", [True, 3])
def test_calibrated_intervals_cover(calibrate):
    rng = np.random.default_rng(1)
    x, y = small(count=1500)
    y = y + 0.3 * np.sin(9 * x[:, 0] + 8 * x[:, 1])  # no product of few functions
    test = rng.random(len(y)) < 0.3
    model = cp(1, calibrate=calibrate).fit(x[~test], y[~test])
    assert model.variance_factor_ > 0
    kept_out = (~test).sum() if calibrate == 3 else round(0.1 * (~test).sum())
    assert model.validation_.count == kept_out
    assert model.validation_.rmse == pytest.approx(model.scores(x[test], y[test]).rmse, rel=0.2)
    # the 0.95 quantile of about 100 values is known to +-0.02, tested on 440 values: +-0.01
    assert 0.87 <= model.scores(x[test], y[test]).coverage <= 0.995
    plain = cp(1).fit(x[~test], y[~test])
    assert plain.variance_factor_ == 1
    assert plain.validation_ is None
    ratio = model.predict(x, True)[1] / plain.predict(x, True)[1]
    np.testing.assert_allclose(ratio, model.variance_factor_**0.5, rtol=0.05)


def test_samples_have_the_predicted_mean_and_deviation():
    x, y = small()
    model = FunctionalTucker((2, 2, 2), SMOOTH, rng=0).fit(x, y)
    points = np.vstack([x[:4], [[-0.1, 0.5, 1.2]]])
    draws = model.sample_functions(points, 3000, rng=1)
    mean, std = model.predict(points, return_std=True, include_noise=False)
    assert draws.shape == (3000, 5)
    assert (np.abs(draws.mean(0) - mean) < 5 * std / 3000**0.5).all()
    np.testing.assert_allclose(draws.std(0), std, rtol=0.1)


def test_mode_functions_multiply_to_the_prediction():
    x, y = small()
    model = cp().fit(x, y)
    functions = [model.mode_function(k, x[:, k])[0] for k in range(3)]
    expected = model.center_ + model.scale_ * np.prod(functions, axis=0).sum(axis=1)
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-10)
    mean, std = model.mode_function(-1, [0.1, 0.2])
    assert mean.shape == std.shape == (2, 2)
    assert (std > 0).all()


def test_missing_values_are_left_out():
    x, y = small()
    holes = np.where(np.arange(len(y)) % 5 == 0, np.nan, y)
    seen = ~np.isnan(holes)
    one, two = cp().fit(x, holes), cp().fit(x[seen], y[seen])
    np.testing.assert_array_equal(one.predict(x), two.predict(x))
    assert one.scores(x, holes).count == seen.sum()


def test_batches_in_time_order_end_near_the_whole():
    x, y = planted(5, 3000, sizes=(30, 35, 300))
    order = np.argsort(x[:, 2])
    x, y = x[order], y[order]
    kernels = [Matern(1.5, 0.4)] * 3
    stream = FunctionalCP(2, kernels, learn_kernels=False, rng=0, max_sweeps=200)
    for batch in np.array_split(np.arange(3000), 5):
        stream.partial_fit(x[batch], y[batch])
    f = truth(x)
    assert np.sqrt(np.mean((stream.predict(x) - f) ** 2)) < 0.05
    assert stream.noise_std_ == pytest.approx(0.1, rel=0.1)
    assert len(stream.nodes_[2]) == len(np.unique(x[:, 2]))


def test_a_batch_without_news_changes_little():
    x, y = small()
    model = cp().fit(x, y)
    before, std = model.predict(x, return_std=True)
    model.partial_fit(x[:1], before[:1])
    assert np.abs(model.predict(x) - before).max() < 0.2 * std.min()


def test_estimator_protocol():
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score

    x, y = small()
    model = cp(max_sweeps=5)
    twin = clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params()
    assert model.set_params(rank=1).rank == 1
    with pytest.raises(ValueError, match="no parameter"):
        model.set_params(colour="red")
    assert (cross_val_score(cp(max_sweeps=20), x, y, cv=3) > 0.9).all()
    search = GridSearchCV(cp(max_sweeps=10), {"rank": [1, 2]}, cv=2).fit(x, y)
    assert search.best_params_ == {"rank": 2}


@pytest.mark.parametrize("kind", [FunctionalCP, FunctionalTucker])
def test_files(kind, tmp_path):
    x, y = small()
    held = Matern(1.5, lengthscale_prior=LogNormal(0, 1))
    seasons = QuasiPeriodic(0.4, 3.0, harmonics=2) + Trend(0.5)
    kernels = [Matern(0.5) + Matern(1.5, 2.0), held, seasons]
    rank = 2 if kind is FunctionalCP else (2, 1, 2)
    model = kind(rank, kernels, rng=0, max_sweeps=8, calibrate=True).fit(x, y)
    model.save(tmp_path / "model.h5")
    again = kind.load(tmp_path / "model.h5")
    for a, b in zip(model.predict(x, True), again.predict(x, True), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.elbo_ == model.elbo_
    assert again.validation_ == model.validation_
    assert again.kernels_ == model.kernels_
    assert again.outcome_ is model.outcome_
    assert again.kernels == model.kernels
    other = FunctionalTucker if kind is FunctionalCP else FunctionalCP
    with pytest.raises(ValueError, match="holds a"):
        other.load(tmp_path / "model.h5")
    again.partial_fit(x[:50], y[:50])


def test_pictures_and_tables():
    from matplotlib import pyplot as plt

    x, y = small()
    model = cp().fit(x, y)
    for ax in (
        model.plot_mode(0),
        model.plot_trace(),
        model.plot_lengthscales(),
        model.plot_calibration(x, y),
        model.plot_pit(x, y),
    ):
        assert ax.get_xlabel()
    plt.close("all")
    assert "FunctionalCP" in model._repr_html_()
    assert "rank=2" in repr(model)
    assert "rmse" in model.scores(x, y)._repr_html_()


def test_scores_of_known_distributions():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(20_000)
    right = scores.score(y, np.zeros_like(y), np.ones_like(y))
    assert right.coverage == pytest.approx(0.95, abs=0.01)
    assert right.crps == pytest.approx(np.pi**-0.5, rel=0.02)  # E|X - X'| / 2
    assert right.nlpd == pytest.approx(0.5 * np.log(2 * np.pi * np.e), rel=0.02)
    narrow = scores.score(y, np.zeros_like(y), np.full_like(y, 0.5))
    assert narrow.nlpd > right.nlpd
    assert narrow.crps > right.crps
    factor = scores.variance_factor(y, np.zeros_like(y), np.full_like(y, 0.5))
    assert factor == pytest.approx(4, rel=0.05)


def test_outcomes():
    x, y = small()
    assert cp(max_sweeps=2).fit(x, y).outcome_ is Outcome.MAX_SWEEPS
    assert cp(max_sweeps=500, tol=1e-3).fit(x, y).outcome_ is Outcome.CONVERGED


X, Y = small(count=60)


def changed(row, column, value):
    x = X.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    "fit, message",
    [
        (lambda: cp().fit(X, Y[:-1]), r"`y` must have shape \(60,\)"),
        (lambda: cp().fit(X[:, 0], Y), "one column per mode"),
        (lambda: cp().fit(X[:, :2], Y), "one kernel per mode"),
        (lambda: cp().fit(changed(7, 1, np.nan), Y), r"`X\[7, 1\]` is nan"),
        (lambda: cp().fit(X, np.ones(60)), "constant"),
        (lambda: cp().fit(X, np.full(60, np.nan)), "missing"),
        (lambda: cp().fit(X, np.where(np.arange(60) == 3, np.inf, Y)), r"`y\[3\]` is infinite"),
        (lambda: cp(0).fit(X, Y), "`rank` must be at least 1"),
        (lambda: FunctionalTucker((2, 0, 2)).fit(X, Y), r"`ranks\[1\]` must be at least 1"),
        (lambda: FunctionalTucker((2, 2)).fit(X, Y), "one entry per mode"),
        (lambda: cp().fit(np.where([True, False, True], X, 0.5), Y), "single coordinate 0.5"),
        (lambda: cp(noise_std=0.0).fit(X, Y), "`noise_std`"),
        (lambda: cp(init="hosvd").fit(X, Y), "`init`"),
        (lambda: cp(init=[np.ones((3, 2))] * 3).fit(X, Y), "`init`"),
        (lambda: cp(calibrate=1).fit(X, Y), "`calibrate`"),
        (lambda: cp(calibrate=True).fit(X, Y), "at least 20"),
        (lambda: cp(restarts=0).fit(X, Y), "`restarts`"),
        (lambda: cp(tol=2.0).fit(X, Y), "`tol`"),
        (lambda: FunctionalTucker((2, 2, 2), core=np.ones(8)).fit(X, Y), "`core`"),
        (lambda: cp().fit(X, Y, sample_weight=-np.ones(60)), "`sample_weight`"),
        (lambda: cp().fit(X, Y).predict(X[:, :2]), "column of coordinates per mode"),
        (lambda: cp().fit(X, Y).mode_function(3, [0.0]), "`mode`"),
        (lambda: cp().fit(X, Y).predict_interval(X, 1.0), "`level`"),
    ],
)
def test_refusals_name_the_argument(fit, message):
    with pytest.raises(ValueError, match=message):
        fit()


def test_kernels_of_another_kind_are_refused():
    with pytest.raises(TypeError, match=r"`kernels\[1\]`"):
        FunctionalCP(1, [Matern(0.5), "rbf", Matern(0.5)]).fit(X, Y)
    with pytest.raises(TypeError, match=r"\[kernel\] \* 3"):
        FunctionalCP(1, Matern(0.5)).fit(X, Y)
    with pytest.raises(NotFittedError, match="call `fit"):
        cp().predict(X)
