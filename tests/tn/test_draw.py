import numpy as np
import pytest
from matplotlib import pyplot as plt

from rankloom.tn import MPS


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_entropy_plot_shows_the_entropies(ax):
    state = MPS.random(6, 4, rng=0)
    assert state.plot_entropy(ax) is ax
    np.testing.assert_allclose(ax.lines[0].get_xydata()[:, 1], state.entropies())
    np.testing.assert_allclose(ax.lines[1].get_xydata()[:, 1], np.log([2, 4, 4, 4, 2]))


@pytest.mark.parametrize(("n", "center"), [(1, 0), (6, 2), (6, None), (45, 44)])
def test_drawing_names_bonds_and_points_to_the_centre(ax, n, center):
    state = MPS.random(n, 3, rng=0)
    state = MPS(state.tensors) if center is None else state.canonicalize(center)
    assert state.draw(ax) is ax
    markers = [line.get_marker() for line in ax.lines if line.get_marker() != "None"]
    if center is None:
        assert markers == ["o"] * n
    else:
        assert markers == [">"] * center + ["D"] + ["<"] * (n - 1 - center)
    labels = [text.get_text() for text in ax.texts]
    assert labels[: n - 1] == [str(d) for d in state.bond_dimensions[1:-1]]
    assert labels[n - 1 :] == [str(k) for k in range(n)]


def test_new_axes_are_made_on_request():
    axes = [MPS.random(4, 2, rng=0).draw(), MPS.random(4, 2, rng=0).plot_entropy()]
    assert len({id(a.figure) for a in axes}) == 2
    for a in axes:
        plt.close(a.figure)


def test_html_table_shows_runs_of_bonds():
    table = MPS.random(8, 4, rng=0)._repr_html_()
    assert "<td>1, 2, 4 x5, 2, 1</td>" in table
    assert "<td>2 x8</td>" in table
    assert "<td>2.69 kB</td>" in table  # 168 numbers of 16 bytes
    alternating = MPS(tuple(np.ones((1, 2 + k % 2, 1)) for k in range(30)))
    assert "2, 3, 2, 3, 2, 3, .., 2, 3, 2, 3, 2, 3" in alternating._repr_html_()
