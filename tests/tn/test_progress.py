import pytest

from rankloom.tn.progress import track


def test_false_passes_items_through():
    items = [1, 2]
    assert track(items, False) is items


def test_true_shows_a_bar(capsys):
    assert list(track([1, 2], True)) == [1, 2]
    assert "2/2" in capsys.readouterr().err


def test_other_values_are_refused():
    with pytest.raises(TypeError, match="`progress`"):
        track([1], 3)
