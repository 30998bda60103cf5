"""The full demo, as `make demo` runs it; each section's own checks."""

import pytest

from rankloom.experiments.demo import SECTIONS, run_demo
from rankloom.experiments.report import Section, Written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> tuple[Written, dict[str, Section]]:
    """The demo, and its sections by key."""
    made: dict[str, Section] = {}

    def kept(make):
        def section(root, bars):
            found = make(root, bars)
            made[found.key] = found
            return found

        return section

    folder = tmp_path_factory.mktemp("demo") / "demo"
    return run_demo(folder, sections=[kept(make) for make in SECTIONS]), made


def test_all_checks_agree_and_every_section_has_some(full):
    written, made = full
    assert len(made) == len(SECTIONS)
    assert all(check.passed for check in written.checks)
    assert all(section.checks for section in made.values())
    assert written.report.exists()


def test_circuits(full):
    large, small = full[1]["circuits"].checks
    assert large.tolerance == 1e-6
    assert small.tolerance == 1e-10
    assert large.stated >= 0.991535 - 1e-7  # local optima from the Trotter start
    assert small.stated >= 0.99954230 - 1e-7


def test_chains(full):
    assert len(full[1]["chains"].checks) == 5


def test_decompositions(full):
    assert len(full[1]["decomposition"].checks) == 5


def test_functional(full):
    assert len(full[1]["functional"].checks) == 6


def test_potentials(full):
    assert len(full[1]["potentials"].checks) == 5


def test_an_older_demo_is_replaced(full):
    folder = full[0].report.parent
    run_demo(folder, sections=[lambda root, bars: Section("tiny", "Tiny", "Lead.", *[[]] * 4)])
    assert sorted(f.name for f in folder.iterdir()) == ["environment.json", "report.html"]
