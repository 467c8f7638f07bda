"""An analysis that fails, in whatever way, costs no run: a remark names its plugin."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xreg.registry.models import load_model
from xreg.registry.plugins import host
from xreg.workbench.evaluate.evaluate import evaluate
from xreg.workbench.evaluate.recipe import Evaluation
from xreg.workbench.recipes.load import load_one
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute

PLUGIN = """
import numpy as np
from xreg.core.config import Config
from xreg.core.hooks import AnalysisSpec, hookimpl
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table

XREG_API = "1.1"


class NoConfig(Config):
    pass


def kind(label, found):
    return type(label, (Analysis,), {"name": label, "Config": NoConfig,
                                     "analyse": lambda self, context: found()})


def line():
    from xreg.core.analysis.style import new_figure

    figure = new_figure(3)
    figure.subplots().plot([0, 1])
    return figure


Zero = kind("zero", lambda: 1 / 0)
Nothing = kind("nothing", lambda: None)
Odd = kind("odd", lambda: Findings(metrics={"n": object()}))
Objects = kind("objects", lambda: Findings(arrays={"a": np.array([object()])}))
Away = kind("away", lambda: Findings(tables=[Table("../t", "T", ["a"], [[1]])]))
Blank = kind("blank", lambda: Findings("It is there.", {"n": 1}, drawings=[
    Drawing("good", "Good", "", line), Drawing("bad", "Bad", "", lambda: 1 / 0)]))


@hookimpl
def xreg_components():
    names = ("Zero", "Nothing", "Odd", "Objects", "Away", "Blank")
    return [AnalysisSpec(n.lower(), NoConfig, f"failing_plugin:{n}") for n in names]
"""
FAILURES = {
    "zero": "ZeroDivisionError: division by zero",
    "nothing": "PluginError: it returned NoneType, no Findings",
    "odd": "TypeError: Object of type object is not JSON serializable",
    "objects": "PluginError: its array 'a' holds objects, not numbers or texts",
    "away": "PluginError: '../t' is no name of a table or figure (letters, digits, dashes)",
}


@pytest.fixture
def failing_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "site"
    info = folder / "failing-2.0.dist-info"
    info.mkdir(parents=True)
    (folder / "failing_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: failing\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[xreg]\nfailing = failing_plugin\n")
    monkeypatch.syspath_prepend(str(folder))
    host.cache_clear()
    yield
    host.cache_clear()
    sys.modules.pop("failing_plugin", None)


def check(folder: Path, *, labels: list[str]) -> None:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    for name, failure in FAILURES.items():
        told = f"Analysis '{name}' was left out, as plugin failing of failing 2.0 failed with "
        assert f"{told}{failure}; run.log has the traceback." in summary["remarks"]
    (figure,) = [remark for remark in summary["remarks"] if remark.startswith("Figure")]
    assert figure.startswith("Figure 'blank_bad' was left out, as plugin failing of failing 2.0")
    assert list(json.loads((folder / "metrics.json").read_text())["analyses"]) == labels
    assert (folder / "figures" / "blank_good.png").is_file()
    assert "division by zero" in (folder / "report.html").read_text("utf-8")
    assert "Traceback" in (folder / "run.log").read_text("utf-8")


def test_a_run_is_kept(
    failing_plugin: None, water_store: Path, tmp_path: Path, workplace: Path
) -> None:
    recipe = {
        "dataset": str(water_store),
        "descriptor": "internal",
        "emulator": "ridge",
        "analyses": {"zero": None, "nothing": None, "odd": None, "objects": None, "away": None,
                     "blank": None, "trust": None},
    }  # fmt: skip
    folder = execute(load_recipe(None, recipe), tmp_path / "run")
    check(folder, labels=["blank", "trust"])
    load_model(folder)
    names = [*FAILURES, "blank"]
    plain = {"model": str(folder), "dataset": str(water_store), "analyses": dict.fromkeys(names)}
    done = evaluate(load_one(Evaluation, None, plain), tmp_path / "evaluation")
    check(done.folder, labels=["blank"])
