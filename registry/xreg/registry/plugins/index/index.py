"""Indexes: the bundled one, those of the user's configuration, and any folder or git URL."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xreg.core.errors import ConfigError, DataError, UnknownNameError, XregError
from xreg.core.paths import confined
from xreg.core.text import one_line
from xreg.registry import git
from xreg.registry.plugins.index.entry import Entry, read_entry
from xreg.registry.registries import cloned, config_file, configuration

__all__ = ["FOLDER", "Index", "bundled", "indexes", "search"]

FOLDER = "plugins"
MOST_ENTRIES = 20_000
BUNDLED = Path(__file__).parent / "bundled"
# Of a checkout; where xreg was installed from a wheel, the folders are not there.
CHECKOUT = Path(__file__).parents[5]

log = logging.getLogger(__name__)


@dataclass
class Index:
    """The entries of one index.

    Attributes
    ----------
    place
        Folder or git URL, for messages.
    root
        The folder of its repository.
    folder
        Where the entries lie.
    entries
        Those that are sound.
    faults
        What is wrong with the others, a sentence each.
    """

    place: str
    root: Path
    folder: Path
    entries: list[Entry] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def source_folder(self, entry: Entry) -> Path:
        """Return the folder of a plugin that lies in the index's own repository.

        Raises
        ------
        DataError
            If it is not there, or leads out of the repository.
        """
        confined(self.root, entry.source.folder, f"index {self.place}")
        folder = self.root / entry.source.folder
        if not (folder / "pyproject.toml").is_file():
            raise DataError(
                f"'{entry.distribution}' lies in the folder {entry.source.folder} of its index, "
                "which is not here; get the repository of the index, and install from that folder."
            )
        return folder


def open_index(place: str) -> Index:
    """Read the index in a folder or at a git URL; what is wrong with single entries is in it.

    Raises
    ------
    UnknownNameError
        If there is none.
    RunError
        If a URL cannot be reached.
    """
    if git.is_url(place):
        url = git.plain_url(place)
        root = cloned(url, "indexes", "index of plugins")
        return _read(url, root, root / FOLDER)
    root = Path(os.path.expanduser(place)).absolute()
    return _read(place, root, root / FOLDER)


def bundled() -> Index:
    """Return the index that comes with xreg: what its repository holds besides."""
    return _read("bundled", CHECKOUT, BUNDLED)


def indexes(places: Iterable[str] = ()) -> list[Index]:
    """Return the indexes to look in: the given ones, or the configured ones and the bundled one.

    Raises
    ------
    ConfigError
        If ``indexes`` of the user's configuration is no list.
    """
    given = list(places)
    if given:
        return [open_index(place) for place in given]
    known = configuration().get("indexes") or []
    if not (isinstance(known, list) and all(isinstance(place, str) for place in known)):
        raise ConfigError(f"{config_file()}: 'indexes' must be a list of folders or git URLs.")
    found = []
    for place in known:
        try:
            found.append(open_index(place))
        except XregError as error:  # a damaged index disables itself, not its neighbours
            log.warning("%s", error)
    return [*found, bundled()]


def search(
    found: Iterable[Index], words: Iterable[str] = (), kind: str | None = None
) -> list[tuple[Index, Entry]]:
    """Return the entries in which every word occurs, by name; of one kind where asked for."""
    wanted = [word.casefold() for word in words]
    hits = []
    for index in found:
        for entry in index.entries:
            listed = [one for one in entry.components if kind in (None, one.kind)]
            texts = [entry.distribution, entry.summary]
            texts += [f"{one.kind} {one.name} {one.summary}" for one in listed]
            text = " ".join(texts).casefold()
            if (listed or kind is None) and all(word in text for word in wanted):
                hits.append((index, entry))
    return sorted(hits, key=lambda hit: hit[1].normal)


def _read(place: str, root: Path, folder: Path) -> Index:
    if not folder.is_dir() or folder.is_symlink():
        raise UnknownNameError(
            f"'{one_line(place)}' is no index of plugins: it has no folder '{FOLDER}' of YAML "
            "files; `xreg plugins index new FOLDER` makes one."
        )
    index = Index(place, root, folder)
    files = sorted(file for file in folder.iterdir() if file.suffix in (".yaml", ".yml"))
    if len(files) > MOST_ENTRIES:
        raise DataError(f"the index '{one_line(place)}' has more than {MOST_ENTRIES} entries.")
    claimed: dict[tuple[str, str], str] = {}
    for file in files:
        try:
            if file.is_symlink() or not file.is_file():
                raise DataError(f"the entry '{file.name}' is no ordinary file.")
            entry = read_entry(file)
        except XregError as error:
            index.faults.append(one_line(str(error)))
            continue
        for one in entry.components:
            other = claimed.setdefault((one.kind, one.name), entry.distribution)
            if other != entry.distribution:
                index.faults.append(
                    f"{one.kind} '{one.name}' is claimed by '{other}' and '{entry.distribution}': "
                    "who has both installed can use neither, so one must choose another name."
                )
        index.entries.append(entry)
    return index
