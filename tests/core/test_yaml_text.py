"""Recipes are read by YAML 1.2's core schema (chapter 10.3 of its specification)."""

from __future__ import annotations

import math
import time

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from xreg.core.yaml_text import dump_yaml, load_yaml


@pytest.mark.parametrize(
    "text",
    ["8:10", "1:30:00.5", "2026-11-21", "No", "yes", "on", "1_000", "0b11", "1.2.3", "Ni2+"],
)
def test_text(text: str) -> None:
    assert load_yaml(text) == text
    assert load_yaml(f"frames: {text}\nall: [{text}]") == {"frames": text, "all": [text]}


@pytest.mark.parametrize(
    ("text", "value"),
    [("490", 490), ("-3", -3), ("010", 10), ("0o10", 8), ("0x1F", 31), ("1e-3", 0.001), (".5", 0.5),
     ("5.", 5.0), ("-1.5E+2", -150.0), ("-.inf", -math.inf), ("true", True), ("False", False),
     ("~", None), ("null", None), ("", None), ('"8"', "8"), ("'null'", "null")],
)  # fmt: skip
def test_value(text: str, value: object) -> None:
    found = load_yaml(text)
    assert found == value
    assert type(found) is type(value)


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))
    | st.from_regex(r"[-+0-9.:eExo_]{1,8}", fullmatch=True)
)


def test_text_of_many_lines() -> None:
    script = "x = 1\n  y = '${a}'  -- 8:10\n\nend\n"
    assert dump_yaml({"script": script}).startswith("script: |\n  x = 1\n")
    assert load_yaml(dump_yaml({"script": script})) == {"script": script}


@example("\x85")
@example("a\nb \u2028")
@given(PLAIN | st.lists(PLAIN, max_size=3))
def test_what_is_written_is_read_back(value: object) -> None:
    text = dump_yaml({"key": value})
    assert load_yaml(text) == {"key": value}
    if isinstance(value, str):  # and a reader of YAML 1.1 takes it for text too
        assert yaml.safe_load(text) == {"key": value}


@pytest.mark.parametrize("opening", ["[", "{a: ", "[1, [", "[ "])
def test_what_is_nested_without_end_is_refused_at_once(opening: str) -> None:
    """The scanner looks at all levels for each: 20,000 took seconds."""
    start = time.process_time()
    with pytest.raises(yaml.YAMLError, match="nested too deep"):
        load_yaml("dataset: " + 20_000 * opening)
    assert time.process_time() - start < 0.5
    assert load_yaml("a: " + 50 * "[" + "1" + 50 * "]")["a"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a {b: *a}", "an alias stands for what it is part of"),
        ("a: &a [*a]", "an alias stands for what it is part of"),
        ("a: &a\n  - b: {c: *a}", "an alias stands for what it is part of"),
        ("? [1]\n: 2", "a key is a list or mapping, no word"),
        ("{{a: 1}: 2}", "a key is a list or mapping, no word"),
        ("a: 1" + 5000 * "0", "a number has 5001 digits"),
        ("a: &a0 [1]\n" + "".join(f"b{n}: &a{n + 1} [{f'*a{n},' * 9}]\n" for n in range(9)),
         "more than 1,000,000 values"),
        ("a: !!int abc", "what is marked as !!int is none"),
        ("a: !!int 9_9", "what is marked as !!int is none"),
        ("a: !!float ''", "what is marked as !!float is none"),
        ("a: !!bool maybe", "what is marked as !!bool is none"),
        ("a: !!null x", "what is marked as !!null is none"),
        ("a: !!map [1]", "what is marked as !!map is none"),
        ("a: !!timestamp 2020-13-45", "the tag !!timestamp is not known; write plain values"),
        ("a: !!set {b}", "the tag !!set is not known"),
        ("a: !!omap [b: 1]", "the tag !!omap is not known"),
        ("!!binary YQ==: 1", "the tag !!binary is not known"),
        ("a: !secret x", "the tag !secret is not known"),
        ('a: "\\ud800"', "half a character"),
    ],
    ids=["map", "list", "deep", "list as key", "map as key", "digits", "bomb", "no int",
         "1.1 int", "no float", "no bool", "no null", "no map", "time", "set",
         "omap", "binary", "own", "half"],
)  # fmt: skip
def test_what_no_recipe_holds_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError, match=words):
        load_yaml(text)


def test_an_escape_of_no_character_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="an escape of no character"):
        load_yaml('a: "\\U00110000"')


def test_tags_of_the_core_schema_are_followed() -> None:
    text = "a: !!str 3\nb: !!int 0x1F\nc: !!float 2\nd: !!seq [1]\ne: !!map {x: 1}"
    assert load_yaml(text) == {"a": "3", "b": 31, "c": 2.0, "d": [1], "e": {"x": 1}}


def test_an_alias_stands_for_what_it_names() -> None:
    assert load_yaml("a: &a {b: [1]}\nc: *a\nd: *a") == {k: {"b": [1]} for k in "acd"}
