"""Registries as a site shows them: what they hold, and how a stranger reaches them."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xreg.core.errors import ConfigError, XregError
from xreg.core.files import folder_hash
from xreg.core.text import one_line
from xreg.registry import git
from xreg.registry.catalogue import Catalogue
from xreg.registry.finding import Found
from xreg.registry.pulling import cached, is_cached, kept_files, pull
from xreg.registry.registries import Registry, candidates, is_clone
from xreg.registry.versions.entries import Entry

__all__ = ["Place", "places"]

LONGEST = 60

log = logging.getLogger(__name__)

EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, eq=False)
class Place:
    """One registry.

    Attributes
    ----------
    registry, root
        The registry and its folder.
    title
        What the pages call it.
    url
        Where it is cloned from; empty where nothing says so. Never a folder of this machine.
    prefix
        Folder of its pages below the site, with a slash; empty where it is the only one.
    """

    registry: Registry
    root: Path
    title: str
    url: str
    prefix: str

    @property
    def option(self) -> str:
        """What makes a command look in this registry."""
        return f" --registry {shlex.quote(self.url)}" if self.url else ""

    def published(self, kind: type[EntryT]) -> dict[str, list[EntryT]]:
        """Return the entries of each dataset or model, oldest version first."""
        catalogue = Catalogue(self.root, kind)
        return {
            name: [catalogue.entries[name, version] for version in catalogue.versions(name)]
            for name in catalogue.names()
        }

    def page(self, entry: Entry) -> str:
        """Return where the page of a version stands."""
        return f"{self.prefix}{entry.collection.name}/{entry.name}/{entry.version}.html"

    def folder(self, entry: Entry, *, fetch: bool = False) -> Path | None:
        """Return where a version is on this machine: pulled, or in a publisher's own clone.

        None where it is not, and ``fetch`` does not ask for it.

        Raises
        ------
        XregError
            If it is there and is not what was published, or cannot be pulled.
        """
        there = cached(entry)
        if not is_cached(entry):
            beside = self.root / entry.collection.name / entry.path
            if not is_clone(self.root) and beside.is_dir() and folder_hash(beside) == entry.hash:
                return beside
            if not fetch:
                return None
            pull(Found(self.registry, self.root, entry))
        kept_files(entry)
        return there


def places(given: Sequence[str | Path] = ()) -> list[Place]:
    """Return the registries of a site.

    Parameters
    ----------
    given
        Configured names, folders or git URLs; the registry around the working folder, or those of
        the user's configuration, if none are given.

    Raises
    ------
    UnknownNameError
        If there is no such registry.
    """
    found = [r for place in given for r in candidates(place)] if given else candidates()
    several = len(found) > 1
    made: list[Place] = []
    for registry in found:
        try:
            root = registry.root(fresh=True)
        except XregError as error:
            if given or len(found) == 1:
                raise
            log.warning("registry %s is left out: %s", registry.name, error)
            continue
        url = git.plain_url(registry.location) if registry.remote else _origin(root)
        slug = re.sub(r"[^a-z0-9]+", "-", registry.name.lower()).strip("-")[:LONGEST] or "registry"
        prefix, number = f"{slug}/", 2
        while several and prefix in {place.prefix for place in made}:
            prefix, number = f"{slug}-{number}/", number + 1
        title = one_line(registry.name.rstrip("/").rpartition("/")[2].removesuffix(".git"))
        made.append(Place(registry, root, title, url, prefix if several else ""))
    return made


def _origin(root: Path) -> str:
    """Return the URL that a working copy was cloned from, if others can reach it too."""
    config = ConfigParser(strict=False, interpolation=None)
    try:
        config.read_string((root / ".git" / "config").read_text(encoding="utf-8"))
        url = config['remote "origin"']["url"]
        return git.plain_url(url) if git.is_url(url) and not url.startswith("file:") else ""
    except (OSError, UnicodeDecodeError, ConfigParserError, KeyError, ConfigError):
        return ""
