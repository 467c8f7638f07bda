"""What a registry offers: the part of ``datasets.dvc`` that xreg keeps, readable before any pull.

DVC leaves the section ``meta`` of a ``.dvc`` file to its users. There stands one entry for each
published version, so that one file, committed in one step, says what there is and which bytes it
is made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN, Metadata
from xreg.core.errors import CorruptError
from xreg.core.files import write_text
from xreg.core.paths import check_paths, confined
from xreg.core.settings_in_words import explain
from xreg.core.text import one_line
from xreg.registry.registries import CATALOGUE

__all__ = ["Catalogue", "ChannelEntry", "Entry", "load_untrusted", "version_key"]

LARGEST = 1 << 26  # bytes of a catalogue
DEEPEST = 64  # levels of nesting
MOST_VALUES = 2_000_000
LONGEST_NAME = 100
MERGE_MARKS = ("<<<<<<< ", ">>>>>>> ")
HASH = re.compile(r"[0-9a-f]{32}\.dir")


class ChannelEntry(BaseModel):
    """A channel in words: its grid in eV, or its target features."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: int
    low: float | None = None
    high: float | None = None
    unit: str = ""
    features: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_grid(self) -> Self:
        if not self.features and (self.low is None or self.high is None):
            raise ValueError("a channel has features, or a grid from 'low' to 'high'")
        return self

    def __str__(self) -> str:
        if self.features:
            return ", ".join(self.features)
        return f"{self.points} points, {self.low:g} … {self.high:g} eV"


class Entry(Metadata):
    """One published version of a dataset.

    Attributes
    ----------
    hash
        DVC's hash of the store's folder.
    size, files
        Bytes and files of the store.
    samples
        Number of samples.
    kind
        ``structures`` or ``parameters``.
    contents
        Elements of the structures, or names of the parameters with their units.
    channels, labels, splits
        Grids; units of labels; number of samples in each part of a split.
    """

    hash: str = Field(pattern=r"^[0-9a-f]{32}\.dir$")
    size: int = Field(ge=0, lt=1 << 62)
    files: int = Field(ge=0, lt=1 << 62)
    samples: int = Field(ge=0, lt=1 << 62)
    kind: str
    contents: str
    channels: dict[str, ChannelEntry]
    labels: dict[str, str] = Field(default_factory=dict)
    splits: dict[str, dict[str, int]] = Field(default_factory=dict)

    @property
    def reference(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def size_text(self) -> str:
        """Size for people."""
        return f"{self.size / 1e6:.1f} MB" if self.size >= 1e5 else f"{self.size / 1e3:.1f} kB"


class Catalogue:
    """The published datasets of one registry.

    Parameters
    ----------
    root
        Folder of the registry.

    Raises
    ------
    CorruptError
        If ``datasets.dvc`` is malformed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / CATALOGUE
        self.body = self._read()
        self.entries: dict[tuple[str, str], Entry] = {}
        for name, version, fields in self._items():
            try:
                entry = Entry(name=name, version=version, **fields)
            except (TypeError, ValidationError) as error:
                why = explain(error, Entry) if isinstance(error, ValidationError) else error
                raise CorruptError(f"{self.path}: {name} {version}: {why}.") from None
            self.entries[name, version] = entry
        check_paths([f"{name}/{version}.zarr" for name, version in self.entries], str(self.path))

    def _items(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield name, version and fields of each entry, names and versions checked."""
        datasets = _mapping(_mapping(self.body, "meta", self.path), "datasets", self.path)
        for name in datasets:
            _check(name, NAME_PATTERN, "name of a dataset", self.path)
            for version, fields in _mapping(datasets, name, self.path).items():
                _check(version, VERSION_PATTERN, "version of a dataset", self.path)
                if not isinstance(fields, dict) or not all(isinstance(k, str) for k in fields):
                    raise CorruptError(f"{self.path}: {name} {version} is no mapping of fields.")
                yield name, version, fields

    def _read(self) -> dict[str, Any]:
        confined(self.root, CATALOGUE, f"registry {self.root}")
        return load_untrusted(self.path) if self.path.is_file() else {}

    @property
    def folder_hash(self) -> str:
        """DVC's hash of the whole tracked folder."""
        try:
            found = self.body["outs"][0]["md5"]
        except (KeyError, IndexError, TypeError):
            found = None
        if not isinstance(found, str) or not HASH.fullmatch(found):
            raise CorruptError(f"{self.path} does not say which files it tracks.")
        return found

    def names(self) -> list[str]:
        """Names of the datasets, sorted."""
        return sorted({name for name, _ in self.entries})

    def versions(self, name: str) -> list[str]:
        """Versions of a dataset, oldest first."""
        return sorted((v for n, v in self.entries if n == name), key=version_key)

    def add(self, entry: Entry) -> None:
        """Write an entry into ``datasets.dvc``; the rest stays as DVC has it now."""
        self.body = self._read()
        datasets = self.body.setdefault("meta", {}).setdefault("datasets", {})
        fields = entry.model_dump(exclude={"name", "version"}, exclude_defaults=True)
        datasets.setdefault(entry.name, {})[entry.version] = fields
        self.entries[entry.name, entry.version] = entry
        text = yaml.safe_dump(self.body, sort_keys=False, allow_unicode=True, width=100)
        write_text(self.path, text)


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by."""
    return tuple(int(part) for part in version.split("."))


def load_untrusted(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file that a stranger may have written.

    Raises
    ------
    CorruptError
        If it is no YAML or no mapping, is left from a merge, or is made to fill the memory: too
        large, too deep, or multiplied by references.
    """
    if path.stat().st_size > LARGEST:
        raise CorruptError(f"{path} is larger than {LARGEST >> 20} MiB.")
    try:
        text = path.read_text(encoding="utf-8")
        _check_shape(text, path)
        body = yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError:
        raise CorruptError(f"{path} is not UTF-8.") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        merging = any(line.startswith(MERGE_MARKS) for line in text.splitlines())
        why = "it holds an unfinished merge" if merging else one_line(str(error).split("\n")[0])
        raise CorruptError(f"{path} is no YAML ({why}).") from None
    if not isinstance(body, dict):
        raise CorruptError(f"{path} is not what DVC writes.")
    return body


def _check_shape(text: str, path: Path) -> None:
    """Refuse bottomless nesting, and references by which a few lines grow to any size."""
    open_nodes = [0]  # number of values in each, references counted as what they stand for
    anchors: list[str | None] = [None]
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            open_nodes.append(1)
            anchors.append(event.anchor)
            if len(open_nodes) > DEEPEST:
                raise CorruptError(f"{path} is nested deeper than {DEEPEST} levels.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            size, anchor = open_nodes.pop(), anchors.pop()
            open_nodes[-1] += size
            if anchor is not None:
                sizes[anchor] = size
        elif isinstance(event, yaml.ScalarEvent):
            open_nodes[-1] += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise CorruptError(f"{path} holds a reference to what it is a part of.")
            open_nodes[-1] += sizes[event.anchor]
        if open_nodes[-1] > MOST_VALUES:
            raise CorruptError(f"{path} grows to more than {MOST_VALUES:,} values.")


def _mapping(body: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    """Return the mapping under a key; an empty one where there is none."""
    found = body.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise CorruptError(f"{path}: '{key}' is no mapping.")
    return found


def _check(text: object, pattern: str, what: str, path: Path) -> None:
    if isinstance(text, str) and len(text) <= LONGEST_NAME and re.fullmatch(pattern, text):
        return
    raise CorruptError(f"{path}: '{one_line(str(text)[:60])}' is no {what}.")


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
