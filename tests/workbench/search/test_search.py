"""``xreg search`` on real data flow: budgets, resuming, killed workers, results."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from xreg.core.errors import ConfigError, DataError, RunError, UnknownNameError, XregError
from xreg.registry.plugins import host
from xreg.workbench.recipes.load import load_one
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute
from xreg.workbench.search.leaderboard import leaderboard, markdown
from xreg.workbench.search.ranking import remarks
from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.search import search
from xreg.workbench.search.session import Search
from xreg_tests.searches import SMALL, recipe, told


def test_every_family_spends_its_budget_and_little_more(finished: Path) -> None:
    now = Search(finished)
    for family in now.families:
        done = [t for t in now.study.trials(family) if t.state.is_finished()]
        cost = [t.user_attrs["seconds"] for t in sorted(done, key=lambda t: t.user_attrs["told"])]
        # The last ones trained together may cross the line, or be left; nothing begins beyond it.
        assert sum(cost[: -SMALL["together"]]) < SMALL["budget"] <= now.study.spent(family)


def test_what_a_descriptor_learns_is_paid_for(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Search(finished)
    family = next(f for f in now.families if f.label == "coulomb")
    method = type(host().build("descriptor", "coulomb", {}))
    fit = method.fit

    def slow(self: Any, samples: Any, y: Any = None) -> Any:
        start = time.process_time()
        while time.process_time() - start < 0.3:
            pass
        return fit(self, samples, y)

    monkeypatch.setattr(method, "fit", slow)
    _, cost = now.inputs(family, {}, now.rows, now.folds)
    assert cost >= 0.3 * len(now.folds)  # it learns anew in each fold


def test_the_folder_holds_tables_figures_recipes_and_the_page(finished: Path) -> None:
    with (finished / "ranking.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["family"] for row in rows} == {"internal", "coulomb"}
    assert float(rows[0]["R²"]) >= float(rows[1]["R²"])
    with (finished / "candidates.csv").open() as file:
        assert len(list(csv.DictReader(file))) == sum(int(row["candidates"]) for row in rows)
    for name in ("ranking", "budget", "distributions"):
        assert (finished / "figures" / f"{name}.png").stat().st_size > 5000
    page = (finished / "report.html").read_text()
    assert "internal" in page
    assert "<small>of 0.0001 … 1e+04, log</small>" in page  # what a winner's setting was drawn from
    assert page.count("data:image/png") == 3


def test_a_winner_s_recipe_gives_the_test_score_of_the_ranking(
    finished: Path, tmp_path: Path
) -> None:
    results = json.loads((finished / "results.json").read_text())
    expected = {f["label"]: f["test"] for f in results["families"]}
    run = execute(load_recipe(finished / "recipes" / "internal.yaml"), tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["r2"] == pytest.approx(expected["internal"], abs=1e-6)


def test_decomposers_that_train_their_own_network_compete(
    water_store: Path, tmp_path: Path
) -> None:
    tiny = {"name": "ednn", "rank": 1, "starts": 1, "epochs": 5, "width": {"choice": [4, 8]}}
    families = {
        "ednn": {"descriptor": "internal", "decomposer": tiny},
        "ridge": {"descriptor": "internal", "emulator": "ridge"},
        "internal": {},
    }
    common = {"name": "pls", "rank": 2}
    small = recipe(water_store, families=families, decomposer=common)
    results = {s.label: s for s in search(small, tmp_path / "search", workers=1)}
    assert results["ridge"].decomposer is None
    for label, name in (("ednn", "ednn"), ("internal", "pls")):
        assert results[label].decomposer["name"] == name
        assert results[label].emulator is None
        path = tmp_path / "search" / "recipes" / f"{label}.yaml"
        run = execute(load_recipe(path), tmp_path / label)
        covered = json.loads((run / "metrics.json").read_text())["decomposers"][name]["test"]
        assert covered[-1] == pytest.approx(results[label].test, abs=1e-6)
    (benchmark,) = leaderboard([tmp_path / "search"])
    assert {e.model for e in benchmark.entries} == {"ednn", "ridge", "pls"}


def test_models_that_cannot_be_trained_together_are_all_drawn_anew(
    water_store: Path, tmp_path: Path
) -> None:
    free = {"name": "ednn", "learning_rate": {"log": [1e-4, 1e-2]}}
    now = Search(
        tmp_path, recipe(water_store, families={"internal": {}}, decomposer=free, networks=5)
    )
    with now.study.worker() as me:
        group = now.study.claim(me)
    assert group is not None
    assert len({settings["learning_rate"] for _, settings in group.trials}) == 5


def test_a_family_with_nothing_new_to_draw_is_done(water_store: Path, tmp_path: Path) -> None:
    few = {"name": "ridge", "alpha": {"choice": [1.0, 10.0]}}
    (result,) = search(
        recipe(water_store, families={"internal": {}}, emulator=few, budget=1e6),
        tmp_path,
        workers=1,
    )
    drawn = {json.dumps(entry[:2]) for entry in told(tmp_path).values()}
    assert len(drawn) == 4, "two settings of angles, two of alpha"
    assert result.seconds < 1e6


def test_a_family_that_always_fails_is_given_up_and_starves_nobody(
    mixed_store: Path, tmp_path: Path
) -> None:
    results = search(recipe(mixed_store, budget=0.05), tmp_path / "both", workers=1)
    found = {s.label: s for s in results}
    assert found["coulomb"].score is not None
    assert found["coulomb"].seconds >= 0.05
    assert found["internal"].score is None
    assert found["internal"].done
    assert found["internal"].failed == found["internal"].candidates <= 10
    assert any(r.startswith("internal: ") and "seen from O" in r for r in remarks(results))
    with pytest.raises(RunError, match=r"'internal' failed because: .* seen from O"):
        search(recipe(mixed_store, families={"internal": {}}), tmp_path / "one", workers=1)


def test_a_search_leaves_other_folders_alone_and_nothing_when_refused(
    water_store: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "report.html").write_text("of a run")
    for place in (run, run / "report.html"):
        with pytest.raises(ConfigError, match="holds no search"):
            search(recipe(water_store), place, workers=1)
    assert [p.name for p in run.iterdir()] == ["report.html"]
    wrong = {"count": 3, "group": "trajektory"}
    with pytest.raises(UnknownNameError, match="did you mean 'trajectory'"):
        search(recipe(water_store, folds=wrong), tmp_path / "new", workers=1)
    assert not (tmp_path / "new").exists()


def test_a_record_of_other_data_or_another_space_is_refused(
    finished: Path, water_store: Path
) -> None:
    with pytest.raises(DataError, match=r"of other rules \(budget 0.15, here 7.0\)"):
        Search(finished, recipe(water_store, budget=7))
    other = {"name": "ridge", "alpha": {"log": [1e-3, 1e3]}}
    with pytest.raises(DataError, match="another search space of family 'internal'"):
        Search(finished, recipe(water_store, emulator=other))


def test_the_rules_are_written_once_for_each_family(finished: Path) -> None:
    Search(finished)
    assert (finished / "study.journal").read_bytes().count(b'{"rules":') == 2


def test_a_family_that_joins_later_competes_under_the_same_rules(
    finished: Path, water_store: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    late = {"late": {"descriptor": {"name": "internal", "angles": "cosine"}}}
    search(recipe(water_store, families=late), alone, workers=1)
    benchmarks = leaderboard([finished, alone])
    assert len(benchmarks) == 1
    assert {e.label for e in benchmarks[0].entries} == {"internal", "coulomb", "late"}
    scores = [e.score for e in benchmarks[0].entries]
    assert scores == sorted(scores, reverse=True)
    text = markdown(benchmarks)
    assert "water 1.0.0, xes" in text
    assert "groups by trajectory" in text


def test_a_descriptor_can_compete_as_it_is(water_store: Path, tmp_path: Path) -> None:
    as_it_is = {"as-it-is": {"descriptor": {"name": "soap", "space": "defaults"}}}
    folder = tmp_path / "defaults"
    search(recipe(water_store, families=as_it_is, budget=0.4), folder, workers=1)
    found = Search(folder)
    candidates = found.study.candidates(found.families[0])
    assert {str(c.descriptor) for c in candidates} == {"{}"}
    assert len({c.model["alpha"] for c in candidates}) == len(candidates) > 1


def test_each_makes_several_searches_that_go_on(
    water_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from xreg.cli.main import main

    content = {**SMALL, "dataset": str(water_store), "families": {"internal": {}}, "seeds": 1,
               "each": {"ridge": {}, "fixed": {"emulator.alpha": 1.0}}}  # fmt: skip
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(content))
    for _ in range(2):  # the second call goes on where nothing is left to do
        with pytest.raises(SystemExit) as end:
            main(
                ["search", str(tmp_path / "two.yaml"), "-o", str(tmp_path / "o"), "--workers", "1"]
            )
        assert not end.value.code
    for name in ("ridge", "fixed"):
        results = json.loads((tmp_path / "o" / name / "results.json").read_text())
        assert (results["format"], len(results["families"])) == (2, 1)
        assert (
            load_recipe(tmp_path / "o" / name / "recipes" / "internal.yaml").emulator.name
            == "ridge"
        )
        assert (tmp_path / "o" / name / "run.log").exists()


def test_spectra_that_are_not_finite_are_refused_or_set_aside(
    spoilt_store: Path, tmp_path: Path
) -> None:
    alone: Any = {"families": {"internal": {}}}
    with pytest.raises(XregError, match="bad: set-aside"):
        Search(tmp_path / "no", recipe(spoilt_store, **alone))
    found = Search(tmp_path / "yes", recipe(spoilt_store, **alone, bad="set-aside"))
    used = np.concatenate(list(found.parts.values()))
    assert np.isfinite(np.asarray(found.dataset.spectra["xes"].intensity[:])[used]).all()
    assert found.benchmark != recipe(spoilt_store, **alone).benchmark(found.dataset.hash)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"emulator": {"name": "ridge", "alhpa": 1.0}}, ConfigError, "did you mean 'alpha'"),
        ({"emulator": {"name": "ridge", "space": {"alpha": {"log": [1, 10]}}}},
         ConfigError, "ranges of settings stand beside 'name'"),
        ({"families": {"intern": {}}}, UnknownNameError, "did you mean 'internal'"),
        ({"families": {"x": {"descriptor": {"name": "soap", "space": "narrow"}}}},
         UnknownNameError, "no search space 'narrow'"),
        ({"folds": {"count": 1}}, ConfigError, "folds.count"),
        ({"decomposer": "eca"}, ConfigError, "decomposer 'eca' needs an emulator"),
        ({"decomposer": {"name": "ednn", "space": "published"}}, UnknownNameError,
         "no search space 'published'"),
        ({"families": {"x": {"descriptor": "internal", "emulator": "ridge", "decomposer": "pls"}}},
         ConfigError, "one of them is judged"),
    ],
)  # fmt: skip
def test_bad_requests_get_one_sentence(
    water_store: Path, tmp_path: Path, change: dict[str, Any], error: type[XregError], said: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump({**SMALL, "dataset": str(water_store), **change}))
    with pytest.raises(error, match=said):
        load_one(SearchRecipe, path)


def test_all_families_are_the_descriptors_that_take_the_samples(
    water_store: Path, tmp_path: Path
) -> None:
    labels = {f.label for f in Search(tmp_path, recipe(water_store, families="all")).families}
    assert {"soap", "acsf", "lmbtr", "coulomb", "mbdf", "gt", "wacsf", "internal"} <= labels
    assert "polynomial" not in labels


def test_what_holds_no_results_is_no_search(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(DataError, match="no results of a search"):
        leaderboard([tmp_path])
