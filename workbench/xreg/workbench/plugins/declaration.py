"""A plugin's declaration, read without running any of its code.

What stands there in plain values is the manifest: API, and of each component kind, name, summary,
target and settings. Anything computed is not guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from xreg.core.errors import DataError

__all__ = ["Declaration", "DeclaredComponent", "DeclaredSetting", "read_declaration"]

ORDER = ("kind", "name", "config", "target", "summary")
SPECS = {"ComponentSpec": ORDER, "AnalysisSpec": ORDER[1:]}
LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "multiple_of")


@dataclass(frozen=True)
class DeclaredSetting:
    """A setting as it is written; None for what is computed."""

    name: str
    type: str
    unit: str | None
    description: str | None
    bounds: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DeclaredComponent:
    """A component as it is written; None for what is computed."""

    kind: str | None
    name: str | None
    target: str | None
    summary: str | None
    settings: tuple[DeclaredSetting, ...] = ()


@dataclass(frozen=True)
class Declaration:
    """What a module says of a plugin.

    Attributes
    ----------
    api
        ``XREG_API``; None where it is missing or computed.
    components
        In the order of the source.
    computed
        What cannot be read without running it, and on which line.
    """

    api: str | None
    components: tuple[DeclaredComponent, ...]
    computed: tuple[str, ...] = ()


def read_declaration(source: str, what: str) -> Declaration:
    """Read the source of a declaring module; nothing of it is run.

    Raises
    ------
    DataError
        If it is no Python.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{what} is no Python that can be read ({error}).") from None
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    api, computed = _api(tree)
    components = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and (names := SPECS.get(_called(call))) is not None:
            given = dict(zip(names, call.args, strict=False))
            given |= {key.arg: key.value for key in call.keywords if key.arg}
            texts = {key: _text(given.get(key)) for key in ("kind", "name", "target", "summary")}
            if _called(call) == "AnalysisSpec":
                texts["kind"] = "analysis"
            computed += [
                f"{key} of the component on line {call.lineno}"
                for key in ("kind", "name", "target")
                if texts[key] is None
            ]
            config = given.get("config")
            found = classes.get(config.id) if isinstance(config, ast.Name) else None
            settings = tuple(_settings(found, classes)) if found else ()
            components.append(DeclaredComponent(**texts, settings=settings))
    return Declaration(api, tuple(components), tuple(computed))


def _api(tree: ast.Module) -> tuple[str | None, list[str]]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else ()
        if any(isinstance(target, ast.Name) and target.id == "XREG_API" for target in targets):
            text = _text(getattr(node, "value", None))
            return text, [] if text else [f"XREG_API on line {node.lineno}"]
    return None, []


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _settings(config: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[DeclaredSetting]:
    """Yield the settings of a class, those that it takes over from one of the same file first."""
    for base in config.bases:
        parent = classes.get(base.id) if isinstance(base, ast.Name) else None
        if parent is not None and parent is not config:
            yield from _settings(parent, {k: v for k, v in classes.items() if v is not config})
    for node in config.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        call = node.value
        if isinstance(call, ast.Call) and _called(call) == "setting":
            given = {key.arg: key.value for key in call.keywords if key.arg}
            yield DeclaredSetting(
                node.target.id,
                ast.unparse(node.annotation),
                _text(given["unit"]) if "unit" in given else "",
                _text(given.get("description")),
                {key: _value(given[key]) for key in LIMITS if key in given},
            )


def _text(node: ast.expr | None) -> str | None:
    value = _value(node)
    return value if isinstance(value, str) else None


def _value(node: ast.expr | None) -> Any:
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
