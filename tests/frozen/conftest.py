"""Frozen plugins, installed as pip would."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

from xreg.registry.plugins import PluginHost


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], PluginHost]:
    """Return what installs the plugin of a version (``1_0``) and loads what it offers."""

    def installed(version: str) -> PluginHost:
        folder = tmp_path / "site"
        shutil.copytree(Path(__file__).parent / f"api_{version}", folder)
        info = folder / f"frozen_plugin-{version.replace('_', '.')}.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: frozen-plugin\nVersion: {version.replace('_', '.')}\n"
        (info / "METADATA").write_text(head)
        (info / "entry_points.txt").write_text(f"[xreg]\nfrozen = frozen_plugin_{version}\n")
        monkeypatch.syspath_prepend(folder)
        return PluginHost([p for d in distributions(path=[str(folder)]) for p in d.entry_points])

    return installed
