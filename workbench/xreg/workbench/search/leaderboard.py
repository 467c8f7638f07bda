"""The leaderboard: results of searches under the same rules, in one table for each benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from xreg.core.config import Exact
from xreg.core.errors import CorruptError, DataError
from xreg.core.files import read_file, readable
from xreg.core.run import require_format
from xreg.core.storage import canonical_json, digest, parse_json
from xreg.core.text import counted

__all__ = ["Benchmark", "Entry", "leaderboard", "markdown"]

RESULTS = "results.json"

Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f|]*$", max_length=200)]
"""Text of a cell: one line that neither steers a terminal nor breaks a table."""


class _Part(Exact):
    """Part of the file; keys that the table does not need are kept as they are."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class _Named(_Part):
    name: Line


class _Data(_Named):
    version: Line


class _Target(_Part):
    channel: Line
    moments: Any = None


class _Folds(_Part):
    count: int
    repeats: int = 1
    group: Line | None = None


class _Split(_Part):
    name: Line | None = None
    fractions: tuple[float, float, float] | None = None
    counts: tuple[int, int, int] | None = None
    parts: Line | None = None


class _Rules(_Part):
    dataset: _Data
    target: _Target
    folds: _Folds
    split: _Split
    budget: float
    seeds: int


class _Family(_Part):
    label: Line
    plugin: Line
    score: float | None
    fold_spread: float | None
    seed_spread: float | None = None
    test: float | None = None
    candidates: int
    seconds: float
    emulator: _Named | None = None
    decomposer: _Named | None = None

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if self.score is not None and not (self.emulator or self.decomposer):
            raise ValueError("names neither emulator nor decomposer")
        return self

    @property
    def judged(self) -> tuple[str, float] | None:
        """Name and score of its best model; None where no candidate has a score."""
        model = self.decomposer or self.emulator
        return None if model is None or self.score is None else (model.name, self.score)


class _Results(_Part):
    benchmark: Line
    rules: _Rules
    families: list[_Family]


@dataclass(frozen=True)
class Entry:
    """One family; attributes as of :class:`xreg.workbench.search.ranking.FamilyResult`.

    Attributes
    ----------
    model
        Name of its emulator, or of the decomposer judged in place of one.
    """

    label: str
    model: str
    plugin: str
    score: float
    fold_spread: float
    seed_spread: float | None
    test: float | None
    candidates: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Searches that share dataset, target, split, folds and budget.

    Attributes
    ----------
    key
        Hash of these rules.
    rules
        The rules as the searches' recipes state them.
    entries
        The families, best first.
    """

    key: str
    rules: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Dataset, version and what is predicted."""
        data, target = self.rules["dataset"], self.rules["target"]
        what = f"moments of {target['channel']}" if target["moments"] else target["channel"]
        return f"{data['name']} {data['version']}, {what}"

    @property
    def conditions(self) -> str:
        """The rules in a sentence."""
        folds, split = self.rules["folds"], self.rules["split"]
        grouped = f", groups by {folds['group']}" if folds["group"] else ""
        repeated = f", {folds['repeats']} times" if folds["repeats"] > 1 else ""
        how = f"by {split['parts']}"
        if split["fractions"]:
            how = f"{' / '.join(f'{100 * share:g}' for share in split['fractions'])} %"
        elif split["counts"]:
            how = " / ".join(f"{count:,}" for count in split["counts"])
        named = f"split '{split['name']}'" if split["name"] else f"split {how}"
        return (
            f"{folds['count']}-fold cross-validation{repeated}{grouped}; {named}; "
            f"{self.rules['budget']:g} s of processor time for each family; "
            f"{counted(self.rules['seeds'], 'seed')} for each winner."
        )


def leaderboard(places: Iterable[Path]) -> list[Benchmark]:
    """Collect results of searches.

    Parameters
    ----------
    places
        Folders of searches, or their ``results.json`` under any name.

    Returns
    -------
    list of Benchmark
        By title. Where two searches of one benchmark have a family of one label, model and
        plugin version, the one judged on more candidates stands.

    Raises
    ------
    DataError
        If a place holds no results of a search.
    """
    benchmarks: dict[str, Benchmark] = {}
    for place in places:
        content = _read(place / RESULTS if place.is_dir() else place)
        rules = content.rules.model_dump()
        benchmark = benchmarks.setdefault(content.benchmark, Benchmark(content.benchmark, rules))
        for found in content.families:
            if found.judged is None:
                continue
            model, score = found.judged
            entry = Entry(
                found.label,
                model,
                found.plugin,
                score,
                found.fold_spread or 0.0,
                found.seed_spread,
                found.test,
                found.candidates,
                found.seconds,
            )
            same = [e for e in benchmark.entries if _identity(e) == _identity(entry)]
            if not same:
                benchmark.entries.append(entry)
            elif entry.candidates > same[0].candidates:
                benchmark.entries[benchmark.entries.index(same[0])] = entry
    for benchmark in benchmarks.values():
        benchmark.entries.sort(key=lambda e: -e.score)
    return sorted(benchmarks.values(), key=lambda b: (b.title, b.key))


def _identity(entry: Entry) -> tuple[str, str, str]:
    return entry.label, entry.model, entry.plugin


def _read(path: Path) -> _Results:
    with readable(f"'{path}'"):
        text = read_file(path)
    try:
        content = parse_json(text, f"'{path}'")
    except CorruptError as error:
        raise CorruptError(f"'{path}' holds no results of a search: {error}") from None
    stated = content.pop("digest", None)
    if stated is not None and stated != digest(canonical_json(content)):
        raise CorruptError(f"'{path}' was changed after it was written; get it anew.")
    require_format(content.get("format"), f"'{path}'")
    if "contest" in content:  # of version 1
        content["benchmark"] = content.pop("contest")
    if not {"benchmark", "rules", "families"} <= set(content):
        raise DataError(f"'{path}' holds no results of a search; give its folder.")
    try:
        return _Results.model_validate(content)
    except ValidationError as error:
        item = error.errors()[0]
        where = ".".join(map(str, item["loc"]))
        raise CorruptError(f"'{path}': '{where}': {item['msg']}; the file is damaged.") from None


def markdown(benchmarks: Sequence[Benchmark]) -> str:
    """Return the tables in Markdown."""
    lines = []
    for benchmark in benchmarks:
        lines += [f"## {benchmark.title}", "", benchmark.conditions, ""]
        heads = ["", "family", "model", "R²", "± folds", "± seeds", "test R²", "candidates",
                 "time (s)", "plugin"]  # fmt: skip
        lines += ["| " + " | ".join(heads) + " |", "|---:|---|---|" + "---:|" * 6 + "---|"]
        for place, e in enumerate(benchmark.entries, 1):
            spread, test = ("–" if v is None else f"{v:.4f}" for v in (e.seed_spread, e.test))
            cells = [str(place), f"`{e.label}`", f"`{e.model}`", f"{e.score:.4f}",
                     f"{e.fold_spread:.4f}", spread, test, str(e.candidates),
                     f"{e.seconds:.0f}", e.plugin]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
        lines += ["", f"Benchmark `{benchmark.key}`.", ""]
    return "\n".join(lines)
