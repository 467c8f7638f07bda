"""The recipes and the table of the 22 ions."""

from __future__ import annotations

import json
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


def test_a_run_that_is_not_complete_is_left_out(table, tmp_path):
    (tmp_path / "ni2-0").mkdir()
    (tmp_path / "ni2-0" / "metrics.json").write_text("{}")
    record = {}
    table.complete(record, tmp_path)
    assert record == {}


def test_a_cell_is_mean_and_spread_over_the_seeds_that_have_the_number(table):
    of = table.Seeds({"0": {"mse": 1e-5, "reach": None}, "1": {"mse": 3e-5, "reach": -0.1}})
    assert of.scaled("mse") == "2.0 ± 1.4 × 10⁻⁵"
    assert of("mse", ".0f", lambda value: 1 - value) == "1 ± 0"
    assert of("reach", ".3f") == "-0.100"
    assert of.missing("reach") == " (nowhere in 1 of 2)"
    assert of("branching", ".2f") == ""


def test_the_record_has_every_ion_and_prints_every_table(table):
    record = json.loads(table.RECORD.read_text(encoding="utf-8"))
    assert set(record) == set(table.PUBLISHED)
    for tables in (table.accuracy, table.tests, table.misfits):
        assert tables(list(record), record).count("\n") == len(record) + 1


def test_the_page_shows_the_tables_of_the_record(table):
    page = (FOLDER.parents[1] / "docs" / "datasets" / "ions.md").read_text(encoding="utf-8")
    record = json.loads(table.RECORD.read_text(encoding="utf-8"))
    order = table.ordered(record)
    for tables in (table.accuracy, table.tests, table.misfits):
        assert tables(order, record) in page
