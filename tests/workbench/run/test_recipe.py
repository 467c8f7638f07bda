"""Recipes: what is refused, what is filled in, what flags and --set change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from xreg.core.errors import ConfigError, UnknownNameError, XregError
from xreg.registry.stores.store import open_store
from xreg.workbench.recipes.overrides import apply_setting
from xreg.workbench.recipes.schema import json_schema
from xreg.workbench.run.recipe import Recipe, load_recipe, load_recipes, resolve

BASIC: dict[str, Any] = {
    "dataset": "water.zarr",
    "descriptor": "internal",
    "emulator": {"name": "mlp", "width": 32},
    "decomposers": {"eca": {"rank": 1}, "plain": {"name": "pca"}},
    "seed": 7,
}


def write(folder: Path, content: Any) -> Path:
    path = folder / "try.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_defaults_and_seeds_are_filled_in(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, BASIC))
    assert recipe.name == "try"
    assert recipe.emulator.settings["width"] == 32
    assert recipe.emulator.settings["seed"] == 7
    assert recipe.emulator.settings["depth"] == 3
    assert {k: s.name for k, s in recipe.decomposers.items()} == {"eca": "eca", "plain": "pca"}
    assert recipe.dataset.path == str(tmp_path / "water.zarr")


def test_a_complete_recipe_is_read_back_unchanged(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, BASIC))
    again = load_recipe(write(tmp_path, recipe.to_yaml()))
    assert again == recipe


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("emulator.width=128", ("emulator", "width"), 128),
        ("emulator.dropout=1e-1", ("emulator", "dropout"), 0.1),
        ("decomposers.eca.rank=3", ("decomposers", "eca", "rank"), 3),
        ("decomposers.plain.rank=1", ("decomposers", "plain", "rank"), 1),
        ("target.window=[520, 530]", ("target", "window"), [520.0, 530.0]),
        ("descriptor.angles=none", ("descriptor", "angles"), "none"),
        ("bad=set-aside", ("bad",), "set-aside"),
        ("split.group=8:10", ("split", "group"), "8:10"),
    ],
)
def test_set_changes_one_value(tmp_path: Path, text: str, place: tuple, value: object) -> None:
    plain: Any = load_recipe(write(tmp_path, BASIC), None, [text]).plain()
    for step in place:
        plain = plain[step]
    assert plain == value


def test_a_flag_keeps_the_settings_of_the_component_it_names(tmp_path: Path) -> None:
    path = write(tmp_path, BASIC)
    assert load_recipe(path, {"emulator": "mlp"}).emulator.settings["width"] == 32
    changed = load_recipe(path, {"emulator": "ridge", "decomposers": {"eca": None, "pca": None}})
    assert changed.emulator.name == "ridge"
    assert {k: one.settings["rank"] for k, one in changed.decomposers.items()} == {
        "eca": 1,  # as the file says
        "pca": load_recipe(None, {**BASIC, "decomposers": {"pca": {}}})
        .decomposers["pca"]
        .settings["rank"],
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"decomposers": ["eca"]}, "write 'decomposers: {eca: {}}'"),
        ({"decomposers": [{"name": "eca", "label": "a"}]}, "write 'decomposers: {a: {name: eca}}'"),
        ({"bad_samples": "refuse"}, "write 'bad: refuse'"),
    ],
)
def test_an_old_spelling_of_python_is_refused_too(content: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(None, {"dataset": "h2o", "emulator": "ridge", **content})
    assert said in str(caught.value)


def test_flags_alone_make_a_recipe() -> None:
    recipe = load_recipe(
        None, {"dataset": "h2o@1.0.0", "descriptor": "internal", "emulator": "ridge"}
    )
    assert (recipe.dataset.name, recipe.dataset.version) == ("h2o", "1.0.0")
    assert recipe.name == "h2o-internal-ridge"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"emulater": "mlp"}, "unknown key 'emulater' (did you mean 'emulator'?)"),
        ({"target": {"chanel": "xes"}}, "unknown key 'target.chanel' (did you mean 'channel'?)"),
        ({"emulator": {"name": "mlp", "widht": 3}}, "unknown key 'widht' (did you mean 'width'?)"),
        ({"emulator": "mpl"}, "no emulator 'mpl' (did you mean 'mlp'?)"),
        ({"decomposers": {"ecaa": {}}}, "no decomposer 'ecaa' (did you mean 'eca'?)"),
        ({"emulator": {"name": "mlp", "width": 0}}, "'width'"),
        ({"seed": -1}, "'seed'"),
        ({"bad": "ignore"}, "'bad'"),
        ({"split": {"name": "a", "seed": 1}}, "'name' and 'seed' exclude each other"),
        ({"split": {"fractions": [0.5, 0.2, 0.2]}}, "add up to 1"),
        ({"decomposers": {"../x": "pca"}}, "../x"),
        ({"name": "../x"}, "'name'"),
        ({"dataset": {"version": "1.0.0"}}, "needs a 'name'"),
        ({"target": {"points": 1}}, "'target.points'"),
    ],
)
def test_bad_recipes_get_one_sentence(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(XregError) as caught:
        load_recipe(write(tmp_path, BASIC | change))
    assert said in str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_setting_of_no_one_entry_names_an_entry(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"whose 'rank' is meant, such as decomposers\.eca\.rank"):
        load_recipe(write(tmp_path, BASIC), None, ["decomposers.rank=3"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dataset: a\ndataset: b\n", "the key 'dataset' stands twice"),
        ("dataset: [a\n", "not valid YAML in line"),
        ("- a\n", "must be a mapping"),
        ("emulator: mlp\n", "names no dataset"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(write(tmp_path, text))
    assert said in str(caught.value)


EACH = {"narrow": {"target.window": [520, 525], "decomposers.eca.rank": 2}, "ridge": {"seed": 1}}


def test_each_makes_several_recipes_of_one(tmp_path: Path) -> None:
    path = write(tmp_path, BASIC | {"each": EACH})
    recipes = load_recipes(path, settings=["decomposers.plain.rank=1"])
    assert [recipe.name for recipe in recipes.values()] == ["try-narrow", "try-ridge"]
    narrow, ridge = recipes.values()
    assert narrow.target.window == (520.0, 525.0)
    assert [s.settings["rank"] for s in narrow.decomposers.values()] == [2, 1]
    assert [s.settings["rank"] for s in ridge.decomposers.values()] == [1, 1]
    assert (narrow.seed, ridge.seed) == (7, 1)
    assert list(load_recipes(path, only=["ridge"])) == ["ridge"]


@pytest.mark.parametrize(
    "each",
    [
        [{"name": "a"}, {"name": "b", "seed": 1}],
        {"a": None, "b": {"seed": 1}},
    ],
)
def test_each_may_be_a_list_and_an_entry_empty(tmp_path: Path, each: Any) -> None:
    recipes = load_recipes(write(tmp_path, BASIC | {"each": each}))
    assert {name: recipe.seed for name, recipe in recipes.items()} == {"a": 7, "b": 1}
    numbered = write(tmp_path, BASIC | {"each": {1: {"seed": 1}}})
    assert list(load_recipes(numbered, only=["1"])) == ["1"]


def test_each_keeps_its_names_in_those_of_the_recipes(tmp_path: Path) -> None:
    path = write(tmp_path, BASIC | {"each": {"Ti2+": {"seed": 1}, "a.": {"seed": 2}}})
    assert [recipe.name for recipe in load_recipes(path).values()] == ["try-Ti2+", "try-a."]


@pytest.mark.parametrize(
    ("each", "only", "said"),
    [
        ({"a": 1}, [], "'each' must map names to settings"),
        ({}, [], "'each' must map names to settings"),
        ([{"seed": 1}], [], "'each' must map names to settings"),
        ([1], [], "'each' must map names to settings"),
        ([{"name": "a"}, {"name": "a"}], [], "two entries of 'each' have one name"),
        ([{"name": ["a"]}], [], "is no name of a folder"),
        ({"../a": {"seed": 1}}, [], "'../a' under 'each' is no name of a folder"),
        (EACH, ["rigde"], "has no 'rigde' (did you mean 'ridge'?)"),
        ({"a": {"emulator.widht": 3}}, [], "unknown key 'widht'"),
        ({"a": {"decomposers.ecca.rank": 2}}, [], "'each.a', decomposers.ecca: the recipe has no"),
        (None, ["a"], "has no section 'each' to choose 'a' from"),
    ],
)
def test_bad_each_gets_one_sentence(tmp_path: Path, each: Any, only: list[str], said: str) -> None:
    content = BASIC if each is None else BASIC | {"each": each}
    with pytest.raises(XregError) as caught:
        load_recipes(write(tmp_path, content), only=only)
    assert said in str(caught.value)


def test_one_recipe_is_not_taken_from_several(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="several results: narrow, ridge"):
        load_recipe(write(tmp_path, BASIC | {"each": EACH}))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"recipe 'nowhere\.yaml' cannot be read"):
        load_recipe("nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decomposers.ecca.rank=3", "did you mean 'eca'?"),
        ("emulator.width", "write key=value"),
        ("emulator..width=3", "write keys with a dot between"),
        ("seed.x=3", "no keys"),
        ("emulator.width=[1", "not a YAML value"),
    ],
)
def test_bad_overrides_get_one_sentence(text: str, said: str) -> None:
    content = {**BASIC, "decomposers": dict(BASIC["decomposers"])}
    with pytest.raises(XregError) as caught:
        apply_setting(content, text)
    assert said in str(caught.value)


@pytest.mark.parametrize(("text", "label"), [("", ""), ("trajectory", "trajectory")])
def test_an_analysis_is_addressed_by_its_name_and_its_label_may_be_empty(
    tmp_path: Path, text: str, label: str
) -> None:
    content = BASIC | {"analyses": {"reconstruction": {"label": "angle"}}}
    setting = f"analyses.reconstruction.label={text}"
    recipe = load_recipe(write(tmp_path, content), settings=[setting])
    assert recipe.analyses is not None
    assert recipe.analyses["reconstruction"].settings == {"label": label, "samples": 500}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": {"channel": "xas"}}, "has no channel 'xas'"),
        ({"split": {"name": "defualt"}}, "has no split 'defualt' (did you mean 'default'?)"),
        ({"split": {"group": "trajectry"}}, "did you mean 'trajectory'?"),
        ({"target": {"window": [600, 610]}}, "holds 0 of the channel's points"),
        ({"target": {"points": 100}}, "coarsen to fewer"),
        ({"target": {"moments": {"main": [500, 900]}}}, "'main' (500…900 eV) reaches beyond"),
        ({"descriptor": None}, "needs a descriptor"),
        ({"dataset": {"path": "{store}", "hash": "0.dir"}}, "asks for 0.dir"),
    ],
)
def test_what_the_dataset_lacks_is_refused(
    tmp_path: Path, water_store: Path, change: dict[str, Any], said: str
) -> None:
    content = BASIC | {"dataset": str(water_store), "emulator": "ridge"} | change
    if "dataset" in change:
        content["dataset"] = {**change["dataset"], "path": str(water_store)}
    with pytest.raises(XregError) as caught:
        resolve(load_recipe(write(tmp_path, content)))
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"moments": {"main": [530, 520]}}, "moments.main' must rise"),
        ({"moments": {" ": [520, 530]}}, "520 to 530 eV needs a name"),
        ({"moments": {"main": [520, 530]}, "points": 9}, "'moments' and 'points' exclude"),
    ],
)
def test_moments_that_make_no_sense_are_refused(
    tmp_path: Path, target: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_recipe(write(tmp_path, BASIC | {"target": target}))


def test_moments_become_target_features_scaled_one_by_one(
    tmp_path: Path, water_store: Path
) -> None:
    window = {"moments": {"all": list(_span(water_store))}}
    content = BASIC | {"dataset": str(water_store), "target": window}
    resolved = resolve(load_recipe(write(tmp_path, content)))
    assert resolved.channel.energy is None
    assert resolved.channel.features[0] == "all mean (eV)"
    assert resolved.recipe.target.scaling == "channel"


def _span(store: Path) -> tuple[float, float]:
    energy = next(iter(open_store(store).spectra.values())).energy
    assert energy is not None
    return float(energy[0]), float(energy[-1])


def test_resolving_fills_in_the_rest_and_changes_nothing_afterwards(
    tmp_path: Path, water_store: Path
) -> None:
    path = write(tmp_path, BASIC | {"dataset": str(water_store), "split": {"group": "trajectory"}})
    resolved = resolve(load_recipe(path))
    recipe = resolved.recipe
    assert (recipe.dataset.name, recipe.dataset.version) == ("water", "1.0.0")
    assert recipe.dataset.hash == resolved.dataset.hash != ""
    assert recipe.target.channel == "xes"
    assert recipe.split.stated() == {
        "fractions": (0.8, 0.1, 0.1),
        "group": "trajectory",
        "seed": 7,
    }
    assert resolve(recipe).recipe == recipe
    groups = {part: {i[:5] for i in getattr(resolved.split, part)} for part in ("train", "test")}
    assert not groups["train"] & groups["test"]


def test_the_schema_accepts_what_the_program_does_and_refuses_misspelt_keys(
    tmp_path: Path,
) -> None:
    schema = json_schema(Recipe)
    json.dumps(schema)
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    assert check.is_valid(BASIC)
    assert check.is_valid(json.loads(json.dumps(load_recipe(write(tmp_path, BASIC)).plain())))
    assert not check.is_valid(BASIC | {"emulator": {"name": "mlp", "widht": 3}})
    assert not check.is_valid(BASIC | {"emulater": "mlp"})
    assert not check.is_valid(BASIC | {"emulator": "mpl"})


def test_a_recipe_can_be_made_in_python() -> None:
    recipe = Recipe.model_validate(
        {"dataset": {"name": "h2o"}, "emulator": {"name": "ridge", "alpha": 2.0}}
    )
    assert recipe.emulator.settings == {"alpha": 2.0}
    with pytest.raises(UnknownNameError, match="emulator"):
        load_recipe(None, {"dataset": "h2o", "emulator": "rigde"})
