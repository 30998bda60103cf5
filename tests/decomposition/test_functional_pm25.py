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


@pytest.mark.parametrize("rank, rmse, mae", [(3, 0.33, 0.20), (5, 0.29, 0.18)])
def test_what_a_validation_part_chooses_is_accurate_and_calibrated(fold, rank, rmse, mae):
    x, y, points, values = fold
    options = {"kernels": KERNELS, "rng": 0, "calibrate": True}
    models = [FunctionalCP(rank, **options), FunctionalTucker((rank,) * 3, **options)]
    model = min((m.fit(x, y) for m in models), key=lambda m: m.validation_.nlpd)
    scores = model.scores(points, values)
    assert scores.rmse <= rmse
    assert scores.mae <= mae
    assert 0.93 <= scores.coverage <= 0.97
    mean, std = model.predict(points, return_std=True)
    plain = std / model.variance_factor_**0.5
    assert 0.88 <= np.mean(np.abs(values - mean) <= 1.96 * plain) <= 0.93
