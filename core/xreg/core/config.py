"""Settings of components: pydantic models that validation, help, schema and docs come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xreg.core.errors import ConfigError, did_you_mean

__all__ = ["Config", "SettingRow", "setting"]


def setting(default: Any = ..., *, unit: str = "", description: str, **bounds: Any) -> Any:
    """Declare one setting of a :class:`Config`.

    Parameters
    ----------
    default
        Default value; leave it out for a required setting.
    unit
        Unit of the value (``"Å"``, ``"eV"``); empty for a pure number or a choice.
    description
        What the setting does, in one sentence.
    **bounds
        ``ge``, ``gt``, ``le``, ``lt``, ``min_length`` … as pydantic's ``Field`` takes them.
    """
    return Field(
        default,
        description=description,
        json_schema_extra={"unit": unit} if unit else None,
        **bounds,
    )


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


class Config(BaseModel):
    """Base of every component's settings: closed (no unknown keys), immutable, validated."""

    # Deferred: listing plugins imports their settings but validates none.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def parse(cls, settings: Mapping[str, Any], where: str) -> Self:
        """Validate settings from outside.

        Parameters
        ----------
        settings
            Names and values.
        where
            What they belong to, for the message (``"descriptor soap"``).

        Raises
        ------
        ConfigError
            One sentence that names every bad key and, for a misspelt one, the likely meant one.
        """
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as error:
            raise ConfigError(f"{where}: {explain(error, cls)}.") from None

    @classmethod
    def table(cls) -> list[SettingRow]:
        """Return every setting in words, in the order of declaration."""
        schema = cls.model_json_schema()
        rows = []
        for name, field in cls.model_fields.items():
            entry = schema["properties"][name]
            default = "required" if field.is_required() else repr(field.get_default())
            rows.append(
                SettingRow(
                    name,
                    _kind(entry, schema.get("$defs", {})),
                    default,
                    str(entry.get("unit", "")),
                    field.description or "",
                )
            )
        return rows


def _kind(entry: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """Put the type and bounds of a JSON-schema entry into words (``integer, 1 … 20``)."""
    if "$ref" in entry:
        return _kind(defs[entry["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in entry:
        return " or ".join(_kind(option, defs) for option in entry["anyOf"])
    if "enum" in entry:
        return "one of " + ", ".join(map(str, entry["enum"]))
    if "const" in entry:
        return repr(entry["const"])
    if entry.get("type") == "array":
        items = entry.get("items") or {}
        return f"list of {_kind(items, defs)}" if items else "list"
    words = {"null": "none", "number": "number", "integer": "integer"}
    text = words.get(entry.get("type", ""), entry.get("type", "any"))
    low = entry.get("minimum", entry.get("exclusiveMinimum"))
    high = entry.get("maximum", entry.get("exclusiveMaximum"))
    if low is not None and high is not None:
        signs = (
            "> " if "exclusiveMinimum" in entry else "",
            "< " if "exclusiveMaximum" in entry else "",
        )
        return f"{text}, {signs[0]}{low:g} … {signs[1]}{high:g}"
    if low is not None:
        return f"{text}, {'>' if 'exclusiveMinimum' in entry else '≥'} {low:g}"
    if high is not None:
        return f"{text}, {'<' if 'exclusiveMaximum' in entry else '≤'} {high:g}"
    return text


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Turn a pydantic error into one clause for each bad key, without pydantic's jargon."""
    parts = []
    for item in error.errors():
        path = ".".join(str(p) for p in item["loc"])
        if item["type"] == "extra_forbidden":
            known = _fields_at(model, item["loc"][:-1])
            parts.append(f"unknown key '{path}'{did_you_mean(str(item['loc'][-1]), known)}")
        elif item["type"] == "missing":
            parts.append(f"'{path}' is required")
        else:
            text = item["msg"].removeprefix("Value error, ")
            text = text[:1].lower() + text[1:]
            given = f", got {item['input']!r}" if not isinstance(item["input"], dict) else ""
            parts.append(f"'{path}' {text}{given}" if path else f"{text}")
    return "; ".join(parts)


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Names of the fields of the nested model at ``path`` (the outer one's where unclear)."""
    for step in path:
        field = model.model_fields.get(str(step))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return list(model.model_fields)
