"""Settings and what is wrong with them, in words: for help, documentation and messages."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from xreg.core.errors import did_you_mean

__all__ = ["SettingRow", "explain", "table", "unbounded", "value_in_words"]


@dataclass(frozen=True)
class SettingRow:
    """One setting, in words: what help, ``plugins show`` and the documentation print."""

    name: str
    kind: str
    default: str
    unit: str
    description: str

    @property
    def unit_text(self) -> str:
        """The unit in brackets, or nothing."""
        return f" [{self.unit}]" if self.unit else ""


def table(model: type[BaseModel], prefix: str = "") -> list[SettingRow]:
    """Return every setting of a model, in the order of declaration; nested ones with dots."""
    schema = model.model_json_schema()
    rows = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            rows += table(inner, f"{prefix}{name}.")
            continue
        entry = schema["properties"][name]
        rows.append(
            SettingRow(
                prefix + name,
                _kind(entry, schema.get("$defs", {})),
                _default(field),
                str(entry.get("unit", "")),
                field.description or "",
            )
        )
    return rows


def value_in_words(value: Any) -> str:
    """Write a setting's value as a recipe does, numbers to four digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {value_in_words(v)}' for key, v in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(value_in_words, value))}]"
    return json.dumps(value)


def _default(field: FieldInfo) -> str:
    """Write a default as a recipe writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _kind(entry: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """Put the type and bounds of a JSON-schema entry into words (``integer in [1, 20]``)."""
    if "$ref" in entry:
        return _kind(defs[entry["$ref"].rpartition("/")[2]], defs)
    if options := entry.get("anyOf") or entry.get("oneOf"):
        return " or ".join(_kind(option, defs) for option in options)
    if "enum" in entry:
        return "one of " + ", ".join(map(str, entry["enum"]))
    if "const" in entry:
        return f"only {entry['const']}"
    match entry.get("type"):
        case "array" if "prefixItems" in entry:
            return f"[{', '.join(_kind(item, defs) for item in entry['prefixItems'])}]"
        case "array":
            items = entry.get("items")
            return _list(entry) + (f" of {_grouped(_kind(items, defs))}" if items else "")
        case "object":
            values = entry.get("additionalProperties")
            return "mapping" + (
                f" to {_grouped(_kind(values, defs))}" if isinstance(values, dict) else ""
            )
        case "boolean":
            return "true or false"
        case "string":
            return "text"
        case kind:
            return _bounded(str(kind or "any"), entry)


def _list(entry: Mapping[str, Any]) -> str:
    low, high = entry.get("minItems", 0), entry.get("maxItems")
    if high is None:
        return {0: "list", 1: "non-empty list"}.get(low, f"list ({low} or more)")
    return f"list ({low})" if low == high else f"list ({low} to {high})"


def _grouped(text: str) -> str:
    return f"({text})" if " or " in text or text.startswith("one of") else text


def _bounded(text: str, entry: Mapping[str, Any]) -> str:
    """Add the bounds: an interval where there are two (a round bracket excludes), else a sign."""
    low, high = entry.get("minimum"), entry.get("maximum")
    above, below = entry.get("exclusiveMinimum"), entry.get("exclusiveMaximum")
    left = f"({above:.16g}" if above is not None else f"[{low:.16g}" if low is not None else ""
    right = f"{below:.16g})" if below is not None else f"{high:.16g}]" if high is not None else ""
    if left and right:
        return f"{text} in {left}, {right}"
    if left:
        return f"{text} {'>' if above is not None else '≥'} {left[1:]}"
    if right:
        return f"{text} {'<' if below is not None else '≤'} {right[:-1]}"
    return text


# What pydantic adds to the place of an error beside names and indices: the branch of a union.
LOOKED_AT, TOLD = 200, 8
"""How many of all errors are looked at, and told."""
_BRANCH = re.compile(
    r"(float|int|str|bool|none|(list|tuple|dict|set|literal|constrained|function|model|nullable)"
    r"[\[-].*)$"
)


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Turn a pydantic error into one clause for each bad key, without pydantic's jargon."""
    clauses: dict[str, str] = {}
    given: dict[str, str] = {}
    errors = error.errors(include_url=False)
    for item in errors[:LOOKED_AT]:
        steps = [step for step in item["loc"] if not _BRANCH.match(str(step))]
        place = ".".join(map(str, steps))
        if item["type"] == "extra_forbidden":
            hint = did_you_mean(str(steps[-1]), _fields_at(model, steps[:-1]))
            clauses[place] = f"unknown key '{place}'{hint}"
        elif item["type"] == "missing":
            clauses[place] = f"'{place}' is required"
        else:
            text = _plain(item["msg"])
            if place in clauses:  # another branch of a union
                clauses[place] += " or " + text.removeprefix("must be ")
            else:
                clauses[place] = f"'{place}' {text}" if place else text
            if place and not isinstance(item["input"], dict):
                given[place] = f", got {reprlib.repr(item['input'])}"
    # What is wrong inside a list says more than that the list as a whole is wrong.
    places = [at for at in clauses if not any(other.startswith(f"{at}.") for other in clauses)]
    told = [clauses[at] + given.get(at, "") for at in places[:TOLD]]
    if more := len(places) - len(told) + max(len(errors) - LOOKED_AT, 0):
        told.append(f"and {more:,} more")
    return "; ".join(told)


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ").replace(" after validation, not ", ", not ")
    text = re.sub(r"^\w+ should (be|have|match)", r"must \1", text)
    text = text.replace("a valid tuple", "a list").replace("a valid dictionary", "a mapping")
    return re.split(", unable to|, got a ", text)[0]


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Names of the fields of the nested model at ``path`` (the outer one's where unclear)."""
    for step in path:
        field = model.model_fields.get(str(step))
        model = (_model_in(field.annotation) if field else None) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model inside an annotation such as ``list[Step] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def unbounded(model: type[BaseModel]) -> list[str]:
    """Return the settings that any value of their type would satisfy."""
    schema = model.model_json_schema()
    defs = schema.get("$defs", {})
    return [name for name, entry in schema["properties"].items() if not _restricted(entry, defs)]


LIMITS = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "minItems", "maxItems", "minProperties", "maxProperties",
}  # fmt: skip


def _restricted(entry: Mapping[str, Any], defs: Mapping[str, Any]) -> bool:
    """Whether a JSON-schema entry restricts its values beyond their type."""
    if "$ref" in entry:
        return _restricted(defs[entry["$ref"].rpartition("/")[2]], defs)
    for key in ("anyOf", "oneOf"):
        if key in entry:
            return all(_restricted(option, defs) for option in entry[key])
    if "properties" in entry:
        return all(_restricted(part, defs) for part in entry["properties"].values())
    if {"enum", "const"} & set(entry) or entry.get("type") in {"boolean", "null"}:
        return True
    if LIMITS & set(entry):
        return True
    inner = entry.get("items") or entry.get("additionalProperties")
    return isinstance(inner, Mapping) and _restricted(inner, defs)
