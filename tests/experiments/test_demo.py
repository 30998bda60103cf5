"""The full demo, as `make demo` runs it, and its section on chains."""

import pytest

from rankloom.experiments.demo import run_demo


@pytest.mark.slow
def test_full_demo(tmp_path):
    made = run_demo(tmp_path / "demo")
    large, small, *chains = made.checks
    assert len(chains) == 5
    assert all(check.passed for check in chains)
    assert large.passed
    assert small.passed
    assert large.tolerance == 1e-6
    assert small.tolerance == 1e-10
    assert large.stated >= 0.991535 - 1e-7  # local optima from the Trotter start
    assert small.stated >= 0.99954230 - 1e-7
    assert made.report.exists()
    # Again on top of it: the older one is replaced.
    assert run_demo(tmp_path / "demo", sections=(lambda root, bars: _tiny(),)).report.exists()
    assert sorted(f.name for f in (tmp_path / "demo").iterdir()) == [
        "environment.json",
        "report.html",
    ]


def _tiny():
    from rankloom.experiments.report import Section

    return Section("tiny", "Tiny", "Lead.", [], [], [], [])
