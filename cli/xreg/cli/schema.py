"""``xreg schema``: the JSON schema of recipes, for editors."""

from __future__ import annotations

from xreg.cli.output import echo


def schema() -> None:
    """Print the JSON schema of a recipe, with the settings of every installed plugin."""
    import json

    from xreg.workbench.recipes.schema import json_schema

    echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
