"""The JSON schema of recipes, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from xreg.core.interfaces.kinds import KINDS, LABELLED
from xreg.registry.plugins import host
from xreg.workbench.recipes.sections import NAME, AnyRecipe

__all__ = ["json_schema"]

TEXTS = ("DatasetSection", "SplitSection", "NewDataset", "ComponentSection", "EmulatorSection",
         "SpaceSection", "StartingSpaceSection", "StartSection")  # fmt: skip
SHORT = dict.fromkeys(TEXTS, "string") | dict.fromkeys(("LabelSection", "FamilySection"), "null")
"""Sections that may be written as a text, or be left empty."""


def json_schema(recipe: type[AnyRecipe]) -> dict[str, Any]:
    """Return the JSON schema of a kind of recipe, with the settings of every installed component.

    A search takes ranges for the settings of components, so these are not told there.
    """
    schema = recipe.model_json_schema()
    definitions = schema["$defs"]
    for section in [schema, *definitions.values()]:
        for key, entry in section.get("properties", {}).items():
            if not _is_component(entry):
                continue
            words = {"description": entry.get("description", "")}
            nothing = [{"type": "null"}] if entry.get("default", "") is None else []
            if key in LABELLED:
                by_label = _labelled(LABELLED[key], definitions)
                section["properties"][key] = {"anyOf": [by_label, *nothing]} | words
            elif key in KINDS:
                choices = _choices(key, definitions)
                if any(one.get("type") == "array" for one in entry.get("anyOf", ())):
                    choices.append({"type": "array", "items": {"anyOf": [*choices]}, "minItems": 1})
                section["properties"][key] = {"anyOf": choices + nothing} | words
    for name, short in SHORT.items():
        if name in definitions:
            definitions[name] = {"anyOf": [definitions[name], {"type": short}]}
    variant = {"type": "object"}
    schema["properties"]["each"] = {
        "anyOf": [
            {"type": "object", "additionalProperties": variant},
            {"type": "array", "items": variant | {"required": ["name"]}},
        ],
        "description": "Several results: a name for each, and below it the settings in which it "
        "differs, with dots in the key.",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _is_component(entry: dict[str, Any]) -> bool:
    """Whether a key takes components without ranges: those of a search have a section of theirs."""
    return any(f"#/$defs/{name}" in str(entry) for name in ("ComponentSection", "EmulatorSection"))


def _choices(kind: str, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what may stand for one component; the settings of each go to the definitions."""
    found: list[dict[str, Any]] = []
    for installed in host().of_kind(kind):
        spec, key = installed.spec, f"{kind}-{installed.spec.name}"
        own = spec.config.model_json_schema()
        required = own.get("required", [])
        definitions |= own.pop("$defs", {})
        head: dict[str, Any] = {"name": {"const": spec.name, "description": spec.summary}}
        if kind == "emulator" and "EmulatorSection" in definitions:
            head["start"] = definitions["EmulatorSection"]["properties"]["start"]
        own["properties"] = head | own.get("properties", {})
        definitions[key] = own | {"title": f"{kind} {spec.name}", "required": ["name", *required]}
        found.append({"$ref": f"#/$defs/{key}"})
        if not required:
            found.append({"const": spec.name})
    return found


def _labelled(kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return what may stand for components by label: where that is a name, it says it already."""
    choices = _choices(kind, definitions)
    named = {}
    for installed in host().of_kind(kind):
        entry = definitions[f"{kind}-{installed.spec.name}"]
        own = {**entry, "required": [key for key in entry["required"] if key != "name"]}
        named[installed.spec.name] = {"anyOf": [own, *choices, {"type": "null"}]}
    return {
        "type": "object",
        "properties": named,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"anyOf": choices},
    }
