"""What a stranger would meet in a registry, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xreg.core.errors import XregError
from xreg.core.text import counted, one_line, without_credentials
from xreg.registry import worktree
from xreg.registry.cards.citation import licence_fault
from xreg.registry.cards.files import card_folder
from xreg.registry.catalogue import Catalogue
from xreg.registry.dvc import Objects
from xreg.registry.finding import Found
from xreg.registry.pulling import files_of
from xreg.registry.registries import Registry
from xreg.registry.remotes import CONFIG, read_remote
from xreg.registry.versions.entries import DatasetEntry, Entry, ModelEntry

__all__ = ["Finding", "inspect"]

SECRET = re.compile(
    r"(?im)^\s*(?P<key>password|token|secret\w*|\w*access_key\w*|\w*account_key|sas_token|"
    r"connection_string|client_secret|custom_auth_header|passphrase)\s*="
)
SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that a stranger would meet.

    Attributes
    ----------
    text
        A sentence.
    severe
        Whether something cannot be had, is not safe or may not be used; else it is advice.
    """

    text: str
    severe: bool = True


def inspect(registry: Registry) -> Iterator[Finding]:
    """Yield what a stranger would meet who clones a registry, worst first within each part.

    Looked at are git, the remote, what each version states, and whether each object is there;
    whether it is undamaged, `xreg data verify` and `xreg models verify` say.
    """
    root = registry.root(fresh=True)
    yield from _credentials(root)
    reachable = True
    for finding in _remote(root):
        reachable = False
        yield finding
    for kind in (DatasetEntry, ModelEntry):
        yield from _versions(registry, root, kind, reachable)
    if not registry.remote:
        yield from _git(root)
    if not any(path.name.lower().startswith("readme") for path in root.iterdir()):
        yield Finding("there is no README, so visitors do not learn what this is.", severe=False)


def _credentials(root: Path) -> Iterator[Finding]:
    path = root / CONFIG
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for found in SECRET.finditer(text):
        yield Finding(
            f"{CONFIG} holds a credential ('{found['key']}'), which everybody who clones it gets; "
            "change it where it is valid, and keep the new one by `dvc remote modify --global`."
        )
    if without_credentials(text) != text and not SECRET.search(text):
        yield Finding(f"a URL in {CONFIG} holds a credential; change it where it is valid.")


def _remote(root: Path) -> Iterator[Finding]:
    try:
        remote = read_remote(root, cloned=False)
    except XregError as error:
        yield Finding(str(error))
        return
    if remote is None:
        yield Finding("it has no remote, so whoever clones it gets no data.")
    elif remote.folder is not None and not remote.inside:
        yield Finding(
            f"its remote '{remote.name}' is the folder '{remote.folder}', outside of the "
            "repository, which nobody reaches who clones it."
        )


def _versions(
    registry: Registry, root: Path, kind: type[Entry], reachable: bool
) -> Iterator[Finding]:
    collection = kind.collection
    try:
        catalogue = Catalogue(root, kind)
    except XregError as error:
        yield Finding(str(error))
        return
    if not catalogue.entries:
        yield Finding(f"no {collection.noun} is published.", severe=False)
    for entry in catalogue.entries.values():
        what = f"{collection.noun} {entry.reference}"
        yield from _statements(root, entry, what)
        yield from _objects(Found(registry, root, entry), what, reachable)


def _statements(root: Path, entry: Entry, what: str) -> Iterator[Finding]:
    if not entry.licence:
        yield Finding(f"{what} states no licence, so nobody may use it.")
    elif fault := licence_fault(entry.licence):
        yield Finding(f"{what}: {fault}.", severe=False)
    if not entry.authors:
        yield Finding(f"{what} names no authors, so nobody can cite them.", severe=False)
    if not (root / card_folder(entry) / "README.md").is_file():
        yield Finding(f"{what} has no card ({card_folder(entry)}/README.md).", severe=False)


def _objects(found: Found[Entry], what: str, reachable: bool) -> Iterator[Finding]:
    try:
        objects = Objects(found.root)
        files = files_of(objects, found)
        missing = [name for name, md5 in files.items() if not objects.has(md5)]
    except XregError as error:
        if reachable:
            yield Finding(f"{what}: {error}")
        return
    if missing:
        names = ", ".join(map(one_line, missing[:SHOWN])) + (" …" if len(missing) > SHOWN else "")
        yield Finding(
            f"{what} lacks {counted(len(missing), 'object')} in {objects.main.label} ({names})."
        )


def _git(root: Path) -> Iterator[Finding]:
    if not worktree.has_work_tree(root):
        yield Finding("it is no git repository, so nobody can clone it.")
        return
    if changed := worktree.uncommitted(root):
        names = ", ".join(map(one_line, changed[:SHOWN])) + (" …" if len(changed) > SHOWN else "")
        yield Finding(f"{counted(len(changed), 'change')} not committed ({names}).")
    ahead = worktree.unpushed(root)
    if ahead:
        yield Finding(f"{counted(ahead, 'commit')} not pushed, so nobody else has them.")
    elif ahead is None:
        yield Finding(
            "its branch follows none on a server that git knows by name (git remote add), so it is "
            "not known whether anybody else has it.",
            severe=False,
        )
