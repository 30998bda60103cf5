"""Tests leave the user's cache folder alone."""

import pytest


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKLOOM_CACHE", str(tmp_path / "cache"))
