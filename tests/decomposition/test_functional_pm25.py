"""The PM2.5 table of the paper's repository: accuracy, coverage, memory of the method."""

import numpy as np
import pytest

from rankloom.decomposition import FunctionalCP, FunctionalTucker, Matern

from .functional_cases import funbat

pytestmark = pytest.mark.slow

KERNELS = [Matern(0.5, 2.0), Matern(0.5, 2.0), Matern(0.5, 0.01)]


@pytest.fixture(scope="module")
def fold():
    data = funbat("beijing_PM25.npz")
    train, test = (10 * (data[f"{part}_ind_0"] + 0.5) / data["ndims"] for part in ("tr", "te"))
    return train, data["tr_y_0"], test, data["te_y_0"]


def test_rank_three(fold):
    x, y, points, values = fold
    scores = FunctionalCP(3, KERNELS, rng=0).fit(x, y).scores(points, values)
    assert scores.rmse <= 0.33


def test_rank_five_with_calibrated_intervals(fold):
    x, y, points, values = fold
    model = FunctionalTucker((5, 5, 5), KERNELS, rng=0, calibrate=True).fit(x, y)
    scores = model.scores(points, values)
    assert scores.rmse <= 0.29
    assert scores.mae <= 0.18
    assert 0.93 <= scores.coverage <= 0.97
    mean, std = model.predict(points, return_std=True)
    plain = std / model.variance_factor_**0.5
    assert 0.88 <= np.mean(np.abs(values - mean) <= 1.96 * plain) <= 0.93
