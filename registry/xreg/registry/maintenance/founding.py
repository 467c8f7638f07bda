"""A new registry: a git repository, where its objects are kept, and a page for its visitors."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xreg.core.errors import ConfigError, CorruptError, RunError
from xreg.core.files import disk_errors, write_text
from xreg.core.text import one_line, without_credentials
from xreg.registry import worktree
from xreg.registry.cards.text import escaped
from xreg.registry.recording import begin
from xreg.registry.registries import has_records
from xreg.registry.remotes import NETWORK, read_remote
from xreg.registry.versions.entries import DatasetEntry, Entry, ModelEntry

__all__ = ["Founded", "found"]

INSIDE = "dvc-remote"
NAME = "storage"
CONFIG = """\
[core]
    remote = {name}
    analytics = false
['remote "{name}"']
    url = {url}
"""
KINDS: tuple[type[Entry], ...] = (DatasetEntry, ModelEntry)
README = """\
# {title}

Spectra and trained models at exact versions. This is a registry of
xreg: a git repository whose data are kept by
[DVC](https://dvc.org); `datasets.dvc` and `models.dvc` say what there is, `cards/` describes each
version.

    pip install xreg
    xreg data list --registry URL           # URL: where this repository is
    xreg data pull NAME@VERSION --registry URL
    xreg predict NAME@VERSION structures.xyz -o spectra.csv --registry URL
    xreg cite NAME@VERSION --registry URL

`xreg registry add lab URL` saves the option. Published versions never change; one that should not
be used any more is marked as withdrawn and stays.

## For maintainers

    xreg data publish STORE.zarr --author "Family, Given (ORCID)" --licence CC-BY-4.0
    xreg models publish RUN NAME@VERSION --card card.yaml
    xreg registry check                     # what a stranger would meet
"""


@dataclass(frozen=True)
class Founded:
    """A new registry.

    Attributes
    ----------
    root
        Its folder.
    remote
        Where its objects go, in words.
    committed
        Whether git has its first commit; else ``git commit`` does it, once git knows who commits.
    remarks
        What its maintainer must know.
    """

    root: Path
    remote: str
    committed: bool
    remarks: list[str]


def found(folder: str | Path, remote: str | None = None) -> Founded:
    """Make a registry that works, in a new or empty folder or in a git repository.

    Parameters
    ----------
    folder
        Where.
    remote
        Where its objects are kept: a folder, or a URL of s3, ssh, https, gs, azure or webdav; a
        folder in the repository itself if not given.

    Raises
    ------
    ConfigError
        If there is a registry already, or the place for its objects is none that xreg follows.
    RunError
        If that place cannot be written to.
    """
    root = Path(os.path.expanduser(folder)).absolute()
    if has_records(root) or (root / ".dvc").exists():
        raise ConfigError(f"{root} is a registry already (or has DVC in it).")
    if root.is_dir() and any(root.iterdir()) and not worktree.has_work_tree(root):
        raise ConfigError(f"{root} is neither empty nor a git repository; choose another folder.")
    fresh = not worktree.has_work_tree(root)
    url, words, remarks = _storage(remote)
    with disk_errors(f"making {root}"), _or_nothing(root):
        root.mkdir(parents=True, exist_ok=True)
        worktree.initialise(root)
        (root / ".dvc").mkdir()
        write_text(root / ".dvc" / ".gitignore", "/config.local\n/tmp\n/cache\n")
        write_text(root / ".dvc" / "config", CONFIG.format(name=NAME, url=url))
        try:
            read_remote(root, cloned=False)
        except (RunError, CorruptError) as error:  # it is what was asked for
            raise ConfigError(str(error)) from None
        for kind in KINDS:
            begin(root, kind, push=not url.lower().startswith(("http:", "https:")))
        if not (root / "README.md").exists():
            write_text(root / "README.md", README.format(title=escaped(root.name)))
    paths = [".dvc/.gitignore", ".dvc/config", ".gitignore", "README.md"]
    paths += [kind.collection.record for kind in KINDS]
    paths += [INSIDE] if remote is None else []
    try:
        worktree.commit(root, paths, "registry: begin")
        committed = True
    except RunError as error:
        committed = False
        remarks.append(f"{str(error).rstrip('.')}; commit {', '.join(paths)} yourself.")
    if fresh:
        remarks.append("push it to a git server, so that others can clone it.")
    return Founded(root, words, committed, remarks)


@contextmanager
def _or_nothing(root: Path) -> Iterator[None]:
    """Take away what was made, if the block fails; what was there before stays as it was."""
    before = set(os.listdir(root)) if root.is_dir() else None
    ignored = (root / ".gitignore").read_bytes() if (root / ".gitignore").is_file() else None
    try:
        yield
    except BaseException:
        for name in set(os.listdir(root)) - (before or set()) if root.is_dir() else ():
            path = root / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if ignored is not None:
            (root / ".gitignore").write_bytes(ignored)
        if before is None and root.is_dir():
            root.rmdir()
        raise


def _storage(remote: str | None) -> tuple[str, str, list[str]]:
    """Return the URL for DVC's configuration, the place in words, and remarks."""
    if remote is None:
        return f"../{INSIDE}", f"{INSIDE}/ in the repository", []
    if "\n" in remote or one_line(remote) != remote:
        raise ConfigError("the place for the objects has a control character in its name.")
    if not remote.strip():
        raise ConfigError(
            "the place for the objects has no name; leave --remote out to keep them in the "
            "repository, or give a folder or a URL such as s3://bucket/folder."
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", remote)
    short = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/?", remote)
    if scheme is None and short is not None and short[1].lower() in NETWORK:
        raise ConfigError(
            f"'{without_credentials(remote)}' is no URL; did you mean "
            f"'{without_credentials(f'{short[1]}://{remote[short.end() :]}')}'?"
        )
    if scheme is None or scheme[1].lower() == "file":
        place = Path(os.path.expanduser(re.sub(r"(?i)^file://", "", remote)))
        place = Path(os.path.abspath(place))
        if place.exists() and not place.is_dir():
            raise ConfigError(f"'{place}' is a file; name a folder for the objects.")
        _own(place)
        place.mkdir(parents=True, exist_ok=True)
        remark = (
            f"only this machine (and whoever mounts '{place}') reaches the objects; others need a "
            "server: s3, ssh, https."
        )
        return str(place), str(place), [remark]
    if scheme[1].lower() in ("http", "https"):
        remark = "an HTTP server is read; what is published must be put there by its owner."
        return remote, remote, [remark]
    return remote, remote, []


def _own(place: Path) -> None:
    """Require that the user's own DVC configuration has a folder, since writing there needs it."""
    from xreg.registry.remotes import user_remotes

    known = (str(conf.get("url", "")) for conf in user_remotes().values())
    if os.path.abspath(place) not in known:
        raise ConfigError(
            f"objects in '{place}', outside of the registry, are written only where your own DVC "
            f"configuration says so: `dvc remote add --global NAME {place}`."
        )
