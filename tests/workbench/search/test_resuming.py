"""A search that stops goes on; nothing is lost when workers are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from xreg.workbench.recipes.load import load_one
from xreg.workbench.search.ranking import remarks
from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.search import search
from xreg.workbench.search.session import Search
from xreg_tests.searches import SMALL, recipe, told


def test_a_search_that_was_stopped_says_so(water_store: Path, tmp_path: Path) -> None:
    results = search(recipe(water_store, budget=1e6), tmp_path / "s", workers=1, seconds=0.5)
    assert not any(s.done for s in results)
    (line,) = [r for r in remarks(results) if r.startswith("Not finished")]
    assert "internal" in line
    assert line in (tmp_path / "s" / "report.html").read_text()


def test_a_search_that_stops_goes_on_with_the_same_candidates(
    finished: Path, water_store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "halves"
    small = recipe(water_store, budget=0.05)
    search(small, folder, workers=1)
    now = Search(folder)
    again = search(small, folder, workers=1)
    assert [s.candidates for s in again] == [
        len(now.study.candidates(f)) for s in again for f in now.families if f.label == s.label
    ]
    whole = told(finished)
    for key, entry in told(folder).items():
        assert entry == whole.get(key, entry), "a candidate depends on anything but its number"


def test_nothing_is_lost_when_workers_are_killed(water_store: Path, tmp_path: Path) -> None:
    content = {**SMALL, "dataset": str(water_store), "budget": 1.5, "name": "killed"}
    path = tmp_path / "killed.yaml"
    path.write_text(yaml.safe_dump(content))
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "xreg.cli.main", "search", str(path), "-o", str(folder)]
    before: dict[tuple[str, int], tuple[Any, ...]] = {}
    for _ in range(2):
        started = subprocess.Popen(
            [*command, "--workers", "2"], start_new_session=True, stdout=subprocess.DEVNULL
        )
        deadline = time.time() + 90
        while time.time() < deadline and started.poll() is None:
            journal = folder / "study.journal"
            if journal.exists() and journal.read_bytes().count(b'"told"') > len(before) + 4:
                break
            time.sleep(0.02)
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        now = told(folder)
        assert all(now[key] == entry for key, entry in before.items())
        before = now
    assert before, "the search was killed before anything was told"
    search(load_one(SearchRecipe, path), folder, workers=1)
    after = told(folder)
    assert all(after[key] == entry for key, entry in before.items())
    now = Search(folder)
    for family in now.families:
        assert now.study.over(family)
        assert all(c.scores for c in now.study.candidates(family))


def test_folds_that_a_killed_worker_had_judged_are_not_judged_again(
    water_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xreg.plugins.ridge.ridge import Ridge

    monkeypatch.setattr("xreg.workbench.search.session.NOTED_FROM", 0.0)
    monkeypatch.setattr(Ridge, "fits_together", frozenset({"alpha"}))
    small = recipe(water_store, families={"internal": {}}, budget=1e-9)
    whole, now = (Search(tmp_path / name, small) for name in ("whole", "killed"))
    for found in (whole, now):
        (found.folder / "search.yaml").write_text(small.to_yaml())
    whole.work()
    fit, fits = Ridge.fit_many.__func__, []

    class Killed(BaseException):
        """What no handler catches, as nothing runs after a kill."""

    def counted(cls: type[Ridge], *args: Any, **kwargs: Any) -> Any:
        if len(fits) == 2:
            raise Killed
        fits.append(len(args[0]))
        return fit(cls, *args, **kwargs)

    monkeypatch.setattr(Ridge, "fit_many", classmethod(counted))
    with pytest.raises(Killed):
        now.work()
    assert fits == [SMALL["together"]] * 2, "two of three folds"
    assert not told(tmp_path / "killed")
    fits.insert(0, 0)  # never two again: no more kills
    again = Search(tmp_path / "killed")
    again.work()
    assert fits[3:] == [SMALL["together"]], "the third fold, and the budget is spent"
    assert told(tmp_path / "killed") == told(tmp_path / "whole")
    for candidate in again.study.candidates(again.families[0]):
        assert candidate.seconds > 0


def test_models_that_overspend_are_left_between_folds(
    water_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xreg.plugins.ridge.ridge import Ridge

    monkeypatch.setattr("xreg.workbench.search.session.NOTED_FROM", 0.0)
    monkeypatch.setattr(Ridge, "fits_together", frozenset({"alpha"}))
    first = Search(tmp_path / "first", recipe(water_store, families={"internal": {}}, budget=1e-9))
    first.work()  # imports are made, which take time of their own
    fit, fits = Ridge.fit_many.__func__, []

    def slower(cls: type[Ridge], *args: Any, **kwargs: Any) -> Any:
        fits.append(len(args[0]))
        until = time.process_time() + (2.0 if len(fits) > 3 else 0.0)
        while time.process_time() < until:
            pass
        return fit(cls, *args, **kwargs)

    monkeypatch.setattr(Ridge, "fit_many", classmethod(slower))
    small = recipe(water_store, families={"internal": {}}, budget=1.5)
    found = Search(tmp_path / "s", small)
    (found.folder / "search.yaml").write_text(small.to_yaml())
    found.work()
    (family,) = found.families
    assert len(fits) == 4, "three folds of the first models, and one of the second"
    assert len(found.study.candidates(family)) == SMALL["together"]
    assert all(c.scores for c in found.study.candidates(family))
    assert found.study.spent(family) > 2.0
    again = Search(tmp_path / "s")
    assert again.work() == 0
