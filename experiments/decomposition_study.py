"""A measured tensor taken apart, and a tensor whose rank is known, held against other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankloom.decomposition import (
    CPFit,
    TuckerFit,
    cp,
    datasets,
    match_components,
    nonnegative_cp,
    tucker,
)
from rankloom.experiments import decompose_job
from rankloom.experiments.bars import Bars
from rankloom.experiments.compile_job import stage, write_table
from rankloom.experiments.decompose_config import DataConfig, DecomposeConfig, FitConfig
from rankloom.experiments.decompose_job import DecomposeRun
from rankloom.experiments.verify import Check

NAMES = ("sample", "emission (nm)", "excitation (nm)", "time (min)")
"""The modes of the measurement."""

RANK = 3
"""Number of terms that the section tells of."""

_ERROR = 0.05
_STARTS = 3


@dataclass(frozen=True, eq=False)
class DecompositionStudy:
    """A measurement, its decompositions, and those of the matrix product.

    Parameters
    ----------
    x : (64, 12, 10, 60) array
        Fluorescence: samples, emission, excitation, time.
    ticks : sequence of array
        What the indices of each mode stand for.
    whole : TuckerFit
        Without truncation: its singular values are those of the data.
    compressed : TuckerFit
        To 5 % error.
    run : DecomposeRun
        The nonnegative fit with `RANK` terms.
    ladder : sequence of CPFit
        Nonnegative fits with 1, 2, .. terms.
    agreement : float
        Least match score between the kept start and the others.
    products : dict
        Rank: fit of the 2 x 2 matrix product.
    checks : sequence of Check
    """

    x: NDArray[np.float64]
    ticks: Sequence[NDArray[np.float64]]
    whole: TuckerFit
    compressed: TuckerFit
    run: DecomposeRun
    ladder: Sequence[CPFit]
    agreement: float
    products: dict[int, CPFit]
    checks: Sequence[Check]

    @property
    def terms(self) -> CPFit:
        """The nonnegative fit with `RANK` terms."""
        assert isinstance(self.run.fit, CPFit)
        return self.run.fit


def measurement() -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The kinetic fluorescence data that tensorly ships, and what its indices stand for.

    R. P. Nikolajsen, K. S. Booksh, Å. M. Hansen, R. Bro, doi:10.1016/S0003-2670(02)01302-2.
    """
    from tensorly.datasets.data_imports import load_kinetic

    found = load_kinetic()
    return np.asarray(found.tensor), [np.asarray(t, float) for t in found.ticks]


def study(folder: Path, bars: Bars) -> DecompositionStudy:
    """Decompose, compare, check, and write the files into a folder that is made here."""
    folder.mkdir(parents=True)
    x, ticks = measurement()
    seconds: dict[str, float] = {}
    np.save(folder / "data.npy", x)
    with bars.waiting("measured tensor: Tucker"):
        whole, compressed = tucker(x, tol=0), tucker(x, tol=_ERROR)
    config = DecomposeConfig(
        Path("results/components"),
        DataConfig(Path("data.npy"), modes=NAMES),
        FitConfig("nonnegative", rank=RANK, restarts=_STARTS),
    )
    counted = bars.track("measured tensor: terms")
    ladder = [
        nonnegative_cp(x, rank, rng=0, tol=1e-6) for rank in counted([*range(1, RANK), RANK + 1])
    ]
    with bars.waiting(f"measured tensor: {_STARTS} starts"), stage(seconds, "fit"):
        fit = nonnegative_cp(x, RANK, rng=0, restarts=_STARTS, max_sweeps=500)
        again = nonnegative_cp(x, RANK, rng=1, max_sweeps=500)
    ladder.insert(RANK - 1, fit)
    run = DecomposeRun(config, fit, NAMES, seconds["fit"])
    with bars.waiting("matrix product: 6 and 7 terms"):
        product = datasets.matrix_multiplication(2, 2, 2)
        products = {rank: cp(product, rank, rng=0, restarts=10) for rank in (6, 7)}
    agreement = match_components(fit.tensor, again.tensor).score
    with bars.waiting("decompositions: checks"):
        checks = [
            *_measured_checks(x, whole, compressed, fit),
            *_product_checks(products),
        ]
    decompose_job.write(run, folder)
    rows = [(k, fit.error, fit.core_consistency) for k, fit in enumerate(ladder, 1)]
    write_table(("terms", "error", "core_consistency"), rows, folder / "ladder.csv")
    return DecompositionStudy(x, ticks, whole, compressed, run, ladder, agreement, products, checks)


def _measured_checks(
    x: NDArray[np.float64], whole: TuckerFit, compressed: TuckerFit, terms: CPFit
) -> list[Check]:
    unfolded = np.moveaxis(x, -1, 0).reshape(x.shape[-1], -1)
    values = np.linalg.svd(unfolded, compute_uv=False)
    return [
        Check(
            "scree plot",
            "numpy: second singular value of the data unfolded along time, over the norm",
            float(whole.tensor.singular_values()[-1][1] / whole.tensor.norm()),
            float(values[1] / np.linalg.norm(x)),
            1e-10,
        ),
        Check(
            "Tucker error",
            "tensorly: the dense tensor from core and factors, subtracted",
            compressed.error,
            _dense_error(x, compressed.tensor),
            1e-10,
        ),
        Check(
            "error of the terms",
            "tensorly: the dense tensor from weights and factors, subtracted",
            terms.error,
            _dense_error(x, terms.tensor),
            1e-10,
        ),
    ]


def _dense_error(x: NDArray[np.float64], tensor: Any) -> float:
    """Relative distance of the dense tensor as tensorly forms it."""
    dense = np.asarray(tensor.to_tensorly().to_tensor())
    return float(np.linalg.norm(x - dense) / np.linalg.norm(x))


def _product_checks(products: dict[int, CPFit]) -> list[Check]:
    return [
        Check(
            "7 products suffice",
            "Strassen, 1969: the residual is zero",
            products[7].error,
            0.0,
            1e-8,
        ),
        Check(
            "6 do not",
            "the best residual leaves one of eight entries: 1/&radic;8",
            products[6].error,
            8**-0.5,
            1e-6,
        ),
    ]
