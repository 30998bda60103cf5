"""The demo's random matrices: samples agree, a wrong law is noticed, the report is whole."""

import re
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from rankloom.experiments import freeness_study
from rankloom.experiments.bars import Bars
from rankloom.experiments.demo import run_demo
from rankloom.experiments.freeness import FILES, USE, freeness
from rankloom.experiments.report import Written
from rankloom.physics import laws

SMALL = partial(freeness, N=8, samples=40, party=6)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Written:
    """The section alone, with small matrices."""
    return run_demo(tmp_path_factory.mktemp("freeness") / "demo", sections=(SMALL,))


def test_samples_and_predictions_agree(made):
    assert [check.name for check in made.checks] == [
        "moment of order 4",
        "moment of order 6",
        "order 4 of the curve",
        "order 6 of the curve",
        "third negativity moment",
        "three parties, 30 spins",
    ]
    assert all(check.passed for check in made.checks)
    assert made.checks[4].stated == pytest.approx(4 / 17)
    assert made.summary[0].startswith("random matrices of 64 rows")


def test_a_wrong_law_is_noticed(tmp_path, monkeypatch):
    """Samples whose second matrix is too large by 30 per cent."""
    right = laws.Gaussian._sample

    def wrong(self, size, rng):
        variances = {**self.variances, (1,): Fraction(13, 10)}
        return right(laws.gaussian(2, variances, self.dims), size, rng)

    monkeypatch.setattr(laws.Gaussian, "_sample", wrong)
    found = freeness_study.study(
        tmp_path / "new", Bars(False), N=8, samples=100, party=3, ratios=(1,)
    )
    assert [check.passed for check in found.checks[:4]] == [False, False, True, True]


def test_the_report_is_whole(made):
    text = made.report.read_text()
    folder = made.report.parent / "freeness"
    names = {"spectrum", "moments", "transposed", "convergence"}
    assert {file.stem for file in (folder / "pictures").iterdir()} == names
    assert all((folder / name).exists() for name in FILES)
    for link in re.findall(r'href="(?!http|#)([^"]+)"', text):
        assert Path(made.report.parent, link).exists(), link


def test_the_code_of_the_report_runs(capsys):
    exec(USE.format(N=16), {})
    assert capsys.readouterr().out.startswith("29/2 ")
