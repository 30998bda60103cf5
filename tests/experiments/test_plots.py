"""Pictures leave no trace in matplotlib's settings and survive extreme input."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from rankloom.experiments import plots
from rankloom.experiments.depth import Point
from rankloom.experiments.plots import DARK, LIGHT
from rankloom.quantum import brickwork_ansatz
from rankloom.tn import SpinChain


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_settings_hold_inside_the_block_only(theme):
    before = mpl.rcParams.copy()
    with theme.context():
        assert mpl.rcParams["text.color"] == theme.ink
        ax = plots.new_axes()
        text = plots.svg(plots.figure_of(ax))
    assert mpl.rcParams == before
    assert theme.paper in text


def test_import_touches_no_backend_and_no_setting():
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy(); "
        "import rankloom.experiments.demo as _; assert matplotlib.rcParams == before; "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_same_picture_gives_the_same_file():
    def draw():
        with LIGHT.context():
            points = [Point("Trotter", k, 6 * k, 1, 1 - 10.0**-k) for k in (1, 2, 3)]
            ax = plots.plot_depth(points, points[0], LIGHT, plots.new_axes())
            return plots.svg(plots.figure_of(ax))

    assert draw() == draw()


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_depth_marks_the_pair_of_equal_fidelity():
    trotter = [Point("Trotter", k, 6 * k + 3, 0, 1 - 10.0**-k) for k in (1, 2, 3)]
    chosen = Point("compiled", 1, 9, 0, 0.985)
    ax = plots.plot_depth([*trotter, chosen], chosen, LIGHT, plots.new_axes())
    assert words(ax) == ["1.7\u00d7 the depth"]
    unmatched = Point("compiled", 1, 9, 0, 0.9999)
    assert not words(plots.plot_depth([*trotter, unmatched], unmatched, LIGHT, plots.new_axes()))


def test_perfect_fidelities_can_be_drawn():
    point = Point("compiled", 1, 3, 3, 1 + 1e-15)
    ax = plots.plot_depth([point], point, LIGHT, plots.new_axes())
    plots.svg(plots.figure_of(ax))
    steps = [(0, "start", 0, 1.0, 0.0), (0, "polar", 1, 1.0, 0.0)]
    kinds = [("start", int), ("stage", "U5"), ("iteration", int), ("fidelity", float)]
    history = np.array(steps, [*kinds, ("seconds", float)])
    ax = plots.plot_convergence(history, LIGHT, plots.new_axes())
    plots.svg(plots.figure_of(ax))


def test_convergence_draws_both_starts(small):
    history = small.result.history
    ax = plots.plot_convergence(history, LIGHT, plots.new_axes())
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["from the Trotter angles", "the same with noise", "Trotter circuit"]
    lines = [line for line in ax.lines if line.get_label() == labels[0]]
    np.testing.assert_allclose(lines[0].get_ydata(), 1 - history["fidelity"][history["start"] == 0])


def test_entanglement_map_spans_cuts_and_times(small):
    quench = small.quench
    ax = plots.plot_entanglement(quench.evolution.times, quench.entropies, plots.new_axes())
    np.testing.assert_allclose(ax.images[0].get_extent(), (0.5, 5.5, -0.0125, 1.0125))
    np.testing.assert_array_equal(quench.entropies[0], 0.0)
    np.testing.assert_allclose(quench.entropies[-1], small.target.entropies())


def test_magnetisation_is_staggered_on_request():
    profile = {"target": np.array([1.0, -1.0, 1.0])}
    for staggered, expected in ((True, [1, 1, 1]), (False, [1, -1, 1])):
        ax = plots.plot_magnetisation(profile, staggered, LIGHT, plots.new_axes())
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), expected)


@pytest.mark.parametrize("n, blocks", [(2, 1), (6, 13), (12, 25)])
def test_brickwork_shows_every_block_of_the_first_qubits(n, blocks):
    from matplotlib.patches import FancyBboxPatch

    steps = 1 if n == 2 else 2
    ansatz = brickwork_ansatz(SpinChain.heisenberg(n), 1.0, steps)
    ax = plots.plot_brickwork(ansatz, LIGHT, plots.new_axes())
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == np.count_nonzero(ansatz.bonds < 10) == blocks


def test_settings_of_a_backend_loaded_inside_the_block_stay():
    # As in a notebook, whose backend becomes interactive when the first figure is made.
    before = mpl.is_interactive()
    with LIGHT.context():
        mpl.interactive(not before)
    assert mpl.is_interactive() is not before
    mpl.interactive(before)
