"""A new kind of plugin takes one entry in one table; here as an exercise, a kind ``smoother``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg import api
from xreg.cli.main import main
from xreg.core.hooks import ComponentSpec
from xreg.core.interfaces.kinds import KINDS, Kind
from xreg.registry.plugins import host

ROOT = Path(__file__).parents[2]

PLUGIN = """
from smoothers import MeanConfig
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.1"


@hookimpl
def xreg_components():
    return [ComponentSpec("smoother", "mean", MeanConfig, "smoothers:Mean", "A running mean.")]
"""


MODULE = '''
"""What the kind is, and one of it."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from xreg.core.config import Config, setting
from xreg.core.interfaces.component import Component, ConfigT
from xreg.core.testing.base import ComponentSuite


class Smoother(Component[ConfigT]):
    """Takes the noise out of spectra."""

    kind = "smoother"

    @abstractmethod
    def smooth(self, intensity: np.ndarray) -> np.ndarray:
        """Return (n, m) spectra without noise."""


class SmootherSuite(ComponentSuite):
    def test_a_constant_stays(self) -> None:
        ones = np.ones((2, 9))
        assert np.allclose(self.component(**self.settings).smooth(ones), ones)


class MeanConfig(Config):
    width: int = setting(3, ge=1, le=99, unit="points", description="Points of the mean.")


class Mean(Smoother[MeanConfig]):
    """A running mean."""

    name = "mean"
    Config = MeanConfig

    def smooth(self, intensity: np.ndarray) -> np.ndarray:
        w = self.config.width
        padded = np.pad(intensity, ((0, 0), (w // 2, w - 1 - w // 2)), mode="edge")
        return np.lib.stride_tricks.sliding_window_view(padded, w, axis=1).mean(axis=2)
'''


@pytest.fixture
def smoother(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more entry in the table, and a plugin of that kind installed."""
    (tmp_path / "smoothers.py").write_text(MODULE)
    (tmp_path / "README.md").write_text("# mean\n\nA running mean.\n\nSource: a test.\n")
    kind = Kind(
        "smoother",
        "Smoothers",
        "smoothers:Smoother",
        "smoothers:SmootherSuite",
        "Takes the noise out of spectra.",
        "smoother:\n  name: {name}\n  {settings}",
        "step.jinja",
    )
    monkeypatch.setitem(KINDS, "smoother", kind)
    info = tmp_path / "smooth-1.0.dist-info"
    info.mkdir()
    (tmp_path / "smooth_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smooth\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xreg]\nsmooth = smooth_plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    host.cache_clear()
    yield
    host.cache_clear()
    for name in ("smooth_plugin", "smoothers"):
        sys.modules.pop(name, None)


def page_generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_entry_is_enough(smoother: None, capsys: pytest.CaptureFixture[str]) -> None:
    built = host().build("smoother", "mean", {"width": 5})
    assert isinstance(built, KINDS["smoother"].base())
    assert built.smooth(np.eye(9))[4, 4] == pytest.approx(0.2)
    assert not host().broken
    for command in ("list", "show mean"):
        with suppress(SystemExit):
            main(["plugins", *command.split()])
        shown = capsys.readouterr().out
        assert "mean" in shown
    assert "Points of the mean" in shown
    assert api.plugins("smoother")["name"] == ["mean"]
    (spec,) = [i.spec for i in host() if i.spec.kind == "smoother"]
    assert isinstance(spec, ComponentSpec)
    page = page_generator().component_page(next(i for i in host() if i.spec is spec))
    assert "smoother:\n  name: mean" in page
    assert "| `width` |" in page
    suite = type("TestMean", (KINDS["smoother"].checks(),), {"component": type(built)})
    suite().test_a_constant_stays()
