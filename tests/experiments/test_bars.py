"""Progress bars: what they show, and that they are silent where nobody watches."""

import io

import pytest
from tqdm import tqdm

from rankloom.experiments import bars
from rankloom.experiments.bars import Bars
from rankloom.quantum.aqc import Step


def use(shown: Bars) -> None:
    assert list(shown.track("layers")(range(3))) == [0, 1, 2]
    with shown.iterations("search") as callback:
        callback(Step(0, "lbfgs", 1, 0.75, 0.1))
    with shown.waiting("check", "a while"):
        pass


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("show", [True, False])
def test_silent_without_a_terminal(show, capsys):
    use(Bars(show))
    assert capsys.readouterr() == ("", "")


def test_shown_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(bars, "tqdm", lambda *args, **kw: tqdm(*args, file=screen, **kw))
    use(Bars())
    lines = screen.getvalue().replace("\r", "\n").splitlines()
    assert any(line.startswith("layers") and "3/3" in line for line in lines)
    assert any(line.startswith("search") and "1 - F = 2.50e-01" in line for line in lines)
    assert any(line.startswith("check") and "a while" in line for line in lines)
