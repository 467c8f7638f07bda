"""The toy distribution, where generations and their workers find it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xreg.registry import plugins as plugin_host

TOY = Path(__file__).parents[2] / "toy_distribution"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Make the toy distribution importable and known to the plugin host, here and in children."""
    site = tmp_path / "site"
    info = site / "xreg_toy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xreg-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xreg]\ntoy = xreg_toy\n")
    for path in (TOY, site):
        monkeypatch.syspath_prepend(str(path))
    monkeypatch.setenv("PYTHONPATH", f"{TOY}{os.pathsep}{site}")
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    plugin_host.host.cache_clear()
    yield tmp_path
    plugin_host.host.cache_clear()
