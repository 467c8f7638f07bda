"""Settings that are code or name a file, so that nobody runs what a stranger sent unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from xreg.core.config import Config
from xreg.core.storage import canonical_json, digest

__all__ = ["Code", "code_in"]

SHORT = 60
"""A value of so many characters is shown, a longer one counted."""


@dataclass(frozen=True)
class Code:
    """What one component would run or read, as its settings say.

    Attributes
    ----------
    component
        What it goes to, in words (``generator 'quanty'``).
    values
        Values of the settings that are code, by name; nested names with dots.
    files
        Names of those settings whose value is the name of a file.
    """

    component: str
    values: Mapping[str, Any]
    files: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of component and values, a file being what it holds: what consent is given to."""
        texts = {name: self._content(name, value) for name, value in self.values.items()}
        return digest(canonical_json([self.component, texts]))

    def in_words(self) -> str:
        """Return what there is, short values as they are and long ones by their length."""
        return ", ".join(f"{name} {self._shown(name, v)}" for name, v in self.values.items())

    def _content(self, name: str, value: Any) -> Any:
        if name in self.files:
            try:
                value = Path(value).read_text(encoding="utf-8")
            except (OSError, ValueError):  # whoever reads it says so; other content, other hash
                return ["no file", value]
        return value.rstrip("\n") if isinstance(value, str) else value

    def _shown(self, name: str, value: Any) -> str:
        text = value if isinstance(value, str) else canonical_json(value)
        if name in self.files or len(text) <= SHORT:
            return repr(text)
        return f"({len(text.splitlines())} lines, {len(text)} characters)"


def code_in(component: str, config: type[Config], settings: Mapping[str, Any]) -> Code | None:
    """Return what of a component's settings is code or names a file; None where nothing is.

    The settings need not be valid, and nothing is read.
    """
    values: dict[str, Any] = {}
    files: list[str] = []
    _collect(config, settings, "", values, files)
    return Code(component, values, tuple(files)) if values else None


def _collect(
    config: type[BaseModel],
    settings: Mapping[str, Any],
    prefix: str,
    values: dict[str, Any],
    files: list[str],
) -> None:
    for name, value in settings.items():
        field = config.model_fields.get(str(name))
        if field is None or not value:  # nothing is no code
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        is_file = extra.get("format") == "path"
        if extra.get("code") or is_file:
            values[f"{prefix}{name}"] = value
            if is_file and isinstance(value, str) and "\n" not in value:
                files.append(f"{prefix}{name}")
            continue
        for inner in _models(field.annotation):
            for at, part in _parts(value):
                _collect(inner, part, f"{prefix}{name}{at}.", values, files)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside an annotation such as ``dict[str, Step] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _parts(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the mappings that may be settings of a nested model, and where each is."""
    if isinstance(value, Mapping):
        inner = [(f".{key}", part) for key, part in value.items() if isinstance(part, Mapping)]
        return [("", value), *inner]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [(f".{i}", part) for i, part in enumerate(value) if isinstance(part, Mapping)]
    return []
