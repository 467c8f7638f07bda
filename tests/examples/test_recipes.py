"""Every recipe of the examples is one of today's language, and its schema says so, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from xreg.cli.schema import RECIPES, recipe_class
from xreg.workbench.recipes.load import load
from xreg.workbench.recipes.overrides import read_yaml, variants
from xreg.workbench.recipes.schema import json_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))
TELLING = {
    "generator": "generate",
    "families": "search",
    "emulator": "run",
    "processing": "process",
}


def command_of(content: dict[str, Any]) -> str:
    return next(command for key, command in TELLING.items() if key in content)


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return {command: json_schema(recipe_class(command)) for command in RECIPES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_is_read(path: Path, schemas: dict[str, Any]) -> None:
    content = read_yaml(path)
    command = command_of(content)
    recipes = load(recipe_class(command), path, allow_code=True)
    assert list(recipes) == (list(content["each"]) if "each" in content else [""])
    check = jsonschema.Draft202012Validator(schemas[command])
    for one in variants(content, "recipe").values():
        check.validate(json.loads(json.dumps(one)))


def test_there_are_examples_of_many_kinds() -> None:
    assert len(EXAMPLES) > 30
    assert {command_of(read_yaml(path)) for path in EXAMPLES} == set(TELLING.values())
