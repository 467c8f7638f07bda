"""A site: what stands on its pages, what a second build writes, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset
from xreg.core.errors import CorruptError, DataError
from xreg.registry.stores.store import open_store
from xreg.registry.versions.entries import DatasetEntry
from xreg.workbench.pages import sections
from xreg.workbench.pages.build import build_pages
from xreg.workbench.pages.changes import changes
from xreg.workbench.pages.charts import Line, chart
from xreg.workbench.pages.places import places
from xreg.workbench.pages.profiles import profile
from xreg.workbench.pages.sections import Row, sheets
from xreg.workbench.pages.writer import MARK, SiteWriter


class Links(HTMLParser):
    """Collects where a page leads, what it loads, and elements with handlers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.inline = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [v for k, v in attrs if k in ("href", "src") and v is not None]
        self.handlers += [k for k, _ in attrs if k.startswith("on") or k == "style"]
        self.inline += tag == "script" and "src" not in found


def require_understood(words: list[str]) -> None:
    """Have the command line read a command, as far as running it."""
    import typer.main

    from xreg.cli.app import app

    command: Any = typer.main.get_command(app)
    context = command.make_context("xreg", ["-"], resilient_parsing=True)
    left = words[1:]
    while hasattr(command, "commands"):
        command = command.get_command(context, left[0])
        assert command is not None, words
        left = left[1:]
    command.make_context(words[1], left, parent=context)


def pages(site: Path) -> list[Path]:
    return sorted(p for p in site.rglob("*.html") if not p.name.endswith("explorer.html"))


def test_every_link_leads_somewhere(site: Path) -> None:
    for page in pages(site):
        for link in Links(page.read_text()).links:
            target = link.partition("#")[0]
            if target and not target.startswith(("http://", "https://", "data:image/svg+xml,")):
                assert (page.parent / target).is_file(), f"{page.name}: {link}"


def test_no_page_has_a_script_or_handler_of_its_own(site: Path) -> None:
    for page in pages(site):
        found = Links(page.read_text())
        assert not found.inline, page.name
        assert not found.handlers, page.name


def test_a_dataset_page_tells_what_there_is(site: Path) -> None:
    text = (site / "datasets/water/1.1.0.html").read_text()
    for told in ("Synthetic water", "60 structures (H, O)", "xreg data pull water@1.1.0",
                 "CC-BY-4.0", "angle (°)", "Made by a test.", 'class="line mean"',
                 "60 samples where 1.0.0 has 30 (+30).", "Licence: ‘CC0-1.0’ became ‘CC-BY-4.0’.",
                 "1.1.0-explorer.html"):  # fmt: skip
        assert told in text, told
    assert "There is a newer version" in (site / "datasets/water/1.0.0.html").read_text()


def test_a_model_page_tells_what_its_card_says(site: Path) -> None:
    text = (site / "models/water-xes/1.0.0.html").read_text()
    for told in ("Emission of water from its geometry", "Marie Curie", "Water Group",
                 'href="https://orcid.org/0000-0002-1825-0097"', "0.9800 ± 0.0050", "24 train",
                 "61 points, 520 … 532 eV", "Isolated molecules.", "No hydrogen bonds.",
                 'href="../../datasets/water/1.0.0.html"', "68 % of errors", "2026-02-03",
                 "xreg models pull water-xes@1.0.0", 'class="line train"',
                 'class="line validation"', "@misc{water-xes-1.0.0"):  # fmt: skip
        assert told in text, told
    assert "There is a newer version" not in text  # the newer one is withdrawn
    withdrawn = (site / "models/water-xes/1.1.0.html").read_text()
    assert "Withdrawn on 2026-03-04: Wrong units." in withdrawn
    assert "Score r2 (test): 0.9800 ± 0.0050 became 0.99." in withdrawn
    listed = (site / "models/index.html").read_text()
    assert 'href="../models/water-xes/1.0.0.html"' in listed


def test_a_task_page_lists_its_rows_and_a_damaged_one_is_told(site: Path) -> None:
    text = (site / "tasks/water.html").read_text()
    for told in ("0.7500", "0.1000", "0.7000", "xreg search RECIPE --task water",
                 "xreg leaderboard verify water ROW", "2026-05-06", "mine-"):  # fmt: skip
        assert told in text, told
    listed = (site / "leaderboards/index.html").read_text()
    assert "damaged-1.json" in listed
    assert 'href="../tasks/water.html"' in listed


def test_commands_to_copy_hold_nothing_that_a_stranger_may_choose(site: Path) -> None:
    seen = set()
    for page in [
        *site.glob("models/*/*"),
        *site.glob("datasets/*/*.0.html"),
        *site.glob("tasks/*"),
    ]:
        text = page.read_text()
        for command in re.findall(r'<div class="command"><pre[^>]*><code>(.*?)</code>', text, re.S):
            if not command.startswith("@misc"):
                assert re.fullmatch(r"[A-Za-z0-9@. -]+", command), command
                seen.add(command)
    assert len(seen) > 8
    for command in seen:
        require_understood(command.split())


def test_profiles_are_the_means_of_the_data(small_registry: Path) -> None:
    place = places([small_registry])[0]
    entry = place.published(DatasetEntry)["water"][0]
    made = profile(place, entry).channels["xes"]
    store = open_store(small_registry / "datasets/water/1.0.0.zarr")
    values = np.asarray(store.spectra["xes"].intensity[:])
    np.testing.assert_allclose(made.mean, values.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(made.spread, values.std(axis=0), rtol=1e-4)


def test_data_that_are_not_those_published_are_not_drawn(
    small_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XREG_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "changed"
    shutil.copytree(small_registry, root)
    (root / "datasets/water/1.0.0.zarr/zarr.json").unlink()
    place = places([root])[0]
    older, newer = (profile(place, entry) for entry in place.published(DatasetEntry)["water"])
    assert "not on the machine" in older.missing
    assert newer.channels


def test_a_second_build_writes_only_what_changed(small_registry: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(small_registry, root)
    out = tmp_path / "site"
    first = build_pages([root], out)
    assert first.changed == first.files
    again = build_pages([root], out)
    assert (again.files, again.changed) == (first.files, 0)
    text = (root / "datasets.dvc").read_text()
    (root / "datasets.dvc").write_text(text.replace("Synthetic water", "Renamed", 1))
    assert 0 < build_pages([root], out).changed < 6


def test_pages_that_are_no_more_are_removed(
    tmp_path: Path, made_water: Callable[..., Dataset]
) -> None:
    out = tmp_path / "site"
    writer = SiteWriter(out, {})
    writer.text("a/b/old.html", "old")
    writer.text("kept.html", "kept")
    writer.finish()
    (out / "a" / "mine.txt").write_text("mine")
    writer = SiteWriter(out, {})
    writer.text("kept.html", "kept")
    writer.finish()
    assert writer.changed == 0
    assert sorted(p.name for p in out.rglob("*") if p.is_file()) == [MARK, "kept.html", "mine.txt"]


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match="no site of xreg"):
        SiteWriter(tmp_path, {})
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("path", ["../out.html", "/etc/passwd", "a/../../b", "a\\b", "con.html"])
def test_a_page_stays_in_the_site(tmp_path: Path, path: str) -> None:
    writer = SiteWriter(tmp_path / "site", {})
    with pytest.raises(CorruptError):
        writer.text(path, "x")
    mark = tmp_path / "site" / MARK
    mark.write_text(json.dumps({"format": 1, "files": {path: "0"}}))
    with pytest.raises(CorruptError):
        SiteWriter(tmp_path / "site", {})


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    writer = SiteWriter(tmp_path / "site", {})
    (tmp_path / "site" / "datasets").symlink_to(tmp_path / "outside")
    with pytest.raises(CorruptError, match="symbolic link"):
        writer.text("datasets/index.html", "x")
    assert not any((tmp_path / "outside").iterdir())


def test_several_registries_have_folders_of_their_own(small_registry: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "small"
    shutil.copytree(small_registry, other)
    built = build_pages([small_registry, other], tmp_path / "site")
    assert (built.folder / "small/datasets/water/1.1.0.html").is_file()
    assert (built.folder / "small-2/datasets/water/1.1.0.html").is_file()


def test_a_long_list_is_cut_into_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MOST_ROWS", 10)
    found = list(sheets([Row([str(i)], {"Kind": [f"k{i % 2}"]}) for i in range(25)], ("Kind",)))
    assert [len(sheet.rows) for sheet in found] == [10, 10, 5]
    assert found[1].facets[0].choices == ["k0", "k1"]
    assert sections.sheet_path("models/index.html", 3) == "models/index-3.html"


def test_changes_name_what_differs(small_registry: Path) -> None:
    known = places([small_registry])[0].published(DatasetEntry)
    old, new = known["water"]
    other = known["stranger"][0]
    told = changes(old, other)
    assert any(line.startswith("Samples: structures") for line in told)
    assert "Channel xas is new." in told
    assert "Channel xes is gone." in told
    assert changes(old, old.model_copy(update={"hash": new.hash})) == [
        "Numbers changed, and nothing that the catalogue tells."
    ]


def test_a_curve_is_broken_where_a_value_is_missing() -> None:
    x = np.arange(6.0)
    y = np.array([0, 1, np.nan, 1, 0, 1.0])
    made = chart("gap", [Line(x, y, "mean")], "energy (eV)", "intensity")
    path = dict(made.lines)["mean"]
    assert path.count("M") == 2
    assert path.count("L") == 3
    places_of = [float(v) for v in re.findall(r"[ML]([\d.]+) ", path)]
    assert np.all(np.diff(places_of) > 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "values",
    [[1e308, -1e308, 0.0], [np.inf, 1.0, 2.0], [np.nan] * 3, [5.0] * 3, [1e-320, 0.0, 0.0]],
    ids=["huge", "infinite", "nothing", "constant", "tiny"],
)
def test_any_numbers_can_be_drawn(values: list[float]) -> None:
    y = np.array(values)
    for x in (np.arange(3.0), np.array([0.0, 1e308, 1.7e308]), np.ones(3)):
        made = chart("any", [Line(x, y, "mean", np.abs(y))], "x", "y")
        text = " ".join(path for _, path in (*made.lines, *made.bands))
        assert not re.search("nan|inf|e", text)


def test_a_damaged_registry_disables_itself_not_its_neighbour(
    small_registry: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "damaged"
    (damaged / ".dvc").mkdir(parents=True)
    (damaged / "datasets.dvc").write_text("meta: {datasets: [1, 2]}\n")
    built = build_pages([damaged, small_registry], tmp_path / "site")
    assert "registry damaged is left out" in caplog.text
    assert (built.folder / "small/datasets/water/1.1.0.html").is_file()
    test_every_link_leads_somewhere(built.folder)
    with pytest.raises(CorruptError):
        build_pages([damaged], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_place_of_a_registry_on_this_machine_is_on_no_page(
    site: Path, small_registry: Path
) -> None:
    for page in site.rglob("*.*"):
        text: Any = page.read_text()
        assert str(small_registry.parent) not in text, page.name
