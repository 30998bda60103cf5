"""Every example in a docstring runs, found through the installed packages.

By path (``pytest --doctest-modules tn``) each module would be imported a second time, under its
bare folder name.
"""

import doctest
import pkgutil
from importlib import import_module

import pytest

import rankloom

MODULES = ["rankloom"]
MODULES += [module.name for module in pkgutil.walk_packages(rankloom.__path__, "rankloom.")]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # examples may write files
    failures, _ = doctest.testmod(import_module(name), optionflags=FLAGS)
    assert failures == 0
