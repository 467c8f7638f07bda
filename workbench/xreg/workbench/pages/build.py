"""Builds the site of one or several registries."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xreg.core import progress
from xreg.core.errors import XregError
from xreg.core.text import counted
from xreg.registry.versions.entries import DatasetEntry, ModelEntry
from xreg.workbench.pages.datasets import write_datasets
from xreg.workbench.pages.leaderboards import write_leaderboards
from xreg.workbench.pages.models import write_models
from xreg.workbench.pages.places import Place, places
from xreg.workbench.pages.plugins import write_plugins
from xreg.workbench.pages.sections import Part, SearchEntry
from xreg.workbench.pages.writer import ROOM, SiteWriter
from xreg.workbench.web.html import json_text, resource, sound

__all__ = ["Built", "build_pages"]

WEB = "xreg.workbench.web"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes
    ----------
    folder
        The site.
    files, changed
        Number of its files, and of those that were written anew.
    parts
        What it shows.
    """

    folder: Path
    files: int
    changed: int
    parts: Sequence[Part]

    def __str__(self) -> str:
        told = ", ".join(f"{part.count:,} {part.name.lower()}" for part in self.parts)
        return f"{self.folder}: {told}; {counted(self.files, 'file')}, {self.changed:,} written."


def build_pages(
    registries: Sequence[str | Path],
    out: Path,
    *,
    results: Sequence[Path] = (),
    fetch: bool = False,
    explore: bool = False,
    title: str = "",
) -> Built:
    """Write a site that needs no server.

    Parameters
    ----------
    registries
        Configured names, folders or git URLs (see :func:`xreg.workbench.pages.places.places`).
    out
        Folder of the site: new, empty, or a site to bring up to date.
    results
        Folders of searches, or their ``results.json``, for leaderboards beside the tasks that the
        registries publish.
    fetch
        Whether datasets that are not on this machine are pulled.
    explore
        Whether the newest version of each dataset on this machine has an explorer.
    title
        Heading of the site; the name of the registry if not given.

    Raises
    ------
    XregError
        If a registry cannot be read, or ``out`` holds something else.
    """
    found = _readable(places(registries))
    own = found[0].title if len(found) == 1 else counted(len(found), "registry", "registries")
    writer = SiteWriter(out, {"site": title or own, "sections": _sections(found)})
    parts = []
    for place in progress.track(found, "pages", len(found)):
        parts.append(_named(write_datasets(writer, place, fetch=fetch, explore=explore), place))
        parts.append(_named(write_models(writer, place, fetch=fetch), place))
    parts.append(write_plugins(writer))
    parts.append(write_leaderboards(writer, found, results))
    writer.page("index.html", "index", places=found, parts=parts)
    writer.text("search.js", _search([entry for part in parts for entry in part.search]))
    for room, name in ((WEB, "look.css"), (WEB, "theme.js"), (ROOM, "site.css"), (ROOM, "site.js")):
        writer.text(f"assets/{name}", resource(room, name))
    writer.finish()
    return Built(out, len(writer.written), writer.changed, parts)


def _readable(found: Sequence[Place]) -> list[Place]:
    """Return the registries that can be read; a damaged one disables itself, not its neighbours."""
    kept = []
    for place in found:
        try:
            for kind in (DatasetEntry, ModelEntry):
                place.published(kind)
        except XregError as error:
            if len(found) == 1:
                raise
            log.warning("registry %s is left out: %s", place.title, error)
        else:
            kept.append(place)
    return kept


def _sections(found: Sequence[Place]) -> list[tuple[str, str]]:
    """Return what the head of each page leads to."""
    own = [(name, f"{place.prefix}{name.lower()}/index.html")
           for place in found for name in ("Datasets", "Models") if len(found) == 1]  # fmt: skip
    return [*own, ("Plugins", "plugins/index.html"), ("Leaderboards", "leaderboards/index.html")]


def _named(part: Part, place: Place) -> Part:
    """Return a part of one of several registries under the registry's name."""
    if not place.prefix:
        return part
    return replace(part, name=f"{part.name} of {place.title}")


def _search(entries: Sequence[SearchEntry]) -> str:
    """Return the script that the search box loads, once somebody uses it."""
    rows = [[sound(text) for text in (e.kind, e.name, e.title, e.path, e.words)] for e in entries]
    return f"xregSearch({json_text(rows)});\n"
