"""Old spellings: each is refused with that of today, and read where the version is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from xreg.core.errors import ConfigError, DataError
from xreg.core.yaml_text import load_yaml
from xreg.workbench.recipes.formats import current

OLD: dict[str, tuple[str, str, str]] = {
    "decomposers": (
        "run",
        "decomposers: [{name: eca, rank: 2}, {name: eca, label: free, rank: 4}, pca]",
        "decomposers: {eca: {rank: 2}, free: {name: eca, rank: 4}, pca: {}}",
    ),
    "analyses": (
        "run",
        "analyses: [{name: reconstruction, label: angle}, inversion]",
        "analyses: {reconstruction: {label: angle}, inversion: {}}",
    ),
    "two analyses of one name": (
        "run",
        "analyses: [{name: peaks, window: [1, 2]}, {name: peaks, window: [2, 3]}]",
        "analyses: {peaks: {window: [1, 2]}, peaks-2: {name: peaks, window: [2, 3]}}",
    ),
    "no analyses": ("run", "analyses: []", "analyses: {}"),
    "bad samples of a run": ("run", "bad_samples: set-aside", "bad: set-aside"),
    "bad samples of a generation": ("generate", "on_failure: refuse", "bad: refuse"),
    "generator": (
        "generate",
        "generator: {name: multiplet, settings: {ion: Ni2+, points: 31}}",
        "generator: {name: multiplet, ion: Ni2+, points: 31}",
    ),
    "each": (
        "generate",
        "each: {ni2: {generator.settings.ion: Ni2+}, co2: {on_failure: refuse}}",
        "each: {ni2: {generator.ion: Ni2+}, co2: {bad: refuse}}",
    ),
    "families": (
        "search",
        "families: [soap, {label: a, descriptor: {name: soap, space: defaults}}, {emulator: gp}]",
        "families: {soap: {}, a: {descriptor: {name: soap, space: defaults}}, gp: {emulator: gp}}",
    ),
    "name of a processed dataset": (
        "process",
        "{version: 1.1.0, title: Broad}",
        "dataset: {version: 1.1.0, title: Broad}",
    ),
    "step": (
        "process",
        "processing: {xas: {source: raw, steps: [{step: shift, by: 3}]}}",
        "processing: {xas: {source: raw, steps: [{name: shift, by: 3}]}}",
    ),
}


@pytest.mark.parametrize(("command", "old", "new"), OLD.values(), ids=OLD)
def test_an_old_spelling_is_refused_with_that_of_today(command: str, old: str, new: str) -> None:
    content: dict[str, Any] = load_yaml(old)
    with pytest.raises(ConfigError) as caught:
        current(content, command, "recipe 'r.yaml'")
    assert str(caught.value).endswith(f"as in version 1 of the language; write '{new}'.")
    assert caught.value.exit_code == 2
    told = load_yaml(new)
    assert current(told, command, "it") == told
    assert current({"format": 1, **content}, command, "it") == {**told, "format": 2}
    record = {"dataset": dict.fromkeys(["name", "version", "path", "registry", "hash"])}
    if command in ("run", "search"):
        assert current({**record, **content}, command, "it") == {**record, **told, "format": 2}


@pytest.mark.parametrize("stated", [3, 0, -1, "2", 1.0, True, [1]])
def test_a_version_that_is_none_or_later_is_refused(stated: Any) -> None:
    with pytest.raises(DataError, match="format"):
        current({"format": stated}, "run", "it")


@pytest.mark.parametrize(
    "broken",
    ["decomposers: 3", "generator: [1]", "each: [1]", "each: {a: 1}", "families: [[1], {}, 3]",
     "families: [{label: [1], descriptor: a}]",
     "processing: {a: {steps: [1, {}]}}", "processing: 3", "decomposers: [[1], {}, null]",
     "generator: {settings: 1}", "dataset: [1]", "{dataset: [1], version: 1.0.0}"],
)  # fmt: skip
def test_what_is_no_recipe_at_all_is_left_to_the_check_of_its_keys(broken: str) -> None:
    for command in ("run", "search", "generate", "process"):
        content = load_yaml(broken)
        with suppress(ConfigError):  # a list of numbers may look like one of names
            assert current(content, command, "it") == content
        current({"format": 1, **content}, command, "it")


def test_not_a_number_is_no_old_spelling() -> None:
    content = load_yaml("seed: .nan\nsplit: {fractions: [.nan, 1]}")
    assert current(content, "run", "it") is content


def test_a_label_may_hold_a_point() -> None:
    from xreg.workbench.run.recipe import Recipe

    content = {"dataset": "h2o", "descriptor": "internal", "emulator": "ridge",
               "decomposers": {"v0.8": {"name": "pca", "rank": 2}}}  # fmt: skip
    recipe = Recipe.parse(content, "recipe").checked()
    assert recipe.plain()["decomposers"]["v0.8"]["rank"] == 2
