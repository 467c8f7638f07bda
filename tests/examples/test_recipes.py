"""Every recipe of the examples is one of today's language, and its schema says so, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from xreg.cli.commands.schema import RECIPES, recipe_class
from xreg.cli.main import main
from xreg.workbench.recipes.load import load
from xreg.workbench.recipes.overrides import read_yaml, variants
from xreg.workbench.recipes.schema import json_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    path
    for path in sorted((ROOT / "examples").glob("*/*.yaml"))
    # Cards of models are no recipes; what answers a task has the task's dataset, and none itself.
    if path.parent.name != "models" and not path.stem.startswith("task-")
]
TELLING = {
    "growth": "grow",
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


@pytest.mark.parametrize(
    ("command", "example"),
    [
        (["search"], "h2so4-aq/search.yaml"),
        (["data", "generate"], "l-edges/oh.yaml"),
        (["data", "process", "any.zarr"], "h2o/broad.yaml"),
    ],
)
def test_a_dry_run_prints_what_is_read_back(
    command: list[str], example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ROOT / "examples" / example
    with pytest.raises(SystemExit) as end:
        main([*command, str(path), "--dry-run"])
    assert not end.value.code
    kind = recipe_class(command_of(read_yaml(path)))
    texts = capsys.readouterr().out.split("---\n")
    for text, expected in zip(texts, load(kind, path).values(), strict=True):
        (tmp_path / "again.yaml").write_text(text)
        assert load(kind, tmp_path / "again.yaml")[""].plain() == expected.plain()


def test_there_are_examples_of_many_kinds() -> None:
    assert len(EXAMPLES) > 30
    assert {command_of(read_yaml(path)) for path in EXAMPLES} == set(TELLING.values())
