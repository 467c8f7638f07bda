"""Published versions of any kind, by name: found and listed without pulling any."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN
from xreg.core.errors import (
    ConfigError,
    DataError,
    UnknownNameError,
    XregError,
    did_you_mean,
)
from xreg.core.text import ascii_line, one_line
from xreg.registry.catalogue import Catalogue
from xreg.registry.registries import Registry, candidates
from xreg.registry.versions.entries import DatasetEntry, Entry, ModelEntry

__all__ = ["Found", "find", "find_either", "listed", "parse_reference", "warn_withdrawn"]

EntryT = TypeVar("EntryT", bound=Entry)

LONGEST = 200  # characters of name and version

log = logging.getLogger(__name__)
_told: set[str] = set()


@dataclass(frozen=True)
class Found(Generic[EntryT]):
    """A published version and the registry that has it."""

    registry: Registry
    root: Path
    entry: EntryT

    def renewed(self) -> Found[EntryT] | None:
        """Return the same version from a newer clone; None where there is none."""
        if not self.registry.remote:
            return None
        root = self.registry.root(fresh=True)
        if root == self.root:
            return None
        entry = Catalogue(root, type(self.entry)).entries.get((self.entry.name, self.entry.version))
        same = entry is not None and entry.hash == self.entry.hash
        return Found(self.registry, root, entry) if entry is not None and same else None


def parse_reference(
    text: str, version: str | None = None, noun: str = "dataset"
) -> tuple[str, str | None]:
    """Split ``name`` or ``name@version`` and refuse what could leave its folder.

    Raises
    ------
    DataError
        If name or version is malformed, or two versions are given.
    """
    name, at, stated = text.partition("@")
    if len(text) > LONGEST:
        raise DataError(f"'{text[:30]}…' is too long for the name of a {noun}.")
    if version and stated and version != stated:
        raise DataError(f"'{text}' and version {version} contradict each other; give one.")
    if at and name and not stated:
        raise DataError(
            f"'{ascii_line(text)}' says no version behind its @; leave the @ out for the newest."
        )
    version = version or stated or None
    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(
            f"'{ascii_line(name)}' is no name of a {noun}; names are of a-z, 0-9 and '-'."
        )
    if version is not None and not re.fullmatch(VERSION_PATTERN, version):
        raise DataError(
            f"'{ascii_line(version)}' is no version of a {noun}; versions are like 1.0.0."
        )
    return name, version


def find(
    kind: type[EntryT],
    text: str,
    version: str | None = None,
    registry: str | Path | None = None,
    *,
    fresh: bool = False,
) -> Found[EntryT]:
    """Return an entry: of the first registry that has it, the newest version that is not withdrawn.

    Parameters
    ----------
    kind
        Class of the entry.
    text
        ``name`` or ``name@version``.
    version
        Version, where ``text`` has none; the newest without it.
    registry
        Where to look (see :func:`xreg.registry.registries.candidates`).
    fresh
        Whether the clone of a URL is renewed in any case, as for news of a withdrawal; otherwise
        only where it lacks what is asked for.

    Raises
    ------
    UnknownNameError
        If no registry has the name or version; the message says what there is.
    """
    noun = kind.collection.noun
    name, version = parse_reference(text, version, noun)
    names: set[str] = set()
    versions: set[str] = set()
    for place in candidates(registry):
        # A clone that has the version asked for needs no look at its origin.
        for now in (False, True) if place.remote and version and not fresh else (True,):
            catalogue = _catalogue(kind, place, now, alone=registry is not None)
            if catalogue is None:
                continue
            entry = catalogue.entries.get((name, version)) if version else catalogue.newest(name)
            if entry is not None:
                return Found(place, catalogue.root, entry)
            names.update(catalogue.names())
            versions.update(catalogue.versions(name))
    if versions:
        raise UnknownNameError(
            f"{noun} '{name}' has no version {version}{did_you_mean(str(version), versions)}."
        )
    raise UnknownNameError(f"no {noun} '{name}'{did_you_mean(name, names)}.")


def listed(kind: type[EntryT], registry: str | Path | None = None) -> Iterator[Found[EntryT]]:
    """Yield everything published of a kind, registry by registry; pulls nothing."""
    for place in candidates(registry):
        catalogue = _catalogue(kind, place, fresh=True, alone=registry is not None)
        if catalogue is None:
            continue
        for name in catalogue.names():
            for version in catalogue.versions(name):
                yield Found(place, catalogue.root, catalogue.entries[name, version])


def _catalogue(
    kind: type[EntryT], place: Registry, fresh: bool, alone: bool
) -> Catalogue[EntryT] | None:
    """Return a registry's catalogue; one of several that cannot be reached is only told."""
    try:
        return Catalogue(place.root(fresh), kind)
    except (XregError, OSError) as error:
        if alone:
            raise
        log.warning("registry %s is left out: %s", place.name, error)
        return None


def warn_withdrawn(entry: Entry) -> None:
    """Warn, once a process, of a version that its authors have withdrawn."""
    if entry.withdrawn is None or entry.hash in _told:
        return
    _told.add(entry.hash)
    log.warning(
        "%s %s was withdrawn on %s: %s",
        entry.collection.noun,
        entry.reference,
        entry.withdrawn.date,
        one_line(entry.withdrawn.reason),
    )


KINDS: dict[str, type[Entry]] = {"dataset": DatasetEntry, "model": ModelEntry}


def find_either(
    reference: str, registry: str | Path | None = None, kind: str | None = None
) -> Found[Entry]:
    """Return the dataset or model of that name.

    Raises
    ------
    ConfigError
        If both have it and nothing says which is meant, or there is no such kind.
    UnknownNameError
        If there is neither.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"there is no kind '{kind}'; choose {' or '.join(KINDS)}.")
    found: list[Found[Entry]] = []
    reasons: list[str] = []
    for name, entries in KINDS.items():
        if kind in (None, name):
            try:
                found.append(find(entries, reference, None, registry))
            except UnknownNameError as error:
                reasons.append(str(error))
    if len(found) > 1:
        raise ConfigError(f"'{reference}' is a dataset and a model; say which (--of).")
    if not found:
        raise UnknownNameError(" ".join(dict.fromkeys(reasons)))
    return found[0]
