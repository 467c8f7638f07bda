"""Reading a recipe file and laying command-line settings over it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean

__all__ = ["apply_setting", "dump_yaml", "read_yaml"]

# ``emulator: mlp`` is short for ``emulator: {name: mlp}``; a dataset may be named the same way.
NAMED = ("dataset", "descriptor", "emulator")
LISTED = ("decomposers", "analyses")


class _Loader(yaml.SafeLoader):
    """YAML as it is written: a key that stands twice is an error, not a silent replacement."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


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
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"recipe '{path}' is not valid YAML{line}: {error.problem}.") from None
    except yaml.YAMLError:
        raise ConfigError(f"recipe '{path}' is not valid YAML.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"recipe '{path}' must be a mapping of keys such as 'dataset:'.")
    return content


def apply_setting(content: dict[str, Any], text: str) -> None:
    """Change one value of a recipe in place.

    Parameters
    ----------
    content
        The recipe as plain values.
    text
        ``key=value`` with dots between the keys and YAML on the right: ``emulator.width=128``. A
        decomposer is addressed by its label: ``decomposers.eca.rank=3``.

    Raises
    ------
    ConfigError, UnknownNameError
        If the text has no ``=``, its value is no YAML, or a key leads nowhere.
    """
    path, equals, value_text = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {text}: write key=value, such as emulator.width=128.")
    try:
        value = yaml.load(value_text, Loader=_Loader)
    except yaml.YAMLError:
        raise ConfigError(f"--set {path}: '{value_text}' is not a YAML value.") from None
    place: Any = content
    for depth, key in enumerate(keys[:-1]):
        place = _step(place, key, ".".join(keys[: depth + 1]))
    if not isinstance(place, dict):
        raise ConfigError(f"--set {path}: '{'.'.join(keys[:-1])}' has no keys of its own.")
    place[keys[-1]] = value


def _step(place: Any, key: str, so_far: str) -> Any:
    """Return what ``key`` leads to, made where it is not there yet."""
    if isinstance(place, list):
        entries = [_named(entry) for entry in place]
        labels = [str(entry.get("label", entry.get("name"))) for entry in entries]
        if key not in labels:
            hint = did_you_mean(key, labels)
            raise UnknownNameError(f"--set {so_far}: the recipe has no such entry{hint}.")
        index = labels.index(key)
        place[index] = entries[index]
        return place[index]
    if not isinstance(place, dict):
        raise ConfigError(f"--set {so_far}: there are no keys at this depth.")
    inner = place.get(key)
    if key in NAMED and isinstance(inner, str):
        inner = _named(inner)
    if key in LISTED and inner is None:
        inner = []
    place[key] = {} if inner is None else inner
    return place[key]


def _named(entry: Any) -> dict[str, Any]:
    return dict(entry) if isinstance(entry, Mapping) else {"name": entry}


def dump_yaml(content: Mapping[str, Any]) -> str:
    """Return YAML in the order of the keys, short lists on one line."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Block style throughout, except for lists of plain values."""


def _represent_list(dumper: yaml.SafeDumper, values: Sequence[Any]) -> yaml.SequenceNode:
    plain = not any(isinstance(value, list | dict) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=plain)


_Dumper.add_representer(list, _represent_list)
