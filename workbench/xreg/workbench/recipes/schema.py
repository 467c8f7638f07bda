"""The JSON schema of a recipe, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from xreg.registry.plugins import host
from xreg.workbench.recipes.sections import Recipe

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a recipe, with the settings of every installed component."""
    schema = Recipe.model_json_schema()
    definitions = schema["$defs"]
    options: dict[str, list[dict[str, str]]] = {"descriptor": [], "emulator": [], "decomposer": []}
    for installed in host():
        spec = installed.spec
        if spec.kind not in options:
            continue
        key = f"{spec.kind}-{spec.name}"
        own = spec.config.model_json_schema()
        definitions |= own.pop("$defs", {})
        head = {"name": {"const": spec.name, "description": spec.summary}}
        if spec.kind == "decomposer":
            head["label"] = definitions["DecomposerSection"]["properties"]["label"]
        own["properties"] = head | own.get("properties", {})
        own["required"] = ["name", *own.get("required", [])]
        definitions[key] = own | {"title": f"{spec.kind} {spec.name}"}
        names = [{"$ref": f"#/$defs/{key}"}]
        if not spec.config.model_json_schema().get("required"):
            names.append({"const": spec.name})
        options[spec.kind] += names
    properties = schema["properties"]
    properties["analyses"] = _analyses(definitions) | {
        "description": properties["analyses"]["description"]
    }
    for section in ("AnalysisSection", "ComponentSection", "DecomposerSection"):
        del definitions[section]
    for kind, extra in (("descriptor", [{"type": "null"}]), ("emulator", [])):
        words = properties[kind].get("description", "")
        properties[kind] = {"anyOf": options[kind] + extra, "description": words}
    properties["decomposers"]["items"] = {"anyOf": options["decomposer"]}
    properties["dataset"] = {
        "anyOf": [{"$ref": "#/$defs/DatasetSection"}, {"type": "string"}],
        "description": properties["dataset"].get("description", ""),
    }
    properties["each"] = {
        "type": "object",
        "additionalProperties": {"type": "object"},
        "description": "Several runs: a name for each, and below it the settings in which it "
        "differs, with dots in the key.",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _analyses(definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of ``analyses``; the settings of each are added to the definitions."""
    options: list[dict[str, Any]] = []
    for installed in host().of_kind("analysis"):
        spec = installed.spec
        own = spec.config.model_json_schema()
        definitions |= own.pop("$defs", {})
        head = {"name": {"const": spec.name, "description": spec.summary}}
        own["properties"] = head | own.get("properties", {})
        own["required"] = ["name", *own.get("required", [])]
        definitions[f"analysis-{spec.name}"] = own | {"title": f"analysis {spec.name}"}
        options += [{"$ref": f"#/$defs/analysis-{spec.name}"}, {"const": spec.name}]
    return {"anyOf": [{"type": "array", "items": {"anyOf": options}}, {"type": "null"}]}
