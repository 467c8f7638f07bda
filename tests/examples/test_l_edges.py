"""The recipes and the table of the 22 ions."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from xreg.core.ions.model import ion_named

FOLDER = Path(__file__).parents[2] / "examples" / "l-edges"


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "ions_table", raising=False)
    return import_module("ions_table")


def test_every_ion_of_the_study_is_made_trained_and_compared(table):
    recipe = yaml.safe_load((FOLDER / "ions.yaml").read_text(encoding="utf-8"))
    ions = {key: each["generator.ion"] for key, each in recipe["each"].items()}
    assert len(ions) == 22
    assert set(ions) == set(table.PUBLISHED)
    for key, ion in ions.items():
        assert table.name(key) == ion
        assert table.electrons(key) == ion_named(ion).electrons
    script = (FOLDER / "ions.sh").read_text(encoding="utf-8")
    listed = script.split("ions=(ni2", 1)[1].split(")", 1)[0]
    assert ["ni2", *listed.split()] == list(ions)


def test_shares_are_those_under_each_limit(table):
    counts = {"below 3 %": 6, "below 4 %": 1, "below 7 %": 1, "below 10 %": 1, "10 % and more": 1}
    shares = table.shares({"spectrum_error": {"counts": counts}})
    assert shares == pytest.approx({3.0: 60, 7.0: 80, 10.0: 90})


def test_an_ion_that_is_not_complete_is_left_out(table, tmp_path):
    (tmp_path / "ni2").mkdir()
    (tmp_path / "ni2" / "metrics.json").write_text("{}")
    assert table.judged(tmp_path, "ni2") is None
