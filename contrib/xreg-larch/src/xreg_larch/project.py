"""The text of an Athena project before larch reads it: whole, its energies, its names."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["NEW", "QUOTED", "ends", "falling", "numbered"]

NEW = b'"_____header'
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
NUMBER = re.compile(r"[-+0-9.eE]+")
LABEL = re.compile(r"('label'\s*(?:,|=>)\s*')((?:[^'\\]|\\.)*)'")


def ends(text: str) -> tuple[bool, bool]:
    """Whether each group of an old project has its end, and whether its last line is there.

    Athena 0.8 has written projects without the latter. A new one is JSON, whole or none.
    """
    if _is_new(text):
        return True, True
    lines = text.split("\n")
    groups = sum(line.startswith("$old_group") for line in lines)
    closed = sum(line.startswith("[record]") for line in lines)
    return groups == closed, any(line.startswith("1;") for line in lines)


def falling(text: str) -> int:
    """Return how many groups have energies that do not rise throughout, as they are written."""
    if _is_new(text):
        found = [group["x"] for group in _groups(json.loads(text))]
    else:
        rows = [line for line in text.split("\n") if line.startswith("@x")]
        found = [QUOTED.findall(row) or NUMBER.findall(row) for row in rows]
    count = 0
    for values in found:
        with contextlib.suppress(TypeError, ValueError):
            energies = np.array([str(v).strip("'" + '"') for v in values], np.float64)
            count += bool((np.diff(energies) <= 0).any())
    return count


def numbered(text: str) -> tuple[str, list[str]]:
    """Return a project in which larch tells all groups apart, and the names that were given.

    larch keeps the last of several groups of one name, or of names that become one variable.
    """
    if _is_new(text):
        whole = json.loads(text)
        places = [
            (group["args"], group["args"].index("label") + 1)
            for group in _groups(whole)
            if isinstance(group.get("args"), list) and "label" in group["args"][:-1]
        ]
        names, given = _apart([str(args[i]) for args, i in places])
        for (args, i), name in zip(places, names, strict=True):
            args[i] = name
        return (json.dumps(whole) if given else text), given
    lines = text.split("\n")
    at = [i for i, line in enumerate(lines) if line.startswith("@args") and LABEL.search(line)]
    names, given = _apart([LABEL.search(lines[i])[2] for i in at])  # type: ignore[index]
    for i, name in zip(at, names, strict=True):
        lines[i] = LABEL.sub(lambda m, name=name: f"{m[1]}{name}'", lines[i], count=1)
    return ("\n".join(lines) if given else text), given


def _apart(labels: list[str]) -> tuple[list[str], list[str]]:
    """Return names that differ as larch's variables do, and those that are not as they were."""
    from larch.utils import fix_varname

    taken, seen = {fix_varname(label) for label in labels}, set[str]()
    names, given = [], []
    for label in labels:
        name, number = label, 1
        while fix_varname(name) in (seen if number == 1 else taken):
            number += 1
            name = f"{label}-{number}"
        seen.add(fix_varname(name))
        taken.add(fix_varname(name))
        names.append(name)
        given += [name] if number > 1 else []
    return names, given


def _is_new(text: str) -> bool:
    return NEW.decode() in text[:500]


def _groups(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for value in whole.values():
        if isinstance(value, dict) and "x" in value:
            yield value
