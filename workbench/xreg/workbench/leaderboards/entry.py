"""Rows of a leaderboard: who scored what on a task, with which code, and how to do it again.

A row is one JSON file of the form of a search's ``results.json`` with one family, and what it takes
to verify it beside.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from xreg.core.config import Exact
from xreg.core.errors import CorruptError, DataError, XregError
from xreg.core.files import read_file, readable, write_text
from xreg.core.paths import confined
from xreg.core.run import require_format
from xreg.core.storage import canonical_json, digest, parse_json
from xreg.core.text import one_line
from xreg.registry.registries import Registry

__all__ = ["FOLDER", "Row", "Source", "read_row", "rows_of", "write_row"]

FOLDER = "leaderboards"
MOST_BYTES = 1_000_000
ROUNDING = 1e-6

Line = Annotated[str, Field(pattern=r"^[^\p{C}|]*$", max_length=200)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]
Scores = Annotated[list[list[float]], Field(min_length=1, max_length=100)]


class _Closed(Exact):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Source(_Closed):
    """A component that the row comes from, and the code of it."""

    kind: Line
    name: Line
    plugin: Line
    distribution: Line
    version: Line
    code: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of {self.distribution} {self.version}"


class Family(_Closed):
    """The winner of the family: as :class:`xreg.workbench.search.ranking.FamilyResult`."""

    label: Name
    descriptor: dict[str, Any] | None
    emulator: dict[str, Any] | None
    decomposer: dict[str, Any] | None
    plugin: Line
    candidates: Annotated[int, Field(ge=1)]
    failed: Annotated[int, Field(ge=0)]
    failure: Annotated[str, Field(max_length=2000)] = ""
    done: bool
    seconds: Annotated[float, Field(ge=0)]
    score: Annotated[float, Field(le=1)]
    fold_spread: Annotated[float, Field(ge=0)]
    seed_spread: Annotated[float, Field(ge=0)] | None
    test: Annotated[float, Field(le=1)] | None


class Row(_Closed):
    """A row of a leaderboard.

    Attributes
    ----------
    format, benchmark, xreg, rules, emulator, families
        As in a search's ``results.json``; one family.
    task, task_digest
        The task, and the hash of its rules.
    scores
        Covered variance by seed and fold.
    sources
        Every plugin that takes part, with the hash of its code: whom to credit.
    machine
        Where it was computed.
    signed_off_by
        Who says that the search was made as the task asks.
    """

    format: int
    benchmark: Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")]
    xreg: Line
    rules: dict[str, Any]
    emulator: Line
    families: Annotated[list[Family], Field(min_length=1, max_length=1)]
    task: Name
    task_digest: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    scores: Scores
    sources: Annotated[list[Source], Field(min_length=1, max_length=20)]
    machine: dict[str, Any]
    submitted: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    signed_off_by: Annotated[
        str, Field(pattern=r"^[^\p{C}|]*[^\p{C}|\s][^\p{C}|]*$", max_length=200)
    ]

    @property
    def family(self) -> Family:
        """The only family."""
        return self.families[0]

    @property
    def name(self) -> str:
        """Name of its file: the family, and a hash of all that the row says."""
        return f"{self.family.label}-{digest(canonical_json(self.model_dump(mode='json')))[:12]}"

    @property
    def tolerance(self) -> float:
        """How far a repetition may be off: the spread over seeds, or over folds of one seed.

        Where all seeds gave the same, as much as other processors round otherwise.
        """
        seeds = self.family.seed_spread
        return self.family.fold_spread if seeds is None else max(seeds, ROUNDING)

    @property
    def credit(self) -> str:
        """Every distribution that takes part."""
        return ", ".join(
            dict.fromkeys(f"{s.distribution} {s.version}".rstrip() for s in self.sources)
        )


def write_row(folder: Path, row: Row) -> Path:
    """Write a row into the folder of its task; the same row twice is one file."""
    body = json.loads(row.model_dump_json())
    body["digest"] = digest(canonical_json(body))
    path = folder / f"{row.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    return path


def read_row(path: Path) -> Row:
    """Read a row.

    Raises
    ------
    DataError
        If it is none, or was changed after it was written.
    """
    what = f"the row '{path.name}'"
    with readable(what):
        content = read_file(path, MOST_BYTES)
    body = parse_json(content, what)
    if body.pop("digest", None) != digest(canonical_json(body)):
        raise CorruptError(f"{what} was changed after it was written; get it anew.")
    require_format(body.get("format"), what)
    try:
        row = Row.model_validate(body)
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": ""}
        where = ".".join(map(str, first["loc"]))
        raise CorruptError(f"{what}: '{where}': {first['msg']}; the file is damaged.") from None
    mean = float(np.mean([value for seed in row.scores for value in seed]))
    if not np.isclose(mean, row.family.score, rtol=1e-9, atol=1e-12):
        raise CorruptError(f"{what} states R² {row.family.score:.6f}, its scores give {mean:.6f}.")
    if row.name != path.stem:
        raise CorruptError(f"{what} should be called '{row.name}.json'; it was renamed or changed.")
    return row


def rows_of(registry: Registry, task: str) -> tuple[list[Row], list[str]]:
    """Return the rows of a task in a registry, the best first, and what is wrong with others."""
    root = registry.root()
    folder = root / FOLDER / task
    rows, faults = [], []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            confined(root, path.relative_to(root).as_posix(), f"registry {registry}")
            row = read_row(path)
            if row.task != task:
                raise DataError(f"the row '{path.name}' is of the task '{row.task}'.")
            rows.append(row)
        except XregError as error:
            faults.append(one_line(str(error)))
    return sorted(rows, key=lambda row: (-row.family.score, row.name)), faults
