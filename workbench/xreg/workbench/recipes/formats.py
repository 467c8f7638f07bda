"""Versions of the recipe language: what xreg wrote is upgraded, what a person wrote is corrected.

A recipe that xreg writes states its version (``format``). One without is of today's language, but
for the complete records of version 1, which could not tell. Each older version has one function to
the next. The same function finds old spellings in what a person writes, and gives those of today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from xreg.core.errors import ConfigError
from xreg.core.run import FORMAT, require_format
from xreg.core.yaml_text import in_one_line

__all__ = ["current"]

Content = dict[str, Any]
RENAMED = {"bad_samples": "bad", "on_failure": "bad"}
TITLES = ("name", "version", "title", "description")
# A record of version 1 says all of this of its dataset, which nobody does by hand.
RECORDED = {"name", "version", "path", "registry", "hash"}


def current(content: Content, command: str, where: str) -> Content:
    """Return a recipe in today's language.

    Parameters
    ----------
    content
        The recipe as plain values.
    command
        What it is for: run, search, generate, process, evaluate or fit.
    where
        The recipe in words, for messages.

    Raises
    ------
    ConfigError
        If a person wrote it in an old spelling; the message has the new one.
    DataError
        If a later xreg wrote it.
    """
    dataset = content.get("dataset")
    recorded = isinstance(dataset, Mapping) and set(dataset) >= RECORDED
    if "format" in content or recorded:
        for version in range(require_format(content.get("format"), where), FORMAT):
            content = UPGRADES[version](content, command)
        return {**content, "format": FORMAT}
    for version, upgrade in UPGRADES.items():
        new = upgrade(content, command)
        if changed := {k: value for k, value in new.items() if _differ(content.get(k), value)}:
            old = [key for key in content if _differ(content[key], new.get(key, content))]
            raise ConfigError(
                f"{where} has {_all_of(old)} as in version {version} of the language; write "
                f"{_all_of(in_one_line({key: value}) for key, value in changed.items())}."
            )
    return content


def _differ(one: Any, other: Any) -> bool:
    return one is not other and one != other  # not a number differs from itself


def _all_of(texts: Any) -> str:
    return " and ".join(f"'{text}'" for text in texts)


def _from_1(content: Content, command: str) -> Content:
    """Decomposers, analyses and families by label, flat generators, one key for bad samples."""
    new: Content = {}
    for key, old in content.items():
        value = CONVERTED[key](old) if key in CONVERTED else old
        made = new.get("dataset", {})
        if command == "process" and key in TITLES and isinstance(made, Mapping):
            new["dataset"] = {**made, key: value}
        else:
            new[RENAMED.get(key, key)] = value
    return new


def _components(entries: Any, *, labelled: bool) -> Any:
    """Return a list of components by label; that of analyses had no other than their names."""
    if not isinstance(entries, list):
        return entries
    found: Content = {}
    for entry in entries:
        body = dict(entry) if isinstance(entry, Mapping) else {}
        name = str(body.pop("name", entry))
        label = _free(found, str((labelled and body.pop("label", "")) or name))
        found[label] = body if label == name else {"name": name, **body}
    return found


def _families(entries: Any) -> Any:
    if not isinstance(entries, list):
        return entries
    found: Content = {}
    for entry in entries:
        body = dict(entry) if isinstance(entry, Mapping) else {"descriptor": entry}
        part = body.get("descriptor") or body.get("emulator")
        name = part.get("name") if isinstance(part, Mapping) else part
        label = _free(found, str(body.pop("label", "") or name))
        found[label] = {} if body == {"descriptor": label} else body
    return found


def _free(taken: Content, label: str) -> str:
    numbers = (f"{label}-{number}" for number in range(2, len(taken) + 2))
    return label if label not in taken else next(one for one in numbers if one not in taken)


def _flat(section: Any) -> Any:
    if not (isinstance(section, Mapping) and isinstance(section.get("settings"), Mapping)):
        return section
    flat = {key: value for key, value in section.items() if key != "settings"}
    return {**flat, **section["settings"]}


def _processing(channels: Any) -> Any:
    if not isinstance(channels, Mapping):
        return channels
    return {
        name: {**channel, "steps": [_step(step) for step in channel["steps"]]}
        if isinstance(channel, Mapping) and isinstance(channel.get("steps"), list)
        else channel
        for name, channel in channels.items()
    }


def _step(step: Any) -> Any:
    if not isinstance(step, Mapping) or "name" in step:
        return step
    return {"name" if key == "step" else key: value for key, value in step.items()}


def _each(variants: Any) -> Any:
    """Return the variants with today's keys in their settings with dots."""
    if not isinstance(variants, Mapping):
        return variants
    return {
        name: {_path(str(key)): value for key, value in settings.items()}
        if isinstance(settings, Mapping)
        else settings
        for name, settings in variants.items()
    }


def _path(key: str) -> str:
    flat = "generator.settings."
    return f"generator.{key.removeprefix(flat)}" if key.startswith(flat) else RENAMED.get(key, key)


CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "decomposers": partial(_components, labelled=True),
    "analyses": partial(_components, labelled=False),
    "families": _families,
    "generator": _flat,
    "processing": _processing,
    "each": _each,
}
UPGRADES: Mapping[int, Callable[[Content, str], Content]] = {1: _from_1}
