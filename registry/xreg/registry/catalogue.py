"""What a registry offers: the part of ``datasets.dvc`` that xreg keeps, readable before any pull.

DVC leaves the section ``meta`` of a ``.dvc`` file to its users. There stands one entry for each
published version, so that one file, committed in one step, says what there is and which bytes it
is made of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xreg.core.dataset import Metadata
from xreg.core.errors import CorruptError
from xreg.core.settings_in_words import explain
from xreg.registry.files import write_text
from xreg.registry.registries import CATALOGUE

__all__ = ["Catalogue", "ChannelEntry", "Entry", "version_key"]


class ChannelEntry(BaseModel):
    """A channel in words: its grid in eV, or its target features."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: int
    low: float | None = None
    high: float | None = None
    unit: str = ""
    features: list[str] = Field(default_factory=list)

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
    size: int
    files: int
    samples: int
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
        for name, versions in ((self.body.get("meta") or {}).get("datasets") or {}).items():
            for version, fields in versions.items():
                try:
                    entry = Entry(name=name, version=version, **fields)
                except (TypeError, ValidationError) as error:
                    why = explain(error, Entry) if isinstance(error, ValidationError) else error
                    raise CorruptError(f"{self.path}: {name} {version}: {why}.") from None
                self.entries[name, version] = entry

    def _read(self) -> dict[str, Any]:
        if not self.path.is_file():
            return {}
        try:
            body = yaml.load(self.path.read_text(encoding="utf-8"), Loader=_Loader)
        except yaml.YAMLError as error:
            raise CorruptError(f"{self.path} is no YAML ({str(error).splitlines()[0]}).") from None
        if not isinstance(body, dict):
            raise CorruptError(f"{self.path} is not what DVC writes.")
        return body

    @property
    def folder_hash(self) -> str:
        """DVC's hash of the whole tracked folder."""
        try:
            return str(self.body["outs"][0]["md5"])
        except (KeyError, IndexError, TypeError):
            raise CorruptError(f"{self.path} does not say which files it tracks.") from None

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


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
