"""What a model is, in the words of a catalogue, and whether a catalogue says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from yaml import YAMLError

from xreg.core import storage
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.splits import PARTS
from xreg.core.errors import CorruptError
from xreg.core.yaml_text import load_yaml
from xreg.registry.versions.contents import require_said
from xreg.registry.versions.entries import (
    ChannelEntry,
    DomainEntry,
    ModelEntry,
    ParameterEntry,
    Score,
)
from xreg.registry.versions.run_files import Metrics, Summary, run_file

if TYPE_CHECKING:
    from xreg.core.model.domain import Domain

__all__ = ["CARD", "UNKNOWN", "domain_entry", "predicts_entry", "require_same_model", "scores_of"]

CARD = "card.yaml"
UNKNOWN = ("hash", "size", "files", "published", "withdrawn")
"""What only the finished folder has, and so cannot stand in it."""
MEASURES = {
    "r2": ("r2",),
    "rmse": ("rmse",),
    "median spectrum error (%)": ("spectrum_error", "median"),
}


def require_same_model(entry: ModelEntry, folder: Path) -> None:
    """Refuse a version of which its catalogue says something else than what was published.

    What a model predicts, what it may be asked and what it was trained on are compared with the
    model and its run; scores of a single run with those that it wrote; everything with the card
    that lies beside the model.

    Raises
    ------
    CorruptError
        With the first field that differs, and both.
    """
    require_said(entry, _of_model(folder / "model"), "the model")
    summary = run_file(folder / "summary.json", Summary)
    data = summary.get("dataset") or {}
    told = {key: data[key] for key in ("name", "version", "hash") if data.get(key)}
    require_said(entry.data, told, "its run", entry.reference, "data")
    if (folder / "metrics.json").is_file():
        own = scores_of([folder])
        for part, scores in entry.scores.items():
            single = {name: score.mean for name, score in scores.items() if score.runs == 1}
            ran = own.get(part, {})
            has = {name: ran[name].mean if name in ran else None for name in single}
            said = {part: single}
            if single != has:
                require_said({"scores": said}, {"scores": {part: has}}, "its run", entry.reference)
    if (folder / CARD).is_file():
        require_said(entry, _of_card(entry, folder / CARD), "its card")


def _of_model(folder: Path) -> dict[str, Any]:
    from xreg.core.model.saved import SavedModel
    from xreg.core.model.transfer.calibrated import BASE, KIND

    meta = storage.read_meta(folder)
    unit = meta.get("unit") if meta.get("kind") == KIND else None
    if meta.get("kind") == KIND:
        folder = folder / BASE
    meta, arrays = storage.read(folder)
    saved = SavedModel.of(meta, folder)
    target, energy = saved.target, arrays.get("energy")
    predicts = predicts_entry(energy, target.features, target.unit if unit is None else str(unit))
    domain = domain_entry(saved.known_domain(folder))
    return {"channel": target.channel, "predicts": predicts, "domain": domain}


def _of_card(entry: ModelEntry, file: Path) -> Mapping[str, Any]:
    """Return what a card says, as far as it is known when a folder is published."""
    try:
        card = load_yaml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError):
        raise CorruptError(f"{entry.reference}: its {file.name} cannot be read.") from None
    if not isinstance(card, dict):
        raise CorruptError(f"{entry.reference}: its {file.name} is no card.")
    fields = type(entry).model_fields.keys() - {*UNKNOWN, "name", "version"}
    said = entry.model_dump(mode="json", exclude_defaults=True)
    # What an older xreg wrote may lack fields; a catalogue has none of them then, either.
    keys = fields & (said.keys() | card.keys())
    plain = type(entry).model_validate(
        {**said, **{key: card[key] for key in keys if key in card}}
        | {key: type(entry).model_fields[key].get_default(call_default_factory=True)
           for key in keys if key not in card and not type(entry).model_fields[key].is_required()}
    )  # fmt: skip
    return {key: getattr(plain, key) for key in keys}


def predicts_entry(energy: NDArray[Any] | None, features: Sequence[str], unit: str) -> ChannelEntry:
    """Return what a model predicts in a catalogue's words: features where it has no energies."""
    if energy is None:
        return ChannelEntry(points=len(features), unit=unit, features=list(features))
    low, high = (float(energy[0]), float(energy[-1])) if len(energy) else (0.0, 0.0)
    return ChannelEntry(points=len(energy), low=low, high=high, unit=unit)


def domain_entry(domain: Domain) -> DomainEntry:
    """Return in the words of a catalogue what a model may be asked."""
    ranges = domain.ranges or ((float("-inf"), float("inf")),) * len(domain.parameters)
    return DomainEntry(
        kind=domain.kind,
        elements=[SYMBOLS[number] for number in domain.elements],
        absorbers=[SYMBOLS[number] for number in domain.absorbers],
        parameters={
            name: ParameterEntry(unit=unit, low=low, high=high)
            for name, unit, (low, high) in zip(domain.parameters, domain.units, ranges, strict=True)
        },
    )


def scores_of(runs: Sequence[Path]) -> dict[str, dict[str, Score]]:
    """Return the scores of runs of one recipe, by part and name."""
    metrics = [run_file(run / "metrics.json", Metrics) for run in runs]
    found: dict[str, dict[str, Score]] = {}
    for part in PARTS:
        for name, keys in MEASURES.items():
            values = [_value(one.get(part), keys) for one in metrics]
            known = [value for value in values if value is not None]
            if not known or len(known) < len(values):
                continue
            several = len(known) > 1
            found.setdefault(part, {})[name] = Score(
                mean=float(np.mean(known)),
                spread=float(np.std(known, ddof=1)) if several else None,
                runs=len(known),
            )
    return found


def _value(scores: Any, keys: Sequence[str]) -> float | None:
    for key in keys:
        scores = scores.get(key) if isinstance(scores, Mapping) else None
    known = isinstance(scores, int | float) and not isinstance(scores, bool)
    return float(scores) if known and np.isfinite(scores) else None
