"""Reading a recipe file and laying command-line settings over it."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.files import read_file
from xreg.core.interfaces.kinds import LABELLED
from xreg.core.yaml_text import load_yaml
from xreg.registry.plugins import host
from xreg.workbench.recipes.sections import NAME

__all__ = ["apply_setting", "read_yaml", "variants", "with_registry"]

LARGEST = 16 << 20  # bytes of a recipe


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises
    ------
    ConfigError
        If there is no such file, it is no YAML mapping, or a key stands twice; with the line.
    """
    try:
        text = read_file(path, LARGEST).decode()
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


def with_registry(
    settings: Sequence[str], registry: str | None, section: str = "dataset"
) -> list[str]:
    """Return settings, then the registry of a section, which one that they set has too."""
    return [*settings, *([f"{section}.registry={registry}"] if registry else [])]


def variants(
    content: dict[str, Any], where: str, only: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return a recipe's content once for each name in its section ``each``.

    Below each name stand settings with dots in the key, which are laid over the rest (in a list,
    ``name`` is the name); ``{each}`` in a text of the section ``dataset`` becomes the name::

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
    each = _entries(content["each"], where)
    for name in only:
        if name not in each:
            raise UnknownNameError(f"{where} has no '{name}'{did_you_mean(name, each)}.")
    found = {}
    for name in only or each:
        found[name] = one = copy.deepcopy(rest)
        for key, value in each[name].items():
            _assign(one, str(key), value, f"{where}, 'each.{name}', ")
        if "dataset" in one:
            one["dataset"] = _named_by(one["dataset"], name)
    return found


def _entries(given: Any, where: str) -> dict[str, dict[str, Any]]:
    """Return the settings of each variant by its name."""
    if isinstance(given, list) and all(isinstance(one, dict) and "name" in one for one in given):
        entries = [(one["name"], {k: v for k, v in one.items() if k != "name"}) for one in given]
    else:
        entries = list(given.items()) if isinstance(given, dict) else []
    each = {str(name): {} if one is None else one for name, one in entries}
    if not each or not all(isinstance(one, dict) for one in each.values()):
        raise ConfigError(f"{where}: 'each' must map names to settings.")
    if len(each) < len(entries):
        raise ConfigError(f"{where}: two entries of 'each' have one name; give each its own.")
    for name in each:
        if not re.fullmatch(NAME, name):
            raise ConfigError(
                f"{where}: '{name}' under 'each' is no name of a folder; names are of letters, "
                "digits and . _ + -, and begin with one of the first two."
            )
    return each


def _named_by(section: Any, name: str) -> Any:
    """Return a section with a name in place of ``{each}``."""
    if isinstance(section, dict):
        return {key: _named_by(value, name) for key, value in section.items()}
    return section.replace("{each}", name) if isinstance(section, str) else section


def apply_setting(content: dict[str, Any], text: str) -> None:
    """Change one value of a recipe in place.

    Parameters
    ----------
    content
        The recipe as plain values.
    text
        ``key=value`` with dots between the keys and YAML on the right: ``emulator.width=128``. A
        decomposer or analysis is addressed by its label: ``decomposers.eca.rank=3``; where the
        recipe has none of that label but there is one of that name, it is added.

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
    for depth, key in enumerate(keys):
        if not isinstance(place, dict):
            raise ConfigError(f"{where}{path}: '{'.'.join(keys[:depth])}' has no keys of its own.")
        if depth and keys[depth - 1] in LABELLED:
            last = depth == len(keys) - 1
            _require_entry(place, keys[depth - 1], key, value if last else {}, f"{where}{path}")
        if depth == len(keys) - 1:
            place[key] = value
            return
        inner = place.get(key)
        place[key] = {"name": inner} if isinstance(inner, str) else {} if inner is None else inner
        place = place[key]


def _require_entry(labels: dict[str, Any], key: str, label: str, value: Any, so_far: str) -> None:
    """Refuse a label that is neither in the recipe nor the name of a component, or is no entry."""
    first = next(iter(labels), "NAME")
    known = any(i.spec.name == label for i in host().of_kind(LABELLED[key]))
    if label not in labels and not known:
        if not isinstance(value, dict):
            raise ConfigError(
                f"{so_far}: say whose '{label}' is meant, such as {key}.{first}.{label}."
            )
        hint = did_you_mean(label, labels)
        raise UnknownNameError(
            f"{so_far.rpartition(f'.{label}')[0]}.{label}: the recipe has no such entry{hint}."
        )
