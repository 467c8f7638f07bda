"""What changed from one version of a dataset to the next, as far as the catalogue tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xreg.core.text import counted, with_unit

__all__ = ["changes"]


def changes(old: Any, new: Any) -> list[str]:
    """Return a sentence for each difference between two entries of a dataset."""
    found = []
    if new.hash == old.hash:
        found.append("The data are the same.")
    if new.samples != old.samples:
        found.append(
            f"{counted(new.samples, 'sample')} where {old.version} has {old.samples:,} "
            f"({new.samples - old.samples:+,})."
        )
    if (new.kind, new.contents) != (old.kind, old.contents):
        found.append(f"Samples: {old.kind} ({old.contents}) became {new.kind} ({new.contents}).")
    found += _of("Channel", _texts(old.channels), _texts(new.channels))
    labels = [{n: with_unit(n, unit) for n, unit in entry.labels.items()} for entry in (old, new)]
    found += _of("Label", *labels)
    splits = [
        {n: ", ".join(f"{p} {c:,}" for p, c in parts.items()) for n, parts in entry.splits.items()}
        for entry in (old, new)
    ]
    found += _of("Split", *splits)
    for name in ("title", "licence", "citation"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            found.append(f"{name.capitalize()}: ‘{before or 'none'}’ became ‘{after or 'none'}’.")
    if new.description != old.description:
        found.append("Its description was rewritten.")
    if not found:
        found.append("Numbers changed, and nothing that the catalogue tells.")
    return found


def _texts(channels: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{channel} [{channel.unit}]" for name, channel in channels.items()}


def _of(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    found = [f"{what} {name} is new." for name in new if name not in old]
    found += [f"{what} {name} is gone." for name in old if name not in new]
    found += [
        f"{what} {name}: {old[name]} became {new[name]}."
        for name in new
        if name in old and old[name] != new[name]
    ]
    return found
