"""Datasets that grow: what is chosen, what is kept, and what is refused."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from xreg.cli.app import app
from xreg.core.errors import ConfigError, CorruptError, RunError, UnknownNameError
from xreg.plugins.acsf.acsf import ACSF
from xreg.registry.stores.store import open_store
from xreg.workbench.generate.samples import SampleTable
from xreg.workbench.grow import grow as growing
from xreg.workbench.grow.grow import grow
from xreg.workbench.grow.pool import draw_by_weight, set_apart
from xreg.workbench.grow.recipe import GrowRecipe, TestSection
from xreg.workbench.notebook.growing import GrowResult
from xreg.workbench.recipes.load import load_one
from xreg_tests.generation import computed, recipe, tree

GP = {"name": "gp", "n_max": 2, "l_max": 1, "cutoff": [3.0], "sigma": [0.5]}
GROWTH = {"start": 10, "batch": 5, "budget": 15}


def grown(folder, out="grown", n=40, **changes):
    path = recipe(folder, n)
    content = yaml.safe_load(path.read_text())
    del content["split"]
    content |= {"growth": GROWTH, "test": {"count": 10}, "emulator": GP, "seed": 1} | changes
    path.write_text(yaml.safe_dump(content))
    loaded = load_one(GrowRecipe, path)
    return grow(loaded, folder, folder / out, workers=1)


def test_a_dataset_grows_by_what_it_asks_for_and_nothing_is_computed_twice(toy, here):
    made = grown(toy)
    record = made.record
    assert [len(one.rows) for one in record.rounds] == [10, 5]
    assert record.finished == "the budget of 15 samples is spent"
    assert len(computed(toy)) == 25
    assert set(Counter(computed(toy)).values()) == {1}
    dataset = open_store(made.store)
    split = dataset.splits["default"]
    held = sum(len(one.validation) for one in record.rounds)
    assert (len(split.train), len(split.validation), len(split.test)) == (15 - held, held, 10)
    number = dict(zip(dataset.samples.ids.tolist(), dataset.labels["round"].tolist(), strict=True))
    assert {number[name] for name in split.test} == {-1}
    assert Counter(number.values()) == {-1: 10, 0: 10, 1: 5}
    whole = tree(made.store)
    assert dataset.metadata.provenance["made_by"].startswith("xreg grow")
    assert "extends" not in dataset.metadata.provenance
    for one in record.rounds[1:]:
        assert one.spread is not None
        assert one.spread[1] > 0
    assert record.rounds[-1].error == pytest.approx(np.sqrt(1 - record.rounds[-1].r2))
    shown = GrowResult(made)
    assert [row["computed"] for row in shown.rounds] == [10, 5]
    assert shown.remarks[0] == "Growing ended: the budget of 15 samples is spent."
    again = grown(toy)  # nothing is left to do
    assert len(computed(toy)) == 25
    assert tree(again.store) == whole


def test_a_pool_of_which_every_round_looks_at_all_is_described_once(toy, here, monkeypatch):
    described = Counter()
    transform = ACSF.transform

    def counted(self, samples):
        described.update(samples.ids.tolist())
        return transform(self, samples)

    monkeypatch.setattr(ACSF, "transform", counted)
    three = GROWTH | {"budget": 20}
    model = {"descriptor": {"name": "acsf"}, "emulator": {"name": "gp-features"}}
    made = grown(toy, growth=three, **model)
    assert len(made.record.rounds) == 3
    left = set(open_store(made.store).samples.ids.tolist()) ^ set(described)
    assert len(left) == 10
    assert {described[name] for name in left} == {1}  # those that no round chose


def test_spectra_are_those_of_the_generator(toy, here):
    dataset = open_store(grown(toy, precision={}).store)
    for i in (0, 13, 24):
        sample = dataset.samples[i]
        away = np.linalg.norm(sample.positions - sample.positions[sample.absorber], axis=1)
        grid = dataset.spectra["xes"].energy
        width = dataset.metadata.provenance["generator"]["settings"]["width"]
        lines = np.exp(-(((grid[:, None] - away) / width) ** 2)).sum(axis=1)
        np.testing.assert_allclose(dataset.spectra["xes"].intensity[i], lines, rtol=1e-6)


def test_interrupted_in_any_round_it_ends_the_same(toy, here, monkeypatch):
    straight = tree(grown(toy).store)
    before = Counter(computed(toy))
    real, calls = growing.generate_table, []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(growing, "generate_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grown(toy, "again")
    assert not (toy / "again" / "toy-1.0.0.zarr").exists()
    made = grown(toy, "again")
    assert tree(made.store) == straight
    assert set((Counter(computed(toy)) - before).values()) == {1}


def test_a_larger_budget_goes_on_and_another_recipe_is_refused(toy, here, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(growing._Growth, "_write", stopped)
        with pytest.raises(KeyboardInterrupt):
            grown(toy)
    with pytest.raises(ConfigError, match="begun with another recipe"):
        grown(toy, seed=2)
    made = grown(toy, growth={**GROWTH, "budget": 20})
    assert [len(one.rows) for one in made.record.rounds] == [10, 5, 5]
    assert len(computed(toy)) == 30


def test_an_error_that_is_small_enough_ends_it(toy, here):
    made = grown(toy, growth={**GROWTH, "error": 0.99})
    assert len(made.record.rounds) == 1
    assert made.record.finished.endswith("as was asked for")


def test_failed_samples_are_set_aside_once_and_told(toy, here):
    fails = {f"s{i:04d}": "sample" for i in range(0, 40, 4)}
    settings = {"generator": {"name": "toy", "fails": fails}}
    with pytest.raises(RunError, match="no convergence"):
        grown(toy, "refused", **settings)
    made = grown(toy, bad="set-aside", **settings)
    tried = Counter(computed(toy))
    dataset = open_store(made.store)
    told = {entry["id"] for entry in dataset.metadata.provenance["set_aside"]}
    failed = {name for one in made.record.rounds for name in one.failed}
    assert failed == told
    assert failed == set(fails) & set(tried)
    assert not failed & set(dataset.samples.ids.tolist())
    assert len(dataset) == 25 - len(failed)


def test_an_empty_pool_ends_it(toy, here):
    made = grown(toy, n=27, growth={**GROWTH, "budget": 100, "batch": 10})
    assert [len(one.rows) for one in made.record.rounds] == [10, 7]
    assert made.record.finished == "the pool is empty"


def test_random_choice_needs_no_spread_but_any_other_does(toy, here):
    plain = {"descriptor": {"name": "coulomb"}, "emulator": {"name": "ridge"}}
    with pytest.raises(ConfigError, match=r"'ridge' knows no spread .* growth.choose: random"):
        grown(toy, **plain)
    made = grown(toy, "random", growth={**GROWTH, "choose": "random"}, **plain)
    assert made.record.computed == 15
    assert made.record.rounds[1].spread is None


def test_bad_requests_are_told_in_a_sentence(toy, here):
    for changes, message in (
        ({"growth": {"start": 10, "budget": 5}}, "less than the 10 to start"),
        ({"growth": {**GROWTH, "error": 2}}, "error"),
        ({"test": {"count": 40}}, "leave none to choose from"),
        ({"test": {"count": 10, "group": "tractory"}}, "none of the labels"),
        ({"samples": {"file": "absent.extxyz"}}, "absent"),
        ({"generator": {"name": "toy-absent"}}, "cannot run here"),
    ):
        with pytest.raises(Exception, match=message):
            grown(toy, "bad", **changes)
        assert not computed(toy)
    (toy / "there").mkdir()
    (toy / "there" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="is no growth"):
        grown(toy, "there")
    made = grown(toy)
    (made.folder / "rounds.json").write_text('{"format": 2, "rounds": [1]}')
    with pytest.raises(CorruptError, match="damaged"):
        grown(toy)


def test_the_command_says_what_came_out(toy):
    path = recipe(toy, 40)
    content = yaml.safe_load(path.read_text())
    del content["split"]
    path.write_text(
        yaml.safe_dump(content | {"growth": GROWTH, "test": {"count": 10}} | {"emulator": GP})
    )
    command = ["grow", str(path), "-o", "grown", "--set", "growth.budget=10"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "10 samples in 1 round and 10 to test; relative error 0." in told.output
    page = (toy / "grown" / "report.html").read_text()
    assert "relative error" in page
    assert (toy / "grown" / "growth.png").stat().st_size > 5000
    facts = json.loads((toy / "grown" / "rounds.json").read_text())
    assert facts["finished"] == "the budget of 10 samples is spent"


def test_groups_of_the_test_are_never_divided():
    trajectory = np.repeat(np.arange(10), 5)
    table = SampleTable(np.arange(50), {}, {"trajectory": trajectory}, unfit={0: "no absorber"})
    rng = np.random.default_rng(0)
    rows = set_apart(table, TestSection(count=12, group="trajectory"), rng)
    chosen = set(trajectory[rows])
    assert len(chosen) in (3, 4)
    assert set(rows) == {i for i in range(1, 50) if trajectory[i] in chosen}
    assert 0 not in set_apart(table, TestSection(count=48), rng)
    with pytest.raises(UnknownNameError, match="did you mean 'trajectory'"):
        set_apart(table, TestSection(count=12, group="trajectry"), rng)


def test_samples_are_drawn_as_often_as_their_weight_says():
    weights = np.array([1.0, 2.0, 5.0, 0.0])
    rng = np.random.default_rng(0)
    first = np.bincount([draw_by_weight(weights, 1, rng)[0] for _ in range(8000)], minlength=4)
    np.testing.assert_allclose(first / 8000, weights / 8, atol=4 * np.sqrt(0.25 / 8000))
    assert sorted(draw_by_weight(weights, 3, rng)) == [0, 1, 2]  # none twice, zero weight last
