"""Settings: closed, bounded, immutable, and explained in one sentence."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal, Self

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from xreg.core.config import Config, Distinct, Window, setting
from xreg.core.errors import ConfigError, did_you_mean
from xreg.core.settings_in_words import explain

Radius = Annotated[float, Field(gt=1, le=20)]


class Inner(Config):
    epochs: int = setting(10, ge=1, le=1_000_000, description="Passes.")


class Toy(Config):
    cutoff: Radius | tuple[Radius, ...] = setting(6.0, unit="Å", description="Radius.")
    depth: int = setting(3, ge=0, lt=32, description="Layers.")
    rate: float = setting(0.1, gt=0, description="Rate.")
    share: float = setting(0.1, le=0.5, description="Share.")
    basis: Literal["gto", "polynomial"] = setting("gto", description="Basis.")
    edge: Literal["K"] = setting("K", description="Edge.")
    grid: tuple[float, float, float] = setting((0, 1, 0.1), unit="eV", description="Grid.")
    widths: tuple[int, ...] | None = setting(None, max_length=4, description="Widths.")
    names: tuple[str, ...] = setting(("a",), min_length=1, description="Names.")
    by_element: dict[str, tuple[int, int]] = setting({}, description="By element.")
    sparse: bool = setting(False, description="Sparse.")
    training: Inner = setting(Inner(), description="Training.")
    version: str = setting("1.0", pattern=r"^[0-9.]+$", description="Version.")
    channel: str = setting(description="Channel.")


def test_an_empty_value_is_the_empty_text_where_that_is_the_default() -> None:
    class Named(Config):
        label: str = setting("", description="Label.")
        basis: str = setting("gto", description="Basis.")

    assert Named.parse({"label": None}, "it").label == ""  # ``label:`` in YAML, ``--set label=``
    with pytest.raises(ConfigError, match="'basis' must be a valid string"):
        Named.parse({"basis": None}, "it")


def told(**settings: object) -> str:
    with pytest.raises(ConfigError) as caught:
        Toy.parse({"channel": "xes", **settings}, "descriptor toy")
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"dept": 2}, "unknown key 'dept' (did you mean 'depth'?)"),
        ({"training": {"epoch": 2}}, "unknown key 'training.epoch' (did you mean 'epochs'?)"),
        ({"depth": 32}, "'depth' must be less than 32, got 32"),
        ({"depth": "many"}, "'depth' must be a valid integer, got 'many'"),
        ({"depth": 1.5}, "'depth' must be a valid integer, got 1.5"),
        ({"rate": float("nan")}, "'rate' must be a finite number, got nan"),
        ({"rate": float("inf")}, "'rate' must be a finite number, got inf"),
        ({"basis": "gtoo"}, "'basis' must be 'gto' or 'polynomial', got 'gtoo'"),
        ({"cutoff": 0.5}, "'cutoff' must be greater than 1 or a list, got 0.5"),
        ({"cutoff": [3, 0.5]}, "'cutoff.1' must be greater than 1, got 0.5"),
        ({"version": "new"}, "'version' must match pattern '^[0-9.]+$', got 'new'"),
        # True is 1 and '3' is 3 only to Python and pydantic.
        ({"depth": True}, "'depth' must be a number, got True"),
        ({"depth": "3"}, "'depth' must be a number, got '3'"),
        ({"rate": "1e-3"}, "'rate' must be a number, got '1e-3'"),
        ({"cutoff": [3, "4.5"]}, "'cutoff.1' must be a number, got '4.5'"),
        ({"widths": [64, True]}, "'widths.1' must be a number, got True"),
        ({"by_element": {"H": [1, "2"]}}, "'by_element.H.1' must be a number, got '2'"),
        ({"sparse": 1}, "'sparse' must be true or false, got 1"),
        ({"sparse": "no"}, "'sparse' must be true or false, got 'no'"),
        ({"training": {"epochs": True}}, "'training.epochs' must be a number, got True"),
        ({"names": []}, "'names' must have at least 1 item, not 0, got []"),
        ({"by_element": {"H": [1, "x"]}}, "'by_element.H.1' must be a valid integer, got 'x'"),
        (
            {"training": {"epochs": 0}},
            "'training.epochs' must be greater than or equal to 1, got 0",
        ),
    ],
)
def test_a_bad_setting_is_explained_in_one_clause(settings, sentence):
    assert told(**settings) == f"descriptor toy: {sentence}."


def test_every_bad_key_is_named_at_once():
    message = told(depth=99, rate=-1, bases="gto")
    assert message.count(";") == 2
    assert all(f"'{key}'" in message for key in ("depth", "rate", "bases"))


def test_a_required_setting_is_asked_for():
    with pytest.raises(ConfigError, match=re.escape("toy: 'channel' is required.")):
        Toy.parse({}, "toy")


def test_long_values_are_not_printed_whole():
    assert len(told(depth="x" * 10_000)) < 200


def test_models_inside_lists_are_explained_too():
    class Step(BaseModel, extra="forbid"):
        name: str

    class Recipe(BaseModel, extra="forbid"):
        steps: list[Step] | None = None

    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({"steps": [{"name": "a", "nam": "b"}]})
    assert explain(caught.value, Recipe) == "unknown key 'steps.0.nam' (did you mean 'name'?)"


def test_settings_are_immutable_and_round_trip_through_json():
    config = Toy.parse({"channel": "xes", "cutoff": [3, 6]}, "toy")
    with pytest.raises(ValidationError):
        config.depth = 4
    assert Toy.model_validate_json(config.model_dump_json()) == config


def test_the_table_tells_every_setting():
    rows = {row.name: row for row in Toy.table()}
    assert {name: (row.kind, row.default) for name, row in rows.items()} == {
        "cutoff": ("number in (1, 20] or list of number in (1, 20]", "6.0"),
        "depth": ("integer in [0, 32)", "3"),
        "rate": ("number > 0", "0.1"),
        "share": ("number ≤ 0.5", "0.1"),
        "basis": ("one of gto, polynomial", "gto"),
        "edge": ("only K", "K"),
        "grid": ("[number, number, number]", "[0, 1, 0.1]"),
        "widths": ("list (0 to 4) of integer or null", "null"),
        "names": ("non-empty list of text", '["a"]'),
        "by_element": ("mapping to [integer, integer]", "{}"),
        "sparse": ("true or false", "false"),
        "training.epochs": ("integer in [1, 1000000]", "10"),
        "version": ("text", "1.0"),
        "channel": ("text", "required"),
    }
    assert rows["cutoff"].unit_text == " [Å]"
    assert rows["depth"].unit_text == ""
    assert rows["depth"].description == "Layers."


def test_did_you_mean_falls_back_on_what_there_is():
    assert did_you_mean("sope", ["soap", "acsf"]) == " (did you mean 'soap'?)"
    assert did_you_mean("zzz", ["soap", "acsf"]) == " (there are: acsf, soap)"
    assert did_you_mean("zzz", []) == ""
    assert did_you_mean("zzz", map(str, range(20))).endswith(", …)")


class ByName(Config):
    """Numbers by name."""

    numbers: dict[Annotated[str, Field(pattern="^[a-z]+$")], int] = setting(description="Numbers.")


def test_half_of_a_surrogate_pair_is_told() -> None:
    """JSON can escape one; as a name it is refused in words."""
    with pytest.raises(ConfigError, match=r"^it: .*valid string"):
        ByName.parse({"numbers": {"\ud800": 1}}, "it")


class Listed(Config):
    """Settings that a plugin's own validator looks at."""

    values: dict[str, int] = setting({}, description="Numbers.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.values:
            raise ValueError(f"there is no '{name}'")
        return self


def test_half_of_a_surrogate_pair_in_a_validators_own_words_is_told() -> None:
    """Pydantic cannot hand such a message on, and raises a UnicodeEncodeError in its place."""
    with pytest.raises(ConfigError, match=r"^it: there is no 'a'"):
        Listed.parse({"values": {"a": 1}}, "it")
    with pytest.raises(ConfigError, match=r"^it: .* no valid Unicode\.$"):
        Listed.parse({"values": {json.loads('"\\ud800"'): 1}}, "it")


def test_of_many_bad_keys_the_first_are_told() -> None:
    with pytest.raises(ConfigError) as caught:
        Toy.parse({"channel": "xes"} | {f"k{n}": n for n in range(5000)}, "toy")
    assert str(caught.value).count("unknown key") == 8
    assert str(caught.value).endswith("; and 4,992 more.")


class Ranged(Config):
    window: Window = setting((0.0, 1.0), description="Range.")
    names: Annotated[tuple[str, ...], Distinct] = setting((), description="Names.")


@pytest.mark.parametrize("ends", [(1, 1), (2, 1)])
def test_a_range_has_to_rise(ends):
    with pytest.raises(ConfigError, match="'window' must rise"):
        Ranged.parse({"window": ends}, "ranged")


def test_a_list_without_twins_names_nothing_twice():
    assert Ranged.parse({"names": ["a", "b"]}, "ranged").names == ("a", "b")
    with pytest.raises(ConfigError, match="'names' names one twice"):
        Ranged.parse({"names": ["a", "a"]}, "ranged")
