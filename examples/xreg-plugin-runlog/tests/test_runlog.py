import csv
from pathlib import Path

import pytest
import xreg_runlog

from xreg.core.run import Run

RECIPE = {"dataset": {"name": "h2o"}, "descriptor": None, "emulator": {"name": "mlp"}}


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv("XREG_RUNLOG", str(tmp_path / "log.csv"))
    return tmp_path / "log.csv"


def test_a_run_leaves_two_lines(log):
    run = Run("first", Path("runs/first"), RECIPE)
    xreg_runlog.xreg_run_started(run)
    run.metrics, run.seconds = {"test": {"r2": 0.98765}}, 12.34
    xreg_runlog.xreg_run_finished(run)
    started, finished = csv.DictReader(log.open())
    assert (started["event"], started["descriptor"], started["emulator"]) == ("started", "", "mlp")
    assert (finished["event"], finished["r2_test"], finished["seconds"]) == (
        "finished",
        "0.9877",
        "12.3",
    )


def test_the_report_shows_earlier_runs_of_the_same_dataset(log):
    run = Run("<first>", Path("runs/first"), RECIPE, {"test": {"r2": 0.9}}, 1.0)
    assert xreg_runlog.xreg_report_sections(run) == []
    xreg_runlog.xreg_run_finished(run)
    (section,) = xreg_runlog.xreg_report_sections(run)
    assert section.title == "Earlier runs on h2o"
    assert "&lt;first&gt;" in section.html
    assert "0.9000" in section.html
    other = Run("b", Path("runs/b"), {**RECIPE, "dataset": {"name": "geo2"}})
    assert xreg_runlog.xreg_report_sections(other) == []
