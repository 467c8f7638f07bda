"""Reading a recipe file and laying command-line settings over it."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.workbench.recipes.sections import NAME
from xreg.workbench.recipes.yaml_text import load_yaml

__all__ = ["apply_setting", "read_yaml", "variants"]

# ``emulator: mlp`` is short for ``emulator: {name: mlp}``; a dataset may be named the same way.
NAMED = ("dataset", "descriptor", "emulator")
LISTED = ("decomposers", "analyses")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises
    ------
    ConfigError
        If there is no such file, it is no YAML mapping, or a key stands twice; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"recipe '{path}' cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"recipe '{path}' is not UTF-8 text.") from None
    try:
        content = load_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"recipe '{path}' is not valid YAML{line}: {error.problem}.") from None
    except yaml.YAMLError:
        raise ConfigError(f"recipe '{path}' is not valid YAML.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"recipe '{path}' must be a mapping of keys such as 'dataset:'.")
    return content


def variants(
    content: dict[str, Any], where: str, only: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return a recipe's content once for each name in its section ``each``.

    Below each name stand settings with dots in the key, which are laid over the rest::

        each:
          xes: {target.channel: xes}
          xas: {target.channel: xas}

    Parameters
    ----------
    content
        The recipe as plain values.
    where
        The recipe in words, for messages.
    only
        Names to keep; all without it.

    Returns
    -------
    dict
        The contents by name; the name is empty where there is no ``each``.

    Raises
    ------
    ConfigError, UnknownNameError
        If ``each`` does not map names to settings, or lacks a name of ``only``.
    """
    rest = {key: value for key, value in content.items() if key != "each"}
    if "each" not in content:
        if only:
            raise ConfigError(f"{where} has no section 'each' to choose '{only[0]}' from.")
        return {"": rest}
    each = content["each"]
    if not (isinstance(each, dict) and each and all(isinstance(v, dict) for v in each.values())):
        raise ConfigError(f"{where}: 'each' must map names to settings.")
    for name in each:
        if not re.fullmatch(NAME, str(name)):
            raise ConfigError(
                f"{where}: '{name}' under 'each' is no name of a folder; names are of letters, "
                "digits and . _ + -, and begin with one of the first two."
            )
    for name in only:
        if name not in each:
            raise UnknownNameError(f"{where} has no '{name}'{did_you_mean(name, each)}.")
    found = {}
    for name in only or each:
        found[str(name)] = one = copy.deepcopy(rest)
        for key, value in each[name].items():
            _assign(one, str(key), value, f"{where}, 'each.{name}', ")
    return found


def apply_setting(content: dict[str, Any], text: str) -> None:
    """Change one value of a recipe in place.

    Parameters
    ----------
    content
        The recipe as plain values.
    text
        ``key=value`` with dots between the keys and YAML on the right: ``emulator.width=128``. A
        decomposer is addressed by its label: ``decomposers.eca.rank=3``, an analysis by its name.

    Raises
    ------
    ConfigError, UnknownNameError
        If the text has no ``=``, its value is no YAML, or a key leads nowhere.
    """
    path, equals, value_text = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: write key=value, such as emulator.width=128.")
    try:
        value = load_yaml(value_text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {path}: '{value_text}' is not a YAML value.") from None
    _assign(content, path.strip(), value, "--set ")


def _assign(content: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Put a value where a path with dots leads; messages begin with ``where`` and the path."""
    keys = path.split(".")
    if not all(keys):
        raise ConfigError(f"{where}{path}: write keys with a dot between, such as emulator.width.")
    place: Any = content
    called = "name" if keys[0] == "analyses" else "label"  # in an analysis ``label`` is a setting
    for depth, key in enumerate(keys[:-1]):
        place = _step(place, key, called, where + ".".join(keys[: depth + 1]))
    if keys[0] in LISTED and len(keys) == 2:
        entry = (_labels(place, called) or ["NAME"])[0]
        raise ConfigError(
            f"{where}{path}: say whose '{keys[1]}' is meant, such as {keys[0]}.{entry}.{keys[1]}."
        )
    if not isinstance(place, dict):
        raise ConfigError(f"{where}{path}: '{'.'.join(keys[:-1])}' has no keys of its own.")
    place[keys[-1]] = value


def _step(place: Any, key: str, called: str, so_far: str) -> Any:
    """Return what ``key`` leads to, made where it is not there yet; ``called`` names entries."""
    if isinstance(place, list):
        labels = _labels(place, called)
        if key not in labels:
            hint = did_you_mean(key, labels)
            raise UnknownNameError(f"{so_far}: the recipe has no such entry{hint}.")
        index = labels.index(key)
        place[index] = _named(place[index])
        return place[index]
    if not isinstance(place, dict):
        raise ConfigError(f"{so_far}: there are no keys at this depth.")
    inner = place.get(key)
    if key in NAMED and isinstance(inner, str):
        inner = _named(inner)
    if key in LISTED and inner is None:
        inner = []
    place[key] = {} if inner is None else inner
    return place[key]


def _labels(place: list[Any], called: str) -> list[str]:
    """Return what the entries of a list are called."""
    entries = [_named(entry) for entry in place]
    return [str(entry.get(called, entry.get("name"))) for entry in entries]


def _named(entry: Any) -> dict[str, Any]:
    return dict(entry) if isinstance(entry, Mapping) else {"name": entry}
