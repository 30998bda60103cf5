"""How good predictions with error bars are."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from rankloom.decomposition.functional.processes import Floats


@dataclass(frozen=True)
class Scores:
    """Scores of predicted means and standard deviations on observed values.

    Attributes
    ----------
    rmse, mae : float
        Root mean square and mean absolute error, in the units of y.
    coverage : float
        Fraction of values within the central 95 % interval; 0.95 is right.
    nlpd : float
        Mean negative log predictive density, in nats; smaller is better.
    crps : float
        Mean continuous ranked probability score, in the units of y; smaller is better, and equal
        to `mae` for certain predictions (doi:10.1198/016214506000001437).
    count : int
        Number of values.
    """

    rmse: float
    mae: float
    coverage: float
    nlpd: float
    crps: float
    count: int

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{escape(name)}</th><td>{value:.4g}</td></tr>"
            for name, value in vars(self).items()
        )
        return f"<table><caption>Scores</caption>{cells}</table>"


def score(y: Any, mean: Any, std: Any) -> Scores:
    """Score normal predictive distributions.

    Parameters
    ----------
    y, mean, std : (n,) array_like
        Rows in which y is NaN are left out.

    Raises
    ------
    ValueError
        Shapes differ, a standard deviation is not positive, or no value is left.

    Examples
    --------
    >>> result = score([0.0, 1.0], [0.0, 0.0], [1.0, 1.0])
    >>> result.coverage, round(result.mae, 3)
    (1.0, 0.5)
    """
    from scipy.stats import norm

    y, mean, std = (np.asarray(v, dtype=np.float64) for v in (y, mean, std))
    if not y.shape == mean.shape == std.shape or y.ndim != 1:
        raise ValueError(
            f"`y`, `mean` and `std` must be of one length, got {y.shape}, {mean.shape}, "
            f"{std.shape}."
        )
    seen = ~np.isnan(y)
    if not seen.any():
        raise ValueError("`y` holds no value to score against.")
    if not (std[seen] > 0).all():
        raise ValueError("`std` must be positive everywhere.")
    miss, std = y[seen] - mean[seen], std[seen]
    z = miss / std
    crps = std * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - np.pi**-0.5)
    return Scores(
        rmse=float(np.sqrt(np.mean(miss**2))),
        mae=float(np.mean(np.abs(miss))),
        coverage=float(np.mean(np.abs(z) <= norm.ppf(0.975))),
        nlpd=float(np.mean(0.5 * z**2 + np.log(std) + 0.5 * np.log(2 * np.pi))),
        crps=float(np.mean(crps)),
        count=int(seen.sum()),
    )


def variance_factor(y: Floats, mean: Floats, std: Floats, level: float = 0.95) -> float:
    """Factor on predicted variances that makes central intervals of `level` cover as many."""
    from scipy.stats import norm

    z = np.abs(y - mean) / std
    rank = min(level * (1 + 1 / len(z)), 1.0)  # the value to come counts as one more
    return float((np.quantile(z, rank) / norm.ppf(0.5 + level / 2)) ** 2)


def calibration_curve(y: Any, mean: Any, std: Any) -> tuple[Floats, Floats, Floats]:
    """Levels of central intervals, the fraction of values inside, and all values' PIT.

    Returns
    -------
    levels, inside : (99,) arrays
    pit : (n,) array
        Probability integral transform: uniform on (0, 1) for right predictions.
    """
    from scipy.stats import norm

    y, mean, std = (np.asarray(v, dtype=np.float64) for v in (y, mean, std))
    pit = norm.cdf((y - mean) / std)
    levels = np.arange(1, 100) / 100
    inside = np.array([np.mean(np.abs(2 * pit - 1) <= level) for level in levels])
    return levels, inside, np.asarray(pit)
