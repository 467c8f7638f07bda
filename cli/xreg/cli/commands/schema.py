"""``xreg schema``: the JSON schema of recipes, for editors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli.output import echo
from xreg.core.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from xreg.workbench.recipes.sections import AnyRecipe

__all__ = ["RECIPES", "recipe_class", "schema"]

RECIPES = {
    "run": "run.recipe:Recipe",
    "search": "search.recipe:SearchRecipe",
    "generate": "generate.recipe:GenerationRecipe",
    "process": "process.process:ProcessingRecipe",
    "evaluate": "evaluate.recipe:Evaluation",
    "fit": "fit.recipe:FitRecipe",
    "match": "match.recipe:MatchRecipe",
    "grow": "grow.recipe:GrowRecipe",
}
"""The recipe of each command that reads one, below ``xreg.workbench``."""


def recipe_class(command: str) -> type[AnyRecipe]:
    """Import and return the recipe of a command."""
    if command not in RECIPES:
        raise UnknownNameError(f"no recipe of '{command}'{did_you_mean(command, RECIPES)}.")
    module, _, name = RECIPES[command].partition(":")
    found: type[AnyRecipe] = getattr(import_module(f"xreg.workbench.{module}"), name)
    return found


def schema(
    command: Annotated[
        str, typer.Argument(help="run, search, generate, process, evaluate or fit.")
    ] = "run",
) -> None:
    """Print the JSON schema of a recipe, with the settings of every installed plugin."""
    import json

    from xreg.workbench.recipes.schema import json_schema

    echo(json.dumps(json_schema(recipe_class(command)), indent=2, ensure_ascii=False))
