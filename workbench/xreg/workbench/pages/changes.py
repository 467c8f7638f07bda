"""What changed from one version to the next, as far as the catalogue tells."""

from __future__ import annotations

from collections.abc import Mapping

from xreg.core.text import counted, with_unit
from xreg.registry.versions.entries import ChannelEntry, DatasetEntry, Entry, ModelEntry

__all__ = ["changes", "model_changes"]


def changes(old: DatasetEntry, new: DatasetEntry) -> list[str]:
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
    found += _of_card(old, new)
    return found or ["Numbers changed, and nothing that the catalogue tells."]


def model_changes(old: ModelEntry, new: ModelEntry) -> list[str]:
    """Return a sentence for each difference between two entries of a model."""
    found = ["The model is the same."] if new.hash == old.hash else []
    if new.data.reference != old.data.reference:
        found.append(f"Trained on {new.data.reference} in place of {old.data.reference}.")
    elif new.data.parts != old.data.parts:
        found.append("Trained on another split.")
    if new.channel != old.channel:
        found.append(f"Predicts {new.channel} in place of {old.channel}.")
    if new.domain != old.domain:
        found.append("Knows another domain.")
    named = [{c.kind: c.name for c in entry.components} for entry in (old, new)]
    found += _of("Method", *named)
    if not found and [c.settings for c in new.components] != [c.settings for c in old.components]:
        found.append("Settings of its methods differ.")
    scores = [
        {
            f"{m} ({part})": str(score)
            for part, all_ in e.scores.items()
            for m, score in all_.items()
        }
        for e in (old, new)
    ]
    found += _of("Score", *scores)
    found += _of_card(old, new)
    return found or ["Numbers changed, and nothing that the catalogue tells."]


def _of_card(old: Entry, new: Entry) -> list[str]:
    found = []
    for name in ("title", "licence", "citation", "limits"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            found.append(f"{name.capitalize()}: ‘{before or 'none'}’ became ‘{after or 'none'}’.")
    if new.description != old.description:
        found.append("Its description was rewritten.")
    return found


def _texts(channels: Mapping[str, ChannelEntry]) -> dict[str, str]:
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
