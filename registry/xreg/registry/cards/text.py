"""The card of a version as Markdown, for people who meet it on the pages of a git server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from xreg.core.errors import ConfigError
from xreg.core.text import counted, one_line, with_unit, without_credentials
from xreg.core.yaml_text import dump_yaml
from xreg.registry.cards.croissant import croissant_text
from xreg.registry.versions.entries import DatasetEntry, Entry, ModelEntry

__all__ = ["card_text", "escaped", "markdown"]

SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!&$])")
PARTS = ("train", "validation", "test")
LONGEST = 20_000
FORMAT = 1
"""Version of cards as data."""


def escaped(text: object) -> str:
    """Return foreign text as Markdown that shows it and does nothing: no link, no HTML, no line."""
    return SPECIAL.sub(r"\\\1", one_line(without_credentials(str(text))))


def markdown(entry: Entry) -> str:
    """Return a version's card as Markdown."""
    noun = entry.collection.noun
    lines = [
        f"# {escaped(entry.title or entry.name)}",
        "",
        f"{noun.capitalize()} `{entry.reference}`",
    ]
    if entry.withdrawn is not None:
        told = escaped(entry.withdrawn.reason)
        lines += ["", f"**Withdrawn on {entry.withdrawn.date}: {told}**"]
    for paragraph in entry.description.split("\n\n") if entry.description else ():
        lines += ["", escaped(" ".join(paragraph.split()))]
    sections = _of_dataset(entry) if isinstance(entry, DatasetEntry) else {}
    sections = _of_model(entry) if isinstance(entry, ModelEntry) else sections
    for title, rows in {**sections, **_of_any(entry)}.items():
        if rows:
            lines += ["", f"## {title}", "", *rows]
    return "\n".join(lines) + "\n"


def card_text(entry: Entry, form: str, place: str = "") -> str:
    """Return a version's card as ``markdown``, ``yaml``, ``json`` or, of a dataset, ``croissant``.

    Raises
    ------
    ConfigError
        If there is no such format for it.
    """
    dataset = isinstance(entry, DatasetEntry)
    if form == "markdown":
        return markdown(entry)
    if form == "croissant" and isinstance(entry, DatasetEntry):
        return croissant_text(entry, place)
    data = {
        "format": FORMAT,
        "kind": entry.collection.noun,
        **entry.model_dump(mode="json", exclude_defaults=True),
    }
    if form == "yaml":
        return dump_yaml(data)
    if form == "json":
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    known = ["markdown", "yaml", "json", *["croissant"] * dataset]
    raise ConfigError(f"there is no card format '{form}'; choose {', '.join(known)}.")


def _of_any(entry: Entry) -> dict[str, list[str]]:
    command = f"xreg {entry.collection.command} pull {entry.reference}"
    return {
        "Intended use": [escaped(entry.intended_use)] * bool(entry.intended_use),
        "Known limits": [escaped(entry.limits)] * bool(entry.limits),
        "Authors": [f"- {_author(author.name, author.orcid)}" for author in entry.authors],
        "Licence and citation": [
            *[f"Licence: {escaped(entry.licence)}"] * bool(entry.licence),
            *["", f"Please cite also: {escaped(entry.citation)}"] * bool(entry.citation),
            "",
            f"`xreg cite {entry.reference}` prints what to cite this version by.",
        ],
        "Files": [
            f"{entry.size_text} in {counted(entry.files, 'file')}, hash `{entry.hash}`"
            + (f", published {entry.published}." if entry.published else "."),
            "",
            f"    {command}",
        ],
    }


def _author(name: str, orcid: str) -> str:
    return f"[{escaped(name)}](https://orcid.org/{orcid})" if orcid else escaped(name)


def _of_dataset(entry: DatasetEntry) -> dict[str, list[str]]:
    contents = f" ({escaped(entry.contents)})" if entry.contents else ""
    channels = _table(
        ("channel", "grid", "unit"),
        ((name, str(c), c.unit) for name, c in entry.channels.items()),
    )
    splits = _table(
        ("split", *PARTS),
        ((name, *(parts.get(p, 0) for p in PARTS)) for name, parts in entry.splits.items()),
    )
    labels = [f"- {escaped(with_unit(name, unit))}" for name, unit in entry.labels.items()]
    return {
        "Samples": [f"{entry.samples:,} {escaped(entry.kind)}{contents}", "", *channels],
        "Labels": labels,
        "Splits": splits,
        "How it was made": _code(entry.provenance),
    }


def _of_model(entry: ModelEntry) -> dict[str, list[str]]:
    predicts = [f"Channel `{escaped(entry.channel)}`: {escaped(entry.predicts)}"]
    if entry.predicts.unit:
        predicts[0] += f", in {escaped(entry.predicts.unit)}"
    domain, data = entry.domain, entry.data
    knows = [f"Kind of samples: {escaped(domain.kind)}"]
    if domain.elements:
        knows += ["", f"Elements: {', '.join(map(escaped, domain.elements))}"]
    if domain.absorbers:
        knows += ["", f"Absorbing elements: {', '.join(map(escaped, domain.absorbers))}"]
    if domain.parameters:
        rows = ((k, p.unit, f"{p.low:.6g}", f"{p.high:.6g}") for k, p in domain.parameters.items())
        knows += ["", *_table(("parameter", "unit", "from", "to"), rows)]
    knows += ["", "Samples with other elements or absorbers are refused; what lies outside of the "
              "training samples otherwise is marked by `xreg predict`."]  # fmt: skip
    origin = (
        f"Dataset `{data.reference}`"
        + (f", hash `{data.hash}`" if data.hash else "")
        + (f", of {escaped(data.registry)}" if data.registry else "")
        + ("" if data.published else ", which is not published: a store given by its path")
    )
    if entry.parent is not None:
        own = entry.parent
        origin += f"; training began with the weights of `{escaped(own.model)}`, hash `{own.hash}`"
        origin += "" if own.published else ", which is not published"
    split = ", ".join(f"{count:,} {part}" for part, count in data.parts.items())
    trained = [origin, *(["", f"Samples: {split}"] if split else [])]
    if data.split:
        trained += ["", f"Split: {escaped(_in_words(data.split))}"]
    return {
        "What it predicts": predicts,
        "What it knows": knows,
        "Trained on": trained,
        "How good it is": [*_scores(entry), *_calibration(entry)],
        "Made of": _table(
            ("kind", "method", "distribution", "source"),
            (
                (c.kind, c.name, f"{c.distribution} {c.version}", c.code[:12])
                for c in entry.components
            ),
        ),
        "How it was made": _code(entry.provenance),
    }


def _scores(entry: ModelEntry) -> list[str]:
    measures = list(dict.fromkeys(m for scores in entry.scores.values() for m in scores))
    rows = [(p, *(s.get(m, "–") for m in measures)) for p, s in entry.scores.items()]
    runs = max((s.runs for scores in entry.scores.values() for s in scores.values()), default=1)
    note = ["", f"Mean ± standard deviation over {runs} runs that differ in split and seed."]
    return [*_table(("part", *measures), rows), *(note if runs > 1 else [])]


def _calibration(entry: ModelEntry) -> list[str]:
    return ["", escaped(entry.calibration)] if entry.calibration else []


def _table(head: tuple[str, ...], rows: Iterable[Iterable[object]]) -> list[str]:
    body = [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    if not body:
        return []
    return [f"| {' | '.join(map(escaped, head))} |", "|---" * len(head) + "|", *body]


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {json.dumps(v, ensure_ascii=False)}" for k, v in settings.items())


def _code(provenance: Mapping[str, Any]) -> list[str]:
    """Return provenance as a block of text that nothing in it can end."""
    if not provenance:
        return []
    text = json.dumps(provenance, indent=1, ensure_ascii=False)
    lines = [one_line(without_credentials(line)) for line in text.splitlines()]
    shown = "\n".join(lines)
    if len(shown) > LONGEST:
        return [f"{len(shown):,} characters; `xreg … show --format yaml` prints all of it."]
    return [f"    {line}" for line in lines]
