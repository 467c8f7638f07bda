"""What a registry offers: the part of its ``.dvc`` files that xreg keeps, readable before any pull.

DVC leaves the section ``meta`` of a ``.dvc`` file to its users. There stands one entry for each
published version, so that one file, committed in one step, says what there is and which bytes it
is made of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import ValidationError

from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN
from xreg.core.errors import CorruptError
from xreg.core.files import write_text
from xreg.core.paths import check_paths, confined
from xreg.core.settings_in_words import explain
from xreg.core.text import ascii_line, one_line
from xreg.registry.versions.entries import Entry

__all__ = ["Catalogue", "load_untrusted", "version_key"]

EntryT = TypeVar("EntryT", bound=Entry)

FORMAT = 1
"""Version of the entries; without a number it is 1."""

LARGEST = 1 << 26  # bytes of a catalogue
DEEPEST = 64  # levels of nesting
MOST_VALUES = 2_000_000
LONGEST_NAME = 100
LFS = "version https://git-lfs"
MERGE_MARKS = ("<<<<<<< ", ">>>>>>> ")
HASH = re.compile(r"[0-9a-f]{32}\.dir")


class Catalogue(Generic[EntryT]):
    """The published versions of one kind in one registry.

    Raises
    ------
    CorruptError
        If the ``.dvc`` file is malformed, or of a later xreg.
    """

    def __init__(self, root: Path, kind: type[EntryT]) -> None:
        self.root = root
        self.kind = kind
        self.collection = kind.collection
        self.path = root / self.collection.record
        self.body = self._read()
        self.entries: dict[tuple[str, str], EntryT] = {}
        for name, version, fields in self._items():
            try:
                entry = kind(**{**fields, "name": name, "version": version})
            except (TypeError, ValidationError) as error:
                why = explain(error, kind) if isinstance(error, ValidationError) else error
                raise CorruptError(f"{self.path}: {name} {version}: {why}.") from None
            self.entries[name, version] = entry
        same = Counter((name, version_key(version)) for name, version in self.entries)
        for name, version in self.entries:
            if same[name, version_key(version)] > 1:
                raise CorruptError(f"{self.path}: {name} {version} stands there in two spellings.")
        check_paths([entry.path for entry in self.entries.values()], str(self.path))

    def _items(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield name, version and fields of each entry, names and versions checked."""
        meta = _mapping(self.body, "meta", self.path)
        stated = meta.get("format", FORMAT)
        if not isinstance(stated, int) or isinstance(stated, bool) or stated > FORMAT:
            raise CorruptError(
                f"{self.path} has format '{one_line(str(stated))[:20]}'; this xreg reads formats "
                f"up to {FORMAT}, so take the xreg that wrote it or a newer one."
            )
        noun = self.collection.noun
        known = _mapping(meta, self.collection.name, self.path)
        for name in known:
            _check(name, NAME_PATTERN, f"name of a {noun}", self.path)
            for version, fields in _mapping(known, name, self.path).items():
                _check(version, VERSION_PATTERN, f"version of a {noun}", self.path)
                if not isinstance(fields, dict) or not all(isinstance(k, str) for k in fields):
                    raise CorruptError(f"{self.path}: {name} {version} is no mapping of fields.")
                if odd := fields.keys() & {"name", "version"}:
                    raise CorruptError(
                        f"{self.path}: {name} {version} states its {min(odd)} twice."
                    )
                yield name, version, fields

    def _read(self) -> dict[str, Any]:
        confined(self.root, self.collection.record, f"registry {self.root}")
        return load_untrusted(self.path) if self.path.is_file() else {}

    @property
    def folder_hash(self) -> str:
        """DVC's hash of the whole tracked folder."""
        try:
            (found,) = [one["md5"] for one in self.body["outs"]
                        if one["path"] == self.collection.name]  # fmt: skip
        except (KeyError, TypeError, ValueError):
            found = None
        if not isinstance(found, str) or not HASH.fullmatch(found):
            raise CorruptError(f"{self.path} does not say which files it tracks.")
        return found

    def names(self) -> list[str]:
        """Names of what is published, sorted."""
        return sorted({name for name, _ in self.entries})

    def versions(self, name: str) -> list[str]:
        """Versions of one name, oldest first."""
        return sorted((v for n, v in self.entries if n == name), key=version_key)

    def newest(self, name: str) -> EntryT | None:
        """Return the newest version that is not withdrawn, else the newest of all, else None."""
        entries = [self.entries[name, version] for version in self.versions(name)]
        usable = [entry for entry in entries if entry.withdrawn is None]
        return (usable or entries)[-1] if entries else None

    def add(self, entry: EntryT) -> None:
        """Write an entry into the ``.dvc`` file; the rest stays as DVC has it now."""
        self.body = self._read()
        meta = self.body.setdefault("meta", {})
        known = meta.setdefault(self.collection.name, {})
        meta |= {"format": FORMAT}
        fields = entry.model_dump(mode="json", exclude={"name", "version"}, exclude_defaults=True)
        known.setdefault(entry.name, {})[entry.version] = fields
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
        if text.startswith(LFS):
            raise CorruptError(
                f"{path} is a pointer of Git LFS, not the file; fetch it by `git lfs pull`, or ask "
                "the registry's maintainers to keep it in git itself."
            )
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
        if tag := getattr(event, "tag", None):  # a loader may stumble over it
            raise CorruptError(f"{path} has the tag '{one_line(tag[:40])}'; DVC writes none.")
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
    raise CorruptError(f"{path}: '{ascii_line(str(text)[:60])}' is no {what}.")


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):
    """Refuses a key that stands twice, of which YAML keeps the last without a word."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := [key for key, count in Counter(keys).items() if count > 1]:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{one_line(twice[0][:40])}' stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)
